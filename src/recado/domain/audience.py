"""Audiences: whom a notification is for, and the short form people write them in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from recado.errors import InvalidAudience


@dataclass(frozen=True, slots=True)
class Conversation:
    """One conversation, by its reference's id or by the channel's own conversation id."""

    id: str


@dataclass(frozen=True, slots=True)
class Person:
    """One person, by channel user id, directory object id or e-mail.

    Spoken to in the private chat they were last seen in; never in a group.
    """

    id: str


@dataclass(frozen=True, slots=True)
class EveryConversation:
    """Every conversation known at the moment of acceptance; people are not de-duplicated."""


@dataclass(frozen=True, slots=True)
class Several:
    """The union of audiences; a conversation named twice gets one delivery."""

    of: tuple[Single, ...]


#: The forms there are, for those who wrote another.
FORMS = (
    "write conversation:<id>, user:<id, directory object id or e-mail>, "
    "bot://conversation/<id>, bot://user/<id> or all"
)

Single = Conversation | Person
Audience = Conversation | Person | EveryConversation | Several

_KINDS: dict[str, type[Conversation | Person]] = {
    "conversation": Conversation,
    "user": Person,
}


def parse_audience(text: str) -> Conversation | Person | EveryConversation:
    """Read the short form of an audience.

    Args:
        text: ``all``, ``conversation:<id>``, ``user:<id>``, or either as a URL,
            ``bot://conversation/<id>``, ``bot://user/<id>``. Ids may contain any character.

    Raises:
        InvalidAudience: the text has another form.
    """
    if text == "all":
        return EveryConversation()
    if text.startswith("bot://"):
        kind, _, name = text.removeprefix("bot://").partition("/")
    else:
        kind, _, name = text.partition(":")
    if kind not in _KINDS or not name or not usable(name):
        raise InvalidAudience(f"{text!r} is not an audience: {FORMS}.")
    return _KINDS[kind](name)


def usable(text: str) -> bool:
    """Whether every database can hold *text*: no NUL, no half of a surrogate pair."""
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:
        return False


def written(audience: Audience) -> list[str]:
    """An audience in its short forms, as it is stored."""
    match audience:
        case Conversation(id=name):
            return [f"conversation:{name}"]
        case Person(id=name):
            return [f"user:{name}"]
        case EveryConversation():
            return ["all"]
        case Several(of=parts):
            return [form for part in parts for form in written(part)]


def audience_of(audience: str | Audience | Sequence[str | Single]) -> Audience:
    """Read an audience in any of the forms callers write it in.

    Raises:
        InvalidAudience: it has none of these forms, names nobody, or names ``all`` among others.
    """
    if isinstance(audience, Sequence) and not isinstance(audience, str | bytes):
        audience = Several(tuple(cast("Sequence[Single]", audience)))
    if not isinstance(audience, Several):
        return _one(audience)
    parts = [_one(part) for part in audience.of]
    if not parts:
        raise InvalidAudience("The audience is empty: name at least one conversation or person.")
    if len(parts) == 1:
        return parts[0]
    singles = [part for part in parts if not isinstance(part, EveryConversation)]
    if len(singles) < len(parts):
        raise InvalidAudience("`all` includes everyone already: give it alone.")
    return Several(tuple(singles))


def _one(given: object) -> Conversation | Person | EveryConversation:
    match given:
        case str():
            return parse_audience(given)
        case EveryConversation():
            return given
        case Conversation(id=name) | Person(id=name) if usable(name):
            return given
    raise InvalidAudience(f"{given!r} is not an audience: {FORMS}.")

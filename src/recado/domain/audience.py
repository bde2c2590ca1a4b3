"""Audiences: whom a notification is for, and the short form people write them in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, cast

from recado.domain.filtering import Where, parse_where
from recado.domain.text import usable
from recado.domain.topic import folded
from recado.errors import InvalidAudience

__all__ = [
    "Audience",
    "Broadcast",
    "Conversation",
    "EveryConversation",
    "Everyone",
    "Members",
    "Person",
    "Several",
    "Single",
    "Subscribers",
    "Thread",
    "Where",
    "audience_of",
    "parse_audience",
    "usable",
    "written",
]


@dataclass(frozen=True, slots=True)
class Conversation:
    """One conversation, by its reference's id or by the channel's own conversation id.

    A thread of a Teams channel that is known is one too: ``<channel id>;messageid=<root>``.
    """

    id: str


@dataclass(frozen=True, slots=True)
class Person:
    """One person, by channel user id, directory object id or e-mail.

    Spoken to in the private chat they were last seen in; never in a group.
    """

    id: str


@dataclass(frozen=True, slots=True)
class Thread:
    """A new thread in a channel of a team, by the channel's conversation id or its reference's.

    Each notification begins another one; what follows in it goes to the conversation it makes.
    """

    channel_id: str


@dataclass(frozen=True, slots=True)
class EveryConversation:
    """Every conversation known at the moment of acceptance; people are not de-duplicated."""


@dataclass(frozen=True, slots=True)
class Everyone:
    """Everybody who was known at the moment of acceptance, once each.

    In the private chat they were last seen in; never in a group.
    """


@dataclass(frozen=True, slots=True)
class Members:
    """The people of a team or group, in private.

    By its conversation's id or its reference's. Those who are members at the moment of
    acceptance as far as Recado knows: they have spoken or been added there, or are on the roster
    that was read last. Those without a private chat are left out.
    """

    id: str


@dataclass(frozen=True, slots=True)
class Subscribers:
    """Everybody who subscribes to a topic at the moment of acceptance, once each.

    Groups as themselves; people in the private chat they prefer, or were last seen in.
    """

    topic: str


@dataclass(frozen=True, slots=True)
class Several:
    """The union of audiences; a conversation named twice gets one delivery."""

    of: tuple[Single, ...]


#: The forms there are, for those who wrote another.
FORMS: Final = (
    "write conversation:<id>, user:<id, directory object id or e-mail>, "
    "bot://conversation/<id>, bot://user/<id>, thread:<channel id>, members:<team or group id>, "
    "topic:<name>, "
    "where:<attribute>=<value>, everyone or all"
)

Single = Conversation | Person
#: Audiences that are frozen at acceptance and expanded afterwards.
Broadcast = EveryConversation | Everyone | Members | Subscribers | Where
#: Whatever a short form can mean.
One = Single | Thread | Broadcast
Audience = One | Several

_BY_ID: Final[dict[str, type[Conversation | Person | Thread | Members | Subscribers]]] = {
    "conversation": Conversation,
    "user": Person,
    "thread": Thread,
    "members": Members,
    "topic": Subscribers,
}
_WORDS: Final[dict[str, EveryConversation | Everyone]] = {
    "all": EveryConversation(),
    "everyone": Everyone(),
}


def parse_audience(text: str) -> One:
    """Read the short form of an audience.

    Args:
        text: ``all``, ``everyone``, ``conversation:<id>``, ``user:<id>``, ``thread:<id>``,
            ``members:<id>``, ``topic:<name>``, any of the latter as a URL such as
            ``bot://user/<id>``, or ``where:<conditions>`` (see
            :func:`recado.domain.filtering.parse_where`). Ids may contain any character.

    Raises:
        InvalidAudience: the text has another form.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text.startswith("where:"):
        return parse_where(text.removeprefix("where:"))
    if text.startswith("bot://"):
        kind, _, name = text.removeprefix("bot://").partition("/")
    else:
        kind, _, name = text.partition(":")
    if kind not in _BY_ID or not name or not usable(name):
        raise InvalidAudience(f"{text!r} is not an audience: {FORMS}.")
    return _BY_ID[kind](folded(name) if kind == "topic" else name)


def written(audience: Audience) -> list[str]:  # noqa: PLR0911 - a table reads best with one return a row
    """An audience in its short forms, as it is stored."""
    match audience:
        case Conversation(id=name):
            return [f"conversation:{name}"]
        case Person(id=name):
            return [f"user:{name}"]
        case Thread(channel_id=name):
            return [f"thread:{name}"]
        case Members(id=name):
            return [f"members:{name}"]
        case Subscribers(topic=name):
            return [f"topic:{name}"]
        case EveryConversation():
            return ["all"]
        case Everyone():
            return ["everyone"]
        case Where():
            return [f"where:{audience.short}"]
        case Several(of=parts):
            return [form for part in parts for form in written(part)]


def audience_of(audience: str | Audience | Sequence[str | Single]) -> Audience:
    """Read an audience in any of the forms callers write it in.

    Raises:
        InvalidAudience: it has none of these forms, names nobody, or names among others what has
            to stand alone.
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
    singles = [part for part in parts if isinstance(part, Conversation | Person)]
    if len(singles) < len(parts):
        alone = next(part for part in parts if not isinstance(part, Conversation | Person))
        raise InvalidAudience(f"`{written(alone)[0]}` cannot be one of several: give it alone.")
    return Several(tuple(singles))


def _one(given: object) -> One:
    match given:
        case str():
            return parse_audience(given)
        case EveryConversation() | Everyone() | Where():
            return given
        case (
            Conversation(id=name)
            | Person(id=name)
            | Members(id=name)
            | Subscribers(topic=name)
            | Thread(channel_id=name)
        ):
            if name and usable(name):
                return Subscribers(folded(name)) if isinstance(given, Subscribers) else given
    raise InvalidAudience(f"{given!r} is not an audience: {FORMS}.")

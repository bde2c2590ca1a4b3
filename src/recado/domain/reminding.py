"""What people say about reminders, and their numbers."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from recado.domain.words.tokens import fold

#: Keys of the schedules that are reminders begin with it.
_PREFIX: Final = "reminder"
_KEY: Final = re.compile(rf"{_PREFIX}:(\d{{1,9}}):.+", re.DOTALL)

_ASK: Final = re.compile(
    r"""
    (?:(?:please|pls|por\ favor|porfa|hey|hi|hello|hola)[\s,!]+)*
    (?:
        (?P<question>(?:can|could|will|would)\ you\ )?(?:please\ )?remind\ me
        | recuerdame | (?P<pregunta>(?:me\ )?(?:puedes|podrias)\ recordar(?:me)?)
    )
    (?![\w'\u2019])[\s,:]*(?P<rest>.*)
    """,
    re.VERBOSE | re.DOTALL,
)
_LIST: Final = re.compile(
    r"(?:(?:show|list)\s+)?(?:my\s+)?reminders|(?:(?:ver|muestra)\s+)?(?:mis\s+)?recordatorios"
)
_CANCEL: Final = re.compile(
    r"(?:cancel|cancela|cancelar)\s+(?P<named>(?:the\s+|el\s+)?(?:reminder|recordatorio)\s+)?"
    r"\#?(?P<number>[0-9]{1,9})"
)
_ZONE: Final = re.compile(
    r"(?:my\s+time\s?zone\s+is|set\s+my\s+time\s?zone\s+to|mi\s+zona\s+horaria\s+es)"
    r"[\s:]+(?P<zone>.+)"
)
_ASK_ZONE: Final = re.compile(
    r"(?:what\s+is\s+)?my\s+time\s?zone|(?:cual\s+es\s+)?mi\s+zona\s+horaria"
)
_ENDS: Final = " \t\n.!?\u00a1\u00bf"


@dataclass(frozen=True, slots=True)
class Ask:
    """Somebody wants to be reminded: when and of what is in the rest."""

    rest: str


@dataclass(frozen=True, slots=True)
class Listing:
    """Somebody wants to see their reminders."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """Somebody wants something cancelled.

    Attributes:
        number: what.
        named: whether it was said to be a reminder; else it may be anything's number.
    """

    number: int
    named: bool


@dataclass(frozen=True, slots=True)
class SetZone:
    """Somebody says in which time zone they live."""

    name: str


@dataclass(frozen=True, slots=True)
class AskZone:
    """Somebody wants to know in which time zone they are thought to live."""


Command = Ask | Listing | Cancel | SetZone | AskZone


def command_of(said: str) -> Command | None:
    """What a message asks for, in English or Spanish; None if it is not about reminders."""
    said = unicodedata.normalize("NFC", said).strip().lstrip(_ENDS)
    if (found := _ASK.fullmatch(fold(said))) is not None:
        asked = found["question"] or found["pregunta"]
        return Ask(said[found.start("rest") :].rstrip(" ?" if asked else " "))
    said = said.rstrip(_ENDS)
    folded = fold(said)
    if _LIST.fullmatch(folded):
        return Listing()
    if (found := _CANCEL.fullmatch(folded)) is not None:
        return Cancel(int(found["number"]), named=found["named"] is not None)
    if (found := _ZONE.fullmatch(folded)) is not None:
        return SetZone(said[found.start("zone") :].strip())
    return AskZone() if _ASK_ZONE.fullmatch(folded) else None


# -- numbers ---------------------------------------------------------------------------------


class Keyed(Protocol):
    """What has a key and an id that sorts by when it was made."""

    @property
    def id(self) -> str: ...

    @property
    def key(self) -> str | None: ...


_T = TypeVar("_T", bound=Keyed)


def reminder_key(number: int, token: str) -> str:
    """The key of a reminder's schedule.

    Args:
        number: what its person calls it by.
        token: what tells it from all other reminders, for good.
    """
    return f"{_PREFIX}:{number}:{token}"


def token_of(key: str | None) -> str | None:
    """What tells a reminder from all others, by its key; None if it is no reminder's."""
    return key.split(":", 2)[2] if key is not None and _KEY.fullmatch(key) else None


def numbered(reminders: Iterable[_T]) -> dict[int, _T]:
    """A person's reminders in one conversation by their numbers; what is none is left out.

    Two that were made at the very same time may have been given one number: the later is the
    next free one then, for whoever asks.
    """
    found: dict[int, _T] = {}
    for each in sorted(reminders, key=lambda each: each.id):
        matched = _KEY.fullmatch(each.key or "")
        if matched is not None:
            number = int(matched[1])
            while number in found:
                number += 1
            found[number] = each
    return dict(sorted(found.items()))


# -- words of a person, repeated -------------------------------------------------------------

#: What calls people where it stands at the beginning of a word, and what Slack calls them with.
_CALLS: Final = re.compile(r"(?<!\w)@(?=\w)|<(?=[!@#])")


def harmless(text: str) -> str:
    """A person's own words so that they look the same and call nobody in a group.

    A word joiner, which is not seen, stands behind each sign that would.
    """
    return _CALLS.sub(lambda found: f"{found.group()}\u2060", text)

"""What people say about being spoken to: ``stop``, ``mute 2h``, ``why did I get this?``.

Only messages that say nothing else are understood, so that nobody is silenced by "stop the press".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

from recado.domain.text import without_accents
from recado.domain.words import duration_of

Wish = Literal["stop", "start", "mute", "how_long", "why", "preferences", "which"]

#: What stands around words and does not change them; the last are curly quotation marks.
_AROUND: Final = " \t\n.,;:!?¡¿\"'`«»()…*_\u201c\u201d\u2018\u2019"

_STOP: Final = frozenset(
    {"stop", "stop all", "stop everything", "para", "para todo", "basta", "alto"}
)
_START: Final = frozenset({"resume", "reanuda", "reanudar"})
#: Bots have commands of this name, so it is only understood where something was stopped.
_MAYBE_START: Final = frozenset({"start", "empieza"})
_WHY: Final = frozenset(
    {
        "why did i get this",
        "why did i get this message",
        "why am i getting this",
        "por que recibo esto",
        "por que recibo este mensaje",
        "por que he recibido esto",
        "por que me llega esto",
    }
)
_PREFERENCES: Final = frozenset(
    {"preferences", "my preferences", "preferencias", "mis preferencias"}
)
_STOP_KIND: Final = ("stop", "para", "basta de", "basta")
_START_KIND: Final = ("resume", "start", "reanuda", "reanudar", "empieza")
_MUTE: Final = ("mute", "silencio", "silencia", "silenciar")


@dataclass(frozen=True, slots=True, kw_only=True)
class Understood:
    """What a message asks for.

    Attributes:
        wish: what; ``how_long`` for a silence without its length, ``which`` for a kind of message
            that there is not.
        category: of which kind of message; None for everything.
        length: of a silence.
        unless_nothing: whether it is no such wish where nothing was stopped.
        said: a word that was not understood.
    """

    wish: Wish
    category: str | None = None
    length: timedelta | None = None
    unless_nothing: bool = False
    said: str = ""


#: Messages that say all by themselves.
_WHOLE: Final[Mapping[str, Understood]] = {
    **dict.fromkeys(_STOP, Understood(wish="stop")),
    **dict.fromkeys(_START, Understood(wish="start")),
    **dict.fromkeys(_MAYBE_START, Understood(wish="start", unless_nothing=True)),
    **dict.fromkeys(_WHY, Understood(wish="why")),
    **dict.fromkeys(_PREFERENCES, Understood(wish="preferences")),
}


def understand(text: str, categories: Mapping[str, str]) -> Understood | None:
    """What a message asks for; None if it is about something else.

    Args:
        text: what a person said to the bot.
        categories: the kinds of messages there are, by the words for them as :func:`plain` has
            them.
    """
    words = plain(text)
    if (whole := _WHOLE.get(words)) is not None:
        return whole
    if (rest := _after(words, _MUTE)) is not None:
        return _muting(rest)
    if (rest := _after(words, _START_KIND)) is not None and rest in categories:
        return Understood(wish="start", category=categories[rest])
    return _stopping(words, categories)


def _stopping(words: str, categories: Mapping[str, str]) -> Understood | None:
    rest = _after(words, _STOP_KIND)
    if rest is not None and rest in categories:
        return Understood(wish="stop", category=categories[rest])
    if rest is not None and words.startswith("stop ") and len(rest.split()) == 1:
        return Understood(wish="which", said=rest)
    return None


def plain(text: str) -> str:
    """Words as they are compared: in small letters, without accents, blanks and points around."""
    words = (word.strip(_AROUND) for word in without_accents(text.casefold()).split())
    return " ".join(filter(None, words))


def _muting(rest: str) -> Understood | None:
    if not rest:
        return Understood(wish="how_long")
    length = duration_of(rest)
    if length is not None:
        return Understood(wish="mute", length=length)
    # More words than that are about something else.
    return Understood(wish="how_long") if len(rest.split()) == 1 else None


def _after(words: str, commands: Sequence[str]) -> str | None:
    """What follows the first of *commands* that a message begins with; None if none does."""
    for command in commands:
        if words == command:
            return ""
        if words.startswith(f"{command} "):
            return words.removeprefix(f"{command} ")
    return None

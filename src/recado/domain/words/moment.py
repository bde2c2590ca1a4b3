"""When something is meant, found in what a person says, and what is left of it."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from recado.domain.words.dates import is_month
from recado.domain.words.days import DaysAway
from recado.domain.words.numbers import number_at
from recado.domain.words.phrase import Phrase, phrase_at
from recado.domain.words.resolving import Apart, resolve
from recado.domain.words.tokens import Tokens
from recado.domain.words.vocabulary import (
    BEGINNINGS,
    CONNECTORS,
    CONTINUATIONS,
    CONTINUED,
    MANNERS,
    SMALL_WORDS,
    TIME_WORDS,
    UNFINISHED,
)
from recado.errors import AmbiguousMoment, MomentNotUnderstood

#: A moment at the end of what is said is looked for in so many last words.
_TAIL: Final = 24
#: Signs that end something or stand between, and those that begin something.
_SIGNS: Final = frozenset(".,;:!?-\u2013\u2014\u2026")
_OPENING: Final = frozenset("\u00a1\u00bf")
_APOSTROPHES: Final = frozenset("'\u2019")
#: Days that are past: how many days ago.
_GONE: Final = {"yesterday": 1, "ayer": 1, "anteayer": 2, "antier": 2}
#: So much of what was not understood is repeated.
_REPEATED: Final = 80


@dataclass(frozen=True, slots=True)
class Understood:
    """When something is meant: one of *at*, *cron*, *rrule* and *every*; and what is left.

    Attributes:
        left: what is to be said then, in the person's own words; may be empty.
        at: the moment, in UTC.
        cron: a cron expression of five fields, in the person's zone.
        rrule: a recurrence rule with its first time, in the person's zone.
        every: the time between one and the next, from now.
    """

    left: str
    at: datetime | None = None
    cron: str | None = None
    rrule: str | None = None
    every: timedelta | None = None


def moment_of(text: str, now: datetime, zone: ZoneInfo) -> Understood:
    """When *text* means, in English or Spanish, and what else it says.

    The moment stands at its beginning (``tomorrow at 9 to call Ana``, ``en 10 minutos llamar a
    Ana``) or at its end (``to call Ana tomorrow at 9``). What can mean two things or was not
    understood to its last digit is refused rather than guessed.

    A day without a time means 09:00. An hour alone is one of a clock of 24 hours; from 1 to 6
    it has to be said whether it is in the morning. Local times that a change of clocks skips
    mean the first instant after it, and those that it repeats mean the first.

    Args:
        text: what a person said.
        now: the present moment, in UTC.
        zone: the person's zone.

    Raises:
        MomentNotUnderstood: it does not say when, or not clearly.
        AmbiguousMoment: it can mean more than one moment.
        MomentPast: what it means is past.
    """
    return _Reading(unicodedata.normalize("NFC", text), now, zone).understood()


class _Reading:
    """A text that is being read."""

    def __init__(self, text: str, now: datetime, zone: ZoneInfo) -> None:
        self._text, self._now, self._zone = text, now, zone
        self._today = now.astimezone(zone).date()
        self._tokens = Tokens(text)
        self._begin = _begin(self._tokens)
        self._end = _end(self._tokens)

    def understood(self) -> Understood:
        self._refuse_yesterday()
        found = phrase_at(self._tokens, self._begin, self._today)
        return self._last() if found is None else self._first(*found)

    def _refuse_yesterday(self) -> None:
        """Say of ``yesterday at 9 to call Ana`` that it is past; "yesterday's mail" is no time."""
        after = self._begin + 1
        days = _GONE.get(self._tokens.word(self._begin))
        if days is None or self._tokens.word(after) in _APOSTROPHES:
            return
        found = phrase_at(self._tokens, after, self._today)
        timed = None if found is None or found[0].day or found[0].repeating else found
        phrase, end = timed or (Phrase(), after)
        said = self._said(self._begin, end)
        resolve(replace(phrase, day=DaysAway(-days)), said, self._now, self._zone)

    def _first(self, phrase: Phrase, end: int) -> Understood:
        """The moment at the beginning."""
        rest = _rest(self._tokens, end)
        if rest is None:
            raise MomentNotUnderstood(self._said(self._begin, min(end + 1, len(self._tokens))))
        said = self._said(self._begin, end)
        self._refuse_second(phrase, end, rest, said)
        left = self._text[self._tokens[rest].start :] if rest < self._end else ""
        return self._resolved(phrase, said, left)

    def _last(self) -> Understood:
        """The moment at the end, where what is said does not begin with something like one."""
        found = None
        if not _begins_like_one(self._tokens, self._begin):
            found = self._tail(self._begin + 1)
        first = _connected(self._tokens, self._begin)
        if found is None or first >= found[1] or _goes_on(self._tokens, found[1]):
            raise MomentNotUnderstood(_short(self._text))
        phrase, start = found
        left = self._text[self._tokens[first].start : self._tokens[start].start]
        return self._resolved(phrase, self._said(start, self._end), left.strip(" \t\n\r,;:-"))

    def _tail(self, begin: int) -> tuple[Phrase, int] | None:
        """The longest moment that goes on to the end, and where it begins."""
        for start in range(max(begin, self._end - _TAIL), self._end):
            if self._tokens.joined(start) and self._tokens.word(start - 1).isalnum():
                continue
            found = phrase_at(self._tokens, start, self._today)
            if found is not None and found[1] == self._end:
                return found[0], start
        return None

    def _refuse_second(self, phrase: Phrase, end: int, rest: int, said: str) -> None:
        """Refuse ``tomorrow to call Ana at 9``: nine may be when to say it, or when to call."""
        found = None if phrase.clock or phrase.exact else self._tail(rest + 1)
        if found is None or _goes_on(self._tokens, found[1]):
            return
        second = found[0]
        if second.clock is None or second.day or second.repeating:
            if rest > end:  # "tomorrow to prepare what we discuss on Friday"
                return
            raise MomentNotUnderstood(_short(self._text))
        readings = [self._shown(one, said) for one in (phrase, phrase.at(second.clock))]
        if readings[0] != readings[1]:
            raise AmbiguousMoment(said, readings)

    def _shown(self, phrase: Phrase, said: str) -> str:
        resolved = resolve(phrase, said, self._now, self._zone)
        if isinstance(resolved, datetime):
            return f"{resolved.astimezone(self._zone):%Y-%m-%d %H:%M}"
        if isinstance(resolved, Apart):
            return f"{resolved.first:%H:%M}"
        if isinstance(resolved, timedelta):
            return str(resolved)
        minute, hour, *_ = resolved.split()
        return f"{time(int(hour), int(minute)):%H:%M}"

    def _resolved(self, phrase: Phrase, said: str, left: str) -> Understood:
        resolved = resolve(phrase, said, self._now, self._zone)
        left = left.strip()
        if isinstance(resolved, str):
            return Understood(left, cron=resolved)
        if isinstance(resolved, Apart):
            return Understood(left, rrule=str(resolved))
        if isinstance(resolved, timedelta):
            return Understood(left, every=resolved)
        return Understood(left, at=resolved)

    def _said(self, start: int, end: int) -> str:
        return _short(self._text[self._tokens[start].start : self._tokens[end - 1].end])


def _goes_on(tokens: Tokens, start: int) -> bool:
    """Whether what stands in front of a moment seems to be part of it, or of what it is about."""
    start -= 1
    while tokens.word(start) in _SIGNS:
        start -= 1
    word = tokens.word(start)
    return word in UNFINISHED or word in TIME_WORDS or is_month(word)


def _rest(tokens: Tokens, end: int) -> int | None:
    """Where the words after a moment begin; None if they seem to belong to it."""
    if tokens.joined(end) and tokens.word(end) not in _SIGNS | _OPENING:
        return None
    place = _after_signs(tokens, end)
    first = _connected(tokens, place)
    if first > place and tokens.word(place) != "de":
        return first
    goes_on = place == end and _continued(tokens, first)
    return None if goes_on or _like_time(tokens, first) else first


def _continued(tokens: Tokens, at: int) -> bool:
    """Whether words say more of the moment before them, such as ``UTC`` or ``Paris time``."""
    return (
        tokens.word(at) in CONTINUATIONS
        or tokens.word(at + 1) == "time"
        or any(tokens.follows(at, *words) for words in CONTINUED)
    )


def _connected(tokens: Tokens, at: int) -> int:
    for words in CONNECTORS:
        if tokens.follows(at, *words):
            return at + len(words)
    return at


def _like_time(tokens: Tokens, at: int) -> bool:
    """Whether what follows seems to be more of a moment."""
    while tokens.word(at) in SMALL_WORDS:
        at += 1
    word = tokens.word(at)
    number = number_at(tokens, at)
    counted = word.isdigit() or (number is not None and number[0] != 1)
    return counted or word in TIME_WORDS


def _begins_like_one(tokens: Tokens, at: int) -> bool:
    word, following = tokens.word(at), tokens.word(at + 1)
    small = word in SMALL_WORDS and (following.isdigit() or following in TIME_WORDS)
    month = following.isdigit() and is_month(word)
    return small or month or word.isdigit() or word in BEGINNINGS or word in TIME_WORDS


def _begin(tokens: Tokens) -> int:
    """Where what is said begins, but for signs and good manners."""
    begin = _after_signs(tokens, 0)
    while tokens.word(begin) in _OPENING:
        begin += 1
    for words in MANNERS:
        if tokens.follows(begin, *words):
            return _after_signs(tokens, begin + len(words))
    return begin


def _after_signs(tokens: Tokens, at: int) -> int:
    while tokens.word(at) in _SIGNS:
        at += 1
    return at


def _end(tokens: Tokens) -> int:
    """Where what is said ends, but for signs and good manners."""
    end = _before_signs(tokens, len(tokens))
    for words in MANNERS:
        if end > len(words) and tokens.follows(end - len(words), *words):
            return _before_signs(tokens, end - len(words))
    return end


def _before_signs(tokens: Tokens, end: int) -> int:
    # A full stop after "p.m" is part of it.
    while tokens.word(end - 1) in _SIGNS and not tokens.follows(end - 3, ".", "m", "."):
        end -= 1
    return end


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _REPEATED else text[: _REPEATED - 1] + "\u2026"

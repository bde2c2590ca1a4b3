"""Windows: whether it is a good time for a recipient, and when the next one begins.

What counts is the clock on the recipient's wall. A time their clocks skip never shows, so what
would open in it opens right after it; one they show twice is open both times, or neither.

A window opens for each conversation a little later, by a share of the spread that is always the
same for it: not all at once, and in each conversation in order.
"""

from __future__ import annotations

import zlib
from bisect import bisect_right
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from recado.domain.politeness.hours import OFF, WHOLE_WEEK, Week
from recado.domain.politeness.rules import Rules
from recado.domain.recipient import Preferences, ZoneBy
from recado.domain.times import span
from recado.domain.zones import changes, maybe_zone, zone_of

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DAY: Final = 86_400
_MICROS: Final = 1_000_000
#: Days that are looked at before and after one: a stretch may last nearly a week; and one that
#: falls into hours that are skipped is there again a week later.
_BEFORE: Final = 9
_AFTER: Final = 23


class Stretch(NamedTuple):
    """A time without interruption in which something may be said, in seconds since 1970."""

    begin: int
    end: int


class Now(NamedTuple):
    """How an instant stands to the windows; instants are in microseconds since 1970."""

    #: Whether something may be said now.
    open: bool
    #: Since when that has been so, as far back as is looked.
    since: int
    #: Until when: the opening or closing that comes next; None if none does.
    until: int | None


@lru_cache(maxsize=8192)
def stretches(week: Week, zone: ZoneInfo, day: int) -> tuple[Stretch, ...]:
    """When something may be said in the days around one, in order.

    Args:
        week: when it may be said, by the clocks of *zone*.
        zone: the recipient's.
        day: since 1970, in UTC.
    """
    begin, end = (day - _BEFORE) * _DAY, (day + _AFTER) * _DAY
    found: list[Stretch] = []
    opened: int | None = None
    for at in _edges(week, zone, begin, end):
        if _shows(week, zone, at):
            opened = at if opened is None else opened
        elif opened is not None:
            found.append(Stretch(opened, at))
            opened = None
    if opened is not None:
        found.append(Stretch(opened, end))
    return tuple(found)


def _edges(week: Week, zone: ZoneInfo, begin: int, end: int) -> list[int]:
    """Every instant at which it may come to be open or closed, and some more."""
    first, last = _instant(begin), _instant(end)
    edges = {begin} | {_seconds(each) for each in changes(first, last, zone)}
    marks = {mark for stretch in week for mark in stretch}
    monday = first.astimezone(zone).replace(tzinfo=None, hour=0, minute=0, second=0, microsecond=0)
    monday -= timedelta(days=monday.weekday())
    while monday < last.astimezone(zone).replace(tzinfo=None):
        for mark in marks:
            wall = (monday + timedelta(minutes=mark)).replace(tzinfo=zone)
            edges |= {_seconds(wall), _seconds(wall.replace(fold=1))}
        monday += timedelta(days=7)
    return sorted(edge for edge in edges if begin <= edge < end)


def _shows(week: Week, zone: ZoneInfo, at: int) -> bool:
    """Whether the clocks show a time that is open."""
    wall = _instant(at).astimezone(zone)
    minute = (wall.weekday() * 24 + wall.hour) * 60 + wall.minute
    return any(begin <= minute < end for begin, end in week)


def _instant(seconds: int) -> datetime:
    return _EPOCH + timedelta(seconds=seconds)


def _seconds(instant: datetime) -> int:
    return (instant - _EPOCH) // timedelta(seconds=1)


def look(week: Week, zone: ZoneInfo, key: str, spread: int, now: int) -> Now:
    """How *now* stands to the windows of a conversation.

    Args:
        week: when something may be said, by the clocks of *zone*.
        zone: the recipient's.
        key: the conversation, by an id that stays.
        spread: over how long an opening is spread, in microseconds.
        now: in microseconds since 1970, as everything that is returned.
    """
    if week == WHOLE_WEEK:
        return Now(open=True, since=0, until=None)
    found = stretches(week, zone, now // _MICROS // _DAY)
    place = bisect_right(found, (now // _MICROS, _FAR)) - 1
    closed_since = 0
    if place >= 0:
        begin, end = found[place]
        opens = begin * _MICROS + _late(key, found[place], spread)
        if now < opens:
            before = found[place - 1].end if place else begin
            return Now(open=False, since=before * _MICROS, until=opens)
        if now < end * _MICROS:
            return Now(open=True, since=opens, until=end * _MICROS)
        closed_since = end * _MICROS
    if place + 1 == len(found):
        return Now(open=False, since=closed_since, until=None)
    following = found[place + 1]
    opens = following.begin * _MICROS + _late(key, following, spread)
    return Now(open=False, since=closed_since, until=opens)


_FAR: Final = 2**62


def _late(key: str, stretch: Stretch, spread: int) -> int:
    """By how much a conversation's window opens later: by less than half of what it is open."""
    longest = min(spread, (stretch.end - stretch.begin) * _MICROS // 2)
    return longest * zlib.crc32(key.encode()) >> 32


# -- whose hours and zone ---------------------------------------------------------------------


def hours_for(
    rules: Rules, said: Preferences, category: str | None
) -> tuple[str | None, str | None]:
    """The quiet hours and the weekly window that hold for a recipient and a category.

    What they have set themselves comes before what the settings say.
    """
    window = None
    for windows in (said.windows, rules.windows):
        window = window or windows.get(category or "") or windows.get("")
    return said.quiet or rules.quiet, window


def zone_for(rules: Rules, said: Preferences, told: str | None) -> tuple[ZoneInfo, ZoneBy]:
    """The zone of a recipient, and who said so: they, their channel, or else the settings.

    What is no zone is passed over.
    """
    if (found := maybe_zone(said.zone)) is not None:
        return found, "set"
    if (found := maybe_zone(told)) is not None:
        return found, "told"
    return zone_of(rules.zone), "default"


def in_words(
    rules: Rules, said: Preferences, told: str | None, category: str | None, *, open_: bool
) -> str:
    """Whether it is a good time, and by whose hours in whose zone, as a sentence."""
    quiet, window = hours_for(rules, said, category)
    parts = []
    if quiet is not None and quiet != OFF:
        parts.append(f"quiet hours {quiet} ({_whose(own=said.quiet is not None)})")
    if window is not None and window != OFF:
        own = not {category or "", ""}.isdisjoint(said.windows)
        parts.append(f"window {window} ({_whose(own=own)})")
    zone, by = zone_for(rules, said, told)
    place = f"{zone.key} ({_ZONE_BY[by]})"
    ruled = f"{' and '.join(parts)}, in {place}" if parts else f"no hours are set, in {place}"
    return f"{'This is' if open_ else 'This is not'} a time to tell its recipient things: {ruled}."


def opening_in_words(there: Now, usual: Now, zone: ZoneInfo) -> str:
    """When a conversation's window opens, and that this is spread, as a sentence; or nothing.

    Args:
        there: how now stands to the windows of the conversation.
        usual: the same without any spread.
        zone: the recipient's.
    """
    begins = usual.since if usual.open else usual.until
    if there.open or there.until is None or begins is None or there.until <= begins:
        return ""
    opens, at = (
        _instant(each // _MICROS).astimezone(zone).strftime("%H:%M")
        for each in (there.until, begins)
    )
    later = span(timedelta(microseconds=there.until - begins))
    return f" It opens at {opens} ({at}, and {later} later so that not all open at once)."


_ZONE_BY: Final[dict[ZoneBy, str]] = {
    "set": "set by them",
    "told": "as their channel tells",
    "default": "by the settings",
}


def _whose(*, own: bool) -> str:
    return "their own" if own else "by the settings"

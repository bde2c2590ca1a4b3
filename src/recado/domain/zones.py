"""Time zones: which there are, and which instant a clock on a wall there means.

Zones are those of the IANA database. A day on which clocks are changed has times that do not
exist or exist twice, and what is meant then is said here once for everything: a time that does
not exist means the first instant after the gap, and one that exists twice means the first.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from recado.errors import UnknownZone

#: Two thirds alike, so that ``Europe/Madird`` is understood and ``Mars/Base`` is not.
_ALIKE: Final = 0.67
#: No zone has a longer name; what is like something longer is not looked for.
_LONGEST: Final = 64


def zone_of(name: str) -> ZoneInfo:
    """The zone of that name.

    Args:
        name: of the IANA database, as ``Europe/Madrid``; letter case and spaces do not matter.

    Raises:
        UnknownZone: there is none; it names the one that may have been meant.
    """
    found = maybe_zone(name)
    if found is None:
        raise UnknownZone(name, _meant(name))
    return found


@lru_cache(maxsize=4096)
def maybe_zone(name: str | None) -> ZoneInfo | None:
    """The same where a zone that does not exist says nothing, as in what channels tell."""
    known = None if name is None else _names().get(_folded(name))
    return None if known is None else ZoneInfo(known)


def instant_of(wall: datetime, zone: ZoneInfo) -> datetime:
    """The instant, in UTC, at which clocks in *zone* show *wall*, a time without a zone.

    One that they skip is the first instant after the gap; one that they show twice is the first.
    """
    first = wall.replace(tzinfo=zone, fold=0)
    instant = first.astimezone(UTC)
    if first.utcoffset() == first.replace(fold=1).utcoffset():
        return instant
    if instant.astimezone(zone).replace(tzinfo=None) == wall.replace(fold=0):
        return instant
    # In a gap fold 0 reckons on after it by the offset from before, fold 1 back before it.
    return _changed(first.replace(fold=1).astimezone(UTC), instant, zone)


def changes(begin: datetime, end: datetime, zone: ZoneInfo) -> list[datetime]:
    """The instants in UTC, later than *begin* and up to *end*, from which clocks are changed."""
    found, at = [], begin
    while at < end:
        then = min(at + _STEP, end)
        if _offset(at, zone) != _offset(then, zone):
            found.append(_changed(at, then, zone))
        at = then
    return found


#: No zone has changed its clocks twice within so short a time.
_STEP: Final = timedelta(days=1)


def _changed(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The first instant of the offset that holds at *after*, to the second."""
    old, seconds = _offset(before, zone), int((after - before).total_seconds())
    low, high = 0, seconds
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(before + timedelta(seconds=middle), zone) == old:
            low = middle
        else:
            high = middle
    return before + timedelta(seconds=high)


def _offset(instant: datetime, zone: ZoneInfo) -> timedelta | None:
    return instant.astimezone(zone).utcoffset()


# -- names -----------------------------------------------------------------------------------


@cache
def _names() -> Mapping[str, str]:
    """Every zone's name by how it is looked up."""
    return {_folded(name): name for name in available_timezones()}


def _folded(name: str) -> str:
    return "_".join(name.split()).casefold()


def _meant(name: str) -> str | None:
    """The zone whose name, or whose city's name, is most like *name*."""
    if len(name) > _LONGEST:
        return None
    wanted, names, cities = _folded(name), _names(), _cities()
    if wanted in cities:
        return cities[wanted]
    for known in (names, cities):
        close = difflib.get_close_matches(wanted, known, n=1, cutoff=_ALIKE)
        if close:
            return known[close[0]]
    return None


@cache
def _cities() -> Mapping[str, str]:
    """The zones that are named after a place by its name, where only one has it."""
    places = {name: _folded(name.rpartition("/")[2]) for name in available_timezones()}
    regions = ("Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe")
    named = {
        name: place
        for name, place in places.items()
        if name.partition("/")[0] in (*regions, "Indian", "Pacific")
    }
    many = Counter(named.values())
    return {place: name for name, place in named.items() if many[place] == 1}

"""From what a caller asks for to a checked timing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from recado.domain.schedule import At, Cron, Misfire, Occurrence, Recurrence, Rule, Timing, rules
from recado.domain.schedule.walls import wall_of
from recado.domain.times import moment
from recado.domain.zones import instant_of
from recado.errors import InvalidSchedule, PastTime

#: No jitter is longer.
_LONGEST_JITTER: Final = timedelta(hours=1)
_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """When something is to be said, as callers give it; ``Schedules.create`` says what it means."""

    at: datetime | None = None
    after: timedelta | None = None
    every: timedelta | None = None
    cron: str | None = None
    rrule: str | None = None
    start: datetime | None = None
    until: datetime | None = None

    def asked(self) -> dict[str, Any]:
        """The same as JSON, to tell a repetition from a different request."""
        told: dict[str, Any] = {}
        for name in self.__slots__:
            given = getattr(self, name)
            if isinstance(given, datetime):
                told[name] = (given if given.tzinfo is None else given.astimezone(UTC)).isoformat()
            elif given is not None:
                told[name] = str(given)
        return told


def timing_of(  # noqa: PLR0913 - when, where, and what about those that passed
    when: When,
    zone: ZoneInfo,
    now: datetime,
    *,
    jitter: timedelta | None = None,
    misfire: Misfire | str = Misfire.ONCE,
    late_limit: timedelta | None = None,
) -> Timing:
    """Check and complete a timing.

    Args:
        when: what the caller gave.
        zone: whose clock on the wall times without a zone, cron and rrule are about.
        now: the present instant.
        jitter: up to how much later than it says each occurrence is said.
        misfire: what becomes of occurrences that nobody was there to say.
        late_limit: what is later is not made up for.

    Raises:
        InvalidSchedule: something cannot be used.
    """
    _check_length(jitter, "jitter", _LONGEST_JITTER)
    _check_length(late_limit, "late_limit", timedelta(days=366))
    try:
        start, until = _instant(when.start, "start", zone), _instant(when.until, "until", zone)
        return Timing(
            rule=_rule(when, zone, start, now),
            zone=zone.key,
            start=start,
            until=until,
            jitter=jitter or None,
            misfire=_misfire(misfire),
            late_limit=late_limit,
        )
    except OverflowError:
        raise _beyond() from None


def _beyond() -> InvalidSchedule:
    return InvalidSchedule("That is further away than a calendar reaches: choose another time.")


def before(now: datetime) -> datetime:
    """How far a schedule has come for which this very moment still counts."""
    return now - _MICROSECOND


def first_of(timing: Timing, now: datetime, seed: str) -> Occurrence:
    """What a new timing waits for.

    Raises:
        PastTime: the time to say it at has passed.
        InvalidSchedule: it never comes.
    """
    try:
        found = timing.next(before(now), seed)
    except OverflowError:
        raise _beyond() from None
    if found is not None:
        return found
    if isinstance(timing.rule, At):
        instant = timing.rule.next(datetime.min.replace(tzinfo=UTC), ZoneInfo(timing.zone))
        told = "" if instant is None else f" ({moment(instant)})"
        raise PastTime(f"That time has passed already{told}: choose a later one.")
    if timing.until is not None and timing.until <= now:
        raise PastTime(f"until has passed already ({moment(timing.until)}): choose a later one.")
    raise InvalidSchedule("It never comes: no time from now on matches. Choose another rule.")


def _rule(when: When, zone: ZoneInfo, start: datetime | None, now: datetime) -> Rule:
    given = [
        name
        for name in ("at", "after", "every", "cron", "rrule")
        if getattr(when, name) is not None
    ]
    if len(given) != 1:
        had = " and ".join(given) if given else "none of them"
        raise InvalidSchedule(
            f"A schedule has one of at, after, every, cron and rrule; {had} was given."
        )
    if given[0] in ("at", "after") and (when.start or when.until):
        raise InvalidSchedule("start and until are for what repeats: leave them out.")
    if when.at is not None:
        return At(_moment(when.at, "at"))
    if when.after is not None:
        _check_length(when.after, "after", timedelta(days=366 * 100))
        return At(now + when.after)
    if when.every is not None:
        return rules.every(when.every, start, now)
    for given_text in (when.cron, when.rrule):
        if given_text is not None and not isinstance(given_text, str):
            raise InvalidSchedule("cron and rrule are text: give that.")
    if when.cron is not None:
        return Cron.read(when.cron)
    assert when.rrule is not None  # noqa: S101 - it is the one that is left
    # Its DTSTART is in whole seconds, and now is one of its times.
    begin = wall_of(now if start is None else start, zone)
    if begin.microsecond:
        begin = begin.replace(microsecond=0) + timedelta(seconds=1)
    return Recurrence.read(when.rrule, zone, begin)


def _moment(given: object, option: str) -> datetime:
    """As it is given: an instant, or a time on the wall."""
    if not isinstance(given, datetime):
        raise InvalidSchedule(f"{option} is a datetime, with a zone or in the schedule's: give it.")
    if given.utcoffset() is None:
        return given.replace(tzinfo=None, fold=0)
    return given.astimezone(UTC)


def _instant(given: datetime | None, option: str, zone: ZoneInfo) -> datetime | None:
    if given is None:
        return None
    told = _moment(given, option)
    return instant_of(told, zone) if told.tzinfo is None else told


def _check_length(given: object, option: str, longest: timedelta) -> None:
    if given is None:
        return
    if not isinstance(given, timedelta) or given < timedelta(0):
        raise InvalidSchedule(f"{option} is a timedelta that is not negative: give that.")
    if given > longest:
        hours = longest // timedelta(hours=1)
        told = f"{hours} h" if hours < 48 else f"{hours // 24:,} days"
        raise InvalidSchedule(f"{option} is {told} at most: choose a shorter one.")


def _misfire(given: Misfire | str) -> Misfire:
    try:
        return Misfire(given)
    except ValueError:
        raise InvalidSchedule(
            f"{given!r} is not what becomes of times that passed: choose once, all or skip."
        ) from None


def told_of(asked: Mapping[str, Any], timing: Timing) -> dict[str, Any]:
    """What was asked for about times, for the fingerprint."""
    return {
        **asked,
        "zone": timing.zone,
        "jitter": str(timing.jitter),
        "misfire": str(timing.misfire),
        "late_limit": str(timing.late_limit),
    }

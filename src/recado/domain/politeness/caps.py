"""Caps: whether a recipient has been sent enough for now, and when there is room again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Final, NamedTuple

from recado.domain.politeness.counting import ALL, EACH, Cap
from recado.domain.politeness.rules import Rules

_MICROSECOND: Final = timedelta(microseconds=1)


class Sent(NamedTuple):
    """A message that has left, or may have."""

    #: In microseconds since 1970, as all times here.
    at: int
    category: str | None
    delivery: str


class Full(NamedTuple):
    """Why there is no room now."""

    #: When there is.
    until: int
    #: Since when there is none: the latest that was sent.
    since: int
    #: The cap that is reached; None if the last message was a moment ago.
    cap: Cap | None
    #: Whose cap it is; None for the one of everything together.
    category: str | None


def full(sent: Sequence[Sent], rules: Rules, category: str | None, now: int) -> Full | None:
    """What keeps a message of *category* from leaving, the longest first; None if nothing does.

    Args:
        sent: what its recipient has been sent of late.
        rules: the caps and the interval.
        category: the message's own.
        now: the present instant.
    """
    if not sent:
        return None
    found: Full | None = None
    for each in _full(sent, rules, category, now):
        if found is None or each.until > found.until:
            found = each
    return found


def _full(sent: Sequence[Sent], rules: Rules, category: str | None, now: int) -> Iterable[Full]:
    # A clock that was ahead and has been set back keeps nobody waiting for longer than a cap says.
    times = sorted(min(each.at, now) for each in sent)
    if rules.interval is not None and times:
        until = times[-1] + rules.interval // _MICROSECOND
        if until > now:
            yield Full(until, times[-1], None, None)
    everything = rules.caps.get(ALL)
    if everything is not None and (until := _room(times, everything)) > now:
        yield Full(until, times[-1], everything, None)
    cap = cap_for(rules, category)
    if cap is not None:
        of_it = sorted(min(each.at, now) for each in sent if each.category == category)
        if (until := _room(of_it, cap)) > now:
            yield Full(until, of_it[-1], cap, category)


def cap_for(rules: Rules, category: str | None) -> Cap | None:
    """The cap of a category of its own."""
    if category is None:
        return None
    return rules.caps.get(category) or rules.caps.get(EACH)


def _room(times: Sequence[int], cap: Cap) -> int:
    """When the next one may leave at the earliest; 0 for any time."""
    if len(times) < cap.many:
        return 0
    return times[-cap.many] + cap.per // _MICROSECOND


def remembered(sent: Sequence[Sent], rules: Rules, now: int) -> list[Sent]:
    """What of *sent* may still matter, in order."""
    if len(sent) == 1:
        return list(sent)  # as mostly in a broadcast
    longest = longest_memory(rules) // _MICROSECOND
    recent = [each for each in sent if each.at > now - longest]
    recent.sort(key=lambda each: each.at)
    everything = rules.caps.get(ALL)
    # Urgent messages are counted beyond every cap. Of them no more are kept than can matter, and
    # as many again for those that turn out not to have been sent.
    kept = set(recent[-2 * (everything.many if everything else 1) :])
    for category in {each.category for each in recent}:
        cap = cap_for(rules, category)
        if cap is not None:
            kept |= set([each for each in recent if each.category == category][-2 * cap.many :])
    return [each for each in recent if each in kept]


def longest_memory(rules: Rules) -> timedelta:
    """How long what was sent matters."""
    return max([cap.per for cap in rules.caps.values()] + [rules.interval or timedelta(0)])

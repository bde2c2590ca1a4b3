"""Plans: whom something would reach, and how long it would take; facts in, figures out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

from recado.domain.pace import Profile, duration
from recado.domain.reference import Reference


class Place(NamedTuple):
    """Where conversations are, as far as channels' limits go."""

    #: The base channel.
    channel: str
    #: Empty when no activity has told it.
    tenant: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Conversations in one place."""

    place: Place
    #: Those that can be spoken in now.
    reachable: int
    #: Those whose delivery would wait for the person's return.
    unreachable: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """Whom an audience means now."""

    reach: Sequence[Reach]
    #: Of these, conversations in which something would be suppressed as a duplicate.
    duplicates: int
    #: The first few of the conversations.
    first: Sequence[Reference]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What would become of a notification if it were accepted now."""

    reach: Sequence[Reach]
    #: Deliveries that would be suppressed, because the same was said for the key of late.
    duplicates: int
    #: From the first delivery to the last, when nothing but the channels' pace holds them up;
    #: zero where no limit is known.
    duration: timedelta
    #: The first few of the conversations.
    first: Sequence[Reference]

    @property
    def total(self) -> int:
        """Conversations there would be a delivery for."""
        return sum(each.reachable + each.unreachable for each in self.reach)

    @property
    def unreachable(self) -> int:
        """Those of them that cannot be spoken in now."""
        return sum(each.unreachable for each in self.reach)


def reach_of(lanes: Iterable[Reference]) -> list[Reach]:
    """Where conversations are that are named one by one."""
    reachable: Counter[Place] = Counter()
    unreachable: Counter[Place] = Counter()
    for lane in lanes:
        place = Place(lane.key.channel, lane.tenant_id or "")
        (reachable if lane.health.reachable else unreachable)[place] += 1
    return [
        Reach(place=place, reachable=reachable[place], unreachable=unreachable[place])
        for place in sorted({*reachable, *unreachable})
    ]


def how_long(
    profiles: Mapping[str, Profile],
    many: Mapping[Place, int],
    lanes: Sequence[Reference] = (),
) -> timedelta:
    """How long deliveries take when nothing but the channels' pace holds them up.

    Channels do not wait for each other, so the slowest one tells.

    Args:
        profiles: what channels allow, by base channel.
        many: deliveries, by where they go.
        lanes: their conversations, if they are known: some may share a pace key.
    """
    longest = timedelta(0)
    for channel in {place.channel for place in many}:
        tenants = [count for place, count in many.items() if place.channel == channel]
        shared: dict[bool, Counter[str]] = {False: Counter(), True: Counter()}
        for lane in lanes:
            if lane.key.channel == channel:
                shared[lane.is_group][lane.pace_key] += 1
        keys, groups = (list(shared[group].values()) for group in (False, True))
        longest = max(longest, duration(profiles.get(channel), tenants, keys, groups))
    return longest

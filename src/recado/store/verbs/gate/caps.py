"""The check of the caps: nobody is sent more than the settings say, nor several at once.

It comes last, because what passes it is counted: as a message that leaves now. A delivery is
counted once however often it is tried, and not at all if it certainly was not sent.

The recipient of a private conversation is its person, in all of theirs; a group is one of its own.
Where several processes deliver, the row of a recipient is held until what leaves is committed, so
that of two messages to one person in two conversations only one finds the last room.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from recado.domain.delivery import HeldReason, Outcome, State
from recado.domain.politeness import Hold, Rules, Stop
from recado.domain.politeness.caps import Full, Sent, cap_for, full, remembered
from recado.domain.politeness.chain import Link
from recado.domain.politeness.counting import ALL, LONGEST
from recado.store.port import Settlement
from recado.store.session import Session, statements
from recado.store.verbs import rows
from recado.store.verbs.gate.leaving import Leaving
from recado.store.verbs.gate.order import overtaking
from recado.store.verbs.gate.windows import passes, passing

_SQL = statements("caps")

#: What has come to rest, so that it is not tried again soon.
_RESTING: Final = frozenset({State.REJECTED, State.HELD, State.EXPIRED, State.CANCELLED})


@dataclass(slots=True)
class _Count:
    """What a recipient has been sent of late."""

    bot: str
    name: str
    sent: list[Sent]
    changed: bool = False

    def others(self, delivery: str) -> list[Sent]:
        return [each for each in self.sent if each.delivery != delivery]

    def forget(self, delivery: str) -> None:
        left = self.others(delivery)
        self.changed = self.changed or len(left) < len(self.sent)
        self.sent = left

    def add(self, message: Sent) -> None:
        self.forget(message.delivery)
        self.sent.append(message)
        self.changed = True

    def knows(self, delivery: str) -> bool:
        return any(each.delivery == delivery for each in self.sent)


@dataclass(slots=True)
class _Counts:
    """The counts of the recipients of some conversations."""

    of_lane: dict[int, _Count] = field(default_factory=dict)


async def check(
    db: Session, leaving: Sequence[Leaving], rules: Rules, now: int
) -> Mapping[str, Stop]:
    """Those for which there is no room, until there is; the others are counted."""
    if not rules.counts:
        return {}
    # What somebody asked for does not disturb them.
    counted = [each for each in leaving if each.manner.asked_at is None]
    if not counted:
        return {}
    counts = await _take(db, {each.lane for each in counted})
    early = await overtaking(db, [each for each in counted if not passes(each)], now)
    stops: dict[str, Stop] = {}
    # What is urgent comes first: it passes, and takes its room.
    for each in sorted(counted, key=lambda each: each.priority):
        count = counts.of_lane[each.lane]
        if not passes(each):
            found = full(count.others(each.id), rules, each.manner.category, now)
            if found is not None:
                stops[each.id] = Hold(HeldReason.CAP, rows.instant(found.until))
                await _hold_behind(db, each, found)
                continue
            if each.id in early and not count.knows(each.id):
                # What has waited goes first, though nobody has let it in yet.
                stops[each.id] = Hold(HeldReason.CAP, rows.instant(now))
                continue
        count.add(Sent(now, each.manner.category, each.id))
    await _put(db, counts, rules, now)
    return stops


async def _hold_behind(db: Session, each: Leaving, found: Full) -> None:
    """Hold what stands behind it, too: it would come to the same one by one."""
    limited = {"lane": each.lane, "until": found.until, "category": found.category}
    await db.run(_SQL["hold_behind"], limited)


async def _take(db: Session, lanes: Collection[int]) -> _Counts:
    counts = _Counts()
    known: dict[tuple[str, str], _Count] = {}
    for lane, bot, name, sent in await db.all(_SQL["take"], (rows.dumps(sorted(lanes)),)):
        if (bot, name) not in known:
            known[bot, name] = _Count(bot, name, _sent(sent))
        counts.of_lane[lane] = known[bot, name]
    return counts


def _sent(written: str | None) -> list[Sent]:
    return [] if written is None else [Sent._make(each) for each in json.loads(written)]


async def _put(db: Session, counts: _Counts, rules: Rules, now: int) -> None:
    changed = {
        (each.bot, each.name): remembered(each.sent, rules, now)
        for each in counts.of_lane.values()
        if each.changed
    }
    if changed:
        told = [
            (bot, name, rows.dumps(sent), sent[-1].at if sent else 0)
            for (bot, name), sent in sorted(changed.items())
        ]
        await db.run(_SQL["put"], (rows.dumps(told),))


async def refund(db: Session, settled: Sequence[Settlement], rules: Rules, now: int) -> None:
    """Count no more what certainly was not sent and is not tried again soon."""
    if not rules.counts:
        return
    unsent = [each.claim for each in settled if _unsent(each)]
    if not unsent:
        return
    counts = await _take(db, {claim.lane for claim in unsent})
    for claim in unsent:
        counts.of_lane[claim.lane].forget(claim.delivery_id)
    await _put(db, counts, rules, now)
    # There is room earlier than was said, and what waits for it goes before what is accepted now.
    lanes = rows.dumps(sorted({claim.lane for claim in unsent}))
    await db.run(_SQL["look_again"], {"lanes": lanes, "now": now})


async def forget_counts(db: Session, before: int, limit: int) -> int:
    """Drop counts that were of no use before a time already; how many."""
    return await db.run(_SQL["forget"], (before - rows.micros_of(LONGEST), limit))


def _unsent(settlement: Settlement) -> bool:
    """Whether nothing of it can have arrived. Code may have said something before it failed."""
    claim = settlement.claim
    return (
        settlement.state in _RESTING
        and settlement.outcome is Outcome.REJECTED
        and not (settlement.maybe_sent or claim.maybe_sent)
        and claim.handler is None
    )


async def tell(db: Session, waiting: Leaving, rules: Rules, now: int) -> Link | None:
    """What the caps say of a delivery."""
    if not rules.counts:
        return None
    if passes(waiting):
        return Link(name="cap", holds=False, said=passing(waiting, "waits for no room"))
    sent = _sent(await db.value(_SQL["look"], (waiting.lane,)))
    others = [each for each in sent if each.delivery != waiting.id]
    found = full(others, rules, waiting.manner.category, now)
    if found is not None:
        return Link(
            name="cap",
            holds=True,
            said=_no_room(found, rules),
            since=rows.instant(found.since),
            until=rows.instant(found.until),
        )
    if len(others) < len(sent):
        return Link(name="cap", holds=False, said="It has been counted already.")
    return Link(name="cap", holds=False, said=f"There is room: {_caps(rules, waiting)}.")


def _no_room(found: Full, rules: Rules) -> str:
    if found.cap is None and rules.interval is not None:
        seconds = f"{rules.interval.total_seconds():g}"
        return f"Its recipient was sent something less than {seconds} s ago."
    of_it = f" of category {found.category!r}" if found.category else ""
    return f"Its recipient has been sent as much{of_it} as the cap of {found.cap} allows."


def _caps(rules: Rules, waiting: Leaving) -> str:
    """The caps that hold for something."""
    category = waiting.manner.category
    own, everything = cap_for(rules, category), rules.caps.get(ALL)
    told = [f"{everything} for all together"] if everything else []
    told += [f"{own} for category {category!r}"] if own else []
    if rules.interval is not None:
        told.append(f"one in {rules.interval.total_seconds():g} s")
    return ", ".join(told) or "no cap is set for its category"

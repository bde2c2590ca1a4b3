"""Watching: many watches look at an event in one step, and those speak whose rule has come true."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from recado.domain.watch import WatchState
from recado.store.port import Evaluated, Fired
from recado.store.session import Row, Session, statements
from recado.store.verbs import firing, rows
from recado.store.verbs.events import advance, count_watching, next_event
from recado.store.verbs.observation import Facts, Observation, Seen

_SQL = statements("watching")

#: What an event costs in a step, in watches that look, besides those that do.
_EVENT: Final = 4
#: What it costs when a watch speaks, in watches that look, besides its looking.
_SPEAKS: Final = 1


class _Memory(NamedTuple):
    """What a watch remembers of an event, in the order the statement takes it.

    Attributes:
        revision: the watch is to be changed only if this is still its.
        state: where it stands now.
        baseline: what the next value is compared with, as the tables write it.
        armed: whether it fires when its rule is true.
        trouble: why it could not look.
        fires: 1 if it speaks.
    """

    revision: int
    state: WatchState
    baseline: str | None
    armed: bool
    trouble: str | None = None
    fires: int = 0


@dataclass(slots=True)
class _Decided:
    """What watches make of an event, each by its number."""

    #: What those remember that remember something new.
    remembered: dict[int, _Memory] = field(default_factory=dict)
    #: What those saw that speak.
    seen: dict[int, Seen] = field(default_factory=dict)
    #: How many of them have looked.
    looked: int = 0

    @property
    def ended(self) -> set[int]:
        """Those that have ended."""
        return {number for number, each in self.remembered.items() if each.state.ended}


def _decide(observed: Observation, watches: Sequence[Row], limit: float) -> _Decided:
    """What they make of it; no more of them look than a step of *limit* watches can pay for."""
    decided = _Decided()
    now = observed.accepted_at
    for row in watches:
        if decided.looked and decided.looked + _SPEAKS * len(decided.seen) >= limit:
            break
        decided.looked += 1
        revision, baseline, armed = row["revision"], row["baseline"], bool(row["armed"])
        if (expires_at := row["expires_at"]) is not None and expires_at <= now:
            last = _Memory(revision, WatchState.EXPIRED, baseline, armed)
            decided.remembered[row["number"]] = last
            continue
        cooling = _cools(row["cooldown"], row["fired_at"], now)
        made = observed.made_by(Facts(row["rule"], row["path"], baseline, armed, cooling))
        state = WatchState.ACTIVE
        if made.seen is not None:
            decided.seen[row["number"]] = made.seen
            state = WatchState.ACTIVE if row["repeats"] else WatchState.FIRED
        elif made.same and made.trouble == row["trouble"]:
            continue
        fires = int(made.seen is not None)
        memory = _Memory(revision, state, made.baseline, made.armed, made.trouble, fires)
        decided.remembered[row["number"]] = memory
    return decided


def _cools(cooldown: int | None, fired_at: int | None, now: int) -> bool:
    """Whether a watch has spoken so short a time ago that it is silent."""
    # Either way, because clocks are set back as well.
    return cooldown is not None and fired_at is not None and abs(now - fired_at) < cooldown


async def evaluate(db: Session, now: int, after: int, limit: int) -> Evaluated:
    """One step over whatever has happened; see the port."""
    told: list[Fired] = []
    left = limit
    while left > 0:
        row = await next_event(db, after)
        if row is None:
            if after == 0:
                return Evaluated(told, 0, full=False)
            after = 0
            continue
        fired = await _step(db, Observation(row), now, left)
        told.append(fired)
        after = row["subject"]
        left -= _EVENT + fired.looked + _SPEAKS * fired.fired
    return Evaluated(told, after, full=True)


async def _step(db: Session, observed: Observation, now: int, limit: int) -> Fired:
    """The next watches look at one event."""
    row = observed.row
    cut = {
        "subject": row["subject"],
        "after": row["watched_to"],
        "until": row["watch_until"],
        "limit": limit,
    }
    watches = await db.all(_SQL["watches"], cut)
    looking, looked, spoken, ended = watches, 0, 0, 0
    while looking:
        decided = _decide(observed, looking, math.inf if looked else limit)
        looked = looked or decided.looked
        done = await _remember(db, decided, observed.accepted_at)
        seen = {number: each for number, each in decided.seen.items() if number in done}
        await firing.speak(db, observed, seen, now)
        spoken += len(seen)
        ended += len(decided.ended & done)
        # Somebody has changed the others meanwhile, ended or paused them perhaps.
        missed = decided.remembered.keys() - done
        looking = await db.all(_SQL["again"], (rows.dumps(sorted(missed)),)) if missed else ()
    await count_watching(db, row["subject"], -ended)
    whole = looked == len(watches) < limit
    await advance(db, row["number"], None if whole else watches[looked - 1]["number"])
    return Fired(row["name"], row["id"], row["source"], looked, spoken)


async def _remember(db: Session, decided: _Decided, at: int) -> set[int]:
    """Keep what watches remember; those nobody has changed meanwhile."""
    if not decided.remembered:
        return set()
    told = {"seen": rows.dumps(decided.remembered), "at": at}
    return {row[0] for row in await db.all(_SQL["remember"], told)}

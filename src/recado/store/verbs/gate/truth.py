"""Truth: a watch's news is looked at once more when it leaves; what has recovered is not said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from recado.domain import event as events
from recado.domain.politeness import Rules, Stop
from recado.domain.politeness.chain import Link
from recado.domain.politeness.truth import NO_LONGER_TRUE, newest_value, sentence, untrue
from recado.domain.watch import AnyRule, Value, WatchState, again, parse_rule, read
from recado.store.session import Row, Session, statements
from recado.store.verbs import rows
from recado.store.verbs.events import count_watching
from recado.store.verbs.gate.leaving import Leaving
from recado.store.verbs.watches import read_value, written_value

_SQL = statements("truth")


class _Told(NamedTuple):
    """What is to be said of a subject, and what is known of it now."""

    rule: AnyRule
    baseline: Value | None
    newest: Value | None
    untrue: bool


async def check(
    db: Session,
    leaving: Sequence[Leaving],
    rules: Rules,  # noqa: ARG001 - nobody can set anything
    now: int,  # noqa: ARG001 - it depends on what is known, not on when
) -> Mapping[str, Stop]:
    """Those whose watch would not fire with what is known now; the watch is as before it fired."""
    watched = [each for each in leaving if each.manner.watch is not None]
    if not watched:
        return {}
    # Of what may have arrived nobody knows whether it was said, so its watch has fired.
    doubtful = {each.id for each in watched if each.maybe_sent}
    ended = [row for row in await _fired(db, [each.id for each in watched]) if _told(row).untrue]
    if not ended:
        return {}
    await _hold(db, ended)
    stops: dict[str, Stop] = {}
    for row in await _fired(db, [row["id"] for row in ended]):
        told = _told(row)
        if told.untrue:
            stops[row["id"]] = NO_LONGER_TRUE
            if row["id"] not in doubtful:
                await _rearm(db, row, told)
    return stops


async def tell(
    db: Session,
    waiting: Leaving,
    rules: Rules,  # noqa: ARG001 - as above
    now: int,  # noqa: ARG001 - as above
) -> Link | None:
    """Whether it is still true."""
    if waiting.manner.watch is None:
        return None
    for row in await _fired(db, [waiting.id]):
        told = _told(row)
        said = sentence(told.rule, row["name"], told.newest, ended=told.untrue)
        since = rows.instant(row["accepted_at"])
        return Link(name="still_true", holds=told.untrue, said=said, since=since)
    return None


async def _fired(db: Session, deliveries: Sequence[str]) -> Sequence[Row]:
    return await db.all(_SQL["fired"], (rows.dumps(deliveries),))


def _told(row: Row) -> _Told:
    rule = parse_rule(row["rule"])
    baseline = read_value(row["baseline"])
    newest = newest_value(rule, events.read(row["data"]), row["path"])
    return _Told(rule, baseline, newest, untrue(rule, baseline, read(row["value"]), newest))


async def _hold(db: Session, fired: Sequence[Row]) -> None:
    """Keep everybody else from these watches, and from taking in events of their subjects.

    An event that came in between would be looked at by nobody: the watch has fired, and is not
    there when it is accepted. Watches first, as everybody does who changes both.
    """
    for watch in sorted({row["watch"] for row in fired}):
        await db.first(_SQL["hold_watch"], (watch,))
    for subject in sorted({row["subject"] for row in fired}):
        await db.first(_SQL["hold_subject"], (subject,))


async def _rearm(db: Session, row: Row, told: _Told) -> None:
    """The watch has not spoken after all: it fires when its rule comes true again."""
    assert told.newest is not None  # noqa: S101 - nothing unknown makes it untrue
    watch = await db.first(_SQL["hold_watch"], (row["watch"],))
    if watch is None:
        return
    standing = again(told.rule, told.baseline, told.newest)
    remembered = {
        "number": row["watch"],
        "baseline": written_value(standing.baseline),
        "armed": standing.armed,
    }
    if watch["state"] == WatchState.PAUSED:
        await db.run(_SQL["rearm_paused"], remembered)
    elif await db.run(_SQL["rearm"], remembered) and watch["state"] == WatchState.FIRED:
        await count_watching(db, watch["subject"], 1)

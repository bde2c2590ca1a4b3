"""Stopping: the checks in order, and what becomes of what may not leave."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from recado.domain.delivery import State
from recado.domain.politeness import Hold, Rules, Stop, Suppress
from recado.store.session import Session, statements
from recado.store.verbs import rows, waiting
from recado.store.verbs.gate.leaving import Check, Leaving

_SQL = statements("gate")

#: In the order in which people would give the reason: what must not be said at all comes first.
_CHECKS: Final[Sequence[Check]] = ()


async def stop(db: Session, leaving: Sequence[Leaving], rules: Rules, now: int) -> Collection[int]:
    """Hold or end what may not leave now; the lanes it stood in."""
    stops: dict[str, Stop] = {}
    left = leaving
    for check in _CHECKS:
        if not left:
            break
        found = await check(db, left, rules, now)
        if found:
            stops.update(found)
            left = [each for each in left if each.id not in found]
    if not stops:
        return ()
    stopped = [each for each in leaving if each.id in stops]
    await _hold(db, {id_: each for id_, each in stops.items() if isinstance(each, Hold)})
    ended = [
        waiting.Outlived(each.id, each.maybe_sent, State.SUPPRESSED, why.reason)
        for each in stopped
        if isinstance(why := stops[each.id], Suppress)
    ]
    await waiting.outlive(db, ended, now)
    return {each.lane for each in stopped}


async def _hold(db: Session, held: dict[str, Hold]) -> None:
    """Their entries stay, so that they go on in the order they came in."""
    if held:
        told = {
            id_: (str(each.reason), rows.maybe_micros(each.until)) for id_, each in held.items()
        }
        await db.run(_SQL["hold"], (rows.dumps(told),))

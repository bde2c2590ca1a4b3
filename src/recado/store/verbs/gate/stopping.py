"""Stopping: the checks in order, and what becomes of what may not leave."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from recado.domain.delivery import State
from recado.domain.politeness import Hold, Rules, Stop, Suppress
from recado.domain.politeness.chain import Link
from recado.store.session import Session, statements
from recado.store.verbs import rows, waiting
from recado.store.verbs.gate import caps, consent, presence, truth, windows
from recado.store.verbs.gate.leaving import Check, Leaving, Tell

_SQL = statements("gate")

#: What must not be said at all comes first, and last the caps: what passes them is counted.
_CHECKS: Final[Sequence[Check]] = (
    truth.check,
    consent.check,
    windows.check,
    presence.check,
    caps.check,
)
#: In the order in which people would give the reason.
_TELLS: Final[Sequence[Tell]] = (
    truth.tell,
    consent.tell,
    windows.tell,
    caps.tell,
    presence.tell,
)


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


async def tell(db: Session, asked: Leaving, rules: Rules, now: int) -> list[Link]:
    """What each check says of a delivery that waits, in order."""
    told = [await each(db, asked, rules, now) for each in _TELLS]
    return [link for link in told if link is not None]


async def _hold(db: Session, held: dict[str, Hold]) -> None:
    """Their entries stay, so that they go on in the order they came in."""
    if held:
        told = {
            id_: (str(each.reason), rows.maybe_micros(each.until)) for id_, each in held.items()
        }
        await db.run(_SQL["hold"], (rows.dumps(told),))

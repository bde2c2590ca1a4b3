"""Order: what is about to leave does not overtake what has waited and may go on by now.

What politeness has held is let in when its time has come, step by step. Until then it stands
outside its lane, and what came later could be claimed before it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from recado.domain.delivery import HeldReason
from recado.store.session import Session, statements
from recado.store.verbs import rows
from recado.store.verbs.gate.leaving import Leaving

_SQL = statements("gate")

#: For these a delivery waits whatever else its notification asks for.
TIMED: Final = (HeldReason.WINDOW, HeldReason.CAP)


async def overtaking(
    db: Session, leaving: Iterable[Leaving], now: int, reasons: Collection[HeldReason] = TIMED
) -> Collection[str]:
    """Which of these would overtake what was held for one of *reasons* and may go on.

    Only what came before counts: one that waited for all that is let in after it, and these for
    it, would wait for ever.
    """
    heads = [each.id for each in leaving]
    if not heads:
        return ()
    wanted = {"heads": rows.dumps(heads), "now": now, "reasons": rows.dumps(list(reasons))}
    return {id_ for (id_,) in await db.all(_SQL["overtaking"], wanted)}

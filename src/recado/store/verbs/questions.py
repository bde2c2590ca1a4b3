"""Questions: asked with the settlement of a delivery, answered once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from recado.domain.notification import Action
from recado.domain.question import ANSWER_WITHIN, Asked, Overheard
from recado.domain.reference import ConversationKey
from recado.store.port import Settlement
from recado.store.session import Row, Session, statements
from recado.store.verbs import rows

_SQL = statements("questions")

_WITHIN: Final = rows.micros_of(ANSWER_WITHIN)


async def delivered(db: Session, settlements: Sequence[Settlement]) -> None:
    """Ask what these deliveries, which have arrived, ask; what was recalled is asked no more."""
    asked = [
        (
            each.claim.delivery_id,
            each.claim.lane,
            each.claim.notification_id,
            rows.clean(each.evidence.activity_id),
            rows.micros(each.ended_at),
        )
        for each in settlements
        if each.claim.asks and each.claim.target is None
    ]
    if asked:
        await db.run(_SQL["ask"], {"asked": rows.dumps(asked), "within": _WITHIN})
    recalled = [
        each.claim.target
        for each in settlements
        if each.claim.action is Action.RECALL and each.claim.target is not None
    ]
    if recalled:
        await db.run(_SQL["take_back"], (rows.dumps(recalled),))


async def overhear(
    db: Session, key: ConversationKey, activity: str | None, now: datetime
) -> Overheard:
    """See the port."""
    name = rows.clean(key.bot), rows.clean(key.channel), rows.clean(key.conversation_id)
    presence = await db.first(_SQL["overheard"], name)
    told = {
        "bot": name[0],
        "channel": name[1],
        "conversation": name[2],
        "activity": rows.clean(activity),
        "now": rows.micros(now),
    }
    asked = tuple(_asked(row) for row in await db.all(_SQL["asked"], told))
    if presence is None:
        return Overheard(asked=asked)
    return Overheard(
        in_dialog=bool(presence["dialog_since"]),
        heard_at=rows.maybe_instant(presence["heard_at"] or None),
        asked=asked,
    )


def _asked(row: Row) -> Asked:
    return Asked(
        delivery_id=row["delivery"],
        notification_id=row["notification"],
        activity_id=row["activity_id"],
        handler=row["handler"],
        value=row["value"],
        mark=row["mark"],
        user_id=row["user_id"],
        asked_at=rows.instant(row["asked_at"]),
        answered_by=row["answered_by"],
    )


async def answer(db: Session, delivery_id: str, activity: str, now: int) -> bool:
    """See the port."""
    told = {"delivery": delivery_id, "activity": rows.clean(activity), "now": now}
    return await db.run(_SQL["answer"], told) > 0


async def ask_again(db: Session, delivery_id: str, activity: str) -> None:
    """See the port."""
    await db.run(_SQL["open_again"], (delivery_id, rows.clean(activity)))


async def forget(db: Session, before: int, limit: int) -> int:
    """Forget questions whose time was up before; how many."""
    return await db.run(_SQL["forget"], {"before": before, "limit": limit})

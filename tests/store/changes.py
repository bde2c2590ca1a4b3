"""Accepting changes, with everything filled in but what a test is about."""

from __future__ import annotations

from typing import Any

from recado.domain.content import content_of
from recado.domain.delivery import Evidence
from recado.domain.notification import Action, Changes, Otherwise
from recado.domain.reference import Reference
from recado.store.port import Accepted, Claim
from recado.testing import make_notification
from tests.store.kit import Desk

RECEIPT = Evidence(status=201, activity_id="m1")


async def update(desk: Desk, target: str, text: str = "new", **changes: Any) -> Accepted:
    """Accept an update of a notification."""
    told = {"otherwise": Otherwise.FOLLOW_UP, "content": content_of(text)} | changes
    return await change(desk, target, Action.UPDATE, **told)


async def recall(desk: Desk, target: str, **changes: Any) -> Accepted:
    """Accept a recall of a notification."""
    told = {"otherwise": Otherwise.REFUSE, "content": None} | changes
    return await change(desk, target, Action.RECALL, **told)


async def change(desk: Desk, target: str, action: Action, **changes: Any) -> Accepted:
    """Accept a change of a notification."""
    told: dict[str, Any] = {"action": action, "target": target, "accepted_at": desk.now}
    return await desk.store.accept(make_notification(**(told | changes)), [])


async def changes_of(desk: Desk, notification_id: str) -> Changes:
    """What a change says it has done."""
    progress = await desk.store.progress(notification_id)
    assert progress is not None
    assert progress.changes is not None
    return progress.changes


async def said(desk: Desk, to: Reference, text: str = "old", **changes: Any) -> tuple[str, str]:
    """A notification, and its delivery."""
    accepted = await desk.accept(text, to, **changes)
    return accepted.notification_id, accepted.delivery_ids[0]


async def delivered(desk: Desk, to: Reference, **changes: Any) -> tuple[str, str]:
    """A notification that was delivered with a receipt, and its delivery."""
    made = await said(desk, to, **changes)
    await desk.settle(await desk.claim_of(made[1]), evidence=RECEIPT)
    return made


def asked(claim: Claim) -> tuple[Action, str | None, str | None]:
    """What a claim asks for: the action, of which delivery, by which id."""
    return claim.action, claim.target, claim.activity_id

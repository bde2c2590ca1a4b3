"""Watches, with everything filled in but what a test is about."""

from __future__ import annotations

from typing import Any

from recado.domain.audience import Conversation
from recado.domain.event import Emitted, Event
from recado.domain.ids import new_id
from recado.domain.reference import Reference
from recado.domain.watch import NewWatch, Watch, parse_rule
from recado.testing import make_notification
from tests.store.kit import Desk

PRICE = "price:42"


async def tell(desk: Desk, data: Any, *, subject: str = PRICE, **changes: Any) -> Emitted:
    """Take in one event."""
    event = Event(**{"subject": subject, "data": data, "id": new_id()} | changes)
    (emitted,) = await desk.store.accept_events("local", [event], desk.now)
    return emitted


async def begin(desk: Desk, lane: Reference, rule: str = "drop 20%", **changes: Any) -> Watch:
    """Make a watch over the price."""
    said = {
        name: changes.pop(name)
        for name in ("turn", "user", "audience", "category", "asked_at", "priority")
        if name in changes
    }
    told: dict[str, Any] = {
        "id": new_id(),
        "bot": "local",
        "subject": PRICE,
        "rule": parse_rule(rule),
        "path": None,
        "said": make_notification(
            changes.pop("text", "{value}"),
            **({"audience": Conversation(lane.id), "accepted_at": desk.now} | said),
        ),
        "cooldown": None,
        "repeats": False,
        "key": None,
        "expires_at": None,
        "created_at": desk.now,
    }
    return await desk.store.make_watch(NewWatch(**(told | changes)), lane)


async def look(desk: Desk, step: int = 100) -> int:
    """Have all watches look at all that has happened; how many spoke."""
    fired, after = 0, 0
    while True:
        done = await desk.store.evaluate(desk.now, after, step)
        fired += sum(each.fired for each in done.events)
        if not done.full:
            return fired
        after = done.after


async def now(desk: Desk, watch: Watch) -> Watch:
    """The watch as it is kept."""
    found = await desk.store.watch("local", watch.id)
    assert found is not None
    return found

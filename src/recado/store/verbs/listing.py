"""Listing deliveries, and finding those a person means, through whichever index fits."""

from __future__ import annotations

from typing import Any

from recado.domain.delivery import Delivery, State
from recado.domain.steering import DEAD
from recado.store.port import DeliveryFilter, Page
from recado.store.session import Session, Statement, statements
from recado.store.verbs import rows

_SQL = statements("listing")

#: Sort before and after every id.
_FIRST_ID, _LAST_ID = "", "g"


async def deliveries(
    db: Session, wanted: DeliveryFilter, after: str | None, limit: int
) -> Page[Delivery]:
    """See the port."""
    cut = await _cut(db, wanted)
    if cut is None:
        return Page(items=[], next=None)
    cut |= {"before": after or _LAST_ID, "limit": limit + 1}
    page = [row[0] for row in await db.all(_way_in(wanted, cut), cut)]
    shown = rows.dumps(page[:limit])
    last = {row["delivery"]: row for row in await db.all(_SQL["last_attempts"], {"ids": shown})}
    found = await db.all(_SQL["deliveries"], {"ids": shown})
    return Page(
        items=[rows.delivery(row, last.get(row["id"])) for row in found],
        next=page[limit - 1] if len(page) > limit else None,
    )


def _way_in(wanted: DeliveryFilter, cut: dict[str, Any]) -> Statement:
    if cut["notification"] is not None:
        return _SQL["page_of_notification"]
    if wanted.states and DEAD.issuperset(wanted.states):
        return _SQL["page_of_dead"]
    return _SQL["page"]


async def find(db: Session, wanted: DeliveryFilter, after: str | None, limit: int) -> list[str]:
    """See the port."""
    cut = await _cut(db, wanted)
    if cut is None:
        return []
    cut |= {"after": after or _FIRST_ID, "limit": limit}
    states = wanted.states or frozenset(State)
    live = frozenset(states) - {State.REJECTED}
    cut["states"] = rows.dumps(sorted(live))
    if cut["notification"] is not None:
        ways = _SQL["live_of_notification"], _SQL["rejected_of_notification"]
    elif cut["reference"] is not None:
        ways = _SQL["live_of_reference"], _SQL["rejected"]
    else:
        ways = _SQL["live"], _SQL["rejected"]
    found = [row[0] for row in await db.all(ways[0], cut)] if live else []
    if State.REJECTED in states:
        found += [row[0] for row in await db.all(ways[1], cut)]
    return sorted(found)[:limit]


async def _cut(db: Session, wanted: DeliveryFilter) -> dict[str, Any] | None:
    """The conditions as the statements take them; None if what is named is not there."""
    states = wanted.states
    cut: dict[str, Any] = {
        "states": None if states is None else rows.dumps(sorted(states)),
        "reason": wanted.reason,
        "bot": wanted.bot,
        "notification": None,
        "reference": None,
    }
    for name, identity, number_of in (
        ("notification", wanted.notification_id, _SQL["number_of_notification"]),
        ("reference", wanted.reference_id, _SQL["number_of_reference"]),
    ):
        if identity is not None:
            found = await db.first(number_of, (identity,))
            if found is None:
                return None
            cut[name] = found[0]
    return cut

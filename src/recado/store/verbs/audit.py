"""The audit."""

from __future__ import annotations

import json

from recado.domain.audit import AuditEntry, Note
from recado.store.port import Page
from recado.store.session import Row, Session, statements
from recado.store.verbs import pages, rows

_SQL = statements("audit")

#: Above every number a page can begin at.
_END = 2**63 - 1


async def write(db: Session, at: int, bot: str, reference: int | None, *notes: Note) -> None:
    """Write entries, in the transaction of what they tell about."""
    for note in notes:
        detail = rows.dumps(dict(note.detail))
        await db.run(_SQL["write"], (at, str(note.kind), bot, reference, detail))


async def page(
    db: Session,
    bot: str | None,
    reference_id: str | None,
    after: str | None,
    limit: int,
) -> Page[AuditEntry]:
    cut = {"before": pages.position(after, _END), "bot": bot, "limit": limit + 1}
    if reference_id is None:
        found = await db.all(_SQL["page"], cut)
    else:
        found = await db.all(_SQL["page_of"], {**cut, "reference": reference_id})
    items = [_entry(row) for row in found[:limit]]
    return Page(items=items, next=str(items[-1].number) if len(found) > limit else None)


def _entry(row: Row) -> AuditEntry:
    return AuditEntry(
        number=row["number"],
        at=rows.instant(row["at"]),
        kind=row["kind"],
        bot=row["bot"],
        reference_id=row["reference_id"],
        detail=json.loads(row["detail"]),
    )

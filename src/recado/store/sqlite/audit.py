"""The audit in SQLite."""

from __future__ import annotations

import json
import sqlite3

from recado.domain.audit import AuditEntry, Note
from recado.errors import InvalidInput
from recado.store.port import Page
from recado.store.queries import load_queries
from recado.store.sqlite import rows

_SQL = load_queries("sqlite", "audit")

#: Above every number a page can begin at.
_END = 2**63 - 1


def write(db: sqlite3.Connection, at: int, bot: str, reference: int | None, *notes: Note) -> None:
    """Write entries, in the transaction of what they tell about."""
    for note in notes:
        detail = rows.dumps(dict(note.detail))
        db.execute(_SQL["write"], (at, str(note.kind), bot, reference, detail))


def page(
    db: sqlite3.Connection,
    bot: str | None,
    reference_id: str | None,
    after: str | None,
    limit: int,
) -> Page[AuditEntry]:
    cut = {"before": _position(after), "bot": bot, "limit": limit + 1}
    if reference_id is None:
        found = db.execute(_SQL["page"], cut).fetchall()
    else:
        found = db.execute(_SQL["page_of"], {**cut, "reference": reference_id}).fetchall()
    items = [_entry(row) for row in found[:limit]]
    return Page(items=items, next=str(items[-1].number) if len(found) > limit else None)


def _position(after: str | None) -> int:
    if after is None:
        return _END
    if not (after.isascii() and after.isdigit() and len(after) < 19):
        raise InvalidInput(f"{after!r} is no page: pass on what the page before gave as next.")
    return int(after)


def _entry(row: sqlite3.Row) -> AuditEntry:
    return AuditEntry(
        number=row["number"],
        at=rows.instant(row["at"]),
        kind=row["kind"],
        bot=row["bot"],
        reference_id=row["reference_id"],
        detail=json.loads(row["detail"]),
    )

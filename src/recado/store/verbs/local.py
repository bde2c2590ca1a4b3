"""The local channel's history."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from recado.store.session import Session, statements
from recado.store.verbs import rows

_SQL = statements("local")


async def start(db: Session, conversation: str, user: Mapping[str, Any] | None) -> bool:
    known = rows.maybe_dumps(user)
    new = await db.run(_SQL["start"], (conversation, known)) > 0
    if not new and known is not None:
        await db.run(_SQL["meet"], (known, conversation))
    return new


async def user(db: Session, conversation: str) -> tuple[bool, Mapping[str, Any] | None]:
    row = await db.first(_SQL["user"], (conversation,))
    return (False, None) if row is None else (True, rows.maybe_loads(row["user"]))


async def append(
    db: Session, conversation: str, activity: Mapping[str, Any], key: str | None
) -> tuple[int, bool]:
    if key is not None:
        row = await db.first(_SQL["by_key"], (conversation, key))
        if row is not None:
            return row["position"], False
    position = await db.value(
        _SQL["append"],
        {"conversation": conversation, "activity": rows.dumps(activity), "key": key},
    )
    return position, True


async def replace(
    db: Session,
    conversation: str,
    position: int,
    activity: Mapping[str, Any] | None,
) -> bool:
    written = rows.maybe_dumps(activity)
    return await db.run(_SQL["replace"], (written, conversation, position)) > 0


async def history(
    db: Session, conversation: str, after: int, limit: int
) -> list[tuple[int, Mapping[str, Any]]]:
    found = await db.all(_SQL["history"], (conversation, after, limit))
    return [(row["position"], json.loads(row["activity"])) for row in found]

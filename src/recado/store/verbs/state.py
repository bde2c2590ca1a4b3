"""What bots keep between turns."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence

from recado.errors import StateConflict
from recado.store.port import Kept, Put
from recado.store.session import Session, statements
from recado.store.verbs import rows

_SQL = statements("state")


async def read(db: Session, bot: str, keys: Collection[str]) -> Mapping[str, Kept]:
    found = await db.all(_SQL["read"], {"bot": bot, "keys": rows.dumps(sorted(keys))})
    return {row["key"]: Kept(json.loads(row["value"]), row["revision"]) for row in found}


async def write(db: Session, bot: str, puts: Sequence[Put], now: int) -> Mapping[str, int]:
    revisions: dict[str, int] = {}
    missed = []
    # In one order everywhere, so that two writers do not wait for each other.
    for put in sorted(puts, key=lambda each: each.key):
        told = {"bot": bot, "key": put.key, "value": rows.dumps(put.value), "now": now}
        if put.expected is None:
            revision = await db.value(_SQL["put"], told)
        elif put.expected == 0:
            revision = await db.value(_SQL["put_new"], told)
        else:
            revision = await db.value(_SQL["put_over"], {**told, "expected": put.expected})
        if revision is None:
            missed.append(put.key)
        else:
            revisions[put.key] = revision
    if missed:
        raise StateConflict(missed)
    return revisions


async def delete(db: Session, bot: str, keys: Collection[str]) -> None:
    await db.run_many(_SQL["drop"], [(bot, key) for key in sorted(keys)])

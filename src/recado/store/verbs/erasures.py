"""Erasures: what was refused by people who have been erased, kept without their names.

A name that comes again is recognised by its salted hash, and what it had refused holds again.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import AsyncIterator, Collection
from typing import NamedTuple

from recado.domain.consent import Identity
from recado.store.session import Session, statements

_SQL = statements("consent")


class Refusal(NamedTuple):
    """What was refused under a name."""

    identity: Identity
    #: '' for everything.
    category: str
    at: int


async def keep(db: Session, bot: str, refusals: Collection[Refusal]) -> None:
    """Keep refusals of names that are about to be erased."""
    if not refusals:
        return
    salt = await anext(_salts(db), None) or secrets.token_hex(16)
    await db.run_many(
        _SQL["keep_erased"],
        [(salt, _hash(salt, bot, each.identity), each.category, each.at) for each in refusals],
    )


async def recall(db: Session, bot: str, names: Collection[Identity]) -> list[Refusal]:
    """What was refused under these names by somebody who has been erased since."""
    found: list[Refusal] = []
    async for salt in _salts(db):
        for each in names:
            known = await db.all(_SQL["erased"], (salt, _hash(salt, bot, each)))
            found += [Refusal(each, row["category"], row["at"]) for row in known]
    return found


async def _salts(db: Session) -> AsyncIterator[str]:
    """Mostly none or one: a second one where two processes began at the same moment."""
    salt = ""
    while (following := await db.value(_SQL["salts"], (salt,))) is not None:
        salt = following
        yield salt


def _hash(salt: str, bot: str, identity: Identity) -> str:
    told = f"{salt}\0{bot}\0{identity.channel}\0{identity.name}"
    return hashlib.sha256(told.encode()).hexdigest()

"""The storage port over SQL: the local channel's history."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from recado.store.over_sql.transactions import Transactions
from recado.store.verbs import (
    local,
)


class SqlLocal(Transactions):
    """Implements :class:`recado.store.port.LocalStore`."""

    async def local_start(self, conversation_id: str, user: Mapping[str, Any] | None) -> bool:
        return await self._write(lambda db: local.start(db, conversation_id, user))

    async def local_user(self, conversation_id: str) -> tuple[bool, Mapping[str, Any] | None]:
        return await self._read(lambda db: local.user(db, conversation_id))

    async def local_append(
        self, conversation_id: str, activity: Mapping[str, Any], *, key: str | None = None
    ) -> tuple[int, bool]:
        return await self._write(lambda db: local.append(db, conversation_id, activity, key))

    async def local_replace(
        self, conversation_id: str, position: int, activity: Mapping[str, Any] | None
    ) -> bool:
        return await self._write(lambda db: local.replace(db, conversation_id, position, activity))

    async def local_history(
        self, conversation_id: str, *, after: int, limit: int = 500
    ) -> list[tuple[int, Mapping[str, Any]]]:
        return await self._read(lambda db: local.history(db, conversation_id, after, limit))

    # -- what bots keep

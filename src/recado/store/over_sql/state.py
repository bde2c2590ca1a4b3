"""The storage port over SQL: what bots keep between turns."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from recado.store.over_sql.transactions import Transactions
from recado.store.port import (
    Kept,
    Put,
)
from recado.store.verbs import (
    state,
)
from recado.store.verbs.rows import micros


class SqlState(Transactions):
    """Implements :class:`recado.store.port.StateStore`."""

    async def read_state(self, bot: str, keys: Collection[str]) -> Mapping[str, Kept]:
        return await self._read(lambda db: state.read(db, bot, keys))

    async def write_state(self, bot: str, puts: Sequence[Put]) -> Mapping[str, int]:
        now = micros(self._clock.now())
        return await self._write(lambda db: state.write(db, bot, puts, now))

    async def delete_state(self, bot: str, keys: Collection[str]) -> None:
        await self._write(lambda db: state.delete(db, bot, keys))

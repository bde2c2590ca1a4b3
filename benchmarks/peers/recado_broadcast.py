"""Recado's broadcast: one call, every conversation."""

from __future__ import annotations

from benchmarks.load import TEXT
from benchmarks.peers._recado import RecadoSender


class Peer(RecadoSender):
    """One notification to everyone known."""

    title = "Recado broadcast"

    async def say_to_all(self, numbers: range) -> None:
        self.expect(len(numbers))
        await self.recado.notify("all", TEXT)

"""Recado's ``notify``: one call for each conversation, each committed before it returns."""

from __future__ import annotations

from benchmarks.load import TEXT, conversation_id
from benchmarks.peers._recado import RecadoSender


class Peer(RecadoSender):
    """One notification to one conversation at a time."""

    title = "Recado notify"
    callers = 128

    async def say(self, number: int) -> None:
        self.expect(1)
        await self.recado.notify(f"conversation:{conversation_id(number)}", TEXT)

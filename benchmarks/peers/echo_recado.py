"""The same echo turn of the same bot with Recado attached.

Everything that attaching brings is on: capture, the pooled connector, state of its own for each
turn, the turn lock, and what tells an activity that has come before. The conversations are
known, as those of most turns are.
"""

from __future__ import annotations

from benchmarks.load import Load
from benchmarks.peers._echo import EchoSender
from benchmarks.peers._recado import RecadoSender


class Peer(EchoSender):
    """With Recado."""

    title = "echo turn, Recado attached"
    packages = ("recado", "microsoft-agents-hosting-core")

    def __init__(self, load: Load) -> None:
        super().__init__(load)
        self._recado = RecadoSender(load)
        self._recado.recado.attach(self.adapter, self.agent)

    async def open(self) -> None:
        await self._recado.open()

    async def learn(self, numbers: range) -> None:
        await self._recado.learn(numbers)

    async def close(self) -> None:
        await self._recado.close()

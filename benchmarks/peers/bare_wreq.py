"""A loop that posts ready bytes with wreq, another Rust client under asyncio: nothing is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from wreq import CertStore, Client

from benchmarks.load import Load, bodies, url
from benchmarks.sender import Sender

_JSON: Final = {"Content-Type": "application/json"}


class Peer(Sender):
    """wreq, bare."""

    title = "bare wreq"
    packages = ("wreq",)
    divisor = 0.25

    def __init__(self, load: Load) -> None:
        super().__init__(load)
        authority = CertStore.from_pem_stack(Path(load.ca).read_bytes()) if load.ca else True
        self._client = Client(
            http1_only=True,
            pool_max_size=self.callers,
            pool_max_idle_per_host=self.callers,
            no_proxy=True,
            tls_verify=authority,
        )
        self._bodies: dict[int, bytes] = {}

    async def learn(self, numbers: range) -> None:
        self._bodies |= bodies(numbers)

    async def say(self, number: int) -> None:
        response = await self._client.post(
            url(self.load, number), body=self._bodies[number], headers=_JSON
        )
        await response.bytes()
        assert response.status.as_int() == 200

    async def close(self) -> None:
        self._client.close()

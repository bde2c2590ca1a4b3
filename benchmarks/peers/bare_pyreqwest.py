"""A loop that posts ready bytes with pyreqwest, the client Recado posts with: nothing is kept."""

from __future__ import annotations

from pathlib import Path

from pyreqwest.client import Client, ClientBuilder

from benchmarks.load import Load, bodies, url
from benchmarks.sender import Sender


class Peer(Sender):
    """pyreqwest, bare."""

    title = "bare pyreqwest"
    packages = ("pyreqwest",)
    divisor = 0.25

    def __init__(self, load: Load) -> None:
        super().__init__(load)
        builder = (
            ClientBuilder()
            .http1_only()
            .max_connections(self.callers)
            .pool_max_idle_per_host(self.callers)
            .no_proxy()
        )
        if load.ca:
            builder = builder.add_root_certificate_pem(Path(load.ca).read_bytes())
        self._client: Client = builder.build()
        self._bodies: dict[int, bytes] = {}

    async def learn(self, numbers: range) -> None:
        self._bodies |= bodies(numbers)

    async def say(self, number: int) -> None:
        request = (
            self._client.post(url(self.load, number))
            .header("Content-Type", "application/json")
            .body_bytes(self._bodies[number])
            .build()
        )
        response = await request.send()
        await response.bytes()
        assert response.status == 200

    async def close(self) -> None:
        await self._client.close()

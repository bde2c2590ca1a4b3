"""A loop that posts ready bytes with httpx, the client of the Teams SDK: nothing is kept."""

from __future__ import annotations

import ssl
from typing import Final

import httpx

from benchmarks.load import Load, bodies, url
from benchmarks.sender import Sender

_JSON: Final = {"Content-Type": "application/json"}


class Peer(Sender):
    """httpx, bare."""

    title = "bare httpx"
    packages = ("httpx", "httpcore")
    divisor = 10

    def __init__(self, load: Load) -> None:
        super().__init__(load)
        self._client = httpx.AsyncClient(
            verify=ssl.create_default_context(cafile=load.ca or None),
            limits=httpx.Limits(
                max_connections=self.callers, max_keepalive_connections=self.callers
            ),
            trust_env=False,
        )
        self._bodies: dict[int, bytes] = {}

    async def learn(self, numbers: range) -> None:
        self._bodies |= bodies(numbers)

    async def say(self, number: int) -> None:
        response = await self._client.post(
            url(self.load, number), content=self._bodies[number], headers=_JSON
        )
        assert response.status_code == 200

    async def close(self) -> None:
        await self._client.aclose()

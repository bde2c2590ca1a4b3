"""A loop that posts ready bytes with aiohttp, the client of the SDKs: nothing is kept."""

from __future__ import annotations

import ssl
from typing import Final

import aiohttp

from benchmarks.load import Load, bodies, url
from benchmarks.sender import Sender

_JSON: Final = {"Content-Type": "application/json"}


class Peer(Sender):
    """aiohttp, bare."""

    title = "bare aiohttp"
    packages = ("aiohttp",)
    divisor = 2

    def __init__(self, load: Load) -> None:
        super().__init__(load)
        self._bodies: dict[int, bytes] = {}

    async def open(self) -> None:
        tls = ssl.create_default_context(cafile=self.load.ca or None)
        connector = aiohttp.TCPConnector(limit=self.callers, ssl=tls)
        self._session = aiohttp.ClientSession(connector=connector)

    async def learn(self, numbers: range) -> None:
        self._bodies |= bodies(numbers)

    async def say(self, number: int) -> None:
        posted = self._session.post(
            url(self.load, number), data=self._bodies[number], headers=_JSON
        )
        async with posted as response:
            await response.read()
            assert response.status == 200

    async def close(self) -> None:
        await self._session.close()

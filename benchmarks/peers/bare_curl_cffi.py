"""A loop that posts ready bytes with curl_cffi, libcurl under asyncio: nothing is kept."""

from __future__ import annotations

from typing import Any, Final

from curl_cffi import CurlHttpVersion
from curl_cffi.requests import AsyncSession

from benchmarks.load import Load, bodies, url
from benchmarks.sender import Sender

_JSON: Final = {"Content-Type": "application/json"}


class Peer(Sender):
    """curl_cffi, bare."""

    title = "bare curl_cffi"
    packages = ("curl-cffi",)
    divisor = 5

    def __init__(self, load: Load) -> None:
        super().__init__(load)
        self._bodies: dict[int, bytes] = {}

    async def open(self) -> None:
        self._session: AsyncSession[Any] = AsyncSession(
            max_clients=self.callers,
            verify=self.load.ca or True,  # type: ignore[arg-type]  # it takes a path too
            trust_env=False,
            http_version=CurlHttpVersion.V1_1,
        )

    async def learn(self, numbers: range) -> None:
        self._bodies |= bodies(numbers)

    async def say(self, number: int) -> None:
        response = await self._session.post(
            url(self.load, number), data=self._bodies[number], headers=_JSON
        )
        assert response.status_code == 200

    async def close(self) -> None:
        await self._session.close()

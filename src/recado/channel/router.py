"""Which channel takes a request: channels of our own by host, the rest by the default one."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from recado.channel.port import Call, Channel, Post, Reply
from recado.domain.policy import Answer


class ChannelRouter:
    """A channel that hands each request to the channel responsible for its host.

    Args:
        reserved: channels of our own, by the host that is reserved for them, in lower case.
        default: takes every other request. It judges the host itself, so a service URL that
            only resembles a reserved one is refused there.
    """

    def __init__(self, reserved: Mapping[str, Channel], default: Channel) -> None:
        self._reserved = dict(reserved)
        self._default = default

    async def send(self, post: Post) -> Answer:
        """Hand *post* to the channel of its host."""
        return await self._responsible(post.service_url).send(post)

    async def call(self, call: Call) -> Reply:
        """Hand *call* to the channel of its host."""
        return await self._responsible(call.service_url).call(call)

    async def close(self) -> None:
        """Close every channel."""
        for channel in {id(c): c for c in (*self._reserved.values(), self._default)}.values():
            await channel.close()

    def _responsible(self, service_url: str) -> Channel:
        return self._reserved.get(_host(service_url), self._default)


@lru_cache(maxsize=1024)
def _host(service_url: str) -> str:
    """The host in the usual form of a service URL; anything unusual is the default's to judge."""
    authority = service_url.partition("://")[2].partition("/")[0]
    return "" if "@" in authority else authority.partition(":")[0].lower()

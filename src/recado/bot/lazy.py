"""The SDK's own clients, made only if a turn uses them.

The SDK opens two HTTP sessions at the start of every turn: one for the connector, one for the
user token service, which most turns never ask.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Any, Generic, Protocol, TypeVar

from microsoft_agents.hosting.core import UserTokenClientBase
from microsoft_agents.hosting.core.connector.agent_sign_in_base import AgentSignInBase
from microsoft_agents.hosting.core.connector.user_token_base import UserTokenBase


class Closable(Protocol):
    """What all clients of the SDK have in common."""

    async def close(self) -> None:
        """Release what the client holds."""


ClientT = TypeVar("ClientT", bound=Closable)


class Lazy(Generic[ClientT]):
    """A client that is made when it is first needed.

    Args:
        make: makes it.
    """

    def __init__(self, make: Callable[[], Awaitable[ClientT]]) -> None:
        self._make = make
        self._made: ClientT | None = None

    async def get(self) -> ClientT:
        """The client."""
        if self._made is None:
            self._made = await self._make()
        return self._made

    async def close(self) -> None:
        """Close the client if it was made. It is made anew if it is needed again."""
        made, self._made = self._made, None
        if made is not None:
            await made.close()


class LazyPart:
    """The coroutine methods of a client, or of the part of it *name* says.

    Args:
        client: the client.
        like: a class whose methods are meant, so that other names are none.
        name: attribute of the client that holds the part.
    """

    def __init__(self, client: Lazy[Any], like: type, name: str | None = None) -> None:
        self._client = client
        self._like = like
        self._name = name

    def __getattr__(self, method: str) -> Callable[..., Awaitable[Any]]:
        if not inspect.iscoroutinefunction(getattr(self._like, method, None)):
            raise AttributeError(
                f"{self._like.__name__} has no coroutine method {method!r} to be called lazily."
            )

        async def call(*args: Any, **kwargs: Any) -> Any:
            owner = await self._client.get()
            part = owner if self._name is None else getattr(owner, self._name)
            return await getattr(part, method)(*args, **kwargs)

        return call


class LazyUserTokenClient(LazyPart):
    """A user token client that opens its session when somebody signs in.

    Args:
        make: makes the SDK's own.
    """

    def __init__(self, make: Callable[[], Awaitable[UserTokenClientBase]]) -> None:
        client = Lazy(make)
        super().__init__(client, UserTokenClientBase)
        self.user_token = LazyPart(client, UserTokenBase, "user_token")
        self.agent_sign_in = LazyPart(client, AgentSignInBase, "agent_sign_in")

    async def close(self) -> None:
        """Called by the adapter when the turn has ended."""
        await self._client.close()

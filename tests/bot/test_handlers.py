"""Registering handlers."""

from __future__ import annotations

from typing import Any

import pytest
from microsoft_agents.hosting.core import (
    TurnContext,
)

from recado.errors import ConfigurationError
from tests.bot.kit import Bench, Echo, message


@pytest.mark.parametrize("name", ["", "bot"])
def test_reserved_names_are_refused(bench: Bench, name: str) -> None:
    """The bot's own turn handler has the name "bot"."""
    with pytest.raises(ConfigurationError):
        bench.bridge.handler(name)


def test_a_name_is_taken_once(bench: Bench) -> None:
    """Registering the same function again is harmless, another one is not."""
    bench.bridge.handler("two")(_two)
    bench.bridge.handler("two")(_two)
    with pytest.raises(ConfigurationError, match="already"):
        bench.bridge.handler("two")(_three)


async def test_wrong_signatures_are_refused_at_once(bench: Bench) -> None:
    """The message says how to write a handler."""

    async def no_value(context: TurnContext) -> None: ...
    async def too_many(a: Any, b: Any, c: Any, d: Any) -> None: ...
    async def keyword(context: TurnContext, value: Any, *, more: Any) -> None: ...
    def no_coroutine(context: TurnContext, value: Any) -> None: ...

    functions: list[Any] = [no_value, too_many, keyword, no_coroutine]
    for function in functions:
        with pytest.raises(ConfigurationError, match=r"async def handler\(context, value\)"):
            bench.bridge.handler("wrong")(function)


async def test_methods_and_callables_can_be_handlers(bench: Bench) -> None:
    """Anything awaitable with the right parameters will do."""

    class Object:
        async def method(self, context: TurnContext, value: Any) -> None:
            await context.send_activity(f"method {value}")

        async def __call__(self, context: TurnContext, value: Any = None) -> None:
            await context.send_activity(f"call {value}")

    thing = Object()
    bench.bridge.handler("method")(thing.method)
    bench.bridge.handler("call")(thing)
    bench.attach(Echo())
    await bench.receive(message("hi"))
    assert (await bench.run_turn("method", 1)).error is None
    assert (await bench.run_turn("call", 2)).error is None
    assert bench.channel.texts == ["echo hi", "method 1", "call 2"]


def test_turn_state_needs_an_application(bench: Bench) -> None:
    """A handler that wants state is refused with a bot that has none."""
    bench.bridge.handler("three")(_three)
    with pytest.raises(ConfigurationError, match="turn state"):
        bench.attach(Echo())


async def _two(context: TurnContext, value: Any) -> None:
    await context.send_activity("one")
    await context.send_activity("two")


async def _three(context: TurnContext, state: Any, value: Any) -> None: ...

"""Watches as a program uses them: made, fired, and what of them is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from recado import Recado
from recado.domain.event import Event
from recado.domain.watch import WatchState
from recado.errors import (
    InvalidAudience,
    InvalidEvent,
    InvalidInput,
    InvalidRule,
    UnknownRecipient,
    UnknownWatch,
)
from recado.testing import FakeConnector, make_sighting, wired

ANA = "user:29:ana"
#: An instant that UTC has no date for.
_BEYOND = datetime.max.replace(tzinfo=timezone(timedelta(hours=-1)))


@pytest.fixture
async def channel() -> AsyncIterator[FakeConnector]:
    """A channel."""
    async with FakeConnector() as opened:
        yield opened


@pytest.fixture
async def recado(channel: FakeConnector) -> AsyncIterator[Recado]:
    """A Recado that knows Ana."""
    async with wired(channel) as started:
        await started.references.remember(make_sighting("a:1", service_url=channel.url))
        yield started


async def test_a_price_that_falls_is_told(recado: Recado, channel: FakeConnector) -> None:
    """From the price when the watch was made, exactly at 20 %."""
    await recado.emit("price:42", {"value": 0.1})
    watch = await recado.watches.create(
        ANA, subject="price:42", rule="drop 20%", text="Now {value}, {percent} since {before}."
    )
    assert (watch.baseline, watch.armed, watch.state) == ("0.1", True, WatchState.ACTIVE)
    first = await recado.emit("price:42", {"value": Decimal("0.0801")})
    assert (first.replayed, first.watching) == (False, 1)
    many = await recado.emit_many(
        [Event(subject="price:42", data={"value": "0.08"}, id="a"), *(_again() for _ in range(2))]
    )
    assert [each.replayed for each in many] == [False, False, True]
    await channel.until(1)
    assert channel.texts["a:1"] == ["Now 0.08, -20\u00a0% since 0.1."]
    assert (await recado.watches.get(watch.id)).state is WatchState.FIRED
    assert await recado.watches.newest("price:42") == {"value": Decimal("0.05")}


def _again() -> Event:
    return Event(subject="price:42", data={"value": 0.05}, id="b")


async def test_a_handler_runs(recado: Recado, channel: FakeConnector) -> None:
    """As a turn of a bot, given what was seen."""
    del channel
    with pytest.raises(InvalidInput, match="one of"):
        await recado.watches.create(ANA, subject="s", rule="changes", text="a", handler="b")
    watch = await recado.watches.create(
        ANA, subject="s", rule="above 1", handler="sell", value={"a": 1}
    )
    assert (watch.handler, watch.content) == ("sell", None)


async def test_the_bots_own_logic_can_decide(recado: Recado) -> None:
    """As with whatever is delivered as a turn."""
    watch = await recado.watches.create(ANA, subject="s", rule="above 1", mode="as_turn")
    assert (watch.handler, watch.content) == ("bot", None)
    with pytest.raises(InvalidInput, match="handler"):
        await recado.watches.create(ANA, subject="s", rule="above 1", mode="as_turn", text="x")


async def test_watches_are_found_and_ended(recado: Recado) -> None:
    """By id, key, number, and whom they tell."""
    make = recado.watches.create
    one = await make(ANA, subject="a", rule="below 5", key="mine")
    two = await make("conversation:a:1", subject="b", rule="below 5")
    assert (await make(ANA, subject="a", rule="below 5", key="mine")).replayed
    assert (await recado.watches.get("mine")).id == one.id
    assert (await recado.watches.numbered(ANA, 2)).id == two.id
    assert [each.id for each in (await recado.watches.page(audience=ANA)).items] == [one.id, two.id]
    assert (await recado.watches.pause("mine")).state is WatchState.PAUSED
    assert (await recado.watches.resume("mine")).state is WatchState.ACTIVE
    assert (await recado.watches.cancel("mine")).state is WatchState.CANCELLED
    assert [each.id for each in (await recado.watches.page()).items] == [two.id]
    for asked in (
        recado.watches.get("nobody"),
        recado.watches.numbered(ANA, 3),
        recado.watches.numbered(ANA, -(10**30)),
        recado.watches.cancel("nobody"),
    ):
        with pytest.raises(UnknownWatch):
            await asked


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"rule": "drop"}, InvalidRule, "number"),
        ({"rule": 5}, InvalidRule, "no rule"),
        ({"rule": "changes", "repeat": True}, InvalidRule, "cooldown"),
        ({"audience": "everyone"}, InvalidAudience, "one person"),
        ({"audience": ["user:a", "user:b"]}, InvalidAudience, "one person"),
        ({"audience": "user:eva"}, UnknownRecipient, "eva"),
        ({"text": "{other}"}, InvalidInput, "{value}"),
        ({"text": "{value.real}"}, InvalidInput, "{value}"),
        ({"text": ""}, InvalidInput, "text"),
        ({"text": 5}, InvalidInput, "text"),
        ({"content": {"type": "message", "text": "{x}"}}, InvalidInput, "{value}"),
        ({"content": 5}, InvalidInput, "activity"),
        ({"subject": ""}, InvalidInput, "subject"),
        ({"subject": None}, InvalidInput, "subject"),
        ({"path": ""}, InvalidInput, "path"),
        ({"key": ""}, InvalidInput, "key"),
        ({"cooldown": timedelta(-1)}, InvalidInput, "cooldown"),
        ({"cooldown": 5}, InvalidInput, "cooldown"),
        ({"cooldown": timedelta(days=9999)}, InvalidInput, "cooldown"),
        ({"expires": timedelta(0)}, InvalidInput, "expire"),
        ({"expires": datetime(2030, 1, 1)}, InvalidInput, "aware"),  # noqa: DTZ001 - that is the point
        ({"expires": datetime(2020, 1, 1, tzinfo=UTC)}, InvalidInput, "later"),
        ({"expires": timedelta.max}, InvalidInput, "calendar"),
        ({"expires": 5}, InvalidInput, "aware"),
        ({"expires": _BEYOND}, InvalidInput, "calendar"),
        ({"asked_at": _BEYOND}, InvalidInput, "calendar"),
        ({"asked_at": datetime(2030, 1, 1)}, InvalidInput, "asked_at"),  # noqa: DTZ001 - as above
        ({"user": {"name": "Ana"}}, InvalidInput, "user"),
        ({"mode": "loudly"}, InvalidInput, "mode"),
        ({"priority": "huge"}, InvalidInput, "priority"),
    ],
)
async def test_bad_input_is_refused(
    recado: Recado, changes: dict[str, Any], error: type[Exception], words: str
) -> None:
    """With what to do, and nothing is kept."""
    told: dict[str, Any] = {"audience": ANA, "subject": "price", "rule": "drop 5"} | changes
    with pytest.raises(error, match=words):
        await recado.watches.create(told.pop("audience"), **told)
    assert (await recado.watches.page(states=tuple(WatchState))).items == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"subject": ""}, "subject"),
        ({"data": object()}, "data"),
        ({"data": float("inf")}, "data"),
        ({"time": datetime(2026, 1, 1)}, "time"),  # noqa: DTZ001 - that is the point
        ({"time": _BEYOND}, "time"),
        ({"id": ""}, "id"),
        ({"source": "x" * 2000}, "source"),
        ({"type": None}, "type"),
    ],
)
async def test_a_bad_event_is_refused(recado: Recado, changes: dict[str, Any], words: str) -> None:
    """With which attribute it is."""
    told: dict[str, Any] = {"subject": "price", "data": 1} | changes
    with pytest.raises(InvalidEvent, match=words):
        await recado.emit(told.pop("subject"), told.pop("data"), **told)
    assert await recado.watches.newest("price") is None

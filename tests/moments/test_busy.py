"""Busy: turns, and bots that say so, seen from a bot."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from microsoft_agents.hosting.core import Agent, TurnContext

from recado.bot.presence import BotPresence
from recado.domain.delivery import HeldReason
from recado.domain.politeness.busy import TURN_LEASE
from recado.errors import InvalidInput, StoreUnavailable, UnknownReference
from recado.store.port import Mark
from tests.bot.kit import Bench, Echo, activity, message

ANA = "conversation:a:ana"


class Slow(Agent):
    """A bot whose turns last until they are let go."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.go = asyncio.Event()

    async def on_turn(self, context: TurnContext) -> None:
        self.begun.set()
        await self.go.wait()
        await context.send_activity("heard")


async def settle(bench: Bench) -> None:
    """Have everything told that turns had to tell."""
    await bench.bridge._marks.written()  # noqa: SLF001 - what would be there a moment later


async def say_slowly(bench: Bench, bot: Slow) -> asyncio.Task[Any]:
    """Let Ana say something that is being answered now."""
    bot.begun.clear()
    bot.go.clear()
    task = asyncio.create_task(bench.say("hello"))
    await bot.begun.wait()
    await settle(bench)
    return task


async def test_a_turn_that_runs_keeps_what_is_polite(bench: Bench) -> None:
    """It leaves when the turn ends."""
    bot = Slow()
    bench.attach(bot)
    task = await say_slowly(bench, bot)
    await bench.outbox.notify(ANA, "polite", mode="after_dialog")
    await bench.outbox.notify(ANA, "plain")
    assert await bench.deliver() == ["plain"]
    bot.go.set()
    await task
    await settle(bench)
    assert await bench.deliver() == ["polite"]


async def test_a_turn_that_lasts_is_kept(bench: Bench) -> None:
    """Longer than the turn of a dead process."""
    bot = Slow()
    bench.attach(bot)
    task = await say_slowly(bench, bot)
    await bench.outbox.notify(ANA, "polite", mode="after_dialog")
    for _ in range(10):
        assert await bench.deliver() == []
        await bench.clock.run_until(bench.clock.now() + TURN_LEASE / 2)
        await settle(bench)
        await bench.store.promote(bench.clock.now(), 10)
    bot.go.set()
    await task
    await settle(bench)
    assert await bench.deliver() == ["polite"]


async def test_only_a_persons_words_break_the_quiet(bench: Bench) -> None:
    """An event, or somebody who joins, has a turn but has written nothing."""
    bench.attach(Echo())
    await bench.receive(activity("event", name="refresh"))
    await bench.receive(activity("conversationUpdate", membersAdded=[{"id": "29:ben"}]))
    await settle(bench)
    await bench.outbox.notify(ANA, "polite", mode="when_idle")
    assert await bench.deliver() == ["polite"]
    await bench.say("hello")
    await settle(bench)
    await bench.outbox.notify(ANA, "later", mode="when_idle", quiet=timedelta(seconds=5))
    assert await bench.deliver() == []
    bench.clock.advance(5)
    await bench.store.promote(bench.clock.now(), 10)
    assert await bench.deliver() == ["later"]


async def test_the_next_turn(bench: Bench) -> None:
    """What is asked for in a turn waits for the one after it."""

    class Later(Echo):
        async def on_turn(self, context: TurnContext) -> None:
            await super().on_turn(context)
            if context.activity.text == "make":
                await bench.outbox.notify(ANA, "next", mode="next_turn")
                await bench.outbox.notify(ANA, "own")

    bench.attach(Later())
    await bench.say("make")
    assert await bench.deliver() == ["own"]
    bench.clock.advance(1)
    await bench.say("make")
    # What waited for the turn is before what was said in it.
    assert await bench.deliver() == ["next", "own"]


async def test_a_bot_says_that_it_is_busy(bench: Bench) -> None:
    """And that it is free again; it may be asked to say so after a crash."""

    class Working(Agent):
        async def on_turn(self, context: TurnContext) -> None:
            presence = bench.bridge.presence
            match context.activity.text:
                case "busy":
                    await presence.busy(context, for_=timedelta(hours=2))
                case "free":
                    await presence.free(context)

    bench.attach(Working())
    await bench.say("busy")
    await settle(bench)
    handle = await bench.outbox.notify(ANA, "polite", mode="after_dialog")
    assert await bench.deliver() == []
    detail = await bench.outbox.delivery(handle.delivery_ids[0])
    assert detail.delivery.reason == HeldReason.BUSY
    await bench.say("free")
    await settle(bench)
    assert await bench.deliver() == ["polite"]


@pytest.mark.parametrize(
    "length", [timedelta(0), timedelta(seconds=-1), timedelta(days=1, seconds=1), 60]
)
async def test_a_bot_is_not_busy_for_ever(bench: Bench, length: Any) -> None:
    """A crash would leave it so."""

    class Working(Agent):
        async def on_turn(self, context: TurnContext) -> None:
            with pytest.raises(InvalidInput, match="up to a day"):
                await bench.bridge.presence.busy(context, for_=length)
            await context.send_activity("refused")

    bench.attach(Working())
    assert await bench.say("busy") == ["refused"]


async def test_a_bot_cannot_be_busy_where_it_never_was(bench: Bench) -> None:
    """It is told to hear from there first."""

    class Working(Agent):
        async def on_turn(self, context: TurnContext) -> None:
            elsewhere = BotPresence(bench.store, bench.clock, bot="another")
            with pytest.raises(UnknownReference, match="hear from it once"):
                await elsewhere.busy(context)
            await context.send_activity("refused")

    bench.attach(Working())
    assert await bench.say("busy") == ["refused"]


async def test_what_cannot_be_written_is_written_later(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bot answers meanwhile, and the order stays."""
    bench.attach(Echo())
    await bench.say("hello")
    await settle(bench)
    write = bench.store.mark_turns
    down = True

    async def troubled(marks: list[Mark], now: Any) -> int:
        if down:
            raise StoreUnavailable("gone")
        return await write(marks, now)

    monkeypatch.setattr(bench.store, "mark_turns", troubled)
    assert await bench.say("still there?") == ["echo still there?"]
    await settle(bench)
    down = False
    await bench.clock.run_until(bench.clock.now() + timedelta(seconds=2))
    await settle(bench)
    await bench.outbox.notify(ANA, "after", mode="after_dialog")
    await bench.outbox.notify(ANA, "idle", mode="when_idle")
    assert await bench.deliver() == ["after"]


async def test_overlapping_turns_end_each_for_itself(bench: Bench) -> None:
    """One that waits for another has begun; the conversation is free when both have ended."""
    bot = Slow()
    bench.attach(bot)
    first = await say_slowly(bench, bot)
    second = asyncio.create_task(bench.receive(message("and more")))
    await asyncio.sleep(0)
    await bench.outbox.notify(ANA, "polite", mode="after_dialog")
    assert await bench.deliver() == []
    bot.go.set()
    await first
    await second
    await settle(bench)
    assert await bench.deliver() == ["polite"]

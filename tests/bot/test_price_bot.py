"""The example price_bot.py runs: told exactly once, and not at all of what is true no more."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator

import pytest

from recado import Recado, State
from recado.bot.hosting import HostedBot
from recado.domain.event import Emitted
from recado.store.port import DeliveryFilter
from recado.testing import FakeConnector, wired
from tests.bot.kit import hosted_example, message


class Shop:
    """The example, its channel, and the shop's program."""

    def __init__(self, bot: HostedBot, channel: FakeConnector, recado: Recado) -> None:
        self.recado, self.channel = recado, channel
        self._bot = bot
        self._changes = itertools.count(1)
        self._said = 0

    async def say(self, text: str) -> str:
        """Let Ana say *text*; the bot's answer."""
        told = message(text, serviceUrl=self.channel.url)
        assert (await self._bot.receive(told))[0] == 202
        return await self.told()

    async def told(self) -> str:
        """What Ana is told next."""
        self._said += 1
        await self.channel.until(self._said)
        return self.channel.texts["a:ana"][self._said - 1]

    async def costs(self, price: float, change: str | None = None) -> Emitted:
        """Let tea cost this."""
        change = change or str(next(self._changes))
        return await self.recado.emit("tea", price, source="/shop", id=change)

    async def looked(self) -> None:
        """Have the watches look at everything that has happened, beside the bot's own watcher."""
        store, clock = self.recado.store, self.recado.clock
        while await store.events_pending():
            await store.evaluate(clock.now(), 0, 1000)

    async def deliveries(self) -> list[State]:
        """How everything that was to be said unasked has ended, oldest first."""
        for each in (await self.recado.outbox.deliveries(DeliveryFilter())).items:
            await self.recado.outbox.wait(each.notification_id, 20)
        page = await self.recado.outbox.deliveries(DeliveryFilter())
        return [each.state for each in reversed(page.items)]


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    """The example, running; nothing is read from or left on this machine."""
    async with FakeConnector() as channel, wired(channel) as recado:
        yield Shop(hosted_example("price_bot.py", recado), channel, recado)


async def test_a_drop_is_told_exactly_once(shop: Shop) -> None:
    """However often the shop says it, and however low it falls afterwards."""
    await shop.costs(10)
    assert "The last I heard of it is 10." in await shop.say("watch tea drop 20%")
    assert (await shop.costs(7.99, "sale")).watching == 1
    assert await shop.told() == "tea is now 7.99 (-20.1\u00a0%, it was 10)."
    assert (await shop.costs(7.99, "sale")).replayed is True
    await shop.costs(7)
    await shop.looked()
    assert await shop.deliveries() == [State.DELIVERED]
    assert "| 1 | tea |" in await shop.say("watches")


async def test_a_price_that_has_recovered_is_not_told(shop: Shop) -> None:
    """What is about to leave is looked at once more; when it falls again, that is told."""
    await shop.costs(10)
    await shop.say("watch tea drop 20%")
    await shop.recado.outbox.pause(reason="the line is down")
    await shop.costs(8)
    await shop.looked()
    await shop.costs(10)
    await shop.looked()
    await shop.recado.outbox.resume()
    assert await shop.deliveries() == [State.SUPPRESSED]
    await shop.costs(7)
    assert await shop.told() == "tea is now 7 (-30\u00a0%, it was 10)."
    assert await shop.deliveries() == [State.SUPPRESSED, State.DELIVERED]


async def test_the_bots_own_watch(shop: Shop) -> None:
    """Asked for twice, told once."""
    for _ in range(2):
        assert await shop.say("deals") == "I will tell you when tea is below 5."
    await shop.costs(6)
    await shop.costs(4.5)
    assert await shop.told() == "A deal: tea for 4.5!"
    await shop.looked()
    assert await shop.deliveries() == [State.DELIVERED]
    assert "deals" in await shop.say("hello")

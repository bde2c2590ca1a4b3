"""examples/polite_bot.py: parcels, orders and soup, over real connections."""

from __future__ import annotations

from recado.domain.delivery import State
from recado.store.port import DeliveryFilter
from recado.testing import FakeConnector, wired
from tests.bot.kit import BEN, hosted_example, message


async def test_the_polite_bot() -> None:
    """A parcel waits for the order, its answer goes to the parcel, and soup comes last."""
    async with FakeConnector() as channel, wired(channel) as recado:
        bot = hosted_example("polite_bot.py", recado)
        said: list[str] = []
        ben = {"from": BEN, "conversation": {"id": "a:ben", "conversationType": "personal"}}

        async def say(text: str, *answers: str) -> None:
            told = message(text, serviceUrl=channel.url)
            assert (await bot.receive(told))[0] == 202
            said.extend(answers)
            await channel.until_true(lambda: len(channel.texts.get("a:ana", [])) >= len(said))
            assert channel.texts["a:ana"] == said

        async def ben_says(text: str) -> None:
            assert (await bot.receive(message(text, serviceUrl=channel.url, **ben)))[0] == 202

        await say("hello", "Say order when you are hungry.")
        await say("order", "What would you like?")
        await ben_says("parcel 17")
        question = "Parcel 17 has come. Where shall we leave it?"
        await channel.until_true(lambda: channel.texts.get("a:ben") == [question])
        await say("waffles", "How many waffles?")
        page = await recado.outbox.deliveries(DeliveryFilter(state=State.HELD))
        assert [each.reason for each in page.items] == ["busy"]
        await say("3", "3 waffles, coming up.", question)
        # Nobody answers before the channel has confirmed the question.
        await recado.outbox.wait(page.items[0].notification_id, 10)
        await ben_says("at home")
        await channel.until_true(lambda: len(channel.texts["a:ben"]) == 2)
        assert channel.texts["a:ben"][1:] == ["Parcel 17 will be left: at home."]
        await ben_says("soup")
        soup = "By the way: there is pumpkin soup today."
        await say("at the back door", "Parcel 17 will be left: at the back door.", soup)
        await say("thanks", "Say order when you are hungry.")

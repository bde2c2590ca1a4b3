"""The example with consent runs, over real connections."""

from __future__ import annotations

from recado.testing import FakeConnector, wired
from tests.bot.kit import BEN, hosted_example, message


async def test_who_has_stopped_prices_is_left_out() -> None:
    """Ben hears of them, and Ana does not until she says so again."""
    async with FakeConnector() as channel, wired(channel) as recado:
        bot = hosted_example("consent_bot.py", recado)
        ben = {"from": BEN, "conversation": {"id": "a:ben", "conversationType": "personal"}}
        for number, (text, changes) in enumerate(
            [("stop prices", {}), ("price 3", ben), ("resume prices", {}), ("price 2", ben)], 1
        ):
            told = message(text, serviceUrl=channel.url, **changes)
            assert (await bot.receive(told))[0] == 202
            await channel.until((1, 2, 3, 5)[number - 1])
    assert channel.texts["a:ben"] == ["Apples cost 3 now.", "Apples cost 2 now."]
    stopped, resumed, told_again = channel.texts["a:ana"]
    assert "nothing about prices" in stopped
    assert "hear about prices again" in resumed
    assert told_again == "Apples cost 2 now."

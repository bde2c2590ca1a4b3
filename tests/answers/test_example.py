"""The example runs as ``recado serve`` runs it, over real connections and in real time."""

from __future__ import annotations

import asyncio
import runpy
from pathlib import Path
from typing import Any

import pytest

from recado.bot.hosting import HostedBot
from recado.config import sdk_configuration
from recado.testing import FakeConnector, wired

_EXAMPLE = Path(__file__).parents[2] / "examples" / "long_answer_bot.py"


async def test_long_answer_bot() -> None:
    """The report comes while the conversation goes on; so does the joke."""
    names = runpy.run_path(str(_EXAMPLE))
    names["write_report"].__globals__["CHAPTER_SECONDS"] = 0.2
    async with FakeConnector() as channel, wired(channel) as recado:
        host = HostedBot(recado.bridge, names["bot"](recado), sdk_configuration(None))

        async def receive(activity: dict[str, Any]) -> int:
            return (await host.receive(activity))[0]

        channel.bot = receive
        ana = channel.person("ana")
        await channel.say(ana, "report 3")
        await channel.say(ana, "are you there?")
        await channel.say(ana, "joke")
        said = [each.text for each in channel.said(ana.id) if each.text]
        assert "You said: are you there?" in said
        async with asyncio.timeout(20):
            await channel.until_true(
                lambda: any("3 chapters" in each.text for each in channel.said(ana.id))
            )
            await channel.until_true(
                lambda: any("walks into" in each.text for each in channel.said(ana.id))
            )
        said = [each.text for each in channel.said(ana.id) if each.text]
        assert said[0] == "On it. You will have it in a while; go on meanwhile."
        assert sum("chapter" in text for text in said) == 1  # the progress became the answer


@pytest.mark.parametrize("said", ["report", "report many"])
async def test_it_repeats_what_is_no_order(said: str) -> None:
    """A report needs a number."""
    names = runpy.run_path(str(_EXAMPLE))
    async with FakeConnector() as channel, wired(channel) as recado:
        host = HostedBot(recado.bridge, names["bot"](recado), sdk_configuration(None))

        async def receive(activity: dict[str, Any]) -> int:
            return (await host.receive(activity))[0]

        channel.bot = receive
        await channel.say("ana", said)
        assert channel.texts["a:ana"] == [f"You said: {said}"]
        assert (await recado.answers.page()).items == []

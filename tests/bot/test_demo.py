"""The demo's bot: jobs, and every ready-made part; its help names what it understands."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
from microsoft_agents.hosting.core import Agent, HttpAdapterBase

from recado import Recado
from recado.app.demo import create_demo_bot, prepare_demo
from recado.domain.phrases import phrase
from recado.testing import FakeConnector, wired
from tests.bot.kit import Request, make_adapter, message


class Demo:
    """The bot, and a person who speaks to it."""

    def __init__(self, recado: Recado, channel: FakeConnector) -> None:
        self._adapter: HttpAdapterBase = make_adapter()
        self._agent: Agent = create_demo_bot(recado)
        recado.attach(self._adapter, self._agent)
        self._channel = channel

    async def say(self, text: str, locale: str) -> str:
        """Say something; the first thing the bot says to it."""
        heard = sum(map(len, self._channel.texts.values()))
        told = message(text, serviceUrl=self._channel.url, locale=locale)
        await self._adapter.process_request(Request(told), self._agent)
        await self._channel.until(heard + 1)
        return self._channel.texts["a:ana"][heard]

    async def until_told(self, text: str) -> None:
        """Wait until the person has been told *text*, in a message or in place of one."""
        requests = self._channel.requests
        await self._channel.until_true(lambda: any(each.text == text for each in requests))


@pytest.fixture
async def demo() -> AsyncIterator[Demo]:
    """The demo's bot, running."""
    async with FakeConnector() as channel, wired(channel) as recado:
        await prepare_demo(recado)
        yield Demo(recado, channel)


@pytest.mark.parametrize("locale", ["en", "es"])
async def test_the_help_names_what_is_understood(demo: Demo, locale: str) -> None:
    """Whatever stands in quotation marks is answered with something else than the help."""
    help_text = await demo.say("help?!", locale)
    assert help_text.startswith(phrase("jobs_help", locale))
    numbered = {"done", "cancel", "unwatch", "cancela", "deja"}
    named = [
        f"{each} 1" if each in numbered else each
        for each in re.findall(r"'([^']{3,}?)'", help_text)
    ]
    assert len(named) > 10
    for each in named:
        answer = await demo.say(each, locale)
        assert answer != help_text, each


async def test_tea_takes_a_while(demo: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is promised at once, and the conversation goes on; then it is ready."""
    monkeypatch.setattr("recado.app.demo_brewing.STEP_SECONDS", 0.01)
    assert await demo.say("prepara té", "es") == "Me pongo a ello. Sigue hablando; tu té vendrá."
    await demo.until_told("Tu té está listo.")


async def test_ending_a_watch_is_no_opting_out(demo: Demo) -> None:
    """Two parts know the word: the one that knows more of the sentence answers."""
    await demo.say("watch tea drop 20%", "en")
    assert "by its number" in await demo.say("stop watching", "en")
    assert await demo.say("stop watching 1", "en") == "I no longer watch tea for you."

"""Quiet hours in chat: what people say, and what they are answered."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from microsoft_agents.hosting.core import TurnContext

from recado.bot.ready.quiet_hours import QuietHours
from recado.domain.politeness import Rules
from recado.domain.reference import Reference
from recado.recipients import Recipients
from tests.bot.kit import Bench, Echo, group


class _Recado:
    """What the part needs of a Recado."""

    def __init__(self, bench: Bench) -> None:
        self.recipients = Recipients(
            bench.store, bench.references, bench.clock, bot="local", rules=Rules(zone="Asia/Tokyo")
        )
        self._bench = bench

    async def remember(self, context: TurnContext) -> Reference:
        return await self._bench.bridge.remember(context)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    """A bot that echoes, with the part before it."""
    made = Bench()
    await made.store.open()
    made.bridge.parts.add(QuietHours(_Recado(made)))
    made.attach(Echo())
    yield made
    await made.store.close()


async def answer(bench: Bench, text: str, **activity: object) -> str:
    """The one thing that is answered."""
    (said,) = await bench.say(text, **activity)
    assert said is not None
    return said


async def test_from_setting_them_to_taking_them_back(bench: Bench) -> None:
    """They are told in which zone they hold, and how to end them."""
    assert "You have set no quiet hours (Asia/Tokyo)." in await answer(bench, "quiet hours")
    told = await answer(bench, "Quiet hours MON-FRI 22:00-08:00, sat-sun 00:00-10:00")
    assert told.startswith(
        "I will send you nothing at these hours: mon-fri 22:00-08:00, sat-sun 00:00-10:00 (Asia/"
    )
    assert await answer(bench, "quiet hours") == (
        "Quiet hours: mon-fri 22:00-08:00, sat-sun 00:00-10:00 (Asia/Tokyo)."
    )
    assert "no quiet hours now" in await answer(bench, "quiet hours off")
    assert "hold again" in await answer(bench, "quiet hours default")
    assert "You have set no quiet hours" in await answer(bench, "quiet hours")


@pytest.mark.parametrize("said", ["quiet hours late", "quiet hours 0-24", "quiet hours please <b>"])
async def test_what_are_no_hours_is_answered_with_how_to_write_them(
    bench: Bench, said: str
) -> None:
    """And nothing is set."""
    assert (await answer(bench, said)).startswith("I cannot use these hours.")
    assert "You have set no quiet hours" in await answer(bench, "quiet hours")


async def test_spanish(bench: Bench) -> None:
    """Commands are understood in both languages, and answered in that of whoever writes."""
    told = await answer(bench, "Horas de silencio lun-vie 22:00-08:00", locale="es-MX")
    assert told.startswith("No te enviaré nada a estas horas: lun-vie 22:00-08:00 (Asia/Tokyo).")
    assert (await answer(bench, "horas de silencio no", locale="es")).startswith("Ya no hay")


async def test_a_groups_hours_are_its_own(bench: Bench) -> None:
    """Not those of whoever set them."""
    told = await answer(bench, "quiet hours 22:00-08:00", conversation=group())
    assert told.startswith("I will send nothing here at these hours")
    assert "You have set no quiet hours" in await answer(bench, "quiet hours")


async def test_everything_else_is_the_bots(bench: Bench) -> None:
    """Also what only sounds alike."""
    for said in ("hours", "quiet", "are there quiet hours?"):
        assert await bench.say(said) == [f"echo {said}"]

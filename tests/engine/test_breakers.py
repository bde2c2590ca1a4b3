"""Breakers in the engine: what does not work is asked by one probe, and everybody else waits."""

from __future__ import annotations

from datetime import timedelta

from recado.domain.delivery import State
from recado.domain.pause import PauseKind
from recado.domain.policy import Answer, Failure
from recado.telemetry import PauseBegan, PauseEnded, sentence
from tests.engine.kit import Bench, failed

DOWN = "https://down.example/"
WELL = "https://well.example/"


async def people(bench: Bench, many: int, service_url: str, name: str) -> list[str]:
    """A delivery for each of *many* conversations of one service."""
    return [
        await bench.say(
            f"{name}{number}", await bench.meet(f"{name}:{number}", service_url=service_url)
        )
        for number in range(many)
    ]


async def test_a_service_that_is_down_is_probed_by_one(bench: Bench) -> None:
    """Its conversations wait in their lanes; those of others are not delayed."""
    made = await people(bench, 40, DOWN, "down")
    for number in range(40):
        bench.channel.plan(f"down:{number}", *[Answer(failure=Failure.NOT_SENT)] * 40)
    await bench.start()
    (pause,) = await bench.store.pauses(bench.now)
    assert (pause.kind, pause.name, pause.reason) == (PauseKind.SERVICE_URL, DOWN, "not_sent")
    (told,) = bench.told(PauseBegan)
    assert (told.kind, told.of, told.seconds) == ("service_url", DOWN, 5)
    assert DOWN in sentence(told)
    asked = len(bench.channel.sent)
    well = await people(bench, 3, WELL, "well")
    await bench.wind(1)
    assert [await bench.state(each) for each in well] == [State.DELIVERED] * 3
    assert len(bench.channel.sent) == asked + 3
    await bench.wind(timedelta(seconds=4))
    assert len(bench.channel.sent) == asked + 4  # the probe
    for plan in bench.channel.plans.values():
        plan.clear()
    await bench.wind(timedelta(seconds=10))
    for _ in range(40):
        await bench.wind(1)
    assert [await bench.state(each) for each in made] == [State.DELIVERED] * 40
    assert await bench.store.pauses(bench.now) == []
    assert [each.of for each in bench.told(PauseEnded)] == [DOWN]


async def test_a_breaker_outlives_its_process(bench: Bench) -> None:
    """The next one does not begin by asking what is known not to work."""
    await people(bench, 10, DOWN, "down")
    bench.channel.plan("down:0", failed(401, "BotNotRegistered"))
    for number in range(10):
        bench.channel.plan(f"down:{number}", *[failed(401, "BotNotRegistered")] * 20)
    await bench.start()
    asked = len(bench.channel.sent)
    await bench.crash()
    again = Bench(bench.store, bench.clock, channel=bench.channel, owner="second")
    await again.start()
    try:
        await again.wind(30)
        assert len(again.channel.sent) == asked
        (pause,) = await again.store.pauses(again.now)
        assert (pause.kind, pause.reason) == (PauseKind.CREDENTIAL, "BotNotRegistered")
        await again.wind(30)
        assert len(again.channel.sent) == asked + 1
    finally:
        await again.stop()


async def test_one_conversations_trouble_pauses_nobody(bench: Bench) -> None:
    """A person's refusals, or a single failing conversation, are not the service's."""
    reference = await bench.meet("a:bad")
    for number in range(10):
        await bench.say(f"bad {number}", reference)
    bench.channel.plan("a:bad", *[failed(500)] * 30)
    await bench.start()
    for _ in range(20):
        await bench.wind(5)
    assert await bench.store.pauses(bench.now) == []

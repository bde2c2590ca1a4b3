from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from recado.channel.connector import ConnectorChannel, ConnectorSettings
from recado.channel.hosts import HostRules
from recado.channel.port import Post
from recado.channel.tokens import NoTokens
from recado.clock import SystemClock
from recado.domain.policy import Answer, Failure
from recado.testing import (
    FOR_EVER,
    TEAMS,
    FakeConnector,
    Fault,
    HandClock,
    Latency,
    Operation,
    RateLimits,
    SimulatedChannel,
    faults,
    simulate,
)
from recado.testing.faults import Wire

EVERYTHING = (*faults.ERRORS, *faults.WIRE)
_PATIENCE = 0.4


def _post(url: str, conversation: str = "a:1", text: str = "hello") -> Post:
    body = f'{{"type":"message","text":"{text}"}}'.encode()
    return Post(
        bot="local", channel="msteams", service_url=url, conversation_id=conversation, body=body
    )


@pytest.fixture
async def sender() -> AsyncIterator[ConnectorChannel]:
    """What Recado sends with, impatient."""
    settings = ConnectorSettings(total_timeout=_PATIENCE, answer_limit=4096)
    rules = HostRules(allow_loopback=True)
    made = ConnectorChannel(settings, rules, NoTokens(), SystemClock())
    yield made
    await made.close()


def _plain(answer: Answer) -> Answer:
    """An answer without what differs from one run to the next."""
    # A date has whole seconds, so it asks for up to one less.
    wait = None if answer.retry_after is None else math.ceil(answer.retry_after / 2)
    said = None if answer.failure else answer.message
    made = answer.activity_id and "made"
    return replace(answer, headers=(), activity_id=made, retry_after=wait, message=said)


@pytest.mark.parametrize("fault", EVERYTHING, ids=str)
async def test_a_fault_is_the_same_with_and_without_a_wire(
    sender: ConnectorChannel, fault: Fault
) -> None:
    """What a sender is answered, and whether the channel has it."""
    async with FakeConnector() as channel:
        channel.fail(fault)
        told = await sender.send(_post(channel.url))

    async def main(clock: HandClock) -> tuple[Answer, list[str]]:
        simulated = SimulatedChannel(clock, patience=_PATIENCE)
        simulated.fail(fault)
        answer = await simulated.send(_post(simulated.url))
        return answer, simulated.texts["a:1"]

    expected, texts = await asyncio.to_thread(simulate, main)
    assert _plain(told) == _plain(expected)
    assert channel.texts["a:1"] == texts == (["hello"] if fault.takes else [])
    assert channel.requests[0].fault == fault
    assert told.status in (None, channel.requests[0].status)


@pytest.mark.parametrize("fault", faults.ERRORS, ids=str)
async def test_an_error_is_read_as_documented(sender: ConnectorChannel, fault: Fault) -> None:
    """Its status, and its code if it has one."""
    async with FakeConnector() as channel:
        channel.fail(fault)
        answer = await sender.send(_post(channel.url))
        assert answer.status == fault.status
        if (fault.body or b"").startswith(b'{"error":'):
            assert answer.code is not None
            assert answer.code.encode() in (fault.body or b"")
        assert dict(answer.headers).keys() == {"MS-CV", "ContextId"}
        assert (await sender.send(_post(channel.url))).ok


async def test_json_inside_a_string_is_understood(sender: ConnectorChannel) -> None:
    """The sub-code that tells who blocked the bot."""
    async with FakeConnector() as channel:
        channel.fail(faults.WRITES_BLOCKED)
        answer = await sender.send(_post(channel.url))
        assert (answer.code, answer.sub_code) == ("209", "MessageWritesBlocked")


@pytest.mark.parametrize("as_date", [False, True])
async def test_retry_after(sender: ConnectorChannel, *, as_date: bool) -> None:
    """In seconds, or as the date that is."""
    async with FakeConnector() as channel:
        channel.fail(faults.throttled(20, as_date=as_date))
        answer = await sender.send(_post(channel.url))
        assert answer.status == 429
        assert 18 <= (answer.retry_after or 0) <= 20


async def test_nobody_listens(sender: ConnectorChannel) -> None:
    """For a while; then it is found where it was."""
    async with FakeConnector() as channel:
        async with channel.away():
            answer = await sender.send(_post(channel.url))
        assert answer.failure is Failure.NOT_SENT
        assert (await sender.send(_post(channel.url))).ok


async def test_overtaken_by_another(sender: ConnectorChannel) -> None:
    """What was sent first is taken second."""
    async with FakeConnector() as channel:
        channel.fail(faults.overtaken(5), conversation="a:1")
        first = asyncio.create_task(sender.send(_post(channel.url, text="first")))
        await channel.until_true(lambda: channel.record.arrived == 1)
        await sender.send(_post(channel.url, text="second"))
        assert (await first).ok
        assert channel.texts["a:1"] == ["second", "first"]
        assert channel.record.overlaps == 1
        assert [each.overlapped for each in channel.requests] == [False, True]


async def _statuses(
    simulated: SimulatedChannel, count: int, conversation: str = "a:1"
) -> list[int]:
    answers = [await simulated.send(_post(simulated.url, conversation)) for _ in range(count)]
    return [each.status or 0 for each in answers]


async def test_a_script_is_followed_in_its_order() -> None:
    """Each fault as often as it says; then everything is well."""
    channel = SimulatedChannel(HandClock())
    channel.fail(faults.PRECONDITION_FAILED)
    channel.fail(faults.BLOCKED, times=2)
    assert await _statuses(channel, 4) == [412, 403, 403, 201]


async def test_a_fault_concerns_what_it_names() -> None:
    """A conversation, the threads of a channel, a tenant, an operation."""
    channel = SimulatedChannel(HandClock())
    channel.person("ana", tenant="red")
    channel.person("ben", tenant="blue")
    channel.fail(faults.BLOCKED, conversation="19:x@thread.tacv2", times=2)
    channel.fail(faults.UNAVAILABLE, tenant="red")
    channel.fail(faults.GATEWAY_TIMEOUT, operation=Operation.DELETE)
    assert await _statuses(channel, 1, "a:ben") == [201]
    assert await _statuses(channel, 2, "a:ana") == [503, 201]
    assert await _statuses(channel, 1, "19:x@thread.tacv2;messageid=1") == [403]
    assert await _statuses(channel, 1, "19:x@thread.tacv2;messageid=2") == [403]
    assert len(channel.service.faults.rules) == 1


async def test_a_fault_for_a_while() -> None:
    """As often as it comes to be until its time is over."""
    clock = HandClock()
    channel = SimulatedChannel(clock)
    channel.fail(faults.UNAVAILABLE, seconds=60)
    assert await _statuses(channel, 3) == [503] * 3
    clock.advance(60)
    assert await _statuses(channel, 1) == [201]


async def test_a_fault_with_a_probability() -> None:
    """About as often as it says, and the same with the same seed."""
    runs = []
    for seed in (1, 1, 2):
        channel = SimulatedChannel(HandClock(), seed=seed)
        channel.fail(faults.BAD_GATEWAY, probability=0.25)
        runs.append(await _statuses(channel, 400))
    assert runs[0] == runs[1] != runs[2]
    assert 60 <= Counter(runs[0])[502] <= 140


async def test_healed() -> None:
    """Whatever was still to come does not."""
    channel = SimulatedChannel(HandClock())
    channel.fail(faults.UNAVAILABLE, times=FOR_EVER)
    assert await _statuses(channel, 2) == [503, 503]
    channel.heal()
    assert await _statuses(channel, 1) == [201]


async def test_a_redirect_is_not_followed(sender: ConnectorChannel) -> None:
    """A token must not go with it."""
    async with FakeConnector() as elsewhere, FakeConnector() as channel:
        channel.fail(faults.redirect(elsewhere.url))
        answer = await sender.send(_post(channel.url))
        assert answer.status == 307
        assert elsewhere.requests == []


def test_names_are_unique() -> None:
    """They name tests, and are what the command line takes."""
    assert max(Counter(each.name for each in EVERYTHING).values()) == 1


def test_every_way_of_the_wire_has_a_fault() -> None:
    """None is left out of the tests of all of them."""
    assert {each.wire for each in EVERYTHING} == set(Wire)


# -- rate windows ----------------------------------------------------------------------------


async def test_over_the_limit(sender: ConnectorChannel) -> None:
    """429, with how many seconds to wait; threads of a channel share their window."""
    limits = RateLimits.of(send="2/30s")
    async with FakeConnector(limits=limits) as channel:
        answers = [
            await sender.send(_post(channel.url, f"19:x@thread.tacv2;messageid={n}"))
            for n in range(3)
        ]
        assert [each.status for each in answers] == [201, 201, 429]
        assert answers[-1].code == "Throttled"
        assert 29 <= (answers[-1].retry_after or 0) <= 30
        assert channel.judge.refused == 1
        assert channel.record.statuses == {201: 2, 429: 1}


def test_a_naive_loop_in_a_simulated_hour() -> None:
    """It wastes a request for each that gets through, and more."""

    async def main(clock: HandClock) -> tuple[SimulatedChannel, int, timedelta]:
        channel = SimulatedChannel(clock, limits=TEAMS, latency=Latency(0.08, 0.04), keep=False)
        begun = clock.now()
        while clock.now() - begun < timedelta(hours=1):
            answer = await channel.send(_post(channel.url))
            if answer.status == 429:
                await asyncio.sleep(1)
        return channel, channel.judge.count("a:1"), clock.now() - begun

    channel, let, lasted = simulate(main)
    assert let <= 1800 + 7
    assert channel.judge.refused > 500
    assert lasted < timedelta(hours=1, seconds=5)


def test_a_simulated_round_trip_takes_what_it_says() -> None:
    """80 ± 40 ms: never less than 40, never more than 120, 80 on average."""

    async def main(clock: HandClock) -> list[float]:
        channel = SimulatedChannel(clock, latency=Latency(0.08, 0.04))
        took = []
        for _ in range(500):
            begun = clock.now()
            await channel.send(_post(channel.url))
            took.append((clock.now() - begun).total_seconds())
        return took

    took = simulate(main)
    assert 0.04 <= min(took) < max(took) <= 0.12
    assert 0.075 < sum(took) / len(took) < 0.085


def test_a_hang_lasts_as_long_as_patience() -> None:
    """And the channel may have it or not."""

    async def main(clock: HandClock) -> tuple[float, float]:
        channel = SimulatedChannel(clock, latency=Latency(0.1))
        channel.fail(faults.TAKE_AND_HANG)
        begun = clock.now()
        answer = await channel.send(_post(channel.url))
        assert answer.failure is Failure.AMBIGUOUS
        assert channel.texts["a:1"] == ["hello"]
        assert channel.record.statuses == {None: 1}
        channel.reachable = False
        assert (await channel.send(_post(channel.url))).failure is Failure.NOT_SENT
        return (clock.now() - begun).total_seconds(), 30.0

    lasted, patience = simulate(main)
    assert lasted == pytest.approx(patience, abs=1e-5)

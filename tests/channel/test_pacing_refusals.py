from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from recado.channel.pacing import Later
from recado.domain.pause import PauseKind
from recado.testing import START, HandClock
from tests.channel.pace_kit import (
    FREE,
    TAKEN,
    TENANT,
    count_second,
    later_of,
    make_pacer,
    make_request,
    permit_of,
    refusal,
    seconds,
)

# -- channels without figures -----------------------------------------------------------------


def test_a_channel_without_figures_is_not_paced() -> None:
    """As many requests as one likes, now; nothing is remembered of them."""
    pacer = make_pacer()
    for _ in range(10_000):
        assert permit_of(pacer.reserve(FREE, "a:1")).at == START
        make_request(pacer, scope=FREE)
    assert pacer.room(FREE) is None
    assert pacer.free_at(FREE) is None
    assert pacer.free("bot", "emulator")
    assert pacer.knows(FREE, "a:1")
    assert pacer.unrecorded() == []


def test_a_channel_without_figures_gets_limits_from_its_429s() -> None:
    """What was sent in the last second, less a third; and all of it again in the end."""
    clock = HandClock()
    pacer = make_pacer(clock)
    for _ in range(9):
        make_request(pacer, scope=FREE)
    make_request(pacer, "a:1", refusal(5), scope=FREE)
    assert not pacer.free("bot", "emulator")
    paused = later_of(pacer.reserve(FREE, "a:1"))
    assert (paused.until, paused.whole) == (START + timedelta(seconds=5), False)
    for _ in range(100):
        make_request(pacer, "a:2", scope=FREE)  # nobody else suffers
    clock.advance(5)
    assert count_second(pacer, clock, FREE, "a:1") == 7
    clock.advance(90)
    assert 9 <= count_second(pacer, clock, FREE, "a:1") <= 10
    clock.advance(600)
    make_request(pacer, "a:2", scope=FREE)
    assert pacer.free("bot", "emulator")


# -- 429 --------------------------------------------------------------------------------------


def test_a_429_pauses_its_pace_key() -> None:
    """For as long as the channel asks, and nothing else."""
    clock = HandClock()
    pacer = make_pacer(clock)
    make_request(pacer, "a:1", refusal(30))
    until = START + timedelta(seconds=30)
    assert later_of(pacer.reserve(TENANT, "a:1")) == Later(until, whole=False)
    make_request(pacer, "a:2")
    assert pacer.room(TENANT) != 0
    (pause,) = pacer.pauses()
    assert (pause.kind, pause.name, pause.until) == (PauseKind.PACE_KEY, "a:1", until)
    assert (pause.bot, pause.channel, pause.tenant) == TENANT
    clock.set(until)
    make_request(pacer, "a:1")
    assert pacer.pauses() == []


@pytest.mark.parametrize(
    ("keys", "apart", "paused"),
    [
        (["a:1", "a:2", "a:3"], 0.9, True),
        (["a:1", "a:2"], 0.1, False),
        (["a:1", "a:2", "a:3"], 1.1, False),
    ],
)
def test_429s_in_three_pace_keys_pause_the_tenant(
    keys: list[str], apart: float, *, paused: bool
) -> None:
    """Within two seconds; less than that is the conversations' own trouble."""
    clock = HandClock()
    pacer = make_pacer(clock)
    permits = [permit_of(pacer.reserve(TENANT, key)) for key in keys]
    for permit in permits:
        clock.advance(apart)
        pacer.ended(permit, refusal(30))
    assert (pacer.room(TENANT) == 0) is paused
    if not paused:
        return
    until = clock.now() + timedelta(seconds=30)
    assert later_of(pacer.reserve(TENANT, "a:9")) == Later(until, whole=True)
    assert pacer.free_at(TENANT) == until
    assert PauseKind.TENANT in {pause.kind for pause in pacer.pauses()}
    assert pacer.room(TENANT._replace(tenant="tenant-2")) != 0


def test_one_key_refused_often_does_not_pause_its_tenant() -> None:
    """Three 429s of one conversation are one conversation's."""
    pacer = make_pacer()
    permits = [permit_of(pacer.reserve(TENANT, "a:1")) for _ in range(3)]
    for permit in permits:
        pacer.ended(permit, refusal(30))
    assert pacer.room(TENANT) != 0


def test_after_a_pause_a_tenant_starts_gently() -> None:
    """One by one and slower than before; all of the rate is back within a few minutes."""
    clock = HandClock()
    pacer = make_pacer(clock)
    for permit in [permit_of(pacer.reserve(TENANT, f"a:{n}")) for n in range(3)]:
        pacer.ended(permit, refusal(10))

    clock.advance(10)
    assert pacer.room(TENANT) == 4  # a tenth of a second ahead, and no more
    assert 33 <= count_second(pacer, clock, TENANT) <= 36
    clock.advance(90)
    assert 49 <= count_second(pacer, clock, TENANT) <= 50


async def test_replies_that_waited_for_a_pause_do_not_all_come_at_once() -> None:
    """They would be the next storm."""
    clock = HandClock()
    pacer = make_pacer(clock)
    for permit in [permit_of(pacer.reserve(TENANT, f"a:{n}")) for n in range(3)]:
        pacer.ended(permit, refusal(10))
    begins: list[float] = []

    async def reply(number: int) -> None:
        permit = await pacer.admit(TENANT, f"b:{number}")
        begins.append(seconds(clock.now()))
        pacer.ended(permit, TAKEN)

    tasks = [asyncio.create_task(reply(number)) for number in range(30)]
    await clock.run_until(START + timedelta(seconds=12))
    await asyncio.gather(*tasks)
    assert 10 <= min(begins) < 10.01
    assert all(sum(at <= each < at + 0.1 for each in begins) <= 5 for at in begins)
    assert pacer.impatient == 0


def test_429s_of_one_moment_are_one_episode() -> None:
    """Requests that were under way when the first was refused do not slow things down further."""
    clock = HandClock()
    pacer = make_pacer(clock, send="100/1s", tenant=None)
    permits = [permit_of(pacer.reserve(TENANT, "a:1")) for _ in range(6)]
    for permit in permits:
        pacer.ended(permit, refusal(1))
    clock.advance(2)
    # Six episodes would leave 12.
    assert 68 <= count_second(pacer, clock, TENANT, "a:1") <= 71


def test_a_429_without_retry_after_pauses_longer_each_time() -> None:
    """Anything up to a bound that doubles, as long as nothing is taken in between."""
    clock = HandClock()
    pacer = make_pacer(clock)
    pauses = []
    for _ in range(40):
        clock.advance(61)
        make_request(pacer, answer=refusal())
        (pause,) = pacer.pauses()
        assert pause.until is not None
        pauses.append((pause.until - pause.since).total_seconds())
    for number, pause_seconds in enumerate(pauses):
        assert 0.1 <= pause_seconds <= min(60, 2**number)
    assert max(pauses) > 30
    clock.advance(61)
    make_request(pacer)
    clock.advance(61)
    make_request(pacer, answer=refusal())
    (pause,) = pacer.pauses()
    assert pause.until is not None
    assert pause.until - pause.since <= timedelta(seconds=1)

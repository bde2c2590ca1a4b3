"""Fair use of connections: who gets a place, and who has to wait."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recado.channel.slots import Slots


class Hand:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


def taken(slots: Slots, host: str, tries: int = 100) -> int:
    """How many places in a row *host* gets."""
    return next((n for n in range(tries) if not slots.take(host)), tries)


class TestShares:
    def test_a_host_that_is_alone_has_them_all(self) -> None:
        assert taken(Slots(8), "a") == 8

    def test_hosts_that_compete_have_half_each(self) -> None:
        slots = Slots(8, Hand())
        assert slots.take("a")
        assert slots.take("b")
        assert (taken(slots, "a"), taken(slots, "b")) == (3, 3)

    def test_one_that_took_all_while_it_was_alone_leaves_half_as_many_to_others(self) -> None:
        slots = Slots(8, Hand())
        assert taken(slots, "a") == 8
        assert taken(slots, "b") == 4
        assert taken(slots, "c") == 0

    def test_competition_ends_a_minute_after_the_last_request_of_another(self) -> None:
        now = Hand()
        slots = Slots(8, now)
        slots.take("b")
        slots.give("b")
        assert taken(slots, "a") == 4
        now.seconds += 61
        assert taken(slots, "a") == 4

    def test_even_of_one_place_every_host_can_have_one(self) -> None:
        slots = Slots(1, Hand())
        assert [slots.take(host) for host in ("a", "a", "b", "b", "c")] == [
            *(True, False, True, False, False)
        ]


class TestWaiting:
    async def test_a_place_goes_to_the_one_of_a_host_who_has_waited_longest(self) -> None:
        slots = Slots(1)
        slots.take("a")
        order: list[int] = []

        async def wait(number: int) -> None:
            assert await slots.wait("a", 5)
            order.append(number)
            slots.give("a")

        waiting = [asyncio.create_task(wait(number)) for number in range(3)]
        await asyncio.sleep(0)
        slots.give("a")
        assert not slots.take("a"), "who comes now does not overtake"
        await asyncio.gather(*waiting)
        assert order == [0, 1, 2]
        assert slots.take("a")

    async def test_a_place_goes_to_the_host_that_has_the_fewest(self) -> None:
        slots = Slots(4, Hand())
        assert (taken(slots, "a"), taken(slots, "b")) == (4, 2)
        more = asyncio.create_task(slots.wait("a", 5))
        first = asyncio.create_task(slots.wait("c", 5))
        await asyncio.sleep(0)
        slots.give("a")
        assert await first
        assert not more.done()
        for _ in range(2):
            slots.give("a")
        assert await more

    async def test_waiting_in_vain_takes_nothing(self) -> None:
        slots = Slots(1)
        slots.take("a")
        assert not await slots.wait("a", 0.01)
        slots.give("a")
        assert slots.take("a")

    async def test_who_is_cancelled_takes_nothing(self) -> None:
        slots = Slots(1)
        slots.take("a")
        waiting = asyncio.create_task(slots.wait("a", 5))
        await asyncio.sleep(0)
        waiting.cancel()
        slots.give("a")
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert slots.take("a")

    async def test_who_is_cancelled_with_a_place_in_hand_gives_it_back(self) -> None:
        slots = Slots(1)
        slots.take("a")
        waiting = asyncio.create_task(slots.wait("a", 5))
        await asyncio.sleep(0)
        slots.give("a")
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert slots.take("a")


class Crowd:
    """Hosts' requests as they come, wait, end and are cancelled, in any order."""

    def __init__(self, size: int) -> None:
        self.slots = Slots(size, Hand())
        self.held: Counter[str] = Counter()
        self.waiting: list[tuple[str, asyncio.Task[bool]]] = []

    def ask(self, host: str) -> None:
        if self.slots.take(host):
            self.held[host] += 1
        else:
            self.waiting.append((host, asyncio.create_task(self.slots.wait(host, 60))))

    def give(self, host: str) -> None:
        if self.held[host]:
            self.held[host] -= 1
            self.slots.give(host)

    def cancel(self, _host: str) -> None:
        if self.waiting:
            self.waiting[0][1].cancel()

    async def settle(self) -> None:
        for _ in range(3):
            await asyncio.sleep(0)
        for host, task in [each for each in self.waiting if each[1].done()]:
            self.waiting.remove((host, task))
            self.held[host] += not task.cancelled()

    async def leave(self) -> None:
        for _, task in self.waiting:
            task.cancel()
        await asyncio.gather(*(task for _, task in self.waiting), return_exceptions=True)
        for host, count in self.held.items():
            for _ in range(count):
                self.slots.give(host)


@given(
    st.integers(1, 6),
    st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from([Crowd.ask, Crowd.give, Crowd.cancel]))
    ),
)
def test_whatever_happens_the_shares_are_kept(
    size: int, events: list[tuple[str, Callable[[Crowd, str], None]]]
) -> None:
    """Nobody has too much, nobody waits while all is free, and in the end all is free."""

    async def play() -> None:
        crowd = Crowd(size)
        for host, event in events:
            event(crowd, host)
            await crowd.settle()
            assert max(crowd.held.values(), default=0) <= size
            assert crowd.held.total() <= size + max(size // 2, 1)
            assert crowd.held.total() or not crowd.waiting
        await crowd.leave()
        assert taken(crowd.slots, "z") >= max(size // 2, 1)

    asyncio.run(play())

"""Leave between processes: asked by one, given by the keeper of the scope, and handed in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any, TypeVar

import pytest

from recado.channel.keeping import Keeping
from recado.channel.pacing import Pacer
from recado.channel.permits import Permit
from recado.channel.profiles import profiles
from recado.domain.pace import Operation
from recado.domain.policy import Answer, Failure
from recado.domain.scope import Scope, Stamp
from recado.engine.sharing import Sharing
from recado.errors import StoreUnavailable
from recado.store.port import Cycled, Observed, Taken, Wanted
from recado.store.sqlite import SqliteStore
from recado.testing import START, HandClock, held, simulate

T = TypeVar("T")

TENANT = Scope("bot", "msteams", "tenant-1")
TAKEN = Answer(status=201)


class Office:
    """A keeper and another process over one database; the keeper's cycles are run by hand.

    Attributes:
        keeper: keeps every scope.
        guest: keeps none.
    """

    def __init__(self, clock: HandClock, **parts: str | None) -> None:
        self.clock = clock
        self.store = held(SqliteStore(None, clock), clock)
        self.parts = parts
        self.pacer, self.keeper = self.process("keeper")
        self.guests_pacer, self.guest = self.process("guest", self._elsewhere)

    def process(
        self, owner: str, take: Callable[..., Coroutine[Any, Any, Taken]] | None = None
    ) -> tuple[Pacer, Sharing]:
        """What shares of a process."""
        pacer = Pacer(self.clock, profiles({"msteams": self.parts}), keeping=Keeping(whole=True))
        store = held(self.store, self.clock)
        if take is not None:
            store.take = take  # type: ignore[method-assign]
        hour = timedelta(hours=1)
        return pacer, Sharing(store, pacer, self.clock, owner=owner, longest_window=hour)

    async def open(self) -> None:
        await self.store.open()
        await self.keeper.deliver()

    async def _elsewhere(self, owner: str, scopes: Any, now: Any) -> Taken:
        return Taken(others=scopes)

    async def cycle(self, owner: str = "keeper", sharing: Sharing | None = None) -> Cycled:
        """One cycle of the keeper, and time for what follows from it."""
        sharing, now = sharing or self.keeper, self.clock.now()
        await asyncio.sleep(0.05)
        over = sharing.granter.over
        cycled = await self.store.cycle(
            [],
            owner=owner,
            now=now,
            lease_until=now,
            wanted=Wanted(paced=sharing.paced()),
            observed=Observed(stamps=self.pacer.unrecorded(), handed_in=over),
        )
        sharing.granter.forgotten(over)
        sharing.cycled(cycled, now)
        await asyncio.sleep(0.3)
        return cycled

    def reply(self, key: str = "a:1", patience: float = 15.0) -> asyncio.Task[Permit]:
        """Leave for a reply of the guest."""
        return asyncio.create_task(self.guest.admit(TENANT, key, patience=patience))


def in_office(main: Callable[[Office], Coroutine[Any, Any, T]], **parts: str | None) -> T:
    """What comes of it, in simulated time."""

    async def play(clock: HandClock) -> T:
        office = Office(clock, **parts)
        await office.open()
        try:
            return await main(office)
        finally:
            await office.guest.stop()
            await office.keeper.stop()
            await office.store.close()

    return simulate(play)


def test_leave_is_given_within_the_keepers_windows() -> None:
    """One after the other, and each counts until its answer has been handed in."""

    async def main(office: Office) -> None:
        first, second = office.reply(), office.reply()
        await office.cycle()
        assert (first.done(), second.done()) == (True, False)
        office.guest.ended(first.result(), TAKEN)
        await office.cycle()
        await office.cycle()
        await asyncio.sleep(1)
        assert second.done()
        (counted,) = await office.store.stamps([(TENANT, "a:1")], START)
        assert (counted.key, counted.many) == ("a:1", 1)

    in_office(main, send="1/1s")


def test_what_has_ended_is_forgotten_with_its_stamp() -> None:
    """In one commit: so a successor counts it, one way or the other."""

    async def main(office: Office) -> None:
        reply = office.reply()
        await office.cycle()
        office.guest.ended(reply.result(), TAKEN)
        assert [each.id for each in (await office.cycle()).asks or ()]
        assert await office.store.asks(10)
        await office.cycle()
        assert not await office.store.asks(10)
        assert await office.store.stamps([(TENANT, "a:1")], START)

    in_office(main)


def test_a_429_of_a_guest_is_the_keepers_to_heed() -> None:
    """Its deliveries wait as long as was asked for."""

    async def main(office: Office) -> list[str]:
        reply = office.reply()
        await office.cycle()
        office.guest.ended(reply.result(), Answer(status=429, retry_after=30))
        await office.cycle()
        return [pause.name for pause in office.pacer.pauses()]

    assert in_office(main) == ["a:1"]


def test_a_reply_that_is_cancelled_is_withdrawn() -> None:
    """It takes nobody's place, whether it has had leave or not."""

    async def main(office: Office) -> None:
        first, second = office.reply(), office.reply()
        await office.cycle()
        second.cancel()
        await asyncio.sleep(0.1)
        office.guest.ended(first.result(), Answer(failure=Failure.NOT_SENT))
        await office.cycle()
        await office.cycle()
        third = office.reply()
        await office.cycle()
        assert third.done()

    in_office(main, send="1/1h")


def test_a_reply_that_has_waited_long_enough_begins() -> None:
    """Nobody has answered; the keeper counts it when it comes to."""

    async def main(office: Office) -> None:
        begun = office.clock.now()
        reply = office.reply(patience=2)
        permit = await reply
        assert office.clock.now() - begun == timedelta(seconds=3)
        assert office.guest.asker.impatient == 1
        await office.cycle()
        assert office.pacer.is_busy(TENANT)
        office.guest.ended(permit, TAKEN)
        await office.cycle()
        assert not office.pacer.room(TENANT)

    in_office(main, tenant="1/1h")


def test_a_successor_takes_over_what_its_predecessor_gave() -> None:
    """What is under way counts as such, and what has ended since as ended."""

    async def main(office: Office) -> None:
        first, second = office.reply("a:1"), office.reply("a:2")
        await office.cycle()
        office.guest.ended(first.result(), TAKEN)
        await asyncio.sleep(0.1)
        pacer, successor = office.process("successor")
        await successor.deliver()
        await office.cycle("successor", successor)
        assert successor.granter.over
        for key in ("a:1", "a:2"):
            assert not isinstance(pacer.reserve(TENANT, key), Permit)
        permit = pacer.reserve(TENANT, "a:3")
        assert isinstance(permit, Permit)
        pacer.give_back(permit)
        office.guest.ended(second.result(), Answer(failure=Failure.NOT_SENT))
        await office.cycle("successor", successor)
        assert isinstance(pacer.reserve(TENANT, "a:2"), Permit)
        await successor.stop()

    in_office(main, send="1/1h")


def test_a_guest_that_dies_is_not_waited_for_for_ever() -> None:
    """Its request is over when it must have been, and counts as one that may have arrived."""

    async def main(office: Office) -> None:
        office.reply()
        await office.cycle()
        assert office.pacer.is_busy(TENANT)
        await asyncio.sleep(80)
        await office.cycle()
        await office.cycle()
        assert not office.pacer.is_busy(TENANT)
        assert not await office.store.asks(10)
        (counted,) = await office.store.stamps([(TENANT, "a:1")], START)
        assert counted.many == 1

    in_office(main)


@pytest.mark.parametrize("where", ["take", "ask"])
def test_without_the_database_a_reply_keeps_its_own_windows(where: str) -> None:
    """Somebody waits for it."""

    async def main(office: Office) -> timedelta:
        async def unavailable(*_: Any) -> Any:
            raise StoreUnavailable("gone")

        setattr(office.guest._store, where, unavailable)  # noqa: SLF001 - the store's own errors
        office.guest.asker._store = office.guest._store  # noqa: SLF001 - as above
        begun = office.clock.now()
        for _ in range(3):
            permit = await office.guest.admit(TENANT, "a:1", Operation.SEND)
            office.guest.ended(permit, TAKEN)
        return office.clock.now() - begun

    assert in_office(main, send="1/1s") >= timedelta(seconds=2)


def test_what_was_sent_before_is_learned_before_leave_is_given() -> None:
    """By whichever process that was, and whoever asks."""

    async def main(office: Office) -> bool:
        stamps = [Stamp(TENANT, "a:1", Operation.SEND, START)]
        now = office.clock.now()
        await office.store.cycle(
            [],
            owner="predecessor",
            now=now,
            lease_until=now,
            wanted=Wanted(),
            observed=Observed(stamps=stamps),
        )
        reply = office.reply(patience=5)
        await office.cycle()
        done = reply.done()
        reply.cancel()
        return done

    assert not in_office(main, send="1/1h")


def test_leave_for_what_nobody_misses_is_asked_for() -> None:
    """The keeper gives it while there is room, and counts it."""

    async def main(office: Office) -> list[str]:
        typing = asyncio.create_task(office.guest.admit_if_room(TENANT, "a:1"))
        await office.cycle()
        permit = typing.result()
        assert permit is not None
        office.guest.ended(permit, TAKEN)
        await office.cycle()
        await office.cycle()
        return [each.key for each in await office.store.stamps([(TENANT, "a:1")], START)]

    assert in_office(main, send="1/1s") == ["a:1"]


def test_what_nobody_misses_is_withdrawn_if_there_is_no_room() -> None:
    """Within a moment, and it has counted for nothing then."""

    async def main(office: Office) -> None:
        for _ in range(2):
            typing = asyncio.create_task(office.guest.admit_if_room(TENANT, "a:1"))
            await asyncio.sleep(0.6)  # nobody looks at what is asked
            assert typing.result() is None
        await office.cycle()
        await office.cycle()
        assert not await office.store.asks(10)
        reply = office.reply()
        await office.cycle()
        assert reply.done()

    in_office(main, send="1/1h")


def test_a_database_that_is_away_gives_no_leave_for_what_nobody_misses() -> None:
    """A reply would begin all the same."""

    async def main(office: Office) -> None:
        async def fails(*_: Any) -> Any:
            raise StoreUnavailable("It is away.")

        office.guest._store.take = fails  # type: ignore[method-assign, assignment]  # noqa: SLF001 - it has to fail
        assert await office.guest.admit_if_room(TENANT, "a:1") is None

    in_office(main)

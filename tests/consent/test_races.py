"""Several processes at once: nobody slips through between two of them."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

import asyncpg
import pytest

from recado.consent import Consents
from recado.domain.consent import Said, somebody
from recado.domain.delivery import State
from recado.domain.reference import Member, Sighting
from recado.references import References
from recado.store.verbs import references
from recado.telemetry import Telemetry
from recado.testing import FakeConnector, HandClock, make_sighting
from tests.cli.process import started
from tests.enqueue.conftest import open_recado
from tests.moving.kit import postgres_place
from tests.store.contract.test_consent import say_of
from tests.store.kit import Desk
from tests.store.meanwhile import in_the_middle, until_it_waits

MAIL = "eva@example.com"
EVA = Member(user_id="29:eva", email=MAIL)


@pytest.fixture
async def desk(migrated_url: str, clock: HandClock) -> AsyncIterator[Desk]:
    """A desk at PostgreSQL, where two transactions run at once."""
    async with postgres_place(migrated_url).desk(clock) as made:
        yield made


def capturing(url: str, sighting: Sighting) -> AbstractAsyncContextManager[None]:
    """Another process has captured something, and commits it when the block ends."""
    return in_the_middle(url, lambda db: references.capture(db, [sighting]))


async def test_a_refusal_while_their_chat_comes_to_be_known(
    desk: Desk, looker: asyncpg.Connection, migrated_url: str
) -> None:
    """Neither process sees what the other does, and the refusal holds all the same."""
    sighting = make_sighting("a:eva", members=(EVA,), at=desk.now)
    async with capturing(migrated_url, sighting):
        doing = asyncio.create_task(say_of(desk, MAIL, Said.OUT))
        await until_it_waits(looker, doing)
        assert not doing.done()
    await doing
    made = await desk.say("hello", await desk.find("a:eva"))
    assert await desk.drain() == []
    assert await desk.standing(made) == (State.SUPPRESSED, "opted_out")


async def test_a_chat_comes_to_be_known_after_a_refusal_that_is_not_committed(
    desk: Desk, looker: asyncpg.Connection, migrated_url: str
) -> None:
    """The other way round."""
    connection = await asyncpg.connect(migrated_url)
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(7308332237861118541)")
        doing = asyncio.create_task(desk.meet("a:eva", members=(EVA,)))
        await until_it_waits(looker, doing)
        assert not doing.done()
    await connection.close()
    await doing


async def test_somebody_comes_while_something_is_accepted_for_them(
    desk: Desk, looker: asyncpg.Connection, migrated_url: str
) -> None:
    """It does not wait for them for ever."""
    sighting = make_sighting("a:eva", members=(EVA,), at=desk.now)
    async with capturing(migrated_url, sighting):
        there = await desk.store.expect("local", MAIL)
        doing = asyncio.create_task(desk.say("hello", there))
        await until_it_waits(looker, doing)
        assert not doing.done()
    await doing
    assert await desk.drain() == ["hello"]


async def test_nothing_leaves_after_a_refusal_was_answered(desk: Desk, migrated_url: str) -> None:
    """While another process claims as fast as it can."""
    place = postgres_place(migrated_url)
    people = [
        await desk.meet(f"a:{number}", members=(Member(user_id=f"29:{number}"),))
        for number in range(40)
    ]
    for each in people:
        for text in "123":
            await desk.say(text, each)
    refused: set[str] = set()
    late: list[str] = []
    async with place.desk(HandClock(desk.now)) as other:
        consent = Consents(
            other.store, References(other.store, Telemetry()), other.clock, bot="local"
        )

        async def refuse() -> None:
            for each in people:
                await consent.opt_out(f"user:{each.members[0].user_id}")
                refused.add(each.id)

        refusing = asyncio.create_task(refuse())
        while True:
            known = {each.key.conversation_id for each in people if each.id in refused}
            claims = await desk.claim(8)
            late += [claim.conversation_id for claim in claims if claim.conversation_id in known]
            for claim in claims:
                await desk.settle(claim)
            if not claims and refusing.done():
                break
        await refusing
    assert late == []
    told = await desk.store.consent("local", somebody("29:39"), desk.now)
    assert told.said is Said.OUT


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest) -> str:
    """Each database in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{request.getfixturevalue('tmp_path')}/recado.db"
    return str(request.getfixturevalue("migrated_url"))


async def test_what_one_process_records_another_obeys(url: str) -> None:
    """Processes of the operating system: one records, another one delivers."""
    async with FakeConnector() as channel:
        async with open_recado(url) as recado:
            ben = (Member(user_id="29:ben"),)
            await recado.store.capture(
                [
                    make_sighting("a:ana", service_url=channel.url),
                    make_sighting("a:ben", service_url=channel.url, members=ben),
                ]
            )
            await recado.notify(["user:29:ana", "user:29:ben"], "hello")
        words = ["--database-url", url, "consent", "opt-out", "user:29:ana"]
        await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "recado", *words],
            check=True,
            capture_output=True,
        )
        with started("worker", "--database-url", url):
            await channel.until(1)
        async with open_recado(url) as recado:
            backlog = await recado.store.backlog()
    assert channel.texts == {"a:ben": ["hello"]}
    assert sum(backlog.waiting.values()) <= 1  # the worker may have ended before it settled

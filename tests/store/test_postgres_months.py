"""History by months: partitions are there before they are needed, and go as a whole."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import psycopg
import pytest

from recado.domain.delivery import State
from recado.domain.ids import first_id, new_id
from recado.store.port import Forgotten, Old
from recado.store.postgres import PostgresStore
from recado.testing import HandClock
from tests.store.kit import Desk, postgres_address

DAY: Final = timedelta(days=1)
PARTITIONS: Final = """
SELECT c.relname FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
WHERE i.inhparent = 'recado_history'::regclass ORDER BY 1
"""


@asynccontextmanager
async def desk_at(url: str) -> AsyncIterator[Desk]:
    """A desk at a database, whose day is today's."""
    clock = HandClock(datetime.now(UTC))
    store = PostgresStore(postgres_address(url), clock, connections=3)
    await store.open()
    try:
        yield Desk(store, clock)
    finally:
        await store.close()


@pytest.fixture
async def desk(postgres_url: str) -> AsyncIterator[Desk]:
    """A desk at a database of the test's own."""
    async with desk_at(postgres_url) as desk:
        yield desk


def ask(url: str, query: str, *parameters: Any) -> list[Any]:
    """The first column of what a query finds."""
    with psycopg.connect(url, autocommit=True) as connection:
        return [row[0] for row in connection.execute(query.encode(), parameters)]


def run(url: str, *commands: str) -> None:
    """Run commands, each by itself."""
    with psycopg.connect(url, autocommit=True) as connection:
        for command in commands:
            connection.execute(command.encode())


def months_from(first: datetime, count: int) -> list[str]:
    """Names of the partitions of months, from that of a time on."""
    number = first.year * 12 + first.month - 1
    each = [divmod(number + further, 12) for further in range(count)]
    return [f"recado_history_{year}_{month + 1:02}" for year, month in each]


async def deliver(desk: Desk, count: int = 1) -> list[str]:
    """Deliveries that were delivered now, each by its second attempt."""
    ana = await desk.meet()
    made = [await desk.say(f"{number}", ana) for number in range(count)]
    for _ in made:
        (claim,) = await desk.claim()
        await desk.settle(claim, State.RETRYING, due_at=desk.later(1))
        await desk.send()
    return made


async def drop(desk: Desk, days: int = 90) -> Forgotten | None:
    """Drop the months that may go."""
    return await desk.store.forget(Old.MONTHS, desk.now - days * DAY)


async def test_a_fresh_database_has_its_months(desk: Desk, postgres_url: str) -> None:
    """This one and two ahead, so that nothing ever collects in the partition for the rest."""
    here = months_from(desk.now, 3)
    assert ask(postgres_url, PARTITIONS) == [*here, "recado_history_default"]
    await deliver(desk, 3)
    for counted, many in (
        ("SELECT count(*) FROM recado_history_default", 0),
        ("SELECT count(*) FROM recado_history", 3),
        ("SELECT count(*) FROM recado_attempt_default", 0),
        ("SELECT count(*) FROM recado_attempt", 3),
    ):
        assert ask(postgres_url, counted) == [many]


async def test_months_are_made_ahead(desk: Desk, postgres_url: str) -> None:
    """Whoever looks round in a later month makes what is missing then."""
    desk.later(100 * 24 * 3600)
    await desk.store.make_months(desk.now)
    await desk.store.make_months(desk.now)
    there = ask(postgres_url, PARTITIONS)
    assert set(months_from(desk.now, 3)) < set(there)


async def test_what_is_in_the_default_partition_stays_there(desk: Desk, postgres_url: str) -> None:
    """Until it is old, and goes in steps; the month after has a partition of its own."""
    this, following = months_from(desk.now, 2)
    run(postgres_url, f"DROP TABLE {this}, {following}")
    (made,) = await deliver(desk)
    await desk.store.make_months(desk.now)
    assert this not in ask(postgres_url, PARTITIONS)
    assert following in ask(postgres_url, PARTITIONS)
    desk.later(91 * 24 * 3600)
    step = await desk.store.forget(Old.DELIVERIES, desk.now - 90 * DAY)
    assert step == (1, None)
    assert await desk.store.delivery(made) is None


async def test_a_month_goes_as_a_whole(desk: Desk, postgres_url: str) -> None:
    """When the last delivery made in it ended long enough ago, with its attempts."""
    (this,) = months_from(desk.now, 1)
    made = await deliver(desk, 3)
    desk.later(62 * 24 * 3600)
    assert await drop(desk) == (0, None)
    desk.later(62 * 24 * 3600)
    assert await desk.store.forget(Old.DELIVERIES, desk.now - 90 * DAY) == (0, None), (
        "what is about to go as a whole is not deleted one by one"
    )
    dropped = await drop(desk)
    assert dropped is not None
    assert dropped.dropped >= 1
    assert this not in ask(postgres_url, PARTITIONS)
    assert ask(postgres_url, "SELECT to_regclass(%s)", this.replace("history", "attempt")) == [None]
    assert [await desk.store.delivery(each) for each in made] == [None] * 3


@pytest.mark.parametrize("why", ["it has not ended", "it ended lately"])
async def test_a_month_stays_for_one_delivery(desk: Desk, postgres_url: str, why: str) -> None:
    """The others in it go one by one, a month later."""
    (this,) = months_from(desk.now, 1)
    made = await deliver(desk, 3)
    late = await desk.say("late", await desk.meet(), due_at=desk.now + 120 * DAY)
    desk.later(125 * 24 * 3600)
    if why == "it ended lately":
        await desk.store.promote(desk.now, 10)
        await desk.send()
    await drop(desk)
    assert this in ask(postgres_url, PARTITIONS)
    desk.later(62 * 24 * 3600)
    await drop(desk)
    step = await desk.store.forget(Old.DELIVERIES, desk.now - 90 * DAY)
    assert step == (3, None)
    assert [await desk.store.delivery(each) for each in made] == [None] * 3
    assert await desk.store.delivery(late) is not None
    assert this in ask(postgres_url, PARTITIONS)


#: What needs a delivery that ended long ago, and how that need is made.
NEEDS: Final = {
    "a change of it has not left": [
        "UPDATE recado_delivery SET target = '{old}' WHERE reason = 'later'",
    ],
    "a change of what it followed has not left": [
        "UPDATE recado_delivery SET target = 'copy' WHERE reason = 'later'",
        "INSERT INTO recado_copy (root, delivery, follows) VALUES (1, '{old}', 'copy')",
    ],
    "a change looks for it": [
        """
        UPDATE recado_notification SET action = 'update', copies_after = '', target = (
            SELECT notification FROM recado_history LIMIT 1
        ) WHERE category = 'later'
        """,
    ],
    "an older version is being expanded": [
        "UPDATE recado_notification SET collapse_key = 'k'",
        "UPDATE recado_notification SET expand_after = 0 WHERE category = 'later'",
    ],
    "nothing": [],
}


@pytest.mark.parametrize("why", list(NEEDS))
async def test_a_month_stays_for_what_needs_it(desk: Desk, postgres_url: str, why: str) -> None:
    """What has not ended was made months later, and is about what ended then."""
    (made,) = await deliver(desk)
    await desk.say("later", await desk.meet(), due_at=desk.now + 999 * DAY)
    begun = (desk.now - 300 * DAY).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    following = (begun + 40 * DAY).replace(day=1)
    old = f"{first_id(begun)}{made[13:]}"
    of_month = f"{begun.timestamp() * 1000:.0f}, {following.timestamp() * 1000:.0f}"
    run(
        postgres_url,
        f"SELECT recado_make_partitions({of_month}, '{begun:%Y_%m}')",
        f"UPDATE recado_history SET id = '{old}', settled_at = 0",  # noqa: S608 - our own
        "UPDATE recado_delivery SET reason = 'later'",
        """
        UPDATE recado_notification SET category = 'later'
        WHERE number IN (SELECT notification FROM recado_delivery)
        """,
        *(each.format(old=old) for each in NEEDS[why]),
    )
    dropped = await drop(desk)
    there = f"recado_history_{begun:%Y_%m}" in ask(postgres_url, PARTITIONS)
    assert (dropped, there) == (((1, None), False) if why == "nothing" else ((0, None), True))


async def test_a_month_in_use_waits(desk: Desk, postgres_url: str) -> None:
    """Somebody reads for long, as an export does: nobody else is held up behind the janitor."""
    (this,) = months_from(desk.now, 1)
    await deliver(desk)
    desk.later(200 * 24 * 3600)
    with psycopg.connect(postgres_url) as reader:
        reader.execute("SELECT count(*) FROM recado_history")
        assert await drop(desk) == (0, None)
        assert this in ask(postgres_url, PARTITIONS)
    dropped = await drop(desk)
    assert dropped is not None
    assert dropped.dropped >= 1
    assert this not in ask(postgres_url, PARTITIONS)


@pytest.mark.parametrize("what", list(Old))
async def test_one_process_at_a_time_forgets(desk: Desk, postgres_url: str, what: Old) -> None:
    """The others are told, and do not wait."""
    with psycopg.connect(postgres_url) as other:
        other.execute("SELECT pg_advisory_xact_lock(7308332237861118538)")
        assert await desk.store.forget(what, desk.now) is None
    assert await desk.store.forget(what, desk.now) is not None


async def test_without_the_right_to_make_them_there_are_none(postgres_url: str) -> None:
    """Then everything is in one partition, and goes in steps."""
    async with desk_at(postgres_url):
        pass
    months = [each for each in ask(postgres_url, PARTITIONS) if not each.endswith("default")]
    role = f"plain_{new_id().replace('-', '')}"
    run(
        postgres_url,
        *(f"DROP TABLE {each}" for each in months),
        f"CREATE ROLE {role} LOGIN",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}",
        f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}",
    )
    parts = urlsplit(postgres_url)
    plain = parts._replace(netloc=f"{role}@{parts.netloc.rpartition('@')[2]}").geturl()
    try:
        async with desk_at(plain) as desk:
            (made,) = await deliver(desk)
            await desk.store.make_months(desk.now)
            desk.later(200 * 24 * 3600)
            assert await drop(desk) == (0, None)
            assert await desk.store.forget(Old.DELIVERIES, desk.now - 90 * DAY) == (1, None)
            assert await desk.store.delivery(made) is None
    finally:
        run(postgres_url, f"DROP OWNED BY {role}", f"DROP ROLE {role}")
    assert ask(postgres_url, PARTITIONS) == ["recado_history_default"]


def test_ids_of_a_month_are_a_range() -> None:
    """What was made before a time sorts before it, what was made then or later behind it."""
    now = datetime.now(UTC)
    made = new_id()
    assert first_id(now - DAY) < first_id(now) < made < first_id(now + DAY)
    assert first_id(datetime(1900, 1, 1, tzinfo=UTC)) == first_id(datetime(1970, 1, 1, tzinfo=UTC))

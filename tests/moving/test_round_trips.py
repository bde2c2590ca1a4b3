"""From one database to another and back: nothing is lost, nothing is made up."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from recado.domain.delivery import OnUnknown, Outcome, Priority, State
from recado.domain.ids import first_id
from recado.domain.notification import Turn
from recado.domain.pause import Pause, PauseKind
from recado.errors import IdempotencyConflict
from recado.store.port import RECORD_KINDS, RecordKind, Wanted
from recado.testing import HandClock
from tests.moving.kit import (
    LEASE,
    MOVED,
    Place,
    exported,
    fill,
    imported,
    postgres_place,
    sqlite_place,
)
from tests.store.changes import asked, delivered, update
from tests.store.kit import Desk

#: What is of one place, or comes with the program.
NOT_MOVED = {
    "ask",  # for pace, between processes
    "import",
    "process",
    "schema",
    "keeper",  # of the pace, now
    "secret",
    "sequence",  # moved by value: a sequence of PostgreSQL's is no table
    "transition",
    "turn",  # who has one now
}


async def test_everything_is_moved(
    source: Place, target: Place, clock: HandClock, tmp_path: Path
) -> None:
    """To another database and on to a third: in all of them stands the same."""
    third = sqlite_place(tmp_path / "third.db")
    async with source.desk(clock) as desk:
        await fill(desk)
        before = await exported(desk.store)
    assert all(source.contents().values()), "there is something of everything"
    async with target.desk(clock, importing=True) as desk:
        told = await imported(desk.store, before)
        between = await exported(desk.store)
    assert target.contents() == source.contents()
    async with third.desk(clock, importing=True) as desk:
        await imported(desk.store, between)
    assert third.contents() == source.contents()
    assert told.records == {
        **{table: len(rows) for table, rows in source.contents().items()},
        "sequence": 2,
        "counter": 9,
    }
    # Record for record they are the same to the byte.
    assert between.split(b"\n")[1:-2] == before.split(b"\n")[1:-2]


#: Names of tables, and whether columns are booleans.
_SQLITE_TABLES = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE 'recado_%'"
_POSTGRES_TABLES = """
SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition
AND relname LIKE 'recado_%'
"""
_POSTGRES_COLUMNS = """
SELECT table_name, column_name, data_type FROM information_schema.columns
WHERE table_name LIKE 'recado_%' ORDER BY table_name, ordinal_position
"""


async def test_no_table_is_forgotten(tmp_path: Path, postgres_url: str, clock: HandClock) -> None:
    """What is new in the schema is moved with all of its columns, or is said not to be."""
    files, server = sqlite_place(tmp_path / "x.db"), postgres_place(postgres_url)
    for each in (files, server):
        async with each.desk(clock):
            pass
    tables = {name for (name,) in files.ask(_SQLITE_TABLES) + server.ask(_POSTGRES_TABLES)}
    assert {name.removeprefix("recado_") for name in tables} - NOT_MOVED == set(MOVED)
    moved = {kind.name: kind for kind in RECORD_KINDS}
    assert moved.keys() == {*MOVED, "sequence", "counter"}
    columns: dict[str, list[str]] = {}
    booleans: dict[str, list[str]] = {}
    for table, column, kind in server.ask(_POSTGRES_COLUMNS):
        name = table.removeprefix("recado_")
        columns.setdefault(name, []).append(column)
        if kind == "boolean":
            booleans.setdefault(name, []).append(column)
    for name in MOVED:
        expected = set(columns[name]) - (LEASE if name == "lane" else set())
        assert set(moved[name].columns) == expected, name
        assert list(moved[name].booleans) == booleans.get(name, []), name


async def test_secrets_stay_where_they_are(source: Place, clock: HandClock) -> None:
    """Whoever has the file can sign nothing; and bots' state is in it only if asked for."""
    async with source.desk(clock) as desk:
        await fill(desk)
        secret = await desk.store.secret("tokens")
        file = await exported(desk.store, with_state=False)
    assert secret.encode() not in file
    assert not [line for line in file.splitlines() if line.startswith((b'{"state"', b'{"secret"'))]
    assert json.loads(file.splitlines()[0])["with_state"] is False


async def test_booleans_are_booleans(source: Place, clock: HandClock) -> None:
    """In the file, whatever the database calls them."""
    async with source.desk(clock) as desk:
        await fill(desk)
        lines = (await exported(desk.store)).splitlines()
    told = [json.loads(line) for line in lines]
    references = [each["reference"] for each in told if "reference" in each]
    assert {type(each[name]) for each in references for name in ("is_group", "unheard")} == {bool}
    assert {each["is_group"] for each in references} == {True, False}


async def test_an_export_is_of_one_moment(source: Place, clock: HandClock) -> None:
    """What others do while it is written is not in it, not even half."""
    async with source.desk(clock) as desk, source.desk(clock) as other:
        ana = await desk.meet()
        for number in range(5):
            await desk.say(f"{number}", ana)
        seen: Counter[str] = Counter()
        begun = False

        def take(kind: RecordKind, rows: Sequence[Sequence[Any]]) -> None:
            nonlocal begun
            seen[kind.name] += len(rows)
            if kind.name == "reference" and not begun:
                begun = True
                future = asyncio.run_coroutine_threadsafe(other.send_all(), loop)
                if threading.current_thread() is not threading.main_thread():
                    future.result(30)

        loop = asyncio.get_running_loop()
        await desk.store.read_records(lambda _: None, take, with_state=True)
        assert (seen["delivery"], seen["history"]) == (5, 0)


async def test_what_was_being_sent_is_taken_over(
    source: Place, target: Place, clock: HandClock
) -> None:
    """As that of a dead process: it may have arrived, so it is retried or parked as was asked."""
    async with source.desk(clock) as desk:
        for number, on_unknown in enumerate(OnUnknown):
            known = await desk.meet(f"a:{on_unknown}")
            await desk.say(f"first {number}", known, on_unknown=on_unknown)
            await desk.say(f"second {number}", known)
        claims = await desk.claim()
        assert len(claims) == 2
        file = await exported(desk.store)
    async with target.desk(clock, importing=True) as desk:
        await imported(desk.store, file)
        by_text = {
            text: claim.delivery_id
            for text, claim in zip(await desk.texts(claims), claims, strict=True)
        }
        details = [await desk.detail(by_text[text]) for text in ("first 0", "first 1")]
        assert [each.delivery.state for each in details] == [State.RETRYING, State.UNKNOWN]
        assert {each.delivery.reason for each in details} == {"lost"}
        for each in details:
            (attempt,) = each.attempts
            assert (attempt.outcome, attempt.number) == (Outcome.UNKNOWN, 1)
        again = await desk.claim()
        assert sorted(await desk.texts(again)) == ["first 0", "second 1"]
        assert {claim.maybe_sent for claim in again if claim.attempt == 2} == {True}


async def test_a_receipt_that_came_too_late_frees_its_lane(
    source: Place, target: Place, clock: HandClock
) -> None:
    """A lane whose head had ended while it was leased is nobody's after the move."""
    async with source.desk(clock) as desk:
        known = await desk.meet()
        first = await desk.say("first", known)
        await desk.say("second", known)
        (late,) = await desk.claim()
        desk.later(40)
        await desk.store.reap("other", desk.now, 10)
        (again,) = await desk.claim(owner="other")
        assert again.delivery_id == first
        await desk.settle(late)
        assert await desk.state(first) is State.DELIVERED
        file = await exported(desk.store)
    async with target.desk(clock, importing=True) as desk:
        await imported(desk.store, file)
        assert await desk.drain() == ["second"]


async def test_everything_is_delivered_in_order(
    source: Place, target: Place, clock: HandClock
) -> None:
    """Each lane as it would have been without the move, and behind it what comes after."""
    async with source.desk(clock) as desk:
        known = [await desk.meet(f"a:{number}") for number in range(5)]
        for number in range(4):
            await desk.accept(f"{number}", *known)
        (first, *others) = await desk.claim(3)
        await desk.settle(first, State.RETRYING, due_at=desk.later(1))
        for claim in others:
            await desk.settle(claim)
        await desk.say("urgent", known[0], priority=Priority.URGENT)
        file = await exported(desk.store)
        for each in known:
            await desk.say("after", each)
        expected = await in_lanes(desk)
    async with target.desk(clock, importing=True) as desk:
        await imported(desk.store, file)
        for each in known:
            found = await desk.store.reference(each.id)
            assert found is not None
            await desk.say("after", found)
        assert await in_lanes(desk) == expected


async def in_lanes(desk: Desk) -> dict[str, list[str]]:
    """What each conversation is told, in order, until nothing is left."""
    said: dict[str, list[str]] = {}
    desk.later(60)
    while claims := await desk.claim():
        for text, claim in zip(await desk.texts(claims), claims, strict=True):
            said.setdefault(claim.conversation_id, []).append(text)
            await desk.settle(claim)
    return said


async def test_numbers_go_on(source: Place, target: Place, clock: HandClock) -> None:
    """No number is given again, not even one whose owner is gone; keys are still answered."""
    async with source.desk(clock) as desk:
        ana = await desk.meet()
        accepted = await desk.accept("x", ana, key="k")
        notification, copy = await delivered(desk, await desk.meet("a:2"))
        file = await exported(desk.store)
        before = numbers(source)
    async with target.desk(clock, importing=True) as desk:
        await imported(desk.store, file)
        eva = await desk.meet("a:new")
        await desk.say("new", eva)
        assert all(now > then for now, then in zip(numbers(target), before, strict=True))
        found = await desk.store.reference(ana.id)
        assert found == ana
        with pytest.raises(IdempotencyConflict):
            await desk.accept("another", found, key="k")
        assert await desk.store.notification_of_key("local", "", "k") == accepted.notification_id
        await update(desk, notification)
        changes = [each for each in await desk.claim() if each.target]
        assert [asked(each)[1:] for each in changes] == [(copy, "m1")]


def numbers(place: Place) -> list[int]:
    """The last number of references and notifications, and the last entry and token."""
    queries = (
        "SELECT max(number) FROM recado_reference",
        "SELECT max(number) FROM recado_notification",
        "SELECT max(entry) FROM recado_notification",
    )
    return [place.ask(query)[0][0] for query in queries]


async def test_a_pause_holds_on(source: Place, target: Place, clock: HandClock) -> None:
    """What was paused stays paused, until somebody resumes it there."""
    async with source.desk(clock) as desk:
        ana = await desk.meet()
        await desk.say("x", ana)
        pause = Pause(
            kind=PauseKind.CONVERSATION,
            reason="asked",
            since=desk.now,
            until=None,
            bot="local",
            name=ana.id,
        )
        await desk.store.pause(pause)
        assert not await desk.claim()
        file = await exported(desk.store)
    async with target.desk(clock, importing=True) as desk:
        await imported(desk.store, file)
        assert not await desk.claim()
        assert await desk.store.resume(pause, desk.now)
        assert await desk.drain() == ["x"]


async def test_a_lane_left_to_others_is_left_to_nobody(
    postgres_url: str, tmp_path: Path, clock: HandClock
) -> None:
    """Where it comes to, nobody knows of the process that had the handler."""
    source, target = postgres_place(postgres_url), sqlite_place(tmp_path / "x.db")
    async with source.desk(clock) as desk:
        await desk.say("", await desk.meet(), turn=Turn(handler="greet"))
        await desk.store.try_serve("other")
        await desk.store.release_handlers(["greet"])
        assert not (await desk.cycle(Wanted(limit=9, handlers=()))).claims
        assert source.ask("SELECT waiting FROM recado_lane") == [(3,)]
        file = await exported(desk.store)
    async with target.desk(clock, importing=True) as desk:
        await imported(desk.store, file)
        cycled = await desk.cycle(Wanted(limit=9, handlers=("greet",)))
        assert [claim.handler for claim in cycled.claims] == ["greet"]


async def test_history_comes_to_its_months(postgres_url: str, clock: HandClock) -> None:
    """Also that of months before, so that it goes as a whole when its time has come."""
    at = postgres_place(postgres_url)
    made = first_id(clock.now() - timedelta(days=400))
    kinds = {kind.name: kind for kind in RECORD_KINDS}
    record = dict.fromkeys(kinds["history"].columns)
    record |= {
        "id": f"{made}-7000-8000-000000000000",
        "notification": 1,
        "reference": 1,
        "state": "delivered",
        "came_from": "sending",
        "priority": 1,
        "rank": 1,
        "attempts": 1,
        "settled_at": 0,
    }
    odd = {**record, "id": "no id of ours"}
    async with at.desk(clock, importing=True) as desk:
        await desk.store.begin_import("x", clock.now())
        for before, each in enumerate((odd, record)):
            await desk.store.take_in(
                "x", kinds["history"], [json.dumps(each)], before=before, now=clock.now()
            )
    month = clock.now() - timedelta(days=400)
    found = at.ask(f"SELECT id FROM recado_history_{month:%Y_%m}")  # noqa: S608 - our own
    assert found == [(record["id"],)]
    assert at.ask("SELECT id FROM recado_history_default") == [(odd["id"],)]

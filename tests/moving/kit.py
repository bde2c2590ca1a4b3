"""Databases with something of everything in them, and what is there by queries of our own."""

from __future__ import annotations

import io
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import psycopg

from recado.domain.audience import Conversation, EveryConversation
from recado.domain.delivery import OnUnknown, Priority, State
from recado.domain.job import JobScope
from recado.domain.making import Wish
from recado.domain.notification import Action, Once, Turn
from recado.domain.pace import Operation
from recado.domain.pause import Pause, PauseKind
from recado.domain.reference import Health, Member
from recado.domain.roster import RosterMember
from recado.domain.scope import Scope, Stamp
from recado.moving import ExportFile, Moved, StreamTarget, end_import, export_records, take_in
from recado.store.port import Observed, Put, Store, Wanted
from recado.store.postgres import PostgresStore
from recado.store.sqlite import SqliteStore
from recado.testing import HandClock, make_notification
from tests.store.changes import RECEIPT, delivered, recall, said, update
from tests.store.kit import REACHABLE, Desk, postgres_address

#: What is moved, by table: what stands for the order of its rows.
MOVED: Final = {
    "route": "number",
    "reference": "number",
    "member": "reference, user_id",
    "roster": "reference, user_id",
    "roster_reading": "reference",
    "offer": "bot, channel, tenant",
    "audit": "number",
    "notification": "number",
    "idempotency": "bot, scope, key",
    "once": "bot, key, reference",
    "delivery": "id",
    "lane": "reference",
    "attempt": "delivery, number, started_at",
    "send": "delivery, number",
    "history": "id",
    "copy": "root, delivery",
    "unable": "channel, action",
    "pause": "kind, bot, channel, tenant, name",
    "pace": "bot, channel, tenant, name, operation, second",
    "job_counter": "bot, tenant",
    "job": "bot, tenant, number",
    "local_conversation": "id",
    "local_activity": "conversation, position",
    "state": "bot, key",
}
#: Columns of a lane that are of one place.
LEASE: Final = {"owner", "token", "lease_until", "handler"}


@dataclass(frozen=True)
class Place:
    """A database of the test's own."""

    make: Callable[[HandClock], Store]
    connect: Callable[[], Any]

    @asynccontextmanager
    async def desk(self, clock: HandClock, *, importing: bool = False) -> AsyncIterator[Desk]:
        """A desk at it."""
        store = self.make(clock)
        await store.open(importing=importing)
        try:
            yield Desk(store, clock)
        finally:
            await store.close()

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """What a query finds that is written alike for both databases."""
        with closing(self.connect()) as connection:
            return [tuple(row) for row in connection.execute(query).fetchall()]

    def contents(self) -> dict[str, list[dict[str, Any]]]:
        """All that is to be moved; booleans are numbers."""
        found: dict[str, list[dict[str, Any]]] = {}
        with closing(self.connect()) as connection:
            for table, order in MOVED.items():
                query = f"SELECT * FROM recado_{table} ORDER BY {order}"  # noqa: S608 - our own
                cursor = connection.execute(query)
                names = [each[0] for each in cursor.description]
                found[table] = [
                    {
                        name: int(value) if isinstance(value, bool) else value
                        for name, value in zip(names, row, strict=True)
                        if table != "lane" or name not in LEASE
                    }
                    for row in cursor.fetchall()
                ]
        return found


def sqlite_place(path: Path) -> Place:
    """A file."""
    return Place(lambda clock: SqliteStore(path, clock), lambda: sqlite3.connect(path))


def postgres_place(url: str) -> Place:
    """A database of a server."""
    return Place(
        lambda clock: PostgresStore(postgres_address(url), clock, connections=4),
        lambda: psycopg.connect(url, autocommit=True),
    )


async def exported(store: Store, *, with_state: bool = True) -> bytes:
    """An export of everything."""
    file = io.BytesIO()
    await export_records(store, StreamTarget(file), made_by="test", with_state=with_state)
    return file.getvalue()


async def imported(store: Store, file: bytes) -> Moved:
    """What an import of it tells."""
    export = ExportFile(io.BytesIO(file), "the file", size=len(file))
    export.check_whole(lambda _done, _total: None)
    return await end_import(store, export, await take_in(store, export))


async def fill(desk: Desk) -> None:
    """Bring a database into every state, but for what is being sent."""
    await _changes(desk)
    for number, state in enumerate(each for each in REACHABLE if each is not State.SENDING):
        await desk.delivery_in(state, await desk.meet(f"a:{number:02}", locale="es"))
    await _people(desk)
    await _what_waits(desk)
    await _the_rest(desk)


async def _people(desk: Desk) -> None:
    team = await desk.meet(
        "19:team@thread.tacv2",
        is_group=True,
        conversation_type="channel",
        members=(
            Member(user_id="29:ana", name="Ana \u00fc \U0001f600", email="ana@example.com"),
            Member(user_id="29:ben", aad_object_id="aad-ben"),
        ),
    )
    listed = [RosterMember(member=Member(user_id=f"29:{n}", name=f"N{n}")) for n in range(3)]
    told: dict[str, Any] = {"began_at": desk.now, "now": desk.now, "listed": 3}
    await desk.store.keep_roster(team.id, listed, continuation="more", **told)
    eva = Member(user_id="29:eva", aad_object_id="aad-eva")
    wish = Wish(bot="local", channel="msteams", service_url="https://x.example/", member=eva)
    await desk.say("a wish", await desk.store.wish(wish), due_at=desk.now + timedelta(days=1))
    gone = await desk.meet("a:gone", service_url="https://old.example/")
    await desk.make_unreachable(gone, Health.BLOCKED)
    await desk.say("waits for its return", gone, key="k1", key_scope="api")
    nameless = await desk.meet("a:no-tenant", tenant_id=None, members=())
    await desk.say('quotes " and \\ and \n', nameless, key="", key_scope="")


async def _changes(desk: Desk) -> None:
    ana = await desk.meet("a:changes")
    first, _ = await delivered(desk, ana)
    await update(desk, first, "edited")
    await desk.send(evidence=RECEIPT)
    second, _ = await delivered(desk, ana)
    await update(desk, second, "followed")
    await desk.send(reason="follow_up", evidence=RECEIPT)
    third, _ = await said(desk, ana)
    await update(desk, third, "in its place")
    await recall(desk, second)
    many = [await desk.meet(f"a:many-{number:02}") for number in range(25)]
    accepted = await desk.accept("to many", *many)
    for claim in await desk.claim(30):
        await desk.settle(claim)
    await update(desk, accepted.notification_id, "is being looked for")


async def _what_waits(desk: Desk) -> None:
    ana, ben = await desk.meet("a:ana"), await desk.meet("a:ben")
    turn = Turn(handler="greet", value={"n": 1}, value_type="object")
    running = await desk.say("", ana, turn=turn, on_unknown=OnUnknown.PARK)
    claim = await desk.claim_of(running)
    await desk.store.record_send(running, 1, "m1")
    await desk.store.record_send(running, 2, None)
    await desk.settle(claim, State.RETRYING, due_at=desk.now + timedelta(seconds=30))
    for number in range(3):
        await desk.say(f"behind {number}", ana)
    await desk.say("urgent", ana, priority=Priority.URGENT)
    await desk.say("once", ben, once=Once(key="daily", every=timedelta(days=1)))
    paused = await desk.accept("to everyone", audience=EveryConversation(), collapse_key="c")
    for kind, name in ((PauseKind.NOTIFICATION, paused.notification_id), (PauseKind.ALL, "")):
        bot = "local" if name else ""
        pause = Pause(kind=kind, reason="asked", since=desk.now, until=None, bot=bot, name=name)
        await desk.store.pause(pause)
    aside = Pause(
        kind=PauseKind.CONVERSATION,
        reason="asked",
        since=desk.now,
        until=desk.now + timedelta(days=1),
        bot="local",
        name=ben.id,
        by="ana",
    )
    await desk.store.pause(aside)


async def _the_rest(desk: Desk) -> None:
    ana = await desk.meet("a:ana")
    scope = JobScope(bot="local", tenant="tenant-1")
    for title in ("one", None):
        await desk.store.start_job(
            scope, ana, user={"id": "29:ana"}, now=desk.now, title=title, source=title
        )
    done = make_notification("done", audience=Conversation(ana.id), accepted_at=desk.now)
    await desk.store.complete_job(scope, 1, result={"ok": True}, notification=done, now=desk.now)
    stamp = Stamp(Scope("local", "msteams", "tenant-1"), "a:ana", Operation.SEND, desk.now, 3)
    await desk.cycle(Wanted(limit=0), observed=Observed(stamps=[stamp]))
    await desk.store.learn_unable("slack", Action.UPDATE, desk.now)
    await desk.store.local_start("conv-1", {"id": "u1", "name": "Ana"})
    await desk.store.local_append("conv-1", {"type": "message", "text": "hi"}, key="k")
    await desk.store.local_append("conv-1", {"type": "typing"})
    await desk.store.write_state(
        "local", [Put(key="a/1", value={"n": 1}), Put(key="b", value=[None, "ü"])]
    )
    await desk.store.secret("tokens")

"""Databases with something of everything in them, and what is there by queries of our own."""

from __future__ import annotations

import io
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import psycopg

from recado.domain.answer import AnswerState, Promise
from recado.domain.audience import Conversation, EveryConversation, Person
from recado.domain.consent import ConsentRecord, Said, somebody
from recado.domain.delivery import OnUnknown, Priority, State
from recado.domain.event import Event
from recado.domain.ids import new_id
from recado.domain.job import JobScope
from recado.domain.making import Wish
from recado.domain.notification import Action, Once, Turn
from recado.domain.pace import Operation
from recado.domain.pause import Pause, PauseKind
from recado.domain.politeness import NO_RULES, Rules
from recado.domain.question import Question
from recado.domain.recipient import Change
from recado.domain.reference import Health, Member, Reference
from recado.domain.roster import RosterMember
from recado.domain.schedule import At, Cron, Misfire
from recado.domain.scope import Scope, Stamp
from recado.domain.watch import NewWatch, parse_rule
from recado.moving import ExportFile, Moved, StreamTarget, end_import, export_records, take_in
from recado.store.port import Mark, Observed, Put, Store, Wanted
from recado.store.postgres import PostgresStore
from recado.store.sqlite import SqliteStore
from recado.testing import HandClock, make_notification
from tests.store.changes import RECEIPT, delivered, recall, said, update
from tests.store.kit import REACHABLE, Desk, postgres_address
from tests.store.schedules import fire_all, scheduled

#: What is moved, by table: what stands for the order of its rows.
MOVED: Final = {
    "route": "number",
    "reference": "number",
    "member": "reference, user_id",
    "roster": "reference, user_id",
    "consent": "id",
    "consent_now": "bot, identity, kind, channel, category, about",
    "erased": "salt, hash, category",
    "recipient": "bot, name",
    "counted": "bot, name",
    "topic": "number",
    "subscription": "number",
    "roster_reading": "reference",
    "offer": "bot, channel, tenant",
    "audit": "number",
    "presence": "reference",
    "notification": "number",
    "question": "delivery",
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
    "work": "id",
    "subject": "number",
    "event": "number",
    "watch": "number",
    "firing": "notification",
    "schedule": "id",
    "schedule_lane": "reference, schedule",
    "occurrence": "schedule, occurrence, kind",
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
    await _polite(desk)
    await _watched(desk)
    await _people(desk)
    await _consent(desk)
    await _what_waits(desk)
    await _scheduled(desk)
    await _answers(desk)
    await _the_rest(desk)


async def _consent(desk: Desk) -> None:
    """What people have said about being spoken to; and somebody who had refused was erased."""
    for number, each in enumerate(Said):
        until = desk.now + timedelta(days=1) if each is Said.MUTE else None
        category = "prices" if each is Said.OUT else None
        record = ConsentRecord(
            id=new_id(),
            bot="local",
            subject=somebody(f"29:consents-{number}"),
            said=each,
            category=category,
            at=desk.now,
            until=until,
            recorded_at=desk.now,
            how="test",
            wording=f"w \u00fc {number}",
            by="29:clerk",
        )
        await desk.store.record_consent([record], desk.now)
    erased, after = somebody("29:consents-1"), None
    while True:
        step = await desk.store.erase("local", erased, desk.now, after=after, limit=500)
        after = step.after
        if after is None:
            break
    await desk.store.expect("local", "expected@example.com")


async def _polite(desk: Desk) -> None:
    """Recipients with a zone and hours of their own, and what one of them was sent of late."""
    dora = Person("29:dora")
    hours = Change(zone="Europe/Madrid", quiet="off", windows={"": "9-18", "prices": "10-12"})
    await desk.store.prefer("local", dora, hours, desk.now)
    await desk.store.prefer("local", Person("bo@example.com"), Change(zone="UTC"), desk.now)
    desk.rules = Rules(interval=timedelta(seconds=60))
    await desk.say("counted", await desk.meet("a:polite", members=(Member(user_id="29:cy"),)))
    await desk.send_all()
    desk.rules = NO_RULES


async def _watched(desk: Desk) -> None:
    """Events, one of them looked at in part, and watches of which some have spoken."""
    lane = await desk.meet("a:watching", members=(Member(user_id="29:di"),))
    for rule, repeats in (("drop 20%", True), ("equals sold out", False), ("below 90", False)):
        new = NewWatch(
            id=new_id(),
            bot="local",
            subject="price",
            rule=parse_rule(rule),
            path=None,
            said=make_notification("{value}", audience=Person("29:di"), accepted_at=desk.now),
            cooldown=timedelta(hours=1) if repeats else None,
            repeats=repeats,
            key=rule,
            expires_at=desk.now + timedelta(days=1),
            created_at=desk.now,
        )
        await desk.store.make_watch(new, lane)
    for data, subject in ((100, "price"), ({"value": 79.5}, "price"), ("é", "unwatched")):
        event = Event(subject=subject, data=data, id=new_id(), time=desk.now)
        await desk.store.accept_events("local", [event], desk.now)
        await desk.store.evaluate(desk.now, 0, 100)
    await desk.send_all()
    event = Event(subject="price", data=Decimal("70.0"), id=new_id())
    await desk.store.accept_events("local", [event], desk.now)


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
    await desk.store.create_topic("local", "gone", desk.now)
    await desk.store.create_topic("local", "news", desk.now, title="What is new")
    await desk.store.subscribe("local", "news", team, desk.now)
    await desk.store.remove_topic("local", "gone")
    await desk.store.prefer_chat(gone)
    await _moments(desk, team)
    nameless = await desk.meet("a:no-tenant", tenant_id=None, members=())
    await desk.say('quotes " and \\ and \n', nameless, key="", key_scope="")


async def _moments(desk: Desk, team: Reference) -> None:
    """A turn that runs, a dialog that waits, a bot that is busy, and a question."""
    chat = await desk.meet("a:in-a-dialog")
    running = Mark(team.key, "runs", desk.now, desk.now + timedelta(minutes=1), spoke=True)
    left = Mark(chat.key, "left", desk.now, None, spoke=True, heard=True, dialog=True)
    await desk.store.mark_turns([running, left], desk.now)
    await desk.store.be_busy(chat.key, desk.now + timedelta(hours=1), desk.now)
    size = Question(handler="size", value={"n": 1}, within=timedelta(hours=1), mark="m")
    asked = await desk.say("Which size?", chat, question=size, user={"id": "29:ana"})
    await desk.settle(await desk.claim_of(asked))
    await desk.store.answer_question(asked, "the answer", desk.now)
    await desk.say("polite", chat, mode="after_dialog", max_wait=timedelta(days=9))


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


async def _scheduled(desk: Desk) -> None:
    """Schedules in every state, and what came of one of them."""
    lane = await desk.meet("a:scheduled", members=(Member(user_id="29:fay"),))
    told: dict[str, Any] = {"options": {"user": {"id": "29:fay"}}, "unless_spoken": True}
    await scheduled(desk, lane, "cancelled, fired once", key="k é", title="T", **told)
    desk.later(3600)
    await fire_all(desk, lane)
    await desk.see("a:scheduled", members=(Member(user_id="29:fay"),))
    desk.later(3600)
    await fire_all(desk, lane)
    paused = await scheduled(desk, lane, rule=Cron("0 9 * * *"), jitter=timedelta(minutes=1))
    await desk.store.pause_schedule(paused)
    await scheduled(desk, lane, rule=At(desk.now + timedelta(hours=1)), misfire=Misfire.SKIP)


async def _answers(desk: Desk) -> None:
    """Long answers: one that waits for its turn, one that is worked at, and one that has ended."""
    reference = await desk.meet("a:answers")
    promised: dict[str, Any] = {
        "bot": "local",
        "reference": reference.number,
        "work": "report",
        "payload": {"rows": [1, None]},
        "fallback": None,
        "promised_at": desk.now,
        "deadline_at": desk.now + timedelta(days=1),
        "user": None,
    }
    turn = {"home": "me", "turn": "t1", "owner": "me", "source": "activity-1"}
    for each in ({"home": None}, {"home": None, "user": {"id": "29:ana"}}, turn):
        await desk.store.promise_answer(
            Promise(id=new_id(), **promised | each), desk.now + timedelta(seconds=30)
        )
    first, second = await desk.store.claim_works(
        "me", ["report"], now=desk.now, lease_until=desk.now + timedelta(seconds=30), limit=2
    )
    shown = make_notification("40 %", audience=Conversation(reference.id), accepted_at=desk.now)
    await desk.store.show_progress(first, 0.4, "reading", shown, desk.now)
    await desk.store.end_answer(
        second.answer.id, AnswerState.FAILED, desk.now, reason="raised", detail="ValueError: ü"
    )


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

"""The outbox: what ``notify`` accepts, refuses, repeats and waits for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from recado.clock import Clock
from recado.domain.audience import Conversation, EveryConversation, Person, Several
from recado.domain.delivery import HeldReason, OnUnknown, Priority, State
from recado.domain.reference import Member
from recado.errors import (
    ContentTooLarge,
    IdempotencyConflict,
    InvalidActivity,
    InvalidAudience,
    InvalidInput,
    RecadoError,
    TransitionRefused,
    UnknownDelivery,
    UnknownNotification,
    UnknownRecipient,
    WaitInOwnTurn,
)
from recado.outbox import CurrentTurn, Outbox, current_turn, in_turn
from recado.references import References
from recado.store.port import DeliveryFilter
from recado.store.sqlite import SqliteStore
from recado.telemetry import Event, NotificationAccepted, Telemetry
from recado.testing import START, HandClock
from tests.engine.kit import WatchedClock
from tests.naming import shown
from tests.store.kit import Desk

HOUR = timedelta(hours=1)


class Office(Desk):
    """An outbox over a store in memory, and what its telemetry was told."""

    clock: WatchedClock

    def __init__(self, store: SqliteStore, clock: WatchedClock) -> None:
        super().__init__(store, clock)
        self.events: list[Event] = []
        telemetry = Telemetry()
        telemetry.subscribe(self.events.append)
        self.references = References(store, telemetry)
        self.outbox = Outbox(store, self.references, clock, telemetry, bot="local")

    async def wind_until(self, waiting: asyncio.Future[Any]) -> None:
        """Wind the clock, a look at a time, until a caller has what it waits for."""
        async with asyncio.timeout(10):
            while not waiting.done():
                if self.clock.asleep:
                    self.later(0.25)
                await asyncio.sleep(0)

    async def deliver(self) -> list[str]:
        """Deliver all that is due, and tell whoever waits."""
        said = await self.drain()
        self.outbox.something_settled()
        return said


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    """An outbox over an empty store."""
    clock = WatchedClock()
    store = SqliteStore(None, clock)
    await store.open()
    yield Office(store, clock)
    await store.close()


async def nothing_was_accepted(office: Office) -> bool:
    """Whether the store is as empty as before."""
    backlog = await office.store.backlog()
    return not await office.ids() and backlog.expanding == 0 and not office.events


# -- audiences -------------------------------------------------------------------------------


async def test_whom_it_is_for(office: Office) -> None:
    """Conversations and people are named as they are known, in short forms or as values."""
    ana = Member(user_id="29:ana", aad_object_id="oid", email="ana@example.com")
    reference = await office.meet("19:x;messageid=1", members=(ana,))
    forms: list[Any] = [
        "conversation:19:x;messageid=1",
        "bot://conversation/19:x;messageid=1",
        f"conversation:{reference.id}",
        "user:29:ana",
        "bot://user/oid",
        "user:ANA@example.com",
        Conversation("19:x;messageid=1"),
        Person("29:ana"),
        ["user:29:ana"],
        ("conversation:19:x;messageid=1", Person("oid")),
        Several((Conversation(reference.id),)),
    ]
    for form in forms:
        handle = await office.outbox.notify(form, "hello")
        (made,) = handle.delivery_ids
        assert (await office.detail(made)).delivery.reference_id == reference.id, form


async def test_several_are_told_once_each_in_order(office: Office) -> None:
    """A conversation that is named twice, in whatever way, gets one delivery."""
    first = await office.meet("a:1", members=(Member(user_id="29:ana"),))
    second = await office.meet("a:2", members=(Member(user_id="29:ben"),))
    handle = await office.outbox.notify(
        ["user:29:ben", "conversation:a:1", "user:29:ana", "conversation:a:2"], "hello"
    )
    found = [(await office.detail(each)).delivery.reference_id for each in handle.delivery_ids]
    assert found == [second.id, first.id]


async def test_everyone(office: Office) -> None:
    """`all` and its value make a broadcast, whose deliveries are made afterwards."""
    await office.meet("a:1")
    forms: list[Any] = ["all", EveryConversation(), ["all"], Several((EveryConversation(),))]  # type: ignore[arg-type]
    for whom in forms:
        handle = await office.outbox.notify(whom, "hello")
        assert handle.delivery_ids == ()
        assert await office.store.expand(office.now, 10) == 1


@pytest.mark.parametrize(
    "audience",
    [
        "",
        "everybody",
        "user",
        "user:",
        "conversation:",
        "bot://user/",
        "bot://place/news",
        "bot:user:1",
        "place:news",
        "user:\ud800",
        "user:with\0null",
        [],
        (),
        ["user:29:ana", "all"],
        ["all", "all"],
        [Person("29:ana"), EveryConversation()],
        ["nonsense"],
        [1],
        [None],
        [["user:29:ana"]],
        Several(()),
        Several((Several((Person("29:ana"),)),)),  # type: ignore[arg-type]
        Conversation("\ud800"),
        None,
        1,
        b"all",
        {"user": "29:ana"},
        {"all"},
    ],
    ids=shown,
)
async def test_what_is_no_audience_is_refused(office: Office, audience: Any) -> None:
    """With one sentence that says what to write. Above all: nothing by mistake goes to everyone."""
    await office.meet()
    with pytest.raises(InvalidAudience) as raised:
        await office.outbox.notify(audience, "hello")
    assert str(raised.value).endswith(".")
    assert await nothing_was_accepted(office)


@pytest.mark.parametrize(
    "audience", ["user:29:nobody", "conversation:a:nowhere", ["user:29:ana", "user:x"]]
)
async def test_who_is_not_known_is_told(office: Office, audience: Any) -> None:
    """Nothing is sent to the others either: the request is accepted whole or not at all."""
    await office.meet()
    await office.meet("a:nowhere", bot="other")
    with pytest.raises(UnknownRecipient, match="once before it can speak"):
        await office.outbox.notify(audience, "hello")
    assert await nothing_was_accepted(office)


# -- content ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        "",
        "   ",
        {},
        {"type": "message"},
        {"type": 1, "text": "x"},
        {"type": "message", "text": 1},
        {"text": object()},
        {"text": "x", "value": float("nan")},
        {"text": "half a \ud83d"},
        [],
        1,
        b"bytes",
        {"text": "x", "entities": [{"deep": [[[{}]] * 2]}, float("inf")]},
    ],
    ids=shown,
)
async def test_what_cannot_be_said_is_refused(office: Office, content: Any) -> None:
    """With one sentence; nothing is stored."""
    await office.meet()
    with pytest.raises(InvalidActivity) as raised:
        await office.outbox.notify("conversation:a:1", content)
    assert str(raised.value).endswith(".")
    assert await nothing_was_accepted(office)


async def test_content_nested_beyond_reason_is_refused(office: Office) -> None:
    """It does not end the process that was asked."""
    await office.meet()
    deep: Any = "x"
    for _ in range(20_000):
        deep = {"in": deep}
    for content in ({"text": "x", "entities": [deep]}, {"text": "x", "value": deep}):
        with pytest.raises(InvalidActivity, match="nested too deeply"):
            await office.outbox.notify("conversation:a:1", content)
    assert await nothing_was_accepted(office)


async def test_content_that_a_channel_would_refuse_is_refused(office: Office) -> None:
    """By the channels it is for; another channel may accept it."""
    await office.meet("a:teams")
    await office.meet("a:local", channel="directline")
    long = "x" * 60_000
    with pytest.raises(ContentTooLarge) as raised:
        await office.outbox.notify(["conversation:a:local", "conversation:a:teams"], long)
    assert (raised.value.channel, raised.value.limit) == ("msteams", 102_400)
    assert await nothing_was_accepted(office)
    await office.outbox.notify("conversation:a:local", long)


# -- options ---------------------------------------------------------------------------------


async def test_defaults(office: Office) -> None:
    """Now, normal, at least once, with nothing but the content."""
    await office.meet()
    await office.outbox.notify("conversation:a:1", "hello")
    (claim,) = await office.claim()
    assert (claim.on_unknown, claim.expires_at) == (OnUnknown.RETRY, None)
    assert (claim.handler, claim.user) == (None, None)
    assert claim.accepted_at == START


@pytest.mark.parametrize(
    "when",
    [
        HOUR,
        START + HOUR,
        (START + HOUR).astimezone(timezone(timedelta(hours=-5))),
    ],
    ids=shown,
)
async def test_when(office: Office, when: Any) -> None:
    """A delay, or an instant in any zone."""
    await office.meet()
    handle = await office.outbox.notify("conversation:a:1", "later", when=when)
    delivery = (await office.detail(handle.delivery_ids[0])).delivery
    assert (delivery.state, delivery.due_at) == (State.SCHEDULED, START + HOUR)


@pytest.mark.parametrize("when", [-HOUR, START - HOUR, timedelta(0), START, None])
async def test_the_past_is_now(office: Office, when: Any) -> None:
    """Late is better than never."""
    await office.meet()
    handle = await office.outbox.notify("conversation:a:1", "hello", when=when)
    assert await office.state(handle.delivery_ids[0]) is State.PENDING


async def test_expires(office: Office) -> None:
    """Counted from now, whenever it is due."""
    await office.meet()
    handle = await office.outbox.notify("conversation:a:1", "hello", when=HOUR, expires=2 * HOUR)
    delivery = (await office.detail(handle.delivery_ids[0])).delivery
    assert delivery.expires_at == START + 2 * HOUR


NAIVE = datetime(2026, 1, 5, 10, 0)  # noqa: DTZ001 - that is what is wrong with it
LONG = "x" * 256
LOOP: dict[str, Any] = {}
LOOP["loop"] = LOOP


@pytest.mark.parametrize(
    "options",
    [
        {"when": NAIVE},
        {"when": 60},
        {"when": "tomorrow"},
        {"when": timedelta.max},
        {"when": datetime.max.replace(tzinfo=timezone(-HOUR))},
        {"expires": NAIVE},
        {"expires": 60},
        {"expires": timedelta.max},
        {"expires": timedelta(0)},
        {"expires": -HOUR},
        {"expires": START},
        {"when": HOUR, "expires": HOUR},
        {"when": 2 * HOUR, "expires": HOUR},
        {"mode": "politely"},
        {"quiet": HOUR},
        {"mode": "after_dialog", "quiet": HOUR},
        {"mode": "next_turn", "quiet": HOUR},
        {"mode": "when_idle", "quiet": timedelta(0)},
        {"mode": "when_idle", "quiet": 30},
        {"mode": "when_idle", "quiet": timedelta.max},
        {"max_wait": HOUR},
        {"content": None, "mode": "as_turn", "max_wait": HOUR},
        {"mode": "after_dialog", "max_wait": -HOUR},
        {"mode": "next_turn", "max_wait": timedelta(days=367)},
        {"answer_value": 1},
        {"answer_within": HOUR},
        {"answer_handler": ""},
        {"answer_handler": LONG},
        {"answer_handler": 1},
        {"answer_handler": "h", "answer_value": object()},
        {"answer_handler": "h", "answer_within": 60},
        {"answer_handler": "h", "answer_within": -HOUR},
        {"mode": None},
        {"mode": ["now"]},
        {"priority": "highest"},
        {"priority": None},
        {"priority": 0},
        {"on_unknown": "hope"},
        {"on_unknown": 1},
        {"idempotency_key": ""},
        {"idempotency_key": LONG},
        {"idempotency_key": 1},
        {"idempotency_key": "\ud800"},
        {"idempotency_key": "a\0b"},
        {"idempotency_scope": LONG, "idempotency_key": "k"},
        {"collapse_key": ""},
        {"collapse_key": LONG},
        {"collapse_key": b"k"},
        {"category": ""},
        {"category": "\udfff"},
        {"value": 1},
        {"value_type": "x/y"},
        {"handler": "report"},
        {"mode": "as_turn"},
        {"content": None},
        {"content": None, "handler": ""},
        {"content": None, "handler": LONG},
        {"content": None, "handler": 1},
        {"content": None, "handler": "report", "value": object()},
        {"content": None, "handler": "report", "value": float("nan")},
        {"content": None, "handler": "report", "value": LOOP},
        {"content": None, "handler": "report", "value": {1: {2, 3}}},
        {"content": None, "handler": "report", "value_type": ""},
        {"content": None, "handler": "report", "value_type": 1},
        {"content": None, "mode": "as_turn", "handler": ""},
        {"user": {}},
        {"user": {"id": ""}},
        {"user": {"id": 1}},
        {"user": {"name": "Ana"}},
        {"user": {"id": "29:ana", "more": object()}},
        {"user": "29:ana"},
        {"user": ["id"]},
        {"wait": -1},
        {"wait": "yes"},
        {"wait": None},
        {"wait": float("nan")},
    ],
    ids=shown,
)
async def test_what_cannot_be_meant_is_refused(office: Office, options: Mapping[str, Any]) -> None:
    """With one sentence that says what to do; nothing is stored."""
    await office.meet()
    given = {"content": "hello"} | dict(options)
    with pytest.raises(InvalidInput) as raised:
        await office.outbox.notify("conversation:a:1", **given)
    told = str(raised.value)
    assert told.endswith(".")
    assert "\n" not in told
    assert await nothing_was_accepted(office)


@pytest.mark.parametrize("given", ["urgent", "URGENT", Priority.URGENT])
async def test_priority(office: Office, given: Any) -> None:
    """By name in any case, or as a value."""
    await office.meet()
    await office.outbox.notify("conversation:a:1", "normal")
    await office.outbox.notify("conversation:a:1", "urgent", priority=given)
    assert await office.deliver() == ["urgent", "normal"]


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({"content": "x"}, OnUnknown.RETRY),
        ({"handler": "report"}, OnUnknown.PARK),
        ({"mode": "as_turn"}, OnUnknown.PARK),
        ({"content": "x", "on_unknown": "park"}, OnUnknown.PARK),
        ({"handler": "report", "on_unknown": OnUnknown.RETRY}, OnUnknown.RETRY),
    ],
)
async def test_doubt(office: Office, options: Any, wanted: OnUnknown) -> None:
    """Plain deliveries are tried again, turns are not, unless somebody says otherwise."""
    await office.meet()
    await office.outbox.notify("conversation:a:1", **options)
    (claim,) = await office.claim()
    assert claim.on_unknown is wanted


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({"handler": "report", "value": {"n": 1}, "value_type": "x"}, ("report", '{"n":1}', "x")),
        ({"mode": "as_turn"}, ("bot", None, None)),
        ({"mode": "as_turn", "handler": "report", "value": 0}, ("report", "0", None)),
    ],
)
async def test_turns(office: Office, options: Any, wanted: Any) -> None:
    """A handler by name, or the bot's own, with its payload."""
    await office.meet()
    await office.outbox.notify("conversation:a:1", **options)
    (claim,) = await office.claim()
    assert (claim.handler, claim.value, claim.value_type) == wanted
    assert claim.content is None


async def test_a_user_of_its_own(office: Office) -> None:
    """In a group, the notification is addressed to whom it is about."""
    await office.meet("19:g", is_group=True, conversation_type="groupChat")
    user = {"id": "29:ben", "name": "Ben \ud83d"}
    handle = await office.outbox.notify("conversation:19:g", "hello", user=user)
    (claim,) = await office.claim()
    assert claim.delivery_id == handle.delivery_ids[0]
    assert (await office.detail(claim.delivery_id)).delivery.user == user


# -- repetition ------------------------------------------------------------------------------


async def test_the_same_key_is_the_same_request(office: Office) -> None:
    """What was accepted then is given again, and telemetry knows it for a repetition."""
    await office.meet()
    first = await office.outbox.notify("user:29:ana", "hello", idempotency_key="k")
    office.later(60)
    again = await office.outbox.notify("user:29:ana", "hello", idempotency_key="k")
    assert (first.replayed, again.replayed) == (False, True)
    assert (again.id, again.delivery_ids) == (first.id, first.delivery_ids)
    assert await office.deliver() == ["hello"]
    told = [event for event in office.events if isinstance(event, NotificationAccepted)]
    assert [(event.deliveries, event.replayed) for event in told] == [(1, False), (1, True)]


async def test_another_request_under_the_same_key_is_refused(office: Office) -> None:
    """And says which key; another caller's key is another."""
    await office.meet()
    await office.outbox.notify("user:29:ana", "hello", idempotency_key="k")
    with pytest.raises(IdempotencyConflict, match="'k'"):
        await office.outbox.notify("user:29:ana", "other", idempotency_key="k")
    await office.outbox.notify(
        "user:29:ana", "other", idempotency_key="k", idempotency_scope="caller"
    )
    assert await office.deliver() == ["hello", "other"]


async def test_a_repetition_can_be_waited_for(office: Office) -> None:
    """It is the first one's progress that is waited for."""
    await office.meet()
    await office.outbox.notify("user:29:ana", "hello", idempotency_key="k")
    await office.deliver()
    again = await office.outbox.notify("user:29:ana", "hello", idempotency_key="k", wait=True)
    assert (await again.progress()).out == 1


# -- waiting ---------------------------------------------------------------------------------


async def asked(office: Office, **options: Any) -> asyncio.Task[Any]:
    """A caller that waits for its notification."""
    task = asyncio.ensure_future(office.outbox.notify("user:29:ana", "hello", **options))
    async with asyncio.timeout(10):
        while not await office.ids():
            continue
    return task


async def test_waiting_ends_with_the_delivery(office: Office) -> None:
    """At once: the clock stands still, so no second look can find it."""
    await office.meet()
    waiting = await asked(office, wait=True)
    assert not waiting.done()
    await office.deliver()
    handle = await asyncio.wait_for(waiting, 10)
    assert (await handle.progress()).out == 1


async def test_many_can_wait_for_one(office: Office) -> None:
    """Nobody's look makes another miss the news."""
    await office.meet()
    handle = await office.outbox.notify("user:29:ana", "hello")
    waiting = [asyncio.ensure_future(handle.wait()) for _ in range(20)]
    for _ in range(5):
        await asyncio.sleep(0)
    await office.deliver()
    progress = await asyncio.wait_for(asyncio.gather(*waiting), 10)
    assert all(each.settled for each in progress)


async def test_waiting_sees_what_another_process_delivered(office: Office) -> None:
    """By looking again."""
    await office.meet()
    waiting = await asked(office, wait=True)
    await office.drain()
    await office.wind_until(waiting)
    assert (await waiting).delivery_ids


async def test_waiting_has_an_end(office: Office) -> None:
    """After so many seconds the caller has its handle, and the delivery goes on."""
    await office.meet()
    waiting = await asked(office, wait=5)
    await office.wind_until(waiting)
    handle = await waiting
    assert timedelta(seconds=5) <= office.now - START < timedelta(seconds=8)
    assert not (await handle.progress()).settled
    assert await office.deliver() == ["hello"]


@pytest.mark.parametrize("wait", [0, 0.0])
async def test_not_waiting_at_all_is_allowed(office: Office, wait: float) -> None:
    """No seconds are no wait."""
    await office.meet()
    handle = await office.outbox.notify("user:29:ana", "hello", wait=wait)
    assert not (await handle.progress()).settled


@pytest.mark.parametrize("wait", [float("inf"), 1e300, 10**30])
async def test_waiting_as_long_as_it_takes(office: Office, wait: float) -> None:
    """No number of seconds is too many."""
    await office.meet()
    waiting = await asked(office, wait=wait)
    await office.deliver()
    await asyncio.wait_for(waiting, 10)


async def test_a_parked_delivery_is_not_waited_for(office: Office) -> None:
    """A person may decide tomorrow."""
    await office.meet()
    waiting = await asked(office, wait=True)
    await office.send(State.UNKNOWN)
    office.outbox.something_settled()
    handle = await asyncio.wait_for(waiting, 10)
    assert (await handle.progress()).settled


async def test_a_broadcast_is_waited_for_to_its_last_recipient(office: Office) -> None:
    """Not only to those already expanded."""
    for number in range(3):
        await office.meet(f"a:{number}")
    handle = await office.outbox.notify("all", "hello")
    waiting = asyncio.ensure_future(handle.wait())
    await office.store.expand(office.now, 2)
    await office.deliver()
    for _ in range(20):
        await asyncio.sleep(0)
    assert not waiting.done()
    await office.store.expand(office.now, 2)
    await office.deliver()
    assert (await asyncio.wait_for(waiting, 10)).out == 3


async def test_handles_are_told_apart(office: Office) -> None:
    """By the notification they stand for."""
    await office.meet()
    handle = await office.outbox.notify("user:29:ana", "hello")
    assert handle.id in repr(handle)


# -- turns -----------------------------------------------------------------------------------


async def test_what_a_turn_says_in_its_own_conversation_leaves_after_it(office: Office) -> None:
    """And what it says elsewhere at once."""
    await office.meet("a:own")
    await office.meet("a:other", members=(Member(user_id="29:ben"),))
    with in_turn(CurrentTurn("turn-1", "msteams", "a:own")) as turn:
        assert current_turn() is turn
        own = await office.outbox.notify("conversation:a:own", "own")
        both = await office.outbox.notify(["conversation:a:other", "conversation:a:own"], "both")
        assert turn.held
        assert await office.standing(own.delivery_ids[0]) == (State.HELD, HeldReason.BUSY)
        assert await office.deliver() == ["both"]
    assert await office.store.release_turn("turn-1") == 2
    assert await office.deliver() == ["own", "both"]
    assert len(both.delivery_ids) == 2


async def test_a_turn_that_speaks_elsewhere_has_nothing_to_release(office: Office) -> None:
    """Its middleware need not ask the store."""
    await office.meet("a:other")
    with in_turn(CurrentTurn("turn-1", "msteams", "a:own")) as turn:
        await office.outbox.notify("conversation:a:other", "hello")
    assert not turn.held


async def test_the_same_id_on_another_channel_is_another_conversation(office: Office) -> None:
    """A turn is in one conversation of one channel."""
    await office.meet("a:1", channel="directline")
    with in_turn(CurrentTurn("turn-1", "msteams", "a:1")):
        handle = await office.outbox.notify("conversation:a:1", "hello")
    assert await office.state(handle.delivery_ids[0]) is State.PENDING


@pytest.mark.parametrize("wait", [True, 5, 0.5])
async def test_a_turn_cannot_wait_for_its_own_end(office: Office, wait: Any) -> None:
    """It is told at once, instead of waiting for itself; nothing is accepted."""
    await office.meet()
    with (
        in_turn(CurrentTurn("turn-1", "msteams", "a:1")) as turn,
        pytest.raises(WaitInOwnTurn, match="do not wait for it"),
    ):
        await office.outbox.notify("user:29:ana", "hello", wait=wait)
    assert await nothing_was_accepted(office)
    assert not turn.held


async def test_a_turn_does_not_wait_for_a_broadcast_that_includes_it(office: Office) -> None:
    """Neither at once nor by the handle: its own conversation is told after the turn."""
    await office.meet()
    await office.meet("a:2")
    with in_turn(CurrentTurn("turn-1", "msteams", "a:1")):
        with pytest.raises(WaitInOwnTurn):
            await office.outbox.notify("all", "hello", wait=True)
        handle = await office.outbox.notify("all", "hello")
        with pytest.raises(WaitInOwnTurn):
            await handle.wait()
    assert (await handle.wait(0)).notification_id == handle.id


@pytest.mark.parametrize("expanded_first", [True, False])
async def test_a_broadcast_reaches_the_turns_own_conversation_after_the_turn(
    office: Office, *, expanded_first: bool
) -> None:
    """Whether or not it was expanded as far while the turn ran."""
    await office.meet()
    await office.meet("a:2")
    with in_turn(CurrentTurn("turn-1", "msteams", "a:1")) as turn:
        await office.outbox.notify("all", "hello")
        if expanded_first:
            await office.store.expand(office.now, 10)
            assert [claim.conversation_id for claim in await office.claim()] == ["a:2"]
    assert turn.held
    await office.store.release_turn("turn-1")
    await office.store.expand(office.now, 10)
    left = {claim.conversation_id for claim in await office.claim()}
    assert left == ({"a:1"} if expanded_first else {"a:1", "a:2"})


async def test_a_turn_can_wait_for_others(office: Office) -> None:
    """A delivery elsewhere does not depend on it."""
    await office.meet()
    with in_turn(CurrentTurn("turn-1", "msteams", "a:own")):
        waiting = await asked(office, wait=True)
        await office.deliver()
        await asyncio.wait_for(waiting, 10)


async def test_a_task_outlives_the_turn_it_was_started_in(office: Office) -> None:
    """Afterwards it is in no turn: it may wait, and what it says leaves at once."""
    await office.meet()
    go = asyncio.Event()

    async def work() -> str:
        await go.wait()
        assert current_turn() is None
        handle = await office.outbox.notify("user:29:ana", "done")
        return handle.delivery_ids[0]

    with in_turn(CurrentTurn("turn-1", "msteams", "a:1")):
        task = asyncio.ensure_future(work())
        await asyncio.sleep(0)
    go.set()
    assert await office.state(await task) is State.PENDING


async def test_turns_do_not_leak(office: Office) -> None:
    """Nested ones end before outer ones, other tasks are in none, errors end them too."""
    assert current_turn() is None
    outer, inner = CurrentTurn("1", "c", "a"), CurrentTurn("2", "c", "b")
    with in_turn(outer):
        with in_turn(inner):
            assert current_turn() is inner
        assert current_turn() is outer
        with pytest.raises(KeyError), in_turn(CurrentTurn("3", "c", "c")):
            raise KeyError
        assert current_turn() is outer
    assert current_turn() is None
    assert outer.ended
    assert inner.ended


# -- looking and steering --------------------------------------------------------------------


async def test_deliveries_can_be_looked_at_and_steered(office: Office) -> None:
    """Through the same verbs for bot, web and CLI."""
    await office.meet()
    handle = await office.outbox.notify("user:29:ana", "hello")
    (made,) = handle.delivery_ids
    await office.outbox.cancel(made)
    detail = await office.outbox.delivery(made)
    assert detail.delivery.state is State.CANCELLED
    page = await office.outbox.deliveries(DeliveryFilter(notification_id=handle.id))
    assert [each.id for each in page.items] == [made]
    with pytest.raises(TransitionRefused):
        await office.outbox.retry(made)


async def test_what_is_not_there_has_a_name(office: Office) -> None:
    """Each kind its own, with how to find what is."""
    with pytest.raises(UnknownNotification, match="no notification x"):
        await office.outbox.progress("x")
    with pytest.raises(UnknownNotification):
        await office.outbox.wait("x", 1)
    for verb in (office.outbox.delivery, office.outbox.retry, office.outbox.cancel):
        with pytest.raises(UnknownDelivery, match="recado deliveries list"):
            await verb("x")


async def test_a_refused_acceptance_tells_nobody(office: Office) -> None:
    """Telemetry hears of what was committed only."""
    await office.meet()
    await office.store.close()
    with pytest.raises(RecadoError):
        await office.outbox.notify("user:29:ana", "hello")
    assert office.events == []


async def test_accepted_means_committed(tmp_path: Path) -> None:
    """Without closing anything, another process finds it."""
    clock: Clock = HandClock()
    first = SqliteStore(tmp_path / "recado.db", clock)
    await first.open()
    office = Office(first, WatchedClock())
    await office.meet()
    handle = await office.outbox.notify("user:29:ana", "hello", when=HOUR)
    second = SqliteStore(tmp_path / "recado.db", clock)
    await second.open()
    assert await Desk(second, HandClock()).ids() == list(handle.delivery_ids)
    await second.close()
    await first.close()

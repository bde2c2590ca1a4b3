"""The outbox: steering many, pauses by name, plans and forecasts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from recado.channel.profiles import profiles
from recado.domain.delivery import State
from recado.domain.pause import PauseKind
from recado.domain.plan import Place
from recado.domain.steering import Cancelled, Retried
from recado.errors import InvalidInput, UnknownNotification, UnknownRecipient
from recado.outbox import Options, Outbox, steering
from recado.references import References
from recado.store.port import DeliveryFilter
from recado.store.sqlite import SqliteStore
from recado.telemetry import Telemetry
from tests.engine.kit import WatchedClock
from tests.store.kit import SECOND, Desk

HOUR = timedelta(hours=1)


class Office(Desk):
    """An outbox over a store in memory, which knows the published paces."""

    def __init__(self, store: SqliteStore, clock: WatchedClock) -> None:
        super().__init__(store, clock)
        telemetry = Telemetry()
        self.outbox = Outbox(
            store,
            References(store, telemetry),
            clock,
            telemetry,
            bot="local",
            profiles=profiles(),
        )

    async def tell(self, *names: str, **options: Any) -> str:
        """Have something accepted for conversations; the notification's id."""
        audience = [f"conversation:{name}" for name in names] if names else "all"
        return (await self.outbox.notify(audience, "hello", **options)).id


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    """An outbox over an empty store."""
    clock = WatchedClock()
    store = SqliteStore(None, clock)
    await store.open()
    yield Office(store, clock)
    await store.close()


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a few deliveries take several steps."""
    monkeypatch.setattr(steering, "_STEP", 2)


# -- cancel and retry ------------------------------------------------------------------------


async def test_a_broadcast_is_cancelled_wherever_it_has_come(office: Office) -> None:
    """The account adds up to everybody it was for."""
    for number in range(9):
        await office.meet(f"a:{number}")
    made = await office.tell()
    await office.store.expand(office.now, 7)
    first, second, _ = await office.claim(3)
    await office.settle(first)
    await office.settle(second, State.RETRYING, due_at=office.now + SECOND, maybe_sent=True)
    told = await office.outbox.cancel_notification(made, by="ana")
    assert told == Cancelled(cancelled=4, sending=1, maybe=1, out=1, not_made=2)
    assert await office.store.expand(office.now, 10) == 0
    assert await office.drain() == []
    again = await office.outbox.cancel_notification(made)
    assert again == Cancelled(sending=1, maybe=1, out=1, not_made=2)


async def test_what_is_accepted_meanwhile_is_not_meant(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cancelling does not run after those who go on sending."""
    await office.meet("a:1")
    for _ in range(3):
        await office.tell("a:1")
    cancel_many = office.store.cancel_many

    async def meanwhile(*given: Any) -> Cancelled:
        for _ in range(3):
            await office.tell("a:1")
        return await cancel_many(*given)

    monkeypatch.setattr(office.store, "cancel_many", meanwhile)
    told = await office.outbox.cancel_all(DeliveryFilter(state=State.PENDING))
    assert told == Cancelled(cancelled=3)
    assert len(await office.ids(state=State.PENDING)) == 6


async def test_a_key_is_its_callers(office: Office) -> None:
    """It cancels what was accepted under it."""
    await office.meet("a:1")
    await office.tell("a:1", idempotency_key="k", idempotency_scope="s")
    with pytest.raises(UnknownNotification, match="caller"):
        await office.outbox.cancel_key("k")
    assert await office.outbox.cancel_key("k", scope="s") == Cancelled(cancelled=1)


async def test_dead_letters_are_retried_in_order(office: Office) -> None:
    """Of this bot, unless something is named; rejected and unknown, unless said otherwise."""
    here = await office.meet("a:1")
    for number, state in enumerate([State.REJECTED, State.UNKNOWN, State.REJECTED, State.HELD]):
        made = await office.say(str(number), here)
        await office.settle(await office.claim_of(made), state)
    there = await office.meet("a:2")
    other = await office.say("other", there, bot="other")
    await office.settle(await office.claim_of(other), State.REJECTED)
    told = await office.outbox.retry_all(DeliveryFilter())
    assert told == Retried(counts={State.REJECTED: 2, State.UNKNOWN: 1})
    assert told.total == 3
    assert await office.drain() == ["0", "1", "2"]
    only = await office.outbox.retry_all(DeliveryFilter(state=State.HELD))
    assert only == Retried(counts={State.HELD: 1})
    named = await office.outbox.which(DeliveryFilter(), conversation="a:2")
    assert (await office.outbox.retry_all(named)).total == 1


@pytest.mark.parametrize("state", [State.DELIVERED, State.EXPIRED])
async def test_what_has_ended_cannot_be_meant(office: Office, state: State) -> None:
    """It is said, instead of doing nothing."""
    with pytest.raises(InvalidInput, match=str(state)):
        await office.outbox.cancel_all(DeliveryFilter(state=state))
    with pytest.raises(InvalidInput, match=str(state)):
        await office.outbox.retry_all(DeliveryFilter(state=state))


async def test_what_is_not_there_has_a_name(office: Office) -> None:
    """Nothing is cancelled by mistake."""
    missing = DeliveryFilter(notification_id="no-such-id")
    for refused in (
        office.outbox.cancel_all(missing),
        office.outbox.retry_all(missing),
        office.outbox.cancel_notification("no-such-id"),
        office.outbox.notification("no-such-id"),
        office.outbox.pause(notification="no-such-id"),
    ):
        with pytest.raises(UnknownNotification):
            await refused
    with pytest.raises(UnknownRecipient):
        await office.outbox.pause(conversation="nobody")
    with pytest.raises(UnknownRecipient):
        await office.outbox.which(DeliveryFilter(), conversation="nobody")


@pytest.mark.parametrize("by", ["", "x" * 256, "half \ud800"])
async def test_who_decides_has_a_name_that_can_be_kept(office: Office, by: str) -> None:
    """Whatever is decided."""
    for refused in (
        office.outbox.cancel("x", by=by),
        office.outbox.cancel_all(DeliveryFilter(), by=by),
        office.outbox.cancel_notification("x", by=by),
        office.outbox.mark_delivered("x", by=by),
        office.outbox.pause(by=by),
    ):
        with pytest.raises(InvalidInput, match="by is text"):
            await refused


# -- pauses ----------------------------------------------------------------------------------


async def test_pauses_are_named_as_people_name_things(office: Office) -> None:
    """And are found again under the same name."""
    here = await office.meet("a:1")
    made = await office.tell("a:1")
    for names, kind, name in (
        ({}, PauseKind.ALL, ""),
        ({"bot": "local"}, PauseKind.BOT, ""),
        ({"conversation": "a:1"}, PauseKind.CONVERSATION, here.id),
        ({"conversation": here.id}, PauseKind.CONVERSATION, here.id),
        ({"notification": made}, PauseKind.NOTIFICATION, made),
    ):
        pause = await office.outbox.pause(**names, reason="lunch", by="ana")
        assert (pause.kind, pause.name, pause.reason, pause.by) == (kind, name, "lunch", "ana")
        assert await office.outbox.pauses() == [pause]
        assert await office.outbox.resume(**names)
        assert not await office.outbox.resume(**names)
    with pytest.raises(InvalidInput, match="one thing"):
        await office.outbox.pause(bot="local", notification=made)


# -- plans -----------------------------------------------------------------------------------


async def test_a_plan_says_who_and_how_long(office: Office) -> None:
    """At the pace of the slowest channel and tenant, with those who cannot be reached apart."""
    for number in range(120):
        await office.meet(f"a:{number}")
    await office.meet("b:1", channel="webchat", tenant_id=None)
    await office.make_unreachable(await office.find("a:0"))
    plan = await office.outbox.plan("all", "hello")
    assert [each.place for each in plan.reach] == [
        Place("msteams", "tenant-1"),
        Place("webchat", ""),
    ]
    assert (plan.total, plan.unreachable, plan.duplicates) == (121, 1, 0)
    assert timedelta(seconds=2) <= plan.duration <= timedelta(seconds=3)
    assert [each.key.conversation_id for each in plan.first] == [f"a:{n}" for n in range(10)]
    assert not await office.ids(state=State.PENDING)


async def test_a_plan_knows_who_shares_a_pace(office: Office) -> None:
    """Threads of one channel count together."""
    names = [f"19:x@thread.tacv2;messageid={number}" for number in range(8)]
    for name in names:
        await office.meet(name, is_group=True)
    plan = await office.outbox.plan([f"conversation:{name}" for name in names], "hello")
    assert plan.total == 8
    assert plan.duration >= timedelta(seconds=1)
    alone = await office.outbox.plan(f"conversation:{names[0]}", "hello")
    assert alone.duration < timedelta(seconds=1)


async def test_a_plan_counts_duplicates(office: Office) -> None:
    """For those who are named, and for everybody."""
    for name in ("a:1", "a:2"):
        await office.meet(name)
    once = Options(once_key="k", once_every=HOUR)
    await office.outbox.accept("conversation:a:1", "hello", once)
    for audience, many in (("all", 1), ("conversation:a:1", 1), ("conversation:a:2", 0)):
        assert (await office.outbox.plan(audience, "hello", once)).duplicates == many
    assert (await office.outbox.plan("all", "hello")).duplicates == 0


async def test_a_plan_checks_what_would_be_said(office: Office) -> None:
    """Without content only the audience is looked at."""
    await office.meet("a:1")
    assert (await office.outbox.plan("all")).total == 1
    with pytest.raises(InvalidInput):
        await office.outbox.plan("all", " ")
    with pytest.raises(InvalidInput):
        await office.outbox.plan("all", "x", Options(handler="report"))
    assert (await office.outbox.plan("all", None, Options(mode="as_turn"))).total == 1


async def test_a_forecast_follows_what_is_left(office: Office) -> None:
    """Until nothing is, or pace is no matter."""
    for number in range(150):
        await office.meet(f"a:{number}")
    made = await office.tell()
    before = await office.outbox.eta(made)
    assert before is not None
    assert timedelta(seconds=2) <= before - office.now <= timedelta(seconds=4)
    await office.store.expand(office.now, 500)
    await office.send_all()
    after = await office.outbox.eta(made)
    assert after is not None
    assert after < before
    while await office.claim(0) or await office.drain():
        pass
    assert await office.outbox.eta(made) is None
    assert await office.outbox.eta("no-such-id") is None


# -- once ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {"once_key": "k"},
        {"once_every": HOUR},
        {"once_key": "", "once_every": HOUR},
        {"once_key": "k", "once_every": timedelta(0)},
        {"once_key": "k", "once_every": timedelta(days=400)},
        {"once_key": "k", "once_every": 3600},
    ],
)
async def test_what_is_said_once_has_key_and_period(
    office: Office, options: dict[str, Any]
) -> None:
    """Both, or neither."""
    await office.meet("a:1")
    with pytest.raises(InvalidInput, match="once_"):
        await office.tell("a:1", **options)


async def test_the_same_is_said_once(office: Office) -> None:
    """A handle waits for what is suppressed as for what has ended."""
    await office.meet("a:1")
    for _ in range(2):
        handle = await office.outbox.notify(
            "conversation:a:1", "cheap", once_key="price:42", once_every=HOUR
        )
    assert (await handle.wait(0)).counts == {State.SUPPRESSED: 1}
    assert await office.drain() == ["cheap"]

"""The chain: what holds a delivery, what would next, since when and until when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest

from recado.domain.audience import Person
from recado.domain.chaining import chain_of
from recado.domain.consent import Said
from recado.domain.delivery import Priority, State
from recado.domain.explanation import explain
from recado.domain.notification import Turn
from recado.domain.pause import Pause, PauseKind
from recado.domain.politeness import Rules
from recado.domain.politeness.chain import Link
from recado.domain.politeness.counting import cap_of
from recado.domain.recipient import Change
from recado.domain.reference import Health
from recado.testing import HandClock
from tests.store.contract.test_consent import say_of
from tests.store.contract.test_presence import begin
from tests.store.kit import Desk

NIGHT = datetime(2026, 7, 1, 23, tzinfo=UTC)
MORNING = datetime(2026, 7, 2, 8, tzinfo=UTC)
RULES = Rules(
    quiet="22:00-08:00",
    spread=timedelta(0),
    caps={"": cap_of("2/day"), "prices": cap_of("1/day")},
    interval=timedelta(seconds=60),
)


class Chain(NamedTuple):
    """What holds a delivery."""

    now: Link | None
    next: Sequence[Link]
    all: Sequence[str]
    told: str


async def chain(desk: Desk, delivery_id: str) -> Chain:
    """What is told of a delivery."""
    detail = await desk.store.delivery(delivery_id, rules=desk.rules)
    assert detail is not None
    found = chain_of(detail, desk.now)
    holding = [link for grip, link in found if grip == "now"]
    assert len(holding) <= 1 or {link.name for link in holding} == {holding[0].name}
    return Chain(
        holding[0] if holding else None,
        [link for grip, link in found if grip == "next"],
        [link.name for _, link in found],
        " ".join(explain(detail, now=desk.now, served=True)),
    )


@pytest.fixture
def clock() -> HandClock:
    """It is night."""
    return HandClock(NIGHT)


@pytest.fixture
def polite(desk: Desk) -> Desk:
    """A desk that knows quiet hours, caps and an interval."""
    desk.rules = RULES
    return desk


async def test_the_window_holds_until_the_morning(polite: Desk) -> None:
    """Since it closed or the delivery came, whichever was later; by whose hours, in which zone."""
    made = await polite.say("hello", await polite.meet())
    assert await polite.drain() == []
    polite.later(60)
    told = await chain(polite, made)
    assert told.now is not None
    assert (told.now.name, told.now.since, told.now.until) == ("window", NIGHT, MORNING)
    assert "quiet hours 22:00-08:00 (by the settings), in UTC (by the settings)" in told.now.said
    assert told.now.said in told.told
    assert "deliveries retry" not in told.told  # it would only be held again
    assert told.next == []


async def test_an_opening_that_is_spread_is_told_as_one(desk: Desk) -> None:
    """When it opens by the hours, and by how much later this conversation's turn comes."""
    desk.rules = replace(RULES, spread=timedelta(minutes=15))
    made = await desk.say("hello", await desk.meet())
    told = await chain(desk, made)
    assert told.now is not None
    assert told.now.until is not None
    assert MORNING < told.now.until < MORNING + timedelta(minutes=15)
    assert f"It opens at {told.now.until:%H:%M} (08:00, and " in told.now.said
    desk.later((MORNING - NIGHT).total_seconds())
    again = await chain(desk, made)
    assert again.now is not None
    assert again.now.said == told.now.said


async def test_their_own_hours_are_said_to_be_theirs(polite: Desk) -> None:
    """And so is their zone."""
    made = await polite.say("hello", await polite.meet(timezone="Europe/Paris"))
    hours = Change(zone="Europe/Madrid", quiet="20:00-10:00")
    await polite.store.prefer("local", Person("29:ana"), hours, polite.now)
    assert await polite.drain() == []
    told = await chain(polite, made)
    assert told.now is not None
    assert "20:00-10:00 (their own), in Europe/Madrid (set by them)" in told.now.said


async def test_the_cap_would_hold_it_after_the_window(polite: Desk) -> None:
    """What holds it first comes first, then what would next."""
    here = await polite.meet()
    for n in range(2):
        await polite.say(f"urgent {n}", here, priority=Priority.URGENT)
    assert len(await polite.drain()) == 2
    made = await polite.say("hello", here)
    assert await polite.drain() == []
    told = await chain(polite, made)
    assert told.now is not None
    assert told.now.name == "window"
    (cap,) = told.next
    assert (cap.name, cap.since, cap.until) == ("cap", NIGHT, NIGHT + timedelta(days=1))
    assert "has been sent as much as the cap of 2/day allows" in cap.said
    assert "When that lets it go, this would hold it (until" in told.told


async def test_the_cap_of_a_category_holds(desk: Desk) -> None:
    """Until the one that was sent is a day old."""
    desk.rules = Rules(caps=RULES.caps)
    here = await desk.meet()
    await desk.say("p1", here, category="prices")
    made = await desk.say("p2", here, category="prices")
    assert await desk.drain() == ["p1"]
    desk.later(60)
    told = await chain(desk, made)
    assert told.now is not None
    assert (told.now.name, told.now.until) == ("cap", NIGHT + timedelta(days=1))
    assert "of category 'prices' as the cap of 1/day allows" in told.now.said


async def test_the_interval_holds(desk: Desk) -> None:
    """Until so long after the last message."""
    desk.rules = Rules(interval=timedelta(seconds=60))
    here = await desk.meet()
    await desk.say("first", here)
    made = await desk.say("second", here)
    assert await desk.drain() == ["first"]
    told = await chain(desk, made)
    assert told.now is not None
    assert (told.now.name, told.now.until) == ("cap", NIGHT + timedelta(seconds=60))
    assert "less than 60 s ago" in told.now.said


async def test_what_passes_says_why(polite: Desk) -> None:
    """Urgent, or asked for by its recipient."""
    here = await polite.meet()
    urgent = await polite.say("urgent", here, priority=Priority.URGENT)
    asked = await polite.say("asked", here, asked_at=polite.now)
    for each in (urgent, asked):
        detail = await polite.store.delivery(each, rules=polite.rules)
        assert detail is not None
        said = {link.name: link for link in detail.said}
        assert not said["window"].holds
        assert not said["cap"].holds
        reason = "It is urgent" if each == urgent else "Its recipient has asked for it"
        assert said["window"].said.startswith(reason)


async def test_its_place_in_the_lane_holds(desk: Desk) -> None:
    """While something before it is on its way."""
    here = await desk.meet()
    first = await desk.say("first", here)
    made = await desk.say("second", here)
    told = await chain(desk, made)
    assert told.now is not None
    assert (told.now.name, "behind 1 other delivery" in told.now.said) == ("lane", True)
    assert (await chain(desk, first)).now is None
    assert "lane" in (await chain(desk, first)).all


async def test_in_its_lane_the_window_would_hold_it_next(polite: Desk) -> None:
    """What stands in a lane has not come to the checks yet."""
    here = await polite.meet()
    await polite.say("first", here, asked_at=polite.now)
    made = await polite.say("second", here)
    told = await chain(polite, made)
    assert told.now is not None
    assert (told.now.name, [link.name for link in told.next]) == ("lane", ["window"])


async def test_a_scheduled_one_waits_for_its_time(polite: Desk) -> None:
    """And then for what is true then; what is true now is told as next."""
    due = polite.now + timedelta(hours=1)
    made = await polite.say("later", await polite.meet(), due_at=due)
    told = await chain(polite, made)
    assert told.now is not None
    assert (told.now.name, told.now.since, told.now.until) == ("due", NIGHT, due)
    assert [link.name for link in told.next] == ["window"]


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (PauseKind.ALL, "paused"),
        (PauseKind.BOT, "paused"),
        (PauseKind.CONVERSATION, "paused"),
        (PauseKind.NOTIFICATION, "paused"),
        (PauseKind.CREDENTIAL, "breaker"),
        (PauseKind.SERVICE_URL, "breaker"),
        (PauseKind.TENANT, "pace"),
        (PauseKind.PACE_KEY, "pace"),
    ],
)
async def test_a_pause_holds(desk: Desk, kind: PauseKind, name: str) -> None:
    """People's, the pace's and the breaker's, each under its own name."""
    here = await desk.meet()
    made = await desk.say("hello", here)
    detail = await desk.detail(made)
    what = {
        PauseKind.CONVERSATION: {"name": here.id},
        PauseKind.NOTIFICATION: {"name": detail.delivery.notification_id},
        PauseKind.SERVICE_URL: {"name": here.service_url},
        PauseKind.TENANT: {"channel": "msteams", "tenant": "tenant-1"},
        PauseKind.PACE_KEY: {"channel": "msteams", "tenant": "tenant-1", "name": "a:1"},
    }.get(kind, {})
    bot = "" if kind in (PauseKind.ALL, PauseKind.SERVICE_URL) else "local"
    until = None if name == "paused" else desk.now + timedelta(hours=1)
    pause = Pause(kind=kind, reason="why", since=desk.now, until=until, bot=bot, **what)
    await desk.store.pause(pause)
    desk.later(1)
    told = await chain(desk, made)
    assert told.now is not None
    assert (told.now.name, told.now.since, told.now.until) == (name, NIGHT, until)


async def test_a_retried_one_waits_for_its_next_attempt(polite: Desk) -> None:
    """Since the last one ended; in its lane or, later, outside it."""
    polite.rules = Rules(quiet="23:30-08:00", spread=timedelta(0))
    made = await polite.say("hello", await polite.meet())
    due = polite.now + timedelta(minutes=40)
    for state in (State.RETRYING, State.HELD):
        (claim,) = await polite.claim()
        await polite.settle(claim, state, due_at=due, because="http_503")
        told = await chain(polite, made)
        assert told.now is not None
        assert (told.now.name, told.now.since, told.now.until) == ("backoff", polite.now, due)
        assert "http_503" in told.now.said
        assert told.next == []
        if state is State.RETRYING:
            polite.rules = Rules()
            polite.clock.advance((due - polite.now).total_seconds())
            due = polite.now + timedelta(hours=1)


async def test_a_conversation_that_cannot_be_spoken_in_holds(desk: Desk) -> None:
    """Until somebody is back."""
    here = await desk.meet()
    made = await desk.make_unreachable(here, Health.BLOCKED)
    told = await chain(desk, made)
    assert told.now is not None
    assert (told.now.name, told.now.until) == ("reach", None)
    assert "blocked" in told.now.said


async def test_a_handler_nobody_has_holds(desk: Desk) -> None:
    """By its name."""
    turn = Turn(handler="greet", value=None, value_type=None)
    made = await desk.say("", await desk.meet(), turn=turn)
    (claim,) = await desk.claim()
    await desk.settle(claim, State.HELD, reason="no_handler", uncounted=True)
    told = await chain(desk, made)
    assert told.now is not None
    assert told.now.name == "handler"
    assert "'greet'" in told.now.said


async def test_nothing_is_told_of_what_has_ended_or_is_being_sent(polite: Desk) -> None:
    """Or of what waits for a person."""
    polite.rules = Rules()
    here = await polite.meet()
    made = await polite.say("hello", here)
    (claim,) = await polite.claim()
    assert (await chain(polite, made)).all == []
    await polite.settle(claim, State.UNKNOWN)
    assert (await chain(polite, made)).all == []
    await polite.store.mark_delivered(made, polite.now)
    assert (await chain(polite, made)).all == []


async def test_what_was_held_is_said_to_hold_though_it_would_not_now(polite: Desk) -> None:
    """Its time has come, and nobody has let it in yet."""
    made = await polite.say("hello", await polite.meet())
    assert await polite.drain() == []
    polite.clock.advance((MORNING - polite.now).total_seconds())
    told = await chain(polite, made)
    assert told.now is not None
    assert (told.now.name, told.now.until) == ("window", MORNING)


async def test_silence_that_was_asked_for_holds_as_consent(polite: Desk) -> None:
    """Until it ends; then the night would hold it."""
    here = await polite.meet()
    until = polite.now + timedelta(hours=2)
    await say_of(polite, "29:ana", Said.MUTE, until=until)
    made = await polite.say("hello", here)
    assert await polite.drain() == []
    told = await chain(polite, made)
    assert told.now is not None
    assert (told.now.name, told.now.since, told.now.until) == ("consent", NIGHT, until)
    assert [link.name for link in told.next] == ["window"]
    polite.rules = Rules(quiet="20:00-21:00")
    polite.later(2 * 3600)
    await polite.store.promote(polite.now, 10)
    assert await polite.drain() == ["hello"]


async def test_an_opt_out_is_told_before_it_ends_a_delivery(polite: Desk) -> None:
    """Of one that is scheduled, as what comes next."""
    due = polite.now + timedelta(hours=1)
    made = await polite.say("later", await polite.meet(), due_at=due)
    await say_of(polite, "29:ana", Said.OUT)
    told = await chain(polite, made)
    assert told.now is not None
    assert told.now.name == "due"
    assert [link.name for link in told.next] == ["consent", "window"]


async def test_a_conversation_in_the_middle_of_something_holds(desk: Desk) -> None:
    """While a turn runs; and then a cap would."""
    desk.rules = Rules(caps={"": cap_of("1/day")})
    here = await desk.meet()
    await desk.say("first", here)
    assert await desk.drain() == ["first"]
    desk.later(60)
    await begin(desk, here, spoke=False)
    made = await desk.say("polite", here, mode="after_dialog", max_wait=timedelta(hours=1))
    assert await desk.drain() == []
    told = await chain(desk, made)
    assert told.now is not None
    assert (told.now.name, told.now.since) == ("busy", desk.now)
    assert [link.name for link in told.next] == ["cap"]


async def test_until_is_when_it_is_looked_at_again(polite: Desk) -> None:
    """Also when their channel has told another zone since, where the morning is another."""
    made = await polite.say("hello", await polite.meet(timezone="UTC"))
    assert await polite.drain() == []
    polite.later(1)
    await polite.see(timezone="America/New_York")
    await polite.see(timezone="Pacific/Kiritimati")
    told = await chain(polite, made)
    assert told.now is not None
    assert told.now.until == MORNING
    await polite.see(timezone="Europe/Madrid")
    told = await chain(polite, made)
    assert told.now is not None
    assert told.now.until == MORNING


async def test_to_ask_changes_nothing(polite: Desk) -> None:
    """However often: nothing is counted, and nothing is let go."""
    polite.rules = Rules(caps={"": cap_of("1/h")})
    made = await polite.say("hello", await polite.meet())
    for _ in range(3):
        await chain(polite, made)
    assert await polite.drain() == ["hello"]
    assert (await chain(polite, made)).all == []

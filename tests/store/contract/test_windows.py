"""Hours: nothing leaves at a time that is no good for its recipient, and in order afterwards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from recado.domain.audience import Conversation, Person
from recado.domain.delivery import Priority, State
from recado.domain.politeness import Rules
from recado.domain.recipient import Change
from recado.domain.reference import Member
from recado.testing import HandClock
from tests.store.kit import Desk

QUIET = Rules(quiet="22:00-08:00", spread=timedelta(0))
#: A summer evening: it is 23:00 in UTC and 01:00 in Madrid.
NIGHT = datetime(2026, 7, 1, 23, tzinfo=UTC)
MORNING = datetime(2026, 7, 2, 8, tzinfo=UTC)


@pytest.fixture
def clock() -> HandClock:
    """It is night."""
    return HandClock(NIGHT)


@pytest.fixture
def polite(desk: Desk) -> Desk:
    """A desk that knows quiet hours."""
    desk.rules = QUIET
    return desk


async def till(desk: Desk, at: datetime) -> None:
    """Let it be that time, and what is due by then enter its lane."""
    desk.clock.advance((at - desk.now).total_seconds())
    await desk.store.promote(desk.now, 100)


async def test_what_is_said_at_night_leaves_in_the_morning_in_order(polite: Desk) -> None:
    """It is held for the window until the opening, and nothing of it is lost or overtaken."""
    here = await polite.meet()
    said = [await polite.say(text, here) for text in ("first", "second", "third")]
    assert await polite.drain() == []
    for each in said:
        found = (await polite.detail(each)).delivery
        assert (found.state, found.reason, found.due_at) == (State.HELD, "window", MORNING)
    await till(polite, MORNING - timedelta(seconds=1))
    assert await polite.drain() == []
    await till(polite, MORNING)
    assert await polite.drain() == ["first", "second", "third"]


async def test_nothing_is_held_where_nothing_is_configured(desk: Desk) -> None:
    """Without settings, and with nobody having hours of their own, night is like day."""
    await desk.say("now", await desk.meet())
    assert await desk.drain() == ["now"]


@pytest.mark.parametrize("changes", [{"priority": Priority.URGENT}, {"asked_at": NIGHT}])
async def test_what_is_urgent_or_asked_for_passes(polite: Desk, changes: dict[str, object]) -> None:
    """And overtakes what is held."""
    here = await polite.meet()
    await polite.say("later", here)
    assert await polite.drain() == []
    await polite.say("now", here, **changes)
    assert await polite.drain() == ["now"]
    await till(polite, MORNING)
    assert await polite.drain() == ["later"]


async def test_each_conversation_has_the_night_of_its_own_zone(polite: Desk) -> None:
    """As activities tell it; where none is known, or one that does not exist, the settings'."""
    zones = {"a:madrid": "Europe/Madrid", "a:tokyo": "Asia/Tokyo", "a:odd": "Mars/Base"}
    for each, zone in zones.items():
        place = await polite.meet(each, timezone=zone, members=(Member(user_id=f"29:{each}"),))
        await polite.say(each, place)
    assert await polite.drain() == ["a:tokyo"]  # where it is 08:00
    await till(polite, datetime(2026, 7, 2, 6, tzinfo=UTC))
    assert await polite.drain() == ["a:madrid"]
    await till(polite, MORNING)
    assert await polite.drain() == ["a:odd"]


async def test_the_zone_a_person_sets_comes_before_the_one_of_their_channel(polite: Desk) -> None:
    """By any of their names; and what is held is looked at again at once."""
    member = Member(user_id="29:ana", aad_object_id="AAD-1", email="ana@example.com")
    here = await polite.meet(timezone="Europe/Madrid", members=(member,))
    held = await polite.say("hello", here)
    assert await polite.drain() == []
    for name in ("Ana@Example.com", "29:ANA", "aad-1"):
        ana = Person(name if name != "29:ANA" else "29:ana")
        await polite.store.prefer("local", ana, Change(zone="Asia/Tokyo"), polite.now)
    assert (await polite.detail(held)).delivery.due_at == polite.now
    await till(polite, polite.now)
    assert await polite.drain() == ["hello"]


async def test_a_person_may_have_hours_of_their_own(desk: Desk) -> None:
    """Though the settings know none, and in private only: the group goes on."""
    desk.rules = Rules(spread=timedelta(0))
    ana = Member(user_id="29:ana")
    chat = await desk.meet("a:1", members=(ana,))
    group = await desk.meet("19:team", members=(ana,), is_group=True, conversation_type="groupChat")
    other = await desk.meet("a:2", members=(Member(user_id="29:bo"),))
    await desk.store.prefer("local", Person("29:ana"), Change(quiet="20:00-07:00"), desk.now)
    for place, text in ((chat, "private"), (group, "group"), (other, "other")):
        await desk.say(text, place)
    assert sorted(await desk.drain()) == ["group", "other"]
    await till(desk, datetime(2026, 7, 2, 7, tzinfo=UTC))
    assert await desk.drain() == ["private"]


async def test_in_a_group_the_person_it_is_about_counts(desk: Desk) -> None:
    """And what is set for the group itself; not the hours of others in it."""
    desk.rules = Rules(spread=timedelta(0))
    members = (Member(user_id="29:ana"), Member(user_id="29:bo"))
    changes = {"members": members, "is_group": True, "conversation_type": "groupChat"}
    group = await desk.meet("19:team", **changes)
    await desk.store.prefer("local", Person("29:ana"), Change(quiet="20:00-07:00"), desk.now)
    await desk.say("of bo", group, user={"id": "29:bo"})
    await desk.say("of ana", group, user={"id": "29:ana"})
    await desk.say("of all", group)
    assert await desk.drain() == ["of bo", "of all"]
    await desk.store.prefer("local", Conversation(group.id), Change(quiet="20:00-09:00"), desk.now)
    await desk.say("of all again", group)
    assert await desk.drain() == []
    await till(desk, datetime(2026, 7, 2, 7, tzinfo=UTC))
    assert await desk.drain() == []  # the group's own come first
    await till(desk, datetime(2026, 7, 2, 9, tzinfo=UTC))
    assert await desk.drain() == ["of ana", "of all again"]


async def test_their_own_hours_may_be_none(polite: Desk) -> None:
    """Whatever the settings say."""
    here = await polite.meet()
    await polite.say("hello", here)
    assert await polite.drain() == []
    await polite.store.prefer("local", Person("29:ana"), Change(quiet="off"), polite.now)
    await till(polite, polite.now)
    assert await polite.drain() == ["hello"]


async def test_a_category_has_its_window(desk: Desk) -> None:
    """What is of another one leaves meanwhile."""
    desk.rules = Rules(windows={"prices": "mon-sun 12:00-13:00"}, spread=timedelta(0))
    here = await desk.meet()
    await desk.say("price", here, category="prices")
    await desk.say("news", here, category="news")
    await desk.say("plain", here)
    assert await desk.drain() == ["news", "plain"]
    await till(desk, datetime(2026, 7, 2, 12, tzinfo=UTC))
    assert await desk.drain() == ["price"]


async def test_conversations_come_in_one_after_the_other_at_the_opening(desk: Desk) -> None:
    """Each at an instant of its own within the spread; what arrives meanwhile waits behind."""
    desk.rules = Rules(quiet="22:00-08:00", spread=timedelta(minutes=10))
    held = {}
    for n in range(20):
        place = await desk.meet(f"a:{n}", members=(Member(user_id=f"29:{n}"),))
        held[n] = (place, await desk.say(f"night {n}", place))
    assert await desk.drain() == []
    due = {n: (await desk.detail(each)).delivery.due_at for n, (_, each) in held.items()}
    assert len(set(due.values())) == 20
    assert all(at and MORNING <= at < MORNING + timedelta(minutes=10) for at in due.values())
    # After the opening, before anybody has come in.
    await till(desk, MORNING)
    for n, (place, _) in held.items():
        await desk.say(f"day {n}", place)
    assert await desk.drain() == []
    first = min(due, key=lambda n: due[n] or MORNING)
    await till(desk, due[first] or MORNING)
    assert await desk.drain() == [f"night {first}", f"day {first}"]
    await till(desk, MORNING + timedelta(minutes=10))
    said = await desk.drain()
    assert len(said) == 38
    for n in due:
        if n != first:
            assert said.index(f"night {n}") < said.index(f"day {n}")


async def test_nothing_overtakes_what_is_due_and_not_let_in_yet(polite: Desk) -> None:
    """A message of the morning waits for those of the night, though nobody has let them in."""
    here = await polite.meet()
    await polite.say("night", here)
    assert await polite.drain() == []
    polite.clock.advance((MORNING - polite.now).total_seconds())
    await polite.say("day", here)
    assert await polite.drain() == []
    await polite.store.promote(polite.now, 100)
    assert await polite.drain() == ["night", "day"]


async def test_what_has_waited_goes_before_what_stands_in_the_lane_already(polite: Desk) -> None:
    """It has its place by when it came, not by when it was let in."""
    here = await polite.meet()
    await polite.say("night", here)
    assert await polite.drain() == []
    await polite.say("urgent", here, priority=Priority.URGENT)
    (claim,) = await polite.claim()
    polite.clock.advance((MORNING - polite.now).total_seconds())
    await polite.say("day", here)
    await polite.store.promote(polite.now, 100)
    await polite.settle(claim)
    assert await polite.drain() == ["night", "day"]


async def test_a_retried_delivery_is_held_when_the_window_has_closed(desk: Desk) -> None:
    """And goes on in the morning; that it was tried is not forgotten."""
    desk.rules = Rules(quiet="23:30-08:00", spread=timedelta(0))
    here = await desk.meet()
    made = await desk.say("hello", here)
    (claim,) = await desk.claim()
    await desk.settle(claim, State.RETRYING, due_at=desk.now + timedelta(minutes=31))
    desk.later(31 * 60)
    assert await desk.drain() == []
    assert await desk.standing(made) == (State.HELD, "window")
    await till(desk, MORNING)
    (again,) = await desk.claim()
    assert again.attempt == 2


async def test_what_expires_at_night_expires(polite: Desk) -> None:
    """Being held does not make it last longer."""
    here = await polite.meet()
    made = await polite.say("soon stale", here, expires_at=polite.now + timedelta(hours=1))
    assert await polite.drain() == []
    await till(polite, MORNING)
    assert await polite.drain() == []
    assert await polite.state(made) is State.EXPIRED


async def test_hours_that_leave_no_time_are_looked_at_daily(desk: Desk) -> None:
    """A person's and the settings' may come to that together; they may be changed."""
    desk.rules = Rules(windows={"": "09:00-18:00"}, spread=timedelta(0))
    here = await desk.meet()
    await desk.store.prefer("local", Person("29:ana"), Change(quiet="08:00-19:00"), desk.now)
    made = await desk.say("hello", here)
    assert await desk.drain() == []
    assert (await desk.detail(made)).delivery.due_at == desk.now + timedelta(days=1)


async def test_the_zone_that_was_told_is_known(desk: Desk) -> None:
    """Of a conversation, and of a person where they were seen last."""
    here = await desk.meet("a:1", timezone="Europe/Madrid")
    desk.later(60)
    await desk.see("a:2", timezone="Asia/Tokyo")
    assert await desk.store.told_zone("local", Conversation(here.id)) == "Europe/Madrid"
    assert await desk.store.told_zone("local", Person("29:ana")) == "Asia/Tokyo"
    assert await desk.store.told_zone("local", Person("29:nobody")) is None


async def test_what_is_set_under_several_names_is_one_persons(desk: Desk) -> None:
    """Before they were known under all of them; the next change makes one of it."""
    mail, id_ = Person("ana@example.com"), Person("29:ana")
    await desk.store.prefer("local", mail, Change(zone="Europe/Madrid"), desk.now)
    desk.later(1)
    await desk.store.prefer("local", id_, Change(quiet="22:00-08:00"), desk.now)
    assert (await desk.store.preferences("local", id_)).zone is None
    here = await desk.meet(members=(Member(user_id="29:ana", email="ana@example.com"),))
    for who in (mail, id_, Conversation(here.id)):
        told = await desk.store.preferences("local", who)
        assert (told.zone, told.quiet) == ("Europe/Madrid", "22:00-08:00")
    await desk.store.prefer("local", mail, Change(zone=None), desk.now)
    for who in (mail, id_, Conversation(here.id)):
        told = await desk.store.preferences("local", who)
        assert (told.zone, told.quiet) == (None, "22:00-08:00")


async def test_windows_are_changed_one_category_at_a_time(desk: Desk) -> None:
    """The others stay; what is taken back is gone, and with the last thing everything is."""
    ana = Person("29:ana")
    for windows in ({"": "9-18"}, {"prices": "10-11"}):
        await desk.store.prefer("local", ana, Change(windows=windows), desk.now)
    told = await desk.store.preferences("local", ana)
    assert told.windows == {"": "9-18", "prices": "10-11"}
    await desk.store.prefer("local", ana, Change(windows={"": None}), desk.now)
    assert (await desk.store.preferences("local", ana)).windows == {"prices": "10-11"}
    await desk.store.prefer("local", ana, Change(windows={"prices": None}), desk.now)
    assert (await desk.store.preferences("local", ana)).windows == {}


async def test_other_bots_know_nothing_of_it(desk: Desk) -> None:
    """What somebody sets with one bot is set with that bot."""
    await desk.store.prefer("local", Person("29:ana"), Change(zone="Asia/Tokyo"), desk.now)
    assert (await desk.store.preferences("other", Person("29:ana"))).zone is None

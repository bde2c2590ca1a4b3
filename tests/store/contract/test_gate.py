"""The gate as a whole: what it has held comes back in order, and comes through in the end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from recado.domain.consent import ANYWHERE, ConsentRecord, Identity, Said, Subject, SubjectKind
from recado.domain.delivery import State
from recado.domain.ids import new_id
from recado.domain.politeness import Rules
from recado.domain.politeness.counting import cap_of
from recado.domain.reference import Member
from recado.store.port import Wanted
from recado.testing import HandClock
from tests.store.kit import Desk

QUIET = Rules(quiet="22:00-08:00", spread=timedelta(0))
NIGHT = datetime(2026, 7, 1, 23, tzinfo=UTC)
NINE_HOURS = 9 * 3600


@pytest.fixture
def clock() -> HandClock:
    """It is night."""
    return HandClock(NIGHT)


@pytest.mark.parametrize(
    ("rules", "first"),
    [(QUIET, []), (Rules(caps={"": cap_of("50/h")}), [str(n) for n in range(50)])],
    ids=["window", "cap"],
)
async def test_what_is_let_in_step_by_step_leaves_at_once(
    desk: Desk, rules: Rules, first: list[str]
) -> None:
    """What stands first waits for nothing behind it.

    Else it would be put behind what is let in next, and that behind it, for ever.
    """
    desk.rules = rules
    here = await desk.meet()
    for n in range(100):
        await desk.say(str(n), here)
    assert await desk.drain() == first
    desk.later(NINE_HOURS)
    said = list(first)
    for _ in range(6):
        await desk.store.promote(desk.now, 10)
        said += await desk.drain()
    assert said == [str(n) for n in range(len(first) + (60 if not first else 50))]


async def test_what_waits_for_room_goes_first_when_there_is_room_early(desk: Desk) -> None:
    """What was counted in another chat of the same person has not been sent after all."""
    desk.rules = Rules(caps={"": cap_of("1/h")})
    here, there = await desk.meet(), await desk.meet("a:2")
    await desk.say("refused", there)
    (claim,) = await desk.claim()
    await desk.say("waits", here)
    assert await desk.drain() == []
    await desk.settle(claim, State.REJECTED)
    await desk.say("later", here)
    said = await desk.drain()
    await desk.store.promote(desk.now, 100)
    assert said + await desk.drain() == ["waits"]


async def test_what_waited_for_silence_to_end_goes_first(desk: Desk) -> None:
    """Even if something comes before anybody has let it in, and nobody has hours."""
    here = await desk.meet(members=(Member(user_id="29:ana", aad_object_id="aad-ana"),))
    ana = Subject(kind=SubjectKind.PERSON, identity=Identity(ANYWHERE, "aad-ana"))
    silence = ConsentRecord(
        id=new_id(),
        bot="local",
        subject=ana,
        said=Said.MUTE,
        category=None,
        at=desk.now,
        until=desk.now + timedelta(hours=1),
        recorded_at=desk.now,
        how="chat",
    )
    await desk.store.record_consent([silence], desk.now)
    await desk.say("waits", here)
    assert await desk.drain() == []
    desk.later(3600)
    await desk.say("later", here)
    said = await desk.drain()
    await desk.store.promote(desk.now, 100)
    assert said + await desk.drain() == ["waits", "later"]


async def test_a_cap_holds_for_what_is_tried_again(desk: Desk) -> None:
    """Of one an hour: what was tried more than an hour ago comes after what was sent since."""
    desk.rules = Rules(caps={"": cap_of("9/day"), "prices": cap_of("1/h")})
    here = await desk.meet()
    again = await desk.say("again", here, category="prices")
    (claim,) = await desk.claim()
    await desk.settle(claim, State.HELD, due_at=desk.now + timedelta(minutes=70), maybe_sent=True)
    desk.later(3900)
    await desk.say("since", here, category="prices")
    assert await desk.drain() == ["since"]
    desk.later(300)
    await desk.store.promote(desk.now, 100)
    assert await desk.drain() == []
    assert await desk.standing(again) == (State.HELD, "cap")


async def test_what_has_waited_for_a_good_moment_is_let_in_step_by_step(desk: Desk) -> None:
    """At the end of the longest wait, too, what stands first waits for none behind it."""
    here = await desk.meet()
    await desk.store.be_busy(here.key, desk.now + timedelta(hours=9), desk.now)
    for n in range(40):
        await desk.say(str(n), here, mode="after_dialog", max_wait=timedelta(hours=1))
    assert await desk.drain() == []
    desk.later(3600)
    said = []
    for _ in range(4):
        await desk.store.promote(desk.now, 10)
        said += await desk.drain()
    assert said == [str(n) for n in range(40)]


async def test_a_long_lane_is_gone_through_in_short_steps(desk: Desk) -> None:
    """Of what may not leave so little is held at a time that others find the writer free."""
    desk.rules = QUIET
    here = await desk.meet()
    for n in range(70):
        await desk.say(str(n), here)
    wanted = Wanted(limit=64, rules=desk.rules)
    cycled = await desk.cycle(wanted)
    held = await desk.ids(state=State.HELD)
    assert not cycled.claims
    assert cycled.more
    assert 0 < len(held) < 70
    cycled = await desk.cycle(wanted)
    assert not cycled.more
    assert len(await desk.ids(state=State.HELD)) == 70

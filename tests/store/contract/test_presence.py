"""What goes on in conversations, and what waits for a good moment in them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from recado.domain.content import content_of
from recado.domain.delivery import HeldReason, Priority, State
from recado.domain.ids import new_id
from recado.domain.notification import Action, Otherwise
from recado.domain.politeness.busy import TURN_LEASE
from recado.domain.reference import Reference
from recado.store.port import Mark
from recado.testing import make_notification
from tests.store.kit import SECOND, Desk

MINUTE = timedelta(minutes=1)
BUSY = (State.HELD, str(HeldReason.BUSY))
IDLE: dict[str, Any] = {"mode": "when_idle", "quiet": 30 * SECOND, "max_wait": 60 * MINUTE}
AFTER: dict[str, Any] = {"mode": "after_dialog", "max_wait": 60 * MINUTE}
NEXT: dict[str, Any] = {"mode": "next_turn"}


async def begin(desk: Desk, to: Reference, *, spoke: bool = True) -> Mark:
    """A turn begins."""
    mark = Mark(to.key, new_id(), desk.now, desk.now + TURN_LEASE, spoke)
    await desk.store.mark_turns([mark], desk.now)
    return mark


async def end(desk: Desk, mark: Mark, *, dialog: bool | None = None) -> int:
    """It ends; how many deliveries go on."""
    ended = mark._replace(until=None, heard=True, dialog=dialog)
    return await desk.store.mark_turns([ended], desk.now)


async def turn(desk: Desk, to: Reference, *, dialog: bool | None = None) -> None:
    """A whole turn of a second."""
    mark = await begin(desk, to)
    desk.later(1)
    await end(desk, mark, dialog=dialog)


async def test_nothing_is_kept_where_nothing_goes_on(desk: Desk) -> None:
    """A conversation of which nothing is known is free."""
    to = await desk.meet()
    for text, mode in (("a", IDLE), ("b", AFTER)):
        await desk.say(text, to, **mode)
    assert await desk.drain() == ["a", "b"]


@pytest.mark.parametrize("mode", [IDLE | {"quiet": SECOND}, AFTER])
async def test_a_running_turn_keeps_it(desk: Desk, mode: dict[str, Any]) -> None:
    """It leaves when the turn has ended, at once and without having been looked for."""
    to = await desk.meet()
    mark = await begin(desk, to, spoke=False)
    made = await desk.say("polite", to, **mode)
    assert await desk.drain() == []
    assert await desk.standing(made) == BUSY
    assert await end(desk, mark) == 1
    assert await desk.drain() == ["polite"]


async def test_what_says_nothing_of_politeness_is_not_kept(desk: Desk) -> None:
    """It leaves in the middle of a turn and a dialog, before what is polite."""
    to = await desk.meet()
    await turn(desk, to, dialog=True)
    await begin(desk, to)
    await desk.say("polite", to, **AFTER)
    await desk.say("plain", to)
    assert await desk.drain() == ["plain"]


async def test_what_is_urgent_never_waits(desk: Desk) -> None:
    """Whatever its mode."""
    to = await desk.meet()
    await turn(desk, to, dialog=True)
    await begin(desk, to)
    for mode in (IDLE, AFTER, NEXT):
        await desk.say(mode["mode"], to, priority=Priority.URGENT, **mode)
    assert await desk.drain() == ["when_idle", "after_dialog", "next_turn"]


async def test_quiet_counts_from_what_was_written_last(desk: Desk) -> None:
    """And it is looked at again by itself when the conversation has been quiet for long enough."""
    to = await desk.meet()
    await turn(desk, to)
    await desk.say("polite", to, **IDLE)
    assert await desk.drain() == []
    desk.later(20)
    await turn(desk, to)
    desk.later(27)
    await desk.store.promote(desk.now, 10)
    assert await desk.drain() == []
    desk.later(2)
    await desk.store.promote(desk.now, 10)
    assert await desk.drain() == ["polite"]


async def test_a_dialog_keeps_it_until_a_turn_has_ended_it(desk: Desk) -> None:
    """A turn that knows nothing of the dialog changes nothing."""
    to = await desk.meet()
    await turn(desk, to, dialog=True)
    made = await desk.say("polite", to, **AFTER)
    assert await desk.drain() == []
    await turn(desk, to, dialog=None)
    await turn(desk, to, dialog=True)
    assert await desk.standing(made) == BUSY
    await turn(desk, to, dialog=False)
    assert await desk.drain() == ["polite"]


async def test_when_a_dialog_has_ended_quiet_is_what_it_waits_for(desk: Desk) -> None:
    """It is looked at again when that has come, not when it would have waited longest."""
    to = await desk.meet()
    await turn(desk, to, dialog=True)
    await desk.say("polite", to, **IDLE)
    assert await desk.drain() == []
    desk.later(100)
    await turn(desk, to, dialog=False)
    assert await desk.drain() == []
    assert await desk.store.next_due() == desk.now + 29 * SECOND
    desk.later(29)
    await desk.store.promote(desk.now, 10)
    assert await desk.drain() == ["polite"]


@pytest.mark.parametrize("mode", [IDLE, AFTER, NEXT | {"max_wait": 60 * MINUTE}])
async def test_it_leaves_after_its_longest_wait(desk: Desk, mode: dict[str, Any]) -> None:
    """A conversation that is never free keeps nothing for ever, and nothing has to happen."""
    to = await desk.meet()
    await turn(desk, to, dialog=True)
    made = await desk.say("polite", to, **mode)
    made_at = desk.now
    assert await desk.drain() == []
    while (due := await desk.store.next_due()) is not None:
        desk.clock.set(due)
        await desk.store.promote(desk.now, 10)
        if await desk.drain():
            break
        assert await desk.standing(made) == BUSY
    assert desk.now == made_at + 60 * MINUTE


async def test_it_waits_from_when_it_was_due(desk: Desk) -> None:
    """What was scheduled has its whole wait before it."""
    to = await desk.meet()
    await turn(desk, to, dialog=True)
    await desk.say("polite", to, due_at=desk.now + 60 * MINUTE, **AFTER)
    desk.later(3600)
    await desk.store.promote(desk.now, 10)
    assert await desk.drain() == []
    desk.later(3599)
    await desk.store.promote(desk.now, 10)
    assert await desk.drain() == []
    desk.later(1)
    await desk.store.promote(desk.now, 10)
    assert await desk.drain() == ["polite"]


async def test_the_turn_of_a_dead_process_ends_with_its_lease(desk: Desk) -> None:
    """Unless a living one keeps it."""
    to = await desk.meet()
    mark = await begin(desk, to, spoke=False)
    await desk.say("polite", to, **AFTER)
    assert await desk.drain() == []
    desk.later(30)
    kept = mark._replace(until=desk.now + TURN_LEASE)
    await desk.store.mark_turns([kept], desk.now)
    desk.later(31)
    await desk.store.promote(desk.now, 10)
    assert await desk.drain() == []
    desk.later(30)
    await desk.store.promote(desk.now, 10)
    assert await desk.drain() == ["polite"]


async def test_the_end_of_a_turn_is_its_own(desk: Desk) -> None:
    """It ends neither another that runs nor one that begins before it is written."""
    to = await desk.meet()
    first = await begin(desk, to)
    second = await begin(desk, to)
    await desk.say("polite", to, **AFTER)
    assert await desk.drain() == []
    assert await end(desk, first) == 0
    assert await desk.drain() == []
    # Told twice, it is ended once.
    assert await end(desk, first) == 0
    assert await end(desk, second) == 1
    assert await desk.drain() == ["polite"]


async def test_many_marks_are_written_together(desk: Desk) -> None:
    """In their order, whatever conversations they are of; a stranger's is passed over."""
    ana, ben = await desk.meet("a:1"), await desk.meet("a:2")
    stranger = replace(ana.key, conversation_id="a:unknown")
    until = desk.now + TURN_LEASE
    marks = [
        Mark(ana.key, "1", desk.now, until, spoke=True),
        Mark(stranger, "2", desk.now, until),
        Mark(ben.key, "3", desk.now, until),
        Mark(ana.key, "1", desk.now, None, spoke=True, dialog=True),
        Mark(ana.key, "4", desk.now, until),
        Mark(ana.key, "4", desk.now, None, dialog=False),
    ]
    await desk.store.mark_turns(marks, desk.now)
    await desk.say("to ana", ana, **AFTER)
    await desk.say("to ben", ben, **AFTER)
    assert await desk.drain() == ["to ana"]


async def test_the_next_turn_begins_after_it_was_accepted(desk: Desk) -> None:
    """Not one that ran before, runs now, or is nobody's; and it leaves when that has ended."""
    to = await desk.meet()
    await turn(desk, to)
    desk.later(1)
    running = await begin(desk, to)
    desk.later(1)
    await desk.say("next", to, **NEXT)
    assert await desk.drain() == []
    await end(desk, running)
    assert await desk.drain() == []
    desk.later(1)
    nobodys = await begin(desk, to, spoke=False)
    await end(desk, nobodys)
    assert await desk.drain() == []
    desk.later(1)
    theirs = await begin(desk, to)
    await desk.store.promote(desk.now, 10)
    assert await desk.drain() == []
    # A dialog does not keep it.
    await end(desk, theirs, dialog=True)
    assert await desk.drain() == ["next"]


async def test_the_next_turn_that_dies_lets_it_go_too(desk: Desk) -> None:
    """It waits for the end of that turn's lease, without anybody saying so."""
    to = await desk.meet()
    await desk.say("next", to, **NEXT)
    desk.later(1)
    await begin(desk, to)
    assert await desk.drain() == []
    due = await desk.store.next_due()
    assert due is not None
    desk.clock.set(due)
    await desk.store.promote(desk.now, 10)
    assert await desk.drain() == ["next"]


async def test_the_next_turn_may_never_come(desk: Desk) -> None:
    """Then it expires when it was to, and waits for ever otherwise."""
    to = await desk.meet()
    made = await desk.say("next", to, expires_at=desk.now + MINUTE, **NEXT)
    patient = await desk.say("patient", to, **NEXT)
    assert await desk.drain() == []
    desk.later(61)
    await desk.store.promote(desk.now, 10)
    assert await desk.drain() == []
    assert await desk.state(made) is State.EXPIRED
    assert await desk.standing(patient) == BUSY


async def test_what_leaves_at_the_end_of_a_turn_is_first(desk: Desk) -> None:
    """Then the rest of what waited, each in the order in which it was accepted."""
    to = await desk.meet()
    running = await begin(desk, to)
    said = [("1", AFTER), ("2", NEXT), ("3", AFTER), ("4", NEXT), ("5", AFTER)]
    for text, mode in said:
        desk.later(1)
        await desk.say(text, to, **mode)
    assert await desk.drain() == []
    later = await begin(desk, to)
    await end(desk, running)
    await end(desk, later, dialog=False)
    assert await desk.drain() == ["2", "4", "1", "3", "5"]


async def test_what_was_accepted_later_does_not_overtake(desk: Desk) -> None:
    """Neither what comes when the moment has come, nor what was held until the same moment."""
    to = await desk.meet()
    await turn(desk, to)
    await desk.say("1", to, **IDLE)
    assert await desk.drain() == []
    desk.later(10)
    await turn(desk, to)
    await desk.say("2", to, **IDLE)
    assert await desk.drain() == []
    # The first one is looked at when its quiet would have ended, and waits on.
    desk.later(20)
    await desk.store.promote(desk.now, 10)
    assert await desk.drain() == []
    desk.later(30)
    await desk.say("3", to, **IDLE)
    await desk.store.promote(desk.now, 10)
    await desk.say("4", to, **IDLE)
    assert await desk.drain() == ["1", "2", "3", "4"]


async def test_what_comes_before_the_timekeeper_does_not_overtake_either(desk: Desk) -> None:
    """What waited is let in by the timekeeper; until then what comes waits behind it."""
    to = await desk.meet()
    await turn(desk, to)
    await desk.say("1", to, **IDLE)
    assert await desk.drain() == []
    desk.later(60)
    await desk.say("2", to, **IDLE)
    assert await desk.drain() == []
    await desk.store.promote(desk.now, 10)
    assert await desk.drain() == ["1", "2"]


async def test_it_holds_up_nobody(desk: Desk) -> None:
    """What waits is outside its lane; other conversations do not notice at all."""
    to, other = await desk.meet("a:1"), await desk.meet("a:2")
    await turn(desk, to, dialog=True)
    for number in range(3):
        await desk.say(f"polite {number}", to, **AFTER)
    await desk.say("plain", to)
    await desk.say("other", other, **AFTER)
    assert sorted(await desk.drain()) == ["other", "plain"]


async def test_a_bot_is_busy_as_long_as_it_says(desk: Desk, successor: Desk) -> None:
    """In every process, until it says otherwise or the time it gave is over."""
    to = await desk.meet()
    assert await desk.store.be_busy(to.key, desk.now + MINUTE, desk.now)
    first = await desk.say("1", to, **AFTER)
    assert await successor.drain() == []
    assert await desk.standing(first) == BUSY
    assert await successor.store.be_busy(to.key, None, desk.now)
    assert await desk.drain() == ["1"]
    await desk.store.be_busy(to.key, desk.now + MINUTE, desk.now)
    await desk.say("2", to, **AFTER)
    assert await desk.drain() == []
    desk.later(60)
    await successor.store.promote(desk.now, 10)
    assert await desk.drain() == ["2"]


async def test_nobody_is_busy_in_a_conversation_that_is_not_known(desk: Desk) -> None:
    """Whoever says so is told."""
    to = await desk.meet()
    stranger = replace(to.key, conversation_id="a:unknown")
    assert not await desk.store.be_busy(stranger, desk.now + MINUTE, desk.now)


async def test_what_waits_for_a_conversation_that_has_gone_waits_for_its_return(
    desk: Desk,
) -> None:
    """Being free is not enough."""
    to = await desk.meet()
    mark = await begin(desk, to)
    made = await desk.say("polite", to, **AFTER)
    assert await desk.drain() == []
    await desk.make_unreachable(to)
    await end(desk, mark)
    assert await desk.standing(made) == (State.HELD, str(HeldReason.UNREACHABLE))
    await desk.see()
    assert "polite" in await desk.drain()


async def test_new_words_wait_as_the_old_ones_did(desk: Desk) -> None:
    """An update of what waits takes its place, its mode, and what is left of its longest wait."""
    to = await desk.meet()
    await turn(desk, to, dialog=True)
    accepted = await desk.accept("old", to, **AFTER)
    assert await desk.drain() == []
    desk.later(1800)
    change = make_notification(
        "new",
        action=Action.UPDATE,
        target=accepted.notification_id,
        otherwise=Otherwise.FOLLOW_UP,
        content=content_of("new"),
        accepted_at=desk.now,
    )
    await desk.store.accept(change, [])
    assert await desk.drain() == []
    desk.later(1799)
    await desk.store.promote(desk.now, 10)
    assert await desk.drain() == []
    desk.later(1)
    await desk.store.promote(desk.now, 10)
    assert await desk.drain() == ["new"]

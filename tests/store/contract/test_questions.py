"""Questions: asked when a delivery has arrived, answered once."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from recado.domain.delivery import Evidence, State
from recado.domain.notification import Action, Otherwise
from recado.domain.question import Asked, Question
from recado.domain.reference import Reference
from recado.store.port import Mark, Old
from recado.testing import make_notification
from tests.store.kit import SECOND, Desk, make_settlement

DAY = timedelta(days=1)
SIZE = Question(handler="size", value={"order": 17}, mark="m")


async def ask(desk: Desk, to: Reference, text: str = "Which size?", **changes: Any) -> str:
    """A question that has been delivered; the delivery's id."""
    receipt = Evidence(status=201, activity_id=f"receipt of {text}")
    made = await desk.say(text, to, **({"question": SIZE} | changes))
    await desk.settle(await desk.claim_of(made), evidence=receipt)
    return made


async def asked(desk: Desk, to: Reference, activity: str | None = None) -> list[Asked]:
    """What may be answered."""
    return list((await desk.store.overhear(to.key, activity, desk.now)).asked)


async def test_a_delivery_asks_when_it_has_arrived(desk: Desk) -> None:
    """Not before, and with all that is needed to tell what answers it."""
    to = await desk.meet()
    made = await desk.say("Which size?", to, question=SIZE, user={"id": "29:ana"})
    assert await asked(desk, to) == []
    claim = await desk.claim_of(made)
    assert await asked(desk, to) == []
    desk.later(1)
    await desk.settle(claim, evidence=Evidence(status=201, activity_id="receipt"))
    (found,) = await asked(desk, to)
    assert found == Asked(
        delivery_id=made,
        notification_id=claim.notification_id,
        activity_id="receipt",
        handler="size",
        value='{"order":17}',
        mark="m",
        user_id="29:ana",
        asked_at=desk.now,
        answered_by=None,
    )


async def test_most_deliveries_ask_nothing(desk: Desk) -> None:
    """Nor does one that was refused."""
    to = await desk.meet()
    await desk.say("plain", to)
    await desk.send()
    await desk.say("Which size?", to, question=SIZE)
    await desk.send(State.REJECTED)
    assert await asked(desk, to) == []


async def test_the_newest_question_is_the_first(desk: Desk) -> None:
    """Others' are not among them."""
    to, other = await desk.meet("a:1"), await desk.meet("a:2")
    first = await ask(desk, to, "1")
    desk.later(1)
    second = await ask(desk, to, "2")
    await ask(desk, other, "3")
    assert [each.delivery_id for each in await asked(desk, to)] == [second, first]


async def test_a_question_is_answered_once(desk: Desk, successor: Desk) -> None:
    """Whatever else wants to, in whichever process, and however close."""
    to = await desk.meet()
    made = await ask(desk, to)
    heard = await asyncio.gather(
        desk.store.answer_question(made, "one", desk.now),
        successor.store.answer_question(made, "two", desk.now),
        desk.store.answer_question(made, "three", desk.now),
    )
    assert sorted(heard) == [False, False, True]
    assert not await desk.store.answer_question(made, "one", desk.now)
    assert await asked(desk, to) == []


async def test_who_has_answered_it_finds_it_again(desk: Desk) -> None:
    """So that an activity which comes twice is known."""
    to = await desk.meet()
    made = await ask(desk, to)
    assert await desk.store.answer_question(made, "activity", desk.now)
    (found,) = await asked(desk, to, "activity")
    assert found.answered_by == "activity"
    assert await asked(desk, to, "another") == []


async def test_an_answer_that_was_not_heard_may_be_said_again(desk: Desk) -> None:
    """Only by whoever had answered."""
    to = await desk.meet()
    made = await ask(desk, to)
    assert await desk.store.answer_question(made, "activity", desk.now)
    await desk.store.reopen_question(made, "another")
    assert await asked(desk, to) == []
    await desk.store.reopen_question(made, "activity")
    assert await desk.store.answer_question(made, "another", desk.now)


async def test_a_question_expires(desk: Desk) -> None:
    """As it says; else with its notification; else after a day."""
    to = await desk.meet()
    within = Question(handler="size", within=60 * SECOND)
    expires = desk.now + 2 * DAY
    first = await ask(desk, to, "1", question=within, expires_at=expires)
    second = await ask(desk, to, "2")
    third = await ask(desk, to, "3", expires_at=expires)

    async def open_ones() -> set[str]:
        return {each.delivery_id for each in await asked(desk, to)}

    assert await open_ones() == {first, second, third}
    desk.later(60)
    assert await open_ones() == {second, third}
    assert not await desk.store.answer_question(first, "late", desk.now)
    desk.later(DAY.total_seconds())
    assert await open_ones() == {third}
    desk.later(DAY.total_seconds())
    assert await open_ones() == set()


async def test_questions_are_forgotten(desk: Desk) -> None:
    """When their time has been up for as long as everything else is kept."""
    to = await desk.meet()
    await ask(desk, to, "1")
    kept = await ask(desk, to, "2", question=Question(handler="size", within=10 * DAY))
    desk.later(2 * DAY.total_seconds())
    step = await desk.store.forget(Old.QUESTIONS, desk.now)
    assert step is not None
    assert (step.dropped, step.after) == (1, None)
    assert [each.delivery_id for each in await asked(desk, to)] == [kept]


async def test_what_was_recalled_asks_nothing(desk: Desk) -> None:
    """The message is gone, so nobody can mean it."""
    to = await desk.meet()
    await ask(desk, to, "kept")
    made = await ask(desk, to, "taken back")
    notification = (await desk.detail(made)).delivery.notification_id
    recall = make_notification(
        action=Action.RECALL,
        target=notification,
        otherwise=Otherwise.REFUSE,
        content=None,
        accepted_at=desk.now,
    )
    await desk.store.accept(recall, [])
    await desk.send()
    assert [each.activity_id for each in await asked(desk, to)] == ["receipt of kept"]


async def test_a_late_receipt_asks_too(desk: Desk, successor: Desk) -> None:
    """And what is delivered twice asks once."""
    to = await desk.meet()
    made = await desk.say("Which size?", to, question=SIZE)
    claim = await desk.claim_of(made)
    desk.later(31)
    await successor.store.reap("successor", desk.now, 10)
    receipt = Evidence(status=201, activity_id="late")
    await desk.claim(0, settled=[make_settlement(claim, evidence=receipt, at=desk.now)])
    assert [each.activity_id for each in await asked(desk, to)] == ["late"]


async def test_a_dialog_and_what_the_bot_was_told_are_overheard(desk: Desk) -> None:
    """As they were when the last turn ended."""
    to = await desk.meet()
    heard = await desk.store.overhear(to.key, None, desk.now)
    assert (heard.in_dialog, heard.heard_at) == (False, None)
    mark = Mark(to.key, "1", desk.now, desk.now + DAY, spoke=True)
    await desk.store.mark_turns([mark], desk.now)
    heard = await desk.store.overhear(to.key, None, desk.now)
    assert (heard.in_dialog, heard.heard_at) == (False, None)
    ended = mark._replace(until=None, heard=True, dialog=True)
    await desk.store.mark_turns([ended], desk.later(1))
    heard = await desk.store.overhear(to.key, None, desk.now)
    assert (heard.in_dialog, heard.heard_at) == (True, mark.began_at)


async def test_an_update_in_its_place_asks_the_same(desk: Desk) -> None:
    """Its words are new; who hears the answer is not."""
    to = await desk.meet()
    accepted = await desk.accept("old", to, question=SIZE)
    change = make_notification(
        "new",
        action=Action.UPDATE,
        target=accepted.notification_id,
        otherwise=Otherwise.FOLLOW_UP,
        accepted_at=desk.now,
    )
    await desk.store.accept(change, [])
    claim = await desk.send()
    assert claim.asks
    (found,) = await asked(desk, to)
    assert (found.handler, found.notification_id) == ("size", change.id)

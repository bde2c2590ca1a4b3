"""Long answers: promised once, worked at by one, ended in one way."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from recado.domain.answer import AnswerState, LongAnswer, Promise
from recado.domain.audience import Conversation, EveryConversation
from recado.domain.delivery import State
from recado.domain.ids import new_id
from recado.domain.notification import Action, Notification, Otherwise
from recado.domain.reference import Reference
from recado.errors import AnswerOver, InvalidInput
from recado.store.port import Old, Stint
from recado.testing import make_notification
from tests.store.kit import LEASE, SECOND, Desk

ANA = {"id": "29:ana", "name": "Ana"}
#: The works a process has registered, if nothing else is said.
NAMES = ("report",)


async def promise(desk: Desk, reference: Reference, **changes: Any) -> LongAnswer:
    """Promise an answer, with everything but what *changes* says filled in."""
    told: dict[str, Any] = {
        "id": new_id(),
        "bot": "local",
        "reference": reference.number,
        "work": "report",
        "home": None,
        "payload": {"rows": 3},
        "user": ANA,
        "fallback": None,
        "promised_at": desk.now,
        "deadline_at": desk.now + timedelta(minutes=10),
    }
    answer, _ = await desk.store.promise_answer(Promise(**told | changes), desk.now + LEASE)
    return answer


async def claim(desk: Desk, limit: int = 10, **changes: Any) -> list[Stint]:
    """Begin works."""
    told: dict[str, Any] = {"now": desk.now, "lease_until": desk.now + LEASE, "limit": limit}
    names = changes.pop("names", NAMES)
    return list(await desk.store.claim_works(desk.owner, names, **told | changes))


async def running(desk: Desk, reference: Reference, **changes: Any) -> Stint:
    """One that has been promised and begun."""
    await promise(desk, reference, **changes)
    (stint,) = await claim(desk)
    return stint


def words(desk: Desk, reference: Reference, text: str, **changes: Any) -> Notification:
    """A message to the conversation."""
    told = {"audience": Conversation(reference.id), "accepted_at": desk.now}
    return make_notification(text, **told | changes)


async def found(desk: Desk, answer: LongAnswer) -> LongAnswer:
    """An answer as it is stored now."""
    known = await desk.store.answer(answer.id)
    assert known is not None
    return known


async def states(desk: Desk) -> list[AnswerState]:
    """How all of them stand, the oldest first."""
    page = await desk.store.answers("local")
    return [each.state for each in reversed(page.items)]


# -- promising -------------------------------------------------------------------------------


async def test_a_promise_is_kept_as_it_was_made(desk: Desk, successor: Desk) -> None:
    """With its conversation, its person, its payload and its deadline, for other processes too."""
    reference = await desk.meet("a:1|x")
    made = await promise(desk, reference, fallback='{"text":"no"}')
    kept = await successor.store.answer(made.id)
    assert kept == made
    assert (made.reference_id, made.conversation_id) == (reference.id, "a:1|x")
    assert (made.payload, made.user, made.fallback) == ({"rows": 3}, ANA, '{"text":"no"}')
    assert (made.state, made.attempts, made.resumable) == (AnswerState.PROMISED, 0, True)
    assert made.deadline_at == made.promised_at + timedelta(minutes=10)


async def test_one_cause_makes_one_promise(desk: Desk) -> None:
    """However often, and at the same moment; in another conversation it is another cause."""
    reference, other = await desk.meet("a:1"), await desk.meet("a:2")
    made = await asyncio.gather(*(promise(desk, reference, source="activity-1") for _ in range(5)))
    assert len({each.id for each in made}) == 1
    assert len({each.id for each in [*made, await promise(desk, other, source="activity-1")]}) == 2
    await desk.store.end_answer(made[0].id, AnswerState.CANCELLED, desk.now)
    again, replayed = await desk.store.promise_answer(
        Promise(
            id=new_id(),
            bot="local",
            reference=reference.number,
            work="report",
            home=None,
            payload=None,
            user=None,
            fallback=None,
            promised_at=desk.now,
            deadline_at=desk.now + SECOND,
            source="activity-1",
        ),
        desk.now + LEASE,
    )
    assert (again.id, again.state, replayed) == (made[0].id, AnswerState.CANCELLED, True)


async def test_there_is_no_answer_of_a_name_nobody_gave(desk: Desk) -> None:
    """Asking for it is no error."""
    assert await desk.store.answer("nothing") is None
    assert await desk.store.answer("\0") is None


async def test_answers_are_listed_newest_first(desk: Desk) -> None:
    """In pages, of one bot, and by state."""
    reference = await desk.meet()
    made = [(await promise(desk, reference)).id for _ in range(5)]
    await promise(desk, reference, bot="other")
    await desk.store.end_answer(made[1], AnswerState.CANCELLED, desk.now)
    first = await desk.store.answers("local", limit=2)
    second = await desk.store.answers("local", limit=3, after=first.next)
    assert [each.id for each in [*first.items, *second.items]] == made[::-1]
    assert second.next is None
    ended = await desk.store.answers("local", state=AnswerState.CANCELLED)
    assert [each.id for each in ended.items] == [made[1]]
    with pytest.raises(InvalidInput):
        await desk.store.answers("local", after="é")


# -- beginning -------------------------------------------------------------------------------


async def test_a_work_is_begun_by_one_process(desk: Desk, successor: Desk) -> None:
    """However many ask at once; each attempt is counted."""
    reference = await desk.meet()
    for _ in range(20):
        await promise(desk, reference)
    parts = await asyncio.gather(*(claim(each, 7) for each in (desk, successor, desk, successor)))
    begun = [stint.answer.id for part in parts for stint in part]
    begun += [stint.answer.id for stint in await claim(desk, 20)]
    assert len(begun) == len(set(begun)) == 20
    assert set(await states(desk)) == {AnswerState.RUNNING}


async def test_only_registered_works_are_begun(desk: Desk) -> None:
    """The others wait for a process that has them."""
    reference = await desk.meet()
    await promise(desk, reference, work="report")
    other = await promise(desk, reference, work="other")
    assert [stint.answer.work for stint in await claim(desk)] == ["report"]
    assert not (await desk.store.works_outlook("me", NAMES)).ready
    assert (await desk.store.works_outlook("me", ["other"])).ready
    assert [stint.answer.id for stint in await claim(desk, names=["other"])] == [other.id]


async def test_what_cannot_be_resumed_is_its_own_processs(desk: Desk, successor: Desk) -> None:
    """Whatever others have registered."""
    reference = await desk.meet()
    made = await promise(desk, reference, home="me", work="report")
    assert not made.resumable
    assert not (await desk.store.works_outlook("successor", NAMES)).ready
    assert await claim(successor) == []
    assert [stint.answer.id for stint in await claim(desk, names=[])] == [made.id]


async def test_a_work_begins_after_its_turn(desk: Desk, successor: Desk) -> None:
    """Which its own process tells; nobody else can."""
    reference = await desk.meet()
    made = await promise(desk, reference, turn="t1", owner="me")
    assert await claim(desk) == await claim(successor, ended=[made.id]) == []
    assert [stint.answer.id for stint in await claim(desk, ended=[made.id])] == [made.id]


async def test_a_turn_whose_process_has_died_is_over(desk: Desk, successor: Desk) -> None:
    """Its lease runs out, and another process begins the work."""
    reference = await desk.meet()
    made = await promise(desk, reference, turn="t1", owner="me")
    assert await successor.store.lapsed_works(successor.now, 10) == []
    desk.later(31)
    (lapsed,) = await successor.store.lapsed_works(successor.now, 10)
    assert await successor.store.hand_back_work(lapsed, successor.now, lapsed=True)
    assert [stint.answer.id for stint in await claim(successor)] == [made.id]


async def test_a_work_past_its_deadline_is_not_begun(desk: Desk) -> None:
    """Its fallback is all that is left to say."""
    reference = await desk.meet()
    made = await promise(desk, reference)
    desk.later(600)
    assert await claim(desk) == []
    assert [each.id for each in await desk.store.overdue_answers(desk.now, 10)] == [made.id]


async def test_conversations_take_turns(desk: Desk) -> None:
    """One that has asked for much does not keep others waiting."""
    busy, quiet = await desk.meet("a:1"), await desk.meet("a:2")
    for _ in range(6):
        await promise(desk, busy, payload="busy")
    begun = [stint.answer.payload for stint in await claim(desk, 2)]
    for _ in range(2):
        await promise(desk, quiet, payload="quiet")
    for _ in range(6):
        begun += [stint.answer.payload for stint in await claim(desk, 1)]
    assert begun == ["busy", "busy", "quiet", "busy", "quiet", "busy", "busy", "busy"]


# -- leases ----------------------------------------------------------------------------------


async def test_a_lease_is_renewed_by_its_owner(desk: Desk, successor: Desk) -> None:
    """Others cannot, and what has ended is nobody's."""
    reference = await desk.meet()
    first, second = [await running(desk, reference) for _ in range(2)]
    ids = [first.answer.id, second.answer.id]
    assert await successor.store.renew_works("successor", ids, desk.now + LEASE) == {}
    assert (await desk.store.works_outlook("me", NAMES)).mine == 2
    await desk.store.end_answer(first.answer.id, AnswerState.CANCELLED, desk.now)
    kept = await desk.store.renew_works("me", ids, desk.now + 2 * LEASE)
    assert kept == {second.answer.id: second.token}
    outlook = await desk.store.works_outlook("me", NAMES)
    assert (outlook.mine, outlook.lease_until) == (1, desk.now + 2 * LEASE)


async def test_a_dead_processs_work_goes_to_another(desk: Desk, successor: Desk) -> None:
    """With what it had said counted; the dead one, should it wake, says nothing more."""
    reference = await desk.meet()
    stint = await running(desk, reference)
    assert await desk.store.say_answer(stint, 1, words(desk, reference, "one"), desk.now)
    desk.later(31)
    (lapsed,) = await successor.store.lapsed_works(successor.now, 10)
    assert await successor.store.hand_back_work(lapsed, successor.now, lapsed=True)
    assert not await desk.store.hand_back_work(lapsed, desk.now, lapsed=True)
    (again,) = await claim(successor)
    assert (again.answer.attempts, again.answer.sends) == (2, 1)
    assert again.token > stint.token
    with pytest.raises(AnswerOver):
        await desk.store.say_answer(stint, 2, words(desk, reference, "ghost"), desk.now)
    with pytest.raises(AnswerOver):
        await desk.store.show_progress(stint, 0.5, None, None, desk.now)
    assert (
        await desk.store.end_answer(stint.answer.id, AnswerState.DONE, desk.now, token=stint.token)
    )[0] is False
    assert (
        await successor.store.say_answer(again, 1, words(desk, reference, "one again"), desk.now)
        is None
    )
    assert await successor.store.say_answer(again, 2, words(desk, reference, "two"), desk.now)
    assert await desk.drain() == ["one", "two"]


async def test_a_renewed_lease_has_not_run_out(desk: Desk, successor: Desk) -> None:
    """Whoever saw it lapse is too late when it has been renewed since."""
    reference = await desk.meet()
    stint = await running(desk, reference)
    desk.later(31)
    (lapsed,) = await successor.store.lapsed_works(successor.now, 10)
    await desk.store.renew_works("me", [stint.answer.id], desk.now + LEASE)
    assert not await successor.store.hand_back_work(lapsed, successor.now, lapsed=True)
    ended, _ = await successor.store.end_answer(
        stint.answer.id, AnswerState.FAILED, successor.now, token=lapsed.token, lapsed=True
    )
    assert not ended
    assert await desk.store.say_answer(stint, 1, words(desk, reference, "alive"), desk.now)


async def test_a_lease_of_another_time_is_shortened(desk: Desk, successor: Desk) -> None:
    """The clock was set back after it was given; others stay as they are."""
    reference = await desk.meet()
    near = await running(desk, reference)
    desk.later(3600)
    far = await running(desk, reference)
    desk.later(-3600)
    outlook = await successor.store.works_outlook("successor", NAMES)
    assert outlook.lease_until == desk.now + LEASE
    assert outlook.last_lease_until == desk.now + timedelta(hours=1) + LEASE
    await successor.store.shorten_works(desk.now + 2 * LEASE)
    outlook = await successor.store.works_outlook("successor", NAMES)
    assert (outlook.lease_until, outlook.last_lease_until) == (
        desk.now + LEASE,
        desk.now + 2 * LEASE,
    )
    desk.later(61)
    lapsed = await successor.store.lapsed_works(desk.now, 10)
    assert [stint.answer.id for stint in lapsed] == [near.answer.id, far.answer.id]


async def test_a_work_handed_back_is_not_counted(desk: Desk, successor: Desk) -> None:
    """Its process stopped in order; the next one begins it as the first."""
    reference = await desk.meet()
    stint = await running(desk, reference)
    assert await desk.store.hand_back_work(stint, desk.now, counted=False)
    (again,) = await claim(successor)
    assert again.answer.attempts == 1
    with pytest.raises(AnswerOver):
        await desk.store.say_answer(stint, 1, words(desk, reference, "ghost"), desk.now)


# -- saying ----------------------------------------------------------------------------------


async def test_a_message_is_said_once(desk: Desk) -> None:
    """Under its number, however often it is tried, and one after the other."""
    reference = await desk.meet()
    stint = await running(desk, reference)
    said = await asyncio.gather(
        *(desk.store.say_answer(stint, 1, words(desk, reference, "one"), desk.now) for _ in "abc")
    )
    assert sum(each is not None for each in said) == 1
    with pytest.raises(AnswerOver):
        await desk.store.say_answer(stint, 3, words(desk, reference, "three"), desk.now)
    assert await desk.drain() == ["one"]
    assert (await found(desk, stint.answer)).sends == 1


async def test_nothing_is_said_after_the_deadline(desk: Desk) -> None:
    """Even if nobody has said the fallback yet."""
    reference = await desk.meet()
    stint = await running(desk, reference)
    desk.later(600)
    with pytest.raises(AnswerOver):
        await desk.store.say_answer(stint, 1, words(desk, reference, "late"), desk.now)
    assert await desk.drain() == []


async def test_the_first_progress_is_the_one_that_is_changed(desk: Desk) -> None:
    """And the answer takes its place; until it has arrived that is looked after."""
    reference = await desk.meet()
    stint = await running(desk, reference)
    first = words(desk, reference, "10 %")
    await desk.store.show_progress(stint, 0.1, "reading", first, desk.now)
    await desk.send()
    await desk.store.show_progress(stint, 0.2, None, change(desk, first, "20 %"), desk.now)
    known = await found(desk, stint.answer)
    assert (known.progress, known.progress_text, known.shown) == (0.2, None, first.id)
    answer = change(desk, first, "all of it")
    assert await desk.store.say_answer(stint, 1, answer, desk.now, replaces=True)
    (replacing,) = await desk.store.replacing_answers("", 10)
    assert (replacing.answer_id, replacing.change) == (stint.answer.id, answer.id)
    assert (replacing.waiting, replacing.arrived) == (True, False)
    assert (await desk.store.works_outlook("me", NAMES)).replacing
    assert await desk.drain() == ["all of it"]  # the progress before it is left out
    (replacing,) = await desk.store.replacing_answers("", 10)
    assert (replacing.waiting, replacing.arrived) == (False, True)
    assert await desk.store.settle_replacing(stint.answer.id, answer.id, None) is None
    assert await desk.store.replacing_answers("", 10) == []


async def test_an_answer_that_cannot_take_the_place_is_said_by_itself(desk: Desk) -> None:
    """Once, whoever sees it: the message that was to be changed never arrived."""
    reference = await desk.meet()
    stint = await running(desk, reference)
    first = words(desk, reference, "10 %")
    await desk.store.show_progress(stint, 0.1, None, first, desk.now)
    await desk.send(State.REJECTED)
    answer = change(desk, first, "all of it")
    await desk.store.say_answer(stint, 1, answer, desk.now, replaces=True)
    assert await desk.drain() == []
    (replacing,) = await desk.store.replacing_answers("", 10)
    assert (replacing.waiting, replacing.arrived) == (False, False)
    again = [
        await desk.store.settle_replacing(
            stint.answer.id, answer.id, words(desk, reference, "all of it")
        )
        for _ in range(2)
    ]
    assert [each is not None for each in again] == [True, False]
    assert await desk.drain() == ["all of it"]


async def test_an_answer_that_a_person_cancels_is_not_said_by_itself(desk: Desk) -> None:
    """It was to take the place of the progress, and somebody did not want that."""
    reference = await desk.meet()
    stint = await running(desk, reference)
    first = words(desk, reference, "10 %")
    await desk.store.show_progress(stint, 0.1, None, first, desk.now)
    await desk.send()
    answer = change(desk, first, "all of it")
    accepted = await desk.store.say_answer(stint, 1, answer, desk.now, replaces=True)
    assert accepted is not None
    await desk.store.cancel(accepted.delivery_ids[0], desk.now)
    (replacing,) = await desk.store.replacing_answers("", 10)
    assert (replacing.waiting, replacing.arrived) == (False, True)


async def test_progress_after_the_answer_is_not_said(desk: Desk) -> None:
    """It is taken down, and nobody is told."""
    reference = await desk.meet()
    stint = await running(desk, reference)
    await desk.store.say_answer(stint, 1, words(desk, reference, "one"), desk.now)
    told = await desk.store.show_progress(
        stint, 0.9, None, words(desk, reference, "90 %"), desk.now
    )
    assert told is None
    assert await desk.drain() == ["one"]


def change(desk: Desk, first: Notification, text: str) -> Notification:
    """What shows the progress, with other words."""
    made = make_notification(text, audience=EveryConversation(), accepted_at=desk.now)
    return Notification(
        id=made.id,
        bot=made.bot,
        audience=made.audience,
        content=made.content,
        turn=None,
        accepted_at=desk.now,
        due_at=desk.now,
        action=Action.UPDATE,
        target=first.id,
        otherwise=Otherwise.FOLLOW_UP,
    )


# -- ending ----------------------------------------------------------------------------------


async def test_of_answer_and_fallback_one_ends_it(desk: Desk, successor: Desk) -> None:
    """Whoever is first; nothing is said by the others."""
    reference = await desk.meet()
    for round_ in range(10):
        stint = await running(desk, reference)
        late = words(desk, reference, f"late {round_}")
        ends = await asyncio.gather(
            desk.store.end_answer(stint.answer.id, AnswerState.DONE, desk.now, token=stint.token),
            successor.store.end_answer(
                stint.answer.id, AnswerState.EXPIRED, desk.now, notification=late
            ),
            successor.store.end_answer(
                stint.answer.id, AnswerState.EXPIRED, desk.now, notification=late
            ),
        )
        assert sum(ended for ended, _ in ends) == 1
        known = await found(desk, stint.answer)
        said = [f"late {round_}"] if known.state is AnswerState.EXPIRED else []
        assert await desk.drain() == said
        assert (known.over, known.ended_at) == (True, desk.now)


async def test_nothing_is_said_for_what_is_over(desk: Desk) -> None:
    """Sends, progress and leases are refused."""
    reference = await desk.meet()
    stint = await running(desk, reference)
    assert (await desk.store.end_answer(stint.answer.id, AnswerState.CANCELLED, desk.now))[0]
    with pytest.raises(AnswerOver):
        await desk.store.say_answer(stint, 1, words(desk, reference, "x"), desk.now)
    with pytest.raises(AnswerOver):
        await desk.store.show_progress(stint, 1, None, None, desk.now)
    assert not await desk.store.hand_back_work(stint, desk.now)
    assert await desk.store.lapsed_works(desk.later(31), 10) == []
    assert await desk.store.overdue_answers(desk.later(900), 10) == []


async def test_an_end_and_its_words_are_one_commit(desk: Desk) -> None:
    """What cannot be said ends nothing."""
    reference = await desk.meet()
    stint = await running(desk, reference)
    first = words(desk, reference, "first")
    await desk.store.accept(first, [reference])
    with pytest.raises(Exception, match=r".+"):
        await desk.store.end_answer(
            stint.answer.id, AnswerState.FAILED, desk.now, notification=first
        )
    assert (await found(desk, stint.answer)).state is AnswerState.RUNNING


async def test_a_fallback_takes_nothing_back(desk: Desk) -> None:
    """Progress that has not left is left out for it; a part of the answer is not."""
    reference = await desk.meet()
    shown, said = [await running(desk, reference) for _ in range(2)]
    progress = words(desk, reference, "50 %", collapse_key=shown.answer.id)
    await desk.store.show_progress(shown, 0.5, None, progress, desk.now)
    part = words(desk, reference, "part one", collapse_key=said.answer.id)
    await desk.store.say_answer(said, 1, part, desk.now)
    for stint in (shown, said):
        sorry = words(desk, reference, "sorry", collapse_key=stint.answer.id)
        await desk.store.end_answer(
            stint.answer.id, AnswerState.FAILED, desk.now, notification=sorry
        )
    assert await desk.drain() == ["part one", "sorry", "sorry"]


# -- keeping ---------------------------------------------------------------------------------


async def test_what_ended_long_ago_is_forgotten(desk: Desk) -> None:
    """What has not ended is kept, however old."""
    reference = await desk.meet()
    kept, gone = [await promise(desk, reference) for _ in range(2)]
    await desk.store.end_answer(gone.id, AnswerState.CANCELLED, desk.now)
    desk.later(100)
    step = await desk.store.forget(Old.ANSWERS, desk.now, limit=10)
    assert step == (1, None)
    assert await desk.store.answer(gone.id) is None
    assert await desk.store.answer(kept.id) is not None

"""Consent, as every store keeps it: what was refused does not leave, whoever would send it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from recado.domain.audience import Person
from recado.domain.consent import (
    ConsentRecord,
    Identity,
    Said,
    Subject,
    SubjectKind,
    identities_of,
    somebody,
    subject_of,
)
from recado.domain.delivery import HeldReason, Priority, State
from recado.domain.ids import new_id
from recado.domain.reference import Member
from tests.store.kit import Desk

MAIL = "ana@example.com"
ANA = Member(user_id="29:ana", name="Ana", aad_object_id="aad-ana")


async def say_of(desk: Desk, who: str | Subject, said: Said, **changes: Any) -> bool:
    """Record what somebody says now; whether it was new."""
    subject = somebody(who) if isinstance(who, str) else who
    told: dict[str, Any] = {
        "id": new_id(),
        "bot": "local",
        "subject": subject,
        "said": said,
        "category": None,
        "at": desk.now,
        "until": None,
        "recorded_at": desk.now,
        "how": "test",
    }
    (new,) = await desk.store.record_consent([ConsentRecord(**(told | changes))], desk.now)
    return new


async def ended(desk: Desk, delivery_id: str) -> tuple[State, str | None]:
    """How a delivery stands once everything due was claimed and sent."""
    await desk.drain()
    return await desk.standing(delivery_id)


async def test_what_was_refused_is_suppressed_with_its_reason(desk: Desk) -> None:
    """Nothing leaves for somebody who has opted out, and it is on record why."""
    made = await desk.say("hello", await desk.meet())
    await say_of(desk, "29:ana", Said.OUT)
    assert await ended(desk, made) == (State.SUPPRESSED, "opted_out")


async def test_others_are_not_concerned(desk: Desk) -> None:
    """Ben's messages leave although Ana has opted out."""
    await say_of(desk, "29:ana", Said.OUT)
    ben = await desk.meet("a:ben", members=(Member(user_id="29:ben"),))
    assert await ended(desk, await desk.say("hello", ben)) == (State.DELIVERED, None)


async def test_one_category_is_refused_and_others_are_not(desk: Desk) -> None:
    """Who wants no prices still gets the news, and what has no category."""
    ana = await desk.meet()
    await say_of(desk, "29:ana", Said.OUT, category="prices")
    prices = await desk.say("p", ana, category="prices")
    news, plain = await desk.say("n", ana, category="news"), await desk.say("x", ana)
    assert await ended(desk, prices) == (State.SUPPRESSED, "opted_out_of:prices")
    assert await ended(desk, news) == (State.DELIVERED, None)
    assert await ended(desk, plain) == (State.DELIVERED, None)


async def test_urgent_does_not_pass(desk: Desk) -> None:
    """Urgency is the sender's opinion."""
    ana = await desk.meet()
    await say_of(desk, "29:ana", Said.OUT)
    made = await desk.say("now!", ana, priority=Priority.URGENT)
    assert await ended(desk, made) == (State.SUPPRESSED, "opted_out")


async def test_who_agrees_again_is_spoken_to_again(desk: Desk) -> None:
    """The newest word counts."""
    ana = await desk.meet()
    await say_of(desk, "29:ana", Said.OUT)
    desk.later(1)
    await say_of(desk, "29:ana", Said.IN)
    assert await ended(desk, await desk.say("hello", ana)) == (State.DELIVERED, None)


async def test_an_older_yes_that_is_written_down_later_changes_nothing(desk: Desk) -> None:
    """A list that is imported late does not undo what somebody has said since."""
    ana = await desk.meet()
    before = desk.now
    desk.later(60)
    await say_of(desk, "29:ana", Said.OUT)
    await say_of(desk, "29:ana", Said.IN, at=before)
    made = await desk.say("hello", ana)
    assert await ended(desk, made) == (State.SUPPRESSED, "opted_out")


@pytest.mark.parametrize("name", ["29:ana", "aad-ana", MAIL, "ANA@Example.com"])
async def test_a_refusal_under_one_name_holds_for_all(desk: Desk, name: str) -> None:
    """Names are one person's where private conversations say so, however long the chain."""
    first = await desk.meet("a:1", members=(ANA,))
    mailed = Member(user_id="29:other-app", aad_object_id="aad-ana", email=MAIL)
    await desk.meet("a:2", members=(mailed,))
    third = await desk.meet("a:3", channel="email", members=(Member(user_id="x", email=MAIL),))
    await say_of(desk, name, Said.OUT)
    for each in (first, third):
        made = await desk.say("hello", each)
        assert await ended(desk, made) == (State.SUPPRESSED, "opted_out")


async def test_a_name_that_is_learned_later_counts(desk: Desk) -> None:
    """Somebody opted out by e-mail; that the chat is theirs is known afterwards."""
    ana = await desk.meet("a:1", members=(ANA,))
    await say_of(desk, MAIL, Said.OUT)
    assert await ended(desk, await desk.say("1", ana)) == (State.DELIVERED, None)
    await desk.meet("a:1", members=(Member(user_id="29:ana", email=MAIL),))
    assert await ended(desk, await desk.say("2", ana)) == (State.SUPPRESSED, "opted_out")


async def test_a_chain_that_is_closed_later_counts(desk: Desk) -> None:
    """Two names turn out to be one person's by a third conversation."""
    ana = await desk.meet("a:1", members=(ANA,))
    await say_of(desk, MAIL, Said.OUT)
    assert await ended(desk, await desk.say("1", ana)) == (State.DELIVERED, None)
    both = Member(user_id="29:other", aad_object_id="aad-ana", email=MAIL)
    await desk.meet("a:2", members=(both,))
    assert await ended(desk, await desk.say("2", ana)) == (State.SUPPRESSED, "opted_out")


async def test_groups_do_not_tell_who_is_who(desk: Desk) -> None:
    """Only private conversations do, so that a group's names do not spread refusals."""
    await desk.meet("19:g", is_group=True, members=(Member(user_id="29:ana", email=MAIL),))
    ana = await desk.meet("a:1", members=(ANA,))
    await say_of(desk, MAIL, Said.OUT)
    assert await ended(desk, await desk.say("1", ana)) == (State.DELIVERED, None)


async def test_a_name_chosen_in_a_web_chat_is_nobody_elses(desk: Desk) -> None:
    """Whoever calls themselves by Ana's id where ids are chosen cannot silence Ana."""
    ana = await desk.meet("a:1", members=(ANA,))
    for number, name in enumerate(("29:ana", "aad-ana")):
        other = await desk.meet(f"w:{number}", channel="webchat", members=(Member(user_id=name),))
        await say_of(desk, subject_of(other), Said.OUT)
        assert await ended(desk, await desk.say("y", other)) == (State.SUPPRESSED, "opted_out")
    assert await ended(desk, await desk.say("x", ana)) == (State.DELIVERED, None)


async def test_a_persons_refusal_does_not_silence_a_group(desk: Desk) -> None:
    """Others in it still hear what is for all."""
    group = await desk.meet("19:g", is_group=True, members=(ANA,))
    await desk.meet("a:1", members=(ANA,))
    await say_of(desk, "29:ana", Said.OUT)
    assert await ended(desk, await desk.say("all", group)) == (State.DELIVERED, None)


async def test_what_a_group_hears_about_one_person_is_theirs_to_refuse(desk: Desk) -> None:
    """The notification's own user counts, under every name of theirs."""
    group = await desk.meet("19:g", is_group=True)
    await desk.meet("a:1", members=(ANA,))
    await say_of(desk, "aad-ana", Said.OUT)
    made = await desk.say("Ana!", group, user={"id": "29:ana"})
    other = await desk.say("Ben!", group, user={"id": "29:ben"})
    assert await ended(desk, made) == (State.SUPPRESSED, "opted_out")
    assert await ended(desk, other) == (State.DELIVERED, None)


async def test_a_group_refuses_for_all_its_threads(desk: Desk) -> None:
    """A channel of Teams is one, whichever of its threads it was said in."""
    channel, thread = "19:c@thread.tacv2", "19:c@thread.tacv2;messageid=17"
    whole = await desk.meet(channel, is_group=True, conversation_type="channel")
    told = await desk.meet(thread, is_group=True, conversation_type="channel")
    subject = subject_of(told)
    assert subject.kind is SubjectKind.CONVERSATION
    await say_of(desk, subject, Said.OUT)
    made = await desk.say("hello", whole)
    assert await ended(desk, made) == (State.SUPPRESSED, "opted_out")


async def test_what_was_asked_for_passes_an_earlier_refusal_only(desk: Desk) -> None:
    """A reminder made after "stop" is wanted; one made before is not any more."""
    ana = await desk.meet()
    before = desk.now
    desk.later(1)
    await say_of(desk, "29:ana", Said.OUT)
    desk.later(1)
    old = await desk.say("old", ana, asked_at=before)
    new = await desk.say("new", ana, asked_at=desk.now)
    assert await ended(desk, old) == (State.SUPPRESSED, "opted_out")
    assert await ended(desk, new) == (State.DELIVERED, None)


async def test_mute_holds_in_order_until_its_end(desk: Desk) -> None:
    """Not now is not never: what comes meanwhile goes out afterwards, in its order."""
    ana = await desk.meet()
    until = desk.now + timedelta(hours=2)
    await say_of(desk, "29:ana", Said.MUTE, until=until)
    first = await desk.say("1", ana, priority=Priority.URGENT)
    second = await desk.say("2", ana)
    assert await desk.drain() == []
    assert await desk.standing(first) == (State.HELD, HeldReason.WINDOW)
    assert (await desk.detail(second)).delivery.due_at == until
    await desk.store.promote(desk.later(7199), 10)
    assert await desk.drain() == []
    await desk.store.promote(desk.later(1), 10)
    assert await desk.drain() == ["1", "2"]


async def test_the_end_of_a_mute_lets_go_on_at_once(desk: Desk) -> None:
    """Who says "resume" need not wait for the time they had named."""
    ana = await desk.meet()
    await say_of(desk, "29:ana", Said.MUTE, until=desk.now + timedelta(hours=2))
    for text in "123":
        await desk.say(text, ana)
        assert await desk.drain() == []
    desk.later(60)
    await say_of(desk, "29:ana", Said.UNMUTE)
    await desk.store.promote(desk.now, 10)
    assert await desk.drain() == ["1", "2", "3"]


async def test_what_holds_is_told_with_every_name(desk: Desk) -> None:
    """Since when, of which categories, and who it is."""
    await desk.meet("a:1", members=(Member(user_id="29:ana", email=MAIL),))
    await say_of(desk, MAIL, Said.IN)
    await say_of(desk, "29:ana", Said.OUT, category="prices")
    await say_of(desk, "29:ana", Said.MUTE, until=desk.now + timedelta(hours=1))
    told = await desk.store.consent("local", somebody("29:ana"), desk.now)
    assert (told.said, told.since) == (Said.IN, desk.now)
    assert told.categories == {"prices": Said.OUT}
    assert told.muted_until == desk.now + timedelta(hours=1)
    assert {each.name for each in told.known_as} == {"29:ana", MAIL}


async def test_every_word_is_kept_newest_first(desk: Desk) -> None:
    """In pages that continue where the one before ended."""
    await desk.meet("a:1", members=(Member(user_id="29:ana", email=MAIL),))
    for number in range(5):
        desk.later(1)
        who = MAIL if number % 2 else "29:ana"
        await say_of(desk, who, Said.IN, wording=f"w{number}", how="sms", by="op")
    told: list[ConsentRecord] = []
    after = None
    while True:
        page = await desk.store.consents("local", somebody(MAIL), after=after, limit=2)
        told += page.items
        after = page.next
        if after is None:
            break
    assert [each.wording for each in told] == ["w4", "w3", "w2", "w1", "w0"]
    assert {(each.how, each.by) for each in told} == {("sms", "op")}


async def test_the_same_is_recorded_once(desk: Desk) -> None:
    """An import that is repeated adds nothing."""
    assert await say_of(desk, MAIL, Said.IN)
    assert not await say_of(desk, MAIL, Said.IN)
    assert await say_of(desk, MAIL, Said.IN, category="prices")
    page = await desk.store.consents("local", somebody(MAIL))
    assert len(page.items) == 2


async def test_another_bots_consent_is_its_own(desk: Desk) -> None:
    """What one bot was told does not hold for another."""
    await say_of(desk, "29:ana", Said.OUT, bot="another")
    made = await desk.say("hello", await desk.meet())
    assert await ended(desk, made) == (State.DELIVERED, None)


async def test_categories_are_those_that_were_used(desk: Desk) -> None:
    """In order, each once."""
    ana = await desk.meet()
    for category in ("b", "a", "b", None):
        await desk.say("x", ana, category=category)
    assert await desk.store.categories("local") == ["a", "b"]


async def test_what_was_said_last_is_found(desk: Desk) -> None:
    """The newest that was delivered, with whom it was for."""
    ana = await desk.meet()
    assert await desk.store.last_delivered(ana) is None
    await desk.say("1", ana, category="a")
    await desk.say("2", ana, category="b")
    await desk.drain()
    await desk.say("3", ana, category="c")
    told = await desk.store.last_delivered(ana)
    assert told is not None
    assert (told.category, told.audience) == ("b", (f"conversation:{ana.id}",))


# -- people no conversation is known with ----------------------------------------------------


async def test_what_is_for_somebody_expected_waits_for_them(desk: Desk) -> None:
    """It is held, and goes out once and in order when their conversation comes to be known."""
    there = await desk.store.expect("local", MAIL)
    assert await desk.store.expect("local", "ANA@example.com") == there
    made = [await desk.say(text, there, audience=Person(MAIL)) for text in "123"]
    assert await desk.drain() == []
    assert {await desk.standing(each) for each in made} == {(State.HELD, "no_reference")}
    await desk.meet("a:ben", members=(Member(user_id="29:ben"),))
    assert await desk.drain() == []
    came = await desk.meet("a:1", members=(Member(user_id="29:ana", email=MAIL),))
    assert await desk.drain() == ["1", "2", "3"]
    assert (await desk.detail(made[0])).conversation == came.key
    await desk.meet("a:1", members=(Member(user_id="29:ana", email=MAIL),))
    assert await desk.drain() == []


async def test_a_name_that_comes_to_be_known_later_is_enough(desk: Desk) -> None:
    """The chat was known before anybody knew whose it is."""
    await desk.meet("a:1", members=(Member(user_id="29:ana"),))
    await desk.say("hello", await desk.store.expect("local", MAIL))
    assert await desk.drain() == []
    await desk.meet("a:1", members=(Member(user_id="29:ana", email=MAIL),))
    assert await desk.drain() == ["hello"]


async def test_nothing_for_one_person_goes_to_a_group(desk: Desk) -> None:
    """Who is seen in a group is not reached by that."""
    made = await desk.say("private", await desk.store.expect("local", MAIL))
    await desk.meet("19:g", is_group=True, members=(Member(user_id="29:ana", email=MAIL),))
    assert await desk.drain() == []
    assert await desk.standing(made) == (State.HELD, "no_reference")


async def test_what_was_due_later_waits_as_well(desk: Desk) -> None:
    """It is due, and still nobody is there."""
    there = await desk.store.expect("local", MAIL)
    made = await desk.say("later", there, due_at=desk.now + timedelta(hours=1))
    await desk.store.promote(desk.later(3600), 10)
    assert await desk.standing(made) == (State.HELD, "no_reference")
    await desk.meet("a:1", members=(Member(user_id="29:ana", email=MAIL),))
    assert await desk.drain() == ["later"]


async def test_who_has_come_just_before_is_not_waited_for(desk: Desk) -> None:
    """What was resolved before the chat was known is accepted after it: it goes there at once."""
    there = await desk.store.expect("local", MAIL)
    await desk.meet("a:1", members=(Member(user_id="29:ana", email=MAIL),))
    await desk.say("hello", there)
    assert await desk.drain() == ["hello"]


async def test_agreement_is_found_by_any_name(desk: Desk) -> None:
    """Of the category asked for, or of everything; and it ends with a refusal."""
    await say_of(desk, MAIL, Said.IN, category="prices")
    names = identities_of(Member(user_id="29:ana", email=MAIL), "msteams")
    assert await desk.store.has_agreed("local", "29:ana", "prices", also=names)
    assert not await desk.store.has_agreed("local", "29:ana", None, also=names)
    assert not await desk.store.has_agreed("local", "29:ana", "prices")
    desk.later(1)
    await say_of(desk, MAIL, Said.OUT)
    assert not await desk.store.has_agreed("local", MAIL, "prices")


async def test_an_opt_out_in_another_process_holds_at_the_next_claim(
    desk: Desk, successor: Desk
) -> None:
    """What was committed before the claim counts, whoever has committed it and whoever claims."""
    ana = await desk.meet()
    made = [await desk.say(text, ana) for text in "12"]
    claim = await desk.claim_of(made[0])
    await say_of(successor, "29:ana", Said.OUT)
    await desk.settle(claim)
    assert await desk.claim() == []
    assert await desk.standing(made[1]) == (State.SUPPRESSED, "opted_out")
    assert await desk.standing(made[0]) == (State.DELIVERED, None)


def test_the_surest_name_comes_first() -> None:
    """A directory id, an e-mail address, and then what only one channel knows."""
    names = identities_of(Member(user_id="u", aad_object_id="aad", email="A@x"), "slack")
    assert names == (Identity("", "aad"), Identity("", "a@x"), Identity("slack", "u"))


async def test_who_chose_somebodys_address_as_a_name_decides_nothing_for_them(desk: Desk) -> None:
    """Whoever calls themselves that on a web chat is refused there, and nobody else anywhere."""
    poser = await desk.meet("w:1", channel="webchat", members=(Member(user_id=MAIL),))
    await say_of(desk, subject_of(poser), Said.OUT)
    ana = await desk.meet("a:1", members=(Member(user_id="29:ana", email=MAIL),))
    assert await ended(desk, await desk.say("hello", ana)) == (State.DELIVERED, None)
    assert (await ended(desk, await desk.say("hello", poser)))[0] is State.SUPPRESSED

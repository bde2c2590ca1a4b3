"""Elsewhere: what becomes of all that waits for a person whose chat is gone for good."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from recado.domain.audience import Conversation, Person, Several, Subscribers
from recado.domain.delivery import Evidence, HeldReason, State
from recado.domain.notification import Once
from recado.domain.reference import Health, Presence, Reference
from recado.store.port import Claim, Wanted
from tests.store.changes import asked, delivered, said, update
from tests.store.contract.test_audiences import ANA, BEN, announce, expand
from tests.store.contract.test_topics import ANA_AT_HOME, ana, subscribe
from tests.store.kit import SECOND, Desk, make_settlement

HER = Person("29:ana")
DUPLICATE = (State.SUPPRESSED, "duplicate")


async def two_chats(desk: Desk) -> tuple[Reference, Reference]:
    """Two private chats of Ana's: that at home, which will be gone, and that in the office."""
    office = await ana(desk)
    return await ana(desk, "a:home", ANA_AT_HOME), office


async def leave(desk: Desk, conversation_id: str = "a:home") -> None:
    """The bot is removed from a chat."""
    await desk.see(conversation_id, presence=Presence.LEFT, at=desk.later(1))


async def where(desk: Desk, delivery: str) -> str:
    """Which conversation a delivery is for."""
    return (await desk.detail(delivery)).conversation.conversation_id


async def test_whoever_delivers_is_told_of_it(desk: Desk) -> None:
    """What goes elsewhere can leave at once, and nobody finds out by looking again and again."""
    home, _ = await two_chats(desk)
    await desk.say("hello", home, audience=HER)
    captured = await desk.see("a:home", presence=Presence.LEFT, at=desk.later(1))
    assert captured.released == 1


# -- changes ---------------------------------------------------------------------------------


async def test_a_change_of_what_was_said_stays_where_it_was_said(desk: Desk) -> None:
    """The message that it changes is nowhere else."""
    home, _ = await two_chats(desk)
    original, _ = await delivered(desk, home, audience=HER)
    (made,) = (await update(desk, original)).delivery_ids
    await leave(desk)
    assert await where(desk, made) == "a:home"
    assert await desk.claim() == []
    await desk.see("a:home", at=desk.later(1), members=(ANA_AT_HOME,))
    (claim,) = await desk.claim()
    assert (claim.conversation_id, claim.activity_id) == ("a:home", "m1")


async def test_a_change_goes_where_its_message_goes(desk: Desk) -> None:
    """Of a message that may have arrived, and is said elsewhere now."""
    home, _ = await two_chats(desk)
    original, copy = await said(desk, home, audience=HER)
    claim = await desk.claim_of(copy)
    await desk.settle(claim, State.RETRYING, due_at=desk.now + SECOND, maybe_sent=True)
    (made,) = (await update(desk, original)).delivery_ids
    await leave(desk)
    assert await where(desk, copy) == await where(desk, made) == "a:ana"
    (claim,) = await desk.claim()
    assert claim.delivery_id == copy
    await desk.settle(claim, evidence=Evidence(status=201, activity_id="m2"))
    (claim,) = await desk.claim()
    assert asked(claim)[1:] == (copy, "m2")
    assert claim.conversation_id == "a:ana"


# -- one copy --------------------------------------------------------------------------------


async def test_who_was_told_elsewhere_is_not_told_again(desk: Desk) -> None:
    """A person, and besides one of their chats by its name."""
    home, office = await two_chats(desk)
    both = Several((HER, Conversation(office.id)))
    first, second = (await desk.accept("x", home, office, audience=both)).delivery_ids
    await leave(desk)
    assert await desk.standing(first) == DUPLICATE
    assert await desk.state(second) is State.PENDING
    assert await desk.drain() == ["x"]


async def test_who_was_told_by_then_is_not_told_again(desk: Desk) -> None:
    """The other copy has been delivered already."""
    home, office = await two_chats(desk)
    both = Several((HER, Conversation(office.id)))
    first, second = (await desk.accept("x", home, office, audience=both)).delivery_ids
    claims = {each.delivery_id: each for each in await desk.claim()}
    await desk.settle(claims[second])
    await desk.settle(
        claims[first],
        State.HELD,
        reason=HeldReason.UNREACHABLE,
        health=Health.BLOCKED,
        due_at=None,
    )
    assert await desk.standing(first) == DUPLICATE
    assert await desk.drain() == []


async def test_what_was_said_once_stays_said(desk: Desk) -> None:
    """Where it was said: the same is a duplicate in the chat that it went to."""
    home, office = await two_chats(desk)
    once = Once(key="build", every=timedelta(hours=1))
    await desk.say("failed", home, audience=HER, once=once)
    await leave(desk)
    again = await desk.say("failed", office, audience=HER, once=once)
    assert await desk.standing(again) == DUPLICATE
    assert await desk.drain() == ["failed"]


async def test_what_was_said_once_there_is_not_said_again(desk: Desk) -> None:
    """What comes from a chat that is gone is a duplicate of what was said in the other."""
    home, office = await two_chats(desk)
    once = Once(key="build", every=timedelta(hours=1))
    waiting = await desk.say("failed", home, audience=HER, once=once)
    await desk.say("failed too", office, audience=HER, once=once)
    await leave(desk)
    assert await desk.standing(waiting) == DUPLICATE
    assert await desk.drain() == ["failed too"]


async def test_what_is_outdated_does_not_come(desk: Desk) -> None:
    """A newer version was said in the other chat meanwhile."""
    home, office = await two_chats(desk)
    old = await desk.say("10", home, audience=HER, collapse_key="price")
    claim = await desk.claim_of(old)
    await desk.settle(claim, State.RETRYING, due_at=desk.now + 60 * SECOND)
    await desk.say("12", office, audience=HER, collapse_key="price")
    assert await desk.drain() == ["12"]
    await leave(desk)
    assert await desk.standing(old) == (State.SUPERSEDED, "collapse_key")
    assert await desk.drain() == []


async def test_a_newer_version_ends_what_waits_in_the_other_chat(desk: Desk) -> None:
    """Only the newest unsent one goes out there."""
    home, office = await two_chats(desk)
    old = await desk.say("10", office, audience=HER, collapse_key="price")
    await desk.say("12", home, audience=HER, collapse_key="price")
    await leave(desk)
    assert await desk.standing(old) == (State.SUPERSEDED, "collapse_key")
    assert await desk.drain() == ["12"]


# -- what is not due yet, and what comes back ------------------------------------------------


async def test_what_is_not_due_yet_goes_too(desk: Desk) -> None:
    """It waits elsewhere until it is due, and is said then."""
    home, _ = await two_chats(desk)
    waiting = await desk.say("later", home, audience=HER, due_at=desk.now + 60 * SECOND)
    await leave(desk)
    assert await desk.drain() == []
    assert await desk.standing(waiting) == (State.SCHEDULED, None)
    await desk.store.promote(desk.later(120), 10)
    (claim,) = await desk.claim()
    assert claim.conversation_id == "a:ana"


async def test_what_waits_for_another_try_goes_too(desk: Desk) -> None:
    """It is tried elsewhere when it would have been tried again."""
    home, _ = await two_chats(desk)
    waiting = await desk.say("hello", home, audience=HER)
    claim = await desk.claim_of(waiting)
    due = desk.now + 600 * SECOND
    await desk.settle(claim, State.HELD, reason=HeldReason.BACKOFF, due_at=due)
    await leave(desk)
    await desk.store.promote(desk.later(900), 10)
    (claim,) = await desk.claim()
    assert (claim.delivery_id, claim.conversation_id) == (waiting, "a:ana")


async def test_what_is_being_sent_meanwhile_goes_when_it_failed(desk: Desk) -> None:
    """The bot is removed while a request is on its way that has to be tried again."""
    home, _ = await two_chats(desk)
    sent = await desk.say("hello", home, audience=HER)
    claim = await desk.claim_of(sent)
    await leave(desk)
    await desk.settle(claim, State.RETRYING, due_at=desk.now + SECOND)
    assert await where(desk, sent) == "a:ana"
    desk.later(60)
    assert await desk.drain() == ["hello"]


async def test_what_was_not_begun_goes_when_it_is_handed_back(desk: Desk) -> None:
    """The bot is removed between a claim and its request."""
    home, _ = await two_chats(desk)
    await desk.say("hello", home, audience=HER)
    claims = await desk.claim()
    await leave(desk)
    await desk.store.hand_back(claims)
    (claim,) = await desk.claim()
    assert claim.conversation_id == "a:ana"


async def test_a_lost_process_keeps_nothing_from_going(desk: Desk, successor: Desk) -> None:
    """The bot is removed while a process is sending that does not come back."""
    home, _ = await two_chats(desk)
    await desk.say("hello", home, audience=HER)
    await desk.claim()
    await leave(desk)
    successor.later(3600)
    await successor.store.reap("another", successor.now, 10)
    (claim,) = await successor.claim(owner="another")
    assert claim.conversation_id == "a:ana"


# -- groups ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["channel", "groupChat"])
async def test_a_channel_that_says_nothing_of_groups_is_one(desk: Desk, kind: str) -> None:
    """What a topic brings to it waits there: there is no person to be told elsewhere."""
    there = await desk.meet("19:x", conversation_type=kind, members=(BEN,))
    assert not there.is_group
    await subscribe(desk, there)
    await announce(desk, Subscribers("news"))
    await expand(desk)
    await desk.see("19:x", presence=Presence.LEFT, at=desk.later(1), conversation_type=kind)
    (waiting,) = await desk.ids()
    assert await desk.standing(waiting) == (State.HELD, HeldReason.UNREACHABLE)


# -- several processes -----------------------------------------------------------------------


async def blocked(desk: Desk, claim: Claim) -> None:
    """Settle it as refused by its person, as soon as nobody else holds the conversation."""
    told = {"reason": HeldReason.UNREACHABLE, "health": Health.BLOCKED, "due_at": None}
    settlement = make_settlement(claim, State.HELD, desk.now, **told)
    while (await desk.cycle(Wanted(limit=0), settled=[settlement])).waiting:
        pass


async def test_two_chats_are_lost_at_once(desk: Desk, successor: Desk) -> None:
    """Each to another process, which would take what waits to the other's: all of it is kept."""
    for round_ in range(2):
        home, office = await two_chats(desk)
        for chat in (home, office):
            await desk.say("tried", chat, audience=HER)
            await desk.say("waits", chat, audience=HER)
        mine, theirs = await desk.claim()
        await asyncio.gather(blocked(desk, mine), blocked(successor, theirs))
        for each in await desk.ids(state=State.HELD):
            assert await desk.standing(each) == (State.HELD, HeldReason.UNREACHABLE), round_
        assert await desk.claim() == []
        for name, member in (("a:home", ANA_AT_HOME), ("a:ana", ANA)):
            await desk.see(name, at=desk.later(1), members=(member,))
        assert sorted(await desk.drain()) == ["tried", "tried", "waits", "waits"]

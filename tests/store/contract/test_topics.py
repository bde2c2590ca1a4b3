"""Topics: who subscribes, whom something published comes to, and where when a chat is lost."""

from __future__ import annotations

import asyncio

import pytest

from recado.domain.audience import EveryConversation, Person, Subscribers
from recado.domain.delivery import HeldReason, State
from recado.domain.reference import Health, Member, Presence, Reference
from recado.errors import InvalidInput, UnknownTopic
from tests.store.contract.test_audiences import ANA, BEN, GROUP, announce, expand, reached, told
from tests.store.kit import Desk

NEWS = Subscribers("news")
#: The same person elsewhere: the directory tells.
ANA_AT_HOME = Member(user_id="29:ana-home", name="Ana", aad_object_id="aad-ana")


async def subscribe(desk: Desk, *subscribers: Reference, topic: str = "news") -> None:
    """Make the topic, and have these subscribe to it."""
    await desk.store.create_topic("local", topic, desk.now)
    for each in subscribers:
        assert await desk.store.subscribe("local", topic, each, desk.now)


async def ana(desk: Desk, conversation_id: str = "a:ana", member: Member = ANA) -> Reference:
    """A private chat of Ana's."""
    return await desk.meet(conversation_id, members=(member,))


async def test_who_subscribes_is_told(desk: Desk) -> None:
    """People in private and groups as themselves, and nobody else."""
    chat, group = await ana(desk), await desk.meet("g:1", **GROUP)
    await desk.meet("a:ben", members=(BEN,))
    await subscribe(desk, chat, group)
    assert await told(desk, NEWS) == ["a:ana", "g:1"]


async def test_a_topic_has_to_be_there(desk: Desk) -> None:
    """A name that was misspelt is refused, and nothing is stored."""
    await subscribe(desk, await ana(desk))
    with pytest.raises(UnknownTopic, match="no topic 'new'"):
        await announce(desk, Subscribers("new"))
    with pytest.raises(UnknownTopic):
        await desk.store.subscribe("local", "new", await ana(desk), desk.now)
    with pytest.raises(UnknownTopic):
        await desk.store.topic("another", "news")
    assert (await desk.store.backlog()).expanding == 0


async def test_nobody_subscribes_yet(desk: Desk) -> None:
    """What is published then is over at once."""
    await subscribe(desk)
    made = await announce(desk, NEWS)
    progress = await desk.store.progress(made)
    assert progress is not None
    assert progress.settled
    assert progress.total == 0


async def test_the_audience_is_frozen(desk: Desk) -> None:
    """Who subscribes later is not told, and who has unsubscribed by then neither."""
    chat, ben = await ana(desk), await desk.meet("a:ben", members=(BEN,))
    await subscribe(desk, chat)
    made = await announce(desk, NEWS)
    await subscribe(desk, ben)
    assert await desk.store.unsubscribe("local", "news", chat)
    await expand(desk)
    assert await reached(desk, made) == []
    assert await told(desk, NEWS) == ["a:ben"]


async def test_to_subscribe_again_changes_nothing(desk: Desk) -> None:
    """Also in another chat of the same person; to unsubscribe in either ends it."""
    office, home = await ana(desk), await ana(desk, "a:home", ANA_AT_HOME)
    await subscribe(desk, office)
    assert not await desk.store.subscribe("local", "news", office, desk.now)
    assert not await desk.store.subscribe("local", "news", home, desk.now)
    assert (await desk.store.topic("local", "news")).subscribed == 1
    assert [topic.name for topic in await desk.store.topics_of(home)] == ["news"]
    assert await desk.store.unsubscribe("local", "news", home)
    assert not await desk.store.unsubscribe("local", "news", office)
    assert await desk.store.topics_of(office) == []


async def test_one_person_gets_one_copy(desk: Desk) -> None:
    """Even if it became known only after both chats had subscribed that they are the same."""
    nameless = Member(user_id="29:ana-home", name="Ana")
    office, home = await ana(desk), await ana(desk, "a:home", nameless)
    await subscribe(desk, office, home)
    assert await told(desk, NEWS) == ["a:ana", "a:home"]
    desk.clock.advance(60)
    await ana(desk, "a:home", ANA_AT_HOME)
    assert await told(desk, NEWS) == ["a:home"]


@pytest.mark.parametrize("limit", [1, 2, 500])
async def test_steps_do_not_matter(desk: Desk, limit: int) -> None:
    """Nobody is left out and nobody told twice, however few are come to at a time."""
    chats = [
        await desk.meet(
            f"a:{n}", members=(Member(user_id=f"29:{n}", aad_object_id=f"aad-{n % 5}"),)
        )
        for n in range(8)
    ]
    await subscribe(desk, *chats[:5])
    assert await told(desk, NEWS, limit) == ["a:3", "a:4", "a:5", "a:6", "a:7"]


async def test_the_last_activity_decides(desk: Desk) -> None:
    """What a person gets goes where they were seen last, not where they subscribed."""
    office = await ana(desk)
    desk.clock.advance(60)
    await ana(desk, "a:home", ANA_AT_HOME)
    await subscribe(desk, office)
    assert await told(desk, NEWS) == ["a:home"]


async def test_a_preference_decides(desk: Desk) -> None:
    """Whoever wants to be told in one chat is, wherever they are seen; the newest wish counts."""
    office = await ana(desk)
    desk.clock.advance(60)
    home = await ana(desk, "a:home", ANA_AT_HOME)
    await subscribe(desk, office)
    await desk.store.prefer_chat(office)
    assert await told(desk, NEWS) == ["a:ana"]
    await desk.store.prefer_chat(home)
    await desk.store.prefer_chat(office)
    found = await desk.store.reference(home.id)
    assert found is not None
    assert not found.preferred
    assert (await desk.find("a:ana")).preferred


@pytest.mark.parametrize("health", [Health.BLOCKED, Health.UNINSTALLED, Health.GONE])
async def test_a_chat_that_is_gone_is_not_chosen(desk: Desk, health: Health) -> None:
    """A person who can be reached elsewhere is, whatever they preferred."""
    office, home = await ana(desk), await ana(desk, "a:home", ANA_AT_HOME)
    await subscribe(desk, office)
    await desk.store.prefer_chat(home)
    await desk.make_unreachable(home, health)
    assert await told(desk, NEWS) == ["a:ana"]


async def test_what_waits_goes_elsewhere(desk: Desk) -> None:
    """A chat turns out to be gone for good: its person is told in another, in order."""
    office = await ana(desk)
    desk.clock.advance(60)
    home = await ana(desk, "a:home", ANA_AT_HOME)
    await subscribe(desk, office)
    first = await announce(desk, NEWS)
    await expand(desk)
    second = await desk.say("second", home, audience=Person("29:ana"))
    (claim,) = await desk.claim()
    assert claim.conversation_id == "a:home"
    await desk.settle(
        claim, State.HELD, reason=HeldReason.UNREACHABLE, health=Health.BLOCKED, due_at=None
    )
    assert await reached(desk, first) == ["a:ana"]
    assert [each.conversation_id for each in await desk.claim()] == ["a:ana"]
    detail = await desk.detail(second)
    assert detail.conversation.conversation_id == "a:ana"
    assert detail.delivery.state is State.PENDING
    assert detail.ahead == 1


async def test_who_removes_the_bot_is_told_elsewhere(desk: Desk) -> None:
    """The same when a person uninstalls it in one of two chats."""
    await ana(desk)
    desk.clock.advance(60)
    home = await ana(desk, "a:home", ANA_AT_HOME)
    waiting = await desk.say("hello", home, audience=Person("29:ana"))
    await desk.see("a:home", presence=Presence.LEFT)
    assert (await desk.detail(waiting)).conversation.conversation_id == "a:ana"
    assert await desk.drain() == ["hello"]


async def test_what_was_for_a_conversation_stays_there(desk: Desk) -> None:
    """It was named itself, or is one of all: others are not told in its place."""
    await ana(desk)
    home = await ana(desk, "a:home", ANA_AT_HOME)
    named = await desk.say("named", home)
    everywhere = await announce(desk, EveryConversation())
    await expand(desk)
    await desk.see("a:home", presence=Presence.LEFT)
    assert await desk.standing(named) == (State.HELD, HeldReason.UNREACHABLE)
    assert await reached(desk, everywhere) == ["a:ana", "a:home"]


async def test_a_stranger_is_nobodys_elsewhere(desk: Desk) -> None:
    """Of a person with one chat what waits is held, and goes on when they are back."""
    home = await ana(desk)
    await desk.meet("a:ben", members=(BEN,))
    waiting = await desk.say("hello", home, audience=Person("29:ana"))
    await desk.see("a:ana", presence=Presence.LEFT)
    assert await desk.standing(waiting) == (State.HELD, HeldReason.UNREACHABLE)
    desk.clock.advance(60)
    await ana(desk)
    assert await desk.drain() == ["hello"]


async def test_topics_are_listed_by_name(desk: Desk) -> None:
    """A page at a time, with how many subscribe; to make one again renames it and no more."""
    await subscribe(desk, await ana(desk), topic="prices")
    await subscribe(desk, topic="news")
    await desk.store.create_topic("other", "theirs", desk.now)
    made, title = desk.now, "What things cost"
    again = await desk.store.create_topic("local", "prices", desk.later(5), title=title)
    assert (again.title, again.subscribed, again.created_at) == (title, 1, made)
    page = await desk.store.topics("local", limit=1)
    assert [each.name for each in page.items] == ["news"]
    rest = await desk.store.topics("local", after=page.next)
    assert [(each.name, each.subscribed) for each in rest.items] == [("prices", 1)]
    assert rest.next is None


async def test_subscribers_are_listed(desk: Desk) -> None:
    """In the order they subscribed, a page at a time."""
    chat, group = await ana(desk), await desk.meet("g:1", **GROUP)
    await subscribe(desk, chat, group)
    page = await desk.store.subscribers("local", "news", limit=1)
    assert [(each.reference_id, each.since) for each in page.items] == [(chat.id, desk.now)]
    rest = await desk.store.subscribers("local", "news", after=page.next)
    assert [each.reference_id for each in rest.items] == [group.id]
    with pytest.raises(InvalidInput, match="no page"):
        await desk.store.subscribers("local", "news", after="x")


async def test_a_topic_is_removed(desk: Desk) -> None:
    """With its subscriptions; what was being published ends with those it has come to."""
    chat = await ana(desk)
    await subscribe(desk, chat)
    made = await announce(desk, NEWS)
    await desk.store.remove_topic("local", "news")
    await expand(desk)
    assert await reached(desk, made) == []
    assert await desk.store.topics_of(chat) == []
    with pytest.raises(UnknownTopic):
        await desk.store.remove_topic("local", "news")
    await subscribe(desk)
    assert (await desk.store.topic("local", "news")).subscribed == 0


async def test_a_plan_counts_subscribers(desk: Desk) -> None:
    """Whom it would come to is told before; and afterwards how many are left."""
    chats = [await desk.meet(f"a:{n}", members=(Member(user_id=f"29:{n}"),)) for n in range(3)]
    await subscribe(desk, *chats[:2])
    survey = await desk.store.survey("local", NEWS, desk.now)
    assert [each.id for each in survey.first] == [chats[0].id, chats[1].id]
    assert sum(each.reachable for each in survey.reach) == 2
    made = await announce(desk, NEWS)
    assert sum((await desk.store.remaining(made)).values()) == 2
    await desk.store.end_expansion(made, desk.now)
    found = await desk.store.notification(made)
    assert found is not None
    assert found.not_made == 2


async def test_two_who_are_one_subscribe_once(desk: Desk, successor: Desk) -> None:
    """In two chats at once, by two processes."""
    chats = [await ana(desk), await ana(desk, "a:home", ANA_AT_HOME)]
    await subscribe(desk)
    for _ in range(20):
        made = await asyncio.gather(
            desk.store.subscribe("local", "news", chats[0], desk.now),
            successor.store.subscribe("local", "news", chats[1], desk.now),
        )
        assert sorted(made) == [False, True]
        assert await desk.store.unsubscribe("local", "news", chats[0])


@pytest.mark.parametrize("published", ["before", "after"])
async def test_who_was_expected_is_told(desk: Desk, published: str) -> None:
    """Somebody who has agreed and was not known yet subscribes, and comes before it or after."""
    expected = await desk.store.expect("local", "eva@example.com")
    await subscribe(desk, expected)
    if published == "before":
        await announce(desk, NEWS)
        await expand(desk)
    eva = Member(user_id="29:eva", name="Eva", email="eva@example.com")
    await desk.meet("a:eva", members=(eva,))
    if published == "after":
        await announce(desk, NEWS)
        await expand(desk)
    (claim,) = await desk.claim()
    assert claim.conversation_id == "a:eva"
    eva_now = await desk.find("a:eva")
    assert not await desk.store.subscribe("local", "news", eva_now, desk.now)

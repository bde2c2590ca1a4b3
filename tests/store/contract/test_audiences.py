"""Audiences of people and by attributes: frozen when accepted, expanded in steps."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from recado.domain.audience import Audience, EveryConversation, Everyone, Members, Where
from recado.domain.reference import Health, Member
from recado.domain.roster import RosterMember
from recado.errors import UnknownRecipient
from recado.testing import make_notification
from tests.store.kit import Desk

ANA = Member(user_id="29:ana", name="Ana", aad_object_id="aad-ana", email="ana@example.com")
BEN = Member(user_id="29:ben", name="Ben")
CAT = Member(user_id="29:cat", name="Cat")
GROUP = {"is_group": True, "conversation_type": "groupChat"}


async def announce(desk: Desk, audience: Audience, **changes: Any) -> str:
    """Accept something for an audience; the notification's id."""
    told = {"audience": audience, "accepted_at": desk.now} | changes
    accepted = await desk.store.accept(make_notification("news", **told), [])
    assert accepted.delivery_ids == ()
    return accepted.notification_id


async def expand(desk: Desk, limit: int = 500) -> None:
    """Make all deliveries there are to be made."""
    while await desk.store.expand(desk.now, limit):
        pass


async def reached(desk: Desk, notification_id: str) -> list[str]:
    """The conversations it went to."""
    found = []
    for each in await desk.ids(notification_id=notification_id):
        detail = await desk.detail(each)
        found.append(detail.conversation.conversation_id)
    return sorted(found)


async def told(desk: Desk, audience: Audience, limit: int = 500) -> list[str]:
    """Who is told something that is for *audience*."""
    made = await announce(desk, audience)
    await expand(desk, limit)
    return await reached(desk, made)


async def list_roster(desk: Desk, reference_id: str, members: Sequence[Member]) -> None:
    """Read a roster, in one page."""
    await desk.store.keep_roster(
        reference_id,
        [RosterMember(member=each) for each in members],
        began_at=desk.now,
        now=desk.now,
        continuation=None,
        listed=len(members),
    )


# -- everyone --------------------------------------------------------------------------------


async def test_everyone_is_told_once(desk: Desk) -> None:
    """In the private chat they were seen in last, and never in a group."""
    await desk.meet("a:old", members=(ANA,))
    await desk.meet("a:ben", members=(BEN,))
    desk.later(60)
    await desk.meet("a:new", members=(ANA,))
    await desk.meet("19:group", members=(ANA, BEN, CAT), **GROUP)
    assert await told(desk, Everyone()) == ["a:ben", "a:new"]
    assert await told(desk, EveryConversation()) == ["19:group", "a:ben", "a:new", "a:old"]


async def test_chats_may_take_turns_while_everyone_is_told(desk: Desk) -> None:
    """A person whose latest chat changes in the middle is neither left out nor told twice."""
    for name in ("a:1", "a:2", "a:3"):
        await desk.meet(name, members=(ANA,))
        desk.later(1)
    await desk.meet("a:ben", members=(BEN,))
    made = await announce(desk, Everyone())
    for name in ("a:1", "a:2", "a:3"):
        desk.later(1)
        await desk.see(name, members=(ANA,))
        await desk.store.expand(desk.now, 1)
    await expand(desk)
    found = await reached(desk, made)
    assert len(found) == 2
    assert found[1] == "a:ben"


async def test_a_directory_knows_who_is_the_same(desk: Desk) -> None:
    """On every channel that vouches for it; elsewhere anybody could say so."""
    await desk.meet("a:ana", members=(ANA,))
    desk.later(1)
    in_outlook = Member(user_id="ana", aad_object_id="aad-ana")
    await desk.meet("mail", channel="outlook", members=(in_outlook,))
    await desk.meet("web", channel="webchat", members=(in_outlook,), conversation_type=None)
    assert await told(desk, Everyone()) == ["mail", "web"]


async def test_nobody_is_taken_for_somebody_on_another_channel(desk: Desk) -> None:
    """The same user id on two channels is two people."""
    await desk.meet("web", channel="webchat", members=(BEN,))
    await desk.meet("line", channel="directline", members=(BEN,))
    assert await told(desk, Everyone()) == ["line", "web"]


async def test_a_chat_without_a_name_has_somebody_in_it(desk: Desk) -> None:
    """Who is told as well."""
    await desk.meet("a:1", members=())
    await desk.meet("a:2", members=())
    assert await told(desk, Everyone()) == ["a:1", "a:2"]


# -- what holds for all ----------------------------------------------------------------------


@pytest.mark.parametrize("audience", [Everyone(), EveryConversation(), Where(channel="msteams")])
@pytest.mark.parametrize("limit", [1, 2, 3, 500])
async def test_each_step_goes_on_where_the_last_one_ended(
    desk: Desk, audience: Audience, limit: int
) -> None:
    """Whatever their size; who comes after acceptance is not in it."""
    names = [f"a:{each}" for each in range(7)]
    for name in names:
        await desk.meet(name, members=(Member(user_id=f"29:{name}"),))
    await desk.meet("theirs", bot="other")
    made = await announce(desk, audience)
    await desk.meet("a:late", members=(CAT,))
    await expand(desk, limit)
    assert await reached(desk, made) == names


async def test_a_successor_goes_on(desk: Desk, successor: Desk) -> None:
    """At the exact recipient."""
    for name in range(6):
        await desk.meet(f"a:{name}", members=(Member(user_id=f"29:{name}"),))
    people = tuple(Member(user_id=f"29:{each}") for each in range(6))
    group = await desk.meet("19:group", members=people, **GROUP)
    for audience in (Everyone(), Members(group.id), Where(channel="msteams")):
        made = await announce(desk, audience)
        await desk.store.expand(desk.now, 2)
        await successor.store.expand(desk.now, 2)
        await expand(successor, 1)
        found = await reached(desk, made)
        assert len(found) == len(set(found)) >= 6


async def test_what_was_made_from_here_is_in_no_broadcast(desk: Desk) -> None:
    """Until an activity comes from it (promise 6)."""
    channel = await desk.meet(
        "19:c@thread.tacv2", is_group=True, conversation_type="channel", members=()
    )
    begun = await desk.store.thread(channel, "19:c@thread.tacv2;messageid=7")
    assert not begun.heard
    everywhere: list[Audience] = [EveryConversation(), Where(type="channel")]
    for audience in everywhere:
        assert await told(desk, audience) == ["19:c@thread.tacv2"]
    desk.later(1)
    await desk.see(
        "19:c@thread.tacv2;messageid=7", is_group=True, conversation_type="channel", members=(ANA,)
    )
    for audience in everywhere:
        assert len(await told(desk, audience)) == 2


async def test_a_repetition_is_what_was_accepted_then(desk: Desk) -> None:
    """A broadcast has no list of deliveries to give back."""
    await desk.meet()
    for audience in (Everyone(), Where(channel="msteams")):
        first = await announce(desk, audience, key=str(audience))
        assert await announce(desk, audience, key=str(audience)) == first


# -- members ---------------------------------------------------------------------------------


async def test_members_are_told_in_private(desk: Desk) -> None:
    """Those who spoke in the group and those on its roster, if they have a private chat."""
    group = await desk.meet("19:group", members=(ANA,), **GROUP)
    await desk.meet("a:ana", members=(ANA,))
    await desk.meet("a:ben", members=(BEN,))
    await desk.meet("a:dan", members=(Member(user_id="29:dan"),))
    assert await told(desk, Members(group.id)) == ["a:ana"]
    await list_roster(desk, group.id, [ANA, BEN, CAT])
    assert await told(desk, Members("19:group")) == ["a:ana", "a:ben"]


async def test_members_are_frozen(desk: Desk) -> None:
    """Who joins after acceptance, or gets a private chat then, is not among them."""
    group = await desk.meet("19:group", members=(ANA,), **GROUP)
    await desk.meet("a:ana", members=(ANA,))
    await desk.meet("a:ben", members=(BEN,))
    await list_roster(desk, group.id, [CAT])
    made = await announce(desk, Members(group.id))
    desk.later(1)
    await desk.see("19:group", members=(BEN,), **GROUP)
    await desk.meet("a:cat", members=(CAT,))
    await expand(desk)
    assert await reached(desk, made) == ["a:ana"]


@pytest.mark.parametrize("limit", [1, 2, 500])
async def test_many_members_are_come_to_in_steps(desk: Desk, limit: int) -> None:
    """Each once, whether the roster has them or the group heard them."""
    people = [Member(user_id=f"29:{each}", aad_object_id=f"aad-{each}") for each in range(7)]
    for each in people:
        await desk.meet(f"a:{each.user_id}", members=(each,))
    group = await desk.meet("19:group", members=tuple(people[::2]), **GROUP)
    await list_roster(desk, group.id, people[:4])
    made = await announce(desk, Members(group.id))
    await expand(desk, limit)
    assert await reached(desk, made) == sorted(
        f"a:29:{each}" for each in {0, 2, 4, 6} | {0, 1, 2, 3}
    )


async def test_members_of_nothing_known(desk: Desk) -> None:
    """Are refused, and so are those of another bot's group."""
    await desk.meet("19:theirs", bot="other", **GROUP)
    for name in ("19:nowhere", "19:theirs"):
        with pytest.raises(UnknownRecipient, match="is known"):
            await announce(desk, Members(name))


# -- where -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (Where(channel="msteams"), ["19:c", "19:g", "a:ana", "a:ben"]),
        (Where(channel=["msteams", "webchat"], tenant="t2"), ["a:ben"]),
        (Where(locale="es"), ["a:ana", "a:ben"]),
        (Where(locale="ES-mx"), ["a:ben"]),
        (Where(locale="e"), []),
        (Where(timezone="Europe/Madrid"), ["a:ana"]),
        (Where(type="personal"), ["a:ana", "a:ben", "web"]),
        (Where(type=("groupChat", "channel")), ["19:c", "19:g"]),
        (Where(health="blocked"), ["a:ben"]),
        (Where(health=("active", "blocked"), channel="msteams", locale="es"), ["a:ana", "a:ben"]),
        (Where(member="29:ana"), ["19:g", "a:ana", "web"]),
        (Where(member="ANA@example.com"), ["19:g", "a:ana"]),
        (Where(member="aad-ana", type="personal"), ["a:ana"]),
        (Where(domain="Example.com"), ["19:g", "a:ana"]),
        (Where(domain="ample.com"), []),
    ],
    ids=lambda each: each.short if isinstance(each, Where) else "",
)
async def test_conversations_by_what_they_are_like(
    desk: Desk, where: Where, expected: list[str]
) -> None:
    """All conditions hold; of one attribute's values any does."""
    madrid = {"locale": "es-ES", "timezone": "Europe/Madrid"}
    await desk.meet("a:ana", members=(ANA,), **madrid)
    ben = await desk.meet("a:ben", members=(BEN,), tenant_id="t2", locale="es-MX")
    await desk.meet("19:g", members=(ANA,), locale="en", **GROUP)
    await desk.meet("19:c", members=(), is_group=True, conversation_type="channel", locale=None)
    web = {"channel": "webchat", "conversation_type": None, "tenant_id": None, "locale": "de"}
    await desk.meet("web", members=(ANA,), **web)
    await desk.make_unreachable(ben, Health.BLOCKED)
    assert await told(desk, where) == expected


async def test_a_filter_that_finds_little_comes_to_its_end(desk: Desk) -> None:
    """Step by step, and no step looks at everything."""
    for each in range(40):
        await desk.meet(f"a:{each}", locale="es" if each in (0, 39) else "en")
    made = await announce(desk, Where(locale="es"))
    steps = 0
    while await desk.store.expand(desk.now, 1):
        steps += 1
    assert steps >= 40 / 8
    assert await reached(desk, made) == ["a:0", "a:39"]


async def test_what_is_not_due_waits(desk: Desk) -> None:
    """As every delivery does."""
    await desk.meet()
    made = await announce(desk, Everyone(), due_at=desk.now + timedelta(hours=1))
    await expand(desk)
    (delivery,) = await desk.ids(notification_id=made)
    assert await desk.standing(delivery) == ("scheduled", None)

"""References that others have kept: they add what is not known, and change nothing that is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from recado.domain.audience import EveryConversation
from recado.domain.audit import Teller
from recado.domain.delivery import State
from recado.domain.health import Finding
from recado.domain.importing import NEVER
from recado.domain.reference import Health, Member, Presence
from recado.testing import make_notification
from tests.store.kit import Desk

OLD_URL = "https://smba.trafficmanager.net/old/"


async def hear_of(desk: Desk, presence: Presence = Presence.KEPT, **changes: Any) -> bool:
    """Take in what somebody kept of a conversation; whether it was new."""
    told: dict[str, Any] = {"presence": presence, "at": NEVER, "service_url": OLD_URL} | changes
    return (await desk.see(**told)).new


async def broadcast(desk: Desk) -> list[str]:
    """Say something to everybody; in which conversations it arrives."""
    await desk.store.accept(
        make_notification("all", audience=EveryConversation(), accepted_at=desk.now), ()
    )
    await desk.store.expand(desk.now, 100)
    claims = await desk.claim()
    for claim in claims:
        await desk.settle(claim)
    return [claim.conversation_id for claim in claims]


async def test_one_that_was_kept_is_like_one_that_was_heard(desk: Desk) -> None:
    """An activity came from it once: it is part of broadcasts, its person can be named."""
    assert await hear_of(desk)
    found = await desk.find()
    assert (found.heard, found.health, found.last_seen) == (True, Health.ACTIVE, NEVER)
    assert found.members[0].user_id == "29:ana"
    assert [each.id for each in await desk.store.find_references("local", "29:ana")] == [found.id]
    assert len(await broadcast(desk)) == 1


async def test_one_that_may_not_have_been_heard_is_in_no_broadcast(desk: Desk) -> None:
    """It can be spoken to by name, and what is said there arrives."""
    assert await hear_of(desk, Presence.UNHEARD)
    found = await desk.find()
    assert not found.heard
    assert await broadcast(desk) == []
    delivery = await desk.say("x", found)
    await desk.send()
    assert await desk.state(delivery) is State.DELIVERED


@pytest.mark.parametrize("presence", [Presence.KEPT, Presence.UNHEARD])
async def test_hearing_it_twice_changes_nothing(desk: Desk, presence: Presence) -> None:
    """Nor a hundred times."""
    assert await hear_of(desk, presence)
    before = await desk.find()
    assert not await hear_of(desk, presence)
    assert await desk.find() == before


@pytest.mark.parametrize("presence", [Presence.KEPT, Presence.UNHEARD])
@pytest.mark.parametrize("late", [timedelta(0), timedelta(days=1)])
async def test_what_is_known_is_known_better(
    desk: Desk, presence: Presence, late: timedelta
) -> None:
    """Whenever the other is said to have been seen."""
    await desk.see(members=(Member(user_id="29:ana", name="Ana"),), locale="de")
    before = await desk.find()
    other = Member(user_id="29:ana", name="Anna")
    at = NEVER + late
    assert not await hear_of(desk, presence, members=(other,), locale="en", at=at)
    assert await desk.find() == before


async def test_gaps_are_filled(desk: Desk) -> None:
    """With what was kept, unless it may not have been heard."""
    await desk.see(locale=None, tenant_id=None, members=())
    await hear_of(desk, Presence.UNHEARD, locale="en", tenant_id="t")
    assert (await desk.find()).locale is None
    await hear_of(desk, locale="en", tenant_id="t")
    found = await desk.find()
    assert (found.locale, found.tenant_id, len(found.members)) == ("en", "t", 1)


@pytest.mark.parametrize("presence", [Presence.LEFT, Presence.ENDED])
async def test_a_conversation_that_is_over_stays_so(desk: Desk, presence: Presence) -> None:
    """What was kept is older than the bot's removal, and releases nothing."""
    known = await desk.meet()
    await desk.see(presence=presence, at=desk.later(1))
    before = await desk.find()
    delivery = await desk.say("x", known)
    await hear_of(desk)
    assert await desk.find() == before
    await desk.claim()
    assert (await desk.standing(delivery))[0] is State.HELD


async def test_what_was_learned_of_an_imported_one_stays(desk: Desk) -> None:
    """Importing it again does not make it reachable."""
    await hear_of(desk)
    known = await desk.find()
    finding = Finding(
        by=Teller.DELIVERY,
        service_url=OLD_URL,
        asked_at=desk.now,
        answered_at=desk.now,
        health=Health.BLOCKED,
        reason="MessageWritesBlocked",
    )
    await desk.store.learn(known.id, finding)
    await hear_of(desk)
    assert (await desk.find()).health is Health.BLOCKED


async def test_an_imported_one_is_tried_where_its_tenant_is_now(desk: Desk) -> None:
    """Its own service URL is the oldest there is, whatever the order."""
    newer = (await desk.meet("a:2")).service_url
    await hear_of(desk)
    known = await desk.find()
    assert known.service_url == OLD_URL
    finding = Finding(
        by=Teller.DELIVERY,
        service_url=OLD_URL,
        asked_at=desk.now,
        answered_at=desk.now,
        health=Health.GONE,
        misdirected=True,
    )
    await desk.store.learn(known.id, finding)
    found = await desk.find()
    assert (found.service_url, found.health) == (newer, Health.SUSPECT)


async def test_hearing_from_it_makes_it_a_conversation_like_any_other(desk: Desk) -> None:
    """With everything the activity tells."""
    await hear_of(desk, Presence.UNHEARD)
    await desk.see()
    found = await desk.find()
    assert found.heard
    assert found.last_seen == desk.now
    assert found.service_url != OLD_URL

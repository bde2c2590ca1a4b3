"""Healing: offers of newer service URLs, health that is learned, the report and the audit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from recado.domain.audit import Teller
from recado.domain.delivery import Evidence, HeldReason, State
from recado.domain.health import Finding
from recado.domain.reference import Health, Presence, Reference
from recado.store.port import Claim
from tests.store.kit import Desk

OLD = "https://smba.trafficmanager.net/emea/"
NEW = "https://smba.trafficmanager.net/emea/tenant/"


async def told(desk: Desk, reference: Reference, kind: str) -> list[Mapping[str, Any]]:
    """The details of its audit entries of one kind, oldest first."""
    page = await desk.store.audit(reference_id=reference.id)
    return [each.detail for each in reversed(page.items) if each.kind == kind]


async def fail(desk: Desk, claim: Claim, state: State = State.RETRYING, **changes: Any) -> None:
    """The channel does not find the conversation."""
    found: dict[str, Any] = {
        "evidence": Evidence(status=404, code="ConversationNotFound"),
        "reason": "ConversationNotFound",
        "health": Health.SUSPECT,
        "health_reason": "ConversationNotFound",
    }
    if state is State.RETRYING:
        found["due_at"] = desk.now
    await desk.settle(claim, state, **(found | changes))


async def lose(desk: Desk, to: Reference) -> str:
    """Have a conversation be gone; the delivery that waits for it."""
    made = await desk.say("hello", to)
    claim = await desk.claim_of(made)
    unreachable = {"reason": str(HeldReason.UNREACHABLE), "because": "ConversationNotFound"}
    await fail(desk, claim, State.HELD, health=Health.GONE, **unreachable)
    return made


async def move(desk: Desk, url: str = NEW, conversation_id: str = "a:other", **scope: Any) -> None:
    """Another conversation shows where its tenant is now."""
    desk.later(1)
    await desk.see(conversation_id, service_url=url, **scope)
    desk.later(1)


# -- offers ----------------------------------------------------------------------------------


async def test_who_is_not_found_is_tried_where_others_are(desk: Desk) -> None:
    """With the next attempt; the audit says from where to where, why, and when."""
    reference = await desk.meet()
    await move(desk)
    await desk.say("hello", reference)
    (claim,) = await desk.claim()
    assert claim.service_url == OLD
    await fail(desk, claim)
    (again,) = await desk.claim()
    assert again.service_url == NEW
    assert await told(desk, reference, "service_url") == [
        {"before": OLD, "after": NEW, "reason": "ConversationNotFound", "by": "offer"}
    ]
    entry = (await desk.store.audit(reference_id=reference.id)).items[0]
    assert (entry.at, entry.bot, entry.reference_id) == (desk.now, "local", reference.id)


@pytest.mark.parametrize(
    ("evidence", "reason"),
    [
        (Evidence(status=410), "not_found"),
        (Evidence(), "not_sent"),
        (Evidence(status=403, code="InvalidBotApiHost"), "InvalidBotApiHost"),
    ],
    ids=["410", "no connection", "another cloud"],
)
async def test_so_is_who_cannot_be_reached_at_all(
    desk: Desk, evidence: Evidence, reason: str
) -> None:
    """It is suspect from then on, so that a delivery can prove it well."""
    reference = await desk.meet()
    await move(desk)
    await desk.say("hello", reference)
    (claim,) = await desk.claim()
    await desk.settle(claim, State.RETRYING, due_at=desk.now, evidence=evidence, reason=reason)
    found = await desk.find()
    assert (found.service_url, found.health, found.health_reason) == (NEW, Health.SUSPECT, reason)
    assert found.health_since == desk.now
    await desk.send()
    found = await desk.find()
    assert (found.service_url, found.health) == (NEW, Health.ACTIVE)
    (first, second) = await told(desk, reference, "health")
    assert (first["before"], first["after"], first["reason"]) == ("active", "suspect", reason)
    assert (second["after"], second["by"], second["service_url"]) == ("active", "delivery", NEW)


async def test_an_offer_is_preferred_to_a_guess(desk: Desk) -> None:
    """The channel's other host is tried when nobody of the tenant has shown a better one."""
    reference = await desk.meet()
    guess = {
        "evidence": Evidence(status=403, code="InvalidBotApiHost"),
        "reason": "InvalidBotApiHost",
        "service_url": "https://guess/",
    }
    await desk.say("hello", reference)
    (claim,) = await desk.claim()
    await desk.settle(claim, State.RETRYING, due_at=desk.now, **guess)
    assert (await desk.find()).service_url == "https://guess/"
    (detail,) = await told(desk, reference, "service_url")
    assert (detail["after"], detail["by"]) == ("https://guess/", "delivery")
    await move(desk)
    (claim,) = await desk.claim()
    await desk.settle(claim, State.RETRYING, due_at=desk.now, **guess)
    assert (await desk.find()).service_url == NEW


@pytest.mark.parametrize(
    "scope", [{"tenant_id": "other"}, {"tenant_id": None}, {"channel": "webchat"}, {"bot": "other"}]
)
async def test_an_offer_is_for_its_scope(desk: Desk, scope: dict[str, Any]) -> None:
    """Another tenant, channel or bot is elsewhere."""
    reference = await desk.meet()
    await move(desk, **scope)
    await desk.say("hello", reference)
    (claim,) = await desk.claim()
    await fail(desk, claim)
    assert (await desk.find()).service_url == OLD


async def test_without_a_tenant_nobody_can_tell_who_belongs_together(desk: Desk) -> None:
    """So nothing is offered."""
    reference = await desk.meet(tenant_id=None)
    await move(desk, tenant_id=None)
    await desk.say("hello", reference)
    (claim,) = await desk.claim()
    await fail(desk, claim)
    assert (await desk.find()).service_url == OLD


async def test_what_a_conversation_told_itself_later_counts_for_more(desk: Desk) -> None:
    """A tenant may have two; the last one seen is not the right one for all."""
    await desk.meet()
    await move(desk)
    reference = await desk.meet()
    await desk.say("hello", reference)
    desk.later(1)
    (claim,) = await desk.claim()
    await fail(desk, claim)
    assert (await desk.find()).service_url == OLD


async def test_two_that_fail_take_turns_without_filling_the_audit(desk: Desk) -> None:
    """And the one that proves right stays."""
    reference = await desk.meet()
    await move(desk)
    await desk.say("hello", reference)
    tried = []
    for _ in range(5):
        (claim,) = await desk.claim()
        tried.append(claim.service_url)
        await fail(desk, claim)
        desk.later(1)
    assert tried == [OLD, NEW, OLD, NEW, OLD]
    await desk.send()
    assert (await desk.find()).service_url == NEW
    assert len(await told(desk, reference, "service_url")) == 1
    assert [each["after"] for each in await told(desk, reference, "health")] == [
        "suspect",
        "active",
    ]
    # What has proved right is not given up for what has not.
    await desk.say("again", reference)
    (claim,) = await desk.claim()
    await fail(desk, claim)
    assert (await desk.find()).service_url == NEW


async def test_the_persons_next_word_ends_the_trial(desk: Desk) -> None:
    """The channel says itself where the conversation is."""
    reference = await desk.meet()
    await move(desk)
    await desk.say("hello", reference)
    (claim,) = await desk.claim()
    await fail(desk, claim)
    desk.later(1)
    await desk.see(service_url=OLD)
    desk.later(1)
    (claim,) = await desk.claim()
    assert claim.service_url == OLD
    await fail(desk, claim)
    assert (await desk.find()).service_url == OLD


async def test_who_was_heard_meanwhile_is_where_they_said(desk: Desk) -> None:
    """An answer is older than what came in while it was waited for."""
    reference = await desk.meet()
    await move(desk)
    await desk.say("hello", reference)
    (claim,) = await desk.claim()
    desk.later(1)
    await desk.see()
    desk.later(1)
    await fail(desk, claim)
    found = await desk.find()
    assert (found.service_url, found.health) == (OLD, Health.ACTIVE)


async def test_an_answer_about_another_place_moves_nothing(desk: Desk) -> None:
    """A late settlement knows only where it was asked itself."""
    reference = await desk.meet()
    await desk.store.learn(
        reference.id,
        Finding(
            by=Teller.PROBE,
            service_url="https://elsewhere/",
            asked_at=desk.later(1),
            answered_at=desk.later(1),
            elsewhere="https://guess/",
            misdirected=True,
        ),
    )
    assert (await desk.find()).service_url == OLD


async def test_at_the_last_strike_an_offer_gives_one_more_chance(desk: Desk) -> None:
    """What would be gone is suspect, and tried there at once with all that waited."""
    reference = await desk.meet()
    await desk.say("one", reference)
    await desk.say("two", reference)
    (claim,) = await desk.claim()
    await move(desk)
    unreachable = {"reason": str(HeldReason.UNREACHABLE), "because": "ConversationNotFound"}
    await fail(desk, claim, State.HELD, health=Health.GONE, **unreachable)
    assert (await desk.find()).health is Health.SUSPECT
    assert await desk.drain() == ["one", "two"]
    assert (await desk.find()).health is Health.ACTIVE


# -- those who are gone already --------------------------------------------------------------


async def test_who_is_gone_is_tried_at_a_newer_place(desk: Desk) -> None:
    """With what waited for them, once for each offer."""
    reference = await desk.meet()
    made = await lose(desk, reference)
    assert await desk.store.try_offers(desk.now, 10) == 0
    await move(desk)
    assert await desk.store.try_offers(desk.now, 10) == 1
    found = await desk.find()
    assert (found.service_url, found.health) == (NEW, Health.SUSPECT)
    assert await desk.state(made) is State.PENDING
    assert await desk.store.try_offers(desk.now, 10) == 0
    claim = await desk.send(
        State.HELD,
        evidence=Evidence(status=404),
        reason=str(HeldReason.UNREACHABLE),
        because="not_found",
        health=Health.GONE,
        health_reason="not_found",
    )
    assert claim.service_url == NEW
    assert (await desk.find()).health is Health.GONE
    assert await desk.store.try_offers(desk.now, 10) == 0
    assert len(await told(desk, reference, "service_url")) == 1


async def test_trying_goes_on_where_it_stopped(desk: Desk) -> None:
    """In steps, so that others get their turn at the database."""
    gone = [await desk.meet(f"a:{number}") for number in range(7)]
    for each in gone:
        await lose(desk, each)
    await move(desk)
    steps = [await desk.store.try_offers(desk.now, 3) for _ in range(4)]
    assert steps == [3, 3, 1, 0]
    report = await desk.store.health_report("local")
    assert {each.health: each.many for each in report} == {Health.ACTIVE: 1, Health.SUSPECT: 7}


async def test_two_tenants_that_moved_share_the_steps(desk: Desk) -> None:
    """Neither keeps the other waiting for more than its turn."""
    for tenant in ("t-1", "t-2"):
        await lose(desk, await desk.meet(f"a:{tenant}", tenant_id=tenant))
    for tenant in ("t-1", "t-2"):
        await move(desk, conversation_id=f"b:{tenant}", tenant_id=tenant)
    assert await desk.store.try_offers(desk.now, 10) == 2


async def test_those_who_deliver_are_woken_for_it(desk: Desk) -> None:
    """There is something to do."""
    woken: list[bool] = []
    await lose(desk, await desk.meet())
    await move(desk)
    desk.store.on_work(lambda: woken.append(True))
    await desk.store.try_offers(desk.now, 10)
    assert woken


@pytest.mark.parametrize("presence", [Presence.LEFT, Presence.ENDED])
async def test_who_left_or_ended_is_not_looked_for(desk: Desk, presence: Presence) -> None:
    """That they are not there is no question of where."""
    await desk.meet()
    await desk.see(at=desk.later(1), presence=presence)
    await move(desk)
    assert await desk.store.try_offers(desk.now, 10) == 0
    assert not (await desk.find()).health.reachable


async def test_who_blocked_the_bot_is_not_looked_for(desk: Desk) -> None:
    """They said no."""
    await desk.make_unreachable(await desk.meet(), Health.BLOCKED)
    await move(desk)
    assert await desk.store.try_offers(desk.now, 10) == 0


# -- learning --------------------------------------------------------------------------------


def finding(desk: Desk, **changes: Any) -> Finding:
    """What a probe asked now has found."""
    told: dict[str, Any] = {
        "by": Teller.PROBE,
        "service_url": OLD,
        "asked_at": desk.now,
        "answered_at": desk.now,
    }
    return Finding(**(told | changes))


async def test_a_probe_can_mend(desk: Desk) -> None:
    """What waited leaves, and those who deliver are woken."""
    woken: list[bool] = []
    reference = await desk.meet()
    made = await lose(desk, reference)
    desk.store.on_work(lambda: woken.append(True))
    await desk.store.learn(reference.id, finding(desk, health=Health.ACTIVE))
    found = await desk.find()
    assert (found.health, found.health_reason) == (Health.ACTIVE, None)
    assert await desk.state(made) is State.PENDING
    assert woken
    assert (await told(desk, reference, "health"))[-1]["by"] == "probe"


async def test_a_probe_can_hold(desk: Desk) -> None:
    """What stands in the lane waits for the return."""
    reference = await desk.meet()
    made = await desk.say("hello", reference)
    await desk.store.learn(
        reference.id, finding(desk, health=Health.UNINSTALLED, reason="BotNotInConversationRoster")
    )
    assert await desk.standing(made) == (State.HELD, HeldReason.UNREACHABLE)
    found = await desk.find()
    assert (found.health, found.health_reason) == (
        Health.UNINSTALLED,
        "BotNotInConversationRoster",
    )


async def test_a_probe_is_older_than_what_came_in_meanwhile(desk: Desk) -> None:
    """The person is there, whatever the channel thought."""
    reference = await desk.meet()
    asked = finding(desk, health=Health.GONE, reason="not_found", misdirected=True)
    desk.later(1)
    await desk.see()
    await desk.store.learn(reference.id, asked)
    assert (await desk.find()).health is Health.ACTIVE


async def test_nothing_is_learned_about_nobody(desk: Desk) -> None:
    """The reference may have been removed while it was asked about."""
    await desk.store.learn("no-such-id", finding(desk, health=Health.GONE))


# -- ended by the channel --------------------------------------------------------------------


async def test_an_ended_conversation_waits_for_the_users_return(desk: Desk) -> None:
    """What its channel has ended is gone until somebody is there again."""
    reference = await desk.meet()
    pending = await desk.say("one", reference)
    await desk.see(at=desk.later(1), presence=Presence.ENDED, members=())
    found = await desk.find()
    assert (found.health, found.health_reason) == (Health.GONE, "ended")
    assert await desk.standing(pending) == (State.HELD, HeldReason.UNREACHABLE)
    captured = await desk.see(at=desk.later(1))
    assert captured.released == 1
    assert await desk.drain() == ["one"]


async def test_an_end_does_not_hide_why_nobody_was_reached(desk: Desk) -> None:
    """Removed or blocked is what the report has to say."""
    await desk.make_unreachable(await desk.meet(), Health.BLOCKED)
    await desk.see(at=desk.later(1), presence=Presence.ENDED, members=())
    found = await desk.find()
    assert (found.health, found.health_reason) == (Health.BLOCKED, "told")

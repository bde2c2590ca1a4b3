"""The report on health, and the audit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from recado.domain.audit import Teller
from recado.domain.delivery import State
from recado.domain.health import ENDED, Finding
from recado.domain.reference import Health, Presence, Reference
from recado.errors import InvalidInput
from tests.store.kit import Desk


async def told(desk: Desk, reference: Reference) -> list[Mapping[str, Any]]:
    """The details of its audit entries on health, oldest first."""
    page = await desk.store.audit(reference_id=reference.id)
    return [each.detail for each in reversed(page.items) if each.kind == "health"]


def suspicion(desk: Desk, reference: Reference, reason: str = "not_found") -> Finding:
    """A probe asked now did not find it."""
    return Finding(
        by=Teller.PROBE,
        service_url=reference.service_url,
        asked_at=desk.now,
        answered_at=desk.now,
        health=Health.SUSPECT,
        reason=reason,
    )


async def test_who_blocked_or_removed_the_bot(desk: Desk) -> None:
    """Per channel and health, with the newest reason and since when."""
    for number in range(3):
        await desk.meet(f"a:{number}")
    await desk.make_unreachable(await desk.find("a:0"))
    desk.later(60)
    await desk.see("a:1", presence=Presence.LEFT)
    newest = desk.later(60)
    await desk.make_unreachable(await desk.meet("a:9"), Health.BLOCKED)
    await desk.see("w:1", channel="webchat")
    await desk.see("o:1", bot="other", presence=Presence.LEFT)
    report = await desk.store.health_report("local")
    assert [(each.channel, each.health, each.many) for each in report] == [
        ("msteams", Health.ACTIVE, 1),
        ("msteams", Health.BLOCKED, 2),
        ("msteams", Health.UNINSTALLED, 1),
        ("webchat", Health.ACTIVE, 1),
    ]
    assert (report[1].reason, report[1].since) == ("told", newest)
    assert report[2].reason == "removed"
    assert await desk.store.health_report("nobody") == []


async def test_health_since_is_the_change_not_the_last_word(desk: Desk) -> None:
    """Being refused again for another reason is the same trouble."""
    reference = await desk.meet()
    since = desk.later(1)
    await desk.store.learn(reference.id, suspicion(desk, reference))
    desk.later(60)
    await desk.store.learn(reference.id, suspicion(desk, reference, "other"))
    found = await desk.find()
    assert (found.health_since, found.health_reason) == (since, "other")
    well_since = desk.later(1)
    await desk.see()
    await desk.see(at=desk.later(1), name="News")
    assert (await desk.find()).health_since == well_since


# -- the audit -------------------------------------------------------------------------------


async def test_one_entry_a_change_not_one_a_delivery(desk: Desk) -> None:
    """Ten deliveries to somebody who is suspect add nothing."""
    reference = await desk.meet()
    for _ in range(10):
        await desk.say("x", reference)
        (claim,) = await desk.claim()
        suspect = {"health": Health.SUSPECT, "health_reason": "not_found"}
        await desk.settle(claim, State.REJECTED, **suspect)
        desk.later(1)
    assert len(await told(desk, reference)) == 1


async def test_lifecycle_events_are_audited(desk: Desk) -> None:
    """Removed, back, ended, back: with what said so."""
    reference = await desk.meet()
    for presence in (Presence.LEFT, Presence.HERE, Presence.ENDED, Presence.HERE):
        desk.later(1)
        await desk.see(presence=presence)
    entries = await told(desk, reference)
    assert [(each["after"], each["reason"], each["by"]) for each in entries] == [
        ("uninstalled", "removed", "activity"),
        ("active", None, "activity"),
        ("gone", ENDED, "activity"),
        ("active", None, "activity"),
    ]


async def test_the_audit_comes_in_pages_newest_first(desk: Desk) -> None:
    """Of one reference, of a bot, or of all."""
    one, two = await desk.meet("a:1"), await desk.meet("a:2")
    other = await desk.meet("a:3", bot="other")
    for _ in range(2):
        for each in (one, two, other):
            for presence in (Presence.LEFT, Presence.HERE):
                key = each.key
                await desk.see(
                    key.conversation_id, bot=key.bot, at=desk.later(1), presence=presence
                )
    seen: list[int] = []
    after = None
    while True:
        page = await desk.store.audit(after=after, limit=5)
        seen += [each.number for each in page.items]
        if page.next is None:
            break
        after = page.next
    assert len(seen) == 12
    assert seen == sorted(seen, reverse=True)
    assert {each.bot for each in (await desk.store.audit(bot="other")).items} == {"other"}
    of_one = await desk.store.audit(reference_id=one.id, limit=3)
    assert {each.reference_id for each in of_one.items} == {one.id}
    rest = await desk.store.audit(reference_id=one.id, after=of_one.next, limit=3)
    assert (len(of_one.items), len(rest.items), rest.next) == (3, 1, None)
    assert (await desk.store.audit(reference_id="no-such-id")).items == []


@pytest.mark.parametrize("after", ["x", "-1", "", "9" * 40])
async def test_a_page_that_is_none_is_refused(desk: Desk, after: str) -> None:
    """What no page gave cannot be followed."""
    with pytest.raises(InvalidInput, match="next"):
        await desk.store.audit(after=after)

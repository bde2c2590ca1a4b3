"""Looking references up."""

from __future__ import annotations

from typing import Any

import pytest

from recado.domain.reference import Health, Member, Presence
from recado.errors import InvalidInput
from recado.testing import make_sighting
from tests.store.kit import Desk


async def test_unknown_ones_are_none(desk: Desk) -> None:
    """Nothing is found where nothing is."""
    assert await desk.store.reference("no-such-id") is None
    assert await desk.store.reference_by_key(make_sighting("nowhere").key) is None
    assert await desk.store.find_conversation("local", "nowhere") is None
    assert await desk.store.find_references("local", "nobody") == []


async def test_found_by_id(desk: Desk) -> None:
    """With everything, people included."""
    reference = await desk.meet()
    assert await desk.store.reference(reference.id) == reference
    assert [member.user_id for member in reference.members] == ["29:ana"]


async def test_pages_hold_everything_once_in_the_order_of_first_sight(desk: Desk) -> None:
    """Following `next` gives every reference once, also when one is seen again meanwhile."""
    ids = [f"a:{number}" for number in range(7)]
    for each in ids:
        await desk.see(each, members=(Member(user_id=f"29:{each}"),))
    seen: list[str] = []
    after = None
    while True:
        page = await desk.store.references(after=after, limit=3)
        assert len(page.items) <= 3
        for reference in page.items:
            assert [m.user_id for m in reference.members] == [f"29:{reference.key.conversation_id}"]
        seen += [reference.key.conversation_id for reference in page.items]
        await desk.see("a:0", at=desk.later(1))
        if page.next is None:
            break
        after = page.next
    assert seen == ids


async def test_a_full_last_page_says_that_it_is_the_last(desk: Desk) -> None:
    """There is no empty page at the end."""
    for number in range(4):
        await desk.see(f"a:{number}")
    page = await desk.store.references(limit=4)
    assert page.next is None


async def test_a_listing_of_one_bot(desk: Desk) -> None:
    """Other bots' references are not in it."""
    await desk.see("a:1")
    await desk.see("a:2", bot="other")
    assert [each.key.bot for each in (await desk.store.references(bot="other")).items] == ["other"]
    assert len((await desk.store.references()).items) == 2


async def test_a_listing_of_some(desk: Desk) -> None:
    """By channel, tenant and health, which may be several; page by page like any other."""
    await desk.meet("a:well")
    await desk.see("w:1", channel="webchat", tenant_id=None)
    await desk.see("a:2", tenant_id="other")
    for name in ("a:3", "a:4", "a:5"):
        await desk.meet(name)
        await desk.make_unreachable(await desk.find(name), Health.BLOCKED)
    await desk.see("a:6", presence=Presence.LEFT)
    await desk.see("o:1", bot="other", presence=Presence.LEFT)

    async def listed(**wanted: Any) -> list[str]:
        found = []
        after = None
        while True:
            page = await desk.store.references(**wanted, after=after, limit=2)
            found += [each.key.conversation_id for each in page.items]
            if page.next is None:
                return found
            after = page.next

    assert await listed(channel="webchat") == ["w:1"]
    assert await listed(tenant="other") == ["a:2"]
    assert await listed(health=[Health.BLOCKED]) == ["a:3", "a:4", "a:5"]
    both = {Health.BLOCKED, Health.UNINSTALLED}
    assert await listed(bot="local", health=both) == ["a:3", "a:4", "a:5", "a:6"]
    assert await listed(health=both) == ["a:3", "a:4", "a:5", "a:6", "o:1"]
    assert await listed(bot="local", health=[Health.ACTIVE], tenant="tenant-1") == ["a:well"]
    assert await listed(health=[Health.ACTIVE, Health.UNINSTALLED], bot="other") == ["o:1"]
    assert await listed(health=[Health.GONE]) == []


@pytest.mark.parametrize("after", ["x", "-1", "1.5", "", "\uff19", "9" * 40, "[]"])
async def test_a_page_that_is_none_is_refused(desk: Desk, after: str) -> None:
    """What no page gave cannot be followed, and the error says so."""
    with pytest.raises(InvalidInput, match="next"):
        await desk.store.references(after=after)


async def test_a_conversation_on_whichever_channel(desk: Desk) -> None:
    """Of several with one id the one seen last is found; another bot's is not."""
    await desk.see("a:1", channel="msteams")
    desk.later(1)
    await desk.see("a:1", channel="webchat")
    desk.later(1)
    await desk.see("a:1", channel="directline", bot="other")
    found = await desk.store.find_conversation("local", "a:1")
    assert found is not None
    assert found.key.channel == "webchat"


@pytest.mark.parametrize(
    "name", ["29:ana", "oid-ana", "ana@example.com", "ANA@EXAMPLE.COM", "Ana@Example.com"]
)
async def test_a_person_by_any_of_their_names(desk: Desk, name: str) -> None:
    """Channel user id, directory object id, or e-mail in any case."""
    ana = Member(user_id="29:ana", name="Ana", aad_object_id="oid-ana", email="Ana@Example.com")
    reference = await desk.meet(members=(ana,))
    await desk.see("a:2", members=(Member(user_id="29:ben"),))
    await desk.see("a:3", bot="other", members=(ana,))
    assert [each.id for each in await desk.store.find_references("local", name)] == [reference.id]


async def test_the_case_of_an_address_is_not_only_ascii(desk: Desk) -> None:
    """JOSÉ and josé are one address, on every database."""
    reference = await desk.meet(members=(Member(user_id="29:j", email="JOSÉ@Example.com"),))
    found = await desk.store.find_references("local", "josé@example.COM")
    assert [each.id for each in found] == [reference.id]


async def test_private_chats_come_first_then_the_latest(desk: Desk) -> None:
    """A person is spoken to in private if there is a private chat, old as it may be."""
    await desk.see("a:old")
    await desk.see("a:new", at=desk.later(1))
    await desk.see("19:group", at=desk.later(1), is_group=True, conversation_type="groupChat")
    await desk.see("19:channel", at=desk.later(1), is_group=None, conversation_type="channel")
    found = await desk.store.find_references("local", "29:ana")
    assert [each.key.conversation_id for each in found] == [
        "a:new",
        "a:old",
        "19:channel",
        "19:group",
    ]
    assert [each.private for each in found] == [True, True, False, False]


async def test_who_has_departed_is_not_found(desk: Desk) -> None:
    """Nobody is spoken to in a conversation they have left."""
    await desk.see(is_group=True)
    await desk.see(members=(), departed=("29:ana",))
    assert await desk.store.find_references("local", "29:ana") == []

"""Threads in the channels of a team: begun, answered in, and kept apart from broadcasts."""

from __future__ import annotations

import pytest

from recado import Person, Thread
from recado.domain.delivery import State
from recado.domain.reference import Reference
from recado.errors import InvalidAudience, InvalidInput, UnknownRecipient
from recado.testing import faults
from recado.testing.calls import Operation
from tests.people.conftest import EVA, Hall


async def threads(hall: Hall, channel: str) -> list[Reference]:
    """The references of a channel's threads."""
    page = await hall.recado.references.page(bot="local")
    return [each for each in page.items if each.key.conversation_id.startswith(f"{channel};")]


async def test_a_thread_is_begun_by_what_is_said(hall: Hall, team: Reference) -> None:
    """And kept as a conversation of its own, in the same windows as its channel."""
    name = team.key.conversation_id
    handle = await hall.recado.notify(Thread(name), "The build is broken.")
    assert (await handle.wait(10)).counts == {State.DELIVERED: 1}
    (begun,) = await threads(hall, name)
    assert hall.channel.texts[begun.key.conversation_id] == ["The build is broken."]
    assert (begun.pace_key, begun.heard) == (name, False)
    assert (begun.tenant_id, begun.agent, begun.is_group) == (team.tenant_id, team.agent, True)
    found = await hall.recado.outbox.delivery(handle.delivery_ids[0])
    assert found.delivery.evidence is not None
    root = begun.key.conversation_id.rpartition("=")[2]
    assert found.delivery.evidence.activity_id == root
    answer = await hall.recado.notify(f"conversation:{begun.id}", "It is mended.")
    await answer.wait(10)
    assert hall.channel.texts[begun.key.conversation_id][1:] == ["It is mended."]


async def test_each_notification_begins_one(hall: Hall, team: Reference) -> None:
    """By whatever is known of the channel, in the order of acceptance."""
    name = team.key.conversation_id
    for whom in (f"thread:{name}", f"thread:{team.id}", f"thread:{name};messageid=1"):
        await (await hall.recado.notify(whom, whom)).wait(10)
    assert len(await threads(hall, name)) == 3
    assert len(hall.created) == 3


async def test_a_thread_of_a_known_channel_needs_no_introduction(
    hall: Hall, team: Reference
) -> None:
    """Its id is enough; nothing is asked of the channel but to send."""
    name = f"{team.key.conversation_id};messageid=1700000000001"
    handle = await hall.recado.notify(f"conversation:{name}", "hello")
    assert (await handle.wait(10)).counts == {State.DELIVERED: 1}
    assert hall.channel.texts[name] == ["hello"]
    assert hall.created == []
    for wrong in ("0", "x", ""):
        with pytest.raises(UnknownRecipient):
            await hall.recado.notify(
                f"conversation:{team.key.conversation_id};messageid={wrong}", "hello"
            )


async def test_what_may_have_begun_is_not_begun_again(hall: Hall, team: Reference) -> None:
    """A person looks, unless somebody said that twice is better than never."""
    hall.channel.fail(faults.TAKE_AND_CUT, operation=Operation.CREATE)
    handle = await hall.recado.notify(f"thread:{team.id}", "hello")
    assert (await handle.wait(10)).counts == {State.UNKNOWN: 1}
    hall.channel.fail(faults.TAKE_AND_CUT, operation=Operation.CREATE)
    handle = await hall.recado.notify(f"thread:{team.id}", "hello", on_unknown="retry")
    assert (await handle.wait(10)).counts == {State.DELIVERED: 1}
    assert len(hall.created) == 3


async def test_a_receipt_without_an_id(hall: Hall, team: Reference) -> None:
    """It is delivered; there is no conversation to speak in."""
    hall.channel.fail(faults.WITHOUT_BODY, operation=Operation.CREATE)
    handle = await hall.recado.notify(f"thread:{team.id}", "hello")
    assert (await handle.wait(10)).counts == {State.DELIVERED: 1}
    assert await threads(hall, team.key.conversation_id) == []


async def test_threads_are_begun_in_channels_of_teams_only(hall: Hall, team: Reference) -> None:
    """Alone, and by what is said."""
    await hall.see("a:eva", members=(EVA,))
    group = {"is_group": True, "conversation_type": "groupChat"}
    await hall.see("19:chat@thread.v2", **group)
    for name in ("a:eva", "19:chat@thread.v2", "19:nowhere@thread.tacv2"):
        with pytest.raises(UnknownRecipient):
            await hall.recado.notify(Thread(name), "hello")
    with pytest.raises(InvalidInput, match="give content, no handler"):
        await hall.recado.notify(Thread(team.id), handler="greet")
    with pytest.raises(InvalidAudience, match="give it alone"):
        await hall.recado.notify([Thread(team.id), Person("29:eva")], "hello")  # type: ignore[list-item]


async def test_a_thread_is_no_part_of_a_broadcast(hall: Hall, team: Reference) -> None:
    """That somebody was told in one is no reason to tell everybody in it."""
    await (await hall.recado.notify(Thread(team.id), "hello")).wait(10)
    handle = await hall.recado.notify("all", "news")
    assert (await handle.wait(10)).counts == {State.DELIVERED: 1}
    (begun,) = await threads(hall, team.key.conversation_id)
    assert hall.channel.texts[begun.key.conversation_id] == ["hello"]

"""Conversations made from here: with people a roster knows and the bot has never heard."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from recado import Conversation, Everyone, Members, Recado
from recado.domain.delivery import State
from recado.domain.reference import Health, Member, Reference
from recado.errors import InvalidInput, UnknownRecipient
from recado.testing import FOR_EVER, FakeConnector, faults, wired
from recado.testing.calls import Operation
from tests.people.conftest import EVA, Hall


def only_chat(hall: Hall) -> str:
    """The one private conversation the channel has made."""
    (chat,) = [name for name in hall.channel.texts if name.startswith("a:")]
    return chat


async def known(hall: Hall, name: str = "29:eva") -> list[Reference]:
    """References of a person's conversations."""
    return await hall.recado.store.find_references("local", name)


# -- who can be named ------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["29:eva", "aad-eva", "EVA@example.com"])
async def test_a_person_on_a_roster_can_be_named(hall: Hall, team: Reference, name: str) -> None:
    """Their conversation is made, once, and then spoken in."""
    handle = await hall.recado.notify(f"user:{name}", "hello")
    assert (await handle.wait(10)).counts == {State.DELIVERED: 1}
    again = await hall.recado.notify(f"user:{name}", "again")
    assert (await again.wait(10)).counts == {State.DELIVERED: 1}
    assert hall.channel.texts[only_chat(hall)] == ["hello", "again"]
    (created,) = hall.created
    body = dict(created.activity)
    assert body["members"] == [{"id": "29:eva"}]
    assert body["tenantId"] == "tenant-1"
    assert body["bot"]["id"] == "28:bot"
    assert "activity" not in body
    assert team.is_group


async def test_what_is_stored_is_complete(hall: Hall, team: Reference) -> None:
    """Person, bot, tenant, service URL and address; and that it was made is on record."""
    await (await hall.recado.notify("user:29:eva", "hello")).wait(10)
    (made,) = await known(hall)
    assert made.key.conversation_id == only_chat(hall)
    assert (made.private, made.heard, made.unmade) == (True, False, False)
    assert (made.tenant_id, made.service_url) == ("tenant-1", hall.channel.url)
    assert made.agent == team.agent
    assert made.health is Health.ACTIVE
    (member,) = made.members
    assert member.account() == EVA.account()
    (request,) = hall.asked(Operation.SEND)
    assert request.activity["conversation"]["id"] == made.key.conversation_id
    assert request.activity["recipient"] == EVA.account()
    history = await hall.recado.references.history(made.id)
    assert [(each.kind, each.detail["again"]) for each in history.items] == [("made", False)]


async def test_two_at_once_make_one_conversation(hall: Hall, team: Reference) -> None:
    """However they are named; in the order of acceptance."""
    names = ["29:eva", "aad-eva", "eva@example.com", "29:eva"]
    handles = await asyncio.gather(
        *(hall.recado.notify(f"user:{name}", str(number)) for number, name in enumerate(names))
    )
    for handle in handles:
        assert (await handle.wait(10)).counts == {State.DELIVERED: 1}
    assert len(hall.created) == 1
    assert len(hall.channel.texts[only_chat(hall)]) == 4
    assert len(await known(hall)) == 1
    assert team.heard


async def test_somebody_seen_in_a_group_can_be_named(hall: Hall) -> None:
    """They have spoken where the bot is."""
    group = {"is_group": True, "conversation_type": "groupChat", "members": (EVA,)}
    await hall.see("19:group@thread.v2", **group)
    handle = await hall.recado.notify("user:29:eva", "hello")
    assert (await handle.wait(10)).counts == {State.DELIVERED: 1}
    assert hall.channel.texts[only_chat(hall)] == ["hello"]


async def test_nobody_on_a_roster_is_part_of_a_broadcast(hall: Hall, team: Reference) -> None:
    """Not even after they were named, until they have said something (promise 6)."""
    await (await hall.recado.notify("user:29:eva", "hello")).wait(10)
    for audience in ("all", Everyone(), Members(team.id), "where:type=personal"):
        handle = await hall.recado.notify(audience, "news")
        assert (await handle.wait(10)).counts.get(State.DELIVERED, 0) == (audience == "all")
    assert hall.channel.texts[only_chat(hall)] == ["hello"]
    await hall.see(only_chat(hall), members=(EVA,))
    handle = await hall.recado.notify(Everyone(), "news")
    assert (await handle.wait(10)).counts == {State.DELIVERED: 1}


async def test_their_agreement_can_be_asked_for(channel: FakeConnector) -> None:
    """Then a roster is no reason to write to somebody."""
    async with wired(channel, roster="require_opt_in") as recado:
        hall = Hall(channel, recado)
        team = await hall.join(channel.team("sales", ["ana"]))
        await hall.list_roster(team, EVA)
        with pytest.raises(UnknownRecipient, match="has not agreed"):
            await recado.notify("user:29:eva", "hello")
    assert channel.requests == []


async def test_somebody_no_roster_tells_of(hall: Hall, team: Reference) -> None:
    """Is reached by id, as soon as something is said."""
    found = await hall.recado.references.reach("29:new", within=team.id)
    assert found.unmade
    assert hall.channel.requests == []
    assert await hall.recado.references.reach("29:new", within=team.id) == found
    for audience in ("user:29:new", Conversation(found.id)):
        handle = await hall.recado.notify(audience, "hello")
        assert (await handle.wait(10)).counts == {State.DELIVERED: 1}
    assert len(hall.created) == 1
    web = await hall.see("web", channel="webchat", conversation_type=None)
    with pytest.raises(InvalidInput, match="cannot be begun on webchat"):
        await hall.recado.references.reach("x", within=web.id)


# -- what may go wrong -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        faults.UNAVAILABLE,
        faults.BAD_GATEWAY,
        faults.CUT_READ,
        faults.TAKE_AND_CUT,
        faults.throttled(0),
        faults.SERVER_ERROR,
    ],
    ids=lambda fault: fault.name,
)
@pytest.mark.parametrize("on_unknown", ["retry", "park"])
async def test_asking_again_says_nothing_twice(
    hall: Hall, team: Reference, fault: faults.Fault, on_unknown: str
) -> None:
    """So an unclear answer is no reason to park anything."""
    hall.channel.fail(fault, operation=Operation.CREATE)
    handle = await hall.recado.notify("user:29:eva", "hello", on_unknown=on_unknown)
    assert (await handle.wait(10)).counts == {State.DELIVERED: 1}
    assert hall.channel.texts[only_chat(hall)] == ["hello"]
    assert len(hall.created) == 2
    assert team.heard


async def test_the_channel_may_be_down(hall: Hall, team: Reference) -> None:
    """What is accepted is delivered when it is back."""
    async with hall.channel.away():
        handle = await hall.recado.notify("user:29:eva", "hello")
        assert not (await handle.progress()).settled
    assert (await handle.wait(10)).counts == {State.DELIVERED: 1}
    assert team.heard


async def test_who_has_not_installed_the_app_is_unreachable(hall: Hall, team: Reference) -> None:
    """What waits for them leaves when they do, to the conversation they come from."""
    hall.channel.world.not_installed.add("29:eva")
    handle = await hall.recado.notify("user:29:eva", "hello")
    await hall.channel.until_true(lambda: len(hall.created) == 1)
    while (await handle.progress()).counts != {State.HELD: 1}:
        await hall.recado.clock.wait(asyncio.Event(), 0.01)
    (waiting,) = await known(hall)
    assert (waiting.health, waiting.health_reason) == (
        Health.UNINSTALLED,
        "ForbiddenOperationException",
    )
    hall.channel.world.not_installed.clear()
    installed = await hall.see("a:from-eva", members=(EVA,))
    assert (await handle.wait(10)).counts == {State.DELIVERED: 1}
    assert hall.channel.texts["a:from-eva"] == ["hello"]
    await (await hall.recado.notify("user:aad-eva", "again")).wait(10)
    assert hall.channel.texts["a:from-eva"] == ["hello", "again"]
    assert len(hall.created) == 1
    assert installed.heard
    assert team.heard


async def test_the_person_may_come_first(hall: Hall, team: Reference) -> None:
    """While their conversation is being made: what is said goes where they are."""
    chat = hall.channel.person("eva")
    hall.channel.fail(faults.slow(0.2), operation=Operation.CREATE)
    handle = await hall.recado.notify("user:29:eva", "hello")
    second = await hall.recado.notify("user:29:eva", "again")
    await hall.channel.until_true(lambda: len(hall.created) == 1)
    await hall.see(chat.id, members=(EVA,))
    assert (await handle.wait(10)).counts == {State.DELIVERED: 1}
    assert (await second.wait(10)).counts == {State.DELIVERED: 1}
    assert sorted(hall.channel.texts[chat.id]) == ["again", "hello"]
    assert team.heard


@pytest.mark.parametrize(
    ("fault", "reason"),
    [(faults.BAD_SYNTAX, "BadSyntax"), (faults.WITHOUT_BODY, "no_conversation")],
    ids=["refused", "no id"],
)
async def test_what_cannot_be_made_is_rejected(
    hall: Hall, team: Reference, fault: faults.Fault, reason: str
) -> None:
    """And says why."""
    hall.channel.fail(fault, operation=Operation.CREATE, times=FOR_EVER)
    handle = await hall.recado.notify("user:29:eva", "hello")
    assert (await handle.wait(10)).counts == {State.REJECTED: 1}
    found = await hall.recado.outbox.delivery(handle.delivery_ids[0])
    assert found.delivery.reason == reason
    assert team.heard


# -- across processes ------------------------------------------------------------------------


@asynccontextmanager
async def process(channel: FakeConnector, path: Path) -> AsyncIterator[Hall]:
    """A process over a database in a file."""
    url = f"sqlite:///{path / 'recado.db'}"
    async with wired(channel, database_url=url, retry_base_seconds=0.01) as recado:
        yield Hall(channel, recado)


async def cut_off(recado: Recado) -> None:
    """End the dispatcher where it is, as a killed process ends."""
    dispatcher = recado._dispatcher  # noqa: SLF001 - nothing public ends without order
    for task in [*dispatcher._in_flight]:  # noqa: SLF001 - as above
        task.cancel()
    await asyncio.gather(*dispatcher._in_flight, return_exceptions=True)  # noqa: SLF001 - as above


@pytest.mark.parametrize("on_unknown", ["retry", "park"])
async def test_a_crash_between_making_and_storing(
    channel: FakeConnector, tmp_path: Path, on_unknown: str
) -> None:
    """The successor asks again and is told the same conversation; nothing is parked."""
    async with process(channel, tmp_path) as hall:
        team = await hall.join(channel.team("sales", ["ana"]))
        await hall.list_roster(team, EVA)
        channel.fail(faults.TAKE_AND_HANG, operation=Operation.CREATE)
        handle = await hall.recado.notify("user:29:eva", "hello", on_unknown=on_unknown)
        await channel.until_true(lambda: len(hall.created) == 1)
        await cut_off(hall.recado)
    async with process(channel, tmp_path) as hall:
        while not (await hall.recado.outbox.progress(handle.id)).settled:
            await hall.recado.outbox.wait(handle.id, 1)
        assert (await hall.recado.outbox.progress(handle.id)).counts == {State.DELIVERED: 1}
        assert len(hall.created) == 2
        assert channel.texts[only_chat(hall)] == ["hello"]
        assert len(await known(hall)) == 1


# -- a conversation that is not found any more -----------------------------------------------


async def lost_chat(hall: Hall, name: str) -> Reference:
    """A private chat whose id the channel does not find."""
    ana = Member(user_id="29:ana", name="Ana")
    hall.channel.fail(
        faults.CONVERSATION_NOT_FOUND,
        conversation=name,
        operation=Operation.SEND,
        times=FOR_EVER,
    )
    return await hall.see(name, members=(ana,))


async def test_it_is_made_again_before_it_is_believed_gone(channel: FakeConnector) -> None:
    """Once, by the person's id; the same reference goes on with the new id."""
    async with wired(channel, not_found_attempts=1) as recado:
        hall = Hall(channel, recado)
        lost = await lost_chat(hall, "a:old")
        channel.person("ana", conversation="a:new")
        handle = await recado.notify("user:29:ana", "hello")
        assert (await handle.wait(10)).counts == {State.DELIVERED: 1}
        assert channel.texts["a:new"] == ["hello"]
        found = await recado.references.get(lost.id)
        assert found.key.conversation_id == "a:new"
        assert (found.health, found.heard, found.unmade) == (Health.ACTIVE, True, False)
        history = await recado.references.history(lost.id)
        assert any(each.kind == "made" and each.detail["again"] for each in history.items)


async def test_it_is_made_again_once(channel: FakeConnector) -> None:
    """If the channel names the id it does not find, that is believed."""
    async with wired(channel, not_found_attempts=1) as recado:
        hall = Hall(channel, recado)
        lost = await lost_chat(hall, "a:ana")
        channel.person("ana")
        handle = await recado.notify("user:29:ana", "hello")
        await channel.until_true(lambda: len(hall.asked(Operation.SEND)) == 2)
        while (await handle.progress()).counts != {State.HELD: 1}:
            await recado.clock.wait(asyncio.Event(), 0.01)
        assert len(hall.created) == 1
        found = await recado.references.get(lost.id)
        assert (found.health, found.unmade) == (Health.GONE, False)
        channel.heal()
        await hall.see("a:ana")
        assert (await handle.wait(10)).counts == {State.DELIVERED: 1}

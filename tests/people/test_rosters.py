"""Reading rosters: page by page, and on from where it ended."""

from __future__ import annotations

import pytest

from recado.domain.reference import Reference
from recado.errors import ChannelError, InvalidInput, UnknownRecipient
from recado.references import References, RosterRead
from recado.telemetry import Telemetry
from recado.testing import FOR_EVER, faults
from recado.testing.calls import Operation
from tests.people.conftest import Hall


async def listed(hall: Hall, team: Reference) -> list[str]:
    """Names on the roster, from every page."""
    names: list[str] = []
    after = None
    while True:
        page = await hall.recado.references.roster(team.id, after=after, limit=300)
        names += [str(each.member.name) for each in page.items]
        if page.next is None:
            return names
        after = page.next


async def test_a_roster_is_read_page_by_page(hall: Hall) -> None:
    """And whoever reads it sees how far it is."""
    made = hall.channel.team("everybody", 1_100)
    team = await hall.join(made)
    told: list[RosterRead] = []
    read = await hall.recado.references.refresh_roster(made.id, progress=told.append)
    assert (read.listed, read.of, read.done) == (1_100, 1_100, True)
    assert [each.listed for each in told] == [500, 1_000, 1_100]
    assert len(await listed(hall, team)) == 1_100
    found = await hall.recado.references.get(team.id)
    assert found.members == ()


async def test_what_a_roster_tells_of_people_is_kept(hall: Hall) -> None:
    """They are found by any of their names, and reachable by being named only."""
    team = await hall.join(hall.channel.team("sales", ["ana"]))
    await hall.recado.references.refresh_roster(team.id)
    (entry,) = (await hall.recado.references.roster(team.id)).items
    assert entry.member.user_id == "29:ana"
    assert (entry.tenant_id, entry.principal_name) == ("tenant-1", "ana@example.com")
    for name in ("29:ana", entry.member.aad_object_id, "Ana@Example.com"):
        assert await hall.recado.store.find_listed("local", str(name)) == (entry, team)
        assert await hall.recado.store.find_listed("other", str(name)) is None
    assert await hall.recado.store.find_references("local", "29:ana") == []


async def test_a_reading_goes_on_where_it_ended(hall: Hall) -> None:
    """What was read is kept, and not asked for again."""
    made = hall.channel.team("everybody", 1_200)
    team = await hall.join(made)

    def no_more(read: RosterRead) -> None:
        if read.listed == 500:
            hall.channel.fail(faults.UNAVAILABLE, operation=Operation.PAGED_MEMBERS, times=FOR_EVER)

    with pytest.raises(ChannelError, match="read on later"):
        await hall.recado.references.refresh_roster(made.id, progress=no_more)
    assert len(await listed(hall, team)) == 500
    hall.channel.heal()
    before = len(hall.asked(Operation.PAGED_MEMBERS))
    read = await hall.recado.references.refresh_roster(made.id)
    assert (read.listed, read.done) == (1_200, True)
    assert len(hall.asked(Operation.PAGED_MEMBERS)) - before == 2
    assert len(await listed(hall, team)) == 1_200


async def test_a_reading_that_cannot_go_on_begins_again(hall: Hall) -> None:
    """The channel may have forgotten where it was."""
    made = hall.channel.team("everybody", 700)
    await hall.join(made)

    def no_more(_: RosterRead) -> None:
        hall.channel.fail(faults.UNAVAILABLE, operation=Operation.PAGED_MEMBERS)

    with pytest.raises(ChannelError):
        await hall.recado.references.refresh_roster(made.id, progress=no_more)
    hall.channel.fail(faults.BAD_ARGUMENT, operation=Operation.PAGED_MEMBERS)
    read = await hall.recado.references.refresh_roster(made.id)
    assert (read.listed, read.done) == (700, True)


async def test_who_has_left_is_on_it_no_longer(hall: Hall) -> None:
    """When it has been read to its end."""
    made = hall.channel.team("sales", ["ana", "ben"])
    team = await hall.join(made)
    await hall.recado.references.refresh_roster(made.id)
    assert await listed(hall, team) == ["Ana", "Ben"]
    room = hall.channel.world.rooms[made.id]
    room.members[:] = [each for each in room.members if each["id"] != "29:ben"]
    await hall.recado.references.refresh_roster(made.id)
    assert await listed(hall, team) == ["Ana"]


async def test_a_group_has_a_roster_too(hall: Hall) -> None:
    """How many are in it, its channel does not tell beforehand."""
    room = hall.channel.group("19:chat@thread.v2", ["ana", "ben"])
    team = await hall.see(room.id, is_group=True, conversation_type="groupChat", members=())
    read = await hall.recado.references.refresh_roster(team.id)
    assert (read.listed, read.of, read.done) == (2, None, True)


async def test_rosters_that_cannot_be_read(hall: Hall, team: Reference) -> None:
    """Say what stands against it."""
    with pytest.raises(UnknownRecipient):
        await hall.recado.references.refresh_roster("19:nowhere")
    alone = References(hall.recado.store, Telemetry())
    with pytest.raises(InvalidInput, match="no channel to ask"):
        await alone.refresh_roster(team.id)
    hall.channel.fail(faults.NOT_IN_ROSTER, operation=Operation.PAGED_MEMBERS)
    with pytest.raises(ChannelError, match="BotNotInConversationRoster"):
        await hall.recado.references.refresh_roster(team.id)

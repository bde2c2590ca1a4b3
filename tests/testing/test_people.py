from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from aiohttp import web

from recado.channel import calls
from recado.testing import BotRefused, FakeConnector, HandClock, SimulatedChannel, person
from recado.testing.people import Receive
from tests.testing.conftest import Bot


class Ear:
    """A bot that only listens.

    Attributes:
        heard: every activity, in order.
        status: what it answers.
    """

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []
        self.status = 200

    async def __call__(self, activity: dict[str, Any]) -> int:
        self.heard.append(activity)
        return self.status


@pytest.fixture
def ear() -> Ear:
    """A bot that only listens."""
    return Ear()


@pytest.fixture
def world(ear: Receive) -> SimulatedChannel:
    """A channel whose people speak to it."""
    return SimulatedChannel(HandClock(), bot=ear)


async def test_an_introduction(world: SimulatedChannel, ear: Ear) -> None:
    """The bot hears who was added, where, and under which service URL."""
    ana = world.person("ana")
    await world.introduce(ana)
    (heard,) = ear.heard
    assert heard["type"] == "conversationUpdate"
    assert [each["id"] for each in heard["membersAdded"]] == ["29:ana", "28:bot"]
    assert heard["serviceUrl"] == world.url
    assert heard["conversation"]["id"] == ana.id == "a:ana"
    assert heard["channelData"] == {"tenant": {"id": "tenant-1"}}
    assert heard["from"]["id"] == "29:ana"
    assert heard["recipient"]["id"] == "28:bot"


async def test_saying_something(world: SimulatedChannel, ear: Ear) -> None:
    """A name is enough; ids differ, and a field can be another."""
    await world.say("ana", "hi")
    await world.say("ana", "again", locale="es")
    first, second = ear.heard
    assert (first["text"], second["text"], second["locale"]) == ("hi", "again", "es")
    assert first["conversation"] == second["conversation"]
    assert first["id"] != second["id"]


async def test_a_bot_that_refuses(world: SimulatedChannel, ear: Ear) -> None:
    """Is an error, with what it answered."""
    ear.status = 401
    with pytest.raises(BotRefused) as refused:
        await world.say("ana", "hi")
    assert refused.value.status == 401


async def test_nobody_said_where_the_bot_is() -> None:
    """Then nobody can speak to it."""
    with pytest.raises(ValueError, match="where the bot is"):
        await SimulatedChannel(HandClock()).say("ana", "hi")


async def test_over_http(ear: Ear) -> None:
    """Activities are posted to where bots take them."""

    async def take(request: web.Request) -> web.Response:
        return web.Response(status=await ear(await request.json()), text="no")

    app = web.Application()
    app.router.add_post("/api/messages", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        async with FakeConnector(bot=url) as channel:
            assert await channel.say("ana", "hi") == 200
            assert ear.heard[0]["serviceUrl"] == channel.url
            ear.status = 500
            with pytest.raises(BotRefused, match="500"):
                await channel.say("ana", "hi", bot=f"{url}/")
    finally:
        await runner.cleanup()


async def test_blocked_uninstalled_and_back(channel: FakeConnector, bot: Bot, ear: Ear) -> None:
    """A block is only seen, an uninstallation is told; both end."""
    ana = channel.person("ana")
    channel.block(ana)
    assert (await bot.say(ana.id))[0] == 403
    channel.unblock(ana)
    assert (await bot.say(ana.id))[0] == 201
    assert ear.heard == []
    await channel.uninstall(ana, ear)
    status, told = await bot.say(ana.id)
    assert (status, told["error"]["code"]) == (403, "BotNotInConversationRoster")
    create = {"isGroup": False, "members": [{"id": "29:ana"}], "tenantId": "tenant-1"}
    status, told = await bot.ask("POST", "conversations", json=create)
    assert (status, told["error"]["code"]) == (403, "ForbiddenOperationException")
    await channel.install(ana, ear)
    assert (await bot.say(ana.id))[0] == 201
    assert (await bot.ask("POST", "conversations", json=create))[0] == 201
    assert [each["action"] for each in ear.heard] == ["remove", "add"]


async def test_removed_from_a_channel(channel: FakeConnector, bot: Bot, ear: Ear) -> None:
    """The bot is not wanted in its threads either; a person who left is out of the roster."""
    team = channel.team("Sales", ["ana", "ben"])
    await channel.remove_member(team.id, "29:ana", ear)
    _, members = await bot.ask("GET", "conversations", team.id, "members")
    assert [each["id"] for each in members] == ["29:ben"]
    assert (await bot.say(f"{team.id};messageid=1"))[0] == 201
    await channel.remove_member(team.id, "28:bot", ear)
    assert (await bot.say(f"{team.id};messageid=1"))[0] == 403
    assert [each["membersRemoved"][0]["id"] for each in ear.heard] == ["29:ana", "28:bot"]


async def test_the_typed_calls(world: SimulatedChannel) -> None:
    """Recado's own functions for rosters and teams understand it."""
    at = calls.Endpoint(bot="local", channel="msteams", service_url=world.url)
    team = world.team("Sales", 120, channels=["News"])
    made = await calls.create_conversation(world, at, user_id="29:ana", tenant_id="t")
    assert isinstance(made, calls.CreatedConversation)
    sizes = []
    async for page in calls.members_pages(world, at, team.id, page_size=50):
        assert isinstance(page, calls.MembersPage)
        sizes.append(len(page.members))
    assert sizes == [50, 50, 20]
    details = await calls.team_details(world, at, team.id)
    assert isinstance(details, calls.TeamDetails)
    assert details.name == "Sales"
    assert isinstance(await calls.member(world, at, team.id, "29:nobody"), calls.CallFailed)


def test_a_person_has_what_teams_tells() -> None:
    """The same each time, whatever is not given."""
    assert person("29:ana") == person("29:ana")
    assert person("29:ana")["email"] == "ana@example.com"
    assert person("29:ana", email="ana@contoso.com")["email"] == "ana@contoso.com"
    assert person("29:ana")["aadObjectId"] != person("29:ben")["aadObjectId"]


async def test_requests_of_any_kind_of_client(channel: FakeConnector) -> None:
    """In chunks, with a token, and one after another on a connection."""

    async def chunks() -> Any:
        yield b'{"type":"mess'
        yield b'age","text":"in chunks"}'

    url = f"{channel.url}v3/conversations/a:1/activities"
    async with aiohttp.ClientSession() as session:
        for _ in range(2):
            headers = {"Authorization": "Bearer secret"}
            async with session.post(url, data=chunks(), headers=headers) as answer:
                assert answer.status == 201
        async with session.post(url, data=b"{", headers={"Connection": "close"}) as answer:
            assert answer.status == 400
    assert channel.texts["a:1"] == ["in chunks"] * 2
    assert channel.requests[0].asked.token == "secret"

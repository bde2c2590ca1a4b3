"""The Connector's other calls against raw sockets: what is asked, and what is made of answers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from recado.channel.calls import (
    CallFailed,
    CreatedConversation,
    Endpoint,
    MembersPage,
    TeamChannel,
    TeamDetails,
    create_conversation,
    create_thread,
    member,
    members_pages,
    team_channels,
    team_details,
)
from recado.channel.connector import ConnectorChannel, ConnectorSettings
from recado.channel.hosts import HostRules
from recado.channel.port import Call
from recado.domain.policy import Answer, Failure
from recado.domain.reference import Member
from recado.domain.roster import RosterMember
from tests.channel.wire import (
    FixedTokens,
    Server,
    channel,
    http,
    replies,
    serving,
    silence,
    told,
    unused_port,
)

pytestmark = pytest.mark.timeout(30)

ANA = {
    "id": "29:ana",
    "name": "Ana",
    "aadObjectId": "6f1e",
    "email": "ana@contoso.example",
    "userPrincipalName": "ana.g@contoso.example",
    "tenantId": "tenant-1",
    "role": "user",
}
ANA_READ = RosterMember(
    member=Member(user_id="29:ana", name="Ana", aad_object_id="6f1e", email="ana@contoso.example"),
    tenant_id="tenant-1",
    principal_name="ana.g@contoso.example",
)
TEAM = "19:general@thread.tacv2"


def at(server: Server | str, **changes: Any) -> Endpoint:
    """Where calls to *server* go."""
    url = server if isinstance(server, str) else server.url
    return Endpoint(**({"bot": "bot", "channel": "msteams", "service_url": url} | changes))


def call(server: Server | str, **changes: Any) -> Call:
    """A call to *server*; a test says only what is special about it."""
    url = server if isinstance(server, str) else server.url
    told: dict[str, Any] = {"bot": "bot", "channel": "msteams", "service_url": url}
    return Call(**(told | {"method": "GET", "path": ("v3", "conversations")} | changes))


async def pages(
    connector: ConnectorChannel, server: Server, **more: Any
) -> list[MembersPage | CallFailed]:
    """Every page of the team's roster."""
    return [page async for page in members_pages(connector, at(server), TEAM, **more)]


class TestCall:
    async def test_every_part_and_value_is_encoded(self) -> None:
        async with serving(replies(told([]))) as server, channel() as connector:
            path = ("v3", "conversations", "a/b;c=1", "members", "29:ñ?")
            query = (("continuationToken", "a+b/c=&d"), ("pageSize", "50"))
            reply = await connector.call(call(f"{server.url}/t/", path=path, query=query))
        assert reply.answer == Answer(status=200)
        assert reply.body == []
        assert server.requests[0].line == (
            b"GET /t/v3/conversations/a%2Fb%3Bc%3D1/members/29%3A%C3%B1%3F"
            b"?continuationToken=a%2Bb%2Fc%3D%26d&pageSize=50 HTTP/1.1"
        )
        assert "content-type" not in server.requests[0].headers

    async def test_a_refused_token_is_replaced_once(self) -> None:
        async with (
            serving(replies(http(401, b""), told({"id": "1"}))) as server,
            channel(tokens=FixedTokens("old", "new")) as connector,
        ):
            reply = await connector.call(call(server))
        assert reply.body == {"id": "1"}
        assert reply.answer.activity_id is None
        used = [request.headers["authorization"] for request in server.requests]
        assert used == ["Bearer old", "Bearer new"]

    async def test_no_token_goes_to_a_forbidden_host(self) -> None:
        tokens = FixedTokens("t")
        async with serving() as server, channel(tokens=tokens, rules=HostRules()) as connector:
            reply = await connector.call(call(server))
        assert reply.answer.failure is Failure.FORBIDDEN
        assert (tokens.asked, server.connections) == ([], 0)

    @pytest.mark.parametrize(
        "changes",
        [
            {"path": ("v3", "..")},
            {"path": ("v3", "")},
            {"path": ("\ud800",)},
            {"query": (("a", "\ud800"),)},
        ],
    )
    async def test_what_no_url_can_hold_is_refused(self, changes: dict[str, Any]) -> None:
        async with serving() as server, channel() as connector:
            reply = await connector.call(call(server, **changes))
        assert reply.answer.failure is Failure.FORBIDDEN
        assert server.connections == 0

    async def test_an_error_is_read_like_that_of_an_activity(self) -> None:
        body = b'{"error":{"code":"Throttled","message":"Slow down"}}'
        answer = http(429, body, b"Retry-After: 3")
        async with serving(replies(answer)) as server, channel() as connector:
            reply = await connector.call(call(server))
        assert reply.answer == Answer(
            status=429, code="Throttled", message="Slow down", retry_after=3.0
        )
        assert reply.body is None

    async def test_a_page_larger_than_an_activity_is_read_and_a_larger_one_is_not(self) -> None:
        settings = ConnectorSettings(call_limit=1_000_000)
        page = told({"members": ["x" * 900_000]})
        async with (
            serving(replies(page, told({"members": ["x" * 1_000_000]}))) as server,
            channel(settings) as connector,
        ):
            assert (await connector.call(call(server))).body == {"members": ["x" * 900_000]}
            reply = await connector.call(call(server))
            assert (reply.answer.ok, reply.body) == (True, None)
            assert "1,000,000 bytes" in (reply.answer.message or "")

    async def test_nothing_is_raised_for_a_network_that_fails(self) -> None:
        async with serving(silence) as server:
            async with channel(ConnectorSettings(total_timeout=0.2)) as connector:
                late = await connector.call(call(server))
            with unused_port() as url:
                async with channel() as connector:
                    refused = await connector.call(call(url))
        assert late.answer.failure is Failure.AMBIGUOUS
        assert refused.answer.failure is Failure.NOT_SENT


class TestCreate:
    async def test_a_private_conversation_is_asked_for_without_an_activity(self) -> None:
        answer = told({"id": "a:1"}, 201)
        async with serving(replies(answer)) as server, channel() as connector:
            created = await create_conversation(
                connector,
                at(server),
                user_id="29:ana",
                tenant_id="tenant-1",
                bot={"id": "28:bot"},
            )
            assert created == CreatedConversation(id="a:1", service_url=server.url)
        (request,) = server.requests
        assert request.line == b"POST /v3/conversations HTTP/1.1"
        assert json.loads(request.body) == {
            "isGroup": False,
            "bot": {"id": "28:bot"},
            "members": [{"id": "29:ana"}],
            "tenantId": "tenant-1",
            "channelData": {"tenant": {"id": "tenant-1"}},
        }

    async def test_what_is_not_known_is_left_out(self) -> None:
        answer = told({"id": "1", "serviceUrl": "https://eu.example/"}, 201)
        async with serving(replies(answer)) as server, channel() as connector:
            created = await create_conversation(connector, at(server), user_id="ana")
        assert created == CreatedConversation(id="1", service_url="https://eu.example/")
        body = json.loads(server.requests[0].body)
        assert body == {"isGroup": False, "members": [{"id": "ana"}]}

    async def test_a_thread_begins_with_its_first_activity(self) -> None:
        thread = f"{TEAM};messageid=17"
        answer = told({"id": thread, "activityId": "17"}, 201)
        async with serving(replies(answer)) as server, channel() as connector:
            created = await create_thread(
                connector,
                at(server),
                channel_id=TEAM,
                activity={"type": "message", "text": "¡Hola!"},
                tenant_id="tenant-1",
                bot={"id": "28:bot"},
            )
            assert created == CreatedConversation(
                id=thread, service_url=server.url, activity_id="17"
            )
        assert json.loads(server.requests[0].body) == {
            "isGroup": True,
            "channelData": {"channel": {"id": TEAM}, "tenant": {"id": "tenant-1"}},
            "activity": {"type": "message", "text": "¡Hola!"},
            "bot": {"id": "28:bot"},
            "tenantId": "tenant-1",
        }

    async def test_a_refusal_comes_back_with_its_evidence(self) -> None:
        body = {"error": {"code": "BadSyntax", "message": "Incorrect parameters"}}
        async with serving(replies(told(body, 400))) as server, channel() as connector:
            created = await create_conversation(connector, at(server), user_id="29:ana")
        answer = Answer(status=400, code="BadSyntax", message="Incorrect parameters")
        assert created == CallFailed(answer=answer)

    @pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"not json", b'{"id":7}', b'{"id":""}'])
    async def test_a_success_without_an_id_is_none(self, body: bytes) -> None:
        async with serving(replies(http(201, body))) as server, channel() as connector:
            created = await create_conversation(connector, at(server), user_id="29:ana")
        assert isinstance(created, CallFailed)
        assert created.answer == Answer(status=201)
        assert created.reason == "The channel agreed, and its answer is not a conversation."


class TestMembers:
    async def test_all_pages_are_read_in_order(self) -> None:
        first = told({"members": [ANA], "continuationToken": "next/1"})
        last = told({"members": [{"id": "29:bo", "objectId": "77"}, {"name": "no id"}, None]})
        async with serving(replies(first, last)) as server, channel() as connector:
            bo = RosterMember(member=Member(user_id="29:bo", aad_object_id="77"))
            assert await pages(connector, server) == [
                MembersPage(members=(ANA_READ,), continuation="next/1"),
                MembersPage(members=(bo,)),
            ]
        path = "/v3/conversations/19%3Ageneral%40thread.tacv2/pagedmembers?pageSize=500"
        asked = [request.path for request in server.requests]
        assert asked == [path, f"{path}&continuationToken=next%2F1"]

    @pytest.mark.parametrize(("wanted", "asked"), [(1, "50"), (200, "200"), (9_999, "500")])
    async def test_a_page_has_a_size_that_teams_allows(self, wanted: int, asked: str) -> None:
        async with serving(replies(told({"members": []}))) as server, channel() as connector:
            await pages(connector, server, page_size=wanted, continuation="here")
        assert server.requests[0].path.endswith(f"?pageSize={asked}&continuationToken=here")

    async def test_a_failure_is_the_last_item_and_one_goes_on_from_the_page_before(self) -> None:
        first = told({"members": [ANA], "continuationToken": "2"})
        rest = told({"members": []})
        async with (
            serving(replies(first, http(503, b""), rest)) as server,
            channel() as connector,
        ):
            read = await pages(connector, server)
            assert read[1:] == [CallFailed(answer=Answer(status=503))]
            assert await pages(connector, server, continuation="2") == [MembersPage(members=())]

    async def test_a_channel_that_repeats_itself_is_not_asked_for_ever(self) -> None:
        again = told({"members": [], "continuationToken": "same"})
        async with serving(replies(again)) as server, channel() as connector:
            read = await pages(connector, server)
        assert len(server.requests) == 2
        assert isinstance(read[-1], CallFailed)
        assert read[-1].reason == "The channel repeats the same page."

    async def test_a_page_too_large_to_be_read_says_so(self) -> None:
        settings = ConnectorSettings(call_limit=100)
        answer = told({"members": [ANA]})
        async with serving(replies(answer)) as server, channel(settings) as connector:
            (read,) = await pages(connector, server)
        assert isinstance(read, CallFailed)
        assert "100 bytes" in (read.reason or "")

    async def test_one_member(self) -> None:
        answers = replies(told(ANA), http(404, b""))
        async with serving(answers) as server, channel() as connector:
            assert await member(connector, at(server), TEAM, "29:ana") == ANA_READ
            gone = await member(connector, at(server), TEAM, "29:ana")
        assert gone == CallFailed(answer=Answer(status=404))
        assert server.requests[0].path.endswith("/members/29%3Aana")


class TestTeams:
    async def test_details(self) -> None:
        team = {"id": TEAM, "name": "Ops", "aadGroupId": "9c", "channelCount": 3, "memberCount": 8}
        async with serving(replies(told(team))) as server, channel() as connector:
            assert await team_details(connector, at(server), TEAM) == TeamDetails(
                id=TEAM, name="Ops", aad_group_id="9c", channel_count=3, member_count=8
            )
        assert server.requests[0].path == "/v3/teams/19%3Ageneral%40thread.tacv2"

    async def test_channels(self) -> None:
        listed = {"conversations": [{"id": TEAM, "name": None}, {"id": "19:b", "name": "B"}, 7]}
        async with serving(replies(told(listed), told([]))) as server, channel() as connector:
            found = await team_channels(connector, at(server), TEAM)
            assert found == (TeamChannel(id=TEAM), TeamChannel(id="19:b", name="B"))
            assert isinstance(await team_channels(connector, at(server), TEAM), CallFailed)
        assert server.requests[0].path.endswith("/conversations")

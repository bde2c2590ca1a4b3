"""The messages endpoint: what reaches the adapter, and what does not."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from fastapi import Request, Response
from microsoft_agents.authentication.msal import MsalConnectionManager
from microsoft_agents.hosting.core import Agent, TurnContext
from microsoft_agents.hosting.fastapi import CloudAdapter

from recado.config import sdk_configuration
from recado.errors import StoreUnavailable
from tests.web.conftest import Connect, World, assert_problem

SERVICE_URL = "https://smba.trafficmanager.net/emea/"


def activity(**changes: Any) -> dict[str, Any]:
    """A message to the bot, but for what *changes* says; `...` leaves a field out."""
    told = {
        "type": "message",
        "id": "1",
        "channelId": "msteams",
        "serviceUrl": SERVICE_URL,
        "conversation": {"id": "a:1"},
        "from": {"id": "29:ana", "name": "Ana"},
        "recipient": {"id": "28:bot"},
        "text": "run",
    } | changes
    return {name: value for name, value in told.items() if value is not ...}


class Adapter:
    """Stands for the bot's adapter."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.error: Exception | None = None

    async def __call__(self, request: Request) -> Response:
        self.got.append(await request.json())
        if self.error is not None:
            raise self.error
        return Response(status_code=202)


@pytest.fixture
def adapter() -> Adapter:
    """The adapter of the served bot."""
    return Adapter()


@pytest.fixture
def client(connect: Connect, adapter: Adapter) -> httpx.AsyncClient:
    """A channel of a bot without credentials."""
    return connect(process=adapter)


async def test_an_activity_reaches_the_adapter(client: httpx.AsyncClient, adapter: Adapter) -> None:
    """As it was sent, unknown fields included."""
    sent = activity(channelData={"tenant": {"id": "t"}, "x": None}, extra=1)
    answer = await client.post("/api/messages", json=sent)
    assert answer.status_code == 202
    assert adapter.got == [sent]


async def test_nulls_are_as_good_as_nothing(client: httpx.AsyncClient, adapter: Adapter) -> None:
    """Some channels write every field."""
    answer = await client.post("/api/messages", json=activity(replyToId=None, attachments=None))
    assert answer.status_code == 202
    assert "attachments" not in adapter.got[0]


@pytest.mark.parametrize("recipient", [..., None, {}, {"name": "Bot"}])
async def test_a_missing_recipient_is_the_bot(
    client: httpx.AsyncClient, adapter: Adapter, recipient: Any
) -> None:
    """Some Direct Line servers leave it out, and the SDK answers 500 then."""
    answer = await client.post("/api/messages", json=activity(recipient=recipient))
    assert answer.status_code == 202
    assert adapter.got[0]["recipient"]["id"] == "bot"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"type": ...}, "type"),
        ({"type": ""}, "type"),
        ({"type": 5}, "type"),
        ({"channelId": ...}, "channelId"),
        ({"channelId": " "}, "channelId"),
        ({"serviceUrl": ...}, "serviceUrl"),
        ({"serviceUrl": None}, "serviceUrl"),
        ({"serviceUrl": {}}, "serviceUrl"),
        ({"conversation": ...}, "conversation"),
        ({"conversation": "a:1"}, "conversation"),
        ({"conversation": {}}, "conversation"),
        ({"conversation": {"id": ""}}, "conversation"),
        ({"conversation": {"id": 7}}, "conversation"),
        ({"from": "ana"}, "from"),
        ({"from": {"id": 5}}, "from"),
        ({"recipient": []}, "recipient"),
        ({"text": {"a": 1}}, "text"),
        ({"membersAdded": {}}, "membersAdded"),
        ({"membersAdded": ["ana"]}, "membersAdded"),
        ({"attachments": "x"}, "attachments"),
        ({"entities": [1]}, "entities"),
        ({"timestamp": "yesterday"}, "timestamp"),
        ({"channelId": ":"}, "channelId"),
        (
            {"channelId": "msteams:A", "entities": [{"type": "ProductInfo", "id": "B"}]},
            "activity",
        ),
    ],
    ids=str,
)
async def test_what_is_no_activity_is_refused_by_field(
    client: httpx.AsyncClient, adapter: Adapter, changes: dict[str, Any], named: str
) -> None:
    """4xx with the field's name, and the bot does not run."""
    answer = await client.post("/api/messages", json=activity(**changes))
    assert 400 <= answer.status_code < 500
    problem = assert_problem(answer, 422, answer.json()["code"])
    assert named in problem["detail"]
    assert adapter.got == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"hello",
        b"\xff\xfe",
        b'{"type": NaN}',
        b'{"value": 1e999}',
        b'{"text": "\\ud800"}',
        b"[" * 10_000 + b"]" * 10_000,
        b'{"value": ' + b"9" * 10_000 + b"}",
        b'{"a": 1} {"b": 2}',
    ],
    ids=lambda body: body[:12],
)
async def test_malformed_json_is_refused(
    client: httpx.AsyncClient, adapter: Adapter, body: bytes
) -> None:
    """Whatever is wrong with it."""
    answer = await client.post(
        "/api/messages", content=body, headers={"Content-Type": "application/json"}
    )
    assert_problem(answer, 400, "malformed_json")
    assert adapter.got == []


@pytest.mark.parametrize("body", ["[]", '"text"', "5", "null", "true"])
async def test_other_json_is_no_activity(client: httpx.AsyncClient, body: str) -> None:
    """An activity is an object."""
    headers = {"Content-Type": "application/json"}
    answer = await client.post("/api/messages", content=body, headers=headers)
    assert_problem(answer, 422, "invalid_activity")


@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded", ""])
async def test_an_activity_says_that_it_is_json(
    client: httpx.AsyncClient, kind: str | None
) -> None:
    """A page of another site can send the other kinds without being asked by the browser."""
    headers = {} if kind is None else {"Content-Type": kind}
    body = json.dumps(activity()).encode()
    answer = await client.post("/api/messages", content=body, headers=headers)
    assert_problem(answer, 415, "unsupported_media_type")


@pytest.mark.parametrize(
    "kind", ["application/json", "application/json; charset=utf-8", "application/vnd.x+json"]
)
async def test_json_has_several_names(client: httpx.AsyncClient, kind: str) -> None:
    """With parameters, with a suffix; a byte order mark is skipped."""
    answer = await client.post(
        "/api/messages",
        content=b"\xef\xbb\xbf" + json.dumps(activity()).encode(),
        headers={"Content-Type": kind},
    )
    assert answer.status_code == 202


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/",
        "http://smba.trafficmanager.net/emea/",
        "https://smba.trafficmanager.net.evil.example/",
        "https://x.trafficmanager.net/",
        "file:///etc/passwd",
        "smba",
        "https://smba.trafficmanager.net:8443/",
    ],
)
async def test_a_service_url_that_must_not_get_a_token_is_refused(
    client: httpx.AsyncClient, adapter: Adapter, url: str
) -> None:
    """Before anything is stored that a message could be sent to."""
    answer = await client.post("/api/messages", json=activity(serviceUrl=url))
    assert_problem(answer, 403, "forbidden_service_url")
    assert adapter.got == []


async def test_a_loopback_service_url_is_for_demo_mode(connect: Connect, adapter: Adapter) -> None:
    """The Emulator's and the Playground's."""
    sent = activity(serviceUrl="http://localhost:56150/_connector")
    refused = await connect(process=adapter).post("/api/messages", json=sent)
    assert_problem(refused, 403, "forbidden_service_url")
    taken = await connect(process=adapter, demo=True).post("/api/messages", json=sent)
    assert taken.status_code == 202


@pytest.mark.parametrize("method", ["HEAD", "GET", "PUT", "DELETE"])
async def test_other_methods_are_answered_quickly(client: httpx.AsyncClient, method: str) -> None:
    """The Playground probes with HEAD."""
    answer = await client.request(method, "/api/messages")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"


async def test_without_a_bot_there_is_no_messages_endpoint(connect: Connect) -> None:
    """A process that only delivers takes no activities."""
    assert_problem(await connect().post("/api/messages", json=activity()), 404, "not_found")


async def test_a_turn_that_raises_is_a_server_error(
    client: httpx.AsyncClient, adapter: Adapter
) -> None:
    """So that the channel sends the activity again."""
    adapter.error = RuntimeError("the bot's own secret")
    answer = await client.post("/api/messages", json=activity())
    assert_problem(answer, 500, "unexpected")
    assert "secret" not in answer.text


async def test_a_reference_that_cannot_be_stored_is_a_503(
    client: httpx.AsyncClient, adapter: Adapter
) -> None:
    """A new reference is committed before its turn runs, or the activity is not taken."""
    adapter.error = StoreUnavailable("The database is locked.")
    answer = await client.post("/api/messages", json=activity())
    assert_problem(answer, 503, "store_unavailable")


class Echo(Agent):
    """A bot of the SDK that notes its turns."""

    def __init__(self) -> None:
        self.turns: list[TurnContext] = []

    async def on_turn(self, context: Any) -> None:
        self.turns.append(context)


async def test_the_sdk_adapter_reads_the_request(world: World, connect: Connect) -> None:
    """The real adapter, with the filled-in activity and the anonymous identity."""
    echo = Echo()
    connections = MsalConnectionManager(**sdk_configuration(None))
    adapter = CloudAdapter(connection_manager=connections)

    async def process(request: Request) -> Response:
        answer = await adapter.process(request, echo)
        assert answer is not None
        return answer

    client = connect(process=process)
    answer = await client.post("/api/messages", json=activity(recipient=...))
    assert answer.status_code == 202, answer.text
    (turn,) = echo.turns
    assert turn.activity.text == "run"
    assert turn.activity.recipient is not None
    assert turn.activity.recipient.id == "bot"

"""The outer door: hosts, other sites' pages, sizes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send

from recado.web.guard import BODY_LIMIT, Guard, GuardRules
from tests.web.conftest import KEY, Connect, World, assert_problem, settings

EXPOSED = {
    "MicrosoftAppId": "app",
    "MicrosoftAppPassword": "secret",
    "RECADO_API_KEYS": KEY,
    "RECADO_HOST": "0.0.0.0",
}


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:3978", "LOCALHOST:1", "127.0.0.1", "127.0.0.1:8080", "[::1]:3978"],
)
async def test_this_machine_is_answered(client: httpx.AsyncClient, host: str) -> None:
    """Under each of its names, on any port: a tunnel may use another one."""
    assert (await client.get("/api/jobs", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:3978",
        "localhost.evil.example",
        "localhost@evil.example",
        "evil.example@localhost",
        "0.0.0.0:3978",
        "localhost.",
        "[::1",
        "10.0.0.1",
    ],
)
async def test_other_hosts_are_not_answered(client: httpx.AsyncClient, host: str) -> None:
    """A page that rebinds its name to 127.0.0.1 still says its own name."""
    assert_problem(await client.get("/api/jobs", headers={"Host": host}), 421, "unknown_host")


async def test_a_request_names_one_host(client: httpx.AsyncClient) -> None:
    """Two could be read differently by a proxy and by us."""
    answer = await client.get("/healthz", headers=[("Host", "localhost"), ("Host", "evil.example")])
    assert_problem(answer, 400, "bad_host")


async def test_a_public_name_is_answered_when_it_is_configured(connect: Connect) -> None:
    """Behind a proxy the server is known by another name, and by no third one."""
    env = {**EXPOSED, "RECADO_HOST": "127.0.0.1", "RECADO_PUBLIC_URL": "https://bot.example.com"}
    client = connect(env, key=KEY)
    for host in ("bot.example.com", "Bot.Example.com:443", "localhost"):
        assert (await client.get("/api/jobs", headers={"Host": host})).status_code == 200
    assert_problem(
        await client.get("/api/jobs", headers={"Host": "x.example"}), 421, "unknown_host"
    )


async def test_an_exposed_server_answers_any_name(connect: Connect) -> None:
    """Keys protect it, and names of clusters and load balancers cannot be known."""
    answer = await connect(EXPOSED, key=KEY).get("/api/jobs", headers={"Host": "recado.cluster"})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:5000"},
        {"Origin": "http://localhost:3978.evil.example"},
        {"Referer": "http://evil.example/page"},
    ],
    ids=lambda headers: "-".join(headers.values()),
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_other_sites_pages_cannot_notify(
    delivering: World, connect: Connect, method: str, headers: dict[str, str]
) -> None:
    """Not with an image tag, not with a form, not from another port of this machine."""
    await delivering.knows("a:1")
    client = connect(demo=True)
    answer = await client.request(method, "/api/notify", headers=headers, content="hi")
    assert_problem(answer, 403, "cross_site")
    assert await delivering.accepted() == 0


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost:3978"},
        {"Referer": "http://localhost:3978/"},
    ],
    ids=["program", "typed", "own page", "old browser"],
)
async def test_programs_people_and_own_pages_can_notify(
    delivering: World, connect: Connect, headers: dict[str, str]
) -> None:
    """What is meant to work does."""
    await delivering.knows("a:1")
    answer = await connect(demo=True).get("/api/notify", headers=headers)
    assert answer.status_code == 200


# -- tunnels, proxies, other machines ------------------------------------------------------------

#: Of documentation (RFC 5737, RFC 3849): nobody's.
ELSEWHERE = ["192.0.2.7", "2001:db8::7", "::ffff:192.0.2.7", "10.0.0.5", "testclient", ""]


@pytest.mark.parametrize("peer", ELSEWHERE)
@pytest.mark.parametrize("path", ["/api/jobs", "/healthz", "/v3/directline/conversations"])
async def test_other_machines_are_not_answered_by_a_local_server(
    connect: Connect, peer: str, path: str
) -> None:
    """Somebody bound it to another interface than its settings say."""
    problem = assert_problem(await connect(peer=peer).get(path), 403, "not_exposed")
    assert "RECADO_PUBLIC_URL" in problem["detail"]
    assert "another machine" in problem["detail"]


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"])
async def test_this_machine_has_many_addresses(connect: Connect, peer: str) -> None:
    """All of them are answered."""
    assert (await connect(peer=peer).get("/api/jobs")).status_code == 200


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Forwarded", "for=192.0.2.7;host=bot.example.com"),
        ("X-Forwarded-For", "192.0.2.7"),
        ("X-Forwarded-For", "127.0.0.1"),
        ("x-forwarded-host", "bot.example.com"),
    ],
)
async def test_a_tunnel_in_front_of_a_local_server_is_refused(
    delivering: World, connect: Connect, name: str, value: str
) -> None:
    """It says localhost as its Host, and would open everything to everybody."""
    await delivering.knows("a:1")
    for flags in ({"demo": True}, {}):
        client = connect(**flags)
        for method in ("GET", "POST"):
            answer = await client.request(
                method, "/api/notify?to=all", headers={name: value}, content="hi"
            )
            problem = assert_problem(answer, 403, "not_exposed")
            for told in ("tunnel or proxy", "RECADO_PUBLIC_URL", "RECADO_API_KEYS", "credentials"):
                assert told in problem["detail"]
    assert await delivering.accepted() == 0


async def test_an_exposed_server_is_reached_from_elsewhere(connect: Connect) -> None:
    """Directly, or through the proxy it was told about."""
    behind = {**EXPOSED, "RECADO_HOST": "127.0.0.1", "RECADO_PUBLIC_URL": "https://bot.example.com"}
    for env in (EXPOSED, behind):
        client = connect(env, key=KEY, peer="192.0.2.7")
        answer = await client.get(
            "/api/jobs", headers={"Host": "bot.example.com", "X-Forwarded-For": "192.0.2.7"}
        )
        assert answer.status_code == 200, answer.text


async def test_a_proxy_on_this_machine_serves_this_machine(connect: Connect) -> None:
    """When it was told about; whom it serves is in the scope, where the web server puts it."""
    env = {"RECADO_PUBLIC_URL": "http://localhost:8080"}
    for peer, status in (("127.0.0.1", 200), ("192.0.2.7", 403)):
        answer = await connect(env, peer=peer).get("/api/jobs", headers={"X-Forwarded-For": peer})
        assert answer.status_code == status, answer.text


async def test_a_public_origin_is_ours(connect: Connect) -> None:
    """A proxy may call the server by its inner name; the browser says the public one."""
    env = {**EXPOSED, "RECADO_HOST": "127.0.0.1", "RECADO_PUBLIC_URL": "https://bot.example.com"}
    client = connect(env, key=KEY)
    for origin, status in (("https://bot.example.com", 200), ("https://x.example.com", 403)):
        answer = await client.get("/api/jobs", headers={"Origin": origin})
        assert answer.status_code == status


async def test_direct_line_checks_origins_itself(client: httpx.AsyncClient) -> None:
    """Its router answers pages of other origins, so it decides which; hosts are checked here."""
    foreign = {"Origin": "http://localhost:5000", "Sec-Fetch-Site": "cross-site"}
    answer = await client.get("/v3/directline/conversations/x", headers=foreign)
    assert_problem(answer, 404, "not_found")
    for path in ("/v3/directlineX", "/v3/conversations/x/members"):
        assert_problem(await client.get(path, headers=foreign), 403, "cross_site")
    foreign["Host"] = "evil.example"
    assert_problem(
        await client.get("/v3/directline/conversations/x", headers=foreign), 421, "unknown_host"
    )


async def test_a_declared_body_over_the_limit_is_not_read(client: httpx.AsyncClient) -> None:
    """Whatever route it is for."""
    answer = await client.post("/api/notify", content=b"x" * (BODY_LIMIT + 1))
    assert_problem(answer, 413, "request_too_large")


async def test_a_chunked_body_over_the_limit_is_not_read(client: httpx.AsyncClient) -> None:
    """A body that does not say how long it is is stopped when it is too long."""
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1
            yield b"x" * 65_536

    answer = await client.post("/api/notify", content=endless())
    assert_problem(answer, 413, "request_too_large")
    assert sent * 65_536 <= BODY_LIMIT + 2 * 65_536


async def test_a_chunked_body_within_the_limit_arrives(world: World, connect: Connect) -> None:
    """Chunks are put together and handed on."""
    await world.knows("a:1")

    async def chunks() -> AsyncIterator[bytes]:
        for part in ("he", "l", "lo"):
            yield part.encode()

    answer = await connect().post(
        "/api/notify?to=all", content=chunks(), headers={"Content-Type": "text/plain"}
    )
    assert answer.status_code == 202


async def test_answers_cannot_be_framed_or_sniffed(client: httpx.AsyncClient) -> None:
    """And set no cookies."""
    answer = await client.get("/healthz")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert "set-cookie" not in answer.headers


class Reached:
    """An application that notes what got through to it."""

    def __init__(self) -> None:
        self.scopes: list[Scope] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scopes.append(scope)


async def through_guard(
    client: tuple[str, int] | None = None, **headers: str
) -> tuple[Reached, list[Message]]:
    """What reached the application of a WebSocket handshake, and what was answered."""
    reached = Reached()
    sent: list[Message] = []
    incoming: asyncio.Queue[Message] = asyncio.Queue()
    incoming.put_nowait({"type": "websocket.connect"})

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "websocket",
        "path": "/chat",
        "client": client,
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    await Guard(reached, GuardRules.of(settings()))(scope, incoming.get, send)
    return reached, sent


async def test_websockets_are_guarded_too() -> None:
    """Browsers let any page open one, so Host and Origin are all there is."""
    reached, sent = await through_guard(host="localhost:1", origin="http://localhost:1")
    assert (len(reached.scopes), sent) == (1, [])
    foreign: list[dict[str, Any]] = [
        {"host": "evil.example"},
        {"host": "localhost", "origin": "http://evil"},
        {"host": "localhost", "x-forwarded-for": "127.0.0.1"},
        {"host": "localhost", "client": ("192.0.2.7", 1)},
    ]
    for told in foreign:
        reached, sent = await through_guard(**told)
        assert not reached.scopes
        assert [message["type"] for message in sent] == ["websocket.close"]

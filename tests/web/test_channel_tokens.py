"""Tokens of channels: real RS256 keys, a key set served where the SDK fetches it."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from fastapi import Request, Response
from jwt.algorithms import RSAAlgorithm
from jwt.exceptions import PyJWKClientConnectionError
from microsoft_agents.hosting.core.authorization import JwtTokenValidator

from tests.web.conftest import Connect, assert_problem

APP_ID = "11111111-2222-3333-4444-555555555555"
OTHER_APP = "99999999-2222-3333-4444-555555555555"
SERVICE_URL = "https://smba.trafficmanager.net/emea/"
CHANNEL_ISSUER = "https://api.botframework.com"
#: Microsoft's own tenant, in which every multi-tenant bot can get a token (protocol §5.3).
ENTRA_ISSUER = "https://sts.windows.net/d6d49420-f39b-4df7-a1dc-d59a935871db/"

ENV = {
    "MicrosoftAppId": APP_ID,
    "MicrosoftAppPassword": "secret",
    "RECADO_API_KEYS": "a-key-that-is-long-enough",
}

SIGNER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
STRANGER = rsa.generate_private_key(public_exponent=65537, key_size=2048)


class KeyServer:
    """What the addresses that publish signing keys answer."""

    def __init__(self) -> None:
        self.fetched: list[str] = []
        self.down = False
        self.key: dict[str, Any] = {
            **RSAAlgorithm.to_jwk(SIGNER.public_key(), as_dict=True),
            "kid": "k1",
            "use": "sig",
            "endorsements": ["msteams", "webchat"],
        }

    def fetch(self, url: str) -> Any:
        self.fetched.append(url)
        if self.down:
            raise PyJWKClientConnectionError("There is no route.")
        return {"keys": [self.key]}


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> KeyServer:
    """A key server instead of the network, and nothing remembered from other tests."""
    server = KeyServer()
    monkeypatch.setattr(jwt.PyJWKClient, "fetch_data", lambda client: server.fetch(client.uri))
    keeps = "_jwk_client_manager"  # key sets, on the class
    fresh = type(getattr(JwtTokenValidator, keeps))()
    monkeypatch.setattr(JwtTokenValidator, keeps, fresh)
    return server


class Adapter:
    """Stands for the bot's adapter; notes who was let through."""

    def __init__(self) -> None:
        self.claims: list[Any] = []

    async def __call__(self, request: Request) -> Response:
        self.claims.append(request.state.claims_identity.claims)
        return Response(status_code=202)


@pytest.fixture
def adapter() -> Adapter:
    """The adapter of the served bot."""
    return Adapter()


@pytest.fixture
def client(connect: Connect, adapter: Adapter) -> httpx.AsyncClient:
    """A channel of a bot with credentials."""
    return connect(ENV, process=adapter)


def signed(key: rsa.RSAPrivateKey = SIGNER, kid: str | None = "k1", **claims: Any) -> str:
    """A token as the Connector makes them, but for what *claims* says; None leaves one out."""
    now = int(time.time())
    told = {
        "iss": CHANNEL_ISSUER,
        "aud": APP_ID,
        "nbf": now - 60,
        "exp": now + 3600,
        "serviceurl": SERVICE_URL,
    } | claims
    told = {name: value for name, value in told.items() if value is not None}
    payload = json.dumps(told).encode()  # jwt.encode refuses to make the odd ones
    return jwt.PyJWS().encode(payload, key, "RS256", headers={"kid": kid} if kid else {})


async def post(client: httpx.AsyncClient, token: str | None, **changes: Any) -> httpx.Response:
    """Post a message, under *token*."""
    activity = {
        "type": "message",
        "channelId": "msteams",
        "serviceUrl": SERVICE_URL,
        "conversation": {"id": "a:1"},
        "from": {"id": "29:ana"},
        "recipient": {"id": "28:bot"},
        "text": "run",
    } | changes
    headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
    return await client.post("/api/messages", json=activity, headers=headers)


async def test_a_good_token_passes(client: httpx.AsyncClient, adapter: Adapter) -> None:
    """And the adapter gets its claims."""
    answer = await post(client, signed())
    assert answer.status_code == 202, answer.text
    assert adapter.claims[0]["aud"] == APP_ID


@pytest.mark.parametrize(
    ("serviceurl", "channel"),
    [
        ("https://smba.trafficmanager.net/emea", "msteams"),
        ("https://SMBA.trafficmanager.net/emea/", "msteams"),
        (SERVICE_URL, "msteams:COPILOT"),
        (SERVICE_URL, "webchat"),
    ],
)
async def test_the_same_service_url_and_channel_in_other_words_pass(
    client: httpx.AsyncClient, serviceurl: str, channel: str
) -> None:
    """A final slash, the host's case, a sub-channel."""
    answer = await post(client, signed(serviceurl=serviceurl), channelId=channel)
    assert answer.status_code == 202, answer.text


def bare(header: dict[str, Any], claims: dict[str, Any]) -> str:
    """A token whose signature is empty."""
    parts = (json.dumps(header), json.dumps(claims))
    return ".".join(base64.urlsafe_b64encode(part.encode()).decode() for part in parts) + "."


NOW = int(time.time())


@pytest.mark.parametrize(
    "token",
    [
        None,
        "",
        "nonsense",
        "a.b.c",
        "é",
        signed(aud=OTHER_APP),
        signed(aud=[APP_ID]),
        signed(aud=None),
        signed(iss="https://evil.example"),
        signed(iss="https://sts.windows.net/aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee/"),
        signed(iss=["https://api.botframework.com"]),
        signed(iss=None),
        signed(exp=NOW - 3600),
        signed(exp=None),
        signed(nbf=NOW + 3600),
        signed(STRANGER),
        signed(kid="k2"),
        signed(kid=None),
        bare({"alg": "none", "kid": "k1"}, {"aud": APP_ID, "iss": CHANNEL_ISSUER}),
        jwt.encode({"aud": APP_ID}, "k" * 64, "HS256", headers={"kid": "k1"}),
    ],
    ids=[
        "none", "empty", "nonsense", "three parts", "not ascii", "wrong audience",
        "list of audiences", "no audience", "wrong issuer", "another tenant", "odd issuer",
        "no issuer", "expired", "endless", "not yet", "wrong signature", "unknown key", "no key",
        "unsigned", "symmetric",
    ],
)  # fmt: skip
async def test_other_tokens_do_not_pass(
    client: httpx.AsyncClient, adapter: Adapter, token: str | None
) -> None:
    """401, and the answer does not say which check failed."""
    headers = {} if token is None else {b"Authorization": f"Bearer {token}".encode()}
    answer = await client.post("/api/messages", json={"type": "message"}, headers=headers)
    assert_problem(answer, 401, "unauthorized")
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert adapter.claims == []


@pytest.mark.parametrize(
    "serviceurl",
    [
        None,
        "",
        7,
        "https://smba.trafficmanager.net/amer/",
        "https://smba.trafficmanager.net.evil.example/emea/",
        "http://smba.trafficmanager.net/emea/",
        "https://[",
    ],
)
async def test_a_token_for_another_service_url_does_not_pass(
    client: httpx.AsyncClient, adapter: Adapter, serviceurl: Any
) -> None:
    """Or whoever has one token could have replies sent anywhere."""
    answer = await post(client, signed(serviceurl=serviceurl))
    assert_problem(answer, 403, "service_url_mismatch")
    assert adapter.claims == []


async def test_a_key_signs_for_its_channels_only(client: httpx.AsyncClient) -> None:
    """The endorsement check of the protocol, which the SDK leaves out."""
    answer = await post(client, signed(), channelId="slack")
    assert_problem(answer, 403, "channel_not_endorsed")


@pytest.mark.parametrize("endorsements", [None, []])
async def test_a_key_without_endorsements_signs_for_no_channel(
    client: httpx.AsyncClient, keys: KeyServer, adapter: Adapter, endorsements: list[str] | None
) -> None:
    """They must contain the channel (protocol §5.2)."""
    keys.key["endorsements"] = endorsements
    for channel in ("slack", "msteams"):
        answer = await post(client, signed(), channelId=channel)
        assert_problem(answer, 403, "channel_not_endorsed")
    assert adapter.claims == []


async def test_another_application_does_not_pass_with_its_own_token(
    client: httpx.AsyncClient, adapter: Adapter
) -> None:
    """Entra gives everybody a token whose audience is this bot; the SDK would accept it."""
    entra: dict[str, Any] = {"iss": ENTRA_ISSUER, "serviceurl": None, "ver": "1.0"}
    answer = await post(client, signed(**entra, appid=OTHER_APP))
    assert_problem(answer, 403, "caller_not_allowed")
    answer = await post(client, signed(**entra))
    assert_problem(answer, 403, "caller_not_allowed")
    answer = await post(client, signed(**entra, appid=APP_ID, scp="access_as_user"))
    assert_problem(answer, 403, "caller_not_allowed")
    assert adapter.claims == []


async def test_callers_that_are_named_pass(connect: Connect, adapter: Adapter) -> None:
    """The Emulator comes with the bot's own app id; other agents are configured."""
    client = connect({**ENV, "RECADO_ALLOWED_CALLERS": OTHER_APP.upper()}, process=adapter)
    entra: dict[str, Any] = {"iss": ENTRA_ISSUER, "serviceurl": None}
    callers: list[dict[str, Any]] = [
        {"appid": APP_ID, "ver": "1.0"},
        {"azp": OTHER_APP, "ver": "2.0"},
    ]
    for caller in callers:
        answer = await post(client, signed(**entra, **caller))
        assert answer.status_code == 202, answer.text


async def test_signing_keys_that_cannot_be_fetched_are_not_the_callers_fault(
    client: httpx.AsyncClient, keys: KeyServer
) -> None:
    """503, so that the channel sends the activity again."""
    keys.down = True
    answer = await post(client, signed())
    assert_problem(answer, 503, "signing_keys_unavailable")
    assert "retry-after" in answer.headers
    keys.down = False
    assert (await post(client, signed())).status_code == 202


async def test_a_token_that_was_checked_is_not_checked_each_time(
    client: httpx.AsyncClient, adapter: Adapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its claims are; and what one turn does to them does not reach the next."""
    token = signed()
    assert (await post(client, token)).status_code == 202
    adapter.claims[0]["aud"] = "changed"

    async def refuse(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(JwtTokenValidator, "validate_token", refuse)
    assert (await post(client, token)).status_code == 202
    assert adapter.claims[1]["aud"] == APP_ID
    answer = await post(client, token, serviceUrl="https://smba.trafficmanager.net/amer/")
    assert_problem(answer, 403, "service_url_mismatch")


async def test_a_checked_token_still_ends(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is checked again when it would have ended."""
    token = signed(exp=int(time.time()) - 1)  # within the five minutes that clocks may differ
    assert (await post(client, token)).status_code == 202

    async def expired(*_: object) -> None:
        raise jwt.ExpiredSignatureError

    monkeypatch.setattr(JwtTokenValidator, "validate_token", expired)
    assert_problem(await post(client, token), 401, "unauthorized")


async def test_a_body_is_looked_at_only_when_the_token_is_good(client: httpx.AsyncClient) -> None:
    """A stranger learns nothing from sending bodies."""
    answer = await client.post("/api/messages", content=b"{")
    assert_problem(answer, 401, "unauthorized")

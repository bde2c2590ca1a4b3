"""The Connector channel against raw sockets: what is written and what is answered."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import parse_qsl, quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyreqwest.http import Url

from recado.channel.connector import ConnectorSettings
from recado.channel.paths import activities_path, path_of, segment
from recado.domain.policy import Answer, Failure
from tests.channel.wire import (
    Authority,
    FixedTokens,
    Request,
    channel,
    http,
    post,
    replies,
    serving,
)

pytestmark = pytest.mark.timeout(30)


class TestWhatIsWritten:
    @pytest.mark.parametrize(
        ("conversation_id", "written"),
        [
            ("a:1pqrs_-.~", "a%3A1pqrs_-.~"),
            ("19:x@thread.tacv2;messageid=1", "19%3Ax%40thread.tacv2%3Bmessageid%3D1"),
            ("d3a5|livechat", "d3a5%7Clivechat"),
            ("%41", "%2541"),
            ("a%2Fb", "a%252Fb"),
            ("a/b", "a%2Fb"),
            ("../..", "..%2F.."),
            ("%2e%2e", "%252e%252e"),
            ("a/../b", "a%2F..%2Fb"),
            ("...", "..."),
            ("a?b#c&d", "a%3Fb%23c%26d"),
            ("a b+c", "a%20b%2Bc"),
            ("a\\b", "a%5Cb"),
            ("a\tb\r\nHost: evil", "a%09b%0D%0AHost%3A%20evil"),
            ("señal🙂", "se%C3%B1al%F0%9F%99%82"),
            ("x" * 500, "x" * 500),
        ],
    )
    async def test_every_character_of_a_conversation_id_arrives(
        self, conversation_id: str, written: str
    ) -> None:
        async with serving() as server, channel() as connector:
            answer = await connector.send(post(f"{server.url}/_connector/", conversation_id))
        assert answer == Answer(status=201, activity_id="1")
        line = f"POST /_connector/v3/conversations/{written}/activities HTTP/1.1"
        assert server.requests[0].line == line.encode()

    @given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
    def test_any_id_is_one_segment_that_reads_back_as_it_was(self, name: str) -> None:
        """Nothing between us and the wire normalises it: the client parses URLs with ``Url``."""
        if name in (".", ".."):
            return
        url = Url(f"https://x.example/t/{activities_path(name, name)}")
        assert [unquote(part) for part in url.path.split("/")] == [
            *("", "t", "v3", "conversations", name, "activities", name)
        ]
        assert url.query_string is None
        assert url.host_str == "x.example"

    @given(st.text(st.sampled_from("a:1;%@|=/ ñ.~-_"), min_size=3))
    def test_a_segment_is_what_quote_makes_of_it(self, name: str) -> None:
        if name not in (".", ".."):
            assert segment(name) == quote(name, safe="")

    @given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.text("&=+#% a"))
    def test_any_query_reads_back_as_it_was(self, name: str, value: str) -> None:
        url = Url(f"https://x.example/{path_of(('v3',), ((name, value), ('b', value)))}")
        assert parse_qsl(url.query_string, keep_blank_values=True) == [(name, value), ("b", value)]

    @pytest.mark.parametrize("name", ["", ".", "..", "\ud800"])
    async def test_an_id_no_url_can_hold_is_refused_before_anything_is_tried(
        self, name: str
    ) -> None:
        async with serving() as server, channel() as connector:
            for refused in (post(server, name), post(server, activity_id=name)):
                assert (await connector.send(refused)).failure is Failure.FORBIDDEN
        assert server.connections == 0

    @pytest.mark.parametrize(
        ("more", "line"),
        [
            ({"activity_id": "7|8"}, b"POST /v3/conversations/a%3A1/activities/7%7C8 HTTP/1.1"),
            (
                {"activity_id": "7", "method": "PUT"},
                b"PUT /v3/conversations/a%3A1/activities/7 HTTP/1.1",
            ),
            (
                {"activity_id": "7", "method": "DELETE", "body": None},
                b"DELETE /v3/conversations/a%3A1/activities/7 HTTP/1.1",
            ),
        ],
    )
    async def test_replies_edits_and_removals_name_the_activity(
        self, more: dict[str, Any], line: bytes
    ) -> None:
        async with serving() as server, channel() as connector:
            await connector.send(post(server, **more))
        assert server.requests[0].line == line
        assert ("content-type" in server.requests[0].headers) is (more.get("body", 0) is not None)

    async def test_the_body_is_written_as_it_is_with_few_headers(self) -> None:
        async with serving() as server, channel(tokens=FixedTokens("t0k")) as connector:
            await connector.send(post(server))
        (request,) = server.requests
        assert request.body == '{"type":"message","text":"¡Hola!"}'.encode()
        assert request.headers == {
            "host": server.url.removeprefix("http://"),
            "authorization": "Bearer t0k",
            "content-type": "application/json",
            "content-length": str(len(request.body)),
            "accept": "*/*",
            "accept-encoding": "identity",
            "user-agent": "recado",
        }

    async def test_an_anonymous_bot_sends_no_authorization(self) -> None:
        async with serving() as server, channel() as connector:
            await connector.send(post(server))
        assert "authorization" not in server.requests[0].headers

    async def test_cookies_are_not_kept(self) -> None:
        async with (
            serving(replies(http(201, b"", b"Set-Cookie: a=b"))) as server,
            channel() as connector,
        ):
            await connector.send(post(server))
            await connector.send(post(server))
        assert "cookie" not in server.requests[1].headers

    async def test_connections_are_kept_and_no_more_than_allowed(self) -> None:
        async with (
            serving() as server,
            channel(ConnectorSettings(connections=2)) as connector,
        ):
            await asyncio.gather(*(connector.send(post(server)) for _ in range(40)))
        assert len(server.requests) == 40
        assert server.most_open <= 2
        assert server.connections <= 4


class TestWhatIsAnswered:
    async def test_an_errors_body_and_correlation_headers_are_kept(self) -> None:
        body = b'{"error":{"code":"Throttled","message":"Slow down"}}'
        answer = http(429, body, b"retry-after: 3", b"MS-CV: cv.1", b"ContextId: \xff\xfe")
        async with serving(replies(answer)) as server, channel() as connector:
            assert await connector.send(post(server)) == Answer(
                status=429,
                code="Throttled",
                message="Slow down",
                retry_after=3.0,
                headers=(("MS-CV", "cv.1"),),
            )

    async def test_a_redirect_is_an_answer_and_is_not_followed(self) -> None:
        async with serving() as elsewhere:
            answer = http(307, b"", f"Location: {elsewhere.url}/".encode())
            async with serving(replies(answer)) as server, channel() as connector:
                assert (await connector.send(post(server))).status == 307
        assert elsewhere.connections == 0

    @pytest.mark.parametrize(
        "answer",
        [
            b"HTTP/1.1 204 No Content\r\n\r\n",
            b"HTTP/1.1 100 Continue\r\n\r\n" + http(202, b""),
            http(200, b"not json", b"Content-Type: application/json"),
            http(200, b"\x1f\x8b broken", b"Content-Encoding: gzip"),
            b"HTTP/1.1 201 X\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        ],
    )
    async def test_a_success_is_a_success_whatever_its_body(self, answer: bytes) -> None:
        async with serving(replies(answer)) as server, channel() as connector:
            got = await connector.send(post(server))
        assert got.ok
        assert got.activity_id is None

    async def test_a_huge_answer_is_read_in_part_and_its_connection_dropped(self) -> None:
        async def flood(_request: Request, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 500 X\r\nTransfer-Encoding: chunked\r\n\r\n")
            while True:
                writer.write(b"10000\r\n" + b"a" * 65_536 + b"\r\n")
                await writer.drain()

        async with serving(flood) as server, channel() as connector:
            answer = await connector.send(post(server))
            assert (answer.status, answer.failure) == (500, None)
            assert answer.message == "a" * 299 + "…"
            await server.left.wait()

    async def test_tls_needs_a_known_authority(self, authority: Authority) -> None:
        async with serving(tls=authority.server) as server:
            async with channel(ConnectorSettings(ca_pem=authority.pem)) as connector:
                assert (await connector.send(post(server))).ok
            async with channel() as connector:
                answer = await connector.send(post(server))
        assert answer.failure is Failure.NOT_SENT
        assert answer.message is not None
        assert "UnknownIssuer" in answer.message
        assert len(server.requests) == 1


class TestUnauthorised:
    async def test_a_refused_token_is_replaced_once_and_the_second_answer_counts(self) -> None:
        tokens = FixedTokens("old", "new")
        async with (
            serving(replies(http(401, b""), http(201))) as server,
            channel(tokens=tokens) as connector,
        ):
            assert (await connector.send(post(server))).status == 201
        used = [request.headers["authorization"] for request in server.requests]
        assert used == ["Bearer old", "Bearer new"]
        assert tokens.asked == [False, True]

    async def test_when_the_new_token_is_refused_too_that_is_the_answer(self) -> None:
        async with (
            serving(replies(http(401, b""))) as server,
            channel(tokens=FixedTokens("old", "new", "newer")) as connector,
        ):
            assert (await connector.send(post(server))).status == 401
        assert len(server.requests) == 2

    @pytest.mark.parametrize("tokens", [FixedTokens("same"), FixedTokens("same", "same")])
    async def test_without_another_token_the_refusal_is_the_answer(
        self, tokens: FixedTokens
    ) -> None:
        async with (
            serving(replies(http(401, b""))) as server,
            channel(tokens=tokens) as connector,
        ):
            assert (await connector.send(post(server))).status == 401
        assert len(server.requests) == 1

    async def test_an_anonymous_bot_has_nothing_to_refresh(self) -> None:
        async with serving(replies(http(401, b""))) as server, channel() as connector:
            assert (await connector.send(post(server))).status == 401
        assert len(server.requests) == 1

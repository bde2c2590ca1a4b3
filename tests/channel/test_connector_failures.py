"""The Connector channel against raw sockets: what is not sent, and what may have been."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from recado.channel.connector import ConnectorChannel, ConnectorSettings
from recado.channel.hosts import HostRules
from recado.channel.tokens import NoTokens
from recado.clock import SystemClock
from recado.domain.policy import Answer, Failure
from recado.errors import ConfigurationError, ForbiddenServiceUrl
from tests.channel.wire import (
    LOOPBACK,
    Authority,
    Behaviour,
    FixedTokens,
    Request,
    abort,
    channel,
    drip,
    end,
    fragment,
    full_backlog,
    http,
    post,
    reset,
    serving,
    silence,
    unused_port,
)

pytestmark = pytest.mark.timeout(30)


class TestNotSent:
    async def test_a_forbidden_host_is_not_even_asked_a_token_for(self) -> None:
        tokens = FixedTokens("t")
        async with serving() as server, channel(tokens=tokens, rules=HostRules()) as connector:
            answer = await connector.send(post(server))
        assert answer.failure is Failure.FORBIDDEN
        with pytest.raises(ForbiddenServiceUrl) as refused:
            HostRules().check(server.url)
        assert answer.message == str(refused.value)
        assert (tokens.asked, server.connections) == ([], 0)

    async def test_without_a_token_nothing_is_sent(self) -> None:
        async with serving() as server, channel(tokens=FixedTokens()) as connector:
            assert await connector.send(post(server)) == Answer(
                failure=Failure.NO_TOKEN, message="There are no tokens."
            )
        assert server.connections == 0

    async def test_a_token_that_is_no_header_value_is_not_sent_and_not_shown(self) -> None:
        async with serving() as server, channel(tokens=FixedTokens("s3cret\n")) as connector:
            answer = await connector.send(post(server))
        assert answer.failure is Failure.NOT_SENT
        assert "s3cret" not in (answer.message or "")
        assert server.requests == []

    async def test_a_refused_connection(self) -> None:
        with unused_port() as url:
            async with channel() as connector:
                answer = await connector.send(post(url))
        assert answer.failure is Failure.NOT_SENT
        assert answer.message is not None
        assert "Connection refused" in answer.message
        assert "127.0.0.1" not in answer.message

    async def test_a_name_nobody_knows(self) -> None:
        rules = HostRules(extra_hosts=frozenset({"nobody.invalid"}))
        async with channel(rules=rules) as connector:
            answer = await connector.send(post("https://nobody.invalid/"))
        assert answer.failure is Failure.NOT_SENT

    async def test_a_connection_that_takes_too_long(self) -> None:
        with full_backlog() as url:
            async with channel(ConnectorSettings(connect_timeout=0.1)) as connector:
                assert (await connector.send(post(url))).failure is Failure.NOT_SENT

    async def test_a_server_that_never_finishes_its_tls_greeting(self) -> None:
        with full_backlog(accepts=1) as url:
            settings = ConnectorSettings(connect_timeout=0.1)
            async with channel(settings) as connector:
                answer = await connector.send(post(url.replace("http", "https")))
        assert answer.failure is Failure.NOT_SENT

    async def test_a_send_cancelled_while_it_waits_for_a_connection_is_never_written(self) -> None:
        go = asyncio.Event()

        async def accept_later(_request: Request, writer: asyncio.StreamWriter) -> None:
            await go.wait()
            writer.write(http())

        async with (
            serving(accept_later) as server,
            channel(ConnectorSettings(connections=1)) as connector,
        ):
            first = asyncio.create_task(connector.send(post(server, body=b"1")))
            await server.asked.wait()
            second = asyncio.create_task(connector.send(post(server, body=b"2")))
            third = asyncio.create_task(connector.send(post(server, body=b"3")))
            await asyncio.sleep(0)
            second.cancel()
            go.set()
            assert (await first).ok
            assert (await third).ok
            with pytest.raises(asyncio.CancelledError):
                await second
        assert [request.body for request in server.requests] == [b"1", b"3"]

    async def test_waiting_for_a_free_connection_in_vain(self) -> None:
        settings = ConnectorSettings(connections=1, pool_timeout=0.05)
        async with serving(silence) as server, channel(settings) as connector:
            first = asyncio.create_task(connector.send(post(server)))
            await server.asked.wait()
            assert (await connector.send(post(server))).failure is Failure.NOT_SENT
            first.cancel()
        assert len(server.requests) == 1


class TestAmbiguous:
    @pytest.mark.parametrize(
        "behave",
        [
            pytest.param(end, id="closed after the request"),
            pytest.param(abort, id="reset after the request"),
            pytest.param(silence, id="no answer"),
            pytest.param(drip, id="an answer that drips"),
            pytest.param(fragment(b"HTTP/1.1 20"), id="half a status line"),
            pytest.param(fragment(b"HTTP/1.1 201 X\r\nContent-Le"), id="half a header"),
            pytest.param(fragment(http()[:-3]), id="half a body"),
            pytest.param(fragment(b"SSH-2.0-x\r\n\r\n"), id="no HTTP"),
            pytest.param(
                fragment(b"HTTP/1.1 201 X\r\nTransfer-Encoding: chunked\r\n\r\nzz"),
                id="broken chunks",
            ),
        ],
    )
    async def test_what_was_written_may_have_arrived_and_is_written_once(
        self, behave: Behaviour
    ) -> None:
        settings = ConnectorSettings(total_timeout=0.5)
        async with serving(behave) as server, channel(settings) as connector:
            answer = await connector.send(post(server))
        assert answer.failure is Failure.AMBIGUOUS
        assert answer.message
        assert len(server.requests) == 1

    async def test_a_request_cut_off_in_its_middle(self) -> None:
        async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            reset(writer)

        listener = await asyncio.start_server(cut, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        async with listener, channel() as connector:
            answer = await connector.send(post(url, body=b" " * 5_000_000))
        assert answer.failure is Failure.AMBIGUOUS

    async def test_closing_the_channel_ends_requests_under_way(self) -> None:
        async with serving(silence) as server, channel() as connector:
            sending = asyncio.create_task(connector.send(post(server)))
            await server.asked.wait()
            await connector.close()
            assert (await sending).failure is Failure.AMBIGUOUS

    async def test_a_send_cancelled_after_it_was_written_raises(self) -> None:
        async with serving(silence) as server, channel() as connector:
            sending = asyncio.create_task(connector.send(post(server)))
            await server.asked.wait()
            sending.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sending


class TestReusedConnections:
    async def test_a_connection_closed_while_idle_is_replaced(self) -> None:
        async def once(_request: Request, writer: asyncio.StreamWriter) -> None:
            writer.write(http())
            writer.close()

        async with serving(once) as server, channel() as connector:
            for number in range(20):
                body = b"%d" % number
                while (await connector.send(post(server, body=body))).failure is not None:
                    """Found closed only after it was written: ambiguous, and tried again."""
        bodies = [int(request.body) for request in server.requests]
        assert sorted(set(bodies)) == list(range(20))

    async def test_a_request_on_a_reused_connection_that_is_closed_is_not_repeated(self) -> None:
        async def second_is_lost(_request: Request, writer: asyncio.StreamWriter) -> None:
            if len(server.requests) == 1:
                writer.write(http())
            else:
                writer.close()

        async with serving(second_is_lost) as server, channel() as connector:
            assert (await connector.send(post(server))).ok
            assert (await connector.send(post(server))).failure is Failure.AMBIGUOUS
        assert (server.connections, len(server.requests)) == (1, 2)

    @pytest.mark.parametrize("hang_up", [asyncio.StreamWriter.close, reset])
    async def test_no_request_is_ever_written_twice_nor_called_unsent_when_it_arrived(
        self, hang_up: Callable[[asyncio.StreamWriter], None]
    ) -> None:
        """Servers that close without saying so, at every moment, while hundreds are sent."""

        async def capricious(request: Request, writer: asyncio.StreamWriter) -> None:
            number = int(request.body)
            if number % 3:
                writer.write(http())
                await writer.drain()
            if number % 3 != 1:
                hang_up(writer)

        async def send(number: int) -> tuple[int, Answer]:
            return number, await connector.send(post(server, body=b"%d" % number))

        settings = ConnectorSettings(connections=8)
        async with serving(capricious) as server, channel(settings) as connector:
            answers = dict(await asyncio.gather(*(send(number) for number in range(600))))
        arrived = [int(request.body) for request in server.requests]
        assert len(arrived) == len(set(arrived))
        assert {n for n, a in answers.items() if a.ok} <= set(arrived)
        assert not {n for n, a in answers.items() if a.failure is Failure.NOT_SENT} & set(arrived)
        assert all(a.ok or a.failure for a in answers.values())


class TestProxy:
    async def test_https_goes_through_the_proxy_of_the_environment(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lines: list[bytes] = []

        async def tunnel(request: Request, writer: asyncio.StreamWriter) -> None:
            lines.append(request.line)
            writer.write(b"HTTP/1.1 403 Forbidden\r\n\r\n")
            writer.close()

        async with serving(tunnel) as proxy:
            monkeypatch.setenv("HTTPS_PROXY", proxy.url)
            monkeypatch.setenv("NO_PROXY", "unproxied.invalid")
            rules = HostRules(extra_hosts=frozenset({"a.invalid", "unproxied.invalid"}))
            tokens = FixedTokens("s3cret")
            async with channel(rules=rules, tokens=tokens) as connector:
                through = await connector.send(post("https://a.invalid/"))
                past = await connector.send(post("https://unproxied.invalid/"))
        assert lines == [b"CONNECT a.invalid:443 HTTP/1.1"]
        assert "authorization" not in proxy.requests[0].headers
        assert (through.failure, past.failure) == (Failure.NOT_SENT, Failure.NOT_SENT)

    async def test_no_proxy_is_asked_for_this_machine(
        self, monkeypatch: pytest.MonkeyPatch, authority: Authority
    ) -> None:
        with unused_port() as nowhere:
            for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
                monkeypatch.setenv(name, nowhere)
            settings = ConnectorSettings(ca_pem=authority.pem)
            async with (
                serving() as plain,
                serving(tls=authority.server) as encrypted,
                channel(settings) as connector,
            ):
                assert (await connector.send(post(plain))).ok
                assert (await connector.send(post(encrypted))).ok

    def test_a_proxy_that_is_none_is_refused_without_showing_its_password(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HTTPS_PROXY", "http://user:s3cret@[bad")
        with pytest.raises(ConfigurationError, match="HTTPS_PROXY") as refused:
            ConnectorChannel(ConnectorSettings(), LOOPBACK, NoTokens(), SystemClock())
        assert "s3cret" not in str(refused.value)

    def test_a_certificate_that_is_none_is_refused(self) -> None:
        pem = b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
        with pytest.raises(ConfigurationError, match="PEM"):
            ConnectorChannel(ConnectorSettings(ca_pem=pem), LOOPBACK, NoTokens(), SystemClock())

"""One host that hangs, and everybody else: real connections to servers that do not answer."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from recado.channel.connector import ConnectorChannel, ConnectorSettings
from recado.domain.policy import Answer, Failure
from tests.channel.wire import Request, Server, channel, http, post, serving, silence

pytestmark = pytest.mark.timeout(30)


async def arrived(server: Server, count: int) -> None:
    """Wait until the server was sent *count* requests."""
    while len(server.requests) < count:
        server.asked.clear()
        await server.asked.wait()


def many(
    connector: ConnectorChannel, server: Server, count: int, **more: Any
) -> list[asyncio.Task[Answer]]:
    """So many sends under way."""
    return [asyncio.create_task(connector.send(post(server, **more))) for _ in range(count)]


async def end(tasks: list[asyncio.Task[Answer]]) -> None:
    """Nobody waits for them any longer."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


class TestAHostThatHangs:
    async def test_does_not_keep_others_waiting_though_it_has_taken_everything(self) -> None:
        settings = ConnectorSettings(connections=4, pool_timeout=1)
        async with (
            serving(silence) as hanging,
            serving() as well,
            channel(settings) as connector,
        ):
            stuck = many(connector, hanging, 20)
            await arrived(hanging, 4)
            answers = await asyncio.gather(*many(connector, well, 40))
            assert all(answer.ok for answer in answers)
            assert well.most_open <= 2
            await end(stuck)
        assert len(hanging.requests) == 4

    async def test_gets_half_once_others_are_spoken_to(self) -> None:
        settings = ConnectorSettings(connections=8, pool_timeout=0.2)
        async with (
            serving(silence) as hanging,
            serving() as well,
            channel(settings) as connector,
        ):
            assert (await connector.send(post(well))).ok
            stuck = many(connector, hanging, 20)
            await arrived(hanging, 4)
            _, waiting = await asyncio.wait(stuck, timeout=0.3)
            assert len(waiting) == 4
            given_up = [task.result() for task in stuck if task.done()]
            assert {answer.failure for answer in given_up} == {Failure.NOT_SENT}
            await end(stuck)
        assert len(hanging.requests) == 4

    async def test_when_it_answers_again_everything_is_sent(self) -> None:
        go = asyncio.Event()

        async def later(_request: Request, writer: asyncio.StreamWriter) -> None:
            await go.wait()
            writer.write(http())

        settings = ConnectorSettings(connections=4)
        async with serving(later) as slow, serving() as well, channel(settings) as connector:
            assert (await connector.send(post(well))).ok
            sending = many(connector, slow, 20)
            await arrived(slow, 2)
            go.set()
            assert all(answer.ok for answer in await asyncio.gather(*sending))
        assert (len(slow.requests), slow.most_open) == (20, 2)


class TestWhatIsUrgent:
    async def test_a_reply_is_sent_though_a_broadcast_has_taken_every_connection(self) -> None:
        go = asyncio.Event()

        async def only_replies(request: Request, writer: asyncio.StreamWriter) -> None:
            if request.body != b"reply":
                await go.wait()
            writer.write(http())

        settings = ConnectorSettings(connections=4, reserve=2)
        async with serving(only_replies) as server, channel(settings) as connector:
            broadcast = many(connector, server, 20)
            await arrived(server, 4)
            replies = await asyncio.gather(*many(connector, server, 9, body=b"reply", urgent=True))
            assert all(answer.ok for answer in replies)
            assert server.most_open == 6
            assert not any(task.done() for task in broadcast)
            go.set()
            assert all(answer.ok for answer in await asyncio.gather(*broadcast))

    async def test_replies_use_what_is_free_before_their_reserve(self) -> None:
        settings = ConnectorSettings(connections=3, reserve=1)
        async with serving(silence) as server, channel(settings) as connector:
            sending = many(connector, server, 4, urgent=True)
            await arrived(server, 4)
            await end(sending)

    async def test_a_reserve_that_is_used_up_is_waited_for(self) -> None:
        settings = ConnectorSettings(connections=1, reserve=1, pool_timeout=0.05)
        async with serving(silence) as server, channel(settings) as connector:
            sending = many(connector, server, 2, urgent=True)
            await arrived(server, 2)
            answer = await connector.send(post(server, urgent=True))
            assert answer.failure is Failure.NOT_SENT
            await end(sending)
        assert len(server.requests) == 2

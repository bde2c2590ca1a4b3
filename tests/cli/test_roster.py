"""``recado references roster``: who is in a team, from a channel that answers over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

import pytest

from recado.testing import FakeConnector, make_sighting
from tests.cli.kit import Database, Run


@contextmanager
def channel_with(people: int) -> Iterator[FakeConnector]:
    """A channel with a team of so many, on a thread of its own: commands run on this one."""
    up, over = Event(), Event()
    channel = FakeConnector()
    channel.team("sales", people)

    async def serve() -> None:
        async with channel:
            up.set()
            await asyncio.to_thread(over.wait)

    thread = Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    try:
        assert up.wait(10)
        yield channel
    finally:
        over.set()
        thread.join(10)


@pytest.fixture
def team(database: Database) -> Iterator[FakeConnector]:
    """A database that knows a team's general channel."""
    with channel_with(3) as channel:
        database.remember(
            make_sighting(
                "19:sales@thread.tacv2",
                service_url=channel.url,
                is_group=True,
                conversation_type="channel",
                members=(),
            )
        )
        yield channel


def test_a_roster_is_read_and_shown(run: Run, team: FakeConnector) -> None:
    """And kept, for whoever asks again."""
    words = ("references", "roster", "19:sales@thread.tacv2")
    ended = run(*words, "--known")
    assert (ended.code, ended.err) == (0, "Its roster has not been read.\n")
    shown = run(*words, "--json").json["items"]
    assert [each["user_id"] for each in shown] == ["29:user0", "29:user1", "29:user2"]
    assert shown[0]["email"] == shown[0]["principal_name"] == "user0@example.com"
    asked = len(team.requests)
    title, first, *_ = run(*words, "--known").out.splitlines()
    assert title.split("\t")[:2] == ["user", "name"]
    assert first.split("\t")[:2] == ["29:user0", "User0"]
    assert len(team.requests) == asked


def test_a_team_that_is_not_known(run: Run, database: Database) -> None:
    """Is no roster's."""
    ended = run("references", "roster", "19:nowhere")
    assert ended.code == 4
    assert "No conversation '19:nowhere' is known" in ended.err

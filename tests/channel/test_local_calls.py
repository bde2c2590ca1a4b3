"""What the local channel answers to calls other than activities."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from recado.channel.calls import (
    CallFailed,
    Endpoint,
    MembersPage,
    create_conversation,
    member,
    members_pages,
    team_details,
)
from recado.channel.local import LOCAL_SERVICE_URL, History, LocalChannel
from recado.domain.policy import Failure
from recado.store.sqlite.store import SqliteStore
from recado.testing import HandClock

AT = Endpoint(bot="local", channel="directline", service_url=LOCAL_SERVICE_URL)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    """A store on disk."""
    opened = SqliteStore(tmp_path / "recado.db", HandClock())
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
async def local(store: SqliteStore) -> LocalChannel:
    """The local channel with a conversation of Ana's and one of nobody known."""
    history = History(store, HandClock())
    await history.start("c|1", {"id": "ana", "name": "Ana"})
    await history.start("c|2", None)
    return LocalChannel(history)


async def roster(local: LocalChannel, conversation_id: str) -> list[str]:
    """Ids of who is in a conversation."""
    (page,) = [page async for page in members_pages(local, AT, conversation_id)]
    assert isinstance(page, MembersPage)
    return [each.member.user_id for each in page.members]


class TestCalls:
    async def test_the_roster_is_the_person_and_the_bot(self, local: LocalChannel) -> None:
        assert await roster(local, "c|1") == ["ana", "bot"]
        assert await roster(local, "c|2") == ["bot"]

    async def test_one_member_is_found_by_id(self, local: LocalChannel) -> None:
        ana = await member(local, AT, "c|1", "ana")
        assert not isinstance(ana, CallFailed)
        assert ana.member.name == "Ana"
        for conversation_id in ("c|2", "c|3"):
            missing = await member(local, AT, conversation_id, "ana")
            assert isinstance(missing, CallFailed)
            assert missing.answer.status == 404

    async def test_what_it_does_not_support_is_a_405(self, local: LocalChannel) -> None:
        for failed in (
            await create_conversation(local, AT, user_id="ana"),
            await team_details(local, AT, "19:x"),
        ):
            assert isinstance(failed, CallFailed)
            assert failed.answer.status == 405

    async def test_a_store_that_fails_is_as_if_nothing_had_been_asked(
        self, local: LocalChannel, store: SqliteStore
    ) -> None:
        await store.close()
        failed = await member(local, AT, "c|1", "ana")
        assert isinstance(failed, CallFailed)
        assert failed.answer.failure is Failure.NOT_SENT

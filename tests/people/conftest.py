"""A whole Recado over a channel of Teams' rules that answers over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from recado import Recado
from recado.domain.reference import Member, Reference
from recado.domain.roster import RosterMember
from recado.testing import FakeConnector, Team, make_sighting, wired
from recado.testing.calls import Operation
from recado.testing.record import Request

EVA = Member(user_id="29:eva", name="Eva", aad_object_id="aad-eva", email="eva@example.com")


class Hall:
    """Where a bot meets the people of a team.

    Attributes:
        channel: the channel.
        recado: sends to it.
    """

    def __init__(self, channel: FakeConnector, recado: Recado) -> None:
        self.channel = channel
        self.recado = recado

    async def see(self, conversation: str, **changes: Any) -> Reference:
        """An activity comes from a conversation."""
        told = {"service_url": self.channel.url, "at": self.recado.clock.now()} | changes
        sighting = make_sighting(conversation, **told)
        await self.recado.references.remember(sighting)
        found = await self.recado.store.reference_by_key(sighting.key)
        assert found is not None
        return found

    async def join(self, team: Team) -> Reference:
        """The bot is added to a team, and hears of that in its general channel."""
        return await self.see(
            team.id, is_group=True, conversation_type="channel", members=(), name=team.name
        )

    async def list_roster(self, team: Reference, *members: Member) -> None:
        """Keep a roster as if it had been read."""
        now = self.recado.clock.now()
        await self.recado.store.keep_roster(
            team.id,
            [RosterMember(member=each, tenant_id="tenant-1") for each in members],
            began_at=now,
            now=now,
            continuation=None,
            listed=len(members),
        )

    def asked(self, operation: Operation) -> list[Request]:
        """The channel's requests for one thing."""
        return self.channel.record.of(operation=operation)

    @property
    def created(self) -> list[Request]:
        """The requests for conversations."""
        return self.asked(Operation.CREATE)


@pytest.fixture
async def channel() -> AsyncIterator[FakeConnector]:
    """A channel that obeys."""
    async with FakeConnector() as made:
        yield made


@pytest.fixture
async def hall(channel: FakeConnector) -> AsyncIterator[Hall]:
    """A running Recado."""
    async with wired(channel, retry_base_seconds=0.01) as recado:
        yield Hall(channel, recado)


@pytest.fixture
async def team(hall: Hall) -> Reference:
    """A team whose roster has Eva on it, who never spoke to the bot."""
    found = await hall.join(hall.channel.team("sales", ["ana", "ben"]))
    await hall.list_roster(found, EVA)
    return found

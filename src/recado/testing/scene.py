"""What a test sees of a channel, and lets happen to it, whichever way requests come."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Unpack

from recado.testing.faults import Fault
from recado.testing.people import People
from recado.testing.record import Record, Request
from recado.testing.script import Rule, Which
from recado.testing.windows import RateJudge
from recado.testing.world import Said, World


class Scene(People):
    """A channel as a test handles it; its people are those of :class:`People`."""

    # -- what happened -----------------------------------------------------------------------

    @property
    def record(self) -> Record:
        """Everything that happened."""
        return self.service.record

    @property
    def requests(self) -> list[Request]:
        """Every request, in order of arrival."""
        return self.service.record.requests

    @property
    def texts(self) -> Mapping[str, list[str]]:
        """What was said, by conversation id, in the order the channel took it."""
        return self.service.record.texts

    @property
    def judge(self) -> RateJudge:
        """What the rate windows made of it."""
        return self.service.judge

    @property
    def world(self) -> World:
        """What the channel knows: conversations, teams, attachments."""
        return self.service.world

    def said(self, conversation: str) -> list[Said]:
        """What stands in a conversation now, in order: with edits, and without what was removed."""
        room = self.service.world.rooms.get(conversation)
        return [] if room is None else [each for each in room.said.values() if not each.deleted]

    async def until(self, count: int) -> None:
        """Wait until *count* activities have been said in all."""
        await self.service.record.until(count)

    async def until_true(self, true: Callable[[], bool]) -> None:
        """Wait until *true* says so; it is asked whenever something has happened."""
        await self.service.record.until_true(true)

    # -- what is to happen -------------------------------------------------------------------

    def fail(self, fault: Fault, **which: Unpack[Which]) -> Rule:
        """Let a fault happen to requests; see :meth:`ChannelService.fail`."""
        return self.service.fail(fault, **which)

    def heal(self) -> None:
        """Let nothing fail any more."""
        self.service.faults.clear()

    def rival(
        self,
        rate: float,
        *,
        seconds: float = math.inf,
        key: str | None = None,
        tenant: str | None = None,
    ) -> None:
        """Let a second sender use up budget from now on.

        Args:
            rate: requests a second; as everybody else it gets no more than the windows let.
            seconds: for how long.
            key: the pace key it sends to, or
            tenant: the tenant it sends in.
        """
        now = self.service.clock.now()
        self.service.judge.rival(at=now, rate=rate, seconds=seconds, key=key, tenant=tenant)

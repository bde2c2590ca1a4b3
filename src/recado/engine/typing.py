"""Typing: shows in a conversation that an answer is being worked at.

A sign that somebody is typing is no delivery: it is not stored, waits for nothing and is not
repeated. It counts in the channel's pace like everything else, and is left out where that has no
room.
"""

from __future__ import annotations

import asyncio
import json
from typing import Protocol

from recado.channel.port import Post
from recado.clock import Clock
from recado.domain.answer import TYPING_EVERY, LongAnswer
from recado.domain.capabilities import capabilities_of, capability_name
from recado.domain.policy import Answer
from recado.domain.reference import Reference
from recado.engine.service import Service
from recado.errors import RecadoError
from recado.references import References
from recado.telemetry import Telemetry


class Spare(Protocol):
    """Sends what need not be sent."""

    async def send_if_room(self, post: Post) -> Answer | None:
        """Hand *post* to the channel if the pace has room for it now; None if it has not."""


class Typing(Service):
    """Keeps typing shown in the conversations whose answers are worked at.

    Args:
        channel: sends at the channels' pace.
        references: how conversations are reached.
        clock: the time.
        telemetry: told of errors.
    """

    def __init__(
        self, channel: Spare, references: References, clock: Clock, telemetry: Telemetry
    ) -> None:
        super().__init__(clock, telemetry)
        self._channel = channel
        self._references = references
        #: Answers that are worked at, each with its conversation.
        self._shown: dict[str, str] = {}

    def begin(self, answer: LongAnswer) -> None:
        """Show it for an answer, from now on."""
        self._shown[answer.id] = answer.reference_id
        self.wake()

    def end(self, answer_id: str) -> None:
        """Show it for that one no more."""
        self._shown.pop(answer_id, None)

    @property
    def shown_for(self) -> frozenset[str]:
        """Ids of the answers it is shown for."""
        return frozenset(self._shown)

    async def run_once(self) -> float | None:
        if not self._shown:
            return None
        conversations = set(self._shown.values())
        await asyncio.gather(*(self._show(each) for each in conversations))
        # Whoever begins meanwhile is shown with the next round: more often is not allowed.
        await self._clock.wait(self._stopping, TYPING_EVERY.total_seconds())
        return 0

    async def _show(self, reference_id: str) -> None:
        try:
            reference = await self._references.get(reference_id)
        except RecadoError:
            return  # it is of no use to anybody that this is known
        if not _is_shown(reference) or not reference.health.reachable:
            return
        if reference_id in self._shown.values():  # it may have ended meanwhile
            await self._channel.send_if_room(_post(reference))


def _is_shown(reference: Reference) -> bool:
    name = capability_name(reference.key.channel, reference.service_url)
    return capabilities_of(name).typing is True


def _post(reference: Reference) -> Post:
    return Post(
        bot=reference.key.bot,
        channel=reference.key.channel,
        service_url=reference.service_url,
        conversation_id=reference.key.conversation_id,
        body=json.dumps({"type": "typing", **reference.address()}, ensure_ascii=False).encode(),
        tenant=reference.tenant_id or "",
        is_group=reference.is_group,
    )

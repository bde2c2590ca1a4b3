"""Firing: from a schedule that is due to what is accepted for it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from recado.domain.audience import Audience, Conversation
from recado.domain.ids import may_be_id
from recado.domain.reference import Reference
from recado.domain.schedule import Schedule, decide
from recado.errors import StoreError
from recado.outbox import Outbox
from recado.references import References
from recado.schedules.saying import options_of
from recado.store.port.schedules import Fire, Said

#: Characters of what is kept for those who ask.
_LONGEST_DETAIL: Final = 500


#: Conversations by their references' ids.
_Known = Mapping[str, Reference]


class Firing:
    """Works out what is to be said of schedules that are due. Nothing is committed here."""

    def __init__(self, outbox: Outbox, references: References, bot: str) -> None:
        self._outbox = outbox
        self._references = references
        self._bot = bot

    async def of_all(self, due: Sequence[Schedule], now: datetime) -> Sequence[Fire]:
        """What is to become of schedules that are due.

        Raises:
            StoreError: it cannot be found out.
        """
        named = {each.audience.id for each in due if isinstance(each.audience, Conversation)}
        known = await self._references.known_by_ids({each for each in named if may_be_id(each)})
        # Side by side, so that whom they mean is not waited for one after the other.
        return await asyncio.gather(*[self._of(each, now, known) for each in due])

    async def _of(self, schedule: Schedule, now: datetime, known: _Known) -> Fire:
        try:
            decision = decide(schedule.timing, schedule.reached, now, schedule.id)
        except Exception as error:  # noqa: BLE001 - whatever it is, others are not kept waiting
            # It does not pass by itself: a person has to look at it.
            return Fire(
                schedule=schedule,
                said=(),
                due=schedule.due,
                reached=schedule.reached,
                trouble=_told(error),
            )
        said = await self._said(schedule, decision.fire, known) if decision.fire else ()
        return Fire(schedule=schedule, said=said, due=decision.next, reached=decision.reached)

    async def once_more(self, schedule: Schedule, now: datetime) -> Said:
        """What is said when somebody asks for it.

        Raises:
            RecadoError: why nothing can be said.
        """
        lanes = await self._references.resolve(self._bot, schedule.audience)
        return self._one(schedule, now, lanes)

    async def _said(
        self, schedule: Schedule, occurrences: Sequence[datetime], known: _Known
    ) -> Sequence[Said]:
        try:
            lanes = await self._lanes(schedule.audience, known)
            return [self._one(schedule, each, lanes) for each in occurrences]
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - as above; the next occurrence may be better
            return [Said(each, None, failure=_told(error)) for each in occurrences]

    async def _lanes(self, audience: Audience, known: _Known) -> Sequence[Reference]:
        if isinstance(audience, Conversation):
            found = known.get(audience.id)
            if found is not None and found.key.bot == self._bot:
                return [found]
        return await self._references.resolve(self._bot, audience)

    def _one(self, schedule: Schedule, at: datetime, lanes: Sequence[Reference]) -> Said:
        saying = schedule.saying
        content = None if saying.content is None else json.loads(saying.content)
        # A turn that has it said in its own conversation is over before it leaves.
        own = next(filter(None, map(self._outbox.own_lane, lanes)), None)
        options = options_of(saying)
        notification = self._outbox.compose(saying.audience, lanes, content, options, own_lane=own)
        return Said(at, notification, lanes)


def _told(error: Exception) -> str:
    return f"{getattr(error, 'code', type(error).__name__)}: {error}"[:_LONGEST_DETAIL]


def failed(fire: Fire, error: Exception) -> Fire:
    """The same where nothing can be said after all."""
    said = [Said(each.occurrence, None, failure=_told(error)) for each in fire.said]
    return replace(fire, said=said)

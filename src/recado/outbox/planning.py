"""Planning: whom a notification would reach and how long it would take, without accepting it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from recado.clock import Clock
from recado.domain.audience import Audience, Broadcast, Single, audience_of
from recado.domain.chaining import Grip, chain_of
from recado.domain.notification import Once
from recado.domain.pace import Profile
from recado.domain.plan import Plan, Survey, how_long, reach_of
from recado.domain.politeness.chain import Link
from recado.domain.reference import Reference
from recado.outbox.composing import PLAIN, Options, Said, compose, once_of
from recado.references import References
from recado.store.port import DeliveryDetail, Store

#: Conversations a plan shows.
_FIRST: Final = 10
#: What takes less is there before anybody has read when it will be.
_WORTH_TELLING: Final = timedelta(seconds=1)


class Planning:
    """Plans and forecasts; a part of the :class:`~recado.outbox.Outbox`."""

    _store: Store
    _references: References
    _clock: Clock
    _bot: str
    _profiles: Mapping[str, Profile]

    async def plan(
        self,
        audience: str | Audience | Sequence[str | Single],
        content: Said = None,
        options: Options = PLAIN,
    ) -> Plan:
        """What would become of a notification if it were accepted now; nothing is.

        Args:
            audience: whom it is for, as for ``notify``.
            content: what is said; left out, only the audience is looked at.
            options: how.

        Raises:
            InvalidInput: content, audience or an option cannot be used.
            UnknownRecipient: the audience names somebody who is not known.
        """
        now = self._clock.now()
        whom = audience_of(audience)
        lanes = await self._references.resolve(self._bot, whom, dry=True, category=options.category)
        if content is not None or options.handler is not None or options.mode == "as_turn":
            compose(self._bot, whom, lanes, content, options, now=now)
        once = once_of(options)
        found = await self._survey(whom, lanes, now, once)
        places = {each.place: each.reachable for each in found.reach}
        return Plan(
            reach=found.reach,
            duplicates=found.duplicates,
            duration=how_long(self._profiles, places, lanes),
            first=found.first,
        )

    async def _survey(
        self, whom: Audience, lanes: Sequence[Reference], now: datetime, once: Once | None
    ) -> Survey:
        if isinstance(whom, Broadcast):
            return await self._store.survey(self._bot, whom, now, once)
        again = 0
        if once is not None:
            numbers = [lane.number for lane in lanes]
            again = await self._store.duplicates(self._bot, once, now, numbers)
        return Survey(reach=reach_of(lanes), duplicates=again, first=lanes[:_FIRST])

    async def eta(self, notification_id: str) -> datetime | None:
        """When the last delivery of a notification will have left at the channels' pace.

        Returns:
            None if that is no matter of pace: nothing is left, no limit is known, or it is
            there at once.
        """
        remaining = await self._store.remaining(notification_id)
        left = how_long(self._profiles, remaining)
        return self._clock.now() + left if left >= _WORTH_TELLING else None

    async def chain(self, detail: DeliveryDetail) -> list[tuple[Grip, Link]]:
        """Everything that may keep a delivery from leaving, in order, and what each does.

        The first whose grip is ``now`` holds it; those whose grip is ``next`` would when that has
        let go.
        """
        waits = detail.delivery.state.in_lane
        forecast = await self.eta(detail.delivery.notification_id) if waits else None
        return chain_of(detail, self._clock.now(), forecast)

"""The storage port over SQL: what is due, attempts, pauses and pace."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import partial

from recado.domain.asking import Ask
from recado.domain.notification import Action
from recado.domain.pause import Pause
from recado.domain.policy import Answer
from recado.domain.scope import Scope, Stamp
from recado.store.over_sql.transactions import Transactions
from recado.store.port import (
    Claim,
    Cycled,
    Lost,
    Observed,
    Settlement,
    Wanted,
)
from recado.store.verbs import (
    asks,
    changing,
    delivery,
    pauses,
    waiting,
)
from recado.store.verbs.rows import maybe_instant, micros


class SqlDelivery(Transactions):
    """Implements :class:`recado.store.port.DeliveryStore`."""

    async def promote(self, now: datetime, limit: int) -> int:
        return await self._ringing(lambda db: waiting.promote(db, micros(now), limit))

    async def next_due(self) -> datetime | None:
        return maybe_instant(await self._read(waiting.next_due))

    async def cycle(  # noqa: PLR0913 - the port's verb
        self,
        settlements: Sequence[Settlement],
        *,
        owner: str,
        now: datetime,
        lease_until: datetime,
        wanted: Wanted,
        observed: Observed,
    ) -> Cycled:
        work = partial(
            delivery.cycle,
            settlements=settlements,
            owner=owner,
            now=micros(now),
            lease_until=micros(lease_until),
            wanted=wanted,
            observed=observed,
            sight=self._sight,
        )
        cycled = await self._write(work)
        if cycled.left:
            self._ring()
        return cycled

    async def hand_back(
        self, claims: Sequence[Claim], *, until: Mapping[str, datetime] | None = None
    ) -> Sequence[Claim]:
        now = micros(self._clock.now())
        later = {each: micros(at) for each, at in (until or {}).items()}
        return await self._write(lambda db: delivery.hand_back(db, claims, now, later))

    async def stamps(self, keys: Sequence[tuple[Scope, str]], since: datetime) -> list[Stamp]:
        return await self._read(lambda db: pauses.stamps(db, keys, micros(since)))

    async def begun_elsewhere(
        self, owner: str, scopes: Collection[Scope], now: datetime
    ) -> list[Stamp]:
        at = micros(now)
        return await self._read(lambda db: pauses.begun_elsewhere(db, owner, scopes, at))

    async def ask(self, ask: Ask) -> None:
        await self._write(lambda db: asks.ask(db, ask))
        self._ring()

    async def asks(self, limit: int) -> Sequence[Ask]:
        return await self._read(lambda db: asks.asks(db, limit))

    async def grant(self, ids: Sequence[str], owner: str) -> Collection[str]:
        return await self._write(lambda db: asks.grant(db, ids, owner))

    async def granted(self, ids: Sequence[str]) -> Collection[str]:
        return await self._read(lambda db: asks.granted(db, ids))

    async def hand_in(self, answers: Mapping[str, Answer]) -> None:
        await self._write(lambda db: asks.hand_in(db, answers))
        self._ring()

    async def forget_pace(self, *, stamps_before: datetime, now: datetime, limit: int) -> int:
        before, over = micros(stamps_before), micros(now)
        return await self._write(lambda db: pauses.forget(db, before, over, limit))

    async def pause(self, pause: Pause) -> None:
        await self._write(lambda db: pauses.pause(db, pause))

    async def resume(self, pause: Pause, now: datetime) -> bool:
        return await self._working(lambda db: pauses.resume(db, pause, micros(now)))

    async def pauses(self, now: datetime) -> list[Pause]:
        return await self._read(lambda db: pauses.lasting(db, micros(now)))

    async def renew(self, claims: Sequence[Claim], lease_until: datetime) -> Collection[str]:
        return await self._write(lambda db: delivery.renew(db, claims, micros(lease_until)))

    async def hasten(self, now: datetime, *, latest: datetime) -> None:
        await self._write(lambda db: delivery.hasten(db, micros(now), micros(latest)))

    async def reap(self, owner: str, now: datetime, limit: int) -> list[Lost]:
        return await self._write(lambda db: delivery.reap(db, owner, micros(now), limit))

    async def release_handlers(self, handlers: Sequence[str], limit: int = 500) -> int:
        now = micros(self._clock.now())
        return await self._releasing(lambda db: waiting.release_handlers(db, handlers, now, limit))

    async def release_turn(self, turn: str) -> int:
        now = micros(self._clock.now())
        return await self._releasing(lambda db: waiting.release_turn(db, turn, now))

    async def learn_unable(self, channel: str, action: Action, now: datetime) -> None:
        await self._write(lambda db: changing.learn_unable(db, channel, action, micros(now)))

    async def unable(self, since: datetime) -> Mapping[tuple[str, Action], datetime]:
        return await self._read(lambda db: changing.unable(db, micros(since)))

    async def record_send(self, delivery_id: str, number: int, activity_id: str | None) -> None:
        await self._write(lambda db: delivery.record_send(db, delivery_id, number, activity_id))

    async def recorded_sends(self, delivery_id: str) -> dict[int, str | None]:
        return await self._read(lambda db: delivery.recorded_sends(db, delivery_id))

    # -- looking and steering

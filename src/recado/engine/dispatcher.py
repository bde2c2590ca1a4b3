"""The dispatcher: claims due lanes, hands their deliveries to the channel, settles what came back.

One loop makes all commits: each :meth:`Store.cycle` settles the attempts that have ended since
the last one and claims as many deliveries as there are free connections. So an attempt is on
disk before its request leaves, one commit serves many deliveries, and a crash leaves at most
the requests in flight and one batch of answers unsettled (promise 2).
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from recado.channel.port import Channel, Post
from recado.clock import Clock
from recado.domain.delivery import Evidence, HeldReason, State
from recado.domain.policy import (
    Answer,
    RetryPolicy,
)
from recado.engine.body import body_of
from recado.engine.judge import Judge
from recado.engine.port import TurnEnded, Turns
from recado.engine.service import Service
from recado.errors import StoreError, StoreFull, StoreReadOnly, StoreUnavailable
from recado.store.port import Claim, Settlement, Store
from recado.telemetry import AttemptEnded, DeliveriesLost, ServiceFailed, Telemetry

#: Seconds that answers are gathered for while other requests are under way, and how many of them
#: are not kept waiting.
_MOMENT: Final = 0.003
_WORTH_A_COMMIT: Final = 16

#: What is recorded of an answer that the store refused to record.
_UNRECORDED: Final = Evidence(message="The channel's answer could not be recorded.")


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatcherSettings:
    """How much the dispatcher does at once, and how long it may be out of touch."""

    #: Requests in flight at once.
    connections: int = 64
    #: Answers settled in one commit, at most.
    settle_batch: int = 64
    #: After this without renewal another process may take the work over.
    lease: timedelta = timedelta(seconds=30)
    #: How often other processes' commits are looked for.
    poll: timedelta = timedelta(milliseconds=250)
    #: How long a stop waits for requests in flight before it leaves them to their lease.
    grace: timedelta = timedelta(seconds=20)


class Dispatcher(Service):
    """Sends what is due."""

    def __init__(  # noqa: PLR0913 - everything it works with
        self,
        store: Store,
        channel: Channel,
        turns: Turns | None,
        clock: Clock,
        telemetry: Telemetry,
        *,
        owner: str,
        settings: DispatcherSettings | None = None,
        policy: RetryPolicy | None = None,
        other_host: Callable[[str], str | None] = lambda _: None,
        on_settled: Callable[[], None] = lambda: None,
        rng: random.Random | None = None,
    ) -> None:
        """Wire it up; :meth:`start` starts it.

        Args:
            store: where deliveries are claimed and settled.
            channel: where they go.
            turns: runs turn deliveries; without it they are held ``no_handler``.
            clock: the time.
            telemetry: told of every attempt.
            owner: this process's name in leases, unique per start.
            settings: how much at once.
            policy: how patiently to retry.
            other_host: the service URL on the other cloud's host, for ``InvalidBotApiHost``.
            on_settled: called after deliveries of this process have been settled.
            rng: source of jitter.
        """
        super().__init__(clock, telemetry)
        self._store = store
        self._channel = channel
        self._turns = turns
        self._owner = owner
        self._settings = settings or DispatcherSettings()
        self._policy = policy or RetryPolicy()
        self._judge = Judge(clock, self._policy, other_host, rng)
        self._on_settled = on_settled
        self._in_flight: dict[asyncio.Task[None], Claim] = {}
        self._ended: list[Settlement] = []
        self._serving = False
        #: Something may be due that has not been looked for.
        self._look = True
        self._looked_at = clock.now()
        #: When the store was last asked what is due next.
        self._asked_at = clock.now() - self._settings.poll
        self._kept_up_at: datetime | None = None
        #: How much the next commit is to do: less after one that failed for no known reason.
        self._batch = self._settings.settle_batch
        self._claiming = True

    def wake(self) -> None:
        """Something may have become due."""
        self._look = True
        super().wake()

    @property
    def serving(self) -> bool:
        """Whether this process is one that delivers."""
        return self._serving

    async def run_once(self) -> float | None:
        if not self._serving:
            self._serving = await self._store.try_serve(self._owner)
            if not self._serving:
                return 1.0
        await self._keep_up()
        free = self._settings.connections - len(self._in_flight)
        claims = await self._cycle(free if self._look or self._ended else 0)
        if claims and self._stopping.is_set():
            await self._store.hand_back(claims)
            return 0
        for claim in claims:
            self._begin(claim)
        idle = self._settings.connections - len(self._in_flight) - len(self._ended)
        if len(self._ended) >= _WORTH_A_COMMIT or (self._look and idle > 0):
            return 0
        if self._ended:
            # They came while the last commit was under way: others will come with them.
            self._settle_in_a_moment()
            return self._settings.poll.total_seconds()
        return await self._pause()

    async def on_stop(self) -> None:
        """Wait for requests in flight, settle them, and give the role up."""
        try:
            await self._drain()
        finally:
            self._serving = False
            await self._store.stop_serving()

    async def _drain(self) -> None:
        """Settle what ends within the grace, and leave the rest to its lease."""
        until = self._clock.now() + self._settings.grace
        with suppress(StoreError):
            await self._store.renew(self._held_claims(), until + self._settings.lease)
        while self._in_flight or self._ended:
            self._wake.clear()
            pause = (until - self._clock.now()).total_seconds()
            settled = True
            try:
                await self._cycle(0)
            except Exception as error:  # noqa: BLE001 - there may be time to settle it yet
                self._tell(error)
                settled = False
                pause = min(pause, self._settings.poll.total_seconds())
            if pause <= 0:
                break
            if self._in_flight or not settled:
                await self._clock.wait(self._wake, pause)
        unfinished = list(self._in_flight)
        for task in unfinished:
            task.cancel()
        await asyncio.gather(*unfinished, return_exceptions=True)

    async def _keep_up(self) -> None:
        """From time to time: keep our leases, and take over what others have left behind."""
        now, kept_up_at = self._clock.now(), self._kept_up_at
        if kept_up_at is not None and kept_up_at <= now < kept_up_at + self._settings.lease / 3:
            return
        if kept_up_at is not None and now < kept_up_at:
            # The clock went back, and nobody is to wait until it is where it was.
            await self._store.hasten(now, latest=now + self._policy.keep_lane)
            self._look = True
        # Renewed first: after a long sleep of this process its own leases look abandoned.
        await self._store.renew(self._held_claims(), now + self._settings.lease)
        while lost := await self._store.reap(self._owner, now, 500):
            parked = sum(each.state is State.UNKNOWN for each in lost)
            self._telemetry.emit(DeliveriesLost(retried=len(lost) - parked, parked=parked))
            self._look = True
        if self._turns is not None and await self._store.release_handlers(
            sorted(self._turns.names())
        ):
            self._look = True
        self._kept_up_at = now

    async def _pause(self) -> float:
        """How long nothing can happen unless something wakes us."""
        poll = self._settings.poll.total_seconds()
        if len(self._in_flight) >= self._settings.connections:
            return poll
        now = self._clock.now()
        if self._in_flight and self._asked_at <= now < self._asked_at + self._settings.poll:
            return (self._asked_at + self._settings.poll - now).total_seconds()
        self._asked_at = now
        if await self._store.changed():
            self._look = True
            return 0
        due = await self._store.next_due()
        if due is None:
            return poll
        left = (due - self._clock.now()).total_seconds()
        if left > 0:
            return min(poll, left)
        # It became due since we looked or, if not, it is the timekeeper who has to act first.
        self._look = True
        return 0 if due > self._looked_at else poll

    async def _cycle(self, limit: int) -> list[Claim]:
        batch = self._ended[: self._batch]
        if not batch:
            self._batch, self._claiming = self._settings.settle_batch, True
        if not self._claiming:
            limit = 0
        if not batch and limit <= 0:
            return []
        now = self._clock.now()
        # Whatever is committed from here on asks for another look.
        self._look = self._look and limit <= 0
        try:
            claims = await self._store.cycle(
                batch,
                owner=self._owner,
                now=now,
                lease_until=now + self._settings.lease,
                limit=limit,
            )
        except BaseException as error:
            self._look = True
            self._suspect(batch, limit, error)
            raise
        self._batch = min(2 * self._batch, self._settings.settle_batch)
        self._claiming = self._batch == self._settings.settle_batch
        if limit > 0:
            self._looked_at = now
        if len(claims) == limit:
            self._look = True  # there may be more, or nothing was asked for
        # Only what has been committed is forgotten: after an error the batch is settled again.
        del self._ended[: len(batch)]
        if batch:
            self._on_settled()
            for settlement in batch:
                self._tell_ended(settlement)
        return claims

    def _suspect(self, batch: Sequence[Settlement], limit: int, error: BaseException) -> None:
        """Find out what it is that the store does not take, so that nothing else waits for it.

        First nothing is claimed, then the batch is halved until one settlement is left. That one
        is settled without its evidence and, if even that is refused, left to its lease.
        """
        passing = StoreUnavailable | StoreFull | StoreReadOnly
        if not batch or not isinstance(error, Exception) or isinstance(error, passing):
            return
        if limit > 0:
            self._claiming = False
        elif len(batch) > 1:
            self._batch = len(batch) // 2
        else:
            settlement = self._ended.pop(0)
            if settlement.evidence != _UNRECORDED:
                self._ended.append(
                    replace(settlement, evidence=_UNRECORDED, health=None, service_url=None)
                )

    # -- one delivery ------------------------------------------------------------------------

    def _begin(self, claim: Claim) -> None:
        task = asyncio.create_task(self._deliver(claim))
        self._in_flight[task] = claim
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._in_flight.pop(task, None)

    def _held_claims(self) -> list[Claim]:
        """What is in flight, or has come back and is not settled."""
        return [*self._in_flight.values(), *(each.claim for each in self._ended)]

    async def _deliver(self, claim: Claim) -> None:
        """Hand one delivery to the channel and note how it went, whatever happens."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - this is one
        try:
            settlement = await self._attempt(claim)
        except asyncio.CancelledError as error:
            if task.cancelling():
                raise  # the grace is over
            settlement = self._broken(claim, error)
        except Exception as error:  # noqa: BLE001 - a lane must not stay taken because of it
            settlement = self._broken(claim, error)
        self._ended.append(settlement)
        # Its connection is free from here on, not when the event loop gets round to it.
        self._forget(task)
        self._settle_soon()

    def _settle_soon(self) -> None:
        """Have what has ended committed, together with what ends in the next moment.

        A channel that answers slowly would otherwise cost a commit for each answer.
        """
        if len(self._ended) >= _WORTH_A_COMMIT or not self._in_flight:
            Service.wake(self)
        elif len(self._ended) == 1:
            self._settle_in_a_moment()

    def _settle_in_a_moment(self) -> None:
        moment = _MOMENT if self._in_flight else 0
        asyncio.get_running_loop().call_later(moment, Service.wake, self)

    async def _attempt(self, claim: Claim) -> Settlement:
        if claim.handler is not None:
            return await self._run_turn(claim)
        try:
            body = body_of(claim)
        except ValueError as error:
            return self._judge.rejected(claim, "unreadable_content", Evidence(message=str(error)))
        answer = await self._channel.send(
            Post(
                bot=claim.bot,
                channel=claim.channel,
                service_url=claim.service_url,
                conversation_id=claim.conversation_id,
                body=body,
                key=claim.delivery_id,
            )
        )
        return self._judge.settled(claim, answer)

    def _broken(self, claim: Claim, error: BaseException) -> Settlement:
        """Our own code failed, and nobody can say how far the request had come."""
        told = f"{type(error).__name__}: {error}"[:500]
        self._telemetry.emit(ServiceFailed(service=type(self).__name__, error=told))
        return self._judge.broken(claim, told)

    async def _run_turn(self, claim: Claim) -> Settlement:
        if self._turns is None or claim.handler not in self._turns.names():
            return self._judge.held(claim, HeldReason.NO_HANDLER)
        ended: TurnEnded = await self._turns.run(claim)
        if ended.answer is not None:
            return self._judge.settled(claim, ended.answer)
        if ended.error is not None:
            evidence = Evidence(message=ended.error, activity_id=ended.activity_id)
            return self._judge.rejected(claim, "handler_error", evidence)
        return self._judge.settled(claim, Answer(status=200, activity_id=ended.activity_id))

    def _tell_ended(self, settlement: Settlement) -> None:
        claim = settlement.claim
        self._telemetry.emit(
            AttemptEnded(
                delivery_id=claim.delivery_id,
                attempt=claim.attempt,
                outcome=str(settlement.outcome),
                state=str(settlement.state),
                reason=settlement.reason,
                status=settlement.evidence.status,
                channel=claim.channel,
                seconds=max(0.0, (settlement.ended_at - claim.started_at).total_seconds()),
                waited=max(0.0, (settlement.ended_at - claim.accepted_at).total_seconds()),
            )
        )

"""The dispatcher: claims due lanes, hands their deliveries to the channel, settles what came back.

One loop makes all commits: each :meth:`Store.cycle` settles the attempts that have ended since
the last one and claims as many deliveries as there are free connections. So an attempt is on
disk before its request leaves, one commit serves many deliveries, and a crash leaves at most
the requests in flight and one batch of answers unsettled (promise 2).
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from recado.channel.keeping import BELIEVED
from recado.channel.pacing import Pacer, Permit
from recado.channel.port import Channel
from recado.clock import Clock
from recado.domain.delivery import Evidence, HeldReason, State
from recado.domain.pause import PauseKind
from recado.domain.policy import Answer, Failure, RetryPolicy
from recado.domain.politeness import NO_RULES, Rules
from recado.engine.body import Refusal, post_of
from recado.engine.changing import Changer
from recado.engine.judge import Judge
from recado.engine.leases import Leases
from recado.engine.making import make, makes
from recado.engine.port import TurnEnded, Turns
from recado.engine.service import Service
from recado.engine.sharing import Sharing
from recado.engine.traffic import Traffic
from recado.errors import StoreError, StoreFull, StoreReadOnly, StoreUnavailable
from recado.store.port import Claim, Observed, Settlement, Store, Wanted
from recado.telemetry import (
    AttemptEnded,
    DeliveriesLost,
    PauseBegan,
    PauseEnded,
    ServiceFailed,
    Telemetry,
)

#: Seconds that answers are gathered for while other requests are under way, and how many of them
#: are not kept waiting.
_MOMENT: Final = 0.003
_WORTH_A_COMMIT: Final = 32

#: How often it is looked for what others ask, where nobody rings.
_POLL_ASKS: Final = timedelta(milliseconds=50)

#: Nobody can say how far a request had come.
_NO_ANSWER: Final = Answer(failure=Failure.AMBIGUOUS)
#: What is recorded of an answer that the store refused to record.
_UNRECORDED: Final = Evidence(message="The channel's answer could not be recorded.")


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatcherSettings:
    """How much the dispatcher does at once, and how long it may be out of touch."""

    #: Requests in flight at once.
    connections: int = 64
    #: Turns running at once, beside them.
    turns: int = 32
    #: Answers settled in one commit, at most.
    settle_batch: int = 64
    #: After this without renewal another process may take the work over.
    lease: timedelta = timedelta(seconds=30)
    #: How long a bot rests at first whose credential was refused.
    credential_pause: timedelta = timedelta(seconds=60)
    #: How far back the windows of the channels reach.
    longest_window: timedelta = timedelta(hours=1)
    #: By what politeness holds what is about to leave.
    rules: Rules = NO_RULES
    #: How often other processes' commits are looked for.
    poll: timedelta = timedelta(milliseconds=250)
    #: How long a stop waits for requests in flight before it leaves them to their lease.
    grace: timedelta = timedelta(seconds=20)

    @property
    def round(self) -> timedelta:
        """How often leases are renewed, and those of others are looked at."""
        return self.lease / 6

    @property
    def held(self) -> timedelta:
        """How long a claim lasts by itself: so the next look takes it over within the lease."""
        return self.lease - self.round


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
        pacer: Pacer,
        owner: str,
        sharing: Sharing | None = None,
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
            pacer: the channels' pace, shared with whoever else sends from this process.
            owner: this process's name in leases, unique per start.
            sharing: its part among those who share the channels' pace; one of its own, made from
                the store, when left out.
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
        self._changer = Changer(store, clock, self._judge)
        self._leases = Leases(clock, self._settings.held)
        self._sharing = sharing or Sharing(
            store, pacer, clock, owner=owner, longest_window=self._settings.longest_window
        )
        self._traffic = Traffic(
            clock,
            pacer,
            sharing=self._sharing,
            connections=self._settings.connections,
            turns=self._settings.turns,
            credential_pause=self._settings.credential_pause,
        )
        #: Routes with something due that had no room.
        self._passed: tuple[int, ...] = ()
        self._on_settled = on_settled
        self._in_flight: dict[asyncio.Task[None], Claim] = {}
        self._ended: list[Settlement] = []
        #: How many of these the store could not settle when it was asked last.
        self._waiting = 0
        #: Claimed, and not begun because the store failed meanwhile: given back first of all.
        self._unbegun: list[Claim] = []
        #: Runs while answers are gathered for the next commit, and whether one is under way.
        self._gathering: asyncio.TimerHandle | None = None
        self._committing = False
        self._serving = False
        #: Something may be due that has not been looked for.
        self._look = True
        self._looked_at = clock.now()
        #: When to look whether something is still others' to send; None if nothing is.
        self._ask_again_at: datetime | None = None
        #: When something is due next, as far as is known.
        self._due: datetime | None = None
        #: When the store was last asked for that.
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
        if not self._serving and not await self._take_the_role():
            return 1.0
        await self._keep_up()
        await self._sharing.keep_up()
        if self._unbegun:
            self._unbegun = list(await self._store.hand_back(self._unbegun))
            self._look = True
        if self._passed and self._traffic.has_room(self._passed):
            self._look = True
        if self._ask_again_at is not None and self._clock.now() >= self._ask_again_at:
            self._look = True
        wanted = Wanted(rules=self._settings.rules)
        if self._look or self._ended:
            wanted = self._traffic.wanted()
            wanted = replace(wanted, handlers=self._handlers(), rules=self._settings.rules)
        claims = await self._cycle(wanted)
        if claims and self._stopping.is_set():
            self._unbegun += claims
            self._unbegun = list(await self._store.hand_back(self._unbegun))
            return 0
        if claims:
            await self._admit(claims)
        idle = self._traffic.free - len(self._ended)
        if self._fresh >= _WORTH_A_COMMIT or (self._look and idle > 0):
            return 0
        if self._ended:
            # They came while the last commit was under way: others will come with them.
            return self._settings.poll.total_seconds()
        return await self._pause()

    async def _take_the_role(self) -> bool:
        """Become a process that delivers, if the store lets us, and take up what was paused."""
        self._serving = await self._store.try_serve(self._owner)
        if self._serving:
            await self._sharing.deliver()
            self._traffic.recall_pauses(await self._store.pauses(self._clock.now()))
            await self._changer.recall()
        return self._serving

    async def _admit(self, claims: Sequence[Claim]) -> None:
        """Begin what may leave now; the rest goes back to its lane."""
        left = list(self._unbegun)
        self._unbegun += claims
        await self._sharing.learner.learn(self._traffic.unknown(claims))
        admitted = self._traffic.admit(claims)
        self._unbegun = [*left, *admitted.refused]
        for claim, permit in admitted.granted:
            self._begin(claim, permit)
        if admitted.refused:
            at_once = (each for each in admitted.refused if each.delivery_id not in admitted.until)
            self._passed = tuple({*self._passed, *(each.route for each in at_once)})
            left += await self._store.hand_back(admitted.refused, until=admitted.until)
            self._due = min(filter(None, (self._due, *admitted.until.values())), default=None)
        self._unbegun = left

    async def on_stop(self) -> None:
        """Wait for requests in flight, settle them, and give the role up."""
        try:
            await self._drain()
        finally:
            await self._sharing.stop()
            self._serving = False
            await self._store.stop_serving()

    async def _drain(self) -> None:
        """Settle what ends within the grace, and leave the rest to its lease."""
        until = self._clock.now() + self._settings.grace
        with suppress(StoreError):
            await self._renew(until)
        while self._in_flight or self._ended:
            self._wake.clear()
            pause = (until - self._clock.now()).total_seconds()
            settled = True
            try:
                await self._cycle(Wanted())
                settled = not self._waiting
            except Exception as error:  # noqa: BLE001 - there may be time to settle it yet
                self._tell(error)
                settled = False
            if not settled:
                pause = min(pause, self._settings.poll.total_seconds())
            if pause <= 0:
                break
            if self._in_flight or not settled:
                await self._clock.wait(self._wake, pause)
        unfinished = list(self._in_flight)
        for task in unfinished:
            task.cancel()
        await asyncio.gather(*unfinished, return_exceptions=True)
        self._in_flight.clear()  # some may never have come to their first step

    async def _keep_up(self) -> None:
        """From time to time: keep our leases, and take over what others have left behind."""
        now, kept_up_at = self._clock.now(), self._kept_up_at
        if kept_up_at is not None and kept_up_at <= now < kept_up_at + self._settings.round:
            return
        if kept_up_at is not None and now < kept_up_at:
            # The clock went back, and nobody is to wait until it is where it was.
            await self._store.hasten(now, latest=now + self._policy.keep_lane)
            self._look = True
        # Renewed first: after a long sleep of this process its own leases look abandoned.
        await self._renew(now)
        while lost := await self._store.reap(self._owner, now, 500):
            parked = sum(each.state is State.UNKNOWN for each in lost)
            self._telemetry.emit(DeliveriesLost(retried=len(lost) - parked, parked=parked))
            self._look = True
        while await self._store.release_handlers(sorted(self._handlers())):
            self._look = True
        self._kept_up_at = now

    async def _renew(self, at: datetime) -> None:
        """Have what this process holds last as if it had been claimed at an instant."""
        held = self._held_claims()
        extended = await self._store.renew(held, at + self._settings.held)
        self._leases.renewed(held, extended, at)

    def _handlers(self) -> Collection[str]:
        """What turns can be run here."""
        return () if self._turns is None else self._turns.names()

    async def _pause(self) -> float:
        """How long nothing can happen unless something wakes us."""
        now = self._clock.now()
        asked = self._sharing.granter.asked_lately(now)
        often = _POLL_ASKS if asked else self._settings.poll
        poll = often.total_seconds()
        if self._traffic.free <= 0 and self._look:
            return poll
        if self._ask_again_at is not None:
            poll = min(poll, max(0.001, (self._ask_again_at - now).total_seconds()))
        if self._passed and (room := self._traffic.room_at(self._passed)) is not None:
            poll = min(poll, max(0.001, (room - now).total_seconds()))
        if self._in_flight and self._asked_at <= now < self._asked_at + often:
            at = min(filter(None, (self._due, self._asked_at + often)))
            if at <= now:
                self._due, self._look = None, True
            return min(poll, max(0.0, (at - now).total_seconds()))
        self._asked_at = now
        if await self._store.changed():
            self._look = True
            return 0
        self._due = due = await self._store.next_due()
        if due is None:
            return poll
        left = (due - self._clock.now()).total_seconds()
        if left > 0:
            return min(poll, left)
        # It became due since we looked or, if not, it is the timekeeper who has to act first.
        self._look = True
        return 0 if due > self._looked_at else poll

    async def _cycle(self, wanted: Wanted) -> Sequence[Claim]:
        batch = self._ended[: self._batch]
        if not batch:
            self._batch, self._claiming = self._settings.settle_batch, True
        if not self._claiming:
            wanted = Wanted(rules=self._settings.rules)
        observed = self._traffic.observed()
        asks = self._look and wanted.paced is not None and wanted.paced.asks
        if not batch and not observed and wanted.limit <= 0 and not asks:
            return []
        now = self._clock.now()
        claiming = wanted.limit > 0
        # Whatever is committed from here on asks for another look.
        self._look = self._look and not claiming
        self._stop_gathering()
        self._committing = True
        try:
            cycled = await self._store.cycle(
                batch,
                owner=self._owner,
                now=now,
                lease_until=now + self._settings.held,
                wanted=wanted,
                observed=observed,
            )
        except BaseException as error:
            self._look = True
            self._suspect(batch, error, claiming=claiming)
            raise
        finally:
            self._committing = False
        self._batch = min(2 * self._batch, self._settings.settle_batch)
        self._claiming = self._batch == self._settings.settle_batch
        self._traffic.written(observed)
        self._sharing.cycled(cycled, now)
        self._tell_observed(observed)
        if claiming:
            self._looked_at = now
            self._passed = cycled.passed
            self._ask_again_at = now + BELIEVED if cycled.elsewhere else None
        if cycled.more or not claiming:
            self._look = True  # there may be more, or nothing was asked for
        self._forget(batch, cycled.waiting)
        return cycled.claims

    def _forget(self, batch: Sequence[Settlement], waiting: Collection[str]) -> None:
        """What has been committed is done with; after an error it would be settled again.

        Args:
            batch: what was handed in.
            waiting: ids of deliveries that have to be handed in once more.
        """
        del self._ended[: len(batch)]
        again = [each for each in batch if each.claim.delivery_id in waiting]
        self._ended += again
        self._waiting = len(again)
        if self._fresh:
            self._settle_in_a_moment()
        if batch:
            self._on_settled()
        for settlement in batch:
            if settlement.claim.delivery_id not in waiting:
                self._tell_ended(settlement)

    @property
    def _fresh(self) -> int:
        """How many have ended that the store was not asked to settle, or may settle at once."""
        return len(self._ended) - self._waiting

    def _suspect(
        self, batch: Sequence[Settlement], error: BaseException, *, claiming: bool
    ) -> None:
        """Find out what it is that the store does not take, so that nothing else waits for it.

        First nothing is claimed, then the batch is halved until one settlement is left. That one
        is settled without its evidence and, if even that is refused, left to its lease.
        """
        passing = StoreUnavailable | StoreFull | StoreReadOnly
        if not batch or not isinstance(error, Exception) or isinstance(error, passing):
            return
        if claiming:
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

    def _begin(self, claim: Claim, permit: Permit | None) -> None:
        task = asyncio.create_task(self._deliver(claim, permit))
        self._in_flight[task] = claim

    def _held_claims(self) -> list[Claim]:
        """What is in flight, or has come back and is not settled."""
        return [*self._in_flight.values(), *(each.claim for each in self._ended), *self._unbegun]

    async def _deliver(self, claim: Claim, permit: Permit | None) -> None:
        """Hand one delivery to the channel and note how it went, whatever happens."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - this is one
        try:
            settlement = await self._attempt(claim, permit)
        except asyncio.CancelledError as error:
            if task.cancelling():
                del self._in_flight[task]
                raise  # the grace is over
            settlement = self._broken(claim, error)
        except Exception as error:  # noqa: BLE001 - a lane must not stay taken because of it
            settlement = self._broken(claim, error)
        self._ended.append(settlement)
        self._traffic.finished(claim)
        # Its connection is free from here on, not when the event loop gets round to it.
        del self._in_flight[task]
        self._settle_soon()

    def _settle_soon(self) -> None:
        """Have what has ended committed, together with what ends in the next moment.

        A channel that answers slowly would otherwise cost a commit for each answer.
        """
        if self._fresh >= _WORTH_A_COMMIT or not self._in_flight:
            Service.wake(self)
        elif not self._committing:
            self._settle_in_a_moment()

    def _settle_in_a_moment(self) -> None:
        if self._gathering is None:
            moment = _MOMENT if self._in_flight else 0
            self._gathering = asyncio.get_running_loop().call_later(moment, self._gathered)

    def _gathered(self) -> None:
        self._gathering = None
        Service.wake(self)

    def _stop_gathering(self) -> None:
        if self._gathering is not None:
            self._gathering.cancel()
            self._gathering = None

    async def _attempt(self, claim: Claim, permit: Permit | None) -> Settlement:
        if permit is None:
            return await self._run_turn(claim)
        if makes(claim):
            return await self._make(claim, permit)
        try:
            post = post_of(claim, can_change=self._changer.can(claim))
        except ValueError as error:
            post = Refusal("unreadable_content", str(error))
        if isinstance(post, Refusal):
            self._traffic.ended(claim, permit, None)
            return self._judge.rejected(claim, post.reason, Evidence(message=post.told))
        # What is not answered, because we are cut off or the channel raises, may have arrived.
        answer: Answer | None = _NO_ANSWER
        try:
            if permit.route is not None:  # else nothing limits it
                await self._until(permit)
            if not self._leases.last(claim):
                answer = None
                return self._judge.put_back(claim)
            answer = await self._channel.send(post)
        finally:
            self._traffic.ended(claim, permit, answer)
        if claim.target is not None:
            return await self._changer.settled(claim, post, answer)
        return self._judge.settled(claim, answer)

    async def _make(self, claim: Claim, permit: Permit) -> Settlement:
        """Ask for the conversation a delivery has not got yet."""
        answer = _NO_ANSWER
        try:
            await self._until(permit)
            making = await make(self._channel, claim)
            answer = making.answer
        finally:
            self._traffic.ended(claim, permit, answer)
        return self._judge.made(claim, making)

    async def _until(self, permit: Permit) -> None:
        """Wait for the moment the channel's pace allows; it is never far.

        It may be put off meanwhile, because a reply takes its place.
        """
        at = None
        while at != permit.at:
            at = permit.at
            seconds = (at - self._clock.now()).total_seconds()
            if seconds > 0:
                await self._clock.wait(asyncio.Event(), seconds)

    def _broken(self, claim: Claim, error: BaseException) -> Settlement:
        """Our own code failed, and nobody can say how far the request had come."""
        told = f"{type(error).__name__}: {error}"[:500]
        self._telemetry.emit(ServiceFailed(service=type(self).__name__, error=told))
        return self._judge.broken(claim, told)

    async def _run_turn(self, claim: Claim) -> Settlement:
        answer = None
        try:
            if self._turns is None or claim.handler not in self._turns.names():
                return self._judge.held(claim, HeldReason.NO_HANDLER)
            ended: TurnEnded = await self._turns.run(claim, lambda: self._leases.last(claim))
            answer = ended.answer
            if answer is None and ended.activity_id is not None:
                answer = Answer(status=200)  # its sends got through
        finally:
            self._traffic.ended(claim, None, answer)
        if ended.answer is not None:
            return self._judge.settled(claim, ended.answer)
        if ended.error is not None:
            evidence = Evidence(message=ended.error, activity_id=ended.activity_id)
            return self._judge.rejected(claim, "handler_error", evidence)
        return self._judge.settled(claim, Answer(status=200, activity_id=ended.activity_id))

    def _tell_observed(self, observed: Observed) -> None:
        """Pauses of single conversations are told by the attempts that led to them."""
        for pause in observed.paused:
            if pause.kind is not PauseKind.PACE_KEY and pause.until is not None:
                self._telemetry.emit(
                    PauseBegan(
                        kind=str(pause.kind),
                        of=pause.of,
                        reason=pause.reason,
                        seconds=(pause.until - pause.since).total_seconds(),
                    )
                )
        for pause in observed.resumed:
            self._telemetry.emit(PauseEnded(kind=str(pause.kind), of=pause.of))

    def _tell_ended(self, settlement: Settlement) -> None:
        claim = settlement.claim
        if settlement.made is not None and not settlement.state.final:
            return  # its conversation was made, and nothing was tried to say there
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

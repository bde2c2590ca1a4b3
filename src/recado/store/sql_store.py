"""The storage port over any database that runs the verbs."""

from __future__ import annotations

import asyncio
import secrets
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, ClassVar, Final, TypeVar, cast

from recado.clock import Clock, SystemClock
from recado.domain.asking import Ask
from recado.domain.audience import Broadcast
from recado.domain.audit import AuditEntry
from recado.domain.delivery import Delivery
from recado.domain.health import Finding, HealthCount
from recado.domain.job import Job, JobScope
from recado.domain.making import Wish
from recado.domain.notification import Action, Notification, Once, Progress
from recado.domain.pause import Pause
from recado.domain.plan import Place, Survey
from recado.domain.policy import Answer
from recado.domain.reference import ConversationKey, Health, Reference, Sighting
from recado.domain.roster import Reading, RosterMember
from recado.domain.scope import Scope, Stamp
from recado.domain.steering import Cancelled, Retried
from recado.errors import StoreFull, StoreReadOnly, StoreUnavailable, StoreUnfinished
from recado.store.port import (
    Accepted,
    Backlog,
    Captured,
    Claim,
    Cycled,
    DeliveryDetail,
    DeliveryFilter,
    Forgotten,
    Kept,
    Lost,
    NotificationDetail,
    Observed,
    Old,
    Page,
    Put,
    RecordKind,
    Settlement,
    Unfinished,
    Wanted,
)
from recado.store.session import Session, StreamingSession, Work, statements
from recado.store.sparing import Sparing
from recado.store.together import Together
from recado.store.verbs import (
    acceptance,
    asks,
    audit,
    changing,
    delivery,
    healing,
    jobs,
    listing,
    local,
    looking,
    making,
    moving,
    once,
    pauses,
    reach,
    references,
    retention,
    rosters,
    singles,
    state,
    steering,
    waiting,
)
from recado.store.verbs.rows import maybe_instant, micros
from recado.store.verbs.sight import Sight

T = TypeVar("T")

_SQL = statements("odds")

#: Seconds that a store is called full after something found no room, if nothing else has since.
_FULL_SECONDS: Final = 10.0

#: Callers that wait at once for a conversation that somebody holds.
_PATIENT: Final = 3


class SqlStore(ABC):
    """The verbs of :class:`recado.store.port.Store`, over a database that runs transactions.

    What the verbs promise is written in the port. A subclass says how its database is opened, and
    how something is written and read in it.
    """

    #: Whether history is kept by months, which go as a whole.
    _by_months: ClassVar[bool] = False

    def __init__(
        self,
        clock: Clock | None,
        cost: Callable[[], float],
        *,
        groups: int = 1_000,
        remembers: bool = False,
    ) -> None:
        """Begin without a connection.

        Args:
            clock: the time for releases that carry none of their own.
            cost: seconds that whoever looks has been busy, so that long looks are spared.
            groups: commits under way at once of callers that notify at the same moment; who comes
                meanwhile shares the next one.
            remembers: whether the database may keep what was deleted, see :class:`Sight`.
        """
        self._clock = clock or SystemClock()
        self._wake: Callable[[], None] = lambda: None
        self._later: Callable[[], None] = lambda: None
        self._lost: Callable[[], None] = lambda: None
        #: Why nothing could be accepted the last time, and when that was.
        self._full: StoreFull | None = None
        self._full_at = 0.0
        self._spare = Sparing(cost)
        self._singles = Together(
            self._accept_singles, (StoreUnavailable, StoreReadOnly), at_once=groups
        )
        self._patient = asyncio.Semaphore(_PATIENT)
        self._sight = Sight(spares=remembers)

    @abstractmethod
    async def _write(self, work: Work[T]) -> T:
        """Run *work* in a transaction; its result once that is committed.

        It may be run more than once, so it must not change anything but the database.
        """

    @abstractmethod
    async def _read(self, work: Work[T]) -> T:
        """Run *work*, which reads little, and each statement of it what is committed by then."""

    @abstractmethod
    async def _look(self, work: Work[T]) -> T:
        """Run *work*, which only reads, over one state of the database.

        It may take long: whoever reads little does not wait for it.
        """

    @abstractmethod
    def _ride(self, work: Work[None]) -> None:
        """Run *work* with some transaction soon; nobody is told."""

    def _ring(self) -> None:  # noqa: B027 - where nobody else listens, nobody is told
        """Tell other processes that there may be something to do."""

    @abstractmethod
    def _soon(self, tell: Callable[[], None]) -> None:
        """Call *tell* on the event loop; asked from wherever a transaction runs."""

    @property
    def clock(self) -> Clock:
        return self._clock

    def on_lost(self, tell: Callable[[], None]) -> None:
        self._lost = tell

    def on_work(self, wake: Callable[[], None], later: Callable[[], None] = lambda: None) -> None:
        self._wake, self._later = wake, later

    async def schema_version(self) -> int:
        return int(await self._read(lambda db: db.value(_SQL["version"])))

    async def check(self) -> None:
        await self._write(lambda db: db.run(_SQL["writable"]))
        # That is so little that it finds room where nothing else does.
        if self._full is not None and time.monotonic() < self._full_at + _FULL_SECONDS:
            raise self._full

    # -- references

    async def capture(self, sightings: Sequence[Sighting]) -> list[Captured]:
        captured = await self._write(lambda db: references.capture(db, sightings))
        if any(each.released for each in captured):
            self._tell()
        return captured

    def touch(self, sighting: Sighting) -> None:
        async def work(db: Session) -> None:
            (captured,) = await references.capture(db, [sighting])
            if captured.released:
                self._soon(self._tell)

        self._ride(work)

    async def reference(self, reference_id: str) -> Reference | None:
        return await self._read(lambda db: references.by_id(db, reference_id))

    async def reference_by_key(self, key: ConversationKey) -> Reference | None:
        return await self._read(lambda db: references.by_key(db, key))

    async def references(  # noqa: PLR0913 - one parameter a filter
        self,
        *,
        bot: str | None = None,
        channel: str | None = None,
        tenant: str | None = None,
        health: Collection[Health] = (),
        after: str | None = None,
        limit: int = 100,
    ) -> Page[Reference]:
        work = partial(
            references.page,
            bot=bot,
            channel=channel,
            tenant=tenant,
            health=health,
            after=after,
            limit=limit,
        )
        return await self._read(work)

    async def learn(self, reference_id: str, finding: Finding) -> None:
        await self._working(lambda db: healing.learn_of(db, reference_id, finding))

    async def try_offers(self, now: datetime, limit: int) -> int:
        return await self._releasing(lambda db: healing.try_offers(db, micros(now), limit))

    async def health_report(self, bot: str) -> list[HealthCount]:
        return await self._read(lambda db: healing.report(db, bot))

    async def audit(
        self,
        *,
        bot: str | None = None,
        reference_id: str | None = None,
        after: str | None = None,
        limit: int = 100,
    ) -> Page[AuditEntry]:
        return await self._read(lambda db: audit.page(db, bot, reference_id, after, limit))

    async def find_conversation(self, bot: str, conversation_id: str) -> Reference | None:
        return await self._read(lambda db: references.by_conversation(db, bot, conversation_id))

    async def find_references(self, bot: str, name: str) -> list[Reference]:
        return await self._read(lambda db: references.of_person(db, bot, name))

    # -- people

    async def wish(self, wanted: Wish) -> Reference:
        now = micros(self._clock.now())
        return await self._write(lambda db: making.wish(db, wanted, now))

    async def thread(self, channel: Reference, conversation_id: str) -> Reference:
        now = micros(self._clock.now())
        return await self._write(lambda db: making.thread(db, channel, conversation_id, now))

    async def find_channel(self, bot: str, channel_id: str) -> Reference | None:
        return await self._read(lambda db: making.threads_channel(db, bot, channel_id))

    async def keep_roster(  # noqa: PLR0913 - the port's verb
        self,
        reference_id: str,
        members: Sequence[RosterMember],
        *,
        began_at: datetime,
        now: datetime,
        continuation: str | None,
        listed: int,
    ) -> None:
        work = partial(
            rosters.keep,
            reference_id=reference_id,
            members=members,
            began_at=micros(began_at),
            now=micros(now),
            continuation=continuation,
            listed=listed,
        )
        await self._write(work)

    async def roster_reading(self, reference_id: str) -> Reading | None:
        return await self._read(lambda db: rosters.reading(db, reference_id))

    async def roster(
        self, reference_id: str, *, after: str | None = None, limit: int = 500
    ) -> Page[RosterMember]:
        return await self._read(lambda db: rosters.page(db, reference_id, after, limit))

    async def find_listed(self, bot: str, name: str) -> tuple[RosterMember, Reference] | None:
        return await self._read(lambda db: rosters.of_person(db, bot, name))

    # -- acceptance

    async def accept(self, notification: Notification, lanes: Sequence[Reference]) -> Accepted:
        try:
            accepted = await self._accept_somehow(notification, lanes)
        except StoreFull as error:
            self._full, self._full_at = error, time.monotonic()
            raise
        self._full = None
        return accepted

    async def _accept_somehow(
        self, notification: Notification, lanes: Sequence[Reference]
    ) -> Accepted:
        if singles.is_single(notification, lanes):
            accepted = await self._singles.do((notification, lanes[0]))
            if accepted is not None:
                return accepted
            # Somebody holds its conversation. Only a few wait for that at once, because each keeps
            # a connection from others meanwhile.
            async with self._patient:
                return await self._accept(notification, lanes)
        return await self._accept(notification, lanes)

    async def _accept(self, notification: Notification, lanes: Sequence[Reference]) -> Accepted:
        return await self._working(lambda db: acceptance.accept(db, notification, lanes))

    async def _accept_singles(self, asked: Sequence[singles.Single]) -> Sequence[Accepted | None]:
        accepted = await self._write(lambda db: singles.accept(db, asked))
        self._wake()
        self._ring()
        if any(single.expires_at is not None for single, _ in asked):
            self._later()
        return accepted

    async def expand(self, now: datetime, limit: int) -> int:
        return await self._ringing(lambda db: acceptance.expand(db, micros(now), limit))

    # -- delivery

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

    async def progress(self, notification_id: str, *, exact: bool = False) -> Progress | None:
        async def work(db: Session) -> Progress | None:
            return await looking.progress(db, notification_id)

        asked = ("progress", notification_id)
        return await self._look(work if exact else self._spare.sparing(asked, work))

    async def settled(self, notification_id: str) -> bool | None:
        return await self._read(lambda db: looking.settled(db, notification_id))

    async def notification(self, notification_id: str) -> NotificationDetail | None:
        return await self._look(lambda db: looking.notification(db, notification_id))

    async def remaining(self, notification_id: str) -> Mapping[Place, int]:
        async def work(db: Session) -> Mapping[Place, int]:
            return await reach.remaining(db, notification_id)

        return await self._look(self._spare.sparing(("remaining", notification_id), work))

    async def survey(
        self, bot: str, audience: Broadcast, now: datetime, wanted: Once | None = None
    ) -> Survey:
        at = micros(now)
        return await self._look(lambda db: reach.survey(db, bot, audience, at, wanted))

    async def duplicates(
        self, bot: str, wanted: Once, now: datetime, numbers: Sequence[int] | None = None
    ) -> int:
        since = micros(now - wanted.every)
        return await self._look(lambda db: once.count(db, bot, wanted.key, since, numbers))

    async def delivery(self, delivery_id: str) -> DeliveryDetail | None:
        return await self._look(lambda db: looking.delivery(db, delivery_id))

    async def deliveries(
        self, wanted: DeliveryFilter, *, after: str | None = None, limit: int = 100
    ) -> Page[Delivery]:
        return await self._look(lambda db: listing.deliveries(db, wanted, after, limit))

    async def find(
        self, wanted: DeliveryFilter, *, after: str | None = None, limit: int = 500
    ) -> list[str]:
        return await self._look(lambda db: listing.find(db, wanted, after, limit))

    async def retry(self, delivery_id: str, now: datetime) -> None:
        await self._working(lambda db: steering.retry(db, delivery_id, micros(now)))

    async def retry_many(self, ids: Sequence[str], now: datetime) -> Retried:
        return await self._working(lambda db: steering.retry_many(db, ids, micros(now)))

    async def cancel(self, delivery_id: str, now: datetime, by: str | None = None) -> None:
        await self._working(lambda db: steering.cancel(db, delivery_id, micros(now), by))

    async def cancel_many(
        self, ids: Sequence[str], now: datetime, by: str | None = None
    ) -> Cancelled:
        return await self._working(lambda db: steering.cancel_many(db, ids, micros(now), by))

    async def end_expansion(self, notification_id: str, now: datetime) -> None:
        await self._write(lambda db: steering.end_expansion(db, notification_id, micros(now)))

    async def notification_of_key(self, bot: str, scope: str, key: str) -> str | None:
        return await self._read(lambda db: steering.of_key(db, bot, scope, key))

    async def mark_delivered(self, delivery_id: str, now: datetime, by: str | None = None) -> None:
        await self._write(lambda db: steering.mark_delivered(db, delivery_id, micros(now), by))

    async def backlog(self) -> Backlog:
        return await self._look(self._spare.sparing("backlog", looking.backlog))

    # -- forgetting

    async def make_months(self, now: datetime) -> None:  # noqa: B027 - history is one table
        """Nothing is to be done."""

    async def forget(
        self, what: Old, before: datetime, *, after: str = "", limit: int = 500
    ) -> Forgotten | None:
        if what is Old.MONTHS:
            return Forgotten(0, None)
        work = partial(
            retention.forget,
            what=what,
            before=before,
            after=after,
            limit=limit,
            by_months=self._by_months,
        )
        return await self._write(work)

    # -- moving

    async def read_records(
        self,
        begin: Callable[[Mapping[str, int]], None],
        take: Callable[[RecordKind, Sequence[Sequence[Any]]], None],
        *,
        with_state: bool,
    ) -> None:
        async def work(db: Session) -> None:
            # Ours do; those of somebody else's transaction never come here.
            streaming = cast("StreamingSession", db)
            await moving.read(streaming, begin, take, with_state=with_state)

        await self._look(work)

    async def begin_import(self, export_id: str, now: datetime) -> Unfinished:
        if await self._in_use():
            raise StoreUnavailable(
                "A process delivers from this database, or has just ended: stop it before "
                "something is imported, then try again."
            )
        return await self._write(lambda db: moving.begin(db, export_id, micros(now)))

    async def take_in(
        self,
        export_id: str,
        kind: RecordKind,
        records: Sequence[str],
        *,
        before: int,
        now: datetime,
    ) -> None:
        async def work(db: Session) -> None:
            await self._before_records(db, kind, records, now)
            await moving.take_in(db, export_id, kind, records, before)

        await self._write(work)

    async def _in_use(self) -> bool:
        """Whether another process delivers from this database, or else keep it from that."""
        return True

    async def _before_records(  # noqa: B027 - most need none
        self, db: Session, kind: RecordKind, records: Sequence[str], now: datetime
    ) -> None:
        """Make room for them."""

    async def verify_import(self, export_id: str) -> None:
        await self._write(lambda db: moving.verify(db, export_id))

    async def end_import(self, export_id: str, now: datetime, limit: int) -> bool:
        return await self._write(lambda db: moving.end(db, export_id, micros(now), limit))

    async def _check_finished(self, where: str) -> None:
        """Refuse a database into which an import has not finished."""
        if await self._read(moving.unfinished) is not None:
            raise StoreUnfinished(where)

    # -- jobs

    async def start_job(  # noqa: PLR0913 - the port's verb
        self,
        scope: JobScope,
        reference: Reference,
        *,
        user: Mapping[str, Any] | None,
        now: datetime,
        title: str | None = None,
        source: str | None = None,
    ) -> Job:
        work = partial(
            jobs.start,
            scope=scope,
            reference=reference,
            user=user,
            now=micros(now),
            title=title,
            source=source,
        )
        return await self._write(work)

    async def job(self, scope: JobScope, number: int) -> Job | None:
        return await self._read(lambda db: jobs.one(db, scope, number))

    async def jobs(
        self, scope: JobScope | None, *, after: str | None = None, limit: int = 100
    ) -> Page[Job]:
        return await self._read(lambda db: jobs.page(db, scope, after, limit))

    async def complete_job(
        self,
        scope: JobScope,
        number: int,
        *,
        result: Any,
        notification: Notification,
        now: datetime,
    ) -> Accepted:
        work = partial(
            jobs.complete,
            scope=scope,
            number=number,
            result=result,
            notification=notification,
            now=micros(now),
        )
        return await self._working(work)

    # -- odds and ends

    async def secret(self, name: str) -> str:
        fresh = secrets.token_hex(32)

        async def work(db: Session) -> str:
            await db.run(_SQL["keep_secret"], (name, fresh))
            return str(await db.value(_SQL["secret"], (name,)))

        return await self._write(work)

    # -- the local channel's history

    async def local_start(self, conversation_id: str, user: Mapping[str, Any] | None) -> bool:
        return await self._write(lambda db: local.start(db, conversation_id, user))

    async def local_user(self, conversation_id: str) -> tuple[bool, Mapping[str, Any] | None]:
        return await self._read(lambda db: local.user(db, conversation_id))

    async def local_append(
        self, conversation_id: str, activity: Mapping[str, Any], *, key: str | None = None
    ) -> tuple[int, bool]:
        return await self._write(lambda db: local.append(db, conversation_id, activity, key))

    async def local_replace(
        self, conversation_id: str, position: int, activity: Mapping[str, Any] | None
    ) -> bool:
        return await self._write(lambda db: local.replace(db, conversation_id, position, activity))

    async def local_history(
        self, conversation_id: str, *, after: int, limit: int = 500
    ) -> list[tuple[int, Mapping[str, Any]]]:
        return await self._read(lambda db: local.history(db, conversation_id, after, limit))

    # -- what bots keep

    async def read_state(self, bot: str, keys: Collection[str]) -> Mapping[str, Kept]:
        return await self._read(lambda db: state.read(db, bot, keys))

    async def write_state(self, bot: str, puts: Sequence[Put]) -> Mapping[str, int]:
        now = micros(self._clock.now())
        return await self._write(lambda db: state.write(db, bot, puts, now))

    async def delete_state(self, bot: str, keys: Collection[str]) -> None:
        await self._write(lambda db: state.delete(db, bot, keys))

    async def _releasing(self, work: Work[int]) -> int:
        """A write that made something due if its result is not 0."""
        released = await self._write(work)
        if released:
            self._tell()
        return released

    async def _ringing(self, work: Work[int]) -> int:
        """A write whose caller knows that it made something due, and others do not."""
        moved = await self._write(work)
        if moved:
            self._ring()
        return moved

    async def _working(self, work: Work[T]) -> T:
        """A write that may have made something due."""
        result = await self._write(work)
        self._tell()
        return result

    def _tell(self) -> None:
        self._wake()
        self._later()
        self._ring()

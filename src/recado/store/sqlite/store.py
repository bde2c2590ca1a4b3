"""The store on one SQLite file (or in memory, for tests)."""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from filelock import FileLock, Timeout

from recado.clock import Clock, SystemClock
from recado.domain.audience import Broadcast
from recado.domain.audit import AuditEntry
from recado.domain.delivery import Delivery
from recado.domain.health import Finding, HealthCount
from recado.domain.job import Job, JobScope
from recado.domain.making import Wish
from recado.domain.notification import Action, Notification, Once, Progress
from recado.domain.pause import Pause
from recado.domain.plan import Place, Survey
from recado.domain.reference import ConversationKey, Health, Reference, Sighting
from recado.domain.roster import Reading, RosterMember
from recado.domain.scope import Scope, Stamp
from recado.domain.steering import Cancelled, Retried
from recado.errors import StoreReadOnly, StoreUnavailable
from recado.store.port import (
    Accepted,
    Backlog,
    Captured,
    Claim,
    Cycled,
    DeliveryDetail,
    DeliveryFilter,
    Lost,
    NotificationDetail,
    Observed,
    Page,
    Settlement,
    Wanted,
)
from recado.store.queries import load_queries
from recado.store.sqlite import (
    acceptance,
    audit,
    changing,
    delivery,
    healing,
    jobs,
    listing,
    local,
    looking,
    making,
    once,
    pauses,
    reach,
    references,
    rosters,
    schema,
    singles,
    steering,
    waiting,
)
from recado.store.sqlite.database import BUSY_SECONDS, Database
from recado.store.sqlite.rows import maybe_instant, micros
from recado.store.sqlite.sparing import Sparing
from recado.store.sqlite.together import Together

T = TypeVar("T")

_SQL = load_queries("sqlite", "odds")


class SqliteStore:
    """Implements :class:`recado.store.port.Store`; what the verbs promise is written there."""

    def __init__(
        self,
        path: Path | None,
        clock: Clock | None = None,
        *,
        busy_seconds: float = BUSY_SECONDS,
    ) -> None:
        """Choose the file; :meth:`open` opens it.

        Args:
            path: the file, made if missing; None keeps everything in memory.
            clock: the time for releases that carry none of their own.
            busy_seconds: how long to wait for another program's lock on the file.
        """
        self._db = Database(path, busy_seconds)
        self._path = path
        #: Which file it is that was opened.
        self._file: tuple[int, int] | None = None
        self._clock = clock or SystemClock()
        # Resolved, so that every name of the file leads to the one lock.
        self._serving_path = None if path is None else f"{path.resolve()}.serving"
        self._role: FileLock | None = None
        self._wake: Callable[[], None] = lambda: None
        self._later: Callable[[], None] = lambda: None
        self._spare = Sparing()
        self._seen = -1
        self._singles = Together(self._accept_singles, (StoreUnavailable, StoreReadOnly))

    # -- lifecycle

    async def open(self) -> None:
        await self._db.open()
        try:
            await self._db.write(schema.migrate)
            if self._path is not None:
                self._file = await asyncio.to_thread(_identity, self._path)
        except BaseException:
            await self._db.close()
            raise

    async def close(self) -> None:
        await self._singles.finish()
        await self.stop_serving()
        await self._db.close()

    async def schema_version(self) -> int:
        return await self._db.read(schema.version)

    async def check(self) -> None:
        if self._path is not None and await asyncio.to_thread(_identity, self._path) != self._file:
            # SQLite would go on writing to a file that has no name any more.
            raise StoreUnavailable(
                f"The database {self._path} was deleted or replaced while it was in use: restart "
                "Recado, and put the file back first if it was moved."
            )
        await self._db.write(lambda db: db.execute(_SQL["writable"]).close())

    def on_work(self, wake: Callable[[], None], later: Callable[[], None] = lambda: None) -> None:
        self._wake, self._later = wake, later

    async def changed(self) -> bool:
        # data_version changes when another connection commits; our own reader asks, so the
        # commits of our own writer count too, which costs a look at most.
        seen = await self._db.read(_data_version)
        changed, self._seen = seen != self._seen, seen
        return changed

    async def try_serve(self, owner: str) -> bool:  # noqa: ARG002 - the lock is the process's
        if self._serving_path is None or self._role is not None:
            return True
        role = await asyncio.to_thread(_locked, self._serving_path)
        self._role = role or self._role
        return self._role is not None

    async def stop_serving(self) -> None:
        role, self._role = self._role, None
        if role is not None:
            role.release()

    async def served(self) -> bool:
        if self._serving_path is None or self._role is not None:
            return True
        probe = await asyncio.to_thread(_locked, self._serving_path)
        if probe is not None:
            probe.release()
        return probe is None

    # -- references

    async def capture(self, sightings: Sequence[Sighting]) -> list[Captured]:
        captured = await self._db.write(lambda db: references.capture(db, sightings))
        if any(each.released for each in captured):
            self._tell()
        return captured

    def touch(self, sighting: Sighting) -> None:
        loop = asyncio.get_running_loop()

        def work(db: sqlite3.Connection) -> None:
            (captured,) = references.capture(db, [sighting])
            if captured.released:
                loop.call_soon_threadsafe(self._tell)

        self._db.ride(work)

    async def reference(self, reference_id: str) -> Reference | None:
        return await self._db.read(lambda db: references.by_id(db, reference_id))

    async def reference_by_key(self, key: ConversationKey) -> Reference | None:
        return await self._db.read(lambda db: references.by_key(db, key))

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
        return await self._db.read(work)

    async def learn(self, reference_id: str, finding: Finding) -> None:
        await self._working(lambda db: healing.learn_of(db, reference_id, finding))

    async def try_offers(self, now: datetime, limit: int) -> int:
        return await self._releasing(lambda db: healing.try_offers(db, micros(now), limit))

    async def health_report(self, bot: str) -> list[HealthCount]:
        return await self._db.read(lambda db: healing.report(db, bot))

    async def audit(
        self,
        *,
        bot: str | None = None,
        reference_id: str | None = None,
        after: str | None = None,
        limit: int = 100,
    ) -> Page[AuditEntry]:
        return await self._db.read(lambda db: audit.page(db, bot, reference_id, after, limit))

    async def find_conversation(self, bot: str, conversation_id: str) -> Reference | None:
        return await self._db.read(lambda db: references.by_conversation(db, bot, conversation_id))

    async def find_references(self, bot: str, name: str) -> list[Reference]:
        return await self._db.read(lambda db: references.of_person(db, bot, name))

    # -- people

    async def wish(self, wanted: Wish) -> Reference:
        now = micros(self._clock.now())
        return await self._db.write(lambda db: making.wish(db, wanted, now))

    async def thread(self, channel: Reference, conversation_id: str) -> Reference:
        now = micros(self._clock.now())
        return await self._db.write(lambda db: making.thread(db, channel, conversation_id, now))

    async def find_channel(self, bot: str, channel_id: str) -> Reference | None:
        return await self._db.read(lambda db: making.threads_channel(db, bot, channel_id))

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
        await self._db.write(work)

    async def roster_reading(self, reference_id: str) -> Reading | None:
        return await self._db.read(lambda db: rosters.reading(db, reference_id))

    async def roster(
        self, reference_id: str, *, after: str | None = None, limit: int = 500
    ) -> Page[RosterMember]:
        return await self._db.read(lambda db: rosters.page(db, reference_id, after, limit))

    async def find_listed(self, bot: str, name: str) -> tuple[RosterMember, Reference] | None:
        return await self._db.read(lambda db: rosters.of_person(db, bot, name))

    # -- acceptance

    async def accept(self, notification: Notification, lanes: Sequence[Reference]) -> Accepted:
        if singles.is_single(notification, lanes):
            return await self._singles.do((notification, lanes[0]))
        return await self._working(lambda db: acceptance.accept(db, notification, lanes))

    async def _accept_singles(self, asked: Sequence[singles.Single]) -> Sequence[Accepted]:
        accepted = await self._db.write(lambda db: singles.accept(db, asked))
        self._wake()
        if any(single.expires_at is not None for single, _ in asked):
            self._later()
        return accepted

    async def expand(self, now: datetime, limit: int) -> int:
        return await self._db.write(lambda db: acceptance.expand(db, micros(now), limit))

    # -- delivery

    async def promote(self, now: datetime, limit: int) -> int:
        return await self._db.write(lambda db: waiting.promote(db, micros(now), limit))

    async def next_due(self) -> datetime | None:
        return maybe_instant(await self._db.read(waiting.next_due))

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
        )
        return await self._db.write(work)

    async def hand_back(
        self, claims: Sequence[Claim], *, until: Mapping[str, datetime] | None = None
    ) -> None:
        now = micros(self._clock.now())
        later = {each: micros(at) for each, at in (until or {}).items()}
        await self._db.write(lambda db: delivery.hand_back(db, claims, now, later))

    async def stamps(self, keys: Sequence[tuple[Scope, str]], since: datetime) -> list[Stamp]:
        return await self._db.read(lambda db: pauses.stamps(db, keys, micros(since)))

    async def forget_pace(self, *, stamps_before: datetime, now: datetime, limit: int) -> int:
        before, over = micros(stamps_before), micros(now)
        return await self._db.write(lambda db: pauses.forget(db, before, over, limit))

    async def pause(self, pause: Pause) -> None:
        await self._db.write(lambda db: pauses.pause(db, pause))

    async def resume(self, pause: Pause, now: datetime) -> bool:
        return await self._working(lambda db: pauses.resume(db, pause, micros(now)))

    async def pauses(self, now: datetime) -> list[Pause]:
        return await self._db.read(lambda db: pauses.lasting(db, micros(now)))

    async def renew(self, claims: Sequence[Claim], lease_until: datetime) -> None:
        await self._db.write(lambda db: delivery.renew(db, claims, micros(lease_until)))

    async def hasten(self, now: datetime, *, latest: datetime) -> None:
        await self._db.write(lambda db: delivery.hasten(db, micros(now), micros(latest)))

    async def reap(self, owner: str, now: datetime, limit: int) -> list[Lost]:
        return await self._db.write(lambda db: delivery.reap(db, owner, micros(now), limit))

    async def release_handlers(self, handlers: Sequence[str], limit: int = 500) -> int:
        now = micros(self._clock.now())
        return await self._releasing(lambda db: waiting.release_handlers(db, handlers, now, limit))

    async def release_turn(self, turn: str) -> int:
        now = micros(self._clock.now())
        return await self._releasing(lambda db: waiting.release_turn(db, turn, now))

    async def learn_unable(self, channel: str, action: Action, now: datetime) -> None:
        await self._db.write(lambda db: changing.learn_unable(db, channel, action, micros(now)))

    async def unable(self, since: datetime) -> Mapping[tuple[str, Action], datetime]:
        return await self._db.read(lambda db: changing.unable(db, micros(since)))

    async def record_send(self, delivery_id: str, number: int, activity_id: str | None) -> None:
        await self._db.write(lambda db: delivery.record_send(db, delivery_id, number, activity_id))

    async def recorded_sends(self, delivery_id: str) -> dict[int, str | None]:
        return await self._db.read(lambda db: delivery.recorded_sends(db, delivery_id))

    # -- looking and steering

    async def progress(self, notification_id: str, *, exact: bool = False) -> Progress | None:
        def work(db: sqlite3.Connection) -> Progress | None:
            return looking.progress(db, notification_id)

        asked = ("progress", notification_id)
        return await self._db.look(work if exact else self._spare.sparing(asked, work))

    async def settled(self, notification_id: str) -> bool | None:
        return await self._db.read(lambda db: looking.settled(db, notification_id))

    async def notification(self, notification_id: str) -> NotificationDetail | None:
        return await self._db.look(lambda db: looking.notification(db, notification_id))

    async def remaining(self, notification_id: str) -> Mapping[Place, int]:
        def work(db: sqlite3.Connection) -> Mapping[Place, int]:
            return reach.remaining(db, notification_id)

        return await self._db.look(self._spare.sparing(("remaining", notification_id), work))

    async def survey(
        self, bot: str, audience: Broadcast, now: datetime, wanted: Once | None = None
    ) -> Survey:
        at = micros(now)
        return await self._db.look(lambda db: reach.survey(db, bot, audience, at, wanted))

    async def duplicates(
        self, bot: str, wanted: Once, now: datetime, numbers: Sequence[int] | None = None
    ) -> int:
        since = micros(now - wanted.every)
        return await self._db.look(lambda db: once.count(db, bot, wanted.key, since, numbers))

    async def delivery(self, delivery_id: str) -> DeliveryDetail | None:
        return await self._db.look(lambda db: looking.delivery(db, delivery_id))

    async def deliveries(
        self, wanted: DeliveryFilter, *, after: str | None = None, limit: int = 100
    ) -> Page[Delivery]:
        return await self._db.look(lambda db: listing.deliveries(db, wanted, after, limit))

    async def find(
        self, wanted: DeliveryFilter, *, after: str | None = None, limit: int = 500
    ) -> list[str]:
        return await self._db.look(lambda db: listing.find(db, wanted, after, limit))

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
        await self._db.write(lambda db: steering.end_expansion(db, notification_id, micros(now)))

    async def notification_of_key(self, bot: str, scope: str, key: str) -> str | None:
        return await self._db.read(lambda db: steering.of_key(db, bot, scope, key))

    async def mark_delivered(self, delivery_id: str, now: datetime, by: str | None = None) -> None:
        await self._db.write(lambda db: steering.mark_delivered(db, delivery_id, micros(now), by))

    async def backlog(self) -> Backlog:
        return await self._db.look(self._spare.sparing("backlog", looking.backlog))

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
        return await self._db.write(work)

    async def job(self, scope: JobScope, number: int) -> Job | None:
        return await self._db.read(lambda db: jobs.one(db, scope, number))

    async def jobs(
        self, scope: JobScope | None, *, after: str | None = None, limit: int = 100
    ) -> Page[Job]:
        return await self._db.read(lambda db: jobs.page(db, scope, after, limit))

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

        def work(db: sqlite3.Connection) -> str:
            db.execute(_SQL["keep_secret"], (name, fresh))
            return str(db.execute(_SQL["secret"], (name,)).fetchone()[0])

        return await self._db.write(work)

    # -- the local channel's history

    async def local_start(self, conversation_id: str, user: Mapping[str, Any] | None) -> bool:
        return await self._db.write(lambda db: local.start(db, conversation_id, user))

    async def local_user(self, conversation_id: str) -> tuple[bool, Mapping[str, Any] | None]:
        return await self._db.read(lambda db: local.user(db, conversation_id))

    async def local_append(
        self, conversation_id: str, activity: Mapping[str, Any], *, key: str | None = None
    ) -> tuple[int, bool]:
        return await self._db.write(lambda db: local.append(db, conversation_id, activity, key))

    async def local_replace(
        self, conversation_id: str, position: int, activity: Mapping[str, Any] | None
    ) -> bool:
        return await self._db.write(
            lambda db: local.replace(db, conversation_id, position, activity)
        )

    async def local_history(
        self, conversation_id: str, *, after: int, limit: int = 500
    ) -> list[tuple[int, Mapping[str, Any]]]:
        return await self._db.read(lambda db: local.history(db, conversation_id, after, limit))

    async def _releasing(self, work: Callable[[sqlite3.Connection], int]) -> int:
        """A write that made something due if its result is not 0."""
        released = await self._db.write(work)
        if released:
            self._tell()
        return released

    async def _working(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """A write that may have made something due."""
        result = await self._db.write(work)
        self._tell()
        return result

    def _tell(self) -> None:
        self._wake()
        self._later()


def _locked(path: str) -> FileLock | None:
    """The lock on *path*, or None if another has it.

    It is taken in one thread and released in another, so it must not be one thread's.
    """
    lock = FileLock(path, thread_local=False)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return None
    except OSError as error:
        raise StoreUnavailable(
            f"The lock {path} cannot be made ({error.strerror}): make its directory writable."
        ) from error
    return lock


def _identity(path: Path) -> tuple[int, int] | None:
    """What the file system calls the file; None when there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _data_version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA data_version").fetchone()[0])

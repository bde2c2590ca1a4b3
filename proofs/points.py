"""The points of the delivery path at which a process of the kill matrix ends or falls asleep.

Nothing in Recado knows of them: a store that does everything the real one does, and a channel
before the real one, see that a point has been reached.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Collection, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, TypeVar

from recado.channel.port import Call, Channel, Post, Reply
from recado.clock import Clock
from recado.database_url import PostgresAddress, SqliteFile
from recado.domain.notification import Notification
from recado.domain.policy import Answer
from recado.domain.reference import Reference
from recado.store.over_sql import SqlStore
from recado.store.port import Accepted, Claim, Cycled, Evaluated, Lost
from recado.store.postgres import PostgresStore
from recado.store.session import Session, Work
from recado.store.sqlite import SqliteStore
from recado.store.verbs.singles import Single

T = TypeVar("T")

#: What is done in a transaction of its own, in the order of a delivery's life.
VERBS: Final = (
    "accept",
    "expand",
    "promote",
    "claim",
    "record a send",
    "settle",
    "renew",
    "hand back",
    "reap",
)
#: The same of a long answer's life.
ANSWER_VERBS: Final = (
    "promise",
    "claim a work",
    "progress",
    "say",
    "end an answer",
    "renew works",
    "hand back a work",
)
#: The same of a schedule's life.
SCHEDULE_VERBS: Final = ("fire",)
#: The same of a watch's life.
WATCH_VERBS: Final = ("watch", "emit", "look")
BEFORE: Final = "before its commit"
KNOWN: Final = "committed, before it is known"

REQUESTED: Final = "request: before it is sent"
#: The channel sees to this one: only it knows when a request has arrived.
UNANSWERED: Final = "request: arrived, before its answer"
ANSWERED: Final = "answer: before it is settled"
STOPPING: Final = "stop: begun"
GIVEN_UP: Final = "stop: before the role is given up"
#: Whenever it is, in a process whose point did not come in time.
ANY: Final = "any moment"

#: Points of long answers by name.
ANSWER_POINTS: Final = tuple(f"{verb}: {when}" for verb in ANSWER_VERBS for when in (BEFORE, KNOWN))
#: Points of schedules by name.
SCHEDULE_POINTS: Final = tuple(
    f"{verb}: {when}" for verb in SCHEDULE_VERBS for when in (BEFORE, KNOWN)
)
#: Points of watches by name.
WATCH_POINTS: Final = tuple(f"{verb}: {when}" for verb in WATCH_VERBS for when in (BEFORE, KNOWN))
#: Points by name; each verb has two.
POINTS: Final = (
    *(f"{verb}: {when}" for verb in VERBS for when in (BEFORE, KNOWN)),
    REQUESTED,
    UNANSWERED,
    ANSWERED,
    STOPPING,
    GIVEN_UP,
)


@dataclass(frozen=True, slots=True)
class Plan:
    """Where a process meets its fate.

    Attributes:
        point: its name; None for nowhere.
        times: which time it is reached.
        pause: whether the process falls asleep instead of ending.
    """

    point: str | None = None
    times: int = 1
    pause: bool = False


class Points:
    """Sees to it that a process meets its fate."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._left = plan.times

    def reach(self, point: str) -> None:
        """The process has come to *point*, in whichever thread."""
        if point != self._plan.point:
            return
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGSTOP if self._plan.pause else signal.SIGKILL)


#: What a transaction is for; it depends on what has come of it.
_doing: ContextVar[str | None] = ContextVar("doing", default=None)


class _Marked(SqlStore):
    """A store that tells when its transactions commit."""

    points: Points

    async def _write(self, work: Work[T]) -> T:
        verb = _doing.get()
        if verb is None:
            return await super()._write(work)  # type: ignore[safe-super]  # a store is behind it

        async def watched(db: Session) -> T:
            result = await work(db)
            for each in _done(verb, result):
                self.points.reach(f"{each}: {BEFORE}")
            return result

        result = await super()._write(watched)  # type: ignore[safe-super]  # a store is behind it
        for each in _done(verb, result):
            self.points.reach(f"{each}: {KNOWN}")
        return result

    async def _as(self, verb: str, doing: Any) -> Any:
        before = _doing.set(verb)
        try:
            return await doing
        finally:
            _doing.reset(before)

    async def accept(self, notification: Notification, lanes: Sequence[Reference]) -> Accepted:
        accepted: Accepted = await self._as("accept", super().accept(notification, lanes))
        return accepted

    async def _accept_singles(self, asked: Sequence[Single]) -> Sequence[Accepted]:
        accepted: Sequence[Accepted] = await self._as("accept", super()._accept_singles(asked))
        return accepted

    async def expand(self, now: datetime, limit: int) -> int:
        return int(await self._as("expand", super().expand(now, limit)))

    async def promote(self, now: datetime, limit: int) -> int:
        return int(await self._as("promote", super().promote(now, limit)))

    async def cycle(self, settlements: Any, **more: Any) -> Cycled:
        verb = "settle" if settlements else "cycle"
        cycled: Cycled = await self._as(verb, super().cycle(settlements, **more))
        return cycled

    async def record_send(self, *told: Any) -> None:
        await self._as("record a send", super().record_send(*told))

    async def renew(self, claims: Sequence[Claim], lease_until: datetime) -> Collection[str]:
        verb = "renew" if claims else "nothing"
        renewed: Collection[str] = await self._as(verb, super().renew(claims, lease_until))
        return renewed

    async def hand_back(self, claims: Sequence[Claim], **more: Any) -> Sequence[Claim]:
        verb = "hand back" if claims else "nothing"
        waiting: Sequence[Claim] = await self._as(verb, super().hand_back(claims, **more))
        return waiting

    async def promise_answer(self, *told: Any) -> Any:
        return await self._as("promise", super().promise_answer(*told))

    async def claim_works(self, *told: Any, **more: Any) -> Any:
        return await self._as("claim a work", super().claim_works(*told, **more))

    async def show_progress(self, *told: Any) -> Any:
        return await self._as("progress", super().show_progress(*told))

    async def say_answer(self, *told: Any, **more: Any) -> Any:
        return await self._as("say", super().say_answer(*told, **more))

    async def end_answer(self, *told: Any, **more: Any) -> Any:
        return await self._as("end an answer", super().end_answer(*told, **more))

    async def renew_works(self, *told: Any) -> Any:
        return await self._as("renew works", super().renew_works(*told))

    async def hand_back_work(self, *told: Any, **more: Any) -> Any:
        return await self._as("hand back a work", super().hand_back_work(*told, **more))

    async def fire_schedules(self, *told: Any) -> Any:
        return await self._as("fire", super().fire_schedules(*told))

    async def make_watch(self, *told: Any) -> Any:
        return await self._as("watch", super().make_watch(*told))

    async def accept_events(self, *told: Any) -> Any:
        return await self._as("emit", super().accept_events(*told))

    async def evaluate(self, *told: Any) -> Any:
        return await self._as("look", super().evaluate(*told))

    async def reap(self, owner: str, now: datetime, limit: int) -> list[Lost]:
        lost: list[Lost] = await self._as("reap", super().reap(owner, now, limit))
        return lost


#: What does nothing where nothing is to be done.
_MAYBE_NOTHING: Final = frozenset({"expand", "promote", "reap", "claim a work", "fire"})


def _done(verb: str, result: Any) -> list[str]:
    """What a transaction has done."""
    if isinstance(result, Evaluated):
        return ["look"] if result.events else []
    if isinstance(result, Cycled):
        return [*(["settle"] if verb == "settle" else []), *(["claim"] if result.claims else [])]
    if verb == "nothing" or (verb in _MAYBE_NOTHING and not result):
        return []
    return [verb]


class _MarkedSqlite(_Marked, SqliteStore):
    async def stop_serving(self) -> None:
        self.points.reach(GIVEN_UP)
        await super().stop_serving()


class _MarkedPostgres(_Marked, PostgresStore):
    async def stop_serving(self) -> None:
        self.points.reach(GIVEN_UP)
        await super().stop_serving()


def marked(
    where: SqliteFile | PostgresAddress, points: Points, clock: Clock | None = None
) -> SqliteStore | PostgresStore:
    """The store over a database, watched."""
    made: _MarkedSqlite | _MarkedPostgres
    if isinstance(where, SqliteFile):
        made = _MarkedSqlite(where.path, clock)
    else:
        made = _MarkedPostgres(where, clock, connections=5)
    made.points = points
    return made


class MarkedChannel(Channel):
    """A channel before another one.

    Args:
        inner: the other one.
        points: what is told.
        name: the process's, which the service URLs it asks begin with, so that whoever answers
            knows who asked.
    """

    def __init__(self, inner: Channel, points: Points, name: str) -> None:
        self._inner = inner
        self._points = points
        self._name = name

    async def send(self, post: Post) -> Answer:
        self._points.reach(REQUESTED)
        place = f"{post.service_url.rstrip('/')}/{self._name}/"
        answer = await self._inner.send(replace(post, service_url=place))
        self._points.reach(ANSWERED)
        return answer

    async def call(self, call: Call) -> Reply:
        return await self._inner.call(call)

    async def close(self) -> None:
        await self._inner.close()

"""Works: runs what makes long answers, a bounded number at once, and sees to it that all end."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from recado.answers import Ending
from recado.answers.ending import WorkEnded
from recado.clock import Clock
from recado.domain.answer import LongAnswer
from recado.engine.service import Service
from recado.engine.typing import Typing
from recado.errors import StoreError
from recado.outbox import CurrentTurn
from recado.store.port import Stint, Store, WorksOutlook
from recado.telemetry import ServiceFailed, Telemetry

#: At most so many seconds between looks, for what other processes promised or called off; and where
#: others hardly promise anything, when there is nothing.
_LOOK_AGAIN: Final = 1.0
_LOOK_SELDOM: Final = 5.0
#: A lease is renewed when so much of it is left.
_RENEWED: Final = 3
#: Between looks whether answers have taken the place of their progress.
_LOOK_AFTER: Final = timedelta(seconds=2)
#: Seconds until the end of a work is told to a database again that did not take it.
_AGAIN: Final = 1.0
#: Seconds that a work which is cut off has to put its things in order.
_CUT_OFF: Final = 2.0


class WorkCode(Protocol):
    """The code of works."""

    def names(self) -> Collection[str]:
        """Names of the works registered in this process."""

    async def run(self, stint: Stint) -> WorkEnded:
        """Run a work to its end; it does not raise for what that does.

        Cancelled, it cancels the work. From then on nothing the work says is taken.
        """

    def forget(self, answer_id: str) -> None:
        """The function of an answer that only this process could run is not needed any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorksSettings:
    """How works are run.

    Attributes:
        at_once: how many of this process; the others wait in order.
        lease: how long one is this process's own without being renewed.
        grace: how long works may go on when the process stops.
    """

    at_once: int = 16
    lease: timedelta = timedelta(seconds=30)
    grace: timedelta = timedelta(seconds=10)


class Works(Service):
    """Runs works in the background.

    Args:
        store: what was promised.
        ending: ends answers.
        code: what is run.
        typing: shows that somebody works.
        clock: the time.
        telemetry: told of errors.
        owner: this process's name in leases.
        settings: how.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - everything it works with
        self,
        store: Store,
        ending: Ending,
        code: WorkCode,
        typing: Typing,
        clock: Clock,
        telemetry: Telemetry,
        *,
        owner: str,
        settings: WorksSettings | None = None,
    ) -> None:
        super().__init__(clock, telemetry)
        self._store = store
        self._ending = ending
        self._code = code
        self._typing = typing
        self._owner = owner
        self._settings = settings or WorksSettings()
        self._running: dict[str, tuple[Stint, asyncio.Task[None]]] = {}
        #: Promised here and not begun: in turns that may go on, and what only this process can run.
        self._turns: dict[str, CurrentTurn] = {}
        self._waiting: dict[str, LongAnswer] = {}
        self._renewed_at: datetime | None = None
        self._looked_after_at: datetime | None = None
        self._idle = asyncio.Event()

    # -- for those who promise ---------------------------------------------------------------

    def promised(self, answer: LongAnswer, turn: CurrentTurn | None) -> None:
        """An answer was promised here, in a turn or outside of any."""
        if answer.id in self._running:
            return
        if not answer.resumable:
            self._waiting[answer.id] = answer
        if turn is not None:
            self._turns[answer.id] = turn
            if self.wake not in turn.on_end:
                turn.on_end.append(self.wake)
        self.wake()

    def drop(self, answer_id: str) -> None:
        """An answer is over, or another process's: its work is stopped here."""
        self._turns.pop(answer_id, None)
        self._waiting.pop(answer_id, None)
        self._typing.end(answer_id)
        run = self._running.pop(answer_id, None)
        if run is not None:
            run[1].cancel()
        self._code.forget(answer_id)

    @property
    def running_now(self) -> Collection[str]:
        """Ids of the answers whose work runs here."""
        return self._running.keys()

    # -- the step ----------------------------------------------------------------------------

    async def run_once(self) -> float | None:
        now = self._clock.now()
        outlook = await self._store.works_outlook(self._owner, self._code.names())
        await self._renew(now, outlook)
        await self._shorten(now, outlook)
        if outlook.deadline_at is not None and outlook.deadline_at <= now:
            for each in await self._ending.expire():
                self.drop(each)
        if outlook.lease_until is not None and outlook.lease_until <= now:
            await self._ending.recover()
        await self._look_after(now, outlook)
        room = self._settings.at_once - len(self._running)
        ended = {each for each, turn in self._turns.items() if turn.ended}
        if ended or (outlook.ready and room > 0):
            await self._begin(now, room, ended)
        if outlook.deadline_at is None:
            seldom = self._store.one_delivers and not (self._turns or outlook.replacing)
            return _LOOK_SELDOM if seldom else _LOOK_AGAIN
        left = (outlook.deadline_at - self._clock.now()).total_seconds()
        return min(_LOOK_AGAIN, left) if left > 0 else _LOOK_AGAIN

    async def on_stop(self) -> None:
        """Let works end for a while; then they are handed back, or apologised for."""
        await self._let_end()
        cut = list(self._running.values())
        self._running.clear()
        for stint, task in cut:
            self._typing.end(stint.answer.id)
            task.cancel()
        if cut:
            await asyncio.wait([task for _, task in cut], timeout=_CUT_OFF)
        await self._give_up([stint for stint, _ in cut])

    # -- within ------------------------------------------------------------------------------

    async def _let_end(self) -> None:
        """Wait as long as the grace is, and keep meanwhile what is this process's own."""
        until = self._clock.now() + self._settings.grace
        while True:
            try:
                await self._renew(self._clock.now(), None)
            except StoreError as error:  # they end, or are cut off, all the same
                self._tell(error)
            left = until - self._clock.now()
            if not self._running or left <= timedelta(0):
                return
            pause = min(left, self._settings.lease / _RENEWED)
            await self._clock.wait(self._idle, pause.total_seconds())

    async def _renew(self, now: datetime, outlook: WorksOutlook | None) -> None:
        """Keep what is this process's own, and stop what is not any more."""
        held = {*self._running, *self._turns, *self._waiting}
        fresh = (
            self._renewed_at is not None
            and self._renewed_at <= now < self._renewed_at + self._settings.lease / _RENEWED
        )
        if not held or (fresh and outlook is not None and outlook.mine == len(held)):
            return
        kept = await self._store.renew_works(self._owner, held, now + self._settings.lease)
        self._renewed_at = now
        for each in held:
            run = self._running.get(each)
            if each not in kept or (run is not None and run[0].token != kept[each]):
                self.drop(each)

    async def _shorten(self, now: datetime, outlook: WorksOutlook) -> None:
        """A clock that was set back has left leases that nobody could have given since."""
        last, lease = outlook.last_lease_until, self._settings.lease
        if last is not None and last > now + 2 * lease:
            await self._store.shorten_works(now + lease)

    async def _look_after(self, now: datetime, outlook: WorksOutlook) -> None:
        last = self._looked_after_at
        if outlook.replacing and (last is None or not last <= now < last + _LOOK_AFTER):
            self._looked_after_at = now
            await self._ending.look_after()

    async def _begin(self, now: datetime, room: int, ended: Iterable[str]) -> None:
        ended = set(ended)
        stints = await self._store.claim_works(
            self._owner,
            self._code.names(),
            now=now,
            lease_until=now + self._settings.lease,
            limit=room,
            ended=ended,
        )
        for each in ended:
            self._turns.pop(each, None)
        for stint in stints:
            self._turns.pop(stint.answer.id, None)
            self._waiting.pop(stint.answer.id, None)
            self._idle.clear()
            task = asyncio.create_task(self._work(stint), name=f"work {stint.answer.id}")
            self._running[stint.answer.id] = stint, task
            self._typing.begin(stint.answer)
        if self._renewed_at is None:
            self._renewed_at = now

    async def _work(self, stint: Stint) -> None:
        """Run one, and have its answer ended."""
        answer_id = stint.answer.id
        try:
            ended = await self._code.run(stint)
            self._typing.end(answer_id)
            await self._end(stint, ended)
        finally:
            known = self._running.get(answer_id)
            if known is not None and known[0] is stint:
                del self._running[answer_id]
                self._code.forget(answer_id)
                self._typing.end(answer_id)
            if not self._running:
                self._idle.set()
            self.wake()

    async def _end(self, stint: Stint, ended: WorkEnded) -> None:
        """Tell the store, however long that takes: it lets nobody else until the lease is over."""
        while True:
            try:
                await self._ending.by_itself(stint, ended)
            except StoreError as error:
                self._telemetry.emit(ServiceFailed(service="works", error=str(error)))
                await self._clock.wait(asyncio.Event(), _AGAIN)
            else:
                return

    async def _give_up(self, cut: Collection[Stint]) -> None:
        """Nobody runs these here any more: others do, or people are told."""
        now = self._clock.now()
        for stint in cut:
            if stint.answer.resumable:
                await self._store.hand_back_work(stint, now, counted=False)
            else:
                await self._ending.apologise(stint.answer, token=stint.token)
            self._code.forget(stint.answer.id)
        for answer in self._waiting.values():
            await self._ending.apologise(answer)
            self._code.forget(answer.id)
        left = [each for each in self._turns if each not in self._waiting]
        if left:
            await self._store.claim_works(
                self._owner, (), now=now, lease_until=now, limit=0, ended=left
            )
        self._turns.clear()
        self._waiting.clear()

"""The run of a turn delivery: its event, its numbered sends, and how it ended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from microsoft_agents.activity import Activity

from recado.domain.policy import Answer, Failure
from recado.errors import StoreError

#: Records that the channel took a send: delivery, number, activity id.
Record = Callable[[str, int, str | None], Awaitable[None]]


class LeaseOverError(Exception):
    """The delivery has gone to another process, perhaps, and nothing more is sent for it here."""


class Run:
    """One attempt of a turn delivery.

    Args:
        delivery_id: the delivery.
        event: the ContinueConversation event the turn is built from.
        recorded: sends an earlier attempt got through, by number.
        record: keeps a send.
        lasts: whether the delivery is still this process's.

    Attributes:
        error: what ended the turn, if it did not end well.
        activity_id: id of the last activity sent.
        over: whether it has ended; a task its code started may outlive it.
        cut_off: whether a send was cut off, so that nobody knows how it ended.
    """

    def __init__(
        self,
        delivery_id: str,
        event: Activity,
        recorded: Mapping[int, str | None],
        record: Record,
        lasts: Callable[[], bool] = lambda: True,
    ) -> None:
        self.delivery_id = delivery_id
        self.event = event
        self.error: Exception | None = None
        self.activity_id: str | None = None
        self.over = False
        self.cut_off = False
        self._recorded = recorded
        self._record = record
        self._lasts = lasts
        self._numbers = 0
        self._refused: tuple[Exception, Answer] | None = None

    async def once(self, send: Callable[[str], Awaitable[str | None]]) -> str | None:
        """Do the turn's next send unless an earlier attempt got it through.

        Sends are numbered in the order they are begun, so the code of the turn has to make them
        in the same order whenever it runs.

        Args:
            send: sends under the key it is given and returns the activity id.

        Returns:
            The activity id, now or then.

        Raises:
            LeaseOverError: another process may be running it.
        """
        self._numbers += 1
        number = self._numbers
        if number in self._recorded:
            activity_id = self._recorded[number]
        else:
            if not self._lasts():
                told = "The lease of the delivery has run out: another process may be running it."
                over = LeaseOverError(told)
                self.refuse(over, Answer(failure=Failure.NOT_SENT, message=told))
                raise over
            try:
                activity_id = await send(f"{self.delivery_id}/{number}")
                await self._record(self.delivery_id, number, activity_id)
            except asyncio.CancelledError:
                self.cut_off = True
                raise
            except StoreError as error:  # sent, but the next attempt would not know
                self.refuse(error, Answer(failure=Failure.AMBIGUOUS, message=str(error)))
                raise
        return activity_id

    def refuse(self, error: Exception, answer: Answer) -> None:
        """Remember which answer *error* stands for."""
        self._refused = error, answer

    def answer_behind(self, error: Exception | None) -> Answer | None:
        """The channel's answer, if *error* is what the turn's code made of it."""
        if self._refused is None or error is None:
            return None
        refusal, answer = self._refused
        return answer if error is refusal or error.__cause__ is refusal else None


#: The run the present code belongs to.
_run: ContextVar[Run | None] = ContextVar("recado_run", default=None)


def current_run() -> Run | None:
    """The run under way in this context, unless it is over."""
    run = _run.get()
    return None if run is None or run.over else run


@contextmanager
def under(run: Run) -> Iterator[None]:
    """Do *run* in a block; it is over when the block is left."""
    token = _run.set(run)
    try:
        yield
    finally:
        run.over = True
        _run.reset(token)

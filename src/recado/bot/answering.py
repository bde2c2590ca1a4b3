"""Long answers from within a bot: promised in a turn, worked at after it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, TypeVar

from microsoft_agents.activity import Activity
from microsoft_agents.hosting.core import TurnContext

from recado.answers import Answers, Saying
from recado.answers.ending import WorkEnded
from recado.bot.capture import account_json, speaker_of
from recado.bot.contexts import Contexts
from recado.bot.faults import described
from recado.bot.works import WorkFunction, WorkNames
from recado.clock import Clock
from recado.domain.answer import (
    USUAL,
    LongAnswer,
    check_progress,
    name_of,
    source_of,
    wait_before_progress,
)
from recado.domain.ids import new_id
from recado.domain.reference import Reference
from recado.engine.typing import Typing
from recado.engine.works import Works
from recado.errors import AnswerOver, ConfigurationError, StoreError
from recado.outbox import current_turn
from recado.store.port import Stint

_log = logging.getLogger("recado.bot")

WorkT = TypeVar("WorkT", bound=WorkFunction)

#: What a bot can say.
Sayable = str | Activity | Mapping[str, Any]

#: Where a turn counts the answers it has promised.
_PROMISED = "recado.answers_promised"


class BotAnswers:
    """Promises long answers for a bot, and runs the code that makes them.

    Implements :class:`recado.engine.works.WorkCode`.

    Args:
        answers: the use cases.
        saying: says what works say.
        contexts: finds what belongs to a turn.
        clock: the time.
        bot: the bot's name.
    """

    def __init__(
        self,
        answers: Answers,
        saying: Saying,
        contexts: Contexts,
        clock: Clock,
        *,
        bot: str,
    ) -> None:
        self._answers = answers
        self._saying = saying
        self._contexts = contexts
        self._clock = clock
        self._bot = bot
        self._names = WorkNames()
        #: Functions that only this process can run, by the id of their answer.
        self._functions: dict[str, WorkFunction] = {}
        self._works: Works | None = None
        self._typing: Typing | None = None

    def run_by(self, works: Works, typing: Typing) -> None:
        """Say who runs what is promised here, and who shows that."""
        self._works, self._typing = works, typing

    # -- for the bot's code ------------------------------------------------------------------

    def work(self, name: str) -> Callable[[WorkT], WorkT]:
        """Decorate a function to make the long answers that name it.

        It is written ``async def work(answer, payload)``. A crash of its process has another one
        that has it registered run it again from its beginning, where messages it had sent are
        not sent again: they are counted, so it has to send them in the same order.

        Args:
            name: the name, which stays: promises are kept by it.

        Raises:
            ConfigurationError: the name is taken, or the function has another form.
        """
        return self._names.register(name)

    async def later(  # noqa: PLR0913 - everything that is promised
        self,
        context: TurnContext,
        work: str | WorkFunction,
        payload: Any = None,
        *,
        ack: Sayable | None = None,
        deadline: timedelta = USUAL,
        fallback: Sayable | None = None,
        resumable: bool = True,
    ) -> LongAnswer:
        """Promise an answer that takes long, acknowledge, and let the turn end.

        The promise is committed before the acknowledgement is sent, and stands if that fails. The
        same activity sent again promises nothing more. The work begins after the turn.

        Args:
            context: the turn; its conversation and its person wait for the answer.
            work: a function registered with :meth:`work`, or its name; or any function, with
                ``resumable=False``.
            payload: JSON value for the work.
            ack: the bot's reply now; none when left out.
            deadline: how long the answer may take, up to 7 days; then the fallback is said.
            fallback: what to say if the answer comes to nothing; a sentence of Recado's in the
                language of the conversation when left out.
            resumable: False for a function that only this process can run. If the process ends
                before the work does, people are apologised to.

        Raises:
            InvalidInput: an argument cannot be used; nothing is promised.
            ConfigurationError: the function is not registered, or this Recado was not started.
            StoreError: it could not be committed; nothing is promised, and nothing is said.
        """
        name, function = self._what(work, resumable=resumable)
        activity = context.activity
        reference = await self._contexts.find(context)
        if reference is None:
            reference = await self._contexts.remember(context)
        turn = current_turn()
        speaker = speaker_of(activity, self._bot)
        answer_id = new_id()
        if function is not None:
            self._functions[answer_id] = function
        try:
            answer, again = await self._answers.promise(
                reference,
                name,
                payload,
                deadline=deadline,
                fallback=None if fallback is None else _json(fallback),
                user=account_json(activity.from_property) if speaker is not None else None,
                resumable=function is None,
                source=_source(context),
                turn=None if turn is None else turn.id,
                answer_id=answer_id,
            )
        except BaseException:
            self.forget(answer_id)
            raise
        if again:
            self.forget(answer_id)
        elif self._works is not None:
            self._works.promised(answer, turn)
        if ack is not None and not answer.over:
            await _acknowledge(context, ack, answer)
        return answer

    def _what(
        self, work: str | WorkFunction, *, resumable: bool
    ) -> tuple[str, WorkFunction | None]:
        """The name of a work and, if only this process can run it, its function."""
        if isinstance(work, str):
            if not resumable:
                raise ConfigurationError(
                    f"A name is for a registered work: give the function itself instead of "
                    f"{work!r}, or leave resumable out."
                )
            return work, None
        if not resumable:
            if self._works is None or not self._works.running:
                raise ConfigurationError(
                    "Only this process could run a function that cannot be resumed, and its "
                    "Recado was not started: start it, or register the work by a name."
                )
            return name_of(work), self._names.check(name_of(work), work)
        name = self._names.name_of(work)
        if name is None:
            raise ConfigurationError(
                f"{name_of(work)} is not registered, so nobody could go on with it after a crash: "
                'decorate it with @recado.work("…"), or say resumable=False.'
            )
        return name, None

    # -- for the engine ----------------------------------------------------------------------

    def names(self) -> Collection[str]:
        """See :class:`recado.engine.works.WorkCode`."""
        return self._names.names()

    def forget(self, answer_id: str) -> None:
        """See :class:`recado.engine.works.WorkCode`."""
        self._functions.pop(answer_id, None)

    async def run(self, stint: Stint) -> WorkEnded:
        """See :class:`recado.engine.works.WorkCode`."""
        known = stint.answer
        function = self._functions.get(known.id) or self._names.get(known.work)
        if function is None:
            return WorkEnded(error=f"No work is named {known.work!r} here.", sends=known.sends)
        try:
            reference = await self._saying.reference(known)
        except StoreError as error:
            return WorkEnded(error=described(error), trouble=True)
        answer = Answering(stint, reference, self._saying, self._clock, self._typing)
        raised: BaseException | None = None
        try:
            await function(answer, known.payload)
        except asyncio.CancelledError as fault:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            raised = fault  # something the work had waited for was cancelled, not the work
        except Exception as fault:  # noqa: BLE001 - whatever it is belongs on the record
            raised = fault
            if not isinstance(fault, AnswerOver):
                _log.exception("The work %r of %s failed.", known.work, known.id)
        finally:
            await answer.close()
        return WorkEnded(
            error=None if raised is None else described(raised),
            trouble=isinstance(raised, StoreError),
            sends=answer.sends,
            silent=answer.silent,
        )


class Answering:
    """What a work is given: says how far it has come, and what came of it.

    Attributes:
        id: the long answer's.
        reference: the conversation that waits for it.
        user: ChannelAccount of the person who asked.
        deadline: the moment after which nothing is taken any more.
        attempt: how often the work has been begun, this time included.
        silent: whether the work said that there is nothing to say.
    """

    def __init__(
        self,
        stint: Stint,
        reference: Reference,
        saying: Saying,
        clock: Clock,
        typing: Typing | None,
    ) -> None:
        answer = stint.answer
        self.id = answer.id
        self.reference = reference
        self.user = answer.user
        self.deadline: datetime = answer.deadline_at
        self.attempt = answer.attempts
        self.silent = False
        self._stint = stint
        self._saying = saying
        self._clock = clock
        self._typing = typing
        self._number = 0
        #: One thing is said after the other.
        self._order = asyncio.Lock()
        #: The progress that is still to be shown; what is newer takes its place.
        self._newest: tuple[float, str | None] | None = None
        self._shown_at: datetime | None = None
        self._showing: asyncio.Task[None] | None = None
        self._over = False

    @property
    def sends(self) -> int:
        """How many messages are committed."""
        return max(self._number, self._stint.answer.sends)

    @property
    def over(self) -> bool:
        """Whether nothing that the work says is taken any more."""
        return self._over or self._clock.now() >= self.deadline

    async def progress(self, share: float, text: str | None = None) -> None:
        """Tell the one who waits how far the work has come.

        What is told faster than it can be shown is left out but for the newest. Where the channel
        can edit, it is one message that changes, every 2 s at most; elsewhere it is a message
        every 30 s at most. Nothing is shown any more once something was sent.

        Args:
            share: from 0 to 1.
            text: that in words.

        Raises:
            InvalidInput: it is no progress.
            AnswerOver: the answer has ended: end the work.
        """
        check_progress(share, text)
        if self.over:
            raise AnswerOver(self.id, "over")
        if self.sends:
            return
        self._newest = float(share), text
        if self._showing is not None:
            return
        wait = await self._wait()
        if not wait:
            await self._show()
        elif self._showing is None:  # or somebody else has begun to wait meanwhile
            self._showing = asyncio.create_task(self._show_after(wait))

    async def send(self, content: Sayable) -> None:
        """Say the answer, or a part of it; committed when this returns.

        The first one takes the place of the message that shows the progress where the channel can
        edit. A work that is run again sends nothing that it had sent before.

        Args:
            content: text, or an activity.

        Raises:
            InvalidInput: it cannot be said.
            AnswerOver: the answer has ended: end the work.
            StoreError: it could not be committed.
        """
        said = _json(content)
        async with self._order:
            self._newest = None
            self._number += 1
            if self._number <= self._stint.answer.sends:
                return
            try:
                await self._saying.say(self._stint, self._number, said)
            except AnswerOver:
                self._over = True
                raise
            except BaseException:
                self._number -= 1
                raise

    def typing(self, *, shown: bool = True) -> None:
        """Show typing while the work runs, as is done from its beginning; or do not."""
        if self._typing is None:
            return
        if shown:
            self._typing.begin(self._stint.answer)
        else:
            self._typing.end(self.id)

    def nothing_to_say(self) -> None:
        """The work may end without having sent anything, and that is no failure."""
        self.silent = True

    async def close(self) -> None:
        """The work has ended: progress that was not shown is not shown any more."""
        self._over = True
        self._newest = None
        showing, self._showing = self._showing, None
        if showing is not None:
            showing.cancel()
            with suppress(asyncio.CancelledError):
                await showing

    # -- within ------------------------------------------------------------------------------

    async def _wait(self) -> timedelta:
        """How long what is newest waits before it is shown."""
        try:
            can_edit = await self._saying.can_edit(self.reference)
        except StoreError:
            can_edit = False
        return wait_before_progress(can_edit=can_edit, last=self._shown_at, now=self._clock.now())

    async def _show_after(self, wait: timedelta) -> None:
        await self._clock.wait(asyncio.Event(), wait.total_seconds())
        self._showing = None
        with suppress(AnswerOver):  # the work hears of it with what it says next
            await self._show()

    async def _show(self) -> None:
        async with self._order:
            newest, self._newest = self._newest, None
            if newest is None:
                return
            self._shown_at = self._clock.now()
            try:
                await self._saying.progress(self._stint, *newest)
            except AnswerOver:
                self._over = True
                raise
            except StoreError as error:
                _log.warning("The progress of %s was not shown: %s", self.id, error)


def _source(context: TurnContext) -> str | None:
    """What causes the turn's next promise."""
    promised = context.turn_state.get(_PROMISED, 0)
    number = promised + 1 if isinstance(promised, int) else 1
    context.turn_state[_PROMISED] = number
    return source_of(context.activity.id, number)


async def _acknowledge(context: TurnContext, ack: Sayable, answer: LongAnswer) -> None:
    """Reply. Should that fail the promise stands, and the turn goes on."""
    said = Activity.model_validate(ack) if isinstance(ack, Mapping) else ack
    try:
        await context.send_activity(said)
    except Exception as error:  # noqa: BLE001 - the answer itself is still to come
        _log.warning("The promise of %s could not be acknowledged: %s", answer.id, error)


def _json(content: Sayable) -> str | Mapping[str, Any]:
    """Content in the protocol's JSON form."""
    if isinstance(content, Activity):
        written: Mapping[str, Any] = content.model_dump(
            mode="json", by_alias=True, exclude_unset=True
        )
        return written
    return content

"""Long answers as callers see them: promised, looked at, called off."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from recado.clock import Clock
from recado.domain.answer import USUAL, AnswerState, LongAnswer, Promise, deadline_of
from recado.domain.content import content_of
from recado.domain.ids import new_id
from recado.domain.notification import check_json, check_name, check_user
from recado.domain.reference import Reference
from recado.errors import AnswerOver, InvalidInput, UnknownAnswer
from recado.store.port import Page, Store


class Answers:
    """What was promised to be said later.

    Args:
        store: where it is kept.
        clock: the time.
        bot: whose answers.
        owner: this process's name in leases.
        lease: how long a work is its process's own without being renewed.
    """

    def __init__(
        self, store: Store, clock: Clock, *, bot: str, owner: str, lease: timedelta
    ) -> None:
        self._store = store
        self._clock = clock
        self._bot = bot
        self._owner = owner
        self._lease = lease
        self._on_promised: Callable[[], None] = lambda: None
        self._on_over: Callable[[str], None] = lambda _: None

    def on_change(self, promised: Callable[[], None], over: Callable[[str], None]) -> None:
        """Tell whoever runs works in this process.

        Args:
            promised: called when something was promised here.
            over: called with the id of an answer that was called off here.
        """
        self._on_promised, self._on_over = promised, over

    async def promise(  # noqa: PLR0913 - everything that is promised
        self,
        reference: Reference,
        work: str,
        payload: Any = None,
        *,
        deadline: timedelta = USUAL,
        fallback: str | Mapping[str, Any] | None = None,
        user: Mapping[str, Any] | None = None,
        resumable: bool = True,
        source: str | None = None,
        turn: str | None = None,
        answer_id: str | None = None,
    ) -> tuple[LongAnswer, bool]:
        """Commit a promise; it, and whether it had been made before from the same cause.

        Args:
            reference: the conversation that waits for the answer.
            work: the name of the work that makes it.
            payload: JSON value for the work.
            deadline: how long it may take, up to 7 days; then the fallback is said.
            fallback: what to say if it comes to nothing: text, or an activity in the protocol's
                JSON form. A sentence of Recado's in the language of the conversation when left
                out.
            user: ChannelAccount of the person who asked.
            resumable: whether any process that has the work registered can run it; else only this
                one can.
            source: what caused it, for example an inbound activity's id.
            turn: the turn it is made in: the work begins after that has ended.
            answer_id: its id; a new one when left out.

        Raises:
            InvalidInput: an argument cannot be used; nothing is promised.
            StoreError: it could not be committed; nothing is promised.
        """
        now = self._clock.now()
        check_name(work, "work")
        check_json(payload, "payload")
        if user is not None:
            check_user(user)
        until = deadline_of(deadline, now)
        said = None
        if fallback is not None:
            said = content_of(fallback)
            said.check_size(reference.key.channel)
        promise = Promise(
            id=answer_id or new_id(),
            bot=self._bot,
            reference=reference.number,
            work=work,
            home=None if resumable else self._owner,
            payload=payload,
            user=user,
            fallback=None if said is None else said.json,
            promised_at=now,
            deadline_at=until,
            source=source,
            turn=turn,
            owner=self._owner,
        )
        promised = await self._store.promise_answer(promise, now + self._lease)
        self._on_promised()
        return promised

    async def get(self, answer_id: str) -> LongAnswer:
        """The long answer with that id.

        Raises:
            UnknownAnswer: none was promised under it.
        """
        found = await self._store.answer(answer_id)
        if found is None or found.bot != self._bot:
            raise UnknownAnswer(answer_id)
        return found

    async def page(
        self,
        *,
        state: AnswerState | str | None = None,
        after: str | None = None,
        limit: int = 100,
    ) -> Page[LongAnswer]:
        """Long answers, the newest first.

        Args:
            state: only those in it: ``promised``, ``running``, ``done``, ``failed``, ``expired``,
                ``cancelled`` or ``apologised``.
            after: where the page before ended.
            limit: how many.

        Raises:
            InvalidInput: there is no such state, or *after* is from no page.
        """
        return await self._store.answers(self._bot, state=_state(state), after=after, limit=limit)

    async def cancel(self, answer_id: str) -> LongAnswer:
        """Call a long answer off: its work is stopped, and nothing more is said.

        A work that runs in another process is stopped there within a second or two; from now on
        nothing it says is taken. What had been committed before may still arrive.

        Raises:
            UnknownAnswer: none was promised under that id.
            AnswerOver: it has ended before.
        """
        answer = await self.get(answer_id)
        ended, _ = await self._store.end_answer(answer.id, AnswerState.CANCELLED, self._clock.now())
        answer = await self.get(answer_id)
        if not ended:
            raise AnswerOver(answer.id, str(answer.state))
        self._on_over(answer.id)
        return answer


def _state(given: AnswerState | str | None) -> AnswerState | None:
    try:
        return None if given is None else AnswerState(given)
    except ValueError:
        raise InvalidInput(
            f"{given!r} is no state of a long answer: choose {', '.join(AnswerState)}."
        ) from None

"""How long answers end: with the answer, or with a sentence for the one who waits."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from recado.answers.saying import Saying, progress_key
from recado.clock import Clock
from recado.domain.answer import (
    GAVE_UP,
    AfterEnd,
    AnswerState,
    LongAnswer,
    after_crash,
    verdict,
)
from recado.domain.notification import Notification
from recado.domain.phrases import phrase
from recado.domain.phrases.answers import AnswerPhrase
from recado.errors import InvalidInput
from recado.outbox import Outbox
from recado.references import References
from recado.store.port import Stint, Store
from recado.telemetry import AnswerEnded, Telemetry

#: Answers per step, so that no step takes long.
_STEP: Final = 100

#: What is said when no fallback was given.
_PHRASES: Final[Mapping[AnswerState, AnswerPhrase]] = {
    AnswerState.FAILED: "answer_failed",
    AnswerState.EXPIRED: "answer_late",
    AnswerState.APOLOGISED: "answer_interrupted",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkEnded:
    """How the code of a work ended.

    Attributes:
        error: what it raised, in one line; None if it ended well.
        trouble: whether that was the database's doing and not the work's.
        sends: how many messages it had committed.
        silent: whether it said that there is nothing to say.
    """

    error: str | None = None
    trouble: bool = False
    sends: int = 0
    silent: bool = False


class Ending:
    """Ends long answers, each in one way.

    Whoever wants to end one asks the store, which lets one of them; only that one's words are
    accepted, in the same commit.

    Args:
        store: decides.
        saying: composes what is said.
        outbox: told of what was accepted.
        references: in which language.
        clock: the time.
        telemetry: told of every end.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - everything it works with
        self,
        store: Store,
        saying: Saying,
        outbox: Outbox,
        references: References,
        clock: Clock,
        telemetry: Telemetry,
    ) -> None:
        self._store = store
        self._saying = saying
        self._outbox = outbox
        self._references = references
        self._clock = clock
        self._telemetry = telemetry

    async def by_itself(self, stint: Stint, ended: WorkEnded) -> bool:
        """A work has ended by itself; False if its answer had been ended before.

        A work that the database kept from ending well is begun again, if that can be done.
        """
        answer = stint.answer
        if ended.trouble:
            then = after_crash(resumable=answer.resumable, attempts=answer.attempts)
            if then is AfterEnd.RESUME:
                return await self._store.hand_back_work(stint, self._clock.now())
        state, reason = verdict(error=ended.error, sends=ended.sends, silent=ended.silent)
        return await self._end(answer, state, reason=reason, detail=ended.error, token=stint.token)

    async def apologise(self, answer: LongAnswer, *, token: int | None = None) -> bool:
        """The process of a work that cannot be resumed stops."""
        return await self._end(answer, AnswerState.APOLOGISED, token=token)

    async def expire(self) -> list[str]:
        """Say the fallback of answers whose deadline has passed; their ids."""
        expired: list[str] = []
        while overdue := await self._store.overdue_answers(self._clock.now(), _STEP):
            for answer in overdue:
                await self._end(answer, AnswerState.EXPIRED)
            expired += [answer.id for answer in overdue]
        return expired

    async def recover(self) -> int:
        """Take over works whose process has died; how many there were.

        They are resumed, given up after several such ends, or apologised for.
        """
        lapsed = await self._store.lapsed_works(self._clock.now(), _STEP)
        for stint in lapsed:
            answer = stint.answer
            match after_crash(resumable=answer.resumable, attempts=answer.attempts):
                case AfterEnd.RESUME:
                    await self._store.hand_back_work(stint, self._clock.now(), lapsed=True)
                case AfterEnd.GIVE_UP:
                    await self._end(
                        answer,
                        AnswerState.FAILED,
                        reason=GAVE_UP,
                        token=stint.token,
                        lapsed=True,
                    )
                case AfterEnd.APOLOGISE:
                    await self._end(answer, AnswerState.APOLOGISED, token=stint.token, lapsed=True)
        return len(lapsed)

    async def look_after(self) -> None:
        """Say answers in a message of their own that could not take the place of a progress."""
        after = ""
        while found := await self._store.replacing_answers(after, _STEP):
            for each in found:
                after = each.change
                if each.waiting:
                    continue
                said = None
                if not each.arrived:
                    answer = await self._store.answer(each.answer_id)
                    if answer is None:
                        continue
                    reference = await self._references.get(each.reference_id)
                    said = self._saying.compose(
                        answer,
                        reference,
                        json.loads(each.content or "{}"),
                        key=f"{answer.id}/1/again",
                    )
                accepted = await self._store.settle_replacing(each.answer_id, each.change, said)
                if accepted is not None:
                    self._outbox.handle(accepted)

    async def _end(  # noqa: PLR0913 - how, why, and on whose word
        self,
        answer: LongAnswer,
        state: AnswerState,
        *,
        reason: str | None = None,
        detail: str | None = None,
        token: int | None = None,
        lapsed: bool = False,
    ) -> bool:
        said = None if state is AnswerState.DONE else await self._words(answer, state)
        ended, accepted = await self._store.end_answer(
            answer.id,
            state,
            self._clock.now(),
            reason=reason,
            detail=detail,
            notification=said,
            token=token,
            lapsed=lapsed,
        )
        if accepted is not None:
            self._outbox.handle(accepted)
        if ended:
            self._telemetry.emit(
                AnswerEnded(answer_id=answer.id, work=answer.work, state=str(state), reason=reason)
            )
        return ended

    async def _words(self, answer: LongAnswer, state: AnswerState) -> Notification:
        reference = await self._references.get(answer.reference_id)
        own = phrase(_PHRASES[state], reference.locale)
        told = {"key": f"{answer.id}/end", "collapse_key": progress_key(answer)}
        if answer.fallback is None:
            return self._saying.compose(answer, reference, own, **told)
        try:
            return self._saying.compose(answer, reference, json.loads(answer.fallback), **told)
        except InvalidInput:  # it could be said where it was promised, which has moved since
            return self._saying.compose(answer, reference, own, **told)

"""What a work says: its progress and its answer, as notifications to the one who asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from recado.clock import Clock
from recado.domain.answer import LongAnswer, shown
from recado.domain.audience import Conversation, EveryConversation
from recado.domain.capabilities import BELIEVED, capabilities_of, capability_name
from recado.domain.content import content_of
from recado.domain.ids import new_id
from recado.domain.notification import Action, Notification, Otherwise
from recado.domain.reference import Reference
from recado.errors import TransitionRefused, UnknownNotification
from recado.outbox import Options, Outbox
from recado.references import References
from recado.store.port import Stint, Store

#: Separates the idempotency keys of long answers from callers' own.
KEYS: Final = "recado.answers"


class Saying:
    """Says what works say.

    Args:
        store: where it is committed.
        outbox: composes it.
        references: how conversations are reached.
        clock: the time.
        bot: who speaks.
    """

    def __init__(
        self, store: Store, outbox: Outbox, references: References, clock: Clock, *, bot: str
    ) -> None:
        self._store = store
        self._outbox = outbox
        self._references = references
        self._clock = clock
        self._bot = bot

    async def reference(self, answer: LongAnswer) -> Reference:
        """The conversation an answer is for, as it is reached now."""
        return await self._references.get(answer.reference_id)

    async def can_edit(self, reference: Reference) -> bool:
        """Whether a message in a conversation can be edited, as far as is known."""
        name = capability_name(reference.key.channel, reference.service_url)
        if capabilities_of(name).edit is not None:
            return bool(capabilities_of(name).edit)
        learned = await self._store.unable(self._clock.now() - BELIEVED)
        return (name, Action.UPDATE) not in learned

    async def say(self, stint: Stint, number: int, content: str | Mapping[str, Any]) -> None:
        """Commit the *number*-th message of an answer, unless that was done before.

        The first one takes the place of the message that shows the progress where the channel can
        edit; where it turns out that it could not, it is said in a message of its own.

        Raises:
            AnswerOver: the answer has ended, or another process has its work.
            InvalidInput: *content* cannot be said.
            StoreError: it could not be committed.
        """
        answer = stint.answer
        reference = await self.reference(answer)
        if number == 1:
            place = await self._place(answer, reference)
            if place is not None:
                change = self._change(answer, place, content, reference, Otherwise.FOLLOW_UP)
                try:
                    await self._commit(stint, number, change, replaces=True)
                except (TransitionRefused, UnknownNotification):
                    pass  # somebody has taken it back, or it is forgotten
                else:
                    return
        said = self.compose(
            answer,
            reference,
            content,
            key=f"{answer.id}/{number}",
            collapse_key=progress_key(answer) if number == 1 else None,
        )
        await self._commit(stint, number, said)

    async def progress(self, stint: Stint, share: float, text: str | None) -> None:
        """Commit how far a work has come, and show it.

        Raises:
            AnswerOver: as for :meth:`say`.
            StoreError: it could not be committed.
        """
        reference = await self.reference(stint.answer)
        words = shown(share, text)
        place = await self._place(stint.answer, reference)
        said = None
        if place is not None:
            said = self._change(stint.answer, place, words, reference, Otherwise.REFUSE)
        try:
            await self._show(stint, share, text, said or self._first(stint, reference, words))
        except (TransitionRefused, UnknownNotification):
            await self._show(stint, share, text, None)

    def compose(
        self,
        answer: LongAnswer,
        reference: Reference,
        content: str | Mapping[str, Any],
        *,
        key: str | None = None,
        collapse_key: str | None = None,
    ) -> Notification:
        """A message to whoever asked, who has asked for it since it was promised."""
        return self._outbox.compose(
            Conversation(reference.id),
            [reference],
            content,
            Options(
                user=answer.user,
                asked_at=answer.promised_at,
                idempotency_key=key,
                idempotency_scope=KEYS,
                collapse_key=collapse_key,
            ),
        )

    # -- within ------------------------------------------------------------------------------

    def _first(self, stint: Stint, reference: Reference, words: str) -> Notification:
        """A message of its own that shows a progress; only the newest unsent one leaves."""
        return self.compose(stint.answer, reference, words, collapse_key=progress_key(stint.answer))

    async def _place(self, answer: LongAnswer, reference: Reference) -> str | None:
        """The notification that shows the progress, if what it says can be changed."""
        known = await self._store.answer(answer.id)
        if known is None or known.shown is None or not await self.can_edit(reference):
            return None
        return known.shown

    def _change(
        self,
        answer: LongAnswer,
        place: str,
        content: str | Mapping[str, Any],
        reference: Reference,
        otherwise: Otherwise,
    ) -> Notification:
        said = content_of(content)
        said.check_size(reference.key.channel)
        now = self._clock.now()
        return Notification(
            id=new_id(),
            bot=self._bot,
            audience=EveryConversation(),  # the original's, as it is stored
            content=said,
            turn=None,
            accepted_at=now,
            due_at=now,
            asked_at=answer.promised_at,
            user=answer.user,
            action=Action.UPDATE,
            target=place,
            otherwise=otherwise,
        )

    async def _commit(
        self, stint: Stint, number: int, said: Notification, *, replaces: bool = False
    ) -> None:
        now = self._clock.now()
        accepted = await self._store.say_answer(stint, number, said, now, replaces=replaces)
        if accepted is not None:
            self._outbox.handle(accepted)

    async def _show(
        self, stint: Stint, share: float, text: str | None, said: Notification | None
    ) -> None:
        accepted = await self._store.show_progress(stint, share, text, said, self._clock.now())
        if accepted is not None:
            self._outbox.handle(accepted)


def progress_key(answer: LongAnswer) -> str:
    """The collapse key of what shows an answer's progress, and of what ends that."""
    return f"{KEYS}/{answer.id}"

"""Changing what was said: updates and recalls of notifications."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from recado.clock import Clock
from recado.domain.audience import EveryConversation
from recado.domain.content import Content, content_of
from recado.domain.ids import new_id
from recado.domain.notification import Action, Notification, Otherwise, check_name
from recado.domain.reference import ConversationKey
from recado.errors import InvalidInput, UnknownNotification
from recado.outbox.turn import current_turn
from recado.store.port import Accepted, DeliveryFilter, Store

if TYPE_CHECKING:
    from recado.outbox.handle import Handle


class Changing:
    """Updates and recalls; a part of the :class:`~recado.outbox.Outbox`."""

    _store: Store
    _clock: Clock
    _bot: str

    if TYPE_CHECKING:

        def handle(self, accepted: Accepted, *, after_turn: str | None = None) -> Handle:
            """The outbox's."""

    async def update(
        self,
        notification_id: str,
        content: str | Mapping[str, Any],
        *,
        otherwise: Otherwise | str = Otherwise.FOLLOW_UP,
        idempotency_key: str | None = None,
        idempotency_scope: str = "",
    ) -> Handle:
        """Change what a notification says, in every conversation. Committed when this returns.

        Copies the channel has are edited, in order and at the channel's pace. Copies that have
        not left are replaced: the new content leaves when they would have. Several updates in a
        row collapse: what an earlier one has not sent is left out.

        Args:
            notification_id: what is changed; an update's id means its original.
            content: what it says from now on: text, or an activity in the protocol's JSON form.
            otherwise: what to do where the message cannot be edited, because the channel cannot
                or has given no id for it: ``follow_up`` sends the content as a message of its
                own, so that everybody ends up knowing it; ``refuse`` leaves it, ``rejected``.
            idempotency_key: the same key with the same update is accepted once.
            idempotency_scope: separates the keys of different callers.

        Returns:
            A handle on the update itself; its progress counts what was changed.

        Raises:
            UnknownNotification: there is none with that id.
            TransitionRefused: it was recalled.
            InvalidInput: content or an option cannot be used.
            StoreError: it could not be committed; nothing was accepted.
        """
        return await self._change(
            Action.UPDATE,
            notification_id,
            content_of(content),
            _otherwise(otherwise),
            key=idempotency_key,
            scope=idempotency_scope,
        )

    async def recall(
        self,
        notification_id: str,
        content: str | Mapping[str, Any] | None = None,
        *,
        idempotency_key: str | None = None,
        idempotency_scope: str = "",
    ) -> Handle:
        """Take a notification back, in every conversation. Committed when this returns.

        Copies the channel has are removed, in order and at the channel's pace; copies that have
        not left are cancelled; recipients a broadcast has not reached are not told. A second
        recall is the first one.

        Args:
            notification_id: what is taken back; an update's id means its original.
            content: what to say where the message cannot be removed. Without it such a copy is
                left as it is: ``rejected``, ``cannot_recall``.
            idempotency_key: the same key with the same recall is accepted once.
            idempotency_scope: separates the keys of different callers.

        Returns:
            A handle on the recall itself; its progress counts what was removed.

        Raises:
            UnknownNotification: there is none with that id.
            InvalidInput: content or an option cannot be used.
            StoreError: it could not be committed; nothing was accepted.
        """
        return await self._change(
            Action.RECALL,
            notification_id,
            None if content is None else content_of(content),
            Otherwise.REFUSE if content is None else Otherwise.FOLLOW_UP,
            key=idempotency_key,
            scope=idempotency_scope,
        )

    async def _change(  # noqa: PLR0913 - both verbs with everything they have
        self,
        action: Action,
        notification_id: str,
        content: Content | None,
        otherwise: Otherwise,
        *,
        key: str | None,
        scope: str,
    ) -> Handle:
        for option, given in (("idempotency_key", key), ("idempotency_scope", scope or None)):
            if given is not None:
                check_name(given, option)
        own = await self._own_copies(notification_id)
        turn = current_turn()
        if turn is not None and own is not None:
            turn.held = True
        now = self._clock.now()
        change = Notification(
            id=new_id(),
            bot=self._bot,
            audience=EveryConversation(),  # the original's, as it is stored
            content=content,
            turn=None,
            accepted_at=now,
            due_at=now,
            key=key,
            key_scope=scope,
            after_turn=turn.id if turn is not None and own is not None else None,
            after_turn_lane=own,
            action=action,
            target=notification_id,
            otherwise=otherwise,
        )
        accepted = await self._store.accept(change, [])
        return self.handle(accepted, after_turn=change.after_turn)

    async def _own_copies(self, notification_id: str) -> int | None:
        """The present turn's own conversation, if the notification has copies there or may."""
        turn = current_turn()
        if turn is None:
            return None
        key = ConversationKey(
            bot=self._bot, channel=turn.channel, conversation_id=turn.conversation_id
        )
        found = await self._store.reference_by_key(key)
        if found is None:
            return None
        progress = await self._store.progress(notification_id)
        if progress is None:
            raise UnknownNotification(f"There is no notification {notification_id}.")
        here = DeliveryFilter(notification_id=notification_id, reference_id=found.id)
        page = await self._store.deliveries(here, limit=1)
        return None if progress.expanded and not page.items else found.number


def _otherwise(given: Otherwise | str) -> Otherwise:
    try:
        return Otherwise(given)
    except ValueError:
        raise InvalidInput(
            f"{given!r} is not a choice for otherwise: follow_up or refuse."
        ) from None

"""Steering: what people decide about what has been accepted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Final

from recado.clock import Clock
from recado.domain.audience import Conversation
from recado.domain.delivery import State
from recado.domain.ids import new_id
from recado.domain.notification import check_name
from recado.domain.pause import Pause, PauseKind
from recado.domain.steering import DEAD, RETRIABLE, UNSENT, Cancelled, Retried
from recado.errors import InvalidInput, UnknownNotification
from recado.references import References
from recado.store.port import DeliveryFilter, Store

#: Deliveries steered in one commit, so that no commit holds the writer for long (promise 1).
_STEP: Final = 500

#: What cancelling has to look at: what waits, and what may have arrived.
_CANCELLED: Final = UNSENT | {State.SENDING, State.UNKNOWN}


class Steering:
    """Retries, cancels and pauses; a part of the :class:`~recado.outbox.Outbox`.

    What is done to many deliveries is done in steps. When one of them fails, those before it have
    been done, and doing it again does the rest.
    """

    _store: Store
    _references: References
    _clock: Clock
    _bot: str

    async def which(
        self,
        only: DeliveryFilter,
        *,
        notification: str | None = None,
        conversation: str | None = None,
    ) -> DeliveryFilter:
        """*only*, of what people name.

        Args:
            only: the other conditions.
            notification: a notification's id.
            conversation: a conversation, by its reference's id or the channel's.

        Raises:
            UnknownRecipient: the conversation is not known.
        """
        reference = None
        if conversation is not None:
            (found,) = await self._references.resolve(self._bot, Conversation(conversation))
            reference = found.id
        bot = None if notification is not None or reference is not None else self._bot
        return replace(only, notification_id=notification, reference_id=reference, bot=bot)

    # -- again -------------------------------------------------------------------------------

    async def retry(self, delivery_id: str) -> None:
        """Try a rejected, unknown, held or retrying delivery again now.

        Raises:
            UnknownDelivery: there is none with that id.
            TransitionRefused: it is in a state that nothing can be done about.
        """
        await self._store.retry(delivery_id, self._clock.now())

    async def retry_all(self, wanted: DeliveryFilter) -> Retried:
        """Try deliveries again now, in the order they were accepted.

        Args:
            wanted: which; without a state those that are ``rejected`` or ``unknown``.

        Raises:
            InvalidInput: *wanted* names a state that cannot be retried.
            UnknownNotification: *wanted* names a notification that is not there.
        """
        states = wanted.states or DEAD
        if not states <= RETRIABLE:
            names = ", ".join(sorted(states - RETRIABLE))
            raise InvalidInput(
                f"{names} cannot be retried: choose rejected, unknown, held or retrying."
            )
        done = Retried()
        async for ids in self._steps(replace(wanted, state=states)):
            done += await self._store.retry_many(ids, self._clock.now())
        return done

    async def mark_delivered(self, delivery_id: str, *, by: str | None = None) -> None:
        """Settle a delivery that is unknown: somebody has seen that it arrived.

        Args:
            delivery_id: which.
            by: who has seen it, if known.

        Raises:
            UnknownDelivery: there is none with that id.
            TransitionRefused: it is not ``unknown``.
        """
        _check_by(by)
        await self._store.mark_delivered(delivery_id, self._clock.now(), by)

    # -- no more -----------------------------------------------------------------------------

    async def cancel(self, delivery_id: str, *, by: str | None = None) -> None:
        """End a delivery that has not left.

        Args:
            delivery_id: which.
            by: who decides it, if known.

        Raises:
            UnknownDelivery: there is none with that id.
            TransitionRefused: it has left, is being sent, or has ended.
        """
        _check_by(by)
        await self._store.cancel(delivery_id, self._clock.now(), by)

    async def cancel_all(self, wanted: DeliveryFilter, *, by: str | None = None) -> Cancelled:
        """End deliveries that have not left.

        Args:
            wanted: which. A broadcast named by it goes on being expanded; to end it as well, use
                :meth:`cancel_notification`.
            by: who decides it, if known.

        Raises:
            InvalidInput: *wanted* names a state in which nothing can be cancelled.
            UnknownNotification: *wanted* names a notification that is not there.
        """
        _check_by(by)
        states = wanted.states or _CANCELLED
        if not states <= _CANCELLED:
            names = ", ".join(sorted(states - _CANCELLED))
            raise InvalidInput(
                f"What is {names} has ended, and nothing is left to cancel: choose scheduled, "
                "pending, held or retrying."
            )
        done = Cancelled()
        async for ids in self._steps(replace(wanted, state=states)):
            done += await self._store.cancel_many(ids, self._clock.now(), by)
        return done

    async def cancel_notification(
        self, notification_id: str, *, by: str | None = None
    ) -> Cancelled:
        """End what has not left of a notification; of a broadcast no more deliveries are made.

        Args:
            notification_id: which.
            by: who decides it, if known.

        Returns:
            An account of what was ended and of what was too late for it.

        Raises:
            UnknownNotification: there is none with that id.
        """
        _check_by(by)
        # First, or more would be made behind our back.
        await self._store.end_expansion(notification_id, self._clock.now())
        done = await self.cancel_all(DeliveryFilter(notification_id=notification_id), by=by)
        progress = await self._store.progress(notification_id, exact=True)
        told = await self._store.notification(notification_id)
        out = 0 if progress is None else progress.out
        return replace(done, out=out, not_made=0 if told is None else told.not_made)

    async def cancel_key(
        self, idempotency_key: str, *, scope: str = "", by: str | None = None
    ) -> Cancelled:
        """Do what :meth:`cancel_notification` does for the one accepted under a caller's key.

        Raises:
            UnknownNotification: nothing was accepted under that key.
        """
        found = await self._store.notification_of_key(self._bot, scope, idempotency_key)
        if found is None:
            raise UnknownNotification(
                f"Nothing was accepted under the idempotency key {idempotency_key!r}: keys belong "
                "to the caller that used them."
            )
        return await self.cancel_notification(found, by=by)

    # -- not now -----------------------------------------------------------------------------

    async def pause(
        self,
        *,
        bot: str | None = None,
        conversation: str | None = None,
        notification: str | None = None,
        reason: str = "",
        by: str | None = None,
    ) -> Pause:
        """Let nothing leave until :meth:`resume`; what is being sent goes on.

        Args:
            bot: only what this bot says.
            conversation: only what is for this conversation, by its reference's id or the
                channel's.
            notification: only the deliveries of this notification.
            reason: why, for those who ask later.
            by: who pauses it, if known.

        Raises:
            InvalidInput: more than one thing is named, or a name cannot be used.
            UnknownRecipient: the conversation is not known.
            UnknownNotification: the notification is not known.
        """
        _check_by(by)
        if reason:
            check_name(reason, "reason")
        what = await self._paused(bot, conversation, notification)
        pause = replace(what, since=self._clock.now(), reason=reason, by=by)
        await self._store.pause(pause)
        return pause

    async def resume(
        self,
        *,
        bot: str | None = None,
        conversation: str | None = None,
        notification: str | None = None,
    ) -> bool:
        """End a pause; arguments as for :meth:`pause`.

        Returns:
            False if it was not paused.
        """
        what = await self._paused(bot, conversation, notification)
        return await self._store.resume(what, self._clock.now())

    async def pauses(self) -> list[Pause]:
        """Everything that is paused now: by people, by breakers, by channels' 429s."""
        return await self._store.pauses(self._clock.now())

    async def _paused(
        self, bot: str | None, conversation: str | None, notification: str | None
    ) -> Pause:
        """A pause of what is named."""
        named = [each for each in (bot, conversation, notification) if each is not None]
        if len(named) > 1:
            raise InvalidInput("Name one thing: a bot, a conversation or a notification.")
        pause = Pause(kind=PauseKind.ALL, reason="", since=self._clock.now())
        if bot is not None:
            check_name(bot, "bot")
            return replace(pause, kind=PauseKind.BOT, bot=bot)
        if conversation is not None:
            (found,) = await self._references.resolve(self._bot, Conversation(conversation))
            return replace(pause, kind=PauseKind.CONVERSATION, bot=found.key.bot, name=found.id)
        if notification is not None:
            known = await self._store.notification(notification)
            if known is None:
                raise UnknownNotification(f"There is no notification {notification}.")
            return replace(pause, kind=PauseKind.NOTIFICATION, bot=known.bot, name=known.id)
        return pause

    async def _steps(self, wanted: DeliveryFilter) -> AsyncIterator[list[str]]:
        """Ids of the deliveries meant, a step at a time; of those there are now.

        Raises:
            UnknownNotification: it names one that is not there.
        """
        named = wanted.notification_id
        if named is not None and await self._store.settled(named) is None:
            raise UnknownNotification(f"There is no notification {named}.")
        if named is None and wanted.reference_id is None:
            wanted = replace(wanted, bot=wanted.bot or self._bot)
        # Ids grow with time, so what is accepted meanwhile is not meant.
        until, after = new_id(), None
        while True:
            ids = await self._store.find(wanted, after=after, limit=_STEP)
            meant = [each for each in ids if each < until]
            if meant:
                yield meant
            if len(ids) < _STEP or len(meant) < len(ids):
                return
            after = ids[-1]


def _check_by(by: str | None) -> None:
    if by is not None:
        check_name(by, "by")

"""The outbox: accepts what is to be said, and answers for what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from recado.clock import Clock
from recado.domain.audience import Audience, Broadcast, Single, audience_of
from recado.domain.delivery import Delivery, OnUnknown, Priority
from recado.domain.notification import Mode, Notification, Progress
from recado.domain.pace import Profile
from recado.domain.politeness import NO_RULES, Rules
from recado.domain.reference import ConversationKey, Reference
from recado.errors import InvalidInput, UnknownDelivery, UnknownNotification, WaitInOwnTurn
from recado.outbox.changing import Changing
from recado.outbox.composing import PLAIN, Options, Said, compose
from recado.outbox.handle import Handle
from recado.outbox.planning import Planning
from recado.outbox.steering import Steering
from recado.outbox.turn import WAITS_FOR_ITSELF, current_turn
from recado.references import References
from recado.store.port import (
    Accepted,
    DeliveryDetail,
    DeliveryFilter,
    NotificationDetail,
    Page,
    Store,
)
from recado.telemetry import NotificationAccepted, Telemetry

#: How often a waiting caller looks again when deliveries end in another process.
_LOOK_AGAIN = 0.25
#: Whoever waits longer than this waits without a limit.
_FOREVER = timedelta(days=365).total_seconds()


class Outbox(Steering, Planning, Changing):
    """Accepts what is to be said and answers for what became of it."""

    def __init__(  # noqa: PLR0913 - everything it works with
        self,
        store: Store,
        references: References,
        clock: Clock,
        telemetry: Telemetry,
        *,
        bot: str,
        profiles: Mapping[str, Profile] | None = None,
        rules: Rules = NO_RULES,
    ) -> None:
        """Make one.

        Args:
            store: where everything is kept.
            references: who is known.
            clock: the time.
            telemetry: told of what is accepted.
            bot: who speaks.
            profiles: what channels allow, by base channel; for plans and forecasts only.
            rules: when and how much recipients are told; for explanations only.
        """
        self._store = store
        self._profiles = profiles or {}
        self._rules = rules
        self._references = references
        self._clock = clock
        self._telemetry = telemetry
        self._bot = bot
        #: One for each waiting caller: a shared one would be cleared by one before another saw it.
        self._waiting: set[asyncio.Event] = set()

    async def notify(  # noqa: PLR0913 - the one call with every option
        self,
        audience: str | Audience | Sequence[str | Single],
        content: str | Mapping[str, Any] | None = None,
        *,
        when: datetime | timedelta | None = None,
        expires: datetime | timedelta | None = None,
        mode: Mode = "now",
        quiet: timedelta | None = None,
        max_wait: timedelta | None = None,
        priority: Priority | str = Priority.NORMAL,
        on_unknown: OnUnknown | str | None = None,
        idempotency_key: str | None = None,
        idempotency_scope: str = "",
        collapse_key: str | None = None,
        category: str | None = None,
        handler: str | None = None,
        value: Any = None,
        value_type: str | None = None,
        user: Mapping[str, Any] | None = None,
        once_key: str | None = None,
        once_every: timedelta | None = None,
        answer_handler: str | None = None,
        answer_value: Any = None,
        answer_within: timedelta | None = None,
        asked_at: datetime | None = None,
        wait: bool | float = False,
    ) -> Handle:
        """Accept something to be said. It is committed when this returns.

        Args:
            audience: whom it is for: an audience or its short form (``all``, ``everyone``,
                ``members:<id>``, ``topic:<name>``, ``where:<conditions>``, ``thread:<id>``,
                ``conversation:<id>``, ``user:<id>``), or several of the latter two.
            content: text, or an activity in the protocol's JSON form. Left out when a handler
                decides what is said.
            when: an instant (timezone-aware) or a delay; now when left out.
            expires: an instant or a delay from now after which it is no longer worth saying.
            mode: how politely: ``now``; ``when_idle`` (when nothing is going on in the
                conversation); ``after_dialog`` (when no turn runs and no dialog waits for an
                answer); ``next_turn`` (at the end of the person's next turn); ``as_turn`` (the
                bot's own turn handler decides). What is urgent never waits.
            quiet: how long the conversation has to have been quiet; 30 s. With ``when_idle``.
            max_wait: how long a good moment is waited for at most; 1 h, and with ``next_turn``
                until it expires.
            priority: ``urgent``, ``normal`` or ``low``.
            on_unknown: ``retry`` (at least once) or ``park`` (at most once) when the channel may
                or may not have it. Plain deliveries retry by default, turn deliveries park.
            idempotency_key: the same key with the same request is accepted once.
            idempotency_scope: separates the keys of different callers.
            collapse_key: supersedes unsent deliveries with the same key in the same conversation.
            category: what kind of message it is, for consent.
            handler: name of the handler that runs as a turn in each conversation.
            value: JSON payload for the handler, in the event's ``value``.
            value_type: the event's ``valueType``.
            user: ChannelAccount of the person it is about, for group conversations.
            once_key: what it is about, as in "price:42". Where something was accepted for the
                same key less than *once_every* before, the delivery is ``suppressed``.
            once_every: at most one in this time; goes with *once_key*.
            answer_handler: it asks something; the name of the handler that hears the answer.
            answer_value: JSON that this handler is given with the answer.
            answer_within: for how long after its delivery it can be answered; when left out
                until it expires or, if it does not, for 24 h.
            asked_at: since when its recipient has asked for it: then it waits for no quiet hours
                and no caps, and an opt-out from before is not about it.
            wait: True, or seconds, to wait until it has been delivered everywhere.

        Raises:
            InvalidInput: content, audience or an option cannot be used.
            UnknownRecipient: the audience names somebody who is not known.
            IdempotencyConflict: the key was used for a different request.
            StoreError: it could not be committed; nothing was accepted.
        """
        options = Options(
            when=when,
            expires=expires,
            mode=mode,
            quiet=quiet,
            max_wait=max_wait,
            priority=priority,
            on_unknown=on_unknown,
            idempotency_key=idempotency_key,
            idempotency_scope=idempotency_scope,
            collapse_key=collapse_key,
            category=category,
            handler=handler,
            value=value,
            value_type=value_type,
            user=user,
            once_key=once_key,
            once_every=once_every,
            answer_handler=answer_handler,
            answer_value=answer_value,
            answer_within=answer_within,
            asked_at=asked_at,
        )
        return await self.accept(audience, content, options, wait=wait)

    async def accept(
        self,
        audience: str | Audience | Sequence[str | Single],
        content: Said = None,
        options: Options = PLAIN,
        *,
        wait: bool | float = False,
    ) -> Handle:
        """What :meth:`notify` does, for callers who have the options as one value."""
        whom = audience_of(audience)
        lanes = await self._references.resolve(self._bot, whom, category=options.category)
        _check_wait(wait)
        own = await self._own_lane(whom, lanes)
        if wait is not False and own is not None:
            raise WaitInOwnTurn(WAITS_FOR_ITSELF)
        notification = self.compose(whom, lanes, content, options, own_lane=own)
        accepted = await self._store.accept(notification, lanes)
        handle = self.handle(accepted, after_turn=notification.after_turn)
        if wait is not False:
            await handle.wait(None if wait is True else wait)
        return handle

    async def _own_lane(self, whom: Audience, lanes: Sequence[Reference]) -> int | None:
        """The present turn's own conversation, if it is in the audience."""
        turn = current_turn()
        if turn is None:
            return None
        if isinstance(whom, Broadcast):
            key = ConversationKey(
                bot=self._bot, channel=turn.channel, conversation_id=turn.conversation_id
            )
            found = await self._store.reference_by_key(key)
            return None if found is None else found.number
        return next(filter(None, map(self.own_lane, lanes)), None)

    def own_lane(self, reference: Reference) -> int | None:
        """The number of *reference* if it is the conversation of the present turn."""
        turn = current_turn()
        return reference.number if turn is not None and turn.is_in(reference) else None

    def handle(self, accepted: Accepted, *, after_turn: str | None = None) -> Handle:
        """A handle on what was accepted, after telling telemetry."""
        self._telemetry.emit(
            NotificationAccepted(
                notification_id=accepted.notification_id,
                deliveries=len(accepted.delivery_ids),
                replayed=accepted.replayed,
            )
        )
        return Handle(self, accepted, after_turn)

    def compose(
        self,
        audience: Audience,
        lanes: Sequence[Reference],
        content: Said,
        options: Options = PLAIN,
        *,
        own_lane: int | None = None,
    ) -> Notification:
        """Check and complete a notification without accepting it.

        Use cases that commit something else together with a notification take it from here; see
        :func:`recado.outbox.composing.compose`.
        """
        now = self._clock.now()
        return compose(self._bot, audience, lanes, content, options, now=now, own_lane=own_lane)

    # -- looking --------------------------------------------------------------------------

    async def progress(self, notification_id: str, *, exact: bool = False) -> Progress:
        """How far a notification has come.

        Args:
            notification_id: which.
            exact: count anew, even where that takes long; else the answer may be some seconds
                old.

        Raises:
            UnknownNotification: there is none with that id.
        """
        found = await self._store.progress(notification_id, exact=exact)
        if found is None:
            raise UnknownNotification(f"There is no notification {notification_id}.")
        return found

    async def wait(self, notification_id: str, seconds: float | None) -> Progress:
        """Wait until a notification is settled, for at most *seconds*; how far it has come."""
        until = None
        if seconds is not None and seconds < _FOREVER:
            until = self._clock.now() + timedelta(seconds=seconds)
        ended = asyncio.Event()
        self._waiting.add(ended)
        try:
            while True:
                ended.clear()
                settled = await self._store.settled(notification_id)
                left = None if until is None else (until - self._clock.now()).total_seconds()
                if settled is not False or (left is not None and left <= 0):
                    return await self.progress(notification_id, exact=bool(settled))
                pause = _LOOK_AGAIN if left is None else min(_LOOK_AGAIN, left)
                await self._clock.wait(ended, pause)
        finally:
            self._waiting.discard(ended)

    def something_settled(self) -> None:
        """Called by the dispatcher when deliveries of this process have ended."""
        for settled in self._waiting:
            settled.set()

    async def notification(self, notification_id: str) -> NotificationDetail:
        """A notification as it was accepted, and what people did with it.

        Raises:
            UnknownNotification: there is none with that id.
        """
        found = await self._store.notification(notification_id)
        if found is None:
            raise UnknownNotification(f"There is no notification {notification_id}.")
        return found

    async def delivery(self, delivery_id: str) -> DeliveryDetail:
        """A delivery with everything that happened to it.

        Raises:
            UnknownDelivery: there is none with that id.
        """
        found = await self._store.delivery(delivery_id, rules=self._rules)
        if found is None:
            raise UnknownDelivery(
                f"There is no delivery {delivery_id}: `recado deliveries list` shows them."
            )
        return found

    async def deliveries(
        self, wanted: DeliveryFilter, *, after: str | None = None, limit: int = 100
    ) -> Page[Delivery]:
        """Deliveries, newest first."""
        return await self._store.deliveries(wanted, after=after, limit=limit)


def _check_wait(wait: object) -> None:
    if not (isinstance(wait, int | float) and wait >= 0):
        raise InvalidInput("wait is True or a number of seconds: leave it out not to wait.")

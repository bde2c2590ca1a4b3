"""The outbox: the use cases around notifications, shared by bot, web and CLI."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

from recado.clock import Clock
from recado.domain.audience import Audience, EveryConversation, Single, audience_of
from recado.domain.content import Content, content_of
from recado.domain.delivery import Delivery, OnUnknown, Priority
from recado.domain.ids import new_id
from recado.domain.notification import (
    BOT_TURN,
    Mode,
    Notification,
    Progress,
    Turn,
    check_json,
    check_name,
    check_user,
)
from recado.domain.reference import ConversationKey, Reference
from recado.errors import (
    InvalidInput,
    UnknownDelivery,
    UnknownNotification,
    WaitInOwnTurn,
)
from recado.references import References
from recado.store.port import Accepted, DeliveryDetail, DeliveryFilter, Page, Store
from recado.telemetry import NotificationAccepted, Telemetry

#: How often a waiting caller looks again when deliveries end in another process.
_LOOK_AGAIN = 0.25
#: So many looks follow at once when deliveries have ended; then a waiting caller takes its time,
#: because each look counts a whole notification.
_EAGER = 5
#: Whoever waits longer than this waits without a limit.
_FOREVER = timedelta(days=365).total_seconds()


_WAITS_FOR_ITSELF = (
    "A turn cannot wait for a delivery to its own conversation, which leaves only after the turn: "
    "do not wait for it."
)


class CurrentTurn:
    """The turn the present code runs in, set by the bot's middleware.

    Attributes:
        id: names this turn; deliveries that wait for its end carry it.
        channel: base channel of its conversation.
        conversation_id: the channel's id of its conversation.
        ended: whether it is over; a task it started may outlive it.
    """

    __slots__ = ("channel", "conversation_id", "ended", "held", "id")

    def __init__(self, turn_id: str, channel: str, conversation_id: str) -> None:
        self.id = turn_id
        self.channel = channel
        self.conversation_id = conversation_id
        self.ended = False
        #: Whether deliveries were accepted that wait for the end.
        self.held = False

    def is_in(self, reference: Reference) -> bool:
        """Whether *reference* is the conversation of this turn."""
        key = reference.key
        return (key.channel, key.conversation_id) == (self.channel, self.conversation_id)


#: The turn under way in this context; None outside turns.
_current_turn: ContextVar[CurrentTurn | None] = ContextVar("recado_current_turn", default=None)


def current_turn() -> CurrentTurn | None:
    """The turn the present code runs in, unless it has ended."""
    turn = _current_turn.get()
    return None if turn is None or turn.ended else turn


@contextmanager
def in_turn(turn: CurrentTurn) -> Iterator[CurrentTurn]:
    """Run a block as part of *turn*; it has ended when the block is left."""
    token = _current_turn.set(turn)
    try:
        yield turn
    finally:
        turn.ended = True
        _current_turn.reset(token)


class Handle:
    """What ``notify`` gives back: the accepted notification, to ask about later."""

    def __init__(self, outbox: Outbox, accepted: Accepted, after_turn: str | None = None) -> None:
        self._outbox = outbox
        self._accepted = accepted
        self._after_turn = after_turn

    @property
    def id(self) -> str:
        """The notification's id."""
        return self._accepted.notification_id

    @property
    def delivery_ids(self) -> tuple[str, ...]:
        """Ids of the deliveries; empty for a broadcast, which is expanded after acceptance."""
        return self._accepted.delivery_ids

    @property
    def replayed(self) -> bool:
        """Whether the idempotency key was known and nothing new was accepted."""
        return self._accepted.replayed

    async def progress(self) -> Progress:
        """How far it has come."""
        return await self._outbox.progress(self.id)

    async def wait(self, timeout: float | None = None) -> Progress:  # noqa: ASYNC109 - a limit on waiting for people, not a cancellation scope
        """Wait until every delivery has ended or is parked, or *timeout* seconds have passed.

        Raises:
            WaitInOwnTurn: one of them leaves only after the turn that would wait.
        """
        turn = current_turn()
        if turn is not None and turn.id == self._after_turn:
            raise WaitInOwnTurn(_WAITS_FOR_ITSELF)
        return await self._outbox.wait(self.id, timeout)

    def __repr__(self) -> str:
        return f"<Handle {self.id}>"


class Outbox:
    """Accepts what is to be said and answers for what became of it."""

    def __init__(
        self,
        store: Store,
        references: References,
        clock: Clock,
        telemetry: Telemetry,
        *,
        bot: str,
    ) -> None:
        self._store = store
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
        wait: bool | float = False,
    ) -> Handle:
        """Accept something to be said. It is committed when this returns.

        Args:
            audience: whom it is for: an audience, its short form (``all``,
                ``conversation:<id>``, ``user:<id>``), or several of them.
            content: text, or an activity in the protocol's JSON form. Left out when a handler
                decides what is said.
            when: an instant (timezone-aware) or a delay; now when left out.
            expires: an instant or a delay from now after which it is no longer worth saying.
            mode: how politely: ``now``, or ``as_turn`` (the bot's own turn handler decides).
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
            wait: True, or seconds, to wait until it has been delivered everywhere.

        Raises:
            InvalidInput: content, audience or an option cannot be used.
            UnknownRecipient: the audience names somebody who is not known.
            IdempotencyConflict: the key was used for a different request.
            StoreError: it could not be committed; nothing was accepted.
        """
        whom = audience_of(audience)
        lanes = await self._references.resolve(self._bot, whom)
        _check_wait(wait)
        own = await self._own_lane(whom, lanes)
        if wait is not False and own is not None:
            raise WaitInOwnTurn(_WAITS_FOR_ITSELF)
        notification = self.compose(
            whom,
            lanes,
            content,
            when=when,
            expires=expires,
            mode=mode,
            priority=priority,
            on_unknown=on_unknown,
            collapse_key=collapse_key,
            category=category,
            handler=handler,
            value=value,
            value_type=value_type,
            user=user,
            idempotency_key=idempotency_key,
            idempotency_scope=idempotency_scope,
            own_lane=own,
        )
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
        if isinstance(whom, EveryConversation):
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

    def compose(  # noqa: PLR0913 - it reads the whole signature of notify
        self,
        audience: Audience,
        lanes: Sequence[Reference],
        content: str | Mapping[str, Any] | None,
        *,
        when: datetime | timedelta | None = None,
        expires: datetime | timedelta | None = None,
        mode: Mode = "now",
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
        own_lane: int | None = None,
    ) -> Notification:
        """Check and complete a notification without accepting it; arguments as for ``notify``.

        *own_lane* is the number of the present turn's own reference if it is in the audience: that
        delivery leaves after the turn.

        Use cases that commit something else together with a notification take it from here.
        """
        now = self._clock.now()
        said, turn = _what(content, mode=mode, handler=handler, value=value, value_type=value_type)
        due = _instant(when, now, "when") or now
        until = _instant(expires, now, "expires")
        if until is not None and until <= max(due, now):
            raise InvalidInput("It would expire before it is due: set expires later than when.")
        for option, given in (
            ("idempotency_key", idempotency_key),
            ("idempotency_scope", idempotency_scope or None),
            ("collapse_key", collapse_key),
            ("category", category),
        ):
            if given is not None:
                check_name(given, option)
        if user is not None:
            check_user(user)
        if said is not None:
            for channel in {lane.key.channel for lane in lanes}:
                said.check_size(channel)
        inside = current_turn()
        if inside is not None:
            inside.held = inside.held or own_lane is not None
        default = OnUnknown.PARK if turn else OnUnknown.RETRY
        return Notification(
            id=new_id(),
            bot=self._bot,
            audience=audience,
            content=said,
            turn=turn,
            accepted_at=now,
            due_at=due,
            expires_at=until,
            priority=_priority(priority),
            on_unknown=default if on_unknown is None else _on_unknown(on_unknown),
            mode=mode,
            category=category,
            collapse_key=collapse_key,
            user=user,
            key=idempotency_key,
            key_scope=idempotency_scope,
            after_turn=inside.id if inside is not None and own_lane is not None else None,
            after_turn_lane=own_lane,
        )

    # -- looking and steering --------------------------------------------------------------

    async def progress(self, notification_id: str) -> Progress:
        """How far a notification has come.

        Raises:
            UnknownNotification: there is none with that id.
        """
        found = await self._store.progress(notification_id)
        if found is None:
            raise UnknownNotification(f"There is no notification {notification_id}.")
        return found

    async def wait(self, notification_id: str, seconds: float | None) -> Progress:
        """Wait until a notification is settled, for at most *seconds*; how far it has come."""
        until = None
        if seconds is not None and seconds < _FOREVER:
            until = self._clock.now() + timedelta(seconds=seconds)
        settled = asyncio.Event()
        self._waiting.add(settled)
        looks = 0
        try:
            while True:
                settled.clear()
                looks += 1
                if looks > _EAGER:
                    self._waiting.discard(settled)
                progress = await self.progress(notification_id)
                left = None if until is None else (until - self._clock.now()).total_seconds()
                if progress.settled or (left is not None and left <= 0):
                    return progress
                pause = _LOOK_AGAIN if left is None else min(_LOOK_AGAIN, left)
                await self._clock.wait(settled, pause)
        finally:
            self._waiting.discard(settled)

    def something_settled(self) -> None:
        """Called by the dispatcher when deliveries of this process have ended."""
        for settled in self._waiting:
            settled.set()

    async def delivery(self, delivery_id: str) -> DeliveryDetail:
        """A delivery with everything that happened to it.

        Raises:
            UnknownDelivery: there is none with that id.
        """
        found = await self._store.delivery(delivery_id)
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

    async def retry(self, delivery_id: str) -> None:
        """Try a rejected, unknown, held or retrying delivery again now.

        Raises:
            UnknownDelivery: there is none with that id.
            TransitionRefused: it is in a state that nothing can be done about.
        """
        await self._store.retry(delivery_id, self._clock.now())

    async def cancel(self, delivery_id: str) -> None:
        """End a delivery that has not left.

        Raises:
            UnknownDelivery: there is none with that id.
            TransitionRefused: it has left, is being sent, or has ended.
        """
        await self._store.cancel(delivery_id, self._clock.now())


def _check_wait(wait: object) -> None:
    if not (isinstance(wait, int | float) and wait >= 0):
        raise InvalidInput("wait is True or a number of seconds: leave it out not to wait.")


def _what(
    content: str | Mapping[str, Any] | None,
    *,
    mode: Mode,
    handler: str | None,
    value: Any,
    value_type: str | None,
) -> tuple[Content | None, Turn | None]:
    """Content or turn: exactly one of them."""
    if mode not in get_args(Mode):
        raise InvalidInput(f"{mode!r} is not a mode: choose {' or '.join(get_args(Mode))}.")
    if mode in ("when_idle", "after_dialog", "next_turn"):
        raise InvalidInput(
            f"The mode {mode!r} is not available in this version: use 'now' or 'as_turn'."
        )
    if mode == "as_turn":
        handler = BOT_TURN if handler is None else handler
    if handler is None:
        if content is None:
            raise InvalidInput("There is nothing to say: give content, or a handler.")
        if value is not None or value_type is not None:
            raise InvalidInput("A value is for a handler: name the handler, or leave it out.")
        return content_of(content), None
    if content is not None:
        raise InvalidInput("A handler says what it wants: give content or handler, not both.")
    check_name(handler, "handler")
    check_json(value, "value")
    if value_type is not None:
        check_name(value_type, "value_type")
    return None, Turn(handler=handler, value=value, value_type=value_type)


def _instant(given: datetime | timedelta | None, now: datetime, option: str) -> datetime | None:
    if given is None:
        return None
    try:
        if isinstance(given, timedelta):
            return now + given
        if not isinstance(given, datetime):
            raise InvalidInput(
                f"{option} is a moment or a delay: use an aware datetime or a timedelta."
            )
        if given.utcoffset() is None:
            raise InvalidInput(
                f"{option}={given.isoformat()} has no time zone: use an aware datetime or a "
                "timedelta."
            )
        return given.astimezone(UTC)
    except OverflowError:
        raise InvalidInput(
            f"{option} is further away than a calendar reaches: choose another moment."
        ) from None


def _priority(given: Priority | str) -> Priority:
    if isinstance(given, Priority):
        return given
    try:
        return Priority[given.upper()]
    except (KeyError, AttributeError):
        raise InvalidInput(f"{given!r} is not a priority: choose urgent, normal or low.") from None


def _on_unknown(given: OnUnknown | str) -> OnUnknown:
    try:
        return OnUnknown(given)
    except ValueError:
        raise InvalidInput(f"{given!r} is not a choice for on_unknown: retry or park.") from None

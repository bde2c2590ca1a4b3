"""Composing: from what a caller asks for to a checked notification."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypedDict, get_args

from recado.domain.audience import Audience, Thread
from recado.domain.content import Content, content_of
from recado.domain.delivery import OnUnknown, Priority
from recado.domain.ids import new_id
from recado.domain.notification import (
    BOT_TURN,
    Mode,
    Notification,
    Once,
    Turn,
    check_json,
    check_name,
    check_user,
)
from recado.domain.question import marked
from recado.domain.reference import Reference
from recado.errors import InvalidInput
from recado.outbox.manners import LONGEST_PERIOD, is_period, patience, question_of
from recado.outbox.turn import current_turn

#: What can be said: text, or an activity in the protocol's JSON form.
Said = str | Mapping[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How something is to be said, as callers give it; ``Outbox.notify`` says what each means."""

    when: datetime | timedelta | None = None
    expires: datetime | timedelta | None = None
    mode: Mode = "now"
    quiet: timedelta | None = None
    max_wait: timedelta | None = None
    priority: Priority | str = Priority.NORMAL
    on_unknown: OnUnknown | str | None = None
    idempotency_key: str | None = None
    idempotency_scope: str = ""
    collapse_key: str | None = None
    category: str | None = None
    handler: str | None = None
    value: Any = None
    value_type: str | None = None
    user: Mapping[str, Any] | None = None
    once_key: str | None = None
    once_every: timedelta | None = None
    answer_handler: str | None = None
    answer_value: Any = None
    answer_within: timedelta | None = None
    #: Since when its recipient has asked for it, see :class:`Notification`.
    asked_at: datetime | None = None


class GivenOptions(TypedDict, total=False):
    """The same as callers give them by name."""

    when: datetime | timedelta | None
    expires: datetime | timedelta | None
    mode: Mode
    quiet: timedelta | None
    max_wait: timedelta | None
    priority: Priority | str
    on_unknown: OnUnknown | str | None
    idempotency_key: str | None
    idempotency_scope: str
    collapse_key: str | None
    category: str | None
    handler: str | None
    value: Any
    value_type: str | None
    user: Mapping[str, Any] | None
    once_key: str | None
    once_every: timedelta | None
    asked_at: datetime | None
    answer_handler: str | None
    answer_value: Any
    answer_within: timedelta | None


#: Nothing out of the ordinary.
PLAIN = Options()


def compose(  # noqa: PLR0913 - who, where, what, how and when
    bot: str,
    audience: Audience,
    lanes: Sequence[Reference],
    content: Said,
    options: Options,
    *,
    now: datetime,
    own_lane: int | None = None,
) -> Notification:
    """Check and complete a notification without accepting it.

    Args:
        bot: who says it.
        audience: whom it is for.
        lanes: the conversations that means now; none for a broadcast.
        content: what is said; None when a handler decides.
        options: how.
        now: the present instant.
        own_lane: the number of the present turn's own reference if it is in the audience: that
            delivery leaves after the turn.

    Raises:
        InvalidInput: content or an option cannot be used.
    """
    said, turn = _what(content, options)
    if turn is not None and isinstance(audience, Thread):
        raise InvalidInput("A thread begins with what is said in it: give content, no handler.")
    due = _instant(options.when, now, "when") or now
    until = _instant(options.expires, now, "expires")
    if until is not None and until <= max(due, now):
        raise InvalidInput("It would expire before it is due: set expires later than when.")
    quiet, max_wait = patience(options.mode, options.quiet, options.max_wait)
    _check_names(options)
    question = question_of(
        said, options.answer_handler, options.answer_value, options.answer_within
    )
    if said is not None and question is not None and question.mark is not None:
        said = content_of(marked(said.activity, question.mark))
    if options.user is not None:
        check_user(options.user)
    if said is not None:
        for channel in {lane.key.channel for lane in lanes}:
            said.check_size(channel)
    inside = current_turn()
    if inside is not None:
        inside.held = inside.held or own_lane is not None
    # A thread that may have begun would begin a second time.
    once_only = turn is not None or isinstance(audience, Thread)
    default = OnUnknown.PARK if once_only else OnUnknown.RETRY
    return Notification(
        id=new_id(),
        bot=bot,
        audience=audience,
        content=said,
        turn=turn,
        accepted_at=now,
        due_at=due,
        expires_at=until,
        priority=_priority(options.priority),
        on_unknown=default if options.on_unknown is None else _on_unknown(options.on_unknown),
        mode=options.mode,
        quiet=quiet,
        max_wait=max_wait,
        question=question,
        asked_at=_instant(options.asked_at, now, "asked_at"),
        category=options.category,
        collapse_key=options.collapse_key,
        user=options.user,
        key=options.idempotency_key,
        key_scope=options.idempotency_scope,
        once=once_of(options),
        after_turn=inside.id if inside is not None and own_lane is not None else None,
        after_turn_lane=own_lane,
    )


def once_of(options: Options) -> Once | None:
    """For what, and how often at most, it is to be said.

    Raises:
        InvalidInput: one is missing of key and period, or cannot be used.
    """
    key, every = options.once_key, options.once_every
    if key is None and every is None:
        return None
    if key is None or every is None:
        raise InvalidInput("once_key and once_every go together: give both, or neither.")
    check_name(key, "once_key")
    if not is_period(every):
        raise InvalidInput(
            f"once_every is a timedelta of up to {LONGEST_PERIOD.days} days: choose another."
        )
    return Once(key=key, every=every)


def _check_names(options: Options) -> None:
    for option, given in (
        ("idempotency_key", options.idempotency_key),
        ("idempotency_scope", options.idempotency_scope or None),
        ("collapse_key", options.collapse_key),
        ("category", options.category),
    ):
        if given is not None:
            check_name(given, option)


def _what(content: Said, options: Options) -> tuple[Content | None, Turn | None]:
    """Content or turn: exactly one of them."""
    mode, handler, value_type = options.mode, options.handler, options.value_type
    if mode not in get_args(Mode):
        raise InvalidInput(f"{mode!r} is not a mode: choose {' or '.join(get_args(Mode))}.")
    if mode == "as_turn":
        handler = BOT_TURN if handler is None else handler
    if handler is None:
        if content is None:
            raise InvalidInput("There is nothing to say: give content, or a handler.")
        if options.value is not None or value_type is not None:
            raise InvalidInput("A value is for a handler: name the handler, or leave it out.")
        return content_of(content), None
    if content is not None:
        raise InvalidInput("A handler says what it wants: give content or handler, not both.")
    check_name(handler, "handler")
    check_json(options.value, "value")
    if value_type is not None:
        check_name(value_type, "value_type")
    return None, Turn(handler=handler, value=options.value, value_type=value_type)


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

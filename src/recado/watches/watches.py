"""Watching: from what a caller asks for to a watch, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypedDict, Unpack

from recado.clock import Clock
from recado.domain.audience import Audience, Conversation, Person, audience_of
from recado.domain.delivery import OnUnknown, Priority
from recado.domain.event import HERE, OBSERVED, Emitted, Event
from recado.domain.ids import new_id
from recado.domain.notification import Mode, check_name
from recado.domain.reference import Reference
from recado.domain.text import usable
from recado.domain.watch import (
    AnyRule,
    Changes,
    NewWatch,
    Watch,
    WatchState,
    check_path,
    rule_of,
)
from recado.domain.watch.wording import DEFAULT, check_words_of
from recado.errors import InvalidAudience, InvalidInput, InvalidRule, UnknownWatch
from recado.outbox import Options
from recado.outbox.composing import compose
from recado.references import References
from recado.store.port import Page, Store
from recado.telemetry import EventAccepted, Telemetry

#: No cool-down is longer.
_LONGEST: Final = timedelta(days=3660)
#: Longest subject, in characters.
_LONGEST_SUBJECT: Final = 1024
#: Those that may still speak.
LIVE: Final = (WatchState.ACTIVE, WatchState.PAUSED)


class HowSaid(TypedDict, total=False):
    """How it is said; :meth:`recado.outbox.Outbox.notify` says what each means."""

    mode: Mode
    quiet: timedelta | None
    max_wait: timedelta | None
    priority: Priority | str
    on_unknown: OnUnknown | str | None
    category: str | None
    value: Any
    value_type: str | None


class Watches:
    """Makes watches, and takes in the events they look at.

    Args:
        store: where both are kept.
        references: who is known.
        clock: the time.
        telemetry: told of events.
        bot: who speaks.
        on_event: called when there is something for watches to look at.
    """

    def __init__(  # noqa: PLR0913 - everything it works with
        self,
        store: Store,
        references: References,
        clock: Clock,
        telemetry: Telemetry,
        *,
        bot: str,
        on_event: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._references = references
        self._clock = clock
        self._telemetry = telemetry
        self._bot = bot
        self._on_event = on_event

    # -- events ------------------------------------------------------------------------------

    async def emit(  # noqa: PLR0913 - the attributes of an event
        self,
        subject: str,
        data: Any,
        *,
        type: str = OBSERVED,  # noqa: A002 - CloudEvents calls it so
        source: str = HERE,
        id: str | None = None,  # noqa: A002 - as above
        time: datetime | None = None,
    ) -> Emitted:
        """Tell what has happened to a subject. It is committed when this returns.

        Args:
            subject: what it happened to, as in ``price:42``.
            data: what there is to know, any JSON: a number, a text, or an object that has it. A
                Decimal is kept digit by digit.
            type: what kind of thing happened.
            source: where. Source and id name an event: one that is told again is a replay, fires
                nothing and is kept as it was, even with other data.
            id: a new one when left out.
            time: when it happened; now when left out. One that is older than what is known of
                its subject is kept, and fires nothing.

        Raises:
            InvalidEvent: it cannot be kept.
            StoreError: it could not be committed.
        """
        event = Event(
            subject=subject,
            data=data,
            type=type,
            source=source,
            id=new_id() if id is None else id,
            time=time,
        )
        return (await self.emit_many([event]))[0]

    async def emit_many(self, events: Iterable[Event]) -> Sequence[Emitted]:
        """Tell of several events, all or none, in one commit; what became of each, in order.

        Raises:
            InvalidEvent: one of them cannot be kept; none of them is.
            StoreError: they could not be committed.
        """
        told = list(events)
        emitted = await self._store.accept_events(self._bot, told, self._clock.now())
        if any(each.watching for each in emitted):
            self._on_event()
        for event, each in zip(told, emitted, strict=True):
            self._telemetry.emit(
                EventAccepted(
                    event_id=event.id,
                    source=event.source,
                    subject=event.subject,
                    watching=each.watching,
                    replayed=each.replayed,
                )
            )
        return emitted

    async def newest(self, subject: str) -> Any:
        """The data of the newest event of a subject; None if nothing is known of it."""
        return await self._store.newest(self._bot, subject)

    # -- watches -----------------------------------------------------------------------------

    async def create(  # noqa: PLR0913 - the one call with every option
        self,
        audience: str | Audience,
        *,
        subject: str,
        rule: str | AnyRule,
        text: str | None = None,
        content: Mapping[str, Any] | None = None,
        handler: str | None = None,
        path: str | None = None,
        cooldown: timedelta | None = None,
        repeat: bool = False,
        key: str | None = None,
        expires: datetime | timedelta | None = None,
        user: Mapping[str, Any] | None = None,
        asked_at: datetime | None = None,
        **how: Unpack[HowSaid],
    ) -> Watch:
        """Tell somebody when a rule over a subject's events becomes true.

        It looks at the events that are accepted from then on, and begins with what is known of
        the subject now: a price that was 100 when the watch was made has dropped 20% at 80.

        Args:
            audience: one conversation or one person, or its short form.
            subject: what is watched, as events name it.
            rule: when it speaks, as in ``drop 20%``, ``below 50`` or ``equals sold out``.
            text: what it says; ``{subject}``, ``{value}``, ``{before}``, ``{change}``,
                ``{percent}`` and ``{rule}`` are filled in. With none of text, content and handler
                it says what has come of the subject.
            content: an activity instead, whose ``text``, ``summary`` and ``speak`` are filled in.
            handler: name of a handler that runs as a turn instead. What the watch saw is its
                value: subject, rule, value, before, event, and what was given as *value*.
            path: where in the data the value is, a dotted path or a JSON pointer. Left out, it is
                the data itself or, of an object, its ``value``.
            cooldown: it is silent for so long after it has spoken. What is still true then is
                said with the first event after it.
            repeat: whether it goes on after it has spoken. Otherwise that ends it, as people
                expect of an alert; a message that was suppressed because it had stopped being
                true does not count.
            key: the caller's own. With the key of a watch that has not ended that watch is the
                answer, so that asking twice makes one.
            expires: an instant, or a delay from now, when it ends in any case.
            user: ChannelAccount of the person it is for, in a group.
            asked_at: since when its recipient has asked for it, if they have.
            how: mode, quiet, max_wait, priority, on_unknown, category, and value and value_type
                for a handler.

        Raises:
            InvalidRule: the rule cannot be read, would never fire, or would with everything.
            InvalidInput: another option cannot be used, or what is known of the subject is no
                number and the rule is about numbers.
            UnknownRecipient: the audience names somebody who is not known.
            IdempotencyConflict: the key's watch is another one.
            StoreError: it could not be committed.
        """
        whom = _one(audience)
        when = rule_of(rule)
        _check_subject(subject)
        if path is not None:
            check_path(path)
        if key is not None:
            check_name(key, "key")
        _check_cooldown(when, cooldown, repeat=repeat)
        now = self._clock.now()
        (lane,) = await self._references.resolve(self._bot, whom)
        options = Options(handler=handler, user=user, asked_at=_aware(asked_at), **how)
        wanted = None
        if options.mode != "as_turn" or text is not None or content is not None:
            wanted = _said(text, content, handler)
        said = compose(self._bot, whom, [lane], wanted, options, now=now)
        new = NewWatch(
            id=new_id(),
            bot=self._bot,
            subject=subject,
            rule=when,
            path=path,
            said=said,
            cooldown=cooldown,
            repeats=repeat,
            key=key,
            expires_at=_until(expires, now),
            created_at=now,
        )
        return await self._store.make_watch(new, lane)

    async def get(self, name: str) -> Watch:
        """A watch by its id or key.

        Raises:
            UnknownWatch: there is none.
        """
        found = await self._store.watch(self._bot, name)
        if found is None:
            raise UnknownWatch(name)
        return found

    async def numbered(self, audience: str | Audience, number: int) -> Watch:
        """A watch of a conversation by its number there, as people say it: ``unwatch 3``.

        Raises:
            UnknownRecipient: the audience names somebody who is not known.
            UnknownWatch: there is none with that number.
        """
        lane = await self._lane(audience)
        found = None
        if 0 < number < 2**53:
            found = await self._store.watch_numbered(self._bot, lane.number, number)
        if found is None:
            raise UnknownWatch(str(number))
        return found

    async def page(
        self,
        *,
        subject: str | None = None,
        audience: str | Audience | None = None,
        states: Collection[WatchState] = LIVE,
        after: str | None = None,
        limit: int = 100,
    ) -> Page[Watch]:
        """Watches, in the order they were made.

        Args:
            subject: only those over it.
            audience: only those of one conversation or person.
            states: only those that stand so; those that may still speak when left out.
            after: where a page ended.
            limit: how many at most.

        Raises:
            UnknownRecipient: the audience names somebody who is not known.
            InvalidInput: *after* is not from a page.
        """
        reference, person = None, None
        if audience is not None:
            whom = _one(audience)
            person = whom.id if isinstance(whom, Person) else None
            reference = (await self._lane(whom)).number
        return await self._store.watches(
            self._bot,
            states=states,
            subject=subject,
            reference=reference,
            person=person,
            after=after,
            limit=limit,
        )

    async def cancel(self, name: str) -> Watch:
        """End a watch, by its id or key; one that has ended stays as it is.

        What it has said and has not left stays as well.

        Raises:
            UnknownWatch: there is none.
        """
        return await self._change(name, WatchState.CANCELLED)

    async def pause(self, name: str) -> Watch:
        """Have a watch look at nothing until it is resumed, by its id or key.

        Raises:
            UnknownWatch: there is none.
        """
        return await self._change(name, WatchState.PAUSED)

    async def resume(self, name: str) -> Watch:
        """Have a watch that is paused look again; it remembers what it remembered.

        Raises:
            UnknownWatch: there is none.
        """
        return await self._change(name, WatchState.ACTIVE)

    async def _change(self, name: str, to: WatchState) -> Watch:
        return await self._store.change_watch(self._bot, name, to, self._clock.now())

    async def _lane(self, audience: str | Audience) -> Reference:
        (lane,) = await self._references.resolve(self._bot, _one(audience))
        return lane


def _one(audience: str | Audience) -> Conversation | Person:
    whom = audience_of(audience)
    if not isinstance(whom, Conversation | Person):
        raise InvalidAudience(
            "A watch is for one conversation or one person: make one for each of several."
        )
    return whom


def _check_subject(subject: object) -> None:
    if (
        not isinstance(subject, str)
        or not usable(subject)
        or not 0 < len(subject) <= _LONGEST_SUBJECT
    ):
        raise InvalidInput(
            f"subject is a text of 1 to {_LONGEST_SUBJECT:,} characters, as events name it."
        )


def _check_cooldown(rule: AnyRule, cooldown: object, *, repeat: bool) -> None:
    if isinstance(rule, Changes) and repeat and cooldown is None:
        raise InvalidRule(
            "A watch that repeats with every change may speak every second: give a cooldown, or "
            "timedelta(0) if that is meant."
        )
    if cooldown is not None and not (
        isinstance(cooldown, timedelta) and timedelta(0) <= cooldown <= _LONGEST
    ):
        raise InvalidInput(
            f"cooldown is a timedelta of up to {_LONGEST.days:,} days: choose another."
        )


def _said(
    text: str | None, content: Mapping[str, Any] | None, handler: str | None
) -> Mapping[str, Any] | None:
    given = [each for each in (text, content, handler) if each is not None]
    if len(given) > 1:
        raise InvalidInput("Give one of text, content and handler: a watch says one thing.")
    if handler is not None:
        return None
    if content is not None:
        if isinstance(content, Mapping):
            check_words_of(content)
        return content
    said = {"type": "message", "text": DEFAULT if text is None else text}
    if isinstance(said["text"], str):
        check_words_of(said)
    return said


def _aware(given: datetime | None) -> datetime | None:
    if given is not None and given.utcoffset() is None:
        raise InvalidInput("asked_at has no time zone: use an aware datetime.")
    try:
        return None if given is None else given.astimezone(UTC)
    except OverflowError:
        raise InvalidInput("asked_at is beyond what a calendar reaches.") from None


def _until(given: datetime | timedelta | None, now: datetime) -> datetime | None:
    if given is None:
        return None
    try:
        until: object = now + given if isinstance(given, timedelta) else given
        if not isinstance(until, datetime) or until.utcoffset() is None:
            raise InvalidInput("expires is an aware datetime, or a timedelta from now.")
        until = until.astimezone(UTC)
    except OverflowError:
        raise InvalidInput(
            "expires is further away than a calendar reaches: choose another moment."
        ) from None
    if until <= now:
        raise InvalidInput("The watch would expire before it begins: set expires later than now.")
    return until

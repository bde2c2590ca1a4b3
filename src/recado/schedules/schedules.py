"""Schedules: something to say once, later, or again and again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from heapq import merge
from itertools import islice
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from recado.clock import Clock
from recado.domain.audience import Audience, Conversation, Person, Several, Single, audience_of
from recado.domain.content import content_of
from recado.domain.ids import new_id
from recado.domain.notification import check_name
from recado.domain.reference import Reference
from recado.domain.schedule import (
    Firing,
    Misfire,
    Saying,
    Schedule,
    ScheduleState,
)
from recado.domain.schedule.schedule import fingerprint
from recado.domain.text import clean, usable
from recado.domain.times import moment
from recado.domain.zones import zone_of
from recado.errors import (
    InvalidInput,
    InvalidSchedule,
    RecadoError,
    StoreError,
    TransitionRefused,
    UnknownSchedule,
)
from recado.outbox import Outbox
from recado.recipients import Recipients
from recado.references import References
from recado.schedules.asking import When, before, first_of, timing_of, told_of
from recado.schedules.firing import Firing as Composing
from recado.schedules.firing import failed
from recado.schedules.saying import kept, options_of
from recado.store.port import Page, Store
from recado.store.port.schedules import Fire, ScheduleFilter

#: Whoever changes a schedule while others do tries again so often.
_TRIES: Final = 20
_LONGEST_TITLE: Final = 1_000


class Upcoming(NamedTuple):
    """One time that something will be said."""

    at: datetime
    schedule: Schedule


class Schedules:
    """What is to be said at times that a rule tells."""

    def __init__(  # noqa: PLR0913 - everything it works with
        self,
        store: Store,
        outbox: Outbox,
        references: References,
        recipients: Recipients,
        clock: Clock,
        *,
        bot: str,
        zone: str = "UTC",
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        """Make one.

        Args:
            store: where they are kept.
            outbox: what is said goes there.
            references: who is known.
            recipients: whose zone is which.
            clock: the time.
            bot: who speaks.
            zone: that of those of whom none is known.
            on_change: told when something may be due at another time.
        """
        self._store = store
        self._outbox = outbox
        self._references = references
        self._recipients = recipients
        self._clock = clock
        self._bot = bot
        self._default_zone = zone
        self._on_change = on_change
        self._composing = Composing(outbox, references, bot)

    async def create(  # noqa: PLR0913 - the one call with every option
        self,
        audience: str | Audience | Sequence[str | Single],
        content: str | Mapping[str, Any] | None = None,
        *,
        at: datetime | None = None,
        after: timedelta | None = None,
        every: timedelta | None = None,
        cron: str | None = None,
        rrule: str | None = None,
        zone: str | None = None,
        start: datetime | None = None,
        until: datetime | None = None,
        jitter: timedelta | None = None,
        key: str | None = None,
        misfire: Misfire | str = Misfire.ONCE,
        late_limit: timedelta | None = None,
        unless_spoken: bool = False,
        title: str | None = None,
        asked_at: datetime | None = None,
        expires_after: timedelta | None = None,
        **options: Any,
    ) -> Schedule:
        """Have something said at times that a rule tells. It is committed when this returns.

        Exactly one of *at*, *after*, *every*, *cron* and *rrule* says when.

        Args:
            audience: whom it is for, as for ``notify``; resolved each time it is said.
            content: text, or an activity in the protocol's JSON form; left out for a handler.
            at: once: an aware datetime, or a time on the wall in *zone*.
            after: once, after so long.
            every: each time so much time has passed, whatever clocks show; 10 s or more.
            cron: five fields, minute hour day month weekday.
            rrule: a recurrence rule of RFC 5545, with DTSTART, EXDATE and RDATE lines if wanted.
            zone: an IANA name; that of the recipient when left out.
            start: nothing is said before; with *every*, the first time.
            until: nothing is said after.
            jitter: each occurrence is said up to so much later, spread evenly; 1 h at most.
            key: the caller's own name for it. The same key with the same request gets the schedule
                that there is; one that was cancelled does not count.
            misfire: what becomes of times that passed while nothing was running: ``once`` (all of
                them are made up for by saying it once), ``all`` (each is said), ``skip`` (what is
                more than a minute late is not).
            late_limit: what is later than this is not made up for.
            unless_spoken: it is cancelled once the person has spoken in that conversation.
            title: what it is, for people.
            asked_at: since when its recipient has asked for it, as for a reminder: it passes quiet
                hours and caps, see :class:`~recado.domain.notification.Notification`.
            expires_after: how long after it was said it is still worth delivering.
            options: those of ``notify``: mode, priority, on_unknown, category, collapse_key,
                handler, value, value_type, user …

        Raises:
            InvalidSchedule: no time comes of it, or too many; nothing is stored.
            UnknownZone: there is no such zone.
            InvalidInput: something else cannot be used.
            UnknownRecipient: the audience names somebody who is not known.
            IdempotencyConflict: *key* was used for a different request.
            StoreError: it could not be committed.
        """
        when = When(
            at=at, after=after, every=every, cron=cron, rrule=rrule, start=start, until=until
        )
        now = self._clock.now()
        whom = audience_of(audience)
        lanes = await self._references.resolve(self._bot, whom)
        there = await self._zone(whom, zone)
        timing = timing_of(when, there, now, jitter=jitter, misfire=misfire, late_limit=late_limit)
        saying = Saying(
            audience=whom,
            content=None if content is None else content_of(content).json,
            options=kept(options),
            expires_after=_expiry(expires_after),
            asked_at=asked_at,
            unless_spoken=unless_spoken,
        )
        self._check(saying, content, lanes)
        _check_names(key, title)
        asked = fingerprint(saying, told_of(when.asked(), timing), title)
        known = None if key is None else await self._store.schedule(self._bot, key)
        if known is not None and known.repeated_by(key, asked):
            return known  # its time may have passed since
        made_id = new_id()
        made = Schedule(
            id=made_id,
            bot=self._bot,
            saying=saying,
            timing=timing,
            created_at=now,
            reached=before(now),
            due=first_of(timing, now, made_id),
            key=key,
            title=title,
            fingerprint=asked,
        )
        created = await self._store.create_schedule(made, [lane.number for lane in lanes])
        self._on_change()
        return created

    def _check(
        self, saying: Saying, content: str | Mapping[str, Any] | None, lanes: Sequence[Reference]
    ) -> None:
        """Refuse now what could not be said later."""
        self._outbox.compose(saying.audience, lanes, content, options_of(saying))

    async def _zone(self, whom: Audience, given: str | None) -> ZoneInfo:
        """The zone a schedule is in: the one given, or else its recipient's."""
        if given is not None:
            return zone_of(given)
        if isinstance(whom, Several):
            whom = whom.of[0]
        if isinstance(whom, Conversation | Person):
            return await self._recipients.zone_of(whom)
        return zone_of(self._default_zone)

    # -- looking --------------------------------------------------------------------------

    async def get(self, name: str) -> Schedule:
        """A schedule by its id, or by the caller's key.

        Raises:
            UnknownSchedule: there is none.
        """
        found = await self._store.schedule(self._bot, name) if usable(name) else None
        if found is None:
            raise UnknownSchedule(name)
        return found

    async def page(
        self,
        *,
        state: ScheduleState | str | None = None,
        to: str | Single | None = None,
        user_id: str | None = None,
        after: str | None = None,
        limit: int = 100,
    ) -> Page[Schedule]:
        """Schedules, newest first.

        Args:
            state: only those that are ``active``, ``paused``, ``done`` or ``cancelled``.
            to: only those that name this conversation or person.
            user_id: of those the ones that are about this person.
            after: what the page before gave as next.
            limit: at most so many.

        Raises:
            InvalidInput: there is no such state.
            UnknownRecipient: *to* is not known.
        """
        lanes = None if to is None else await self._lanes(to)
        wanted = ScheduleFilter(state=_state(state), lanes=lanes, user_id=clean(user_id))
        return await self._store.schedules(self._bot, wanted, after=clean(after), limit=limit)

    async def upcoming(
        self, to: str | Single, limit: int = 10, *, user_id: str | None = None
    ) -> list[Upcoming]:
        """What a conversation or person will be told next, the first first.

        Over all schedules that name them; one that repeats is in it as often as it comes.

        Args:
            to: whom.
            limit: at most so many times.
            user_id: in a group, only what is about this person.

        Raises:
            UnknownRecipient: *to* is not known.
        """
        wanted = ScheduleFilter(lanes=await self._lanes(to), user_id=clean(user_id))
        found = await self._store.upcoming_schedules(self._bot, wanted, limit)
        # Each schedule is worked out so far as it is told of.
        times = merge(*map(_upcoming, found), key=_in_order)
        return sorted(islice(times, limit), key=_in_order)

    async def _lanes(self, to: str | Single) -> list[int]:
        """The conversations that a conversation or person means; a person may be in several."""
        whom = audience_of(to)
        if not isinstance(whom, Conversation | Person):
            raise InvalidInput("Name one conversation or person: conversation:<id> or user:<id>.")
        lanes = await self._references.resolve(self._bot, whom, dry=True)
        numbers = {lane.number for lane in lanes}
        if isinstance(whom, Person):
            known = await self._store.find_references(self._bot, whom.id)
            numbers |= {each.number for each in known if each.private}
        return sorted(numbers)

    async def firings(self, name: str, limit: int = 20) -> Sequence[Firing]:
        """What became of the occurrences of a schedule, the latest first.

        Raises:
            UnknownSchedule: there is none with that id or key.
        """
        return await self._store.firings((await self.get(name)).id, limit)

    async def firing_of(self, notification_id: str) -> Firing | None:
        """The schedule and occurrence that a notification says; None if it says none."""
        return await self._store.firing_of(notification_id)

    # -- changing -------------------------------------------------------------------------

    async def pause(self, name: str) -> Schedule:
        """Let a schedule rest. Times that pass meanwhile are not made up for.

        Raises:
            UnknownSchedule: there is none with that id or key.
            TransitionRefused: it has ended.
        """

        async def change(found: Schedule) -> Schedule | None:
            if found.state is ScheduleState.PAUSED:
                return found
            return await self._store.pause_schedule(_living(found, "paused"))

        return await self._changed(name, change)

    async def resume(self, name: str) -> Schedule:
        """Have a paused schedule go on with the first time from now on.

        Raises:
            UnknownSchedule: there is none with that id or key.
            TransitionRefused: it has ended, or has no time left.
        """

        async def change(found: Schedule) -> Schedule | None:
            if found.state is ScheduleState.ACTIVE:
                return found
            _living(found, "resumed")
            reached = max(found.reached, before(self._clock.now()))
            due = found.timing.next(reached, found.id)
            if due is None:
                raise TransitionRefused("All its times have passed: reschedule it, or cancel it.")
            return await self._store.retime_schedule(found, found.timing, due, reached)

        return await self._changed(name, change)

    async def reschedule(  # noqa: PLR0913 - every way to say when
        self,
        name: str,
        *,
        at: datetime | None = None,
        after: timedelta | None = None,
        every: timedelta | None = None,
        cron: str | None = None,
        rrule: str | None = None,
        zone: str | None = None,
        start: datetime | None = None,
        until: datetime | None = None,
    ) -> Schedule:
        """Give a schedule other times; what it says stays. One that was paused is active then.

        Args:
            name: id or key.
            at: as for :meth:`create`, as are the others.
            after: as above.
            every: as above.
            cron: as above.
            rrule: as above.
            zone: the one it had when left out.
            start: as above.
            until: as above.

        Raises:
            UnknownSchedule: there is none with that id or key.
            InvalidSchedule: no time comes of it, or too many; it goes on as it did.
            TransitionRefused: it has ended.
        """
        when = When(
            at=at, after=after, every=every, cron=cron, rrule=rrule, start=start, until=until
        )

        async def change(found: Schedule) -> Schedule | None:
            _living(found, "rescheduled")
            now = self._clock.now()
            there = zone_of(found.zone if zone is None else zone)
            old = found.timing
            timing = timing_of(
                when,
                there,
                now,
                jitter=old.jitter,
                misfire=old.misfire,
                late_limit=old.late_limit,
            )
            due = first_of(timing, now, found.id)
            return await self._store.retime_schedule(found, timing, due, before(now))

        return await self._changed(name, change)

    async def run_now(self, name: str) -> Firing:
        """Say it once more now; when it is said next stays as it is.

        Raises:
            UnknownSchedule: there is none with that id or key.
            TransitionRefused: it has been cancelled.
            RecadoError: it cannot be said.
        """
        found = await self.get(name)
        now = self._clock.now()
        said = await self._composing.once_more(found, now)
        return await self._store.run_schedule(found, said, now)

    async def cancel(self, name: str) -> Schedule:
        """End a schedule. What it has said already stays said.

        Raises:
            UnknownSchedule: there is none with that id or key.
            TransitionRefused: it was done before.
        """

        async def change(found: Schedule) -> Schedule | None:
            if found.state is ScheduleState.CANCELLED:
                return found
            return await self._store.cancel_schedule(_living(found, "cancelled"), self._clock.now())

        return await self._changed(name, change)

    async def _changed(self, name: str, change: Callable[[Schedule], Any]) -> Schedule:
        """Change what is there, again if somebody else changed it meanwhile."""
        for _ in range(_TRIES):
            changed = await change(await self.get(name))
            if changed is not None:
                self._on_change()
                assert isinstance(changed, Schedule)  # noqa: S101 - that is what changes return
                return changed
        raise TransitionRefused("The schedule is being changed all the time: try again.")

    # -- firing ---------------------------------------------------------------------------

    async def fire_due(self, limit: int) -> tuple[int, Sequence[Firing]]:
        """Say what is due: a step of up to *limit* schedules.

        Returns:
            How many were due, and what became of their occurrences.
        """
        now = self._clock.now()
        due = await self._store.due_schedules(self._bot, now, limit)
        if not due:
            return 0, ()
        fires: list[Fire] = []
        occurrences = 0
        for each in await self._composing.of_all(due, now):
            fires.append(each)
            occurrences += len(each.said)
            if occurrences >= limit:
                break  # the others are due in the next step
        return len(fires), await self._fire(fires, now)

    async def _fire(self, fires: Sequence[Fire], now: datetime) -> Sequence[Firing]:
        """Say them together; where one of them cannot be, each by itself."""
        try:
            return await self._store.fire_schedules(fires, now)
        except StoreError:
            raise
        except RecadoError as error:
            if len(fires) == 1:
                return await self._store.fire_schedules([failed(fires[0], error)], now)
        return [firing for each in fires for firing in await self._fire([each], now)]

    async def next_due(self) -> datetime | None:
        """When the next schedule is due."""
        return await self._store.next_schedule(self._bot)


def _upcoming(schedule: Schedule) -> Iterator[Upcoming]:
    return (Upcoming(each.fires_at, schedule) for each in schedule.occurrences())


def _in_order(upcoming: Upcoming) -> tuple[datetime, str]:
    return upcoming.at, upcoming.schedule.id


def _living(schedule: Schedule, wanted: str) -> Schedule:
    """It, if it has not ended."""
    if schedule.state.ended:
        when = "" if schedule.ended_at is None else f" on {moment(schedule.ended_at)}"
        raise TransitionRefused(
            f"The schedule was {schedule.state}{when} and cannot be {wanted}: make another one."
        )
    return schedule


def _state(given: ScheduleState | str | None) -> ScheduleState | None:
    try:
        return None if given is None else ScheduleState(given)
    except ValueError:
        raise InvalidInput(
            f"{given!r} is not what a schedule does: choose {', '.join(ScheduleState)}."
        ) from None


def _expiry(given: object) -> timedelta | None:
    if given is None or (isinstance(given, timedelta) and given > timedelta(0)):
        return given
    raise InvalidSchedule("expires_after is a timedelta, longer than nothing: give that.")


def _check_names(key: str | None, title: str | None) -> None:
    if key is not None:
        check_name(key, "key")
    if title is not None and not 0 < len(title) <= _LONGEST_TITLE:
        raise InvalidSchedule(f"title is text of 1 to {_LONGEST_TITLE:,} characters: shorten it.")

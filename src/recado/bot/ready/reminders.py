"""Reminders: people have themselves reminded, see their reminders and cancel them, by saying so."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from microsoft_agents.activity import Activity
from microsoft_agents.hosting.core import TurnContext

from recado.bot.ready.asking import Asking, naming_others
from recado.bot.words import said_to_bot
from recado.clock import Clock
from recado.domain.audience import Conversation
from recado.domain.ids import new_id
from recado.domain.phrases import Phrase, phrase
from recado.domain.reference import Reference
from recado.domain.reminding import (
    Ask,
    AskZone,
    Cancel,
    Command,
    Listing,
    SetZone,
    command_of,
    numbered,
    reminder_key,
    token_of,
)
from recado.domain.schedule import Cron, Every, Recurrence, Schedule, ScheduleState
from recado.domain.text import clean
from recado.domain.words import Understood, moment_of, prepare
from recado.domain.words.telling import cron_told, every_told, moment_told, rrule_told
from recado.domain.zones import maybe_zone, zone_of
from recado.errors import (
    AmbiguousMoment,
    IdempotencyConflict,
    InvalidInput,
    MomentPast,
    StoreError,
    TransitionRefused,
    UnknownSchedule,
    UnknownZone,
)
from recado.recipients import Recipients
from recado.schedules import Schedules

_log = logging.getLogger("recado.bot")

#: How many reminders a person may have in a conversation; as many fit in a message everywhere.
MOST: Final = 50
#: Characters of what a reminder says.
LONGEST: Final = 1_000
#: Under which people can refuse them altogether.
CATEGORY: Final = "reminders"

_GOING: Final = (ScheduleState.ACTIVE, ScheduleState.PAUSED)
#: Of a list, so much of what each says.
_SHOWN: Final = 80


class HasSchedules(Protocol):
    """What the part needs of a Recado."""

    @property
    def schedules(self) -> Schedules:
        """What is to be said at times that a rule tells."""

    @property
    def recipients(self) -> Recipients:
        """The zones that people have set."""

    @property
    def clock(self) -> Clock:
        """The time."""

    async def remember(self, context: TurnContext) -> Reference:
        """The reference of a turn's conversation."""


class Reminders:
    """Understands ``remind me in 10 minutes to call Ana``, ``reminders`` and ``cancel 3``.

    And the same in Spanish: ``recuérdame en 10 minutos llamar a Ana``, ``recordatorios``,
    ``cancela 3``; and ``my time zone is Europe/Madrid``. In a group it is the person who asked
    that is reminded, there, and each has reminders of their own.

    Args:
        recado: has the schedules.
        most: how many reminders one person may have in a conversation.
    """

    in_dialogs = False

    def __init__(self, recado: HasSchedules, *, most: int = MOST) -> None:
        self._recado = recado
        self._most = most
        prepare()  # now, and not while a conversation waits

    async def take(self, context: TurnContext) -> bool:
        """Answer a message about reminders; whether it was one."""
        command = command_of(clean(said_to_bot(naming_others(context.activity))) or "")
        if command is None:
            return False
        try:
            answer = await self._obey(context, command)
        except StoreError as fault:
            _log.error("Reminders cannot be read or written: %s", fault)
            answer = phrase("reminder_failed", context.activity.locale)
        if answer is None:
            return False
        # Plain, because it repeats words of people, and no format of theirs is meant.
        await context.send_activity(Activity(type="message", text=answer, text_format="plain"))
        return True

    async def _obey(self, context: TurnContext, command: Command) -> str | None:
        """Do what is asked; the answer, or None if it is for the bot after all."""
        here = await self._recado.remember(context)
        asking = Asking(context.activity, here)
        if asking.nobody:
            return None
        match command:
            case Ask(rest):
                return await self._ask(asking, rest)
            case Listing():
                return await self._list(asking)
            case Cancel():
                return await self._cancel(asking, command)
            case SetZone(name):
                return await self._set_zone(asking, name)
            case AskZone():
                zone, _ = await self._zone(asking)
                return asking.say("reminder_zone_yours", zone=zone.key, time=self._time(zone))

    # -- asking for one -------------------------------------------------------------------

    async def _ask(self, asking: Asking, rest: str) -> str:
        zone, known = await self._zone(asking)
        understood = self._understood(asking, rest, zone)
        if isinstance(understood, str):
            return understood
        own = await self._own(asking)
        number = _made_before(own, asking)
        if number is not None:
            return self._confirmed(asking, number, own[number], zone if known else None)
        if len(own) >= self._most:
            return asking.say("reminder_too_many", count=len(own))
        number = max(own, default=0) + 1
        try:
            made = await self._create(asking, number, understood, zone)
        except InvalidInput:
            return asking.say("reminder_not_understood")
        return self._confirmed(asking, number, made, zone if known else None)

    def _understood(self, asking: Asking, rest: str, zone: ZoneInfo) -> Understood | str:
        """When and of what; or what is answered where that is not clear."""
        if len(rest) > 2 * LONGEST:
            return asking.say("reminder_too_long", limit=LONGEST)
        now = self._recado.clock.now()
        try:
            understood = moment_of(rest, now, zone)
        except AmbiguousMoment as two:
            readings = _either(two.readings, asking.locale)
            return asking.say("reminder_ambiguous", said=asking.words(two.text), readings=readings)
        except MomentPast as past:
            when = moment_told(past.at, now, zone, asking.language)
            return asking.say("reminder_past", when=when, zone=zone.key)
        except InvalidInput:
            return asking.say("reminder_not_understood")
        if len(understood.left) > LONGEST:
            return asking.say("reminder_too_long", limit=LONGEST)
        return understood

    async def _create(
        self, asking: Asking, number: int, understood: Understood, zone: ZoneInfo
    ) -> Schedule:
        async def create(token: str) -> Schedule:
            return await self._recado.schedules.create(
                Conversation(asking.here.id),
                asking.content(understood.left),
                at=understood.at,
                cron=understood.cron,
                rrule=understood.rrule,
                every=understood.every,
                zone=zone.key,
                key=reminder_key(number, token),
                title=understood.left or None,
                asked_at=self._recado.clock.now(),
                category=CATEGORY,
                user=asking.speaker,
            )

        try:
            return await create(asking.token)
        except IdempotencyConflict:  # the same activity, long after its reminder was said
            return await create(new_id())

    def _confirmed(self, asking: Asking, number: int, made: Schedule, zone: ZoneInfo | None) -> str:
        values: dict[str, object] = {
            "when": self._when(asking, made),
            "zone": made.zone,
            "text": asking.words(made.title or ""),
        }
        said = asking.say("reminder_set" if made.title else "reminder_set_bare", **values)
        lines = [said, asking.say("reminder_cancel_hint", number=number)]
        if zone is None:
            lines.append(asking.say("reminder_zone_unknown", zone=made.zone))
        return "\n\n".join(lines)

    # -- those there are ------------------------------------------------------------------

    async def _list(self, asking: Asking) -> str:
        own = await self._own(asking)
        if not own:
            return asking.say("reminder_list_empty")
        lines = [asking.say("reminder_list")]
        for number, each in own.items():
            values: dict[str, object] = {
                "number": number,
                "when": self._when(asking, each),
                "zone": each.zone,
                "text": asking.words(_short(each.title or "")),
            }
            name: Phrase = "reminder_list_line" if each.title else "reminder_list_line_bare"
            lines.append(asking.say(name, **values))
        # Blank lines, not line breaks, because some clients join lines.
        return "\n\n".join(lines)

    async def _cancel(self, asking: Asking, command: Cancel) -> str | None:
        number = command.number
        found = (await self._own(asking)).get(number)
        if found is None:
            return asking.say("reminder_unknown", number=number) if command.named else None
        try:
            await self._recado.schedules.cancel(found.id)
        except (TransitionRefused, UnknownSchedule):  # it was said meanwhile
            return asking.say("reminder_unknown", number=number)
        if not found.title:
            return asking.say("reminder_cancelled_bare", number=number)
        return asking.say("reminder_cancelled", number=number, text=asking.words(found.title))

    async def _own(self, asking: Asking) -> dict[int, Schedule]:
        """The person's own reminders here that are still to be said, by their numbers."""
        found: list[Schedule] = []
        for state in _GOING:
            after = None
            while True:
                page = await self._recado.schedules.page(
                    state=state,
                    to=Conversation(asking.here.id),
                    user_id=asking.user_id,
                    after=after,
                    limit=1_000,
                )
                found += page.items
                if (after := page.next) is None:
                    break
        return numbered(found)

    def _when(self, asking: Asking, schedule: Schedule) -> str:
        """When a reminder is said, in words."""
        language, now = asking.language, self._recado.clock.now()
        zone = maybe_zone(schedule.zone) or ZoneInfo("UTC")
        due = schedule.next_at
        following = "" if due is None else moment_told(due, now, zone, language)
        rule: str | None = None
        match schedule.rule:
            case Cron(expression):
                rule = cron_told(expression, language) or expression
            case Recurrence(text):
                rule = rrule_told(text, language) or text
            case Every(interval):
                rule = every_told(interval, language)
        if due is None:
            return asking.say("reminder_paused", rule=rule or "")
        return following if rule is None else asking.say("reminder_next", rule=rule, when=following)

    # -- zones ----------------------------------------------------------------------------

    async def _zone(self, asking: Asking) -> tuple[ZoneInfo, bool]:
        """The zone of who asks, and whether anybody said that it is theirs.

        What they set themselves counts most, then what this very activity tells, then what
        their channel told before, then that of the settings.
        """
        recipient = await self._recado.recipients.get(asking.who)
        told = maybe_zone(asking.activity.local_timezone)
        if recipient.zone_by != "set":
            told = told or (maybe_zone(asking.here.timezone) if asking.here.private else None)
            if told is not None:
                return told, True
        return zone_of(recipient.zone), recipient.zone_by != "default"

    async def _set_zone(self, asking: Asking, name: str) -> str:
        try:
            set_to = await self._recado.recipients.set_zone(asking.who, name)
        except UnknownZone as unknown:
            said = asking.words(_short(name))
            if unknown.meant is None:
                return asking.say("reminder_zone_wrong", name=said)
            return asking.say("reminder_zone_meant", name=said, meant=unknown.meant)
        zone = zone_of(set_to.zone)
        return asking.say("reminder_zone_set", zone=zone.key, time=self._time(zone))

    def _time(self, zone: ZoneInfo) -> str:
        return f"{self._recado.clock.now().astimezone(zone):%H:%M}"


def _made_before(own: Mapping[int, Schedule], asking: Asking) -> int | None:
    """The number of the reminder that this very message has made before, if it has."""
    return next((n for n, each in own.items() if token_of(each.key) == asking.token), None)


def _either(readings: Sequence[str], locale: str | None) -> str:
    *some, last = readings
    return phrase("reminder_or", locale, some=", ".join(some), last=last) if some else last


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}\u2026"

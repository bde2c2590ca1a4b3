"""Recipients: what people set about when they are told things, and in which zone."""

from __future__ import annotations

from typing import Final
from zoneinfo import ZoneInfo

from recado.clock import Clock
from recado.domain.audience import Conversation, Person, Single, parse_audience
from recado.domain.notification import check_name
from recado.domain.politeness import Rules
from recado.domain.politeness.hours import OFF, check_open, hours
from recado.domain.politeness.windows import hours_for, zone_for
from recado.domain.recipient import KEPT, Change, Preferences, Recipient, ZoneBy
from recado.domain.reference import Reference
from recado.domain.zones import zone_of
from recado.errors import InvalidAudience, InvalidInput
from recado.references import References
from recado.store.port import Store

#: Who is meant: a person or a conversation in the short form of audiences, or a reference.
Who = str | Single | Reference

#: Of more categories nobody has windows of their own.
_MOST_WINDOWS: Final = 100


class Recipients:
    """What people set about when they are told things, and in which zone.

    Args:
        store: keeps it.
        references: the conversations that are known.
        clock: the time.
        bot: whose recipients.
        rules: what holds for those who have set nothing.
    """

    def __init__(
        self, store: Store, references: References, clock: Clock, *, bot: str, rules: Rules
    ) -> None:
        self._store = store
        self._references = references
        self._clock = clock
        self._bot = bot
        self._rules = rules

    async def get(self, who: Who) -> Recipient:
        """A recipient as they are dealt with.

        Args:
            who: a person (``user:<id, directory object id or e-mail>``), who need not be known
                yet, or a conversation (``conversation:<id>`` or its reference).

        Raises:
            InvalidAudience: *who* is neither.
            UnknownRecipient: there is no such conversation.
        """
        single = await self._single(who)
        return await self._told(single, await self._store.preferences(self._bot, single))

    async def set_zone(self, who: Who, zone: str | None) -> Recipient:
        """Set the time zone somebody lives in.

        Args:
            who: as in :meth:`get`, here and below.
            zone: its name in the IANA database, as ``Europe/Madrid``; None takes it back, so that
                the one their channel tells counts again.

        Raises:
            UnknownZone: there is no such zone.
        """
        return await self.change(who, Change(zone=zone))

    async def set_quiet_hours(self, who: Who, quiet: str | None) -> Recipient:
        """Set the hours at which somebody is not to be told anything, in their zone.

        Args:
            who: as in :meth:`get`.
            quiet: as ``22:00-08:00``, with days before it or not; ``off`` for none, whatever the
                settings say; None takes it back, so that the settings' count again.

        Raises:
            InvalidHours: they cannot be read, or leave no time to say anything.
        """
        return await self.change(who, Change(quiet=quiet))

    async def set_window(
        self, who: Who, window: str | None, *, category: str | None = None
    ) -> Recipient:
        """Set when in the week somebody is to be told things, in their zone.

        Args:
            who: as in :meth:`get`.
            window: as ``mon-fri 09:00-18:00``; ``off`` for any time, whatever the settings say;
                None takes it back, so that the settings' count again.
            category: of what; None for everything that has no window of its own.

        Raises:
            InvalidHours: it cannot be read, or leaves no time to say anything.
            InvalidInput: *category* cannot be one.
        """
        return await self.change(who, Change(windows={category or "": window}))

    async def change(self, who: Who, change: Change) -> Recipient:
        """Change several of these at once, or none.

        Args:
            who: as in :meth:`get`.
            change: what is set, and what is taken back; the rest stays.

        Raises:
            InvalidAudience: *who* is no recipient.
            InvalidHours: hours cannot be read, or leave no time to say anything.
            InvalidInput: a category cannot be one.
            UnknownRecipient: there is no such conversation.
            UnknownZone: there is no such zone.
        """
        single = await self._single(who)
        change = _checked(change)
        before = await self._store.preferences(self._bot, single)
        self._check(before.changed(change))
        await self._store.prefer(self._bot, single, change, self._clock.now())
        return await self._told(single, await self._store.preferences(self._bot, single))

    async def zone_of(self, who: Who) -> ZoneInfo:
        """The zone somebody lives in: what they set, else what their channel told.

        Else that of the settings. What is no zone of the IANA database is passed over.
        """
        single = await self._single(who)
        said = await self._store.preferences(self._bot, single)
        return (await self._zone(single, said))[0]

    # -- inside ------------------------------------------------------------------------------

    async def _single(self, who: Who) -> Single:
        if isinstance(who, Reference):
            return Conversation(who.id)
        single = parse_audience(who) if isinstance(who, str) else who
        match single:
            case Person():
                return single
            case Conversation():
                (reference,) = await self._references.resolve(self._bot, single, dry=True)
                return Conversation(reference.id)
            case _:
                raise InvalidAudience(
                    f"{who!r} is no recipient: write user:<id, directory object id or e-mail> or "
                    "conversation:<id>."
                )

    def _check(self, wanted: Preferences) -> None:
        """Refuse hours that, with those of the settings, leave no time to say anything."""
        if len(wanted.windows) > _MOST_WINDOWS:
            raise InvalidInput(f"A recipient has up to {_MOST_WINDOWS} windows: take some back.")
        for category in {"", *wanted.windows, *self._rules.windows}:
            quiet, window = hours_for(self._rules, wanted, category)
            check_open(quiet, window, category)

    async def _told(self, who: Single, said: Preferences) -> Recipient:
        zone, by = await self._zone(who, said)
        return Recipient(
            who=_short(who),
            zone=zone.key,
            zone_by=by,
            quiet_hours=said.quiet,
            windows=said.windows,
        )

    async def _zone(self, who: Single, said: Preferences) -> tuple[ZoneInfo, ZoneBy]:
        return zone_for(self._rules, said, await self._store.told_zone(self._bot, who))


def _short(who: Single) -> str:
    return f"{'user' if isinstance(who, Person) else 'conversation'}:{who.id}"


def _checked(change: Change) -> Change:
    """A change as it is kept: names of zones as they are in their database, hours tidy."""
    zone, quiet = change.zone, change.quiet
    for category in change.windows:
        if category:
            check_name(category, "category")
    return Change(
        zone=zone if zone is None or zone is KEPT else zone_of(zone).key,
        quiet=quiet if quiet is None or quiet is KEPT else _written(quiet),
        windows={
            category: None if window is None else _written(window)
            for category, window in change.windows.items()
        },
    )


def _written(text: str) -> str:
    """Hours as they are kept."""
    hours(text)
    tidy = " ".join(text.split())
    return OFF if tidy.lower() == OFF else tidy

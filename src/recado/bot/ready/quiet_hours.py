"""Quiet hours: people say when they are not to be told anything."""

from __future__ import annotations

from typing import Final, Protocol, cast

from microsoft_agents.activity import Activity, ChannelAccount
from microsoft_agents.hosting.core import TurnContext

from recado.bot.words import words_of
from recado.domain.audience import Conversation, Person, Single
from recado.domain.phrases import Phrase, phrase
from recado.domain.politeness.hours import OFF
from recado.domain.recipient import Recipient
from recado.domain.reference import Reference
from recado.domain.text import without_accents
from recado.errors import InvalidHours
from recado.recipients import Recipients

#: What people begin with, without accents.
_BEGINNINGS: Final = (("quiet", "hours"), ("horas", "de", "silencio"))
#: What they say for none, and to have the settings' again.
_NONE: Final = frozenset({OFF, "none", "no", "ninguna"})
_BACK: Final = frozenset({"default", "usual", "habituales"})


class HasRecipients(Protocol):
    """What the part needs of a Recado."""

    @property
    def recipients(self) -> Recipients:
        """What people have set."""

    async def remember(self, context: TurnContext) -> Reference:
        """The reference of a turn's conversation."""


class QuietHours:
    """Understands ``quiet hours 22:00-08:00``, ``quiet hours off`` and ``quiet hours``.

    And ``quiet hours default``, for those of the settings; and all of it in Spanish. In a private
    chat it is the person who has them, in all of their chats with the bot; in a group the group.

    Args:
        recado: keeps them.
    """

    in_dialogs = False

    def __init__(self, recado: HasRecipients) -> None:
        self._recado = recado

    async def take(self, context: TurnContext) -> bool:
        """Answer a message about quiet hours; whether it was one."""
        wanted = understood([without_accents(word) for word in words_of(context.activity)])
        if wanted is None:
            return False
        here = await self._recado.remember(context)
        said, found = await self._answer(context, here, wanted)
        zone = (await self._recado.recipients.zone_of(_whose(context, here))).key
        hours = None if found is None else found.quiet_hours
        text = phrase(said, context.activity.locale, hours=hours, zone=zone)
        # The format is said because its default differs between specifications (protocol §1.7).
        await context.send_activity(Activity(type="message", text=text, text_format="markdown"))
        return True

    async def _answer(
        self, context: TurnContext, here: Reference, wanted: str
    ) -> tuple[Phrase, Recipient | None]:
        recipients, whose = self._recado.recipients, _whose(context, here)
        if not wanted:
            found = await recipients.get(whose)
            return ("hours_none" if found.quiet_hours is None else "hours_yours"), found
        if wanted in _BACK:
            return "hours_back", await recipients.set_quiet_hours(whose, None)
        if wanted in _NONE:
            return "hours_off", await recipients.set_quiet_hours(whose, OFF)
        try:
            found = await recipients.set_quiet_hours(whose, wanted)
        except InvalidHours:
            return "hours_unusable", None
        return ("hours_set" if here.private else "hours_set_group"), found


def understood(words: list[str]) -> str | None:
    """What a message says after ``quiet hours``; None for one that is about something else.

    Args:
        words: of the message, in small letters and without accents.
    """
    for beginning in _BEGINNINGS:
        if tuple(words[: len(beginning)]) == beginning:
            return " ".join(words[len(beginning) :])
    return None


def _whose(context: TurnContext, here: Reference) -> Single:
    """The person in private, or else the conversation."""
    sender = cast("ChannelAccount | None", context.activity.from_property)
    if here.private and sender is not None and sender.id:
        return Person(sender.id)
    return Conversation(here.id)

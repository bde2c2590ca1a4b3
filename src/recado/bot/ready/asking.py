"""Asking: who says a message about reminders, where, and how they are answered there."""

from __future__ import annotations

import hashlib
import html
from collections.abc import Mapping
from typing import Any, cast

from microsoft_agents.activity import Activity, ChannelAccount, Mention

from recado.bot.capture import account_json, channel_of
from recado.domain.audience import Conversation, Person, Single
from recado.domain.ids import new_id
from recado.domain.phrases import Phrase, language_of, phrase
from recado.domain.reference import Reference
from recado.domain.reminding import harmless
from recado.domain.words.telling import Language


class Asking:
    """A message about reminders: who says it, and where."""

    def __init__(self, activity: Activity, here: Reference) -> None:
        self.activity, self.here = activity, here
        self.locale = activity.locale or here.locale
        sender = cast("ChannelAccount | None", activity.from_property)
        self.speaker = account_json(sender) if sender and sender.id else None

    @property
    def language(self) -> Language:
        """The language of who asks."""
        return "es" if language_of(self.locale) == "es" else "en"

    @property
    def who(self) -> Single:
        """Whose zone it is."""
        return Conversation(self.here.id) if self.speaker is None else Person(self.speaker["id"])

    @property
    def nobody(self) -> bool:
        """Whether it is not known who in a group says it."""
        return self.speaker is None and not self.here.private

    @property
    def user_id(self) -> str | None:
        """In a group, whose reminders are meant."""
        return None if self.here.private or self.speaker is None else str(self.speaker["id"])

    @property
    def token(self) -> str:
        """The same for the same message, however often it comes."""
        if not self.activity.id:
            return new_id()
        named = f"{self.here.id}\n{self.activity.id}"
        return hashlib.sha256(named.encode(errors="replace")).hexdigest()[:32]

    def say(self, said: Phrase, /, **values: object) -> str:
        """A phrase in the language of who asks."""
        return phrase(said, self.locale, **values)

    def words(self, text: str) -> str:
        """Words of a person, to be repeated here."""
        return text if self.here.private else harmless(text)

    def content(self, text: str) -> Mapping[str, Any]:
        """What the reminder says; in a group to who asked for it."""
        text = self.words(text)
        if self.here.private or self.speaker is None:
            said = self.say("reminder_says" if text else "reminder_says_bare", text=text)
            return _message(said, "plain")
        name = " ".join(str(self.speaker.get("name") or self.speaker["id"]).split())
        addressed: Phrase = "reminder_says_to" if text else "reminder_says_bare_to"
        if channel_of(self.activity) != "msteams":
            return _message(self.say(addressed, name=harmless(name), text=text), "plain")
        # A mention is markup, so that everything else has to be written as markup, too.
        mention = f"<at>{html.escape(name, quote=False)}</at>"
        said = self.say(addressed, name=mention, text=html.escape(text, quote=False))
        mentioned = {"id": self.speaker["id"], "name": name}
        entity = {"type": "mention", "mentioned": mentioned, "text": mention}
        return {**_message(said, "xml"), "entities": [entity]}


def _message(text: str, text_format: str) -> dict[str, Any]:
    return {"type": "message", "text": text, "textFormat": text_format}


def naming_others(activity: Activity) -> Activity:
    """The same with the names of others instead of the markup of their mentions."""
    text = activity.text or ""
    bot = activity.recipient.id if activity.recipient else None
    for entity in activity.entities or ():
        if isinstance(entity, Mention) and entity.text:
            mentioned = cast("ChannelAccount | None", entity.mentioned)
            if mentioned is not None and mentioned.id != bot and mentioned.name:
                text = text.replace(entity.text, mentioned.name)
    return activity if text == activity.text else activity.model_copy(update={"text": text})

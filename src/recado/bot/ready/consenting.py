"""Consent: people say what they want to hear, and ask why they have heard something."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Final, NamedTuple, Protocol, TypedDict
from zoneinfo import ZoneInfo

from microsoft_agents.activity import Activity
from microsoft_agents.hosting.core import TurnContext

from recado.bot.capture import channel_of, speaker_of
from recado.bot.ready.asking import Asking
from recado.bot.words import said_to_bot
from recado.clock import Clock
from recado.consent import Consents
from recado.domain.consent import Said, Standing, Subject, SubjectKind, person, subject_of
from recado.domain.consent_words import Understood, plain, understand
from recado.domain.phrases import Phrase, language_of, phrase
from recado.domain.reference import Reference
from recado.domain.times import span
from recado.domain.words.telling import Language, day_told
from recado.recipients import Recipients
from recado.store.port import Delivered

_HOW: Final = "chat"

#: Audiences, by what their short form begins with.
_FOR: Final[Mapping[str, Phrase]] = {
    "user": "consent_for_you",
    "conversation": "consent_for_here",
    "thread": "consent_for_here",
    "members": "consent_for_members",
    "where": "consent_for_some",
    "topic": "consent_for_topic",
    "all": "consent_for_all",
    "everyone": "consent_for_all",
}


class Evidence(TypedDict):
    """How somebody has said what they want."""

    how: str
    wording: str | None
    by: str | None


class HasConsent(Protocol):
    """What the part needs of a Recado."""

    @property
    def consent(self) -> Consents:
        """What people allow."""

    @property
    def recipients(self) -> Recipients:
        """The zones that people have set."""

    @property
    def clock(self) -> Clock:
        """The time."""

    async def remember(self, context: TurnContext) -> Reference:
        """The reference of a turn's conversation."""


class Consent:
    """Understands ``stop``, ``stop prices``, ``mute 2h``, ``resume`` and ``why did I get this?``.

    And the same in Spanish. It is asked while dialogs wait for answers too, because nobody has to
    finish a form to be left alone. In a private chat it is the person who decides, wherever the
    bot knows them; in a group it is decided for that group.

    Args:
        recado: keeps what people allow.
        categories: kinds of messages there are, besides those that were sent before; with the
            words people have for them, if these are others.
    """

    in_dialogs = True

    def __init__(
        self,
        recado: HasConsent,
        *,
        categories: Mapping[str, Collection[str]] | Collection[str] = (),
    ) -> None:
        self._recado = recado
        given = categories if isinstance(categories, Mapping) else dict.fromkeys(categories, ())
        self._words = {
            plain(word): name for name, words in given.items() for word in (name, *words)
        }

    async def take(self, context: TurnContext) -> bool:
        """Answer a message about consent; whether it was one."""
        text = said_to_bot(context.activity)
        # Most of what people say is longer, and nobody else need be asked about it.
        if len(text) > _LONGEST or understand(text, _Anything()) is None:
            return False
        categories = await self._categories()
        understood = understand(text, categories)
        if understood is None or not _is_meant(context.activity):
            return False
        here = await self._recado.remember(context)
        subject = self._subject(context, here)
        said = await self._obey(context, understood, here, subject, categories)
        if said is None:
            return False
        # The format is said because its default differs between specifications (protocol §1.7).
        await context.send_activity(Activity(type="message", text=said, text_format="markdown"))
        return True

    async def _obey(
        self,
        context: TurnContext,
        understood: Understood,
        here: Reference,
        subject: Subject,
        categories: Mapping[str, str],
    ) -> str | None:
        """Do what is asked; what to answer, or None if it is for the bot after all."""
        say = _Says(context.activity.locale, subject, await self._times(context, here))
        match understood.wish:
            case "stop":
                await self._recado.consent.opt_out(
                    subject, understood.category, **_evidence(context, subject)
                )
                return say.stopped(understood.category)
            case "start":
                return await self._start(context, understood, subject, say)
            case "mute":
                length = understood.length
                await self._recado.consent.mute(subject, for_=length, **_evidence(context, subject))
                return say.group("consent_muted", length="" if length is None else span(length))
            case "why":
                return await self._why(here, subject, say)
            case "preferences":
                return say.preferences(await self._recado.consent.status(subject))
            case _:
                return say.help(understood, sorted(set(categories.values())))

    async def _start(
        self, context: TurnContext, understood: Understood, subject: Subject, say: _Says
    ) -> str | None:
        consent = self._recado.consent
        before = await consent.status(subject)
        if understood.category is not None:
            await consent.opt_in(subject, understood.category, **_evidence(context, subject))
            return say.group("consent_resumed_kind", category=understood.category)
        if before.said is not Said.OUT and before.muted_until is None:
            if understood.unless_nothing:
                return None
            return say.with_refused("consent_nothing_stopped", before)
        after = await consent.resume(subject, **_evidence(context, subject))
        return say.with_refused(say.name("consent_resumed"), after)

    async def _why(self, here: Reference, subject: Subject, say: _Says) -> str:
        last = await self._recado.consent.last_delivered(here)
        if last is None:
            return say.it("consent_why_nothing")
        status = await self._recado.consent.status(subject)
        agreed = None
        if status.said is Said.IN or Said.IN in status.categories.values():
            page = await self._recado.consent.history(subject, limit=_LOOKED_THROUGH)
            agreed = next(
                (
                    each
                    for each in page.items
                    if each.said is Said.IN and each.category in (None, last.category)
                ),
                None,
            )
        reason = say.it("consent_because_known")
        if last.asked_at is not None:
            reason = say.it("consent_because_asked", at=say.at(last.asked_at))
        elif agreed is not None:
            reason = say.it("consent_because_agreed", at=say.at(agreed.at), how=agreed.how)
        return say.why(last, reason)

    def _subject(self, context: TurnContext, here: Reference) -> Subject:
        """Whose consent it is: in private the speaker's, else the group's."""
        if here.private:
            speaker = speaker_of(context.activity, here.key.bot)
            if speaker is not None:
                return person(speaker, channel_of(context.activity))
        return subject_of(here)

    async def _times(self, context: TurnContext, here: Reference) -> _Times:
        """How times are told to whoever speaks."""
        zone = await self._recado.recipients.zone_of(Asking(context.activity, here).who)
        return _Times(self._recado.clock.now(), zone)

    async def _categories(self) -> Mapping[str, str]:
        """The kinds of messages there are, by the words for them."""
        used = {plain(name): name for name in await self._recado.consent.categories()}
        return used | self._words


#: Characters of a message that can be about this at most.
_LONGEST: Final = 120
#: Records among which somebody's agreement is looked for.
_LOOKED_THROUGH: Final = 100


class _Anything(Mapping[str, str]):
    """As if there were every kind of message, to see whether a message could be about one."""

    def __getitem__(self, name: str) -> str:
        return name

    def __contains__(self, name: object) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


class _Times(NamedTuple):
    """Now, and whose clocks tell times."""

    now: datetime
    zone: ZoneInfo


class _Says:
    """Says it in somebody's language, to a person or to a group."""

    def __init__(self, locale: str | None, subject: Subject, times: _Times) -> None:
        self._locale = locale
        self._times = times
        self._is_group = subject.kind is SubjectKind.CONVERSATION

    def it(self, name: Phrase, **values: object) -> str:
        return phrase(name, self._locale, **values)

    def at(self, instant: datetime) -> str:
        """A moment in the zone of who is told it."""
        now, zone = self._times
        language: Language = "es" if language_of(self._locale) == "es" else "en"
        return f"{day_told(instant, now, zone, language)} ({zone.key})"

    def name(self, name: Phrase) -> Phrase:
        """The phrase for whoever it is said to."""
        return _OF_GROUP[name] if self._is_group else name

    def group(self, name: Phrase, **values: object) -> str:
        return self.it(self.name(name), **values)

    def stopped(self, category: str | None) -> str:
        if category is None:
            return self.group("consent_stopped")
        return self.group("consent_stopped_kind", category=category)

    def help(self, understood: Understood, known: Collection[str]) -> str:
        if understood.wish == "how_long":
            return self.it("consent_how_long")
        told = self.it("consent_unknown_kind", category=understood.said)
        if known:
            return f"{told} {self.it('consent_kinds', categories=', '.join(known))}"
        return f"{told} {self.it('consent_no_kinds')}"

    def with_refused(self, name: Phrase, status: Standing) -> str:
        told = self.it(name)
        refused = _of(status, Said.OUT)
        if not refused:
            return told
        return f"{told} {self.it('consent_still_off', categories=refused)}"

    def preferences(self, status: Standing) -> str:
        told = [self.it("consent_is_off" if status.said is Said.OUT else "consent_is_on")]
        if status.muted_until is not None:
            told.append(self.it("consent_is_muted", until=self.at(status.muted_until)))
        if refused := _of(status, Said.OUT):
            told.append(self.it("consent_only_off", categories=refused))
        if agreed := _of(status, Said.IN):
            told.append(self.it("consent_only_on", categories=agreed))
        return " ".join(told)

    def why(self, last: Delivered, reason: str) -> str:
        at = self.at(last.at)
        kind, _, rest = last.audience[0].partition(":")
        told = [
            self.it("consent_why", at=at)
            if last.category is None
            else self.it("consent_why_kind", at=at, category=last.category),
            self.it(_FOR.get(kind, "consent_for_some"), topic=rest),
            reason,
            self.it("consent_how_to_stop")
            if last.category is None
            else self.it("consent_how_to_stop_kind", category=last.category),
        ]
        return " ".join(told)


_OF_GROUP: Final[Mapping[Phrase, Phrase]] = {
    "consent_stopped": "consent_stopped_group",
    "consent_stopped_kind": "consent_stopped_kind_group",
    "consent_resumed": "consent_resumed_group",
    "consent_resumed_kind": "consent_resumed_kind_group",
    "consent_muted": "consent_muted_group",
}


def _of(status: Standing, said: Said) -> str:
    return ", ".join(name for name, each in status.categories.items() if each is said)


def _evidence(context: TurnContext, subject: Subject) -> Evidence:
    """How it was said, word for word; in a group also by whom."""
    by = None
    if subject.kind is SubjectKind.CONVERSATION and context.activity.from_property is not None:
        by = context.activity.from_property.id
    return {"how": _HOW, "wording": said_to_bot(context.activity), "by": by}


def _is_meant(activity: Activity) -> bool:
    """Whether the bot is spoken to: in a group of Teams it may hear what is said to others."""
    group = bool(activity.conversation.is_group)
    if not group or channel_of(activity) != "msteams":
        return True
    return said_to_bot(activity) != " ".join((activity.text or "").split())

"""Consent: what people allow, written down with how they said it, and what holds for them now."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from recado.clock import Clock
from recado.consent.importing import ConsentImport, ConsentImported
from recado.consent.people import Erasure, People
from recado.consent.records import in_utc, make_record
from recado.domain.audience import Conversation, Person, parse_audience
from recado.domain.consent import (
    ConsentRecord,
    Said,
    Standing,
    Subject,
    somebody,
    subject_of,
)
from recado.domain.notification import check_name
from recado.domain.reference import Reference
from recado.errors import InvalidAudience, InvalidInput
from recado.references import References
from recado.store.port import Delivered, Page, Store

#: Who is meant: a person or a conversation in the short form of audiences, a reference, or a
#: subject that was made of one before.
Who = str | Person | Conversation | Reference | Subject

#: Nobody asks for silence for longer; who wants more opts out.
LONGEST_MUTE: Final = timedelta(days=3660)


class Consents:
    """What people allow.

    Args:
        store: keeps it.
        references: the conversations that are known.
        clock: the time.
        bot: whose consent it is where nothing else is said.
    """

    def __init__(self, store: Store, references: References, clock: Clock, *, bot: str) -> None:
        self._store = store
        self._references = references
        self._clock = clock
        self._bot = bot
        self._people = People(store, clock, bot=bot)

    # -- what people say ---------------------------------------------------------------------

    async def opt_in(  # noqa: PLR0913 - who, what, and the evidence
        self,
        who: Who,
        category: str | None = None,
        *,
        how: str = "api",
        wording: str | None = None,
        by: str | None = None,
        at: datetime | None = None,
    ) -> Standing:
        """Record that somebody agrees to be spoken to.

        Args:
            who: ``user:<channel user id, directory object id or e-mail>``, who need not be known
                yet, or ``conversation:<id>``; a private conversation's is its person's.
            category: of which kind of message; of all when left out, but for kinds that they have
                refused by name.
            how: in which way they said so: ``chat``, ``e-mail``, ``sms``, ``form`` …
            wording: what they agreed to, word for word.
            by: who writes it down.
            at: when they said so; now when left out.

        Returns:
            What holds for them now.

        Raises:
            InvalidAudience: *who* is neither a person nor a conversation.
            InvalidInput: another argument cannot be used.
            UnknownRecipient: there is no such conversation.
        """
        return await self._say(
            who, Said.IN, category, how=how, wording=wording, by=by, at=at, until=None
        )

    async def opt_out(  # noqa: PLR0913 - as above
        self,
        who: Who,
        category: str | None = None,
        *,
        how: str = "api",
        wording: str | None = None,
        by: str | None = None,
        at: datetime | None = None,
    ) -> Standing:
        """Record that somebody does not want to be spoken to; arguments as for :meth:`opt_in`.

        Nothing that leaves after this has returned goes to them, in whichever process. What was
        said in answer to them, and changes of what was said before, are not concerned.
        """
        return await self._say(
            who, Said.OUT, category, how=how, wording=wording, by=by, at=at, until=None
        )

    async def mute(  # noqa: PLR0913 - as above
        self,
        who: Who,
        *,
        for_: timedelta | None = None,
        until: datetime | None = None,
        category: str | None = None,
        how: str = "api",
        wording: str | None = None,
        by: str | None = None,
    ) -> Standing:
        """Say nothing to somebody for a while: it goes out afterwards, in its order.

        Args:
            who: as for :meth:`opt_in`.
            for_: how long from now.
            until: or, instead, until when.
            category: only what is of this kind.
            how: as for :meth:`opt_in`, and so below.
            wording: what they said.
            by: who writes it down.

        Raises:
            InvalidInput: the time cannot be used.
        """
        now = self._clock.now()
        if (for_ is None) == (until is None):
            raise InvalidInput("A mute has one end: give for_ (how long) or until (when).")
        if until is not None and until.utcoffset() is None:
            raise InvalidInput("until has no time zone: use an aware datetime.")
        ends = now + min(for_, 2 * LONGEST_MUTE) if for_ is not None else until
        if ends is None or not now < (ends := in_utc("until", ends)) <= now + LONGEST_MUTE:
            raise InvalidInput(
                "A mute ends later than now, and within ten years: choose another time, or opt out."
            )
        return await self._say(
            who,
            Said.MUTE,
            category,
            how=how,
            wording=wording,
            by=by,
            at=now,
            until=ends,
        )

    async def resume(
        self,
        who: Who,
        *,
        how: str = "api",
        wording: str | None = None,
        by: str | None = None,
    ) -> Standing:
        """End every mute of somebody's, and a refusal of everything.

        Kinds of messages they have refused by name stay refused.
        """
        subject = await self.subject(who)
        now = self._clock.now()
        before = await self._store.consent(self._bot, subject, now)
        said = [Said.UNMUTE]
        if before.said is Said.OUT:
            said.append(Said.IN)
        records = [
            make_record(self._bot, subject, each, None, how=how, wording=wording, by=by, now=now)
            for each in said
        ]
        await self._store.record_consent(records, now)
        return await self._store.consent(self._bot, subject, now)

    # -- looking -----------------------------------------------------------------------------

    async def status(self, who: Who) -> Standing:
        """What holds for somebody now, and every name they are known by."""
        return await self._store.consent(self._bot, await self.subject(who), self._clock.now())

    async def history(
        self, who: Who, *, after: str | None = None, limit: int = 100
    ) -> Page[ConsentRecord]:
        """What was recorded of somebody under any of their names, newest first.

        Raises:
            InvalidInput: *after* is not from a page of this listing.
        """
        subject = await self.subject(who)
        return await self._store.consents(self._bot, subject, after=after, limit=limit)

    async def categories(self) -> Sequence[str]:
        """Kinds of messages there have been, in order."""
        return await self._store.categories(self._bot)

    async def last_delivered(self, reference: Reference) -> Delivered | None:
        """What was said last in a conversation, replies left out."""
        return await self._store.last_delivered(reference)

    # -- lists -------------------------------------------------------------------------------

    async def import_file(
        self,
        path: Path,
        *,
        by: str | None = None,
        progress: Callable[[int, int], None] = lambda _done, _total: None,
    ) -> ConsentImported:
        """Take in a list of people who have agreed, or refused; see :class:`ConsentImport`."""
        imports = ConsentImport(self._store, self._clock, bot=self._bot)
        return await imports.file(path, by=by, progress=progress)

    # -- everything about somebody -----------------------------------------------------------

    async def export_person(self, who: Who) -> dict[str, Any]:
        """Everything that is kept about somebody, as one JSON document.

        Raises:
            InvalidAudience: *who* is no person.
            UnknownRecipient: there is no such conversation.
        """
        return await self._people.export(await self.subject(who))

    async def erase_person(
        self, who: Who, *, progress: Callable[[int], None] = lambda _rows: None
    ) -> Erasure:
        """Take away everything that is kept about somebody.

        What has not left is cancelled; what was delivered stays as a number of which nobody can
        tell whose it was. If they had opted out, that holds again for whoever comes under one of
        their names: a salted hash of each is kept. Done again, it changes nothing; interrupted, it
        can be begun again.

        Args:
            who: as for :meth:`opt_in`.
            progress: told how many rows so far.

        Raises:
            InvalidAudience: *who* is no person.
            UnknownRecipient: there is no such conversation.
            Conflict: something is being sent to them for longer than can be waited for.
        """
        return await self._people.erase(await self.subject(who), progress=progress)

    async def subject(self, who: Who) -> Subject:
        """Whose consent is meant.

        Raises:
            InvalidAudience: *who* is neither a person nor a conversation.
            UnknownRecipient: there is no such conversation.
        """
        if isinstance(who, Subject):
            return who
        if isinstance(who, Reference):
            return subject_of(who)
        single = parse_audience(who) if isinstance(who, str) else who
        match single:
            case Person(id=name):
                check_name(name, "a person's id")
                return somebody(name)
            case Conversation():
                (reference,) = await self._references.resolve(self._bot, single, dry=True)
                return subject_of(reference)
            case _:
                raise InvalidAudience(
                    f"{who!r} is neither a person nor a conversation: write user:<id, directory "
                    "object id or e-mail> or conversation:<id>."
                )

    # -- inside ------------------------------------------------------------------------------

    async def _say(  # noqa: PLR0913 - a record's worth of facts
        self,
        who: Who,
        said: Said,
        category: str | None,
        *,
        how: str,
        wording: str | None,
        by: str | None,
        at: datetime | None,
        until: datetime | None,
    ) -> Standing:
        subject = await self.subject(who)
        now = self._clock.now()
        record = make_record(
            self._bot,
            subject,
            said,
            category,
            how=how,
            wording=wording,
            by=by,
            at=at,
            until=until,
            now=now,
        )
        await self._store.record_consent([record], now)
        return await self._store.consent(self._bot, subject, now)

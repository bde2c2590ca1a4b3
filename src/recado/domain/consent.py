"""Consent: what people have allowed and refused, altogether or of one kind of message.

Every record is kept; what holds is decided from the newest ones by
:mod:`recado.domain.politeness.consent`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple

from recado.domain.reference import Member, Reference, fold_email

#: A channel's own names are told apart; this is the channel of those that mean the same everywhere.
ANYWHERE: Final = ""

#: What stands where something was said to, or about, somebody who has been erased.
ERASED_CONTENT: Final = '{"type":"message"}'


class SubjectKind(StrEnum):
    """Whose consent it is."""

    PERSON = "person"
    CONVERSATION = "conversation"


class Said(StrEnum):
    """What a record says."""

    IN = "in"  # agreed to be spoken to
    OUT = "out"  # does not want to be
    MUTE = "mute"  # not until a certain time
    UNMUTE = "unmute"  # now again

    @property
    def about(self) -> str:
        """Records about the same replace each other."""
        return "consent" if self in (Said.IN, Said.OUT) else "silence"


class Identity(NamedTuple):
    """One of the names somebody is known by."""

    #: The base channel whose id it is; :data:`ANYWHERE` for directory ids, e-mail addresses and
    #: whatever was recorded without saying.
    channel: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Whose consent it is: a person by one of their names, or a group.

    Attributes:
        kind: which.
        identity: the person's name or, of a group, its conversation's pace key: so a channel of
            Teams is one with all of its threads.
    """

    kind: SubjectKind
    identity: Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentRecord:
    """What somebody has said about being spoken to.

    Attributes:
        id: increases with the order records were written in.
        bot: by whom.
        subject: whose it is.
        said: what.
        category: of which kind of message; None for all.
        at: when it was said.
        until: of a mute, its end.
        recorded_at: when it was written down.
        how: in which way it was said: ``chat``, ``e-mail``, ``sms``, ``import``, ``api`` …
        wording: what they agreed to, or said, word for word.
        by: who has written it down, if not the person.
    """

    id: str
    bot: str
    subject: Subject
    said: Said
    category: str | None
    at: datetime
    until: datetime | None
    recorded_at: datetime
    how: str
    wording: str | None = None
    by: str | None = None


class Fact(NamedTuple):
    """The newest record of its kind under one name."""

    category: str | None
    said: Said
    at: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What holds for somebody now.

    Attributes:
        subject: who was asked about.
        known_as: all names they are known by.
        said: ``in`` or ``out`` altogether; None if they have said neither.
        since: since when.
        categories: what they have said of single kinds of messages, where it holds.
        muted_until: until when nothing is said to them, if they asked for that.
    """

    subject: Subject
    known_as: tuple[Identity, ...]
    said: Said | None
    since: datetime | None
    categories: Mapping[str, Said] = field(default_factory=dict)
    muted_until: datetime | None = None


def name_of(given: str) -> str:
    """A name as names are compared: e-mail addresses without case."""
    return fold_email(given) if "@" in given else given


def identities_of(member: Member, channel: str) -> tuple[Identity, ...]:
    """The names of somebody who was met on *channel*, the surest first."""
    names: list[Identity] = []
    if member.aad_object_id:
        names.append(Identity(ANYWHERE, member.aad_object_id))
    if member.email:
        names.append(Identity(ANYWHERE, fold_email(member.email)))
    return (*names, Identity(channel, member.user_id))


def person(member: Member, channel: str) -> Subject:
    """Somebody who was met on *channel*."""
    return Subject(kind=SubjectKind.PERSON, identity=identities_of(member, channel)[0])


def somebody(name: str) -> Subject:
    """A person by channel user id, directory object id or e-mail."""
    return Subject(kind=SubjectKind.PERSON, identity=Identity(ANYWHERE, name_of(name)))


def subject_of(reference: Reference) -> Subject:
    """Whose a conversation is: its person's if it is private, else its own."""
    if reference.private and reference.members:
        return person(reference.members[0], reference.key.channel)
    place = Identity(reference.key.channel, reference.pace_key)
    return Subject(kind=SubjectKind.CONVERSATION, identity=place)

"""Recipients: who is told, in which zone they live and when they want to be told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from recado.domain.audience import Conversation, Person, Single
from recado.domain.reference import fold_email

#: Who said which zone it is: the recipient, their channel, or nobody.
ZoneBy = Literal["set", "told", "default"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """What a recipient has set; None where they have said nothing.

    Attributes:
        zone: the name of their time zone.
        quiet: their quiet hours as they are written, ``off`` if they want none.
        windows: their weekly window by category, that of ``""`` for all others.
    """

    zone: str | None = None
    quiet: str | None = None
    windows: Mapping[str, str] = field(default_factory=dict)

    def over(self, others: Preferences) -> Preferences:
        """These, and what *others* say where these say nothing."""
        return Preferences(
            zone=self.zone or others.zone,
            quiet=self.quiet or others.quiet,
            windows={**others.windows, **self.windows},
        )

    def changed(self, change: Change) -> Preferences:
        """As they are after *change*."""
        windows = {
            category: hours
            for category, hours in {**self.windows, **change.windows}.items()
            if hours is not None
        }
        changed = replace(self, windows=windows)
        if change.zone is not KEPT:
            changed = replace(changed, zone=change.zone or None)
        if change.quiet is not KEPT:
            changed = replace(changed, quiet=change.quiet or None)
        return changed


#: Stands for what a change leaves as it is.
KEPT = "\0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a recipient sets: what is None is taken back, what is not named stays as it is."""

    zone: str | None = KEPT
    quiet: str | None = KEPT
    windows: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """A recipient as they are dealt with.

    Attributes:
        who: a person or a conversation, in the short form of audiences.
        zone: the time zone they are told things in.
        zone_by: who said that.
        quiet_hours: their own quiet hours, ``off`` for none; None if the settings' hold.
        windows: their own weekly windows by category, that of ``""`` for all others.
    """

    who: str
    zone: str
    zone_by: ZoneBy
    quiet_hours: str | None = None
    windows: Mapping[str, str] = field(default_factory=dict)


def person(name: str) -> str:
    """A person by one of their names, as what they say is kept under."""
    return f"user:{fold_email(name)}"


def people(names: Iterable[str | None]) -> list[str]:
    """The same for each name there is."""
    return [person(name) for name in names if name]


def conversation(reference_id: str) -> str:
    """A conversation, as what is said of it is kept under."""
    return f"conversation:{reference_id}"


def named(who: Single) -> str:
    """What is said of somebody is kept under this; a conversation is named by its reference."""
    match who:
        case Person(id=name):
            return person(name)
        case Conversation(id=name):
            return conversation(name)

"""A person: every name they are known by, and their private conversations."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from recado.domain.consent import ANYWHERE, Identity, Subject
from recado.domain.reference import VOUCHING_CHANNELS, fold_email
from recado.store.session import Row, Session, statements
from recado.store.verbs import identities

_SQL = statements("privacy")

#: A name leads to others, and these to more; nobody has that many.
_ROUNDS: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A private conversation of theirs."""

    number: int
    id: str
    channel: str
    conversation_id: str
    pace_key: str
    #: The channel with its sub-channel, as bots' state is kept by it.
    whole_channel: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody, as far as is known."""

    bot: str
    known_as: tuple[Identity, ...]
    places: tuple[Place, ...]

    @property
    def names(self) -> list[str]:
        """Their names, each once."""
        return sorted({each.name for each in self.known_as})

    @property
    def numbers(self) -> list[int]:
        """Those of their conversations' references."""
        return [each.number for each in self.places]

    def is_named(self, name: object) -> bool:
        """Whether that is one of their names."""
        return isinstance(name, str) and (name in self.names or fold_email(name) in self.names)

    def is_meant(self, short: str) -> bool:
        """Whether an audience in its short form means them alone, or a conversation of theirs."""
        kind, _, name = short.partition(":")
        if kind == "user":
            return self.is_named(name)
        if kind == "conversation":
            return any(name in (each.id, each.conversation_id) for each in self.places)
        return False

    def is_user(self, written: str | None) -> bool:
        """Whether a ChannelAccount as JSON is theirs."""
        account = json.loads(written) if written else None
        if not isinstance(account, dict):
            return False
        fields = ("id", "aadObjectId", "email", "userPrincipalName")
        return any(self.is_named(account.get(field)) for field in fields)

    def state_keys(self, groups: Iterable[tuple[str, str]]) -> list[str]:
        """Keys of the Agents SDK's Storage for them, and for their conversations.

        Args:
            groups: channels and ids of groups' conversations that they are in.
        """
        keys = set()
        for each in self.places:
            for channel in (each.channel, each.whole_channel):
                keys.add(f"{channel}/conversations/{each.conversation_id}")
                keys |= {f"{channel}/users/{name}" for name in self.names}
        for known in self.known_as:
            if known.channel != ANYWHERE:
                keys.add(f"{known.channel}/users/{known.name}")
        for channel, conversation_id in groups:
            for name in self.names:
                keys.add(f"{channel}/users/{name}")
                keys.add(f"{channel}/conversations/{conversation_id}/users/{name}")
        return sorted(keys)


async def find(db: Session, bot: str, subject: Subject) -> Person:
    """Somebody by one of their names.

    Here groups and rosters count as well, so far as their channels know who is who: to show or
    take away too little would be worse than for what holds.
    """
    known = set(await identities.linked(db, bot, [subject.identity]))
    for _ in range(_ROUNDS):
        found = set(known)
        for name in sorted({each.name for each in known}):
            found |= set(await _elsewhere(db, bot, name))
        found |= set(await identities.linked(db, bot, found))
        if found == known:
            break
        known = found
    places = [await _place(db, each) for each in await identities.chats(db, bot, known)]
    return Person(bot=bot, known_as=tuple(sorted(known)), places=tuple(places))


async def groups_of(db: Session, person: Person) -> list[tuple[str, str]]:
    """Channels and ids of the groups' conversations somebody is in."""
    found: set[tuple[str, str]] = set()
    for name in person.names:
        found |= {(row[0], row[1]) for row in await db.all(_SQL["groups"], (name, person.bot))}
    return sorted(found)


async def _elsewhere(db: Session, bot: str, name: str) -> list[Identity]:
    told: dict[str, Any] = {"bot": bot, "name": name}
    rows = [*await db.all(_SQL["in_groups"], told), *await db.all(_SQL["rosters"], told)]
    found: list[Identity] = []
    for row in rows:
        place = await db.one(_SQL["place"], (row["reference"],))
        if place["channel"] in VOUCHING_CHANNELS:
            found.append(Identity(place["channel"], row["user_id"]))
            others = _others(row)
            found += [Identity(ANYWHERE, each) for each in others]
    return found


def _others(row: Row) -> Iterator[str]:
    columns = set(row.keys())
    for column in ("aad_object_id", "email", "principal_name"):
        if column in columns and row[column]:
            yield row[column]


async def _place(db: Session, number: int) -> Place:
    row = await db.one(_SQL["place"], (number,))
    raw: Mapping[str, Any] = json.loads(row["raw"])
    channel = raw.get("channelId")
    return Place(
        number=number,
        id=row["id"],
        channel=row["channel"],
        conversation_id=row["conversation_id"],
        pace_key=row["pace_key"],
        whole_channel=channel if isinstance(channel, str) else row["channel"],
    )


def others_of(audience: Sequence[str], person: Person) -> Collection[str]:
    """Of an audience of several those that are somebody else."""
    return [short for short in audience if not person.is_meant(short)]

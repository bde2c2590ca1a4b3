"""Events: taken in once each, and in order for each subject."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from recado.domain import event as events
from recado.domain.event import Emitted, Event
from recado.store.port import Forgotten
from recado.store.session import Row, Session, statements
from recado.store.verbs import rows

_SQL = statements("events")


@dataclass(slots=True)
class Subject:
    """A subject whose row is held.

    Attributes:
        number: its row's.
        newest: the event that tells how things stand.
        newest_at: when that happened.
        watching: how many watches are active.
    """

    number: int
    newest: int | None
    newest_at: int | None
    watching: int


class _New(NamedTuple):
    """An event that was not known."""

    subject: Subject
    #: Whether something newer is known of its subject.
    late: bool


async def hold_subjects(db: Session, bot: str, names: Sequence[str]) -> dict[str, Subject]:
    """Keep everybody else from these subjects until the transaction ends; each by its digest."""
    named = {events.digest_of(name): name for name in names}
    wanted = {"bot": bot, "subjects": rows.dumps(dict(sorted(named.items())))}
    return {
        row["digest"]: Subject(row["number"], row["newest"], row["newest_at"], row["watching"])
        for row in await db.all(_SQL["hold_subjects"], wanted)
    }


async def accept(
    db: Session, bot: str, told: Sequence[tuple[Event, str]], now: int
) -> list[Emitted]:
    """Take in events, each with its data as it is kept; see the port."""
    if not told:
        return []
    subjects = await hold_subjects(db, bot, [event.subject for event, _ in told])
    asked = {"bot": bot, "digests": rows.dumps([event.digest for event, _ in told])}
    known = {row[0] for row in await db.all(_SQL["known"], asked)}
    last = await _last_watches(db, subjects)
    new: dict[str, _New] = {}
    begun: set[int] = set()
    values: dict[str, tuple[Any, ...]] = {}
    answers: list[Emitted] = []
    for event, data in told:
        subject, digest = subjects[events.digest_of(event.subject)], event.digest
        if digest in known or digest in new:
            answers.append(Emitted(id=event.id, replayed=True, watching=0))
            continue
        happened = _happened(event, now)
        # What is known to have happened later than now was taken in with another clock.
        late = subject.newest_at is not None and happened < subject.newest_at <= now
        if not late:
            subject.newest_at = happened
        # Of those that come together only the first one's predecessor has a number yet.
        previous = None if late or subject.number in begun else subject.newest
        if not late:
            begun.add(subject.number)
        new[digest] = _New(subject, late)
        values[digest] = _columns(event, data, new[digest], previous, last)
        watching = 0 if late else subject.watching
        answers.append(Emitted(id=event.id, replayed=False, watching=watching))
    if new:
        made = {"bot": bot, "now": now, "events": rows.dumps(values)}
        found = await db.all(_SQL["insert"], made)
        await _stand(db, new, {row["digest"]: row["number"] for row in found})
    return answers


def _happened(event: Event, now: int) -> int:
    """When it happened; what is said to be still to come has happened now."""
    return now if event.time is None else min(now, rows.micros(event.time))


async def _last_watches(db: Session, subjects: Mapping[str, Subject]) -> dict[int, int]:
    watched = [each.number for each in subjects.values() if each.watching]
    if not watched:
        return {}
    found = await db.all(_SQL["last_watches"], (rows.dumps(watched),))
    return {row["subject"]: row["last"] for row in found}


def _columns(
    event: Event, data: str, new: _New, previous: int | None, last: Mapping[int, int]
) -> tuple[Any, ...]:
    """An event as the statement takes it."""
    watched = new.subject.watching > 0 and not new.late
    return (
        event.id,
        event.source,
        event.type,
        new.subject.number,
        data,
        rows.maybe_micros(event.time),
        previous,
        0 if watched else None,
        last[new.subject.number] if watched else None,
    )


async def _stand(db: Session, new: Mapping[str, _New], numbers: Mapping[str, int]) -> None:
    """Note which of these came after which, and how things stand now."""
    follows: dict[int, int | None] = {}
    begun: set[int] = set()
    for digest, (subject, late) in new.items():
        if late:
            continue
        if subject.number in begun:
            follows[numbers[digest]] = subject.newest
        begun.add(subject.number)
        subject.newest = numbers[digest]
    if follows:
        await db.run(_SQL["follow"], (rows.dumps(follows),))
    changed = {each.subject.number: each.subject for each in new.values()}
    stand = {number: (each.newest, each.newest_at) for number, each in changed.items()}
    await db.run(_SQL["stand"], {"stand": rows.dumps(stand)})


async def newest(db: Session, bot: str, subject: str) -> Any:
    """The data of its newest event; None if there is none."""
    row = await db.first(_SQL["newest"], (bot, events.digest_of(subject)))
    return None if row is None or row["data"] is None else events.read(row["data"])


async def pending(db: Session) -> bool:
    """Whether there are events that watches have not looked at."""
    return bool(await db.value(_SQL["pending"]))


async def next_event(db: Session, after: int) -> Row | None:
    """The next event that watches are to look at, for this process alone until it commits.

    It is the first one of the next subject after this one: subjects take turns, and nobody walks
    past all that waits behind an event that very many look at.
    """
    return await db.first(_SQL["next"], (after,))


async def advance(db: Session, event: int, to: int | None) -> None:
    """Watches up to *to* have looked at it; with None all have that are to."""
    await db.run(_SQL["advance"], (to, event))


async def count_watching(db: Session, subject: int, by: int) -> None:
    """So many more watches are active, or fewer."""
    if by:
        await db.run(_SQL["count_watching"], (by, subject))


async def forget(db: Session, before: int, after: str, limit: int) -> Forgotten:
    """One step of forgetting old events, and subjects that nothing is known of any more."""
    page = {"before": before, "after": int(after or 0), "limit": limit}
    found = await db.all(_SQL["old"], page)
    going = [row["id"] for row in found if row["outlived"]]
    if going:
        subjects = {row["subject"] for row in found if row["outlived"]}
        gone = {"subjects": rows.dumps(sorted(subjects)), "events": rows.dumps(going)}
        await db.run(_SQL["forget_subjects"], gone)
        await db.run(_SQL["forget"], (rows.dumps(going),))
    return Forgotten(len(going), str(found[-1]["id"]) if len(found) == limit else None)

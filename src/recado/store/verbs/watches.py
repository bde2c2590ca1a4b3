"""Watches: made, shown, paused and ended."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from recado.domain import event as events
from recado.domain.audience import Person, written
from recado.domain.reference import Reference
from recado.domain.watch import (
    NewWatch,
    NoValueError,
    Standing,
    Value,
    Watch,
    WatchState,
    begin,
    parse_rule,
    read,
    shown,
    value_of,
)
from recado.errors import IdempotencyConflict, InvalidInput, UnknownWatch
from recado.store.port import Page
from recado.store.session import Row, Session, statements
from recado.store.verbs import pages, rows
from recado.store.verbs.events import count_watching, hold_subjects, newest

_SQL = statements("watches")


async def make(db: Session, new: NewWatch, reference: Reference) -> Watch:
    """Begin to watch; see the port."""
    digest = events.digest_of(new.subject)
    subject = (await hold_subjects(db, new.bot, [new.subject]))[digest]
    known = await _of_key(db, new)
    if known is not None:
        return known
    value = None
    if subject.newest is not None:
        value = _known_value(new, await newest(db, new.bot, new.subject))
    standing = begin(new.rule, value)
    said = new.said
    place = await db.value(_SQL["next_place"], (reference.number,))
    person = said.audience.id if isinstance(said.audience, Person) else None
    turn = said.turn
    await db.run(
        _SQL["insert"],
        (
            new.id,
            new.bot,
            subject.number,
            reference.number,
            place,
            person,
            str(new.rule),
            new.path,
            rows.dumps(written(said.audience)),
            said.content.json if said.content else None,
            turn.handler if turn else None,
            rows.maybe_dumps(turn.value) if turn else None,
            turn.value_type if turn else None,
            rows.maybe_dumps(said.user),
            int(said.priority),
            str(said.on_unknown),
            said.mode,
            said.category,
            rows.maybe_micros_of(said.quiet),
            rows.maybe_micros_of(said.max_wait),
            rows.maybe_micros(said.asked_at),
            rows.maybe_micros_of(new.cooldown),
            new.repeats,
            new.key,
            new.fingerprint(),
            rows.micros(new.created_at),
            rows.maybe_micros(new.expires_at),
            written_value(standing.baseline),
            standing.armed,
        ),
    )
    await count_watching(db, subject.number, 1)
    made = await one(db, new.bot, new.id)
    assert made is not None  # noqa: S101 - it was just made
    return made


async def _of_key(db: Session, new: NewWatch) -> Watch | None:
    """The watch that has its key already, unless that has ended."""
    if new.key is None:
        return None
    row = await db.first(_SQL["by_key"], (new.bot, new.key))
    if row is None:
        return None
    if WatchState(row["state"]).ended:
        await db.run(_SQL["free_key"], (new.bot, new.key))
        return None
    if row["fingerprint"] != new.fingerprint():
        raise IdempotencyConflict(new.key)
    found = await db.one(_SQL["by_id"], (new.bot, row["id"]))
    return _watch(found, replayed=True)


def _known_value(new: NewWatch, data: Any) -> Value:
    """The newest value of a subject, which the watch begins with.

    Raises:
        InvalidInput: it is none that the rule can look at.
    """
    try:
        value = value_of(data, new.path)
    except NoValueError as error:
        raise InvalidInput(
            f"{new.subject!r} cannot be watched so: in what is known of it now, {error}. Name "
            "where the value stands with path, as in offer.price."
        ) from None
    if new.rule.numeric and isinstance(value, str):
        raise InvalidInput(
            f"{new.subject!r} cannot be watched with {str(new.rule)!r}: its value is the text "
            f"{value[:50]!r} now, which is no number. Watch it with changes or equals, or name "
            "another value with path."
        )
    return value


def written_value(value: Value | None) -> str | None:
    """A value as the tables write it."""
    return None if value is None else rows.clean(shown(value))


def read_value(written_: str | None) -> Value | None:
    """What :func:`written_value` wrote."""
    return None if written_ is None else read(written_)


def _watch(row: Row, *, replayed: bool = False) -> Watch:
    return Watch(
        id=row["id"],
        number=row["place"],
        subject=row["name"],
        rule=parse_rule(row["rule"]),
        path=row["path"],
        audience=json.loads(row["audience"])[0],
        reference_id=row["reference_id"],
        conversation_id=row["conversation_id"],
        user=rows.maybe_loads(row["user"]),
        content=rows.maybe_loads(row["content"]),
        handler=row["handler"],
        repeats=bool(row["repeats"]),
        cooldown=rows.maybe_length(row["cooldown"]),
        key=row["key"],
        state=WatchState(row["state"]),
        created_at=rows.instant(row["created_at"]),
        expires_at=rows.maybe_instant(row["expires_at"]),
        ended_at=rows.maybe_instant(row["ended_at"]),
        standing=Standing(read_value(row["baseline"]), bool(row["armed"])),
        fired=row["fired"],
        fired_at=rows.maybe_instant(row["fired_at"]),
        trouble=row["trouble"],
        replayed=replayed,
    )


async def _row(db: Session, bot: str, name: str) -> Row | None:
    """By id, or else by key."""
    row = await db.first(_SQL["by_id"], (bot, name))
    if row is None:
        keyed = await db.first(_SQL["by_key"], (bot, name))
        row = None if keyed is None else await db.first(_SQL["by_id"], (bot, keyed["id"]))
    return row


async def one(db: Session, bot: str, name: str) -> Watch | None:
    row = await _row(db, bot, name)
    return None if row is None else _watch(row)


async def numbered(db: Session, bot: str, reference: int, number: int) -> Watch | None:
    row = await db.first(_SQL["by_place"], (bot, reference, number))
    return None if row is None else _watch(row)


async def page(  # noqa: PLR0913 - one parameter a filter
    db: Session,
    bot: str,
    *,
    states: Collection[WatchState],
    subject: str | None,
    reference: int | None,
    person: str | None,
    after: str | None,
    limit: int,
) -> Page[Watch]:
    cut = {
        "bot": bot,
        "states": rows.dumps(sorted(states)),
        "after": pages.position(after),
        "limit": limit + 1,
    }
    whose = {"reference": reference, "person": person}
    if subject is not None:
        named = {"subject": events.digest_of(subject)}
        found = await db.all(_SQL["page_of_subject"], {**cut, **whose, **named})
    elif reference is not None or person is not None:
        found = await db.all(_SQL["page_of_reference"], {**cut, **whose})
    else:
        found = await db.all(_SQL["page"], cut)
    following = str(found[limit - 1]["number"]) if len(found) > limit else None
    return Page(items=[_watch(row) for row in found[:limit]], next=following)


async def change(db: Session, bot: str, name: str, to: WatchState, now: int) -> Watch:
    """Pause, resume or cancel; see the port."""
    row = await _row(db, bot, name)
    if row is None:
        raise UnknownWatch(name)
    before = WatchState(row["state"])
    while not before.ended and before is not to:
        told = {
            "number": row["number"],
            "state": str(to),
            "before": str(before),
            "ended_at": now if to.ended else None,
        }
        if await db.run(_SQL["change"], told):
            more = (to is WatchState.ACTIVE) - (before is WatchState.ACTIVE)
            await count_watching(db, row["subject"], more)
        row = await db.one(_SQL["by_id"], (bot, row["id"]))
        before = WatchState(row["state"])
    return _watch(row)


async def expire(db: Session, now: int, limit: int) -> int:
    """End watches whose time is up."""
    found = await db.all(_SQL["expired"], {"now": now, "limit": limit})
    for row in found:
        told = {
            "number": row["number"],
            "state": str(WatchState.EXPIRED),
            "before": row["state"],
            "ended_at": now,
        }
        changed = await db.run(_SQL["change"], told)
        if changed and row["state"] == WatchState.ACTIVE:
            await count_watching(db, row["subject"], -1)
    return len(found)


async def forget(db: Session, before: int, limit: int) -> int:
    """Forget watches that ended before, with nothing left of what they said; how many."""
    found = await db.all(_SQL["old"], {"before": before, "limit": limit})
    if found:
        await db.run(_SQL["forget"], (rows.dumps([row["number"] for row in found]),))
        subjects = sorted({row["subject"] for row in found})
        await db.run(_SQL["forget_subjects"], (rows.dumps(subjects),))
    return len(found)


async def forget_firings(db: Session, notifications: str) -> None:
    """What was seen with notifications that are forgotten; their numbers as JSON."""
    await db.run(_SQL["forget_firings"], (notifications,))

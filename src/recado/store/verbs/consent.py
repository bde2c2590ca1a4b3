"""Consent: records are added, and the newest of each kind is kept where it is found at once."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence

from recado.domain.audit import AuditKind, Note
from recado.domain.consent import (
    ANYWHERE,
    ConsentRecord,
    Fact,
    Identity,
    Said,
    Standing,
    Subject,
    SubjectKind,
)
from recado.domain.ids import new_id
from recado.domain.politeness.consent import holding, muted
from recado.errors import InvalidInput
from recado.store.port import Delivered, Page, TakenIn
from recado.store.session import Row, Session, statements
from recado.store.verbs import audit, erasures, identities, meeting, rows

_SQL = statements("consent")

#: How what was refused by somebody who was erased since comes back.
_RECALLED = "erased"


async def record(
    db: Session, records: Sequence[ConsentRecord], now: int, *, audited: bool
) -> list[bool]:
    """Add records; which of them were new."""
    await meeting.alone(db)
    added: list[bool] = []
    for each in records:
        if each.said is Said.IN and each.subject.kind is SubjectKind.PERSON:
            await recall(db, each.bot, [each.subject.identity], now)
        added.append(await _record(db, each))
    for each, new in zip(records, added, strict=True):
        if new:
            await _take_effect(db, each, now, audited=audited)
    return added


async def take_in(
    db: Session, records: Sequence[ConsentRecord], undated: Collection[str], now: int
) -> list[TakenIn]:
    """Add records of a list; see the port."""
    return [await _take_in(db, each, now, dated=each.id not in undated) for each in records]


async def _take_in(db: Session, each: ConsentRecord, now: int, *, dated: bool) -> TakenIn:
    if not dated:
        # What holds already need not be said again; and a list that does not say when somebody
        # agreed may be older than their refusal.
        names = await names_of(db, each.bot, each.subject)
        if each.subject.kind is SubjectKind.PERSON:
            await recall(db, each.bot, names, now)
        held = holding(await facts(db, each.bot, names, each.subject.kind), each.category)
        if held is not None and held.said is each.said:
            return TakenIn.KNOWN
        if held is not None and held.said is Said.OUT:
            return TakenIn.REFUSED
    (new,) = await record(db, [each], now, audited=False)
    return TakenIn.NEW if new else TakenIn.KNOWN


async def _record(db: Session, each: ConsentRecord) -> bool:
    bot, channel, name = each.bot, *_place(each.subject)
    at, category = rows.micros(each.at), each.category or ""
    same = (str(each.subject.kind), channel, category, str(each.said))
    if await db.value(_SQL["known"], (bot, name, at, *same)):
        return False
    until = rows.maybe_micros(each.until)
    recorded = rows.micros(each.recorded_at)
    place = (str(each.subject.kind), name, channel)
    told = (each.how, rows.clean(each.wording), rows.clean(each.by))
    await db.run(
        _SQL["insert"],
        (each.id, bot, *place, category, str(each.said), at, until, recorded, *told),
    )
    names = {_place(each.subject), *await names_of(db, bot, each.subject)}
    what = (category, each.said.about, str(each.said), at, until)
    await _stand(db, bot, each.subject.kind, names, what)
    return True


async def _stand(
    db: Session,
    bot: str,
    kind: SubjectKind,
    names: Collection[Identity],
    what: tuple[str, str, str, int, int | None],
) -> None:
    """Have a record hold under all these names, where it is found at once."""
    places = [(bot, name, str(kind), channel) for channel, name in sorted(names)]
    await db.run_many(_SQL["stand"], [(*place, *what) for place in places])


async def spread(db: Session, bot: str, names: Collection[Identity]) -> None:
    """Names have come to be somebody's: what holds under one of them holds under all."""
    if not await db.value(_SQL["any"], (bot,)):
        return
    everyone = await identities.linked(db, bot, names, met=True)
    asked = {"bot": bot, "kind": str(SubjectKind.PERSON), "names": rows.dumps(everyone)}
    for row in await db.all(_SQL["standing"], asked):
        said = Said(row["said"])
        what = (row["category"], said.about, str(said), row["at"], row["until"])
        await _stand(db, bot, SubjectKind.PERSON, everyone, what)


async def _take_effect(db: Session, each: ConsentRecord, now: int, *, audited: bool) -> None:
    """Tell the audit, and have what waited for the end of a silence looked at again."""
    silence = each.said.about == "silence"
    if not (audited or silence):
        return
    places = await _places(db, each.bot, each.subject)
    if silence and places:
        await db.hold(places)
        await db.run(_SQL["let_on"], {"now": now, "places": rows.dumps(places)})
    if audited:
        detail = {"after": str(each.said), "category": each.category, "reason": each.how}
        note = Note(kind=AuditKind.CONSENT, detail=detail | {"by": each.by})
        await audit.write(db, now, each.bot, places[0] if places else None, note)


async def _places(db: Session, bot: str, subject: Subject) -> list[int]:
    """The conversations a record is about."""
    if subject.kind is SubjectKind.PERSON:
        return await identities.chats(db, bot, await names_of(db, bot, subject))
    asked = {"bot": bot, "channel": subject.identity.channel, "name": subject.identity.name}
    return [number for (number,) in await db.all(_SQL["places"], asked)]


async def names_of(db: Session, bot: str, subject: Subject) -> list[Identity]:
    """Every name of whoever it is."""
    if subject.kind is SubjectKind.CONVERSATION:
        return [subject.identity]
    return await identities.linked(db, bot, [subject.identity])


# -- what holds ------------------------------------------------------------------------------


async def facts(
    db: Session, bot: str, names: Collection[Identity], kind: SubjectKind = SubjectKind.PERSON
) -> list[Fact]:
    """The newest records under these names."""
    asked = {"bot": bot, "kind": str(kind), "names": rows.dumps(list(names))}
    return [fact_of(row) for row in await db.all(_SQL["standing"], asked)]


async def standing(db: Session, bot: str, subject: Subject, now: int) -> Standing:
    """What holds for somebody."""
    names = await names_of(db, bot, subject)
    found = await facts(db, bot, names, subject.kind)
    if not found and subject.kind is SubjectKind.PERSON:
        # Nothing is written down by looking.
        recalled = await erasures.recall(db, bot, names)
        found = [
            Fact(each.category or None, Said.OUT, rows.instant(each.at), None) for each in recalled
        ]
    present = rows.instant(now)
    general = holding(found, None)
    kinds = sorted({each.category for each in found if each.category is not None})
    held = {name: holding(found, name) for name in kinds}
    silence = muted(found, None, present)
    return Standing(
        subject=subject,
        known_as=tuple(names),
        said=None if general is None else general.said,
        since=None if general is None else general.at,
        categories={name: each.said for name, each in held.items() if each is not None},
        muted_until=None if silence is None else silence.until,
    )


async def agreed(
    db: Session, bot: str, name: str, members: Sequence[Identity], category: str | None
) -> bool:
    """Whether somebody has agreed to be spoken to, by any of their names."""
    names = await identities.linked(db, bot, [Identity(ANYWHERE, name), *members])
    held = holding(await facts(db, bot, names), category)
    return held is not None and held.said is Said.IN


async def history(
    db: Session, bot: str, subject: Subject, after: str | None, limit: int
) -> Page[ConsentRecord]:
    """What was recorded, newest first."""
    at, id_ = _position(after)
    names = await names_of(db, bot, subject)
    asked = {"bot": bot, "kind": str(subject.kind), "names": rows.dumps(names)}
    found = await db.all(_SQL["history"], {**asked, "at": at, "id": id_, "limit": limit + 1})
    items = [record_of(row) for row in found[:limit]]
    following = None
    if len(found) > limit:
        following = rows.dumps([rows.micros(items[-1].at), items[-1].id])
    return Page(items=items, next=following)


async def categories(db: Session, bot: str) -> list[str]:
    """Kinds of messages there have been."""
    return [name for (name,) in await db.all(_SQL["categories"], {"bot": bot})]


async def last_delivered(db: Session, reference: int) -> Delivered | None:
    """What was said last in a conversation."""
    row = await db.first(_SQL["last_delivered"], (reference,))
    if row is None:
        return None
    return Delivered(
        delivery_id=row["id"],
        notification_id=row["notification_id"],
        at=rows.instant(row["settled_at"]),
        category=row["category"],
        audience=tuple(json.loads(row["audience"])),
        handler=row["handler"],
        content=row["content"],
        asked_at=rows.maybe_instant(row["asked_at"]),
    )


# -- people who come back --------------------------------------------------------------------


async def recall(db: Session, bot: str, names: Sequence[Identity], now: int) -> None:
    """Have hold again what somebody had refused who was erased since, now that they are here."""
    for each in await erasures.recall(db, bot, names):
        subject = Subject(kind=SubjectKind.PERSON, identity=each.identity)
        await _record(
            db,
            ConsentRecord(
                id=new_id(),
                bot=bot,
                subject=subject,
                said=Said.OUT,
                category=each.category or None,
                at=rows.instant(each.at),
                until=None,
                recorded_at=rows.instant(now),
                how=_RECALLED,
            ),
        )


# -- rows ------------------------------------------------------------------------------------


def fact_of(row: Row) -> Fact:
    """What a row of what holds says."""
    said = Said(row["said"])
    at, until = rows.instant(row["at"]), rows.maybe_instant(row["until"])
    return Fact(row["category"] or None, said, at, until)


def record_of(row: Row) -> ConsentRecord:
    """What a row of the records says."""
    return ConsentRecord(
        id=row["id"],
        bot=row["bot"],
        subject=Subject(
            kind=SubjectKind(row["kind"]), identity=Identity(row["channel"], row["identity"])
        ),
        said=Said(row["said"]),
        category=row["category"] or None,
        at=rows.instant(row["at"]),
        until=rows.maybe_instant(row["until"]),
        recorded_at=rows.instant(row["recorded_at"]),
        how=row["how"],
        wording=row["wording"],
        by=row["by_whom"],
    )


def _place(subject: Subject) -> Identity:
    return subject.identity._replace(name=str(rows.clean(subject.identity.name)))


#: After every record there is.
_END = (2**63 - 1, "")


def _position(after: str | None) -> tuple[int, str]:
    if after is None:
        return _END
    try:
        at, id_ = json.loads(after)
        if abs(at) <= _END[0]:
            return int(at), str(rows.clean(str(id_)))
    except (ValueError, TypeError):
        pass
    raise InvalidInput(f"{after!r} is no page: pass on what the page before gave as next.")

"""History by months: partitions that are made ahead, and dropped as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from recado.domain.ids import first_id
from recado.store.port import Forgotten
from recado.store.session import Session, statements
from recado.store.verbs import retention, rows

_SQL = statements("months", "postgres")

#: Made ahead, beside the present one.
_AHEAD: Final = 2
#: What was before these has no partitions of its own, so that nonsense does not make thousands.
_BACK: Final = 120


async def make(db: Session, now: datetime) -> None:
    """See the port. A user who may not make partitions makes none."""
    await make_between(db, now, _later(now, _AHEAD))


async def make_between(db: Session, first: datetime, last: datetime) -> None:
    """Make the months from that of one time to that of another, unless they are there."""
    there = {row["month"] for row in await db.all(_SQL["there"])}
    wanted = [each for each in _months(first, last) if _name(each) not in there]
    if not wanted or not await db.value(_SQL["may"]):
        return
    await db.all(_SQL["patience"])
    for each in wanted:
        start, until = (rows.micros(at) // 1000 for at in (each, _later(each, 1)))
        await db.all(_SQL["make"], {"start": start, "until": until, "month": _name(each)})


async def of_ids(db: Session, first: str, last: str, now: datetime) -> None:
    """Make the months of deliveries with ids between these, unless that is too long ago."""
    begun, ended = (max(_made_at(each), _later(now, -_BACK)) for each in (first, last))
    if begun <= ended <= _later(now, _AHEAD):
        await make_between(db, begun, ended)


async def drop(db: Session, before: datetime) -> Forgotten | None:
    """Drop the oldest months in which everything ended before a time."""
    if not await retention.alone(db):
        return None
    over = [
        month
        for row in await db.all(_SQL["there"])
        if _later(month := _begun(row["month"]), 1) <= before
    ]
    if not over or not await db.value(_SQL["may"]):
        return Forgotten(0, None)
    going = [each for each in over if not await _wanted(db, each, before)]
    if not going:
        return Forgotten(0, None)
    await db.all(_SQL["patience"])
    if not await db.value(_SQL["lock"]):
        return Forgotten(0, None)  # somebody reads a great deal; the next round comes
    # Looked at again: a delivery may have been retried meanwhile.
    going = [each for each in going if not await _wanted(db, each, before)]
    for each in going:
        await db.all(_SQL["drop"], {"month": _name(each)})
    return Forgotten(len(going), None)


async def _wanted(db: Session, month: datetime, before: datetime) -> bool:
    ids = {"from_id": first_id(month), "to_id": first_id(_later(month, 1))}
    return bool(await db.value(_SQL["wanted"], {**ids, "before": rows.micros(before)}))


def _months(first: datetime, last: datetime) -> Iterator[datetime]:
    each = retention.month(first)
    while each <= last:
        yield each
        each = _later(each, 1)


def _later(of: datetime, months: int) -> datetime:
    """The beginning of the month that is so many after that of a time."""
    years, month = divmod(of.month - 1 + months, 12)
    return retention.month(of).replace(year=of.year + years, month=month + 1)


def _name(month: datetime) -> str:
    return f"{month:%Y_%m}"


def _begun(name: str) -> datetime:
    return datetime.strptime(f"{name}+0000", "%Y_%m%z")


def _made_at(delivery_id: str) -> datetime:
    """What an id says about when it was made; long ago if it is none of ours."""
    try:
        milliseconds = int(delivery_id[:8] + delivery_id[9:13], 16)
        return rows.instant(0) + timedelta(milliseconds=milliseconds)
    except (ValueError, OverflowError):
        return rows.instant(0)

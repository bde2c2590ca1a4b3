"""Asks: leave to make requests, asked of the process that keeps their scope."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from recado.domain.asking import Ask
from recado.domain.pace import Operation
from recado.domain.policy import Answer, Failure
from recado.domain.scope import Scope
from recado.store.session import Row, Session, statements
from recado.store.verbs import rows

_SQL = statements("asks")


async def ask(db: Session, wanted: Ask) -> None:
    """See the port."""
    times = map(rows.micros, (wanted.asked_at, wanted.patient_until, wanted.until))
    named = (wanted.key, str(wanted.operation), wanted.group, wanted.asker)
    await db.run(_SQL["ask"], (wanted.id, *wanted.scope, *named, *times))


async def asks(db: Session, limit: int) -> list[Ask]:
    """See the port."""
    return [_ask(row) for row in await db.all(_SQL["asks"], (limit,))]


async def grant(db: Session, ids: Sequence[str], owner: str) -> set[str]:
    """See the port."""
    found = await db.all(_SQL["grant"], {"ids": rows.dumps(list(ids)), "owner": owner})
    return {row["id"] for row in found}


async def granted(db: Session, ids: Sequence[str]) -> set[str]:
    """See the port."""
    return {row["id"] for row in await db.all(_SQL["granted"], (rows.dumps(list(ids)),))}


async def hand_in(db: Session, answers: Mapping[str, Answer]) -> None:
    """See the port."""
    await db.run(_SQL["withdraw"], (rows.dumps(sorted(answers)),))
    ended = [
        {
            "id": number,
            "ended": True,
            "status": answer.status,
            "failure": None if answer.failure is None else str(answer.failure),
            "retry_after": None if answer.retry_after is None else float(answer.retry_after),
        }
        for number, answer in sorted(answers.items())
    ]
    await db.run_many(_SQL["hand_in"], ended)


async def forget(db: Session, ids: Sequence[str]) -> None:
    """Their end has been counted."""
    if ids:
        await db.run(_SQL["forget"], (rows.dumps(list(ids)),))


async def forget_old(db: Session, now: int) -> None:
    """Whoever was asked is dead, and so is the windows' memory of it."""
    await db.run(_SQL["forget_old"], (now - _KEPT,))


#: Microseconds that an ask is kept when everybody is gone whom it concerns.
_KEPT = 3_600_000_000


def _ask(row: Row) -> Ask:
    failure = row["failure"]
    ended = Answer(
        status=row["status"],
        failure=None if failure is None else Failure(failure),
        retry_after=row["retry_after"],
    )
    return Ask(
        id=row["id"],
        scope=Scope(row["bot"], row["channel"], row["tenant"]),
        key=row["name"],
        operation=Operation(row["operation"]),
        group=bool(row["is_group"]),
        asker=row["asker"],
        asked_at=rows.instant(row["asked_at"]),
        patient_until=rows.instant(row["patient_until"]),
        until=rows.instant(row["until"]),
        granted_by=row["granted_by"],
        answer=ended if row["ended"] else None,
    )

"""Export and import: tables read as they are, and written as they were read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from recado.errors import Conflict, DatabaseNotEmpty
from recado.store.port import RECORD_KINDS, STATE, RecordKind, Unfinished
from recado.store.session import Session, Statement, StreamingSession, statements
from recado.store.verbs import delivery

_SQL = statements("moving")

#: Rows that are read at once.
_PORTION: Final = 1_000

#: How each kind is read, and written.
_STATEMENTS: Final[Mapping[str, tuple[Statement, Statement]]] = {
    "route": (_SQL["read_route"], _SQL["put_route"]),
    "reference": (_SQL["read_reference"], _SQL["put_reference"]),
    "member": (_SQL["read_member"], _SQL["put_member"]),
    "roster": (_SQL["read_roster"], _SQL["put_roster"]),
    "consent": (_SQL["read_consent"], _SQL["put_consent"]),
    "consent_now": (_SQL["read_consent_now"], _SQL["put_consent_now"]),
    "erased": (_SQL["read_erased"], _SQL["put_erased"]),
    "recipient": (_SQL["read_recipient"], _SQL["put_recipient"]),
    "counted": (_SQL["read_counted"], _SQL["put_counted"]),
    "topic": (_SQL["read_topic"], _SQL["put_topic"]),
    "subscription": (_SQL["read_subscription"], _SQL["put_subscription"]),
    "roster_reading": (_SQL["read_roster_reading"], _SQL["put_roster_reading"]),
    "offer": (_SQL["read_offer"], _SQL["put_offer"]),
    "audit": (_SQL["read_audit"], _SQL["put_audit"]),
    "presence": (_SQL["read_presence"], _SQL["put_presence"]),
    "notification": (_SQL["read_notification"], _SQL["put_notification"]),
    "question": (_SQL["read_question"], _SQL["put_question"]),
    "idempotency": (_SQL["read_idempotency"], _SQL["put_idempotency"]),
    "once": (_SQL["read_once"], _SQL["put_once"]),
    "delivery": (_SQL["read_delivery"], _SQL["put_delivery"]),
    "lane": (_SQL["read_lane"], _SQL["put_lane"]),
    "attempt": (_SQL["read_attempt"], _SQL["put_attempt"]),
    "send": (_SQL["read_send"], _SQL["put_send"]),
    "history": (_SQL["read_history"], _SQL["put_history"]),
    "copy": (_SQL["read_copy"], _SQL["put_copy"]),
    "unable": (_SQL["read_unable"], _SQL["put_unable"]),
    "pause": (_SQL["read_pause"], _SQL["put_pause"]),
    "pace": (_SQL["read_pace"], _SQL["put_pace"]),
    "job_counter": (_SQL["read_job_counter"], _SQL["put_job_counter"]),
    "job": (_SQL["read_job"], _SQL["put_job"]),
    "work": (_SQL["read_work"], _SQL["put_work"]),
    "schedule": (_SQL["read_schedule"], _SQL["put_schedule"]),
    "schedule_lane": (_SQL["read_schedule_lane"], _SQL["put_schedule_lane"]),
    "occurrence": (_SQL["read_occurrence"], _SQL["put_occurrence"]),
    "subject": (_SQL["read_subject"], _SQL["put_subject"]),
    "event": (_SQL["read_event"], _SQL["put_event"]),
    "watch": (_SQL["read_watch"], _SQL["put_watch"]),
    "firing": (_SQL["read_firing"], _SQL["put_firing"]),
    "local_conversation": (_SQL["read_local_conversation"], _SQL["put_local_conversation"]),
    "local_activity": (_SQL["read_local_activity"], _SQL["put_local_activity"]),
    "state": (_SQL["read_state"], _SQL["put_state"]),
    "sequence": (_SQL["read_sequence"], _SQL["put_sequence"]),
    "counter": (_SQL["read_counter"], _SQL["put_counter"]),
}


async def read(
    db: StreamingSession,
    begin: Callable[[Mapping[str, int]], None],
    take: Callable[[RecordKind, Sequence[Sequence[Any]]], None],
    *,
    with_state: bool,
) -> None:
    """Hand over every record; see the port."""
    await db.all(_SQL["no_hurry"])
    kinds = [kind for kind in RECORD_KINDS if with_state or kind.name != STATE]
    counts = {row["kind"]: row["many"] for row in await db.all(_SQL["counts"])}
    begin({kind.name: counts[kind.name] for kind in kinds})
    for kind in kinds:
        statement, _ = _STATEMENTS[kind.name]
        places = [kind.columns.index(each) for each in kind.booleans]
        async for found in db.stream(statement, size=_PORTION):
            take(
                kind, [_values(row, places) for row in found] if places else list(map(tuple, found))
            )


def _values(row: Any, booleans: Sequence[int]) -> list[Any]:
    values = list(row)
    for place in booleans:
        values[place] = bool(values[place])
    return values


# -- import ----------------------------------------------------------------------------------


async def unfinished(db: Session) -> Unfinished | None:
    """The import that has not ended, if there is one."""
    row = await db.first(_SQL["unfinished"])
    return None if row is None else Unfinished(row["id"], row["done"], bool(row["verified"]))


async def begin(db: Session, export_id: str, now: int) -> Unfinished:
    """See the port."""
    begun = await unfinished(db)
    if begun is None and not await db.value(_SQL["filled"]):
        await db.run(_SQL["begin"], (export_id, now))
        return Unfinished(export_id, 0, verified=False)
    if begun is None:
        raise DatabaseNotEmpty(
            "There is something in this database already: import into one of its own, with "
            "--database-url."
        )
    if begun.id != export_id:
        raise DatabaseNotEmpty(
            "Another import into this database has not finished: go on with the file it began "
            "with, or import into a database of its own."
        )
    return begun


async def take_in(
    db: Session, export_id: str, kind: RecordKind, records: Sequence[str], before: int
) -> None:
    """See the port."""
    reached = {"id": export_id, "before": before, "done": before + len(records)}
    if not await db.run(_SQL["come_to"], reached):
        raise Conflict("Another process imports into this database as well: end one of the two.")
    _, statement = _STATEMENTS[kind.name]
    await db.run(statement, {"records": f"[{','.join(records)}]"})


async def verify(db: Session, export_id: str) -> None:
    await db.run(_SQL["verify"], (export_id,))


async def end(db: Session, export_id: str, now: int, limit: int) -> bool:
    """See the port."""
    # Nobody delivers here yet, so nothing is this owner's.
    if await delivery.reap(db, "import", now, limit):
        return False
    await db.run(_SQL["end"], (export_id,))
    return True

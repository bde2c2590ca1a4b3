"""Between rows and values: times, JSON and whole records."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from recado.domain.delivery import Attempt, Delivery, Evidence, Outcome, State
from recado.domain.job import Job, JobScope
from recado.domain.reference import ConversationKey, Health, Member, Reference

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def micros(instant: datetime) -> int:
    """An instant as the tables write it."""
    return (instant - _EPOCH) // _MICROSECOND


def instant(value: int) -> datetime:
    """What the tables write as an instant."""
    return _EPOCH + timedelta(microseconds=value)


def maybe_micros(value: datetime | None) -> int | None:
    return None if value is None else micros(value)


def maybe_instant(value: int | None) -> datetime | None:
    return None if value is None else instant(value)


#: ``json.dumps`` makes an encoder for every call that does not use its defaults.
_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def dumps(value: Any) -> str:
    written = _compact(value)
    # Half a surrogate pair can come in as JSON, but the database takes it escaped only.
    return written if _sound(written) else json.dumps(value, separators=(",", ":"))


def clean(text: str | None) -> str | None:
    """Text from outside as the database takes it: half a surrogate pair becomes ``?``."""
    if text is None or _sound(text):
        return text
    return text.encode(errors="replace").decode()


def _sound(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def maybe_dumps(value: Any) -> str | None:
    return None if value is None else dumps(value)


def maybe_loads(text: str | None) -> Any:
    return None if text is None else json.loads(text)


def member(row: sqlite3.Row) -> Member:
    return Member(
        user_id=row["user_id"],
        name=row["name"],
        aad_object_id=row["aad_object_id"],
        email=row["email"],
        last_seen=instant(row["last_seen"]),
    )


def reference(row: sqlite3.Row, members: Iterable[sqlite3.Row]) -> Reference:
    return Reference(
        number=row["number"],
        id=row["id"],
        key=ConversationKey(
            bot=row["bot"], channel=row["channel"], conversation_id=row["conversation_id"]
        ),
        service_url=row["service_url"],
        tenant_id=row["tenant_id"],
        conversation_type=row["conversation_type"],
        is_group=bool(row["is_group"]),
        name=row["name"],
        locale=row["locale"],
        timezone=row["timezone"],
        agent=maybe_loads(row["agent"]),
        health=Health(row["health"]),
        health_reason=row["health_reason"],
        first_seen=instant(row["first_seen"]),
        last_seen=instant(row["last_seen"]),
        members=tuple(member(each) for each in members),
        raw=json.loads(row["raw"]),
    )


def evidence(row: sqlite3.Row) -> Evidence:
    headers: Mapping[str, str] = maybe_loads(row["headers"]) or {}
    return Evidence(
        status=row["status"],
        code=row["code"],
        sub_code=row["sub_code"],
        message=row["message"],
        activity_id=row["activity_id"],
        headers=headers,
    )


def attempt(row: sqlite3.Row) -> Attempt:
    return Attempt(
        number=row["number"],
        owner=row["owner"],
        started_at=instant(row["started_at"]),
        ended_at=instant(row["ended_at"]),
        outcome=Outcome(row["outcome"]),
        reason=row["reason"],
        evidence=evidence(row),
    )


def delivery(row: sqlite3.Row, last_attempt: sqlite3.Row | None) -> Delivery:
    return Delivery(
        id=row["id"],
        notification_id=row["notification_id"],
        reference_id=row["reference_id"],
        bot=row["bot"],
        state=State(row["state"]),
        reason=row["reason"],
        accepted_at=instant(row["accepted_at"]),
        attempts=row["attempts"],
        due_at=maybe_instant(row["due_at"]),
        settled_at=maybe_instant(row["settled_at"]),
        expires_at=maybe_instant(row["expires_at"]),
        user=maybe_loads(row["user"]),
        evidence=None if last_attempt is None else evidence(last_attempt),
    )


def job(row: sqlite3.Row) -> Job:
    return Job(
        scope=JobScope(bot=row["bot"], tenant=row["tenant"]),
        number=row["number"],
        reference_id=row["reference_id"],
        conversation_id=row["conversation_id"],
        user=maybe_loads(row["user"]),
        started_at=instant(row["started_at"]),
        completed_at=maybe_instant(row["completed_at"]),
        title=row["title"],
        result=maybe_loads(row["result"]),
    )

"""Between rows and values: times, JSON and whole records."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from recado.domain import text
from recado.domain.delivery import Attempt, Delivery, Evidence, Outcome, State
from recado.domain.job import Job, JobScope
from recado.domain.reference import ConversationKey, Health, Member, Reference
from recado.store.session import Row

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def micros(instant: datetime) -> int:
    """An instant as the tables write it."""
    return (instant - _EPOCH) // _MICROSECOND


def micros_of(length: timedelta) -> int:
    """A duration as the tables write it."""
    return length // _MICROSECOND


def maybe_micros_of(length: timedelta | None) -> int | None:
    return None if length is None else micros_of(length)


def maybe_length(value: int | None) -> timedelta | None:
    """What the tables write as a duration."""
    return None if value is None else timedelta(microseconds=value)


def instant(value: int) -> datetime:
    """What the tables write as an instant."""
    return _EPOCH + timedelta(microseconds=value)


def maybe_micros(value: datetime | None) -> int | None:
    return None if value is None else micros(value)


def maybe_instant(value: int | None) -> datetime | None:
    return None if value is None else instant(value)


#: JSON, and text from outside, as the tables write them.
dumps = text.json_text
clean = text.clean


def maybe_dumps(value: Any) -> str | None:
    return None if value is None else dumps(value)


def maybe_loads(written: str | None) -> Any:
    return None if written is None else json.loads(written)


def member(row: Row) -> Member:
    return Member(
        user_id=row["user_id"],
        name=row["name"],
        aad_object_id=row["aad_object_id"],
        email=row["email"],
        last_seen=instant(row["last_seen"]),
    )


def reference(row: Row, members: Iterable[Row]) -> Reference:
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
        health_since=maybe_instant(row["health_since"]),
        first_seen=instant(row["first_seen"]),
        last_seen=instant(row["last_seen"]),
        members=tuple(member(each) for each in members),
        raw=json.loads(row["raw"]),
        heard=not row["unheard"],
        unmade=bool(row["unmade"]),
        preferred=bool(row["preferred"]),
    )


def evidence(row: Row) -> Evidence:
    headers: Mapping[str, str] = maybe_loads(row["headers"]) or {}
    return Evidence(
        status=row["status"],
        code=row["code"],
        sub_code=row["sub_code"],
        message=row["message"],
        activity_id=row["activity_id"],
        headers=headers,
    )


def attempt(row: Row) -> Attempt:
    return Attempt(
        number=row["number"],
        owner=row["owner"],
        started_at=instant(row["started_at"]),
        ended_at=instant(row["ended_at"]),
        outcome=Outcome(row["outcome"]),
        reason=row["reason"],
        evidence=evidence(row),
    )


def last_attempt(row: Row) -> tuple[Attempt, ...]:
    """The attempt that delivered, when the history has it; else it has a row of its own."""
    if row["begun_at"] is None:
        return ()
    return (
        Attempt(
            number=row["attempts"],
            owner=row["owner"],
            started_at=instant(row["begun_at"]),
            ended_at=instant(row["settled_at"]),
            outcome=Outcome.DELIVERED,
            reason=None,
            evidence=Evidence(status=row["status"], activity_id=row["activity_id"]),
        ),
    )


def _last_evidence(delivered: tuple[Attempt, ...], failed: Row | None) -> Evidence | None:
    if delivered:
        return delivered[0].evidence
    return None if failed is None else evidence(failed)


def delivery(row: Row, failed: Row | None) -> Delivery:
    """A delivery; *failed* is the last attempt that has a row of its own."""
    delivered = last_attempt(row)
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
        evidence=_last_evidence(delivered, failed),
    )


def job(row: Row) -> Job:
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

"""Export and import: the records that make up a database, out of one and into another.

A record is a row of a table, by the names of its columns, which are the same in every database;
booleans are booleans. What is not moved:

- secrets, so that a file betrays nobody's tokens;
- who delivers, under which lease, and who has a turn or asks for pace at this moment: that is of
  one place. A delivery that was being sent becomes what :meth:`DeliveryStore.reap` makes of those
  of a dead process, retried or parked as its notification says, because nobody can know whether
  it arrived;
- the schema, which every program brings along.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple, Protocol


class RecordKind(NamedTuple):
    """A table.

    Attributes:
        name: that of its table, without ``recado_``.
        columns: in the order in which their values come.
        booleans: those of them that are true or false.
    """

    name: str
    columns: tuple[str, ...]
    booleans: tuple[str, ...] = ()


#: In this order: what others refer to comes first. The numbers that go on come last.
RECORD_KINDS: Final[tuple[RecordKind, ...]] = (
    RecordKind("route", ("number", "bot", "channel", "tenant", "service_url")),
    RecordKind(
        "reference",
        (
            "number",
            "id",
            "bot",
            "channel",
            "conversation_id",
            "pace_key",
            "service_url",
            "tenant_id",
            "conversation_type",
            "is_group",
            "name",
            "locale",
            "timezone",
            "agent",
            "address",
            "health",
            "health_reason",
            "first_seen",
            "last_seen",
            "raw",
            "route",
            "health_since",
            "former_url",
            "unheard",
            "unmade",
            "remade",
            "preferred",
        ),
        ("is_group", "unheard", "unmade", "remade", "preferred"),
    ),
    RecordKind(
        "member", ("reference", "user_id", "name", "aad_object_id", "email", "last_seen", "since")
    ),
    RecordKind(
        "roster",
        (
            "reference",
            "user_id",
            "name",
            "aad_object_id",
            "email",
            "principal_name",
            "tenant_id",
            "since",
            "listed_at",
        ),
    ),
    RecordKind("topic", ("number", "bot", "name", "title", "created_at")),
    RecordKind("subscription", ("number", "topic", "reference", "since")),
    RecordKind(
        "consent",
        (
            "id",
            "bot",
            "kind",
            "identity",
            "channel",
            "category",
            "said",
            "at",
            "until",
            "recorded_at",
            "how",
            "wording",
            "by_whom",
        ),
    ),
    RecordKind(
        "consent_now",
        (
            "bot",
            "identity",
            "kind",
            "channel",
            "category",
            "about",
            "said",
            "at",
            "until",
        ),
    ),
    RecordKind(
        "erased",
        (
            "salt",
            "hash",
            "category",
            "at",
        ),
    ),
    RecordKind("recipient", ("bot", "name", "zone", "quiet", "windows", "changed_at")),
    RecordKind("counted", ("bot", "name", "sent", "last_at")),
    RecordKind("roster_reading", ("reference", "began_at", "continuation", "listed")),
    RecordKind("offer", ("bot", "channel", "tenant", "service_url", "seen_at", "tried_to")),
    RecordKind("audit", ("number", "at", "kind", "bot", "reference", "detail")),
    RecordKind(
        "presence",
        (
            "reference",
            "spoke_at",
            "began_at",
            "heard_at",
            "turns",
            "dialog_since",
            "busy_since",
            "busy_until",
        ),
    ),
    RecordKind(
        "notification",
        (
            "number",
            "id",
            "bot",
            "audience",
            "content",
            "handler",
            "value",
            "value_type",
            "user",
            "priority",
            "on_unknown",
            "mode",
            "category",
            "collapse_key",
            "accepted_at",
            "due_at",
            "expires_at",
            "entry",
            "expand_after",
            "expand_until",
            "after_turn",
            "after_turn_lane",
            "action",
            "target",
            "copies_after",
            "cancelled_at",
            "cancelled_after",
            "once_key",
            "once_every",
            "otherwise",
            "expand_within",
            "expand_person",
            "expand_known",
            "quiet",
            "max_wait",
            "asked_at",
            "watch",
            "answer_handler",
            "answer_value",
            "answer_within",
            "answer_mark",
        ),
    ),
    RecordKind(
        "question",
        (
            "delivery",
            "reference",
            "notification",
            "activity_id",
            "handler",
            "value",
            "mark",
            "user_id",
            "asked_at",
            "expires_at",
            "answered_at",
            "answered_by",
        ),
    ),
    RecordKind(
        "idempotency", ("bot", "scope", "key", "fingerprint", "notification", "accepted_at")
    ),
    RecordKind("once", ("bot", "key", "reference", "accepted_at", "until")),
    RecordKind(
        "delivery",
        (
            "id",
            "notification",
            "reference",
            "state",
            "reason",
            "priority",
            "rank",
            "entry",
            "due_at",
            "expires_at",
            "attempts",
            "attempted_at",
            "tried_since",
            "head_since",
            "last_status",
            "strikes",
            "maybe_sent",
            "host_switched",
            "turn",
            "target",
            "stopped",
        ),
        ("maybe_sent", "host_switched", "stopped"),
    ),
    RecordKind("lane", ("reference", "head", "priority", "ready_at", "route", "waiting")),
    RecordKind(
        "attempt",
        (
            "delivery",
            "number",
            "owner",
            "started_at",
            "ended_at",
            "outcome",
            "reason",
            "status",
            "code",
            "sub_code",
            "message",
            "activity_id",
            "headers",
        ),
    ),
    RecordKind("send", ("delivery", "number", "activity_id")),
    RecordKind(
        "history",
        (
            "id",
            "notification",
            "reference",
            "state",
            "reason",
            "came_from",
            "priority",
            "rank",
            "expires_at",
            "attempts",
            "settled_at",
            "target",
            "activity_id",
            "status",
            "owner",
            "begun_at",
            "decided_by",
        ),
    ),
    RecordKind("copy", ("root", "delivery", "follows")),
    RecordKind("unable", ("channel", "action", "since")),
    RecordKind(
        "pause", ("kind", "bot", "channel", "tenant", "name", "reason", "since", "until", "by_whom")
    ),
    RecordKind(
        "pace",
        ("bot", "channel", "tenant", "name", "operation", "second", "many", "fifths", "last_at"),
    ),
    RecordKind("job_counter", ("bot", "tenant", "last")),
    RecordKind(
        "job",
        (
            "bot",
            "tenant",
            "number",
            "reference",
            "user",
            "title",
            "source",
            "result",
            "started_at",
            "completed_at",
        ),
    ),
    RecordKind(
        "work",
        (
            "id",
            "bot",
            "reference",
            "source",
            "name",
            "home",
            "payload",
            "user",
            "fallback",
            "state",
            "reason",
            "detail",
            "place",
            "turn",
            "owner",
            "token",
            "lease_until",
            "attempts",
            "sends",
            "progress",
            "progress_text",
            "shown",
            "replacing",
            "promised_at",
            "deadline_at",
            "ended_at",
        ),
    ),
    RecordKind(
        "schedule",
        (
            "id",
            "bot",
            "key",
            "fingerprint",
            "state",
            "reason",
            "revision",
            "audience",
            "content",
            "options",
            "user_id",
            "expires_after",
            "asked_at",
            "unless_spoken",
            "rule",
            "zone",
            "starts_at",
            "until",
            "jitter",
            "misfire",
            "late_limit",
            "title",
            "created_at",
            "reached",
            "occurrence",
            "next_at",
            "fired",
            "last_fired_at",
            "ended_at",
        ),
        ("unless_spoken",),
    ),
    RecordKind("schedule_lane", ("reference", "schedule")),
    RecordKind(
        "occurrence", ("schedule", "occurrence", "kind", "fired_at", "notification", "detail")
    ),
    RecordKind(
        "subject",
        (
            "number",
            "bot",
            "name",
            "digest",
            "newest",
            "newest_at",
            "watching",
        ),
    ),
    RecordKind(
        "event",
        (
            "number",
            "bot",
            "digest",
            "id",
            "source",
            "type",
            "subject",
            "data",
            "happened_at",
            "accepted_at",
            "previous",
            "watched_to",
            "watch_until",
        ),
    ),
    RecordKind(
        "watch",
        (
            "number",
            "id",
            "bot",
            "subject",
            "reference",
            "place",
            "person",
            "rule",
            "path",
            "audience",
            "content",
            "handler",
            "value",
            "value_type",
            "user",
            "priority",
            "on_unknown",
            "mode",
            "category",
            "quiet",
            "max_wait",
            "asked_at",
            "cooldown",
            "repeats",
            "key",
            "fingerprint",
            "created_at",
            "expires_at",
            "state",
            "ended_at",
            "baseline",
            "armed",
            "fired",
            "fired_at",
            "fired_before",
            "trouble",
            "revision",
        ),
        ("repeats", "armed"),
    ),
    RecordKind(
        "firing",
        (
            "notification",
            "watch",
            "event",
            "baseline",
            "value",
        ),
    ),
    RecordKind("local_conversation", ("id", "user")),
    RecordKind("local_activity", ("conversation", "position", "activity", "key")),
    RecordKind("state", ("bot", "key", "value", "revision", "changed_at")),
    RecordKind("sequence", ("name", "value")),
    RecordKind("counter", ("name", "value")),
)
#: What bots keep between turns; it is moved when that is asked for.
STATE: Final = "state"


class Unfinished(NamedTuple):
    """An import that has not ended.

    Attributes:
        id: that of the export.
        done: how many of its records are in the database.
        verified: whether all of them are, and are as they were exported.
    """

    id: str
    done: int
    verified: bool


class MovingStore(Protocol):
    """Out of one database and into another."""

    async def read_records(
        self,
        begin: Callable[[Mapping[str, int]], None],
        take: Callable[[RecordKind, Sequence[Sequence[Any]]], None],
        *,
        with_state: bool,
    ) -> None:
        """Hand over every record: all of one moment, in a fixed order, a portion at a time.

        Others may go on meanwhile. Both are called in whichever thread reads.

        Args:
            begin: told how many there are of each kind. It is called again if the connection was
                lost and all of it begins anew; if that cannot be, it raises.
            take: a portion of one kind.
            with_state: whether bots' own state is among them.
        """

    async def begin_import(self, export_id: str, now: datetime) -> Unfinished:
        """Begin an import, or go on with it.

        Until it ends the database can be opened for nothing else, and nothing is claimed from it.

        Raises:
            DatabaseNotEmpty: there is something else in it, or of another import.
            StoreUnavailable: a process delivers from it.
        """

    async def take_in(
        self,
        export_id: str,
        kind: RecordKind,
        records: Sequence[str],
        *,
        before: int,
        now: datetime,
    ) -> None:
        """Write records that come after *before* others.

        Args:
            export_id: of the import that was begun.
            kind: theirs.
            records: each a JSON object.
            before: how many were written before.
            now: the present instant.

        Raises:
            Conflict: another process has gone on with this import meanwhile.
            StoreError: the database refuses one of them.
        """

    async def verify_import(self, export_id: str) -> None:
        """Note that every record is there as it was exported."""

    async def end_import(self, export_id: str, now: datetime, limit: int) -> bool:
        """Take over up to *limit* deliveries that were being sent, or else end the import.

        Returns:
            Whether it has ended.
        """

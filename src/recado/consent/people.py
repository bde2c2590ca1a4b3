"""People: everything that is kept about one of them, as one document, or taken away."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from recado.clock import Clock
from recado.domain.consent import Subject, SubjectKind
from recado.errors import Conflict, InvalidAudience
from recado.store.port import Store

#: Rows that are read or written in one transaction, so that it does not hold the writer for long
#: (promise 1).
_STEP: Final = 500
#: Seconds that what is being sent to somebody is waited for, and how often it is looked at.
_PATIENCE: Final = 60.0
_LOOK_AGAIN: Final = 0.25

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
#: Columns that hold times, by how their names end.
_TIMES: Final = ("_at", "_seen", "since", "until", "_since", "at")
#: Columns that hold JSON.
_JSON: Final = frozenset(
    {
        "activity",
        "address",
        "agent",
        "answer_value",
        "audience",
        "content",
        "detail",
        "fallback",
        "headers",
        "options",
        "payload",
        "raw",
        "result",
        "rule",
        "sent",
        "turns",
        "user",
        "value",
        "windows",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """What an erasure has done.

    Attributes:
        rows: how many were removed, or had what is about the person taken out of them.
    """

    rows: int


class People:
    """Everything that is kept about one person.

    Args:
        store: keeps it.
        clock: the time.
        bot: whose it is.
    """

    def __init__(self, store: Store, clock: Clock, *, bot: str) -> None:
        self._store = store
        self._clock = clock
        self._bot = bot

    async def export(self, subject: Subject) -> dict[str, Any]:
        """Everything about somebody: their names, and rows by the tables they stand in.

        Raises:
            InvalidAudience: it is a group.
        """
        _check_person(subject)
        found: dict[str, dict[str, Any]] = {}
        names: list[dict[str, str]] = []
        after = None
        while True:
            about = await self._store.about(self._bot, subject, after=after, limit=_STEP)
            names = [{"channel": each.channel, "name": each.name} for each in about.names]
            for table, rows in about.rows.items():
                kept = found.setdefault(table, {})
                kept.update({json.dumps(shown := _shown(row)): shown for row in rows})
            after = about.after
            if after is None:
                break
        return {
            "person": {"asked_for": subject.identity.name, "known_as": names},
            "bot": self._bot,
            "exported_at": self._clock.now().isoformat(),
            "records": {table: list(rows.values()) for table, rows in found.items() if rows},
        }

    async def erase(
        self, subject: Subject, *, progress: Callable[[int], None] = lambda _rows: None
    ) -> Erasure:
        """Take everything about somebody away.

        Args:
            subject: who.
            progress: told how many rows so far.

        Raises:
            InvalidAudience: it is a group.
            Conflict: something is being sent to them for longer than can be waited for. Begin
                again: what was erased stays erased.
        """
        _check_person(subject)
        rows, after, waited = 0, None, 0.0
        while True:
            step = await self._store.erase(
                self._bot, subject, self._clock.now(), after=after, limit=_STEP
            )
            rows += step.rows
            progress(rows)
            if step.after is None:
                return Erasure(rows=rows)
            after = step.after
            if step.sending:
                if waited >= _PATIENCE:
                    raise Conflict(
                        "Something is being sent to them at this moment: begin again when that has "
                        "ended; what was erased by now stays erased."
                    )
                await self._clock.wait(asyncio.Event(), _LOOK_AGAIN)
                waited += _LOOK_AGAIN


def _check_person(subject: Subject) -> None:
    if subject.kind is not SubjectKind.PERSON:
        raise InvalidAudience(
            "That is a group, and no person: name one as user:<id, directory object id or e-mail>."
        )


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as people read it: times as times, and JSON as what it says."""
    return {column: _value(column, value) for column, value in row.items()}


def _value(column: str, value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool) and column.endswith(_TIMES):
        return (_EPOCH + timedelta(microseconds=value)).isoformat()
    if isinstance(value, str) and column in _JSON:
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value

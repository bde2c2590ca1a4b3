"""Asking for leave: a process that does not keep a scope asks the one that does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from recado.domain.pace import Operation
from recado.domain.policy import Answer
from recado.domain.scope import Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Leave to make one request, asked of whoever keeps its scope.

    Attributes:
        id: unique.
        scope: bot, channel and tenant.
        key: the pace key.
        operation: what the request does.
        group: whether its conversation is a group.
        asker: the process that is going to make it.
        asked_at: since when it waits.
        patient_until: it begins all the same then.
        until: by then it has ended, whatever has become of its process.
        granted_by: the process that gave leave.
        answer: how the request ended.
    """

    id: str
    scope: Scope
    key: str
    operation: Operation
    group: bool
    asker: str
    asked_at: datetime
    patient_until: datetime
    until: datetime
    granted_by: str | None = None
    answer: Answer | None = None

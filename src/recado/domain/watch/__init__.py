"""Watches: rules over the events of a subject, and what is said when one becomes true."""

from __future__ import annotations

from recado.domain.watch.rules import (
    AnyRule,
    Beyond,
    Changes,
    Crosses,
    Equals,
    Looked,
    Moved,
    Rule,
    Since,
    Standing,
    again,
    begin,
    look,
)
from recado.domain.watch.values import NoValueError, Value, check_path, read, shown, value_of
from recado.domain.watch.watch import NewWatch, Watch, WatchState
from recado.domain.watch.writing import FORMS, parse_rule, rule_of

__all__ = [
    "FORMS",
    "AnyRule",
    "Beyond",
    "Changes",
    "Crosses",
    "Equals",
    "Looked",
    "Moved",
    "NewWatch",
    "NoValueError",
    "Rule",
    "Since",
    "Standing",
    "Value",
    "Watch",
    "WatchState",
    "again",
    "begin",
    "check_path",
    "look",
    "parse_rule",
    "read",
    "rule_of",
    "shown",
    "value_of",
]

"""Truth: whether what a watch says is still so when it is about to be said."""

from __future__ import annotations

from typing import Any, Final

from recado.domain.politeness.stop import Suppress
from recado.domain.watch import AnyRule, NoValueError, Value, shown, value_of

#: It has recovered, or changed back, before anybody was told.
NO_LONGER_TRUE: Final = Suppress("no_longer_true")


def newest_value(rule: AnyRule, data: Any, path: str | None) -> Value | None:
    """What is known of a subject now; None if it is nothing the rule could look at."""
    try:
        value = value_of(data, path)
    except NoValueError:
        return None
    return None if rule.numeric and isinstance(value, str) else value


def untrue(rule: AnyRule, baseline: Value | None, told: Value, newest: Value | None) -> bool:
    """Whether what a watch fired with is not so any more.

    Args:
        rule: the watch's.
        baseline: what it fired from.
        told: what it saw then.
        newest: what is known now; of what cannot be looked at nothing is known, and it is said.
    """
    return newest is not None and newest != told and not rule.still(baseline, told, newest)


def sentence(rule: AnyRule, subject: str, newest: Value | None, *, ended: bool) -> str:
    """What the check found, for people."""
    now = "a value that its rule cannot look at" if newest is None else shown(newest)
    if ended:
        return (
            f"It tells that {subject!r} has come to {str(rule)!r}, and the newest value, {now}, "
            "says otherwise: it will be suppressed, and told when it becomes true again."
        )
    return f"It tells that {subject!r} has come to {str(rule)!r}; the newest value is {now}."

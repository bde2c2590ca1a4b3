"""An event as watches see it: those that are alike make the same of it, worked out once."""

from __future__ import annotations

from typing import Any, NamedTuple

from recado.domain import event as events
from recado.domain.watch import NoValueError, Standing, Value, look, parse_rule, value_of
from recado.store.session import Row
from recado.store.verbs.watches import read_value, written_value


class Seen(NamedTuple):
    """What a watch saw when it spoke.

    Attributes:
        value: what it looked at.
        baseline: what that was compared with, if with anything.
        path: where it stood.
    """

    value: Value
    baseline: Value | None
    path: str | None


class Facts(NamedTuple):
    """What it depends on what a watch makes of an event, as its row has it."""

    rule: str
    path: str | None
    baseline: str | None
    armed: bool
    #: Whether it spoke so short a time ago that it is silent.
    cooling: bool


class Made(NamedTuple):
    """What a watch makes of an event.

    Attributes:
        baseline: what the next value is compared with, as the tables write it.
        armed: whether it fires when its rule is true.
        trouble: why it could not look.
        seen: what it speaks of; None if it does not.
        same: it remembers what it remembered.
    """

    baseline: str | None
    armed: bool
    trouble: str | None
    seen: Seen | None
    same: bool


class Observation:
    """An event as watches see it.

    Args:
        row: the event's.
    """

    def __init__(self, row: Row) -> None:
        self.row = row
        self.accepted_at: int = row["accepted_at"]
        self._data = events.read(row["data"])
        self._before = row["before"]
        self._came_after: dict[str | None, Value | None] = {}
        self._made: dict[Facts, Made] = {}

    def made_by(self, facts: Facts) -> Made:
        """What a watch makes of it."""
        made = self._made.get(facts)
        if made is None:
            made = self._made[facts] = self._make(facts)
        return made

    def before(self, path: str | None) -> Value | None:
        """What stood there in the event before it."""
        if self._before is None:
            return None
        if path not in self._came_after:
            found = _value(events.read(self._before), path)
            self._came_after[path] = None if isinstance(found, NoValueError) else found
        return self._came_after[path]

    def _make(self, facts: Facts) -> Made:
        rule, value = parse_rule(facts.rule), _value(self._data, facts.path)
        if isinstance(value, NoValueError):
            trouble = f"In the last event {value}."
            return Made(facts.baseline, facts.armed, trouble, seen=None, same=True)
        if rule.numeric and isinstance(value, str):
            trouble = f"In the last event the value was {value[:50]!r}, which is no number."
            return Made(facts.baseline, facts.armed, trouble, seen=None, same=True)
        before = Standing(read_value(facts.baseline), facts.armed)
        looked = look(rule, before, value, cooling=facts.cooling)
        baseline, armed = written_value(looked.standing.baseline), looked.standing.armed
        seen = Seen(value, looked.baseline, facts.path) if looked.fires else None
        same = baseline == facts.baseline and armed is facts.armed
        return Made(baseline, armed, None, seen, same)


def _value(data: Any, path: str | None) -> Value | NoValueError:
    try:
        return value_of(data, path)
    except NoValueError as error:
        return error

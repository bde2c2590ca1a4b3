"""Rules: when a watch speaks. Facts in, a decision out; no clock, no database.

Every rule compares the newest value with what the watch remembers, its **baseline**:

- **drop** and **rise**, by a share or an amount. The baseline is the first value the watch has
  seen, which is the one known when it was made; or, if the rule says so, the value it last told
  of, or the greatest or the smallest since it watches. A share is one of the baseline's size
  without its sign: from -10 to -12 is a fall of 20 %. Nothing is a share of zero: a first or last
  value of zero is passed over for the next one that is not, and a greatest or smallest one of
  zero fires nothing.
- **below** and **above**: the value itself lies beyond a limit, which does not belong to it.
- **crosses**: it lies on the other side of a limit than before; the limit belongs to above.
- **changes**: it is another one than before.
- **equals**: it is this one; texts are compared without case and surrounding blanks.

A rule fires when it **becomes** true and not while it stays so. What is true with the first value
that is ever known of a subject has become so; what was known to be true when the watch was made
has not. Within a cool-down nothing fires; what is still true at the first observation after it
fires then.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple, Protocol

from recado.domain.watch.values import EXACT, Value, shown

_HUNDRED: Final = Decimal(100)


class Since(StrEnum):
    """What a drop or rise is measured from."""

    FIRST = "first"
    NOTIFIED = "notified"
    MAXIMUM = "maximum"
    MINIMUM = "minimum"


class Standing(NamedTuple):
    """What a watch remembers between two values.

    Attributes:
        baseline: what the next value is compared with; None if nothing is.
        armed: whether it fires when its rule is true: it was not true with the last value.
    """

    baseline: Value | None = None
    armed: bool = True


class Looked(NamedTuple):
    """What a watch makes of a value.

    Attributes:
        standing: what it remembers now.
        fires: whether it speaks.
        baseline: what the value was compared with.
    """

    standing: Standing
    fires: bool
    baseline: Value | None


class Rule(Protocol):
    """When a watch speaks; frozen, and written as people write it by ``str``."""

    @property
    def numeric(self) -> bool:
        """Whether only numbers can be looked at."""

    def follow(self, baseline: Value | None, value: Value) -> Value | None:
        """What *value* is compared with, after *baseline* was until now."""

    def holds(self, baseline: Value | None, value: Value) -> bool:
        """Whether it is true."""

    def told(self, baseline: Value | None, value: Value) -> Standing:
        """What is remembered once *value* has been told of."""

    def still(self, baseline: Value | None, told: Value, newest: Value) -> bool:
        """Whether what was said of *told* is true of *newest* as well."""


@dataclass(frozen=True, slots=True)
class Moved:
    """It has fallen, or risen, by so much.

    Attributes:
        down: whether a fall is meant.
        by: how much, more than 0.
        share: whether *by* is in per cent of the baseline.
        since: what the baseline is.
    """

    down: bool
    by: Decimal
    share: bool = False
    since: Since = Since.FIRST

    numeric = True

    def follow(self, baseline: Value | None, value: Value) -> Value | None:
        if not isinstance(baseline, Decimal):
            return value
        assert isinstance(value, Decimal)  # noqa: S101 - who calls has looked
        match self.since:
            case Since.MAXIMUM:
                return max(baseline, value)
            case Since.MINIMUM:
                return min(baseline, value)
        return value if self.share and not baseline else baseline

    def holds(self, baseline: Value | None, value: Value) -> bool:
        if not isinstance(baseline, Decimal) or not isinstance(value, Decimal):
            return False
        way = EXACT.subtract(baseline, value) if self.down else EXACT.subtract(value, baseline)
        if way <= 0:
            return False
        if not self.share:
            return way >= self.by
        if not baseline:
            return False
        return EXACT.multiply(way, _HUNDRED) >= EXACT.multiply(self.by, abs_of(baseline))

    def told(self, baseline: Value | None, value: Value) -> Standing:
        if self.since is Since.NOTIFIED:
            return Standing(value, armed=True)
        return Standing(baseline, armed=False)

    def still(self, baseline: Value | None, told: Value, newest: Value) -> bool:  # noqa: ARG002 - the protocol's
        return self.holds(baseline, newest)

    def __str__(self) -> str:
        way = "drop" if self.down else "rise"
        since = "" if self.since is Since.FIRST else f" from {self.since}"
        return f"{way} {shown(self.by)}{'%' if self.share else ''}{since}"


@dataclass(frozen=True, slots=True)
class Beyond:
    """It lies below, or above, a limit."""

    down: bool
    limit: Decimal

    numeric = True

    def follow(self, baseline: Value | None, value: Value) -> Value | None:  # noqa: ARG002 - the protocol's
        return None

    def holds(self, baseline: Value | None, value: Value) -> bool:  # noqa: ARG002 - the protocol's
        if not isinstance(value, Decimal):
            return False
        return value < self.limit if self.down else value > self.limit

    def told(self, baseline: Value | None, value: Value) -> Standing:  # noqa: ARG002 - the protocol's
        return Standing(None, armed=False)

    def still(self, baseline: Value | None, told: Value, newest: Value) -> bool:  # noqa: ARG002 - the protocol's
        return self.holds(None, newest)

    def __str__(self) -> str:
        return f"{'below' if self.down else 'above'} {shown(self.limit)}"


@dataclass(frozen=True, slots=True)
class Crosses:
    """It has come to the other side of a limit."""

    limit: Decimal

    numeric = True

    def follow(self, baseline: Value | None, value: Value) -> Value | None:
        return value if baseline is None else baseline

    def holds(self, baseline: Value | None, value: Value) -> bool:
        return baseline is not None and self._above(baseline) is not self._above(value)

    def told(self, baseline: Value | None, value: Value) -> Standing:  # noqa: ARG002 - the protocol's
        return Standing(value, armed=True)

    def still(self, baseline: Value | None, told: Value, newest: Value) -> bool:  # noqa: ARG002 - the protocol's
        return self._above(told) is self._above(newest)

    def _above(self, value: Value) -> bool:
        return isinstance(value, Decimal) and value >= self.limit

    def __str__(self) -> str:
        return f"crosses {shown(self.limit)}"


@dataclass(frozen=True, slots=True)
class Changes:
    """It is another one than before."""

    numeric = False

    def follow(self, baseline: Value | None, value: Value) -> Value | None:
        return value if baseline is None else baseline

    def holds(self, baseline: Value | None, value: Value) -> bool:
        return baseline is not None and baseline != value

    def told(self, baseline: Value | None, value: Value) -> Standing:  # noqa: ARG002 - the protocol's
        return Standing(value, armed=True)

    def still(self, baseline: Value | None, told: Value, newest: Value) -> bool:  # noqa: ARG002 - the protocol's
        return baseline != newest

    def __str__(self) -> str:
        return "changes"


@dataclass(frozen=True, slots=True)
class Equals:
    """It is this one."""

    wanted: Value

    numeric = False

    def follow(self, baseline: Value | None, value: Value) -> Value | None:  # noqa: ARG002 - the protocol's
        return None

    def holds(self, baseline: Value | None, value: Value) -> bool:  # noqa: ARG002 - the protocol's
        if isinstance(self.wanted, str) and isinstance(value, str):
            return self.wanted.strip().casefold() == value.strip().casefold()
        return self.wanted == value

    def told(self, baseline: Value | None, value: Value) -> Standing:  # noqa: ARG002 - the protocol's
        return Standing(None, armed=False)

    def still(self, baseline: Value | None, told: Value, newest: Value) -> bool:  # noqa: ARG002 - the protocol's
        return self.holds(None, newest)

    def __str__(self) -> str:
        return f"equals {shown(self.wanted)}"


AnyRule = Moved | Beyond | Crosses | Changes | Equals


def abs_of(value: Decimal) -> Decimal:
    """A number without its sign; ``abs`` would round it."""
    return value.copy_abs()


def begin(rule: Rule, known: Value | None) -> Standing:
    """What a new watch remembers.

    Args:
        rule: its.
        known: the newest value of its subject; None if nothing is known of it.
    """
    if known is None:
        return Standing()
    baseline = rule.follow(None, known)
    return Standing(baseline, armed=not rule.holds(baseline, known))


def look(rule: Rule, standing: Standing, value: Value, *, cooling: bool = False) -> Looked:
    """What a watch makes of a value.

    Args:
        rule: its.
        standing: what it remembers.
        value: the new one; a number if the rule is about numbers.
        cooling: whether it spoke so short a time ago that it is to be silent.
    """
    baseline = rule.follow(standing.baseline, value)
    if not rule.holds(baseline, value):
        return Looked(Standing(baseline, armed=True), fires=False, baseline=baseline)
    if not standing.armed or cooling:
        return Looked(Standing(baseline, standing.armed), fires=False, baseline=baseline)
    return Looked(rule.told(baseline, value), fires=True, baseline=baseline)


def again(rule: Rule, baseline: Value | None, newest: Value) -> Standing:
    """What a watch remembers when what it fired with was never said, as it was not true any more.

    Args:
        rule: its.
        baseline: what it fired from.
        newest: the value that made it untrue.
    """
    return Standing(rule.follow(baseline, newest), armed=True)

"""Faults in the order they are to happen."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypedDict

from recado.testing.calls import Asked, Operation, thread_of
from recado.testing.faults import Fault, Wire

#: As often as it comes to be.
FOR_EVER: Final = -1


class Which(TypedDict, total=False):
    """Which requests a fault happens to, as :meth:`ChannelService.fail` takes it."""

    conversation: str | None
    tenant: str | None
    operation: Operation | None
    times: int | None
    seconds: float | None
    probability: float


@dataclass(slots=True, eq=False)
class Rule:
    """One fault, and which requests it happens to.

    Attributes:
        fault: what happens.
        conversation: only in this conversation or, named by its pace key, in its threads.
        tenant: only in this tenant.
        operation: only to this.
        times: how often it still happens.
        until: not later than that.
        probability: how likely it is, each time.
    """

    fault: Fault
    conversation: str | None = None
    tenant: str | None = None
    operation: Operation | None = None
    times: int = 1
    until: datetime | None = None
    probability: float = 1.0

    def concerns(self, asked: Asked, tenant: str) -> bool:
        """Whether it is about a request."""
        if self.operation is not None and asked.operation is not self.operation:
            return False
        if self.tenant is not None and tenant != self.tenant:
            return False
        named = self.conversation
        return named is None or named in (asked.conversation, thread_of(asked.conversation or ""))


class Script:
    """What is to go wrong. Each request meets the first rule that is about it, in their order.

    Args:
        rng: decides where a fault has a probability; seeded, so that a run can be repeated.
    """

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self.rules: list[Rule] = []

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        self.rules.clear()

    def pick(
        self, asked: Asked, tenant: str, now: datetime, *, unread: bool = False
    ) -> Fault | None:
        """The fault that happens to a request; it counts as having happened.

        Args:
            asked: the request.
            tenant: where it belongs.
            now: the present instant.
            unread: whether its body has not been read yet; only that kind of fault can happen
                then, and no more afterwards.
        """
        for rule in self.rules:
            if (rule.fault.wire is Wire.CUT_UNREAD) is not unread:
                continue
            if rule.until is not None and rule.until <= now:
                continue
            if not rule.concerns(asked, tenant):
                continue
            if rule.probability < 1 and self._rng.random() >= rule.probability:
                continue
            rule.times -= 1
            if not rule.times:
                self.rules.remove(rule)
            return rule.fault
        return None

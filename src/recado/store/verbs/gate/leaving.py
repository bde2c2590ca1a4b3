"""What the checks are told of a delivery that is about to leave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from recado.domain.politeness import Rules, Stop
from recado.domain.politeness.chain import Link
from recado.store.session import Session


class Manner(NamedTuple):
    """What a notification says about how it is to be delivered, as its row has it.

    Times and durations are in microseconds.
    """

    bot: str
    mode: str
    quiet: int | None
    max_wait: int | None
    category: str | None
    accepted_at: int
    due_at: int
    #: Since when its recipient has asked for it; None if nobody has.
    asked_at: int | None
    #: The number of the watch it tells of.
    watch: int | None
    #: JSON ChannelAccount of the person it is about, if it names one.
    user: str | None


class Leaving(NamedTuple):
    """A delivery that is about to leave."""

    id: str
    #: The number of its reference.
    lane: int
    priority: int
    is_group: bool
    #: An earlier attempt may have reached the channel.
    maybe_sent: bool
    manner: Manner


class Check(Protocol):
    """One look at everything that is about to leave."""

    async def __call__(
        self, db: Session, leaving: Sequence[Leaving], rules: Rules, now: int
    ) -> Mapping[str, Stop]:
        """Those that may not leave now, by delivery id, and what becomes of each."""


class Tell(Protocol):
    """The same look at one delivery that waits, for those who ask why."""

    async def __call__(self, db: Session, waiting: Leaving, rules: Rules, now: int) -> Link | None:
        """What the check says; None if it has nothing to say of it."""

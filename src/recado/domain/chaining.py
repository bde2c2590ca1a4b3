"""The whole chain of a delivery: what holds it now, and what would hold it next.

Facts in, links out. What the checks of politeness say comes with the facts; what stands around
them (its time, its lane, pauses, the pace, earlier attempts) is added here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final, Literal, Protocol, get_args

from recado.domain.delivery import Attempt, Delivery, HeldReason, State
from recado.domain.pause import Pause, PauseKind
from recado.domain.pausing import pause_in_words
from recado.domain.politeness.chain import Link, LinkName
from recado.domain.reference import Health
from recado.domain.standing import ENQUEUED
from recado.domain.times import when

#: What a link does: it holds the delivery now, it will when what holds it now has let go, or not.
Grip = Literal["now", "next", "no"]

_ORDER: Final = {name: place for place, name in enumerate(get_args(LinkName))}

#: Which link it is that holds a delivery for a reason.
_HOLDER: Final[Mapping[str, LinkName]] = {
    HeldReason.UNREACHABLE: "reach",
    HeldReason.NO_REFERENCE: "reach",
    HeldReason.NO_HANDLER: "handler",
    HeldReason.PAUSED: "paused",
    HeldReason.WINDOW: "window",
    HeldReason.CAP: "cap",
    HeldReason.BUSY: "busy",
    HeldReason.BACKOFF: "backoff",
}
#: What a delivery that stands in its lane comes to first.
_IN_LANE: Final[tuple[LinkName, ...]] = ("lane", "paused", "breaker", "pace")

_PAUSES: Final[Mapping[PauseKind, LinkName]] = {
    PauseKind.ALL: "paused",
    PauseKind.BOT: "paused",
    PauseKind.CONVERSATION: "paused",
    PauseKind.NOTIFICATION: "paused",
    PauseKind.TENANT: "pace",
    PauseKind.PACE_KEY: "pace",
    PauseKind.CREDENTIAL: "breaker",
    PauseKind.SERVICE_URL: "breaker",
}


class Facts(Protocol):
    """What the chain is made of."""

    @property
    def delivery(self) -> Delivery:
        """As it stands."""

    @property
    def attempts(self) -> Sequence[Attempt]:
        """Its attempts that have ended, in order."""

    @property
    def ahead(self) -> int | None:
        """How many deliveries stand before it in its lane; None outside the lane."""

    @property
    def health(self) -> Health:
        """Whether its conversation can be spoken in."""

    @property
    def handler(self) -> str | None:
        """The handler of a turn delivery; None for a plain one."""

    @property
    def pauses(self) -> Sequence[Pause]:
        """What pauses it; those that are over may be among them."""

    @property
    def said(self) -> Sequence[Link]:
        """What the checks of politeness say of it."""


def chain_of(
    facts: Facts, now: datetime, forecast: datetime | None = None
) -> list[tuple[Grip, Link]]:
    """Everything that may keep a delivery from leaving, in order, and what each does.

    Nothing for one that has ended, is being sent or waits for a person.

    Args:
        facts: the delivery and what is known of it.
        now: the present instant.
        forecast: when its notification will have left at the channel's pace, if that is known.
    """
    state = facts.delivery.state
    if state.final or state in (State.SENDING, State.UNKNOWN):
        return []
    found = [*_around(facts, now, forecast), *facts.said]
    holder = _holder(facts, found)
    if holder is not None and not any(link.holds and link.name == holder for link in found):
        found = [link for link in found if link.name != holder]
        found.append(_by_its_state(holder, facts.delivery))
    found.sort(key=lambda link: _ORDER[link.name])
    if holder is None:
        holder = next((link.name for link in _as_met(found) if link.holds), None)
    return [_gripped(link, holder, facts.delivery) for link in found]


def _gripped(link: Link, holder: LinkName | None, delivery: Delivery) -> tuple[Grip, Link]:
    """What a link does, with its times as they are for this delivery."""
    if not link.holds:
        return "no", link
    since = None if link.since is None else max(link.since, delivery.accepted_at)
    link = replace(link, since=since)
    if link.name != holder:
        return "next", link
    if delivery.state in (State.HELD, State.RETRYING) and delivery.due_at is not None:
        link = replace(link, until=delivery.due_at)
    return "now", link


def _holder(facts: Facts, found: Sequence[Link]) -> LinkName | None:
    """The link that holds it, as its state tells; None if it stands in its lane."""
    delivery = facts.delivery
    match delivery.state:
        case State.SCHEDULED:
            return "due"
        case State.RETRYING:
            return "backoff"
        case State.HELD:
            holder = _HOLDER.get(delivery.reason or "")
            # Silence that somebody asked for is a window of their own.
            if holder == "window" and any(link.name == "consent" and link.holds for link in found):
                return "consent"
            return holder
    return None


def _as_met(found: Sequence[Link]) -> Iterator[Link]:
    """The links in the order in which one that stands in its lane comes to them."""
    yield from (link for name in _IN_LANE for link in found if link.name == name)
    yield from (link for link in found if link.name not in _IN_LANE)


def _by_its_state(holder: LinkName, delivery: Delivery) -> Link:
    """What was found when it was held, and has not been looked at since."""
    said = "It was held for this when its turn had come, and is looked at again"
    at = " when that ends" if delivery.due_at is None else " at its time"
    return Link(name=holder, holds=True, said=f"{said}{at}.", until=delivery.due_at)


# -- what stands around politeness -----------------------------------------------------------


def _around(facts: Facts, now: datetime, forecast: datetime | None) -> Iterator[Link]:
    delivery = facts.delivery
    if delivery.state is State.SCHEDULED:
        yield _due(delivery)
    for pause in facts.pauses:
        if pause.active(now):
            yield Link(
                name=_PAUSES[pause.kind],
                holds=True,
                said=pause_in_words(pause, now),
                since=pause.since,
                until=pause.until,
            )
    yield _reach(facts)
    if delivery.reason == HeldReason.NO_HANDLER:
        said = f"No process that delivers has a handler named {facts.handler!r}."
        yield Link(name="handler", holds=True, said=said)
    if facts.ahead is not None:
        yield _lane(facts.ahead)
    if delivery.state is State.RETRYING or delivery.reason == HeldReason.BACKOFF:
        yield _backoff(facts)
    if forecast is not None and forecast > now:
        said = f"At its channel's pace all of its notification has left {when(forecast, now)}."
        yield Link(name="pace", holds=False, said=said, until=forecast)


def _due(delivery: Delivery) -> Link:
    said = "It is scheduled for later."
    if delivery.reason == ENQUEUED:
        said = "It was committed with a transaction of its caller's and not taken up yet."
    return Link(
        name="due", holds=True, said=said, since=delivery.accepted_at, until=delivery.due_at
    )


def _reach(facts: Facts) -> Link:
    delivery = facts.delivery
    if delivery.reason == HeldReason.NO_REFERENCE:
        said = "No conversation with its recipient is known yet."
        return Link(name="reach", holds=True, said=said, since=delivery.accepted_at)
    if facts.health.reachable:
        return Link(name="reach", holds=False, said="Its conversation can be spoken in.")
    said = f"Its conversation cannot be spoken in: it is {facts.health}."
    return Link(name="reach", holds=True, said=said)


def _lane(ahead: int) -> Link:
    if not ahead:
        return Link(name="lane", holds=False, said="It stands first in its conversation's lane.")
    many = "1 other delivery" if ahead == 1 else f"{ahead} other deliveries"
    return Link(name="lane", holds=True, said=f"It stands in its lane behind {many}.")


def _backoff(facts: Facts) -> Link:
    """It has been tried, and will be again."""
    last = facts.attempts[-1] if facts.attempts else None
    why = (None if last is None else last.reason) or facts.delivery.reason or "unknown"
    many = f"{facts.delivery.attempts} attempt{'s' if facts.delivery.attempts != 1 else ''}"
    return Link(
        name="backoff",
        holds=True,
        said=f"It is tried again after {many}; the last one ended with {why}.",
        since=None if last is None else last.ended_at,
        until=facts.delivery.due_at,
    )

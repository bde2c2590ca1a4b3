"""What the storage port takes and gives."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar

from recado.domain.asking import Ask
from recado.domain.delivery import (
    Attempt,
    Delivery,
    Evidence,
    OnUnknown,
    Outcome,
    Priority,
    State,
)
from recado.domain.making import Made
from recado.domain.notification import Action, Otherwise
from recado.domain.pause import Pause
from recado.domain.politeness import NO_RULES, Rules
from recado.domain.politeness.chain import Link
from recado.domain.reference import ConversationKey, Health
from recado.domain.schedule import Firing
from recado.domain.scope import Scope, Stamp

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Captured:
    """What capture made of a sighting."""

    #: The reference's number.
    number: int
    new: bool
    #: Deliveries that had waited for this conversation and are pending again.
    released: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """One page of a listing."""

    items: Sequence[T]
    #: Hand this back to get the next page; None on the last one.
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """What acceptance committed."""

    notification_id: str
    #: Delivery ids when the audience is one or several conversations; empty for a broadcast,
    #: which is expanded afterwards.
    delivery_ids: tuple[str, ...]
    accepted_at: datetime
    #: Whether an idempotency key was found and this is what was accepted then.
    replayed: bool = False


class Claim(NamedTuple):
    """A delivery this process may attempt now; its attempt is already committed.

    A tuple, because one is made for every attempt, and that is cheap only for tuples. Fields that
    are alike for many deliveries come last, so that they are read and put together once: what a
    notification says, and the way a route goes.
    """

    delivery_id: str
    #: The lane: the number of the reference.
    lane: int
    #: Fencing token: a settlement with an older token than the lane's is late.
    token: int
    #: The attempt's number, counted from 1.
    attempt: int
    started_at: datetime
    priority: Priority
    expires_at: datetime | None
    #: The delivery it changes or removes; None for one that says something of its own.
    target: str | None
    #: The activity it changes or removes; None if there is no id for it.
    activity_id: str | None
    conversation_id: str
    #: What the channel's windows count (protocol §4.1).
    pace_key: str
    is_group: bool
    #: JSON of from, recipient and conversation, to be merged into the content.
    address: str
    #: Its conversation has to be made before it can be sent.
    unmade: bool
    #: Its conversation was made again after the channel did not find it.
    remade: bool

    # What came before.
    #: When the first attempt began; begun anew after a wait that was no backoff.
    tried_since: datetime
    #: Since when the delivery has been at the head of its lane.
    head_since: datetime
    #: Status of the attempt before, and how many in a row ended with it.
    last_status: int | None
    strikes: int
    #: An earlier attempt may have reached the channel.
    maybe_sent: bool
    host_switched: bool

    # The notification's.
    notification_id: str
    accepted_at: datetime
    on_unknown: OnUnknown
    #: Whether it says something, or changes or removes what was said.
    action: Action
    #: What to do when that cannot be changed or removed; None for what is no change.
    otherwise: Otherwise | None
    #: JSON of the activity; None for a turn delivery.
    content: str | None
    #: Handler name of a turn delivery; None for a plain one.
    handler: str | None
    #: JSON of the handler's payload.
    value: str | None
    value_type: str | None
    #: JSON ChannelAccount of the notification's own user, if it has one.
    user: str | None
    #: It begins a thread in the conversation, which is a channel of a team.
    opens_thread: bool
    #: It asks something, and somebody hears the answer.
    asks: bool

    # The route's.
    #: Its number.
    route: int
    bot: str
    channel: str
    #: Empty when no activity has told it.
    tenant: str
    service_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """How an attempt ended, and what becomes of its delivery."""

    claim: Claim
    state: State
    reason: str | None
    ended_at: datetime
    outcome: Outcome
    evidence: Evidence
    #: When a retrying or held delivery is due again; None holds it until it is released.
    due_at: datetime | None = None
    #: The channel may have it, whatever follows.
    maybe_sent: bool = False
    #: New health of the conversation, when the answer says something about it.
    health: Health | None = None
    health_reason: str | None = None
    #: The service URL to use from now on (``InvalidBotApiHost``).
    service_url: str | None = None
    #: The attempt did not reach the channel and is not counted (no handler, breaker).
    uncounted: bool = False
    #: The conversation that was made, in which the delivery goes on or, if it is a thread, stands.
    made: Made | None = None
    #: The channel does not find the conversation any more: it is to be made again.
    make_again: bool = False
    #: What the attempt's record says, when that is not the delivery's reason (``held`` for
    #: ``backoff`` because of ``http_503``).
    because: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Paced:
    """What may be claimed of the channels whose pace several processes share."""

    #: The base channels: their deliveries are claimed by whoever keeps their scope.
    channels: Collection[str]
    #: What this process keeps.
    kept: Collection[Scope]
    #: What others keep; not asked for again before then.
    others: Mapping[Scope, datetime]
    #: Whether what others ask for is to be read.
    asks: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """How much a process can take on now.

    A route is what conversations share on their way: bot, channel, tenant and service URL.
    """

    #: Claims in all.
    limit: int = 0
    #: How many of these only urgent deliveries may take.
    for_urgent: int = 0
    #: Claims per route.
    room: Mapping[int, int] = field(default_factory=dict)
    #: Claims of each route not named.
    elsewhere: int = 1_000_000
    #: Where the round among the routes begins: after this one.
    after: int = 0
    #: The handlers this process has; None for all there are. A turn that needs another one is left
    #: to a process that delivers and has it. If none is alive it is claimed all the same.
    handlers: Collection[str] | None = None
    #: None where the pace is nobody else's business: then everything may be claimed.
    paced: Paced | None = None
    #: By what politeness holds what is about to leave.
    rules: Rules = NO_RULES


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What the channels' answers have taught since it was last written down."""

    #: Requests the channels have counted.
    stamps: Sequence[Stamp] = ()
    #: Pauses begun or changed.
    paused: Sequence[Pause] = ()
    #: Pauses ended.
    resumed: Sequence[Pause] = ()
    #: Requests of others, by the id of what they asked, whose end has been counted.
    handed_in: Sequence[str] = ()

    def __bool__(self) -> bool:
        return bool(self.stamps or self.paused or self.resumed or self.handed_in)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cycled:
    """What a cycle claimed."""

    claims: Sequence[Claim] = ()
    #: Ids of deliveries whose settlement could not be taken now and is to be handed in again.
    waiting: tuple[str, ...] = ()
    #: Routes with due deliveries that had no room or are paused.
    passed: tuple[int, ...] = ()
    #: Whether something due may be left that had room.
    more: bool = False
    #: How many turns were left to processes that have their handlers.
    left: int = 0
    #: Scopes this process has come to keep.
    taken: Collection[Scope] = ()
    #: Scopes with something to do that others were found to keep.
    others: Collection[Scope] = ()
    #: Whether something due was left to those who keep its scope.
    elsewhere: bool = False
    #: What others ask for, if that was to be read; None if not.
    asks: Sequence[Ask] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """Who keeps scopes; one that is not named is kept by nobody, and nobody delivers."""

    kept: Collection[Scope] = ()
    others: Collection[Scope] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """How many scopes are kept."""

    #: By this process.
    mine: int
    #: By all processes alive, and how many of these there are.
    all: int
    processes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """A delivery whose process died, or slept beyond its lease, before settling it."""

    delivery_id: str
    state: State


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryDetail:
    """A delivery with everything that happened to it."""

    delivery: Delivery
    conversation: ConversationKey
    attempts: tuple[Attempt, ...]
    content: str | None
    handler: str | None
    #: How many deliveries stand before it in its lane; None outside the lane.
    ahead: int | None
    health: Health
    #: Whether it says something, or changes or removes what was said.
    action: Action = Action.SEND
    #: The delivery it changes or removes; None for one that says something of its own.
    target: str | None = None
    #: What pauses it if it has not ended; those that are over may be among them.
    pauses: tuple[Pause, ...] = ()
    #: Cancelled while it was being sent, so it is not tried again.
    stopped: bool = False
    #: The person who cancelled it or marked it as delivered, if known.
    decided_by: str | None = None
    #: What the checks of politeness say of it while it waits, in order.
    said: tuple[Link, ...] = ()
    #: The occurrence of a schedule that it says; None if it says none.
    occurrence: Firing | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationDetail:
    """A notification as it was accepted, and what people did with it."""

    id: str
    bot: str
    #: In the short forms of audiences.
    audience: tuple[str, ...]
    #: JSON of the activity; None for a turn.
    content: str | None
    handler: str | None
    category: str | None
    accepted_at: datetime
    due_at: datetime
    expires_at: datetime | None
    cancelled_at: datetime | None
    #: Recipients of a broadcast without a delivery when it was cancelled.
    not_made: int
    #: What pauses it; those that are over may be among them.
    pauses: tuple[Pause, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryFilter:
    """Which deliveries are meant; None does not filter."""

    #: One state, or several.
    state: State | frozenset[State] | None = None
    notification_id: str | None = None
    reference_id: str | None = None
    reason: str | None = None
    #: Not looked at when a notification or conversation is named.
    bot: str | None = None

    @property
    def states(self) -> frozenset[State] | None:
        """The states it lets through; None for all."""
        return frozenset({self.state}) if isinstance(self.state, State) else self.state


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What waits, for health and metrics."""

    #: Live deliveries per state.
    waiting: Mapping[State, int] = field(default_factory=dict)
    #: When the longest-waiting pending or retrying delivery became due.
    oldest_due: datetime | None = None
    references: int = 0
    #: Broadcasts not yet expanded to their last recipient.
    expanding: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFacts:
    """How a database server stands towards a process."""

    version: str
    #: Whether commits return before they are on its disk, unless a client asks for more.
    hasty: bool
    #: How many more connections it takes.
    connections_left: int
    #: Whether nobody can listen in between: by TLS or, on this machine, without.
    private: bool
    #: Whether this user may make tables there.
    may_create: bool
    #: Whether the address says that a pooler stands in between, and whether one connection hears
    #: what another one rings, as none does through a pooler.
    pooler: bool
    heard: bool


class Kept(NamedTuple):
    """What a bot keeps under a key."""

    #: JSON.
    value: Any
    revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Put:
    """What a bot is to keep under a key."""

    key: str
    #: JSON.
    value: Any
    #: The revision it replaces, 0 if there must be none, None if that does not matter.
    expected: int | None = None

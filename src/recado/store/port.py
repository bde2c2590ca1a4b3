"""The storage port. Its docstrings are the specification; the contract suite holds them.

The port speaks the words of the domain. Every verb is one transaction: when its coroutine
returns, what it did is committed and survives a power cut; when it raises, nothing of it
happened. All raise :class:`~recado.errors.StoreError` when the database does not cooperate.

The port is internal: it may change whenever a feature needs it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from recado.domain.audience import Broadcast
from recado.domain.audit import AuditEntry
from recado.domain.delivery import (
    Attempt,
    Delivery,
    Evidence,
    OnUnknown,
    Outcome,
    Priority,
    State,
)
from recado.domain.health import Finding, HealthCount
from recado.domain.job import Job, JobScope
from recado.domain.making import Made, Wish
from recado.domain.notification import Action, Notification, Once, Otherwise, Progress
from recado.domain.pause import Pause
from recado.domain.plan import Place, Survey
from recado.domain.reference import ConversationKey, Health, Reference, Sighting
from recado.domain.roster import Reading, RosterMember
from recado.domain.scope import Scope, Stamp
from recado.domain.steering import Cancelled, Retried

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What the channels' answers have taught since it was last written down."""

    #: Requests the channels have counted.
    stamps: Sequence[Stamp] = ()
    #: Pauses begun or changed.
    paused: Sequence[Pause] = ()
    #: Pauses ended.
    resumed: Sequence[Pause] = ()

    def __bool__(self) -> bool:
        return bool(self.stamps or self.paused or self.resumed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cycled:
    """What a cycle claimed."""

    claims: Sequence[Claim] = ()
    #: Routes with due deliveries that had no room or are paused.
    passed: tuple[int, ...] = ()
    #: Whether something due may be left that had room.
    more: bool = False


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


class Store(Protocol):
    """Everything durable. See the module docstring for what holds for every verb."""

    # -- lifecycle ---------------------------------------------------------------------------

    async def open(self) -> None:
        """Connect, and bring the schema to this program's version.

        Raises:
            StoreTooNew: the database was written by a newer program.
            StoreUnavailable: it cannot be reached, or its directory cannot be made.
        """

    async def close(self) -> None:
        """Finish what was begun and disconnect. Closing twice is allowed."""

    async def schema_version(self) -> int:
        """The schema version of the open database."""

    async def check(self) -> None:
        """Prove that the database can be written now.

        Raises:
            StoreError: it cannot, and why.
        """

    def on_work(self, wake: Callable[[], None], later: Callable[[], None] = lambda: None) -> None:
        """Have *wake* called after commits of this process that may have made something due.

        Both are called on the event loop. Work committed by other processes is found by polling
        :meth:`changed`.

        Args:
            wake: something may be due now.
            later: there may be something to expand, or a time to come.
        """

    async def changed(self) -> bool:
        """Whether another process may have committed since the last call.

        Cheap, and true in doubt.
        """

    async def try_serve(self, owner: str) -> bool:
        """Ask to be a process that delivers.

        SQLite has one such process at a time, because only then may a predecessor's leases be
        taken over at once: its lock is the operating system's and ends with the process. On
        databases where any number of processes deliver the answer is always yes.

        Args:
            owner: this process's name in leases, unique per start.

        Raises:
            StoreError: it cannot be found out.
        """

    async def stop_serving(self) -> None:
        """Give the role up again."""

    async def served(self) -> bool:
        """Whether some process, this one included, is delivering from this database."""

    # -- references --------------------------------------------------------------------------

    async def capture(self, sightings: Sequence[Sighting]) -> list[Captured]:
        """Store what inbound activities tell about their conversations.

        A reference is made for a new key. A known one is refreshed: fields a sighting carries
        replace what is stored unless the stored reference was seen later; fields it lacks stay.
        A sighting older than what is stored fills gaps and overwrites nothing, health included.
        Members are added or refreshed; departed ones are removed, unless they were seen later.
        ``presence`` HERE makes the conversation active and releases its deliveries held
        ``unreachable`` to the end of its lane; LEFT makes it ``uninstalled`` and ENDED ``gone``
        until somebody is HERE again, and holds what stands in its lane, but for what is being
        sent. A service URL that is new to the conversation's tenant and channel is offered to
        its others. Every change of a known conversation's health or service URL is audited.

        Returns:
            One result per sighting, in order.
        """

    def touch(self, sighting: Sighting) -> None:
        """Do what :meth:`capture` does for a known conversation, with the next commit.

        Nobody waits for it, and it is lost in a crash before that commit.
        """

    async def reference(self, reference_id: str) -> Reference | None:
        """The reference with that id, members included."""

    async def reference_by_key(self, key: ConversationKey) -> Reference | None:
        """The reference with that identity, members included."""

    async def references(  # noqa: PLR0913 - one parameter a filter
        self,
        *,
        bot: str | None = None,
        channel: str | None = None,
        tenant: str | None = None,
        health: Collection[Health] = (),
        after: str | None = None,
        limit: int = 100,
    ) -> Page[Reference]:
        """References in the order they were first seen, members included.

        Args:
            bot: whose; None or empty does not filter, here and below.
            channel: base channel.
            tenant: directory tenant.
            health: any of these.
            after: the page before's ``next``.
            limit: how many at most.

        Raises:
            InvalidInput: *after* is not from a page of this listing.
        """

    async def learn(self, reference_id: str, finding: Finding) -> None:
        """Take in what an answer said about a conversation, as :meth:`cycle` does in settling.

        What the conversation said since the question was asked is newer: then its health stays.
        An unreachable one becomes reachable, or the other way round, with its deliveries. One
        that was not found where it was asked is tried next at the service URL offered to it, if
        there is one it has not told or had itself; with that it is ``suspect`` instead of
        ``gone``, and until one of the two has proved right, attempts take turns.
        """

    async def try_offers(self, now: datetime, limit: int) -> int:
        """Have conversations that are ``gone`` tried at newer service URLs of their tenants.

        Up to *limit* are looked at. Those that are switched become ``suspect``, and what was
        held for them enters their lanes. Where the channel ended the conversation nothing is
        tried.

        Returns:
            How many were switched. When there is no newer service URL it costs one look-up.
        """

    async def health_report(self, bot: str) -> list[HealthCount]:
        """How many of *bot*'s conversations are in which health, per channel.

        With the newest reason for each.
        """

    async def audit(
        self,
        *,
        bot: str | None = None,
        reference_id: str | None = None,
        after: str | None = None,
        limit: int = 100,
    ) -> Page[AuditEntry]:
        """What has become of references, newest first: of one, of a bot's, or of all.

        Raises:
            InvalidInput: *after* is not from a page of this listing.
        """

    async def find_conversation(self, bot: str, conversation_id: str) -> Reference | None:
        """The conversation with that channel id, on whichever channel.

        The one seen last, if there are several.
        """

    async def find_references(self, bot: str, name: str) -> list[Reference]:
        """References of the conversations a person is a member of.

        Args:
            bot: whose references.
            name: channel user id, directory object id, or e-mail (compared without case).

        Returns:
            Private chats first, then by last seen, latest first.
        """

    # -- people ------------------------------------------------------------------------------

    async def wish(self, wanted: Wish) -> Reference:
        """A reference for a private conversation that is to be made, the same for each wish.

        It is ``unmade``, and not ``heard``, which keeps it out of broadcasts. What is accepted
        for it makes the conversation first (:attr:`Claim.unmade`); settled with
        :attr:`Settlement.made` it has its id, or, when that is another reference's, what waits
        in its lane goes on there. An activity from a private conversation with its person moves
        what waits to that conversation, too.
        """

    async def thread(self, channel: Reference, conversation_id: str) -> Reference:
        """The reference of a thread, or of its channel, derived from one known of that channel.

        A new one is not ``heard``.
        """

    async def find_channel(self, bot: str, channel_id: str) -> Reference | None:
        """What is known of a channel that has threads: itself, or else the thread seen last."""

    async def keep_roster(  # noqa: PLR0913 - a page, and where it stands
        self,
        reference_id: str,
        members: Sequence[RosterMember],
        *,
        began_at: datetime,
        now: datetime,
        continuation: str | None,
        listed: int,
    ) -> None:
        """Keep a page of a conversation's roster, and where to go on.

        Args:
            reference_id: the conversation; nothing is kept for one that is not known.
            members: who is on the page.
            began_at: when the reading began. After the last page those not listed since have
                left.
            now: when the page came.
            continuation: what the next page is asked with; None after the last one.
            listed: how many people have been read by now.
        """

    async def roster_reading(self, reference_id: str) -> Reading | None:
        """How far the roster of a conversation was read, if that has not come to its end."""

    async def roster(
        self, reference_id: str, *, after: str | None = None, limit: int = 500
    ) -> Page[RosterMember]:
        """Who is on the roster of a conversation, by channel user id."""

    async def find_listed(self, bot: str, name: str) -> tuple[RosterMember, Reference] | None:
        """Somebody on a roster, and the conversation whose it is; where they were listed last.

        Args:
            bot: whose rosters.
            name: channel user id, directory object id, e-mail or user principal name (the latter
                two compared without case).
        """

    # -- acceptance --------------------------------------------------------------------------

    async def accept(self, notification: Notification, lanes: Sequence[Reference]) -> Accepted:
        """Commit a notification.

        Its deliveries are made at once, one for each reference of *lanes* in order. Only when
        its audience is every conversation, *lanes* are empty: then it goes to all of its bot's
        known at this moment, and :meth:`expand` makes the deliveries. Deliveries due now are
        ``pending``, later ones ``scheduled``; to an unreachable conversation ``held``; to the
        conversation of the turn it was made in ``held``, ``busy``, until :meth:`release_turn`
        or for a minute. A collapse key supersedes the unsent deliveries with the same key in
        the same conversation, of older notifications only: a broadcast that reaches a
        conversation after a newer version did is itself superseded there. Where something was
        accepted for the same once-key less than its period before, a delivery is ``suppressed``,
        ``duplicate``.

        An update or a recall (``action``) has a ``target`` and no *lanes*. It is one row too, and
        :meth:`expand` makes its deliveries, one for each copy of its original: in the copy's
        lane, to be sent when the copy has an outcome. A copy that has not left ends instead, and
        an update is sent in its place: when the copy was due, and in its order. The first few
        copies are looked at here. Recipients that a broadcast has not been expanded to get the
        update instead of the original, or nothing after a recall. A change of a change is one of
        its original, and ends what an earlier one has not sent. A second recall is the first
        one, ``replayed``.

        Raises:
            InvalidAudience: there are no *lanes* and the audience is not every conversation.
            IdempotencyConflict: the key was used for a different request. The same request
                returns what was accepted then, ``replayed``.
            UnknownNotification: there is no *target* with that id.
            TransitionRefused: an update of what was recalled.
        """

    async def expand(self, now: datetime, limit: int) -> int:
        """Take up to *limit* steps of broadcasts and changes not fully expanded, oldest first.

        Returns:
            How many recipients and copies were looked at; 0 when nothing is left to expand.
        """

    # -- delivery ----------------------------------------------------------------------------

    async def promote(self, now: datetime, limit: int) -> int:
        """Let ``scheduled`` and ``held`` deliveries that have become due enter their lanes.

        They enter at the end, in the order they became due; those for an unreachable
        conversation are held for its return instead. Deliveries past their expiry become
        ``expired``, wherever they wait. Held ones without a due time stay.

        Returns:
            How many were moved.
        """

    async def next_due(self) -> datetime | None:
        """When the next scheduled, held or retrying delivery becomes due, or one expires.

        What is pending is due already and not meant.
        """

    async def cycle(  # noqa: PLR0913 - everything one commit does
        self,
        settlements: Sequence[Settlement],
        *,
        owner: str,
        now: datetime,
        lease_until: datetime,
        wanted: Wanted,
        observed: Observed,
    ) -> Cycled:
        """Settle attempts that ended, note what was observed, then claim due lanes, in one commit.

        Settling: the attempt is recorded; the delivery moves to its state (final ones to
        history); the lane is free for the next. What was delivered makes its conversation
        active unless that was seen since the attempt began; what would be retried in one that
        has become unreachable is held. A settlement is late when its lane has been given back
        or taken over since: its attempt is recorded in place of what :meth:`reap` supposed,
        and if the channel took the delivery and the delivery has not ended it becomes
        ``delivered``, else it changes nothing. Settling twice does what settling once does.

        Claiming: lanes whose head is due and that nobody holds, as many as *wanted* says. By
        priority; then every route gets an equal share of what can be claimed, so that one
        tenant's broadcast does not keep others waiting; in a route the longest due first. Routes
        that are paused are passed over. A lane's priority is that of the most urgent delivery in
        it. Each claim commits its attempt (``sending``) before it is returned. A delivery past
        its expiry becomes ``expired`` instead. A change waits for its copy: it is put behind
        one that may be on its way, takes the place of one that has not left after all, and ends
        with one that has not arrived, or when there is a newer change. The head is the retrying
        delivery if there is one, then urgent ones, then by entry. Pending deliveries are due
        whatever the clock says.
        """

    async def hand_back(
        self, claims: Sequence[Claim], *, until: Mapping[str, datetime] | None = None
    ) -> None:
        """Return claims whose request was never begun; the attempt is not counted.

        Late ones, as in :meth:`cycle`, are left alone.

        Args:
            claims: what is returned.
            until: by delivery id, when its lane is to be claimed again; at once where not named.
        """

    async def stamps(self, keys: Sequence[tuple[Scope, str]], since: datetime) -> list[Stamp]:
        """Requests counted for scopes and pace keys (``""``: the whole scope) later than *since*.

        To the second, and never earlier than they were.
        """

    async def forget_pace(self, *, stamps_before: datetime, now: datetime, limit: int) -> int:
        """Drop pauses that are over, and up to *limit* counts of requests from before a time.

        Returns:
            How many counts were dropped.
        """

    async def pause(self, pause: Pause) -> None:
        """Stop something. A pause of the same is replaced.

        Nothing that waits is touched until its turn comes. While its conversation is paused a
        lane stays as it is, and nothing leaves it, however urgent. A delivery of a paused
        notification is held ``paused`` when its turn has come, and those behind it go on; a
        paused broadcast is not expanded further.
        """

    async def resume(self, pause: Pause, now: datetime) -> bool:
        """End a pause; False if there was none.

        Lanes put off for it are due again. What is held for a notification goes back with
        :meth:`promote`, each to the place in its lane it had.
        """

    async def pauses(self, now: datetime) -> list[Pause]:
        """Every pause that lasts, the longest-lasting first."""

    async def renew(self, claims: Sequence[Claim], lease_until: datetime) -> None:
        """Extend the leases of *claims*; late ones, as in :meth:`cycle`, are left alone.

        Of *claims* only, not of whatever the caller holds: a claim whose commit was done and
        whose answer was lost has to run out.
        """

    async def hasten(self, now: datetime, *, latest: datetime) -> None:
        """Make retrying heads due that would be due after *latest* only.

        No retry is that far ahead: a clock said so that has since been set back.
        """

    async def reap(self, owner: str, now: datetime, limit: int) -> list[Lost]:
        """Take over lanes whose lease has run out or whose process is known to be dead.

        The attempt under way is recorded with outcome ``unknown``, reason ``lost``; then the
        delivery is retried or parked as its notification says, or held if its conversation has
        become unreachable.
        """

    async def release_handlers(self, handlers: Sequence[str], limit: int = 500) -> int:
        """Let up to *limit* deliveries held ``no_handler`` for *handlers* enter their lanes.

        Those for an unreachable conversation are held for its return; so for
        :meth:`release_turn`.
        """

    async def release_turn(self, turn: str) -> int:
        """Let deliveries that waited for the end of *turn* enter their lanes."""

    async def learn_unable(self, channel: str, action: Action, now: datetime) -> None:
        """Keep that a channel has answered that it does not support *action*."""

    async def unable(self, since: datetime) -> Mapping[tuple[str, Action], datetime]:
        """What channels have answered later than *since* that they do not support, and when."""

    async def record_send(self, delivery_id: str, number: int, activity_id: str | None) -> None:
        """Record that a turn delivery's send *number* was taken by the channel."""

    async def recorded_sends(self, delivery_id: str) -> dict[int, str | None]:
        """Activity ids of a turn delivery's sends that were taken, by number."""

    # -- looking and steering ----------------------------------------------------------------

    async def progress(self, notification_id: str, *, exact: bool = False) -> Progress | None:
        """How far a notification has come.

        Args:
            notification_id: which.
            exact: count anew, even where that takes long; else the answer may be some seconds
                old.
        """

    async def settled(self, notification_id: str) -> bool | None:
        """Whether nothing more happens to a notification by itself; None if there is none.

        Cheap, however many deliveries it has.
        """

    async def notification(self, notification_id: str) -> NotificationDetail | None:
        """A notification as it was accepted, and what people did with it."""

    async def remaining(self, notification_id: str) -> Mapping[Place, int]:
        """Deliveries of a notification that are due or not made yet, by where they go.

        Where counting takes long, the answer may be a few seconds old.
        """

    async def survey(
        self, bot: str, audience: Broadcast, now: datetime, wanted: Once | None = None
    ) -> Survey:
        """Whom a broadcast accepted now would come to.

        Args:
            bot: whose.
            audience: for whom.
            now: the present instant.
            wanted: what is not to be said again, to count where it would be.

        Raises:
            UnknownRecipient: the audience names a conversation that is not known.
        """

    async def duplicates(
        self, bot: str, wanted: Once, now: datetime, numbers: Sequence[int] | None = None
    ) -> int:
        """In how many conversations something said now for a key would be suppressed.

        Args:
            bot: whose.
            wanted: the key and its period.
            now: the present instant.
            numbers: of these references only; None for all.
        """

    async def delivery(self, delivery_id: str) -> DeliveryDetail | None:
        """A delivery, live or in history, with its attempts."""

    async def deliveries(
        self, wanted: DeliveryFilter, *, after: str | None = None, limit: int = 100
    ) -> Page[Delivery]:
        """Deliveries, live and in history, newest first."""

    async def find(
        self, wanted: DeliveryFilter, *, after: str | None = None, limit: int = 500
    ) -> list[str]:
        """Ids of deliveries that can be steered, oldest first: the live, and the rejected.

        Args:
            wanted: which.
            after: the id to go on after.
            limit: how many at most; fewer means that there are no more.
        """

    async def retry(self, delivery_id: str, now: datetime) -> None:
        """Let a ``rejected``, ``unknown``, ``held`` or ``retrying`` delivery enter its lane now.

        Whoever asks knows better: it is tried even in an unreachable conversation.

        Raises:
            UnknownDelivery: there is none with that id.
            TransitionRefused: it is in another state.
        """

    async def retry_many(self, ids: Sequence[str], now: datetime) -> Retried:
        """Do what :meth:`retry` does for those of *ids* that can be retried, in this order.

        Args:
            ids: at most 500.
            now: the present instant.
        """

    async def cancel(self, delivery_id: str, now: datetime, by: str | None = None) -> None:
        """End a delivery that has not left.

        Args:
            delivery_id: which.
            now: the present instant.
            by: who decides it, if known.

        Raises:
            UnknownDelivery: there is none with that id.
            TransitionRefused: it has left, is being sent, or has ended.
        """

    async def cancel_many(
        self, ids: Sequence[str], now: datetime, by: str | None = None
    ) -> Cancelled:
        """End those of *ids* that have not left.

        What may have arrived becomes ``unknown``. What is being sent goes on, and is not tried
        again: what would be retried then ends.

        Args:
            ids: at most 500.
            now: the present instant.
            by: who decides it, if known.
        """

    async def end_expansion(self, notification_id: str, now: datetime) -> None:
        """Cancel a notification as far as its deliveries have not been made: none are made more.

        Raises:
            UnknownNotification: there is none with that id.
        """

    async def notification_of_key(self, bot: str, scope: str, key: str) -> str | None:
        """Id of the notification that was accepted under an idempotency key."""

    async def mark_delivered(self, delivery_id: str, now: datetime, by: str | None = None) -> None:
        """Settle a delivery that is ``unknown``: a person has seen that it arrived.

        Args:
            delivery_id: which.
            now: the present instant.
            by: who has seen it, if known.

        Raises:
            UnknownDelivery: there is none with that id.
            TransitionRefused: it is in another state.
        """

    async def backlog(self) -> Backlog:
        """What waits.

        Where counting takes long, the answer may be a few seconds old.
        """

    # -- jobs --------------------------------------------------------------------------------

    async def start_job(  # noqa: PLR0913 - one job's worth of facts
        self,
        scope: JobScope,
        reference: Reference,
        *,
        user: Mapping[str, Any] | None,
        now: datetime,
        title: str | None = None,
        source: str | None = None,
    ) -> Job:
        """Add a job to the log under the scope's next number.

        Args:
            source: what caused it (an inbound activity's id). The same source in the same
                conversation gets the job it got before, whatever the scope.
        """

    async def job(self, scope: JobScope, number: int) -> Job | None:
        """The job with that number."""

    async def jobs(
        self, scope: JobScope | None, *, after: str | None = None, limit: int = 100
    ) -> Page[Job]:
        """The job log, in the order of numbers; None lists every scope.

        Raises:
            InvalidInput: *after* is not from a page of this listing.
        """

    async def complete_job(
        self,
        scope: JobScope,
        number: int,
        *,
        result: Any,
        notification: Notification,
        now: datetime,
    ) -> Accepted:
        """Complete a job and accept its notification in its conversation, in one commit.

        Raises:
            UnknownJob: the log has no such number.
            JobAlreadyComplete: it was completed before; nothing is accepted.
        """

    # -- odds and ends -----------------------------------------------------------------------

    async def secret(self, name: str) -> str:
        """A random secret that is made on first use and kept: 32 bytes, as hexadecimal."""

    # -- the local channel's history ---------------------------------------------------------

    async def local_start(self, conversation_id: str, user: Mapping[str, Any] | None) -> bool:
        """Note a local conversation and the person in it; the first person known stays.

        Returns:
            Whether it is new.
        """

    async def local_user(self, conversation_id: str) -> tuple[bool, Mapping[str, Any] | None]:
        """Whether a local conversation exists, and the person in it if known."""

    async def local_append(
        self, conversation_id: str, activity: Mapping[str, Any], *, key: str | None = None
    ) -> tuple[int, bool]:
        """Append an activity to a local conversation's history.

        Args:
            key: with the same key in the same conversation nothing is appended again.

        Returns:
            The activity's position, counted from 1, and whether it was appended now.
        """

    async def local_replace(
        self, conversation_id: str, position: int, activity: Mapping[str, Any] | None
    ) -> bool:
        """Replace the activity at *position*, or with None remove it; False if there is none.

        Positions of removed activities are not used again.
        """

    async def local_history(
        self, conversation_id: str, *, after: int, limit: int = 500
    ) -> list[tuple[int, Mapping[str, Any]]]:
        """Positions and activities later than *after*, in order."""

"""The storage port. Its docstrings are the specification; the contract suite holds them.

The port speaks the words of the domain. Every verb is one transaction: when its coroutine
returns, what it did is committed and survives a power cut; when it raises, nothing of it
happened. All raise :class:`~recado.errors.StoreError` when the database does not cooperate.

The port is internal: it may change whenever a feature needs it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

from recado.domain.delivery import (
    Attempt,
    Delivery,
    Evidence,
    OnUnknown,
    Outcome,
    State,
)
from recado.domain.job import Job, JobScope
from recado.domain.notification import Notification, Progress
from recado.domain.reference import ConversationKey, Health, Reference, Sighting

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A delivery this process may attempt now; its attempt is already committed."""

    delivery_id: str
    notification_id: str
    #: The lane: the number of the reference.
    lane: int
    #: Fencing token: a settlement with an older token than the lane's is late.
    token: int
    #: The attempt's number, counted from 1.
    attempt: int
    started_at: datetime
    accepted_at: datetime
    #: When the first attempt began; begun anew after a wait that was no backoff.
    tried_since: datetime
    #: Since when the delivery has been at the head of its lane.
    head_since: datetime
    expires_at: datetime | None
    on_unknown: OnUnknown
    #: Status of the attempt before, and how many in a row ended with it.
    last_status: int | None
    strikes: int
    #: An earlier attempt may have reached the channel.
    maybe_sent: bool
    bot: str
    channel: str
    conversation_id: str
    service_url: str
    host_switched: bool
    #: JSON of from, recipient and conversation, to be merged into the content.
    address: str
    #: JSON of the activity; None for a turn delivery.
    content: str | None
    #: Handler name of a turn delivery; None for a plain one.
    handler: str | None
    #: JSON of the handler's payload.
    value: str | None
    value_type: str | None
    #: JSON ChannelAccount of the notification's own user, if it has one.
    user: str | None


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
    #: What the attempt's record says, when that is not the delivery's reason (``held`` for
    #: ``backoff`` because of ``http_503``).
    because: str | None = None


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


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryFilter:
    """Which deliveries to list; None does not filter."""

    state: State | None = None
    notification_id: str | None = None
    reference_id: str | None = None


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

    def on_work(self, wake: Callable[[], None]) -> None:
        """Have *wake* called after commits of this process that may have made something due.

        It is called on the event loop. Work committed by other processes is found by polling
        :meth:`changed`.
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
        ``unreachable`` to the end of its lane; LEFT makes it ``uninstalled`` and holds what
        stands in its lane, but for what is being sent.

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

    async def references(
        self, *, bot: str | None = None, after: str | None = None, limit: int = 100
    ) -> Page[Reference]:
        """References in the order they were first seen, members included.

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
        conversation after a newer version did is itself superseded there.

        Raises:
            InvalidAudience: there are no *lanes* and the audience is not every conversation.
            IdempotencyConflict: the key was used for a different request. The same request
                returns what was accepted then, ``replayed``.
        """

    async def expand(self, now: datetime, limit: int) -> int:
        """Make up to *limit* deliveries of broadcasts not fully expanded, oldest first.

        Returns:
            How many deliveries were made; 0 when no broadcast is left.
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

    async def cycle(
        self,
        settlements: Sequence[Settlement],
        *,
        owner: str,
        now: datetime,
        lease_until: datetime,
        limit: int,
    ) -> list[Claim]:
        """Settle attempts that ended, then claim up to *limit* due lanes, in one commit.

        Settling: the attempt is recorded; the delivery moves to its state (final ones to
        history); the lane is free for the next. What was delivered makes its conversation
        active unless that was seen since the attempt began; what would be retried in one that
        has become unreachable is held. A settlement is late when its lane has been given back
        or taken over since: its attempt is recorded in place of what :meth:`reap` supposed,
        and if the channel took the delivery and the delivery has not ended it becomes
        ``delivered``, else it changes nothing. Settling twice does what settling once does.

        Claiming: lanes whose head is due and that nobody holds, by priority, then longest due.
        A lane's priority is that of the most urgent delivery in it. Each claim commits its
        attempt (``sending``) before it is returned. A delivery past its expiry becomes
        ``expired`` instead. The head is the retrying delivery if there is one, then urgent
        ones, then by entry. Pending deliveries are due whatever the clock says; fewer claims
        than *limit* mean that nothing else was due.
        """

    async def hand_back(self, claims: Sequence[Claim]) -> None:
        """Return claims whose request was never begun; the attempt is not counted.

        Late ones, as in :meth:`cycle`, are left alone.
        """

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

    async def release_handlers(self, handlers: Sequence[str]) -> int:
        """Let deliveries held ``no_handler`` for one of *handlers* enter their lanes.

        Those for an unreachable conversation are held for its return; so for
        :meth:`release_turn`.
        """

    async def release_turn(self, turn: str) -> int:
        """Let deliveries that waited for the end of *turn* enter their lanes."""

    async def record_send(self, delivery_id: str, number: int, activity_id: str | None) -> None:
        """Record that a turn delivery's send *number* was taken by the channel."""

    async def recorded_sends(self, delivery_id: str) -> dict[int, str | None]:
        """Activity ids of a turn delivery's sends that were taken, by number."""

    # -- looking and steering ----------------------------------------------------------------

    async def progress(self, notification_id: str) -> Progress | None:
        """How far a notification has come."""

    async def delivery(self, delivery_id: str) -> DeliveryDetail | None:
        """A delivery, live or in history, with its attempts."""

    async def deliveries(
        self, wanted: DeliveryFilter, *, after: str | None = None, limit: int = 100
    ) -> Page[Delivery]:
        """Deliveries, live and in history, newest first."""

    async def retry(self, delivery_id: str, now: datetime) -> None:
        """Let a ``rejected``, ``unknown``, ``held`` or ``retrying`` delivery enter its lane now.

        Whoever asks knows better: it is tried even in an unreachable conversation.

        Raises:
            UnknownDelivery: there is none with that id.
            TransitionRefused: it is in another state.
        """

    async def cancel(self, delivery_id: str, now: datetime) -> None:
        """End a delivery that has not left.

        Raises:
            UnknownDelivery: there is none with that id.
            TransitionRefused: it has left, is being sent, or has ended.
        """

    async def backlog(self) -> Backlog:
        """What waits."""

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

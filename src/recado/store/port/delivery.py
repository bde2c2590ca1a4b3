"""What is due, attempts, pauses and pace."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from recado.domain.notification import Action
from recado.domain.pause import Pause
from recado.domain.scope import Scope, Stamp
from recado.store.port.values import (
    Claim,
    Cycled,
    Lost,
    Observed,
    Settlement,
    Wanted,
)


class DeliveryStore(Protocol):
    """What is due, attempts, pauses and pace."""

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
        ``delivered``, else it changes nothing. Settling twice does what settling once does. One
        whose conversation another transaction holds is left out and named in ``waiting``, so
        that the others do not wait for it.

        Claiming: lanes whose head is due and that nobody holds, as many as *wanted* says. By
        priority; then every route gets an equal share of what can be claimed, so that one
        tenant's broadcast does not keep others waiting; in a route the longest due first. Routes
        that are paused are passed over. A lane's priority is that of the most urgent delivery in
        it. Each claim commits its attempt (``sending``) before it is returned. A delivery past
        its expiry becomes ``expired`` instead. A change waits for its copy: it is put behind
        one that may be on its way, takes the place of one that has not left after all, and ends
        with one that has not arrived, or when there is a newer change. The head is the retrying
        delivery if there is one, then urgent ones, then by entry. Pending deliveries are due
        whatever the clock says. A turn whose handler this process has not got is left to one that
        delivers and has it, and its place in its lane stays its own; without such a process it is
        claimed, to be held.
        """

    async def hand_back(
        self, claims: Sequence[Claim], *, until: Mapping[str, datetime] | None = None
    ) -> Sequence[Claim]:
        """Return claims whose request was never begun; the attempt is not counted.

        Late ones, as in :meth:`cycle`, are left alone.

        Args:
            claims: what is returned.
            until: by delivery id, when its lane is to be claimed again; at once where not named.

        Returns:
            Those that could not be returned now, because another transaction holds their
            conversation.
        """

    async def stamps(self, keys: Sequence[tuple[Scope, str]], since: datetime) -> list[Stamp]:
        """Requests counted for scopes and pace keys (``""``: the whole scope) later than *since*.

        To the fifth of a second, and never earlier than they were.
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

    async def renew(self, claims: Sequence[Claim], lease_until: datetime) -> Collection[str]:
        """Extend the leases of *claims*; late ones, as in :meth:`cycle`, are left alone.

        Of *claims* only, not of whatever the caller holds: a claim whose commit was done and
        whose answer was lost has to run out.

        Returns:
            Ids of the deliveries whose lease was extended. One may be missing for a while because
            another transaction holds its lane, where nobody can take it over meanwhile.
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
        """Say which handlers this process has, and let what waits for them go on.

        Up to *limit* deliveries held ``no_handler`` for *handlers* enter their lanes. Those for an
        unreachable conversation are held for its return; so for :meth:`release_turn`. What was
        left to processes that have died is due for all again. Whoever delivers says it from time
        to time.

        Returns:
            How many were moved.
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

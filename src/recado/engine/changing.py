"""Changes on their way out: what a channel can do, and what its answer to a change means."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from recado.channel.port import Post
from recado.clock import Clock
from recado.domain.capabilities import BELIEVED, capabilities_of, capability_name
from recado.domain.changing import FOLLOW_UP, NOT_SUPPORTED, NOT_THERE, cannot
from recado.domain.delivery import OnUnknown, Outcome, State
from recado.domain.notification import Action, Otherwise
from recado.domain.policy import Answer
from recado.domain.reference import Health
from recado.engine.judge import Judge
from recado.errors import StoreError
from recado.store.port import Claim, Settlement, Store


class Changer:
    """Knows which channels can change what they have, and judges what they answer.

    Args:
        store: keeps what channels have answered that they cannot do.
        clock: the time.
        judge: makes the settlements.
    """

    def __init__(self, store: Store, clock: Clock, judge: Judge) -> None:
        self._store = store
        self._clock = clock
        self._judge = judge
        self._unable: dict[tuple[str, Action], datetime] = {}

    async def recall(self) -> None:
        """Take up what was learned before this process began."""
        self._unable.update(await self._store.unable(self._clock.now() - BELIEVED))

    def can(self, claim: Claim) -> bool:
        """Whether the channel may be able to do what *claim* asks for; True when unknown."""
        if claim.target is None:
            return True
        name = capability_name(claim.channel, claim.service_url)
        since = self._unable.get((name, claim.action))
        if since is not None and self._clock.now() < since + BELIEVED:
            return False
        return capabilities_of(name).can(claim.action) is not False

    async def settled(self, claim: Claim, post: Post, answer: Answer) -> Settlement:
        """What becomes of a change after the channel's answer to *post*."""
        if post.method == "POST":
            settlement = self._judge.settled(claim, answer)
            if settlement.state is State.DELIVERED:
                return replace(settlement, reason=FOLLOW_UP)
            return settlement
        # To change a message twice is as good as once, so nothing has to be parked for it.
        settlement = self._judge.settled(claim._replace(on_unknown=OnUnknown.RETRY), answer)
        if answer.status == NOT_SUPPORTED:
            await self._learn(claim)
            return self._unsupported(settlement)
        if answer.code == NOT_THERE and claim.maybe_sent:
            return _gone(settlement, removed=post.method == "DELETE")
        if settlement.health is Health.SUSPECT:
            return _doubtful(settlement, again=answer.status != claim.last_status)
        return settlement

    async def _learn(self, claim: Claim) -> None:
        name = capability_name(claim.channel, claim.service_url)
        now = self._clock.now()
        self._unable[name, claim.action] = now
        with suppress(StoreError):  # it will be learned again
            await self._store.learn_unable(name, claim.action, now)

    def _unsupported(self, settlement: Settlement) -> Settlement:
        """The channel cannot do it: a follow-up message leaves next, or it is refused."""
        reason = cannot(settlement.claim.action)
        follow_up = settlement.claim.otherwise is Otherwise.FOLLOW_UP
        return replace(
            settlement,
            state=State.PENDING if follow_up else State.REJECTED,
            reason=reason,
            due_at=None,
            maybe_sent=False,
        )


def _gone(settlement: Settlement, *, removed: bool) -> Settlement:
    """The message is not there, and an earlier attempt to change it may have arrived."""
    if removed:
        # That attempt has removed it, which is all that was wanted.
        return replace(settlement, state=State.DELIVERED, reason=None, outcome=Outcome.DELIVERED)
    return replace(settlement, state=State.REJECTED, reason=NOT_THERE, maybe_sent=False)


def _doubtful(settlement: Settlement, *, again: bool) -> Settlement:
    """A refusal without a known code says nothing about the conversation when it is a change's.

    A channel may answer so for what it does not support, or for one message. It is tried once
    more, because many such refusals pass.
    """
    settlement = replace(settlement, health=None, health_reason=None)
    if again:
        return settlement
    reason = settlement.because or settlement.reason
    return replace(settlement, state=State.REJECTED, reason=reason, due_at=None, because=None)

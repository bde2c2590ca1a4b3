"""Probing: how conversations are, found out without saying anything in them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from recado.clock import Clock
from recado.domain.audit import Teller
from recado.domain.health import Finding, misdirected
from recado.domain.policy import Answer, RetryPolicy
from recado.domain.probe import Probed, judge
from recado.domain.reference import Health, Reference
from recado.store.port import Page, Store

#: Asks a channel about a conversation in a way that nobody in it sees; the channel's answer.
Ask = Callable[[Reference], Awaitable[Answer]]


class Prober:
    """Finds out how conversations are without saying anything in them.

    Args:
        store: where references are.
        clock: the time.
        ask: asks the channel.
        policy: for how long a conversation that is not found may heal.
    """

    def __init__(
        self, store: Store, clock: Clock, ask: Ask, policy: RetryPolicy | None = None
    ) -> None:
        self._store = store
        self._clock = clock
        self._ask = ask
        self._policy = policy or RetryPolicy()

    async def probe(self, reference: Reference) -> Probed:
        """Ask about one conversation, and take in the answer.

        One that is well again gets what waited for it; one that is not found where it was is
        tried next where others of its tenant are.
        """
        asked_at = self._clock.now()
        answer = await self._ask(reference)
        answered_at = self._clock.now()
        health, reason = judge(answer, reference, answered_at, self._policy)
        finding = Finding(
            by=Teller.PROBE,
            service_url=reference.service_url,
            asked_at=asked_at,
            answered_at=answered_at,
            health=health,
            reason=reason,
            misdirected=misdirected(answer.status, answer.code, reason),
        )
        if finding.telling:
            await self._store.learn(reference.id, finding)
        now = await self._store.reference(reference.id)
        return Probed(
            reference_id=reference.id,
            before=reference.health,
            after=now.health if now is not None else reference.health,
            reason=reason,
            status=answer.status,
        )

    async def probe_suspects(
        self, bot: str, *, after: str | None = None, limit: int = 100
    ) -> Page[Probed]:
        """Ask about conversations of *bot* that are suspect, one after the other.

        The pace of their channels is that of *ask*. Following ``next`` comes to each once.

        Raises:
            InvalidInput: *after* is not from a page of this listing.
        """
        found = await self._store.references(
            bot=bot, health=(Health.SUSPECT,), after=after, limit=limit
        )
        return Page(items=[await self.probe(each) for each in found.items], next=found.next)

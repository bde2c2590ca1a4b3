"""The judge: from what came back to what becomes of a delivery.

The policy decides; the judge gathers its facts and writes its decision down as a settlement.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from recado.clock import Clock
from recado.domain.delivery import Evidence, HeldReason, Outcome, State
from recado.domain.policy import (
    Answer,
    Decision,
    Deliver,
    Facts,
    Failure,
    Hold,
    Park,
    Reject,
    Retry,
    RetryPolicy,
    decide,
)
from recado.store.port import Claim, Settlement


class Judge:
    """Makes settlements.

    Args:
        clock: the time.
        policy: how patiently to retry.
        other_host: the service URL on the other cloud's host, for ``InvalidBotApiHost``.
        rng: source of jitter.
    """

    def __init__(
        self,
        clock: Clock,
        policy: RetryPolicy,
        other_host: Callable[[str], str | None],
        rng: random.Random | None,
    ) -> None:
        self._clock = clock
        self._policy = policy
        self._other_host = other_host
        self._rng = rng or random.Random()  # noqa: S311 - jitter is no secret

    def settled(self, claim: Claim, answer: Answer) -> Settlement:
        """What becomes of a delivery after the channel's answer."""
        evidence = Evidence(
            status=answer.status,
            code=answer.code,
            sub_code=answer.sub_code,
            message=answer.message,
            activity_id=answer.activity_id,
            headers=dict(answer.headers),
        )
        if answer.ok:
            return self._written(claim, answer, evidence, Deliver())
        facts = Facts(
            answer=answer,
            attempts=claim.attempt,
            tried_since=claim.tried_since,
            head_since=claim.head_since,
            now=self._clock.now(),
            on_unknown=claim.on_unknown,
            strikes=claim.strikes + 1 if answer.status == claim.last_status else 1,
            maybe_sent=claim.maybe_sent,
            # Without another host there is nothing to switch to, which is as if it had been tried.
            host_switched=claim.host_switched or self._other_host(claim.service_url) is None,
        )
        return self._written(claim, answer, evidence, decide(facts, self._policy, self._rng))

    def rejected(self, claim: Claim, reason: str, evidence: Evidence) -> Settlement:
        """It cannot be sent; but what may have arrived before is never called rejected."""
        verdict = Park(reason) if claim.maybe_sent else Reject(reason)
        return self._written(claim, Answer(), evidence, verdict)

    def held(self, claim: Claim, reason: HeldReason) -> Settlement:
        """Nothing was tried, and the attempt does not count."""
        return Settlement(
            claim=claim,
            state=State.HELD,
            reason=str(reason),
            ended_at=self._clock.now(),
            outcome=Outcome.REJECTED,
            evidence=Evidence(),
            uncounted=True,
        )

    def broken(self, claim: Claim, told: str) -> Settlement:
        """Our own code failed, and nobody can say how far the request had come."""
        try:
            return self.settled(claim, Answer(failure=Failure.AMBIGUOUS, message=told))
        except Exception as again:  # noqa: BLE001 - it was the verdict that failed
            evidence = Evidence(message=f"{type(again).__name__}: {again}"[:500])
            answer = Answer(failure=Failure.AMBIGUOUS)
            return self._written(claim, answer, evidence, Park("no_verdict"))

    def _written(
        self, claim: Claim, answer: Answer, evidence: Evidence, decision: Decision
    ) -> Settlement:
        """A decision, as the store takes it."""
        now = self._clock.now()
        # As the policy: codes of gateways do not say what the channel got.
        gateway = answer.status in (502, 504) or (answer.status or 0) > 505
        unsure = answer.failure is Failure.AMBIGUOUS or gateway
        outcome = Outcome.UNKNOWN if unsure else Outcome.REJECTED
        match decision:
            case Deliver():
                return Settlement(
                    claim=claim,
                    state=State.DELIVERED,
                    reason=None,
                    ended_at=now,
                    outcome=Outcome.DELIVERED,
                    evidence=evidence,
                )
            case Retry(
                reason=reason, delay=delay, unknown=unknown, switch_host=switch, health=health
            ):
                return Settlement(
                    claim=claim,
                    state=State.RETRYING,
                    reason=reason,
                    ended_at=now,
                    outcome=outcome,
                    evidence=evidence,
                    due_at=now + delay,
                    maybe_sent=unknown,
                    health=health,
                    health_reason=reason if health is not None else None,
                    service_url=self._other_host(claim.service_url) if switch else None,
                )
            case Hold(reason=held, delay=pause, because=because, health=health, unknown=unknown):
                return Settlement(
                    claim=claim,
                    state=State.HELD,
                    reason=str(held),
                    ended_at=now,
                    outcome=outcome,
                    evidence=evidence,
                    due_at=None if pause is None else now + pause,
                    maybe_sent=unknown,
                    health=health,
                    health_reason=because if health is not None else None,
                    because=because,
                    # Without a token nothing was sent, minute after minute.
                    uncounted=answer.failure is Failure.NO_TOKEN,
                )
            case Reject(reason=reason):
                state = State.REJECTED
            case Park(reason=reason):
                state = State.UNKNOWN
        return Settlement(
            claim=claim,
            state=state,
            reason=reason,
            ended_at=now,
            outcome=outcome,
            evidence=evidence,
            maybe_sent=state is State.UNKNOWN,
        )

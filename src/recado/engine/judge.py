"""The judge: from what came back to what becomes of a delivery.

The policy decides; the judge gathers its facts and writes its decision down as a settlement.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from recado.clock import Clock
from recado.domain.delivery import Evidence, HeldReason, OnUnknown, Outcome, State
from recado.domain.making import MAKING_CHANNELS, never_made
from recado.domain.policy import (
    Answer,
    Decision,
    Deliver,
    Facts,
    Failure,
    Hold,
    Park,
    Reject,
    Remake,
    Retry,
    RetryPolicy,
    Wait,
    decide,
)
from recado.domain.reference import Health
from recado.engine.making import Making
from recado.store.port import Claim, Settlement

#: Why a delivery is pending again: the bot was refused, not the delivery.
BREAKER: Final = "breaker"


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
        if answer.ok:
            return self._delivered(claim, answer)
        evidence = Evidence(
            status=answer.status,
            code=answer.code,
            sub_code=answer.sub_code,
            message=answer.message,
            activity_id=answer.activity_id,
            headers=dict(answer.headers),
        )
        facts = Facts(
            answer=answer,
            attempts=claim.attempt,
            tried_since=claim.tried_since,
            head_since=claim.head_since,
            now=self._clock.now(),
            on_unknown=OnUnknown.RETRY if claim.unmade else claim.on_unknown,
            strikes=claim.strikes + 1 if answer.status == claim.last_status else 1,
            maybe_sent=claim.maybe_sent,
            # Without another host there is nothing to switch to, which is as if it had been tried.
            host_switched=claim.host_switched or self._other_host(claim.service_url) is None,
            remakable=_remakable(claim),
        )
        decision = decide(facts, self._policy, self._rng)
        if claim.unmade:
            return self._written(claim, Answer(), evidence, _nothing_said(claim, decision))
        return self._written(claim, answer, evidence, decision)

    def made(self, claim: Claim, making: Making) -> Settlement:
        """What becomes of a delivery whose conversation was asked for."""
        answer, made = making.answer, making.made
        if claim.opens_thread and not claim.unmade:
            return replace(self.settled(claim, answer), made=made if answer.ok else None)
        if made is not None:
            # It goes on in the conversation it has now: this was no attempt to say anything.
            return Settlement(
                claim=claim,
                state=State.PENDING,
                reason=None,
                ended_at=self._clock.now(),
                outcome=Outcome.REJECTED,
                evidence=Evidence(),
                uncounted=True,
                made=made,
            )
        if answer.ok:
            evidence = Evidence(status=answer.status, message=answer.message)
            decision = _nothing_said(claim, Reject("no_conversation"))
            return self._written(claim, Answer(), evidence, decision)
        return self.settled(claim, answer)

    def _delivered(self, claim: Claim, answer: Answer) -> Settlement:
        return Settlement(
            claim=claim,
            state=State.DELIVERED,
            reason=None,
            ended_at=self._clock.now(),
            outcome=Outcome.DELIVERED,
            evidence=Evidence(status=answer.status, activity_id=answer.activity_id),
        )

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

    def put_back(self, claim: Claim) -> Settlement:
        """Nothing was tried, because the lease has run out: another may be at it."""
        return Settlement(
            claim=claim,
            state=State.PENDING,
            reason=None,
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
                return self._delivered(claim, answer)
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
                )
            case Remake(because=because):
                return Settlement(
                    claim=claim,
                    state=State.RETRYING,
                    reason=because,
                    ended_at=now,
                    outcome=outcome,
                    evidence=evidence,
                    due_at=now,
                    health=Health.SUSPECT,
                    health_reason=because,
                    make_again=True,
                )
            case Wait(because=because):
                return Settlement(
                    claim=claim,
                    state=State.PENDING,
                    reason=BREAKER,
                    ended_at=now,
                    outcome=outcome,
                    evidence=evidence,
                    uncounted=True,
                    because=because,
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


def _remakable(claim: Claim) -> bool:
    """Whether a conversation can be made again that is not found: with a person, in private."""
    known = claim.channel in MAKING_CHANNELS and not claim.is_group and claim.target is None
    if not known or claim.unmade or claim.remade:
        return False
    try:
        address = json.loads(claim.address)
        recipient = address["recipient"]["id"]
    except (ValueError, LookupError, TypeError):
        return False
    # Where nobody is known the conversation itself is addressed.
    return isinstance(recipient, str) and recipient != claim.conversation_id


def _nothing_said(claim: Claim, decision: Decision) -> Decision:
    """A verdict on a conversation that was asked for: asking says nothing, and twice neither."""
    match decision:
        case Retry() | Hold():
            return replace(decision, unknown=False)
        case Reject() | Park() if not never_made(claim.conversation_id):
            # It cannot be made again, so that it was not found is believed.
            return Hold(HeldReason.UNREACHABLE, None, "not_found", health=Health.GONE)
        case Park(reason=reason) if not claim.maybe_sent:
            return Reject(reason)
    return decision

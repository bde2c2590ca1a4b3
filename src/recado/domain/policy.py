"""What to do after an attempt: facts in, a decision out. The engine carries it out.

The rows are those of docs/protocol.md §3.1, with the field evidence of §3.2: many "terminal"
errors heal.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from recado.domain.delivery import HeldReason, OnUnknown
from recado.domain.reference import Health


class Failure(StrEnum):
    """How an attempt ended when no answer arrived."""

    #: The connection could not be made, or was lost before the request was written.
    NOT_SENT = "not_sent"
    #: The request was written, at least in part; whether it arrived is unknown.
    AMBIGUOUS = "ambiguous"
    #: The service URL is one a token must not be sent to; nothing was tried.
    FORBIDDEN = "forbidden"
    #: No token could be had for the bot.
    NO_TOKEN = "no_token"  # noqa: S105 - a reason code, not a password


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back from the channel, read once from status, body and headers."""

    status: int | None = None
    activity_id: str | None = None
    code: str | None = None
    sub_code: str | None = None
    message: str | None = None
    #: Seconds the channel asked to wait.
    retry_after: float | None = None
    #: Correlation headers, kept as evidence.
    headers: tuple[tuple[str, str], ...] = ()
    failure: Failure | None = None

    @property
    def ok(self) -> bool:
        """Whether the channel took the activity: 200, 201, 202 (protocol §10) or 204."""
        return self.status is not None and 200 <= self.status < 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known about a delivery when its attempt ends."""

    answer: Answer
    #: Attempts made, this one included.
    attempts: int
    #: When its first attempt began, or the first since it last waited for something else than
    #: a retry.
    tried_since: datetime
    #: Since when the delivery has stood at the head of its lane, retries included.
    head_since: datetime
    now: datetime
    on_unknown: OnUnknown
    #: Attempts in a row that ended with this status, this one included.
    strikes: int = 1
    #: An earlier attempt may have reached the channel.
    maybe_sent: bool = False
    #: A host switch was tried before on this delivery.
    host_switched: bool = False
    #: It is a private conversation that can be made again by its person's id, and was not yet.
    remakable: bool = False


@dataclass(frozen=True, slots=True)
class Deliver:
    """The channel has it."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Try again after *delay*, staying at the head of the lane.

    Attributes:
        reason: why.
        delay: how long to wait.
        unknown: the channel may already have it.
        switch_host: use the other cloud's host from now on (``InvalidBotApiHost``).
        health: what the answer says about the conversation, if anything.
    """

    reason: str
    delay: timedelta
    unknown: bool = False
    switch_host: bool = False
    health: Health | None = None


@dataclass(frozen=True, slots=True)
class Hold:
    """Wait outside the lane: until *delay* has passed or, without one, until released.

    Attributes:
        health: what the answer says about the conversation, if anything.
        unknown: the channel may already have it.
    """

    reason: HeldReason
    delay: timedelta | None
    because: str
    health: Health | None = None
    unknown: bool = False


@dataclass(frozen=True, slots=True)
class Wait:
    """Keep its place until the breaker before the bot's credential lets it through.

    A refusal of the bot says nothing about the delivery, so this is no attempt of its own.
    """

    because: str


@dataclass(frozen=True, slots=True)
class Remake:
    """Have the private conversation made again, then try once more.

    A channel answers the id it has for the two of them: another one, if the old one is gone for
    good (protocol §2.3).
    """

    because: str


@dataclass(frozen=True, slots=True)
class Reject:
    """It will not be delivered; the reason says why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Park:
    """The channel may have it; a person decides."""

    reason: str


Decision = Deliver | Retry | Hold | Wait | Remake | Reject | Park


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How patiently deliveries are retried (docs/lifecycle.md has it as a table)."""

    #: First delay; doubled with each attempt.
    base: timedelta = timedelta(seconds=1)
    #: No computed delay is longer.
    cap: timedelta = timedelta(minutes=10)
    #: From the first attempt; after that a delivery that never succeeded is rejected.
    give_up_after: timedelta = timedelta(hours=24)
    #: How long a retrying head may keep its lane before it is held.
    keep_lane: timedelta = timedelta(seconds=60)
    #: Attempts on 500, which Microsoft says not to retry and its own sample does.
    server_error_attempts: int = 3
    #: Attempts on 404, spread over *not_found_over*: a 404 is often not terminal.
    not_found_attempts: int = 4
    not_found_over: timedelta = timedelta(hours=6)

    def backoff(self, attempts: int, rng: random.Random) -> timedelta:
        """Full jitter: anything between nothing and the doubled base, up to the cap."""
        ceiling: timedelta = min(self.cap, self.base * 2 ** min(attempts - 1, 30))
        return ceiling * float(rng.random())


_SOON = timedelta(seconds=30)
_UNREACHABLE = {
    "BotDisabledByAdmin": Health.POLICY,
    "BotNotInConversationRoster": Health.UNINSTALLED,
    "ConversationBlockedByUser": Health.BLOCKED,
    "ForbiddenOperationException": Health.UNINSTALLED,
    "MessageWritesBlocked": Health.BLOCKED,
}


def decide(facts: Facts, policy: RetryPolicy, rng: random.Random) -> Decision:
    """The verdict on one attempt.

    Args:
        facts: what is known.
        policy: how patiently to retry.
        rng: source of jitter.

    Returns:
        What the engine is to do with the delivery.
    """
    answer = facts.answer
    if answer.ok:
        return Deliver()
    decision = _verdict(facts, policy, rng)
    if isinstance(decision, Reject) and facts.maybe_sent:
        return Park(decision.reason)  # what may have arrived is never called rejected
    return decision


def _verdict(  # noqa: PLR0911 - a table reads best with one return a row
    facts: Facts, policy: RetryPolicy, rng: random.Random
) -> Decision:
    answer = facts.answer
    if answer.failure is not None:
        return _on_failure(facts, answer.failure, policy, rng)
    match answer.status or 0:
        case 412 | 429 | 503:
            return _again(facts, _reason(answer), policy, rng)
        case 401:
            # Bot-wide, not this person's fault, and field reports show that it passes (protocol
            # §3.2).
            return Wait(answer.code or "unauthorized")
        case 403:
            return _on_forbidden(facts, policy, rng)
        case 404 | 410:
            return _on_not_found(facts, policy)
        case 500 if facts.strikes < policy.server_error_attempts:
            return _again(facts, _reason(answer), policy, rng)
        case 502 | 504:
            return _unknown(facts, f"http_{answer.status}", policy, rng)
        case status if status > 505:
            # Codes of gateways that nobody specified: who answered cannot say what the channel
            # got.
            return _unknown(facts, f"http_{status}", policy, rng)
        case _:
            return Reject(_reason(answer))


def _reason(answer: Answer) -> str:
    return answer.code or f"http_{answer.status}"


def _on_forbidden(facts: Facts, policy: RetryPolicy, rng: random.Random) -> Decision:
    answer = facts.answer
    if answer.code is None and answer.sub_code is None:
        # Removed, not installed and blocked have all been seen without a code (protocol §3.2), but
        # a proxy's refusal looks the same and passes.
        return _suspect(facts, policy, "forbidden", Health.BLOCKED)
    if answer.code == "InvalidBotApiHost" and not facts.host_switched:
        return Retry("InvalidBotApiHost", timedelta(0), switch_host=True)
    if "decrypt conversation id" in (answer.message or ""):
        decision = _again(facts, "conversation_id_not_decrypted", policy, rng)
        if isinstance(decision, Reject):
            # Either the incident lasts, or the id belongs to another app; only a new reference
            # can tell.
            return Hold(HeldReason.UNREACHABLE, None, decision.reason, health=Health.GONE)
        return decision
    return _unreachable(answer) or Reject(_reason(answer))


def _on_not_found(facts: Facts, policy: RetryPolicy) -> Decision:
    answer = facts.answer
    if answer.code == "ActivityNotFoundInConversation":
        return Reject(answer.code)
    gone = _unreachable(answer)
    if gone is not None:
        return gone
    reason = answer.code or "not_found"
    if facts.remakable and facts.strikes >= policy.not_found_attempts:
        return Remake(reason)
    return _suspect(facts, policy, reason, Health.GONE)


def _suspect(facts: Facts, policy: RetryPolicy, reason: str, at_last: Health) -> Decision:
    """A refusal that often passes: tried a few times over hours before it is believed."""
    if facts.strikes >= policy.not_found_attempts:
        return Hold(HeldReason.UNREACHABLE, None, reason, health=at_last)
    if facts.strikes == 1 and facts.now + _SOON <= facts.head_since + policy.keep_lane:
        # Many pass within seconds, so the first retry does not cost the delivery its place.
        return Retry(reason, _SOON, health=Health.SUSPECT)
    # The later ones share out the rest of the time.
    gaps = max(1, policy.not_found_attempts - 2)
    delay = _SOON if facts.strikes == 1 else policy.not_found_over / gaps
    return Hold(HeldReason.BACKOFF, delay, reason, health=Health.SUSPECT)


def _unreachable(answer: Answer) -> Hold | None:
    """The conversation cannot be spoken in until the person or an administrator acts."""
    for said in (answer.sub_code, answer.code):
        if said in _UNREACHABLE:
            return Hold(HeldReason.UNREACHABLE, None, said, health=_UNREACHABLE[said])
    return None


def lost(on_unknown: OnUnknown, reason: str) -> Retry | Park:
    """The verdict on an attempt whose process did not live to settle it."""
    if on_unknown is OnUnknown.PARK:
        return Park(reason)
    return Retry(reason, timedelta(0), unknown=True)


def _on_failure(
    facts: Facts, failure: Failure, policy: RetryPolicy, rng: random.Random
) -> Decision:
    match failure:
        case Failure.AMBIGUOUS:
            return _unknown(facts, "no_answer", policy, rng)
        case Failure.FORBIDDEN:
            return Reject("forbidden_service_url")
        case Failure.NO_TOKEN:
            return Wait("no_token")
        case Failure.NOT_SENT:
            return _again(facts, "not_sent", policy, rng)


def _unknown(
    facts: Facts, reason: str, policy: RetryPolicy, rng: random.Random
) -> Retry | Hold | Reject | Park:
    if facts.on_unknown is OnUnknown.PARK:
        return Park(reason)
    return _again(facts, reason, policy, rng, unknown=True)


def _again(
    facts: Facts, reason: str, policy: RetryPolicy, rng: random.Random, *, unknown: bool = False
) -> Retry | Hold | Reject | Park:
    delay = policy.backoff(facts.attempts, rng)
    if facts.answer.retry_after is not None:
        asked = timedelta(seconds=facts.answer.retry_after)
        # A channel that keeps asking for no pause at all is given one.
        delay = asked if facts.strikes == 1 else max(asked, delay)
    if facts.now + delay > facts.tried_since + policy.give_up_after:
        return Park(reason) if unknown else Reject(reason)
    if facts.now + delay > facts.head_since + policy.keep_lane:
        return Hold(HeldReason.BACKOFF, delay, reason, unknown=unknown)
    return Retry(reason, delay, unknown=unknown)

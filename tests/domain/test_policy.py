"""The retry policy: facts in, a decision out, and what must hold of every decision."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recado.domain.delivery import HeldReason, OnUnknown
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
    Wait,
    decide,
    lost,
)
from recado.domain.reference import Health

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
POLICY = RetryPolicy()


def facts(**known: Any) -> Facts:
    """Facts of a first attempt just made; a test mentions only what it is about."""
    defaults: dict[str, Any] = {
        "answer": Answer(status=503),
        "attempts": 1,
        "tried_since": NOW,
        "head_since": NOW,
        "now": NOW,
        "on_unknown": OnUnknown.RETRY,
    }
    return Facts(**(defaults | known))


def dice(seed: int = 1) -> random.Random:
    """Dice that fall the same way each time."""
    return random.Random(seed)  # noqa: S311 - dice


def verdict(policy: RetryPolicy = POLICY, seed: int = 1, **known: Any) -> Decision:
    """The decision on such facts."""
    return decide(facts(**known), policy, dice(seed))


durations = st.timedeltas(timedelta(0), timedelta(hours=30))
codes = st.none() | st.sampled_from(
    [
        "BotNotInConversationRoster",
        "ConversationBlockedByUser",
        "InvalidBotApiHost",
        "ConversationNotFound",
        "ActivityNotFoundInConversation",
        "ServiceError",
        "Throttled",
    ]
)
answers = st.builds(
    Answer,
    status=st.integers(100, 599),
    code=codes,
    sub_code=codes,
    message=st.none() | st.just("Failed to decrypt conversation id"),
    retry_after=st.none() | st.floats(0, 86_400),
) | st.builds(Answer, failure=st.sampled_from(Failure))


@st.composite
def any_facts(draw: st.DrawFn) -> Facts:
    """Facts as they may come together."""
    age = draw(durations)
    return Facts(
        answer=draw(answers),
        attempts=draw(st.integers(1, 200)),
        tried_since=NOW - age,
        head_since=NOW - min(age, draw(durations)),
        now=NOW,
        on_unknown=draw(st.sampled_from(OnUnknown)),
        strikes=draw(st.integers(1, 10)),
        maybe_sent=draw(st.booleans()),
        host_switched=draw(st.booleans()),
    )


def delay_of(decision: Decision) -> timedelta | None:
    """How long a decision makes the delivery wait, if it does."""
    return decision.delay if isinstance(decision, Retry | Hold) else None


class TestBackoff:
    @given(st.integers(1, 10_000), st.integers())
    def test_is_anything_from_nothing_to_the_doubled_base_and_never_over_the_cap(
        self, attempts: int, seed: int
    ) -> None:
        delay = POLICY.backoff(attempts, dice(seed))
        assert timedelta(0) <= delay <= POLICY.cap
        assert delay <= POLICY.base * 2 ** min(attempts - 1, 20)

    def test_has_full_jitter(self) -> None:
        rng = dice(7)
        delays = [POLICY.backoff(4, rng) / timedelta(seconds=8) for _ in range(1_000)]
        assert min(delays) < 0.02
        assert max(delays) > 0.98
        assert 0.45 < sum(delays) / len(delays) < 0.55


class TestRetryAfter:
    @given(st.floats(0, 60), st.sampled_from([412, 429, 500, 503]))
    def test_is_obeyed_exactly(self, seconds: float, status: int) -> None:
        decision = verdict(answer=Answer(status=status, retry_after=seconds))
        assert decision == Retry(f"http_{status}", timedelta(seconds=seconds))

    @given(any_facts())
    def test_is_never_undercut(self, known: Facts) -> None:
        if known.answer.retry_after is None or known.answer.status not in (412, 429, 502, 503, 504):
            return
        delay = delay_of(decide(known, POLICY, dice()))
        assert delay is None or delay >= timedelta(seconds=known.answer.retry_after)

    def test_of_nothing_again_and_again_is_backed_off_from(self) -> None:
        answer = Answer(status=429, retry_after=0)
        first = verdict(answer=answer, attempts=1, strikes=1)
        assert first == Retry("http_429", timedelta(0))
        later = [delay_of(verdict(answer=answer, attempts=n, strikes=n)) for n in range(2, 9)]
        assert all(delay is not None and delay > timedelta(0) for delay in later)

    def test_that_exceeds_the_lanes_patience_is_waited_for_outside_the_lane(self) -> None:
        decision = verdict(answer=Answer(status=429, retry_after=61))
        assert decision == Hold(HeldReason.BACKOFF, timedelta(seconds=61), "http_429")

    def test_that_exceeds_the_time_left_ends_the_delivery(self) -> None:
        decision = verdict(
            answer=Answer(status=429, retry_after=3_601), tried_since=NOW - timedelta(hours=23)
        )
        assert decision == Reject("http_429")


class TestEveryDecision:
    @given(any_facts())
    def test_what_the_channel_took_is_delivered_whatever_else_is_known(self, known: Facts) -> None:
        decision = decide(known, POLICY, dice())
        assert isinstance(decision, Deliver) is known.answer.ok

    @given(any_facts())
    def test_what_may_have_arrived_is_never_called_rejected(self, known: Facts) -> None:
        decision = decide(known, POLICY, dice())
        ambiguous = known.answer.failure is Failure.AMBIGUOUS or (known.answer.status or 0) in (
            502,
            504,
            *range(506, 600),
        )
        if known.maybe_sent or ambiguous:
            assert not isinstance(decision, Reject)
        if ambiguous:
            unknown = isinstance(decision, Retry | Hold) and decision.unknown
            assert unknown or isinstance(decision, Park)

    @given(any_facts())
    def test_at_most_once_is_kept(self, known: Facts) -> None:
        known = replace(known, on_unknown=OnUnknown.PARK)
        decision = decide(known, POLICY, dice())
        assert not (isinstance(decision, Retry | Hold) and decision.unknown)

    @given(any_facts())
    def test_no_delay_runs_past_giving_up_or_keeps_the_lane_too_long(self, known: Facts) -> None:
        decision = decide(known, POLICY, dice())
        if isinstance(decision, Retry) and not decision.switch_host:
            assert known.now + decision.delay <= known.head_since + POLICY.keep_lane
            assert known.now + decision.delay <= known.tried_since + POLICY.give_up_after
        if isinstance(decision, Hold) and decision.delay and decision.health is None:
            assert decision.because

    @given(any_facts())
    def test_depends_on_the_facts_and_the_dice_alone(self, known: Facts) -> None:
        one, two = (decide(known, POLICY, dice(3)) for _ in range(2))
        assert one == two

    @given(any_facts(), st.sampled_from([400, 402, 405, 409, 413, 415, 418, 422, 301, 307, 501]))
    def test_statuses_that_must_not_be_retried_are_not(self, known: Facts, status: int) -> None:
        known = replace(known, answer=replace(known.answer, status=status, failure=None))
        decision = decide(known, POLICY, dice())
        assert isinstance(decision, Park if known.maybe_sent else Reject)


class TestPatience:
    def test_a_retrying_head_keeps_its_lane_for_a_minute_and_is_then_held(self) -> None:
        policy = RetryPolicy(base=timedelta(seconds=10))
        outcomes = {
            age: type(verdict(policy, head_since=NOW - timedelta(seconds=age), attempts=1))
            for age in (0, 49, 61)
        }
        assert outcomes == {0: Retry, 49: Retry, 61: Hold}

    @pytest.mark.parametrize("status", [412, 429, 503])
    def test_after_a_day_it_is_given_up(self, status: int) -> None:
        known: dict[str, Any] = {"answer": Answer(status=status, retry_after=0.0)}
        day = NOW - timedelta(hours=24)
        assert isinstance(verdict(**known, tried_since=day, head_since=NOW), Retry)
        late = day - timedelta(microseconds=1)
        assert verdict(**known, tried_since=late) == Reject(f"http_{status}")

    def test_an_id_that_cannot_be_decrypted_for_a_day_waits_for_a_new_reference(self) -> None:
        answer = Answer(status=403, code="BadArgument", message="Failed to decrypt conversation id")
        decision = verdict(answer=answer, tried_since=NOW - timedelta(days=2))
        reason = "conversation_id_not_decrypted"
        assert decision == Hold(HeldReason.UNREACHABLE, None, reason, health=Health.GONE)

    def test_a_refusal_without_a_code_is_believed_the_fourth_time(self) -> None:
        """A proxy that denies access looks like a person who blocked the bot, and passes."""
        answer = Answer(status=403, message="<title>Access denied</title>")
        assert verdict(answer=answer) == Retry(
            "forbidden", timedelta(seconds=30), health=Health.SUSPECT
        )
        assert verdict(answer=answer, strikes=4) == Hold(
            HeldReason.UNREACHABLE, None, "forbidden", health=Health.BLOCKED
        )

    @pytest.mark.parametrize("answer", [Answer(status=502), Answer(failure=Failure.AMBIGUOUS)])
    def test_given_up_while_it_may_have_arrived_a_person_decides(self, answer: Answer) -> None:
        decision = verdict(answer=answer, tried_since=NOW - timedelta(days=2))
        assert isinstance(decision, Park)

    def test_a_server_error_is_tried_three_times(self) -> None:
        answer = Answer(status=500)
        kinds = [type(verdict(answer=answer, strikes=strikes)) for strikes in (1, 2, 3, 4)]
        assert kinds == [Retry, Retry, Reject, Reject]

    def test_not_found_is_tried_four_times_over_six_hours_and_then_held_unreachable(self) -> None:
        """A 404 is often not terminal: ids were reported to come and go within seconds."""
        answer, now, waits = Answer(status=404), NOW, []
        for strikes in (1, 2, 3):
            decision = verdict(answer=answer, strikes=strikes, now=now, attempts=strikes)
            # The first retry keeps its place in the lane.
            assert isinstance(decision, Retry if strikes == 1 else Hold)
            assert decision.health is Health.SUSPECT
            assert decision.delay is not None
            waits.append(decision.delay)
            now += decision.delay
        assert waits == [timedelta(seconds=30), timedelta(hours=3), timedelta(hours=3)]
        assert verdict(answer=answer, strikes=4, now=now) == Hold(
            HeldReason.UNREACHABLE, None, "not_found", health=Health.GONE
        )


class TestServerErrorsNobodySpecified:
    """5xx are retried up to a day, except 500; a gateway's own codes say nothing for sure."""

    @given(st.integers(506, 599))
    def test_may_hide_an_arrival(self, status: int) -> None:
        decision = verdict(answer=Answer(status=status))
        assert isinstance(decision, Retry)
        assert decision.unknown
        parked = verdict(answer=Answer(status=status), on_unknown=OnUnknown.PARK)
        assert parked == Park(f"http_{status}")

    @pytest.mark.parametrize("status", [501, 505])
    def test_but_what_is_not_supported_is_final(self, status: int) -> None:
        assert verdict(answer=Answer(status=status)) == Reject(f"http_{status}")


class TestFailures:
    def test_what_was_not_sent_is_tried_again_and_known_not_to_have_arrived(self) -> None:
        decision = verdict(answer=Answer(failure=Failure.NOT_SENT), on_unknown=OnUnknown.PARK)
        assert isinstance(decision, Retry)
        assert not decision.unknown

    def test_a_forbidden_host_is_final(self) -> None:
        answer = Answer(failure=Failure.FORBIDDEN)
        assert verdict(answer=answer) == Reject("forbidden_service_url")

    def test_without_a_token_the_bot_pauses(self) -> None:
        decision = verdict(answer=Answer(failure=Failure.NO_TOKEN))
        assert decision == Wait("no_token")

    @given(any_facts())
    def test_a_refused_credential_never_ends_a_delivery(self, known: Facts) -> None:
        known = replace(known, answer=Answer(status=401))
        assert decide(known, POLICY, dice()) == Wait("unauthorized")

    def test_an_attempt_nobody_settled_is_tried_again_or_parked(self) -> None:
        assert lost(OnUnknown.PARK, "crash") == Park("crash")
        assert lost(OnUnknown.RETRY, "crash") == Retry("crash", timedelta(0), unknown=True)


class TestOtherCloud:
    def test_the_host_is_switched_once(self) -> None:
        answer = Answer(status=403, code="InvalidBotApiHost")
        first = verdict(answer=answer)
        assert first == Retry("InvalidBotApiHost", timedelta(0), switch_host=True)
        assert verdict(answer=answer, host_switched=True) == Reject("InvalidBotApiHost")

"""The circuit breaker: when it opens, probes and closes."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from recado.domain.breaker import CREDENTIAL, SERVICE, Breaker
from recado.testing import START


def after(seconds: float) -> timedelta:
    """Some seconds."""
    return timedelta(seconds=seconds)


def opened() -> Breaker:
    """A service's breaker that has just opened, at START."""
    breaker = Breaker(SERVICE)
    told = [breaker.failed(f"a:{number}", START) for number in range(5)]
    assert told == [False, False, False, False, True]
    return breaker


def test_it_opens_after_failures_in_several_conversations() -> None:
    """Five in a row, in three conversations or more."""
    breaker = opened()
    assert breaker.until is not None
    assert breaker.until == START + SERVICE.pause


def test_one_conversation_alone_never_opens_the_breaker_of_a_service() -> None:
    """Its trouble is its own."""
    breaker = Breaker(SERVICE)
    assert not any(breaker.failed("a:1", START) for _ in range(100))
    assert breaker.until is None


def test_a_success_between_failures_starts_the_count_anew() -> None:
    """A service that works now and then is not down."""
    breaker = Breaker(SERVICE)
    for number in range(100):
        assert not breaker.failed(f"a:{number}", START)
        if number % 4 == 3:
            assert not breaker.succeeded()
    assert breaker.until is None


def test_one_refusal_opens_the_breaker_of_a_credential() -> None:
    """It is about the bot and nobody else."""
    assert Breaker(CREDENTIAL).failed("a:1", START)


def test_what_was_under_way_when_it_opened_does_not_open_it_again() -> None:
    """Sixty answers that come late are still one failure."""
    breaker = opened()
    assert not breaker.failed("a:9", START + after(1))
    assert breaker.until == START + SERVICE.pause


def test_it_lets_one_probe_through_at_a_time() -> None:
    """After its pause; an unanswered probe makes room for another."""
    breaker = opened()
    assert breaker.room(START) == 0
    assert breaker.room(START + SERVICE.pause) == 1
    breaker.probe()
    assert breaker.room(START + SERVICE.pause) == 0
    breaker.unanswered()
    assert breaker.room(START + SERVICE.pause) == 1


def test_a_probe_that_succeeds_closes_it() -> None:
    """And nothing is remembered."""
    breaker = opened()
    breaker.probe()
    assert breaker.succeeded()
    assert breaker.room(START) is None
    assert breaker.idle


def test_each_probe_that_fails_doubles_the_pause_up_to_the_longest() -> None:
    """So that what is down for hours is asked seldom."""
    breaker, now, pauses = opened(), START, []
    for _ in range(10):
        assert breaker.until is not None
        pauses.append(breaker.until - now)
        now = breaker.until
        breaker.probe()
        assert breaker.failed("a:1", now)
    assert pauses[:3] == [after(5), after(10), after(20)]
    assert pauses[-1] == SERVICE.longest


def test_a_clock_that_is_set_back_does_not_make_it_wait_longer() -> None:
    """A day back, and it is tried again after its own pause."""
    breaker, yesterday = opened(), START - timedelta(days=1)
    assert breaker.room(yesterday) == 0
    assert breaker.room(yesterday + SERVICE.pause) == 1


def test_an_open_one_is_taken_up_again() -> None:
    """With the pause its last process had come to."""
    breaker = Breaker(SERVICE)
    breaker.reopen(START, START + after(40))
    assert breaker.room(START + after(39)) == 0
    assert breaker.failed("a:1", START + after(40))
    assert breaker.until == START + after(120)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 400)), max_size=60))
def test_it_is_never_shut_for_longer_than_the_longest_pause(
    answers: list[tuple[bool, int]],
) -> None:
    """Whatever the answers and their times."""
    breaker, now = Breaker(SERVICE), START
    for number, (good, seconds) in enumerate(answers):
        now += after(seconds)
        if good:
            breaker.succeeded()
        else:
            breaker.failed(f"a:{number}", now)
        assert breaker.room(now + SERVICE.longest) in (None, 1)

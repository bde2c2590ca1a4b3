"""The rules of consent, for whatever people say in whichever order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from recado.domain.consent import Fact, Said
from recado.domain.delivery import HeldReason
from recado.domain.politeness import Hold, Suppress
from recado.domain.politeness.consent import decide, holding, tell

START = datetime(2026, 1, 5, tzinfo=UTC)
CATEGORIES = (None, "a", "b")


def at(minute: int) -> datetime:
    """So many minutes after the start."""
    return START + timedelta(minutes=minute)


@st.composite
def facts(draw: st.DrawFn) -> list[Fact]:
    """What somebody has said, each at a time of its own."""
    minutes = draw(st.lists(st.integers(0, 100), unique=True, max_size=8))
    said: list[Fact] = []
    for minute in minutes:
        what = draw(st.sampled_from(Said))
        until = at(minute + draw(st.integers(1, 200))) if what is Said.MUTE else None
        said.append(Fact(draw(st.sampled_from(CATEGORIES)), what, at(minute), until))
    return said


@given(facts(), st.sampled_from(CATEGORIES))
def test_the_newest_word_of_all_about_everything_that_is_a_no_holds(
    said: list[Fact], category: str | None
) -> None:
    """After it nothing is allowed but what is agreed to later."""
    no = Fact(None, Said.OUT, at(500), None)
    assert holding([*said, no], category) == no
    stop = decide([*said, no], category=category, asked_at=None, now=at(501))
    assert stop == Suppress("opted_out")


@given(facts())
def test_a_yes_to_everything_ends_no_refusal_by_name(said: list[Fact]) -> None:
    """Only a yes to that kind does."""
    told = [*said, Fact("a", Said.OUT, at(500), None), Fact(None, Said.IN, at(501), None)]
    assert decide(told, category="a", asked_at=None, now=at(502)) == Suppress("opted_out_of:a")
    told.append(Fact("a", Said.IN, at(503), None))
    assert not isinstance(decide(told, category="a", asked_at=None, now=at(504)), Suppress)


@given(facts(), st.sampled_from(CATEGORIES), st.integers(0, 300))
def test_the_order_they_are_read_in_does_not_matter(
    said: list[Fact], category: str | None, minute: int
) -> None:
    """Names are many, and their rows come as they come."""
    first = decide(said, category=category, asked_at=None, now=at(minute))
    assert decide(said[::-1], category=category, asked_at=None, now=at(minute)) == first


@given(facts(), st.sampled_from(CATEGORIES), st.integers(0, 300))
def test_what_is_asked_for_after_everything_was_said_is_let_by(
    said: list[Fact], category: str | None, minute: int
) -> None:
    """And what was asked for before is not."""
    now = at(minute)
    assert decide(said, category=category, asked_at=at(101), now=now) is None
    before = decide(said, category=category, asked_at=START - timedelta(days=1), now=now)
    assert before == decide(said, category=category, asked_at=None, now=now)


@given(facts(), st.sampled_from(CATEGORIES), st.integers(0, 300))
def test_a_hold_ends_after_now(said: list[Fact], category: str | None, minute: int) -> None:
    """Nothing is held until a time that has passed, or for ever."""
    stop = decide(said, category=category, asked_at=None, now=at(minute))
    if isinstance(stop, Hold):
        assert stop.reason is HeldReason.WINDOW
        assert stop.until is not None
        assert stop.until > at(minute)


@given(facts(), st.sampled_from(CATEGORIES))
def test_an_end_of_all_silence_ends_it(said: list[Fact], category: str | None) -> None:
    """Whatever was muted before, by name or not."""
    told = [*said, Fact(None, Said.UNMUTE, at(500), None)]
    assert not isinstance(decide(told, category=category, asked_at=None, now=at(101)), Hold)


@given(facts(), st.sampled_from(CATEGORIES), st.integers(0, 300))
def test_what_is_told_agrees_with_what_is_done(
    said: list[Fact], category: str | None, minute: int
) -> None:
    """Whoever asks why hears of what holds it, and until when."""
    now = at(minute)
    stop = decide(said, category=category, asked_at=None, now=now)
    link = tell(said, category=category, asked_at=None, now=now)
    assert (link is not None and link.holds) == (stop is not None)
    if isinstance(stop, Hold):
        assert link is not None
        assert link.until == stop.until


def test_a_refusal_and_an_agreement_at_one_instant() -> None:
    """The refusal counts, under whichever names they stand."""
    told = [Fact(None, Said.OUT, START, None), Fact(None, Said.IN, START, None)]
    for each in (told, told[::-1]):
        found = holding(each, None)
        assert found is not None
        assert found.said is Said.OUT

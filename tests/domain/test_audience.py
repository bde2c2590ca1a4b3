"""Audiences and their short forms."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recado.domain.audience import (
    Conversation,
    EveryConversation,
    Person,
    Several,
    audience_of,
    parse_audience,
    usable,
    written,
)
from recado.errors import InvalidAudience

IDS = st.text(min_size=1).filter(usable)
SINGLES = st.builds(Conversation, IDS) | st.builds(Person, IDS)


@given(SINGLES)
def test_what_is_written_is_read_again(audience: Conversation | Person) -> None:
    """Ids may contain any character, the forms' own included."""
    (form,) = written(audience)
    assert parse_audience(form) == audience
    assert audience_of(form) == audience


@given(SINGLES)
def test_urls_mean_the_same(audience: Conversation | Person) -> None:
    """`bot://user/<id>` is `user:<id>`; nothing in the id is decoded."""
    (form,) = written(audience)
    kind, _, name = form.partition(":")
    assert parse_audience(f"bot://{kind}/{name}") == audience


@given(st.lists(SINGLES, min_size=2, max_size=5))
def test_several_are_written_one_by_one(parts: list[Conversation | Person]) -> None:
    """And read in the same order."""
    audience = Several(tuple(parts))
    assert audience_of(written(audience)) == audience
    assert audience_of(parts) == audience


def test_everyone() -> None:
    """Has one form."""
    assert parse_audience("all") == EveryConversation()
    assert written(EveryConversation()) == ["all"]


@given(st.text())
def test_every_text_is_read_or_refused(text: str) -> None:
    """There is no third way, and what is read is written the same or as its short form."""
    try:
        audience = parse_audience(text)
    except InvalidAudience as error:
        assert str(error).endswith(".")  # noqa: PT017 - a refusal is as right as a value here, so pytest.raises cannot say it
        return
    (form,) = written(audience)
    assert parse_audience(form) == audience


@pytest.mark.parametrize("text", ["All", "ALL", " all", "users:x", "USER:x", "bot://x", "x", ":x"])
def test_forms_are_exact(text: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(InvalidAudience, match="write conversation:"):
        parse_audience(text)


@pytest.mark.parametrize(
    ("text", "fine"), [("x", True), ("é 🎈", True), ("\0", False), ("\ud83d", False), ("", True)]
)
def test_what_databases_can_hold(text: str, *, fine: bool) -> None:
    """Neither NUL nor half a surrogate pair."""
    assert usable(text) is fine

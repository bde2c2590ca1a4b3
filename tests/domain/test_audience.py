"""Audiences and their short forms."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recado.domain.audience import (
    Conversation,
    EveryConversation,
    Everyone,
    Members,
    One,
    Person,
    Several,
    Thread,
    Where,
    audience_of,
    parse_audience,
    usable,
    written,
)
from recado.domain.filtering import TYPES
from recado.domain.reference import Health
from recado.errors import InvalidAudience

IDS = st.text(min_size=1).filter(usable)
SINGLES = st.builds(Conversation, IDS) | st.builds(Person, IDS)
BY_ID = SINGLES | st.builds(Members, IDS) | st.builds(Thread, IDS)
VALUES = st.lists(IDS, max_size=3).map(tuple)
FILTERS = st.builds(
    Where,
    channel=st.lists(IDS, min_size=1, max_size=2).map(tuple),
    tenant=VALUES,
    locale=VALUES,
    timezone=VALUES,
    type=st.lists(st.sampled_from(TYPES), max_size=2).map(tuple),
    health=st.lists(st.sampled_from(list(map(str, Health))), max_size=2).map(tuple),
    member=VALUES,
    domain=VALUES,
)


@given(BY_ID | FILTERS)
def test_what_is_written_is_read_again(audience: One) -> None:
    """Ids and values may contain any character, the forms' own included."""
    (form,) = written(audience)
    assert parse_audience(form) == audience
    assert audience_of(form) == audience
    assert audience_of(audience) == audience


@given(BY_ID)
def test_urls_mean_the_same(audience: One) -> None:
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


def test_words() -> None:
    """Every conversation, and everybody once, are two things."""
    assert parse_audience("all") == EveryConversation()
    assert written(EveryConversation()) == ["all"]
    assert parse_audience("everyone") == Everyone()
    assert written(Everyone()) == ["everyone"]


@pytest.mark.parametrize(
    "alone", ["all", "everyone", "members:19:team", "where:channel=msteams", "thread:19:c"]
)
def test_some_stand_alone(alone: str) -> None:
    """They would overlap with anybody named beside them."""
    assert audience_of([alone]) == parse_audience(alone)
    with pytest.raises(InvalidAudience, match="give it alone"):
        audience_of(["user:29:ana", alone])


# -- filters ---------------------------------------------------------------------------------


def test_a_filter_in_its_forms() -> None:
    """One value or several, in text or as a value."""
    where = parse_audience("where:channel=msteams,locale=es,locale=pt-BR,tenant=a%2Cb")
    assert where == Where(channel="msteams", locale=["es", "pt-BR"], tenant="a,b")
    assert written(where) == ["where:channel=msteams,tenant=a%2Cb,locale=es,locale=pt-BR"]
    assert isinstance(where, Where)
    assert where.conditions == {
        "channel": ("msteams",),
        "tenant": ("a,b",),
        "locale": ("es", "pt-BR"),
    }


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("where:", "is no condition"),
        ("where:channel", "is no condition"),
        ("where:colour=red", "the attributes are channel, tenant"),
        ("where:channel=", "no text"),
        ("where:channel=msteams,", "is no condition"),
        ("where:tenant=%00", "no text"),
        ("where:health=poorly", "choose active, suspect"),
        ("where:type=group", "choose personal, groupChat, channel"),
    ],
)
def test_what_is_no_filter_is_refused(text: str, told: str) -> None:
    """With what there is to choose from: a filter that is misread may reach everybody."""
    with pytest.raises(InvalidAudience, match=told):
        parse_audience(text)


@pytest.mark.parametrize("given_", [{}, {"channel": ()}, {"tenant": 1}, {"tenant": [None]}])
def test_a_filter_needs_a_condition(given_: dict[str, object]) -> None:
    """Without, it would be everybody."""
    with pytest.raises(InvalidAudience):
        Where(**given_)  # type: ignore[arg-type]


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

"""Notifications: what makes two requests the same, and how far one has come."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recado.domain.audience import Conversation, Several
from recado.domain.content import content_of
from recado.domain.delivery import OnUnknown, Priority, State
from recado.domain.ids import new_id
from recado.domain.notification import (
    LONGEST_NAME,
    Progress,
    Turn,
    check_json,
    check_name,
    check_user,
)
from recado.errors import InvalidInput
from recado.testing import START, make_notification


def test_the_same_request_has_the_same_fingerprint() -> None:
    """Made again later, with another id and relative times, in another order of keys."""
    first = make_notification(
        user={"id": "1", "name": "A"}, turn=Turn(handler="h", value={"a": 1, "b": 2})
    )
    again = make_notification(
        id=new_id(),
        accepted_at=START + timedelta(hours=1),
        due_at=START + timedelta(hours=2),
        expires_at=START + timedelta(hours=3),
        user={"name": "A", "id": "1"},
        turn=Turn(handler="h", value={"b": 2, "a": 1}),
        key="k",
        key_scope="s",
    )
    assert first.fingerprint() == again.fingerprint()


@pytest.mark.parametrize(
    "changes",
    [
        {"content": content_of("other")},
        {"turn": Turn(handler="h")},
        {"turn": Turn(handler="h", value=0)},
        {"turn": Turn(handler="h", value=None, value_type="t")},
        {"audience": Conversation("a")},
        {"audience": Several((Conversation("a"), Conversation("b")))},
        {"audience": Several((Conversation("b"), Conversation("a")))},
        {"priority": Priority.LOW},
        {"on_unknown": OnUnknown.PARK},
        {"mode": "as_turn"},
        {"category": "c"},
        {"collapse_key": "c"},
        {"user": {"id": "1"}},
    ],
)
def test_whatever_differs_makes_another_request(changes: Any) -> None:
    """Of everything the caller asked for."""
    others: list[dict[str, Any]] = [
        {},
        {"turn": Turn(handler="h2")},
        {"category": "d"},
        {"user": {"id": "2"}},
    ]
    mine = make_notification(**changes).fingerprint()
    assert all(make_notification(**other).fingerprint() != mine for other in others)


@given(st.dictionaries(st.sampled_from(State), st.integers(1, 9)), st.booleans())
def test_progress(counts: dict[State, int], expanded: bool) -> None:  # noqa: FBT001 - hypothesis gives it
    """Settled is what nothing more happens to by itself."""
    progress = Progress(notification_id="n", accepted_at=START, expanded=expanded, counts=counts)
    assert progress.total == sum(counts.values())
    assert progress.out == counts.get(State.DELIVERED, 0)
    moving = {state for state in counts if not state.final and state is not State.UNKNOWN}
    assert progress.settled == (expanded and not moving)


@given(st.text(min_size=1, max_size=LONGEST_NAME))
def test_ordinary_names_are_fine(name: str) -> None:
    """Any characters but NUL."""
    if "\0" in name:
        with pytest.raises(InvalidInput):
            check_name(name, "key")
    else:
        check_name(name, "key")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.text(), inner) | st.frozensets(st.text())
        ),
        max_leaves=5,
    )
)
def test_values_are_json_or_refused(value: Any) -> None:
    """With no third way."""
    try:
        check_json(value, "value")
    except InvalidInput as error:
        assert str(error).endswith(".")  # noqa: PT017 - a refusal is as right as a value here, so pytest.raises cannot say it
    else:
        assert make_notification(turn=Turn(handler="h", value=value)).fingerprint()


@pytest.mark.parametrize("user", [None, {}, {"id": None}, {"id": ""}, [], "29:x", {"id": ["x"]}])
def test_a_user_has_an_id(user: Any) -> None:
    """Or it is none."""
    with pytest.raises(InvalidInput, match="id"):
        check_user(user)

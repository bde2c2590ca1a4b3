"""Events: what of them can be kept, and how."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recado.domain.event import Event, checked, read, written
from recado.errors import InvalidEvent

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=10,
)


@given(JSON)
def test_what_is_written_is_read(data: Any) -> None:
    """Every number with the value it had, of whatever length."""
    assert read(written(data)) == data


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_is_kept_as_it_is_shown(data: float) -> None:
    """0.1 is a tenth, not what a computer makes of it."""
    kept = read(written(data))
    assert Decimal(str(kept)) == Decimal(repr(data))


def test_source_and_id_do_not_run_into_each_other() -> None:
    """What is one event's source is not taken for the beginning of another one's id."""
    digests = {
        Event(subject="s", data=1, source=source, id=id_).digest
        for source, id_ in (("a", "bc"), ("ab", "c"), ("abc", "d"))
    }
    assert len(digests) == 3


@pytest.mark.parametrize("field", ["subject", "source", "id", "type"])
@pytest.mark.parametrize("given_", ["", "x" * 1025, "a\0b", "\ud800", None, 5])
def test_a_name_that_cannot_be_kept_is_refused(field: str, given_: Any) -> None:
    """With which it is."""
    told: dict[str, Any] = {"subject": "s", "data": 1, "id": "i"}
    with pytest.raises(InvalidEvent, match=field) as raised:
        checked(Event(**(told | {field: given_})))
    assert raised.value.field == field


def test_a_time_is_kept_in_utc() -> None:
    """And one without a zone is refused, because nobody knows when it is."""
    at = datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    kept = checked(Event(subject="s", data=1, id="i", time=at))
    assert (kept.time, kept.time and kept.time.tzinfo) == (at, UTC)
    with pytest.raises(InvalidEvent, match="aware"):
        checked(Event(subject="s", data=1, id="i", time=datetime(2026, 1, 1)))  # noqa: DTZ001 - that is the point


def test_depth_is_bounded() -> None:
    """Nesting without end is refused, not run into."""
    data: Any = 1
    for _ in range(100_000):
        data = [data]
    with pytest.raises(InvalidEvent, match="nested"):
        written(data)

"""Text that every database takes, whatever came in."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from recado.domain.text import clean, json_text

#: Half surrogate pairs included, which JSON can carry and UTF-8 cannot.
_ANY = st.text(st.characters(exclude_categories=()))


@given(_ANY)
def test_text_becomes_sound(text: str) -> None:
    """And stays as it is when it was."""
    cleaned = clean(text)
    assert cleaned is not None
    cleaned.encode()
    assert "\0" not in cleaned
    assert len(cleaned) == len(text)
    assert clean(cleaned) == cleaned


def test_no_text_stays_none() -> None:
    """Nothing was said."""
    assert clean(None) is None


@given(st.recursive(st.none() | st.booleans() | _ANY, st.lists))
def test_json_can_be_read_back(value: object) -> None:
    """Unchanged, half pairs too."""
    written = json_text(value)
    written.encode()
    assert json.loads(written) == value

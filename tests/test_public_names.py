"""The door to the package."""

from __future__ import annotations

import pytest

import recado


def test_every_public_name_is_there() -> None:
    """What is listed can be fetched, and what can be fetched is listed."""
    assert sorted(recado.__all__) == recado.__all__
    with pytest.raises(AttributeError, match="nonsense"):
        recado.nonsense  # noqa: B018 - asking for it is the test
    for name in recado.__all__:
        assert getattr(recado, name) is not None

"""What reads dates is loaded beforehand, so that no property takes the time that it takes."""

from __future__ import annotations

import pytest

from recado.domain.words import prepare


@pytest.fixture(scope="session", autouse=True)
def prepared() -> None:
    """It has been used once."""
    prepare()

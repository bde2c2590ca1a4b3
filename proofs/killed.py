"""Processes that are killed around the commits of schedules, watches and long answers.

Run as ``python -m proofs.killed``. It plays the tests of ``tests/scene`` whose processes are killed
in their whole form; ``make test`` plays them in short.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, TypeVar

import pytest

T = TypeVar("T")

_ROOT: Final = Path(__file__).parents[1]
_FILES: Final = ("test_schedules_killed.py", "test_watches_killed.py", "test_answers_killed.py")
_NAME: Final = "PROVE_IN_FULL"
#: Whether everything is played, and not in short.
IN_FULL: Final = _NAME in os.environ


def in_full(whole: Sequence[T], short: Sequence[T]) -> Sequence[T]:
    """What is played: everything, or in short a part of it."""
    return whole if IN_FULL else short


def main() -> int:
    """Play them; 0 if everything holds."""
    os.environ[_NAME] = "1"
    scenes = [str(_ROOT / "tests" / "scene" / name) for name in _FILES]
    return int(pytest.main(["--verbose", f"--rootdir={_ROOT}", *scenes]))


if __name__ == "__main__":
    sys.exit(main())

"""Sparing looks: counting a million rows is not done anew for everybody who asks."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Hashable
from typing import Any, Final, TypeVar, cast

T = TypeVar("T")

#: Answers that took less than this, in seconds of processor time, are not kept.
_CHEAP: Final = 0.02
#: Others are given again for so many times as long as they took, so that looking costs at most
#: one part in so many of a processor.
_REST: Final = 10
#: Answers kept at once.
_KEPT: Final = 256


class Sparing:
    """Remembers what took long to find out, for a while. All of it runs in one thread."""

    def __init__(self) -> None:
        self._kept: dict[Hashable, tuple[Any, float]] = {}

    def sparing(
        self, question: Hashable, work: Callable[[sqlite3.Connection], T]
    ) -> Callable[[sqlite3.Connection], T]:
        """*work*, or what it answered a short while ago."""

        def look(db: sqlite3.Connection) -> T:
            answer, until = self._kept.get(question, (None, 0.0))
            if time.monotonic() < until:
                return cast("T", answer)
            begun = time.thread_time()
            answer = work(db)
            cost = time.thread_time() - begun
            if len(self._kept) >= _KEPT:
                self._kept.clear()
            self._kept.pop(question, None)
            if cost >= _CHEAP:
                self._kept[question] = (answer, time.monotonic() + _REST * cost)
            return answer

        return look

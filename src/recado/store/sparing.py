"""Sparing looks: counting a million rows is not done anew for everybody who asks."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from typing import Any, Final, TypeVar, cast

from recado.store.session import Session, Work

T = TypeVar("T")

#: Answers that took less than this, in seconds, are not kept.
_CHEAP: Final = 0.02
#: Others are given again for so many times as long as they took, so that looking costs at most
#: one part in so many of a processor.
_REST: Final = 10
#: Answers kept at once.
_KEPT: Final = 256


class Sparing:
    """Remembers what took long to find out, for a while. All of it runs in one thread.

    Args:
        busy: seconds that whoever looks has been busy.
    """

    def __init__(self, busy: Callable[[], float]) -> None:
        self._busy = busy
        self._kept: dict[Hashable, tuple[Any, float]] = {}

    def sparing(self, question: Hashable, work: Work[T]) -> Work[T]:
        """*work*, or what it answered a short while ago."""

        async def look(db: Session) -> T:
            answer, until = self._kept.get(question, (None, 0.0))
            if time.monotonic() < until:
                return cast("T", answer)
            begun = self._busy()
            answer = await work(db)
            cost = self._busy() - begun
            if len(self._kept) >= _KEPT:
                self._kept.clear()
            self._kept.pop(question, None)
            if cost >= _CHEAP:
                self._kept[question] = (answer, time.monotonic() + _REST * cost)
            return answer

        return look

"""A tally that can be waited at: whoever cannot begin yet takes a place in the line."""

from __future__ import annotations

import asyncio
import math

from recado.domain.pace import Tally, Windows


class Place:
    """A place in the line of a :class:`Gate`. Who has an instant counts as under way.

    Attributes:
        at: when its request may begin; infinity while that takes an answer to another one first.
        called: set when *at* becomes known.
    """

    __slots__ = ("at", "called")

    def __init__(self, at: float) -> None:
        self.at = at
        self.called = asyncio.Event()


class Gate(Tally):
    """What is counted for a scope, or for one operation of a pace key, and who waits for it."""

    __slots__ = ("waiting",)

    def __init__(self) -> None:
        super().__init__()
        #: Places without an instant, in order; they go before whatever comes later.
        self.waiting: list[Place] = []

    def line_up(self, windows: Windows) -> Place:
        """Take a place behind those who are there."""
        place = Place(math.inf if self.waiting else self.opens(windows))
        if place.at == math.inf:
            self.waiting.append(place)
        else:
            self.begin()
        return place

    def leave(self, place: Place, windows: Windows) -> None:
        """Give a place up; nothing was sent on it."""
        if place.at == math.inf:
            self.waiting.remove(place)
        else:
            self.release(windows)

    def release(self, windows: Windows) -> None:
        """A permitted request was not sent; who waits moves up."""
        self.give_back()
        self.call(windows)

    def jump(self, place: Place) -> None:
        """Begin on a place whatever the windows say."""
        if place.at == math.inf:
            self.waiting.remove(place)
            self.begin()

    def call(self, windows: Windows) -> None:
        """Tell those in front when they may begin, as far as it can be known now."""
        while self.waiting and (at := self.opens(windows)) < math.inf:
            place = self.waiting.pop(0)
            self.begin()
            place.at = at
            place.called.set()

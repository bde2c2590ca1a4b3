"""Keeping: the scopes whose pace this process decides.

Windows are counted in one process at a time for each scope, its keeper; so they hold exactly,
however many processes send. It keeps a scope as long as its lease is valid.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

from recado.domain.scope import Scope

#: How long others are believed to keep what they were found to keep.
BELIEVED: Final = timedelta(seconds=0.15)
#: How long a scope is kept that nothing is sent in, and how long one that was let go is left to
#: others.
_IDLE: Final = timedelta(seconds=10)
_LEFT: Final = timedelta(seconds=3)
#: So many of others' are remembered before those are dropped that are out of date.
_MANY: Final = 1_000
#: How much of a lease is not used up, because requests begin a moment after they are permitted.
_MARGIN: Final = timedelta(seconds=0.25)

#: A process with more scopes than its share lets some go, so many at once. But not for a few, or
#: for this part of its share, because each that moves is silent for a moment.
_FEW: Final = 8
_PART: Final = 4
_AT_ONCE: Final = 16


class Keeping:
    """What this process keeps, as far as it knows.

    Args:
        whole: whether it keeps every scope while it delivers, because nobody else does.
    """

    def __init__(self, *, whole: bool = True) -> None:
        self.whole = whole
        #: Since when this process delivers; None while it does not.
        self._delivers: datetime | None = None
        self._until: datetime | None = None
        #: What is kept, since when, and when it was last used.
        self._since: dict[Scope, datetime] = {}
        self._used: dict[Scope, datetime] = {}
        #: What is kept and is to be let go.
        self._leaving: set[Scope] = set()
        self._others: dict[Scope, datetime] = {}

    # -- what is known -----------------------------------------------------------------------

    @property
    def kept(self) -> Collection[Scope]:
        """What deliveries may be claimed of."""
        return self._since.keys() - self._leaving if self._leaving else self._since.keys()

    @property
    def others(self) -> Mapping[Scope, datetime]:
        """What others keep, and until when that is believed."""
        return self._others

    @property
    def delivers(self) -> bool:
        """Whether this process delivers."""
        return self._delivers is not None

    def keeps(self, scope: Scope, now: datetime) -> bool:
        """Whether this process decides the pace of a scope."""
        if self.whole:
            return self._delivers is not None
        if scope not in self._since or not self.valid(now):
            return False
        self._used[scope] = now
        return True

    def valid(self, now: datetime) -> bool:
        """Whether the lease is."""
        return self._until is not None and now < self._until - _MARGIN

    def since(self, scope: Scope) -> datetime | None:
        """Since when a scope has been kept; what was known of it before may be out of date."""
        return self._delivers if self.whole else self._since.get(scope)

    def is_elsewhere(self, scope: Scope, now: datetime) -> bool:
        """Whether another process is believed to keep a scope."""
        return self._others.get(scope, now) > now

    # -- what changes ------------------------------------------------------------------------

    def deliver(self, now: datetime | None) -> None:
        """This process has begun to deliver at *now* or, without it, no longer does."""
        self._delivers = now
        if now is None:
            self.lose()

    def renew(self, until: datetime) -> None:
        """The lease was renewed."""
        self._until = until

    def took(self, taken: Iterable[Scope], others: Iterable[Scope], now: datetime) -> None:
        """The database was asked at *now*, and said who keeps what."""
        if self.whole and self._delivers is not None:
            return
        for scope in taken:
            self._since[scope] = self._used[scope] = now
            self._leaving.discard(scope)
            self._others.pop(scope, None)
        for scope in others:
            self._forget(scope)
            self._others[scope] = now + BELIEVED
        if len(self._others) > _MANY:
            self._others = {each: until for each, until in self._others.items() if until > now}

    def lose(self) -> None:
        """Others may have taken everything."""
        self._since.clear()
        self._used.clear()
        self._leaving.clear()
        self._others.clear()
        self._until = None

    def turn_back(self, now: datetime) -> None:
        """The clock was set back to *now*."""
        if self._delivers is not None:
            self._delivers = min(self._delivers, now)
        for times in (self._since, self._used):
            for scope, at in times.items():
                times[scope] = min(at, now)

    # -- letting go --------------------------------------------------------------------------

    def balance(self, mine: int, kept: int, processes: int, now: datetime) -> None:
        """Leave what is more than this process's share of all that is kept.

        Whoever comes later gets work in this way. Nothing more is claimed of what is left, and it
        is let go once nothing is under way in it.

        Args:
            mine: how many scopes this process keeps.
            kept: how many all of them keep.
            processes: how many processes that is.
            now: the time.
        """
        share = -(-kept // max(1, processes))
        if self._leaving or mine <= share + max(_FEW, share // _PART):
            return
        # Those that were used the longest ago first.
        scopes = sorted(self._since, key=self._used.__getitem__)
        self._leaving.update(scopes[: min(mine - share, _AT_ONCE)])
        self._others.update(dict.fromkeys(self._leaving, now + _LEFT))

    @property
    def leaves(self) -> bool:
        """Whether something is to be let go as soon as that can be."""
        return bool(self._leaving)

    def idle(self, now: datetime) -> list[Scope]:
        """What could be let go, if nothing is under way in it."""
        return [
            scope
            for scope, used in self._used.items()
            if scope in self._leaving or not used <= now < used + _IDLE
        ]

    def let_go(self, scopes: Iterable[Scope], now: datetime) -> dict[Scope, datetime]:
        """Keep these no longer; each with the time since when it was kept.

        The database is told next; what is taken again meanwhile is kept.
        """
        gone = {}
        for scope in scopes:
            gone[scope] = self._since[scope]
            left = scope in self._leaving
            self._forget(scope)
            if left:
                self._others[scope] = now + _LEFT
        return gone

    def _forget(self, scope: Scope) -> None:
        self._since.pop(scope, None)
        self._used.pop(scope, None)
        self._leaving.discard(scope)


class Everything(Keeping):
    """Keeps every scope since ever: for a process that shares with nobody."""

    def keeps(self, scope: Scope, now: datetime) -> bool:  # noqa: ARG002 - whatever it is
        return True

    def since(self, scope: Scope) -> None:  # noqa: ARG002 - as above
        return None

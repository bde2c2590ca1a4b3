"""The circuit breaker: stops asking what does not work, and finds out when it works again.

It stands before things many conversations share, a service or a credential, never before a
person: one conversation's trouble is its own delivery's to wait out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerSettings:
    """When a breaker opens, and for how long."""

    #: Failures in a row, without a success between them.
    failures: int = 5
    #: Conversations they are spread over at least.
    conversations: int = 3
    #: How long it stays open the first time; doubled with each probe that fails.
    pause: timedelta = timedelta(seconds=5)
    longest: timedelta = timedelta(minutes=5)


#: Of a service URL: its failures may be anybody's, so several are wanted.
SERVICE = BreakerSettings()
#: Of a bot's credential: a refusal is about nobody else.
CREDENTIAL = BreakerSettings(
    failures=1, conversations=1, pause=timedelta(seconds=60), longest=timedelta(minutes=15)
)


@dataclass(slots=True)
class Breaker:
    """One thing that may not work.

    Closed, it lets everything through. Open, nothing until :attr:`until`; then one probe at a
    time, until one succeeds.
    """

    settings: BreakerSettings
    #: When a probe may begin; None while it is closed.
    until: datetime | None = None
    _pause: timedelta | None = None
    _probing: bool = False
    _failures: int = 0
    _failed: set[str] = field(default_factory=set)

    @property
    def idle(self) -> bool:
        """Whether there is nothing to remember."""
        return self.until is None and not self._failures

    def room(self, now: datetime) -> int | None:
        """How many requests may begin; None without a limit."""
        if self.until is None:
            return None
        if self._pause is not None:
            # A clock that was set back does not make the pause longer.
            self.until = min(self.until, now + self._pause)
        return 0 if self._probing or now < self.until else 1

    def probe(self) -> None:
        """A request begins; while the breaker is not closed it is the probe."""
        self._probing = self.until is not None

    def unanswered(self) -> None:
        """The request was not made after all."""
        self._probing = False

    def failed(self, conversation: str, now: datetime) -> bool:
        """A request failed; whether that opens the breaker, or keeps it open for longer."""
        self._probing = False
        if self.until is not None:
            if now < self.until:
                return False  # it was under way when the breaker opened
            self._open(now)
            return True
        self._failures += 1
        if len(self._failed) < self.settings.conversations:
            self._failed.add(conversation)
        enough = len(self._failed) >= self.settings.conversations
        if self._failures < self.settings.failures or not enough:
            return False
        self._open(now)
        return True

    def succeeded(self) -> bool:
        """A request succeeded; whether that closes an open breaker."""
        was_open = self.until is not None
        self.until = self._pause = None
        self._probing = False
        self._failures = 0
        self._failed.clear()
        return was_open

    def reopen(self, since: datetime, until: datetime) -> None:
        """Be open as another process, or this one before it ended, has left it."""
        self.until, self._pause = until, max(until - since, self.settings.pause)

    def _open(self, now: datetime) -> None:
        doubled = self.settings.pause if self._pause is None else 2 * self._pause
        self._pause = min(doubled, self.settings.longest)
        self.until = now + self._pause

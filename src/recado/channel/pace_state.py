"""What is known of pace keys and scopes; a broadcast to a million needs little memory."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from recado.channel.gate import Gate
from recado.channel.strain import Strain
from recado.domain.pace import Operation, Profile, Windows
from recado.domain.scope import Scope

if TYPE_CHECKING:
    from recado.channel.permits import Permit

#: Requests of what has no windows that are remembered, to learn some from at a 429.
_WATCHED: Final = 4096

#: A number of 60 bits is the largest that Python keeps in 32 bytes.
_MASK = (1 << 60) - 1


class KeyState:
    """What is known of one pace key.

    Attributes:
        slot: the number it is kept under.
        known_at: when all that was ever recorded of it was here; not a number before.
        strain: what 429s did to it, if there were any of late.
        next_at: not before this, while it recovers.
    """

    __slots__ = ("gates", "known_at", "next_at", "slot", "strain")

    def __init__(self, slot: int, known_at: float = math.nan) -> None:
        self.slot = slot
        self.known_at = known_at
        self.gates: dict[Operation, Gate] = {}
        self.strain: Strain | None = None
        self.next_at = 0.0

    def gate(self, operation: Operation) -> Gate:
        """What is counted of one operation."""
        gate = self.gates.get(operation)
        if gate is None:
            gate = self.gates[operation] = Gate()
        return gate

    def paused_until(self) -> float:
        """Before when no reply is sent."""
        return -math.inf if self.strain is None else self.strain.until

    @property
    def busy(self) -> bool:
        """Whether a request is under way or waits, or a strain is not over."""
        return self.strain is not None or any(g.under_way or g.waiting for g in self.gates.values())

    @property
    def last(self) -> float:
        """When the last answer came; 0 before the first."""
        return max((gate.stamps[-1] for gate in self.gates.values() if gate.stamps), default=0.0)


class PaceKeys:
    """The pace keys of a bot on a channel.

    A key is kept under the hash of its name, which is shorter. Two names with the same hash (one
    pair among ten million keys would be bad luck) share their windows, which is never too fast.

    A key that was sent one message and nothing else is a bare number: when that was answered.
    Together about 115 bytes.
    """

    def __init__(self) -> None:
        self._young: dict[int, KeyState | float] = {}
        #: Not touched since the generation before the last.
        self._old: dict[int, KeyState | float] = {}

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def open(self, key: str) -> KeyState:
        """The state of a key; an empty one if nothing is known."""
        return self.find(key) or self._make(hash(key) & _MASK)

    def find(self, key: str) -> KeyState | None:
        """The state of a key, if anything is known."""
        slot = hash(key) & _MASK
        entry = self._young.get(slot)
        if entry is None:
            entry = self._old.pop(slot, None)
            if entry is None:
                return None
            self._young[slot] = entry
        if isinstance(entry, KeyState):
            return entry
        state = self._make(slot, entry)
        state.gate(Operation.SEND).stamps.append(entry)
        return state

    def knows(self, key: str, since: float) -> bool:
        """Whether all that was recorded of a key was here at *since* or later."""
        slot = hash(key) & _MASK
        entry = self._young.get(slot) or self._old.get(slot)
        if entry is None:
            return False
        return (entry.known_at if isinstance(entry, KeyState) else entry) >= since

    def settle(self, state: KeyState, since: float) -> None:
        """Keep a state as a bare number, if that says it all.

        Args:
            state: of a key.
            since: what is known from before this does not count as known.
        """
        if not state.known_at >= since or len(state.gates) != 1 or state.strain is not None:
            return
        gate = state.gates.get(Operation.SEND)
        if gate is None or len(gate.stamps) != 1 or gate.under_way or gate.waiting:
            return
        self._young[state.slot] = gate.stamps[0]
        self._old.pop(state.slot, None)

    def forget(self, recorded: float) -> None:
        """Drop what has not been touched for a generation, and begin the next one.

        Args:
            recorded: stamps up to this instant can be asked for again; what has later ones stays.
        """
        kept = {
            slot: entry
            for slot, entry in self._old.items()
            if (
                entry.busy or entry.last > recorded
                if isinstance(entry, KeyState)
                else entry > recorded
            )
        }
        self._old, self._young = self._young, kept

    def states(self) -> Iterator[KeyState]:
        """Every state that is more than a number."""
        for entries in (self._young, self._old):
            for entry in entries.values():
                if isinstance(entry, KeyState):
                    yield entry

    def turn_back(self, now: float) -> None:
        """The clock was set back to *now*."""
        for entries in (self._young, self._old):
            for slot, entry in entries.items():
                if isinstance(entry, KeyState):
                    for gate in entry.gates.values():
                        gate.turn_back(now)
                    if entry.strain is not None:
                        entry.strain.turn_back(now)
                    entry.next_at = min(entry.next_at, now)
                    entry.known_at = min(entry.known_at, now)
                elif entry > now:
                    entries[slot] = now

    def _make(self, slot: int, known_at: float = math.nan) -> KeyState:
        state = self._young[slot] = KeyState(slot, known_at)
        return state


class Route:
    """What is known of a scope.

    Attributes:
        line: its bot on its channel.
        gate: what the tenant's windows count.
        slot: when its next delivery may begin, so that they are spread.
        ahead: the next deliveries that have leave; some of them may have begun meanwhile.
        next_reply: the same for replies, after a pause.
        strain: what 429s did to it, if there were any of late.
        refused: pace keys that were refused with 429, and when.
        known_at: when all that was ever recorded of it was here; not a number before.
    """

    __slots__ = ("ahead", "gate", "known_at", "line", "next_reply", "refused", "slot", "strain")

    def __init__(self, line: Line) -> None:
        self.line = line
        self.gate = Gate()
        self.slot = self.next_reply = -math.inf
        self.ahead: deque[Permit] = deque()
        self.strain: Strain | None = None
        self.refused: dict[str, float] = {}
        self.known_at = math.nan

    def base(self) -> Windows:
        """The windows of the scope at their full rate."""
        profile = self.line.profile
        if profile is not None and profile.tenant:
            return profile.tenant
        return self.strain.learned if self.strain is not None else ()

    def windows(self, now: float) -> Windows:
        """What holds at *now*."""
        base = self.base()
        return base if self.strain is None else self.strain.eased(base, now)

    def paused_until(self) -> float:
        """Before when no reply is sent."""
        return -math.inf if self.strain is None else max(self.strain.until, self.next_reply)

    def idle(self, now: float) -> bool:
        """Whether nothing is known of it that counts any more."""
        gate = self.gate
        if gate.under_way or gate.waiting or self.strain is not None or self.slot > now:
            return False
        longest = max((window.seconds for window in self.base()), default=0.0)
        return not gate.stamps or gate.stamps[-1] < now - longest - 1


class Line:
    """A bot on a channel. Pace keys hang here: a conversation's tenant may be learned later.

    Attributes:
        profile: what the channel allows; None when no figures are known.
        keys: its pace keys.
        free: nothing is limited, because no figures are known and no 429 was seen of late.
        recent: the last requests of what has no windows.
        strained_keys: pace keys with a strain, and where it came from.
        strained_routes: scopes with a strain.
    """

    __slots__ = ("free", "keys", "profile", "recent", "strained_keys", "strained_routes")

    def __init__(self, profile: Profile | None) -> None:
        self.profile = profile
        self.keys = PaceKeys()
        self.free = profile is None
        self.recent: deque[Permit] = deque(maxlen=_WATCHED)
        self.strained_keys: dict[str, tuple[Scope, KeyState, Strain]] = {}
        self.strained_routes: dict[Scope, tuple[Route, Strain]] = {}

    def base(self, state: KeyState, operation: Operation, *, group: bool) -> Windows:
        """The windows of a pace key at their full rate."""
        published = () if self.profile is None else self.profile.windows(operation, group=group)
        return published or (() if state.strain is None else state.strain.learned)

    def windows(self, state: KeyState, operation: Operation, now: float, *, group: bool) -> Windows:
        """What holds for a pace key at *now*."""
        base = self.base(state, operation, group=group)
        return base if state.strain is None else state.strain.eased(base, now)

    def state(self, key: str, operation: Operation, *, group: bool) -> KeyState | None:
        """The state of a pace key to count a request in; None when nothing limits it."""
        if self.profile is not None and self.profile.windows(operation, group=group):
            return self.keys.open(key)
        state = self.keys.find(key) if self.strained_keys else None
        return None if state is None or state.strain is None else state

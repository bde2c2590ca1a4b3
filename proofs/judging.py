"""What a kill matrix has to answer for: the channel's record held against the database."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from proofs.killing import SENDS
from proofs.recorder import Arrival

#: Kinds whose order in their lane is that of their acceptance: they are due at once, and nothing
#: is said in their place.
_ORDERED: Final = frozenset({"plain", "park", "turn", "turn-retry"})
#: Kinds that may arrive once at most.
_ONCE: Final = frozenset({"park", "turn"})
#: Seconds that a process may have been dead before that is known: it is looked for every 10 ms, on
#: a machine that may be busy.
_SEEN_LATE: Final = 0.25
#: Seconds that a process may be awake before it is known to be.
_SLACK: Final = 0.05
#: Ends of what has not left.
_UNSENT: Final = frozenset({"superseded", "cancelled", "expired", "suppressed"})

_DELIVERIES: Final = """
SELECT d.id, d.state, d.reason, d.target, n.id AS notification, n.content, n.value, n.on_unknown,
    r.conversation_id AS lane
FROM (
    SELECT id, notification, reference, state, reason, target FROM recado_delivery
    UNION ALL SELECT id, notification, reference, state, reason, target FROM recado_history
) AS d
JOIN recado_notification AS n ON n.number = d.notification
JOIN recado_reference AS r ON r.number = d.reference
"""
_NOTIFICATIONS: Final = """
SELECT n.id, n.action, EXISTS (
    SELECT 1 FROM recado_notification AS c WHERE c.target = n.number
) AS changed
FROM recado_notification AS n
"""
_ATTEMPTS: Final = """
SELECT delivery, owner, started_at, reason FROM recado_attempt
UNION ALL SELECT id, owner, begun_at, NULL FROM recado_history WHERE owner IS NOT NULL
"""


class Rows(NamedTuple):
    """What a database has."""

    notifications: Sequence[Any]
    deliveries: Sequence[Any]
    attempts: Sequence[Any]


#: How these are asked for.
ASKED: Final = (_NOTIFICATIONS, _DELIVERIES, _ATTEMPTS)


@dataclass
class Fate:
    """What has become of a process. Times are those of the monotonic clock.

    Attributes:
        name: the process's.
        point: where it was ended or stopped.
        pid: the process's id.
        started: when.
        slept: when it fell asleep.
        woke: when it went on.
        ended: when it was over.
        killed: whether it did not end in order.
    """

    name: str
    point: str | None
    pid: int
    started: float
    slept: float | None = None
    woke: float | None = None
    ended: float | None = None
    killed: bool = False


@dataclass
class Verdict:
    """What was found."""

    accepted: int = 0
    states: Counter[str] = field(default_factory=Counter)
    #: By the process that is to blame.
    repeats: Counter[str] = field(default_factory=Counter)
    parked: Counter[str] = field(default_factory=Counter)
    #: Requests begun before a pause that arrived after it.
    late: Counter[str] = field(default_factory=Counter)
    #: Receipts that came after the lane had gone to another.
    receipts: int = 0
    #: Acknowledged and not there, or called delivered and not arrived.
    lost: list[str] = field(default_factory=list)
    #: Neither final nor parked.
    left: list[str] = field(default_factory=list)
    #: Arrived, and called something that says it did not.
    denied: list[str] = field(default_factory=list)
    #: Arrived more often than it may.
    too_often: list[str] = field(default_factory=list)
    disordered: list[str] = field(default_factory=list)
    #: Two processes in one lane at the same time.
    together: list[str] = field(default_factory=list)
    #: A pause after which more than one request came in one lane.
    beyond: list[str] = field(default_factory=list)
    #: Parked although the process that asked has heard the answer.
    unheard: list[str] = field(default_factory=list)


class Judge:
    """Judges one matrix.

    Args:
        arrivals: the channel's record, in order.
        fates: of all processes, by name.
        rows: what the database has.
        acknowledged: ids of notifications.
        epoch: what to add to the monotonic clock to get seconds since 1970.
    """

    def __init__(
        self,
        arrivals: Sequence[Arrival],
        fates: Mapping[str, Fate],
        rows: Rows,
        acknowledged: Sequence[str],
        *,
        epoch: float,
    ) -> None:
        self._fates = fates
        self._notifications = rows.notifications
        self._deliveries = rows.deliveries
        self._acknowledged = acknowledged
        self._epoch = epoch
        self._by_text: defaultdict[tuple[str, str], list[Arrival]] = defaultdict(list)
        self._by_lane: defaultdict[str, list[Arrival]] = defaultdict(list)
        #: Arrivals whose attempt had begun before their process fell asleep.
        self._late: set[int] = set()
        for each in arrivals:
            self._by_lane[each.lane].append(each)
            if each.method == "POST":
                self._by_text[each.lane, each.text].append(each)
            elif self._just_woke(each):
                self._late.add(id(each))  # changes of what was said; they are not counted
        self._begun = self._begun_by(rows.attempts)
        self.verdict = Verdict()

    def _begun_by(self, attempts: Sequence[Any]) -> dict[tuple[str, str], list[float]]:
        """When each process began its attempts of a delivery, on the monotonic clock."""
        lives: defaultdict[int, list[Fate]] = defaultdict(list)
        for fate in sorted(self._fates.values(), key=lambda fate: fate.started):
            lives[fate.pid].append(fate)
        found: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
        #: Who attempted a delivery, and why that ended without success.
        self._tried: defaultdict[str, list[tuple[str, str | None]]] = defaultdict(list)
        for row in sorted(attempts, key=lambda row: row["started_at"]):
            began = row["started_at"] / 1e6 - self._epoch
            whose = lives[int(row["owner"].split(":")[-2])]
            at = bisect_right([fate.started for fate in whose], began) - 1
            name = whose[max(at, 0)].name
            found[row["delivery"], name].append(began)
            self._tried[row["delivery"]].append((name, row["reason"]))
        return found

    def judge(self) -> Verdict:
        """Everything."""
        verdict = self.verdict
        verdict.accepted = len(self._deliveries)
        known = {row["id"] for row in self._notifications}
        verdict.lost += [each for each in self._acknowledged if each not in known]
        made = {row["notification"] for row in self._deliveries}
        verdict.lost += [
            row["id"]
            for row in self._notifications
            # One that was changed before it came to anybody has left that to its change.
            if row["action"] == "send" and not row["changed"] and row["id"] not in made
        ]
        for row in self._deliveries:
            self._judge_delivery(row)
        for lane, arrivals in self._by_lane.items():
            self._judge_order(lane, arrivals)
            self._judge_company(lane, arrivals)
        return verdict

    # -- deliveries

    def _judge_delivery(self, row: Any) -> None:
        verdict, state = self.verdict, row["state"]
        verdict.states[state] += 1
        verdict.receipts += row["reason"] == "late_receipt"
        told = f"{row['id']} in {row['lane']} is {state} ({row['reason']})"
        texts = _texts(row)
        if row["target"] is not None:
            if state not in {"delivered", "rejected", "superseded", "cancelled"}:
                verdict.left.append(told)
            return
        times = [self._by_text.get((row["lane"], text), []) for text in texts]
        for each in times:
            self._judge_arrivals(row, each)
        if state == "delivered" and not all(times):
            verdict.lost.append(told)
        elif state in _UNSENT | {"rejected"} and any(times):
            verdict.denied.append(f"{told}: {texts}")
        elif state == "rejected":
            verdict.left.append(told)
        elif state == "unknown":
            self._judge_parked(row, told)
        elif state not in {"delivered"} | _UNSENT:
            verdict.left.append(told)

    def _judge_arrivals(self, row: Any, arrivals: Sequence[Arrival]) -> None:
        if not arrivals:
            return
        for each in arrivals:
            slept = self._fates[each.process].slept
            began = self._begun.get((row["id"], each.process), [])
            if not (self._just_woke(each) and slept is not None and began):
                continue
            if began[-1] <= slept and self._served_meanwhile(each, slept):
                self._late.add(id(each))
                self.verdict.late[each.process] += 1
        for each in arrivals[:-1]:
            self.verdict.repeats[each.process] += 1
        if len(arrivals) > 1 and _kind(arrivals[0].text) in _ONCE:
            self.verdict.too_often.append(f"{arrivals[0].text} {len(arrivals)} times")

    def _served_meanwhile(self, each: Arrival, slept: float) -> bool:
        """Whether somebody else has asked for something in its lane since its process slept."""
        return any(
            other.process != each.process and slept <= other.at <= each.at
            for other in self._by_lane[each.lane]
        )

    def _just_woke(self, each: Arrival) -> bool:
        woke = self._fates[each.process].woke
        return woke is not None and each.at >= woke - _SLACK

    def _judge_parked(self, row: Any, told: str) -> None:
        verdict = self.verdict
        if row["on_unknown"] != "park":
            verdict.left.append(told)
            return
        name, reason = self._tried[row["id"]][-1]
        verdict.parked[name] += 1
        heard = all(
            any(each.process == name and each.ended for each in self._by_text[row["lane"], text])
            for text in _texts(row)
        )
        if heard and reason == "lost" and not self._fates[name].killed:
            verdict.unheard.append(f"{told}: {_texts(row)} by {self._fates[name]}")

    # -- lanes

    def _judge_order(self, lane: str, arrivals: Sequence[Arrival]) -> None:
        """First arrivals from one acceptor come as they were accepted."""
        greatest: dict[str, tuple[str, str]] = {}
        seen: set[str] = set()
        for each in arrivals:
            text = each.text.partition("#")[0]
            if each.method != "POST" or each.text in seen or id(each) in self._late:
                continue
            seen.add(each.text)
            if _kind(each.text) not in _ORDERED:
                continue
            acceptor, number, _ = text.split(".")
            before, what = greatest.get(acceptor, ("", ""))
            if number < before:
                self.verdict.disordered.append(f"{each.text} after {what} in {lane}")
            else:
                greatest[acceptor] = (number, each.text)

    def _judge_company(self, lane: str, arrivals: Sequence[Arrival]) -> None:
        """No two processes have requests under way at once, but for those of a pause."""
        many: Counter[str] = Counter()
        for each in arrivals:
            if id(each) in self._late and each.method == "POST":
                many[each.process] += 1
        for name, times in many.items():
            if times > 1:
                self.verdict.beyond.append(f"{times} by {name} in {lane}")
        for number, each in enumerate(arrivals):
            for other in arrivals[number + 1 :]:
                if other.at >= self._end(each):
                    break
                if other.process != each.process and not self._slept(each, other):
                    self.verdict.together.append(f"{each} and {other}")

    def _end(self, each: Arrival) -> float:
        """When nobody waits for its answer any more."""
        fate = self._fates[each.process]
        ends = [at for at in (each.ended, fate.ended) if at is not None]
        end = min(ends, default=float("inf"))
        if fate.killed and end == fate.ended:
            # Its successor on SQLite knows from the kernel, and may have begun before we knew.
            end -= _SEEN_LATE
        return end

    def _slept(self, each: Arrival, other: Arrival) -> bool:
        """Whether one of the two was begun by a process that slept since, or had slept."""
        if {id(each), id(other)} & self._late:
            return True
        slept = self._fates[each.process].slept
        return slept is not None and slept <= other.at


def _texts(row: Any) -> list[str]:
    """What a delivery says."""
    if row["content"] is None:
        value = json.loads(row["value"])
        return [f"{value}#{number}" for number in range(SENDS)]
    return [json.loads(row["content"]).get("text", "")]


def _kind(text: str) -> str:
    return text.partition("#")[0].rpartition(".")[2]

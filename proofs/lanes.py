"""What must hold in a database of Recado's whenever nobody is in the middle of something.

It is asked in SQL of its own, not through the store.
"""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import asyncpg

_LIVE: Final = """
SELECT d.id, d.notification, d.reference, d.state, d.reason, d.priority, d.rank, d.entry,
    d.target, d.due_at, r.health IN ('active', 'suspect') AS reachable
FROM recado_delivery AS d JOIN recado_reference AS r ON r.number = d.reference
"""
_HISTORY: Final = "SELECT id, notification, reference, state, reason, target FROM recado_history"
_LANES: Final = """
SELECT l.*, r.route AS its_route FROM recado_lane AS l
JOIN recado_reference AS r ON r.number = l.reference
"""
_NOTIFICATIONS: Final = """
SELECT number, id, target, action, audience, expand_after, expand_until FROM recado_notification
"""

_STANDING: Final = ("pending", "sending", "retrying")
#: Copies that say nothing, because something else was said in their place.
_REPLACED: Final = ("superseded", "cancelled", "suppressed")
#: How an audience of all is written.
_EVERYONE: Final = '["all"]'


@dataclass
class Findings:
    """What was found in a database."""

    #: What is not as it should be.
    trouble: list[str] = field(default_factory=list)
    #: Ids of all deliveries.
    known: set[str] = field(default_factory=set)
    #: How many deliveries are in each state.
    states: Counter[str] = field(default_factory=Counter)
    #: Who holds a lane: its token, and for which delivery.
    holders: dict[int, tuple[int, str]] = field(default_factory=dict)
    #: Deliveries that have not ended and are neither parked nor waiting for a person's return.
    left: list[str] = field(default_factory=list)
    #: Deliveries that stand in the lanes of conversations that are gone: a person may want that.
    among_the_gone: set[str] = field(default_factory=set)
    #: Deliveries, each with its notification's original and its lane: what is said in another's
    #: place stands where that stood.
    places: dict[str, tuple[int, int]] = field(default_factory=dict)
    #: Broadcasts, each with the lanes it has come to.
    broadcasts: dict[str, set[int]] = field(default_factory=dict)
    #: Notifications, each with the one it is, or changes.
    originals: dict[str, str] = field(default_factory=dict)

    def raise_for_trouble(self) -> None:
        """Raises AssertionError if anything is not as it should be."""
        assert not self.trouble, "\n".join(self.trouble)

    def raise_for_the_gone(self, wanted: Collection[str]) -> None:
        """Raises AssertionError if anything stands where nobody can be reached.

        Args:
            wanted: deliveries that somebody has asked for all the same.
        """
        places = {self.places[each] for each in wanted if each in self.places}
        found = [each for each in self.among_the_gone if self.places[each] not in places]
        assert not found, f"in lanes of conversations that are gone: {found}"

    def raise_for_what_is_left(self) -> None:
        """Raises AssertionError if anything waits that should have been delivered."""
        assert not self.left, "\n".join(self.left)

    def raise_for_left_out(self, ended: Collection[str], lanes: Sequence[int]) -> None:
        """Raises AssertionError if a broadcast has not come to all.

        Args:
            ended: notifications that somebody ended; to end a change ends its original.
            lanes: all of them.
        """
        over = {self.originals[each] for each in ended}
        for name, reached in self.broadcasts.items():
            missing = set(lanes) - reached
            assert not missing or name in over, f"{name} has not come to {missing}"


async def look(connection: asyncpg.Connection) -> Findings:
    """Look at everything in a PostgreSQL database, in one state of it."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        rows = [await connection.fetch(each) for each in (_LIVE, _HISTORY, _LANES, _NOTIFICATIONS)]
    return _judged(*rows)


def look_at_file(database: Path) -> Findings:
    """Look at everything in a SQLite database, which nobody writes to."""
    with closing(sqlite3.connect(database)) as connection:
        connection.row_factory = sqlite3.Row
        asked = (_LIVE, _HISTORY, _LANES, _NOTIFICATIONS)
        return _judged(*(connection.execute(each).fetchall() for each in asked))


def _judged(
    live: Sequence[Any], history: Sequence[Any], taken: Sequence[Any], accepted: Sequence[Any]
) -> Findings:
    lanes = {row["reference"]: row for row in taken}
    notifications = {row["number"]: row for row in accepted}
    found = Findings()
    found.known = {row["id"] for row in (*live, *history)}
    found.states = Counter(row["state"] for row in (*live, *history))
    twice = {row["id"] for row in live} & {row["id"] for row in history}
    found.trouble += [f"{each} is live and in history" for each in twice]
    standing: defaultdict[int, list[Any]] = defaultdict(list)
    for row in live:
        if (row["state"], row["reason"]) == ("held", "unreachable") and row["reachable"]:
            found.trouble.append(f"{row['id']} waits for the return of who is here")
        if row["state"] in ("pending", "retrying") and not row["reachable"]:
            found.among_the_gone.add(row["id"])
        if row["state"] in _STANDING:
            standing[row["reference"]].append(row)
        if row["state"] != "unknown" and (row["state"], row["reason"]) != ("held", "unreachable"):
            found.left.append(f"{row['id']} is {row['state']} ({row['reason']})")
    for number in lanes.keys() | standing.keys():
        found.trouble += _of_lane(number, lanes.get(number), standing[number])
        lane = lanes.get(number)
        if lane is not None and lane["owner"] is not None:
            found.holders[number] = (lane["token"], lane["head"])
    _look_at_copies(found, [*live, *history], notifications)
    return found


def _of_lane(number: int, lane: Any, standing: Sequence[Any]) -> list[str]:
    """What is wrong with a lane: its row, and what stands in it."""
    if lane is None:
        return [f"lane {number} is not there, and {[row['id'] for row in standing]} stand in it"]
    found = []
    sending = [row["id"] for row in standing if row["state"] == "sending"]
    retrying = [row["id"] for row in standing if row["state"] == "retrying"]
    if lane["route"] != lane["its_route"]:
        found.append(f"lane {number} goes another way than its conversation")
    if lane["owner"] is not None:
        return _of_holder(number, lane, sending, {row["id"] for row in standing})
    if sending:
        found.append(f"lane {number} is free, and {sending} are sent")
    if not standing:
        found.append(f"lane {number} is there, and nothing stands in it")
        return found
    found += _of_head(number, lane["head"], retrying)
    if lane["priority"] != min(row["priority"] for row in standing):
        found.append(f"lane {number} has the priority {lane['priority']}, which nothing in it has")
    return found


def _of_holder(number: int, lane: Any, sending: Sequence[str], standing: set[str]) -> list[str]:
    """What is wrong with a lane that somebody holds. A late receipt may have ended its head."""
    found = []
    if sending not in ([], [lane["head"]]):
        found.append(f"lane {number} is held for {lane['head']}, and {sending} are sent")
    if not sending and lane["head"] in standing:
        found.append(f"lane {number} is held for {lane['head']}, which is not sent")
    return found


def _of_head(number: int, head: str | None, retrying: Sequence[str]) -> list[str]:
    """What is wrong with the head of a lane that nobody holds."""
    found = []
    if len(retrying) > 1:
        found.append(f"lane {number} has several heads: {retrying}")
    if (head not in retrying) if retrying else (head is not None):
        found.append(f"lane {number} has the head {head}, and {retrying} are retried")
    return found


def _look_at_copies(
    found: Findings, deliveries: Sequence[Any], notifications: Mapping[int, Any]
) -> None:
    """Everybody is told once, whatever a notification and its changes have become."""
    told: Counter[tuple[int, int]] = Counter()
    for each in notifications.values():
        original = notifications[each["target"] or each["number"]]
        found.originals[each["id"]] = original["id"]
        if each["audience"] == _EVERYONE and each["target"] is None:
            found.broadcasts[each["id"]] = set()
    for row in deliveries:
        notification = notifications[row["notification"]]
        root = notification["target"] or notification["number"]
        found.places[row["id"]] = (root, row["reference"])
        if row["target"] is None:
            name = notifications[root]["id"]
            if name in found.broadcasts:
                found.broadcasts[name].add(row["reference"])
            if row["state"] not in _REPLACED:
                told[root, row["reference"]] += 1
    found.trouble += [
        f"notification {notifications[root]['id']} is said {many} times in lane {lane}"
        for (root, lane), many in told.items()
        if many > 1
    ]

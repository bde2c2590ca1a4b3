"""Firing: what watches say is accepted, many at once, each of them in one conversation."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from recado.domain import event as events
from recado.domain.delivery import HeldReason, State
from recado.domain.ids import new_ids
from recado.domain.places import best
from recado.domain.reference import Health
from recado.domain.standing import ENQUEUED, begins
from recado.domain.watch import Value, shown
from recado.domain.watch.wording import facts_of, filled_activity
from recado.store.session import Row, Session, statements
from recado.store.verbs import audiences, lanes, places, rows
from recado.store.verbs.observation import Observation, Seen
from recado.store.verbs.watches import written_value

_SQL = statements("firing")


class _Saying(NamedTuple):
    """One notification that is to be made."""

    watch: Row
    lane: int
    content: str | None
    value: str | None


async def speak(db: Session, observed: Observation, seen: Mapping[int, Seen], now: int) -> None:
    """Accept what watches say of an event, each by its number."""
    if not seen:
        return
    found = await db.all(_SQL["sayings"], (rows.dumps(list(seen)),))
    where = await _where(db, found)
    wording = _Wording(observed)
    sayings = [
        _Saying(row, where[row["number"]], *wording.of(row, seen[row["number"]])) for row in found
    ]
    ids = new_ids(len(sayings))
    first = await lanes.take_numbers(db, "entry", len(sayings))
    entries = dict(zip(ids, range(first, first + len(ids)), strict=True))
    made = dict(zip(ids, sayings, strict=True))
    numbers = await _notifications(db, observed.row["bot"], made, entries, now)
    firings = {
        numbers[id_]: (
            each.watch["number"],
            written_value(seen[each.watch["number"]].baseline),
            written_value(seen[each.watch["number"]].value),
        )
        for id_, each in made.items()
    }
    await db.run(
        _SQL["insert_firings"], {"event": observed.row["number"], "firings": rows.dumps(firings)}
    )
    await _deliveries(db, made, numbers, entries, now)


async def _where(db: Session, watches: Sequence[Row]) -> dict[int, int]:
    """The conversation each watch speaks in: that it was made for, or where its person is now."""
    anchors = {row["reference"] for row in watches if row["person"] is not None}
    chats = await places.chats_of(db, anchors) if anchors else {}
    return {
        row["number"]: best(chats[row["reference"]]).number
        if row["person"] is not None and row["reference"] in chats
        else row["reference"]
        for row in watches
    }


class _Wording:
    """Fills in what watches say; those that say the same share the work."""

    def __init__(self, observed: Observation) -> None:
        self._observed = observed
        self._said: dict[tuple[Any, ...], str] = {}

    def of(self, watch: Row, seen: Seen) -> tuple[str | None, str | None]:
        """Content, or else the value for the handler."""
        before = seen.baseline
        if before is None:
            before = self._observed.before(seen.path)
        if watch["content"] is None:
            return None, self._value(watch, seen, before)
        key = (watch["content"], watch["rule"], seen.value, before)
        said = self._said.get(key)
        if said is None:
            facts = facts_of(self._observed.row["name"], watch["rule"], seen.value, before)
            activity = filled_activity(json.loads(watch["content"]), facts)
            said = self._said[key] = rows.dumps(activity)
        return said, None

    def _value(self, watch: Row, seen: Seen, before: Value | None) -> str:
        row = self._observed.row
        told = {
            "watch": watch["id"],
            "subject": row["name"],
            "rule": watch["rule"],
            "value": shown(seen.value),
            "before": None if before is None else shown(before),
            "given": rows.maybe_loads(watch["value"]),
        }
        event = {"id": row["id"], "source": row["source"], "type": row["type"]}
        return events.written({**told, "event": {**event, "data": events.read(row["data"])}})


async def _notifications(
    db: Session, bot: str, made: Mapping[str, _Saying], entries: Mapping[str, int], now: int
) -> dict[str, int]:
    """Insert notifications, each by its id; their numbers."""
    alike: dict[tuple[Any, ...], dict[str, tuple[Any, ...]]] = {}
    for id_, (watch, _, content, value) in made.items():
        shared = tuple(watch[name] for name in _SHARED)
        alike.setdefault(shared, {})[id_] = (
            watch["audience"],
            content,
            value,
            watch["user"],
            watch["asked_at"],
            watch["number"],
            entries[id_],
        )
    numbers: dict[str, int] = {}
    for shared, some in alike.items():
        told = dict(zip(_SHARED, shared, strict=True))
        asked = {"bot": bot, "now": now, "notifications": rows.dumps(some), **told}
        numbers.update({row["id"]: row["number"] for row in await db.all(_SQL["insert"], asked)})
    return numbers


#: What notifications of many watches mostly have in common.
_SHARED = (
    "handler",
    "value_type",
    "priority",
    "on_unknown",
    "mode",
    "category",
    "quiet",
    "max_wait",
)


async def _deliveries(
    db: Session,
    made: Mapping[str, _Saying],
    numbers: Mapping[str, int],
    entries: Mapping[str, int],
    now: int,
) -> None:
    """Insert one delivery for each notification, in its lane.

    Those for a conversation that somebody else holds wait outside, as what was accepted in
    somebody else's transaction does: a step over hundreds is not to wait for one of them.
    """
    wanted = sorted({each.lane for each in made.values()})
    free = await db.hold_free(wanted)
    health = dict(await audiences.with_health(db, wanted))
    deliveries: dict[str, tuple[Any, ...]] = {}
    entering: dict[int, list[int]] = {}
    for (id_, saying), own in zip(made.items(), new_ids(len(made)), strict=True):
        standing: tuple[State, str | HeldReason | None, int | None] = (
            State.SCHEDULED,
            ENQUEUED,
            now,
        )
        if saying.lane in free:
            reachable = Health(health[saying.lane]).reachable
            state, reason = begins(due=True, in_own_turn=False, reachable=reachable)
            standing = (state, reason, None)
            if state is State.PENDING:
                entering.setdefault(saying.watch["priority"], []).append(saying.lane)
        deliveries[own] = (
            numbers[id_],
            saying.lane,
            *standing,
            saying.watch["priority"],
            entries[id_],
        )
    await db.run(_SQL["insert_deliveries"], (rows.dumps(deliveries),))
    for priority, numbered in entering.items():
        await lanes.enter(db, numbered, priority, now)

"""Delivery in SQLite: claim, settle, reap, promote. The hot path is :func:`cycle`."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from recado.domain.delivery import OnUnknown, Outcome, State
from recado.domain.policy import Park, lost
from recado.domain.reference import Health
from recado.store.port import Claim, Lost, Settlement
from recado.store.queries import load_queries
from recado.store.sqlite import lanes, references, rows

_SQL = load_queries("sqlite", "delivery")


def cycle(  # noqa: PLR0913 - the port's verb, with times already translated
    db: sqlite3.Connection,
    settlements: Sequence[Settlement],
    *,
    owner: str,
    now: int,
    lease_until: int,
    limit: int,
) -> list[Claim]:
    """Settle what ended, then claim what is due."""
    if settlements:
        _settle(db, settlements, owner, now)
    return _claim(db, owner, now, lease_until, limit) if limit > 0 else []


# -- settling --------------------------------------------------------------------------------


def _settle(
    db: sqlite3.Connection, settlements: Sequence[Settlement], owner: str, now: int
) -> None:
    ours = _held(db, [each.claim for each in settlements])
    timely = [each for each in settlements if each.claim.delivery_id in ours]
    made = [_attempt(each, owner) for each in settlements if not each.uncounted]
    db.execute(_SQL["record_attempts"], (rows.dumps(made),))
    lanes.finish(
        db,
        [
            (each.claim.delivery_id, each.state, each.reason, rows.micros(each.ended_at))
            for each in timely
            if each.state.final
        ],
    )
    retried: list[tuple[int, int]] = []
    for each in timely:
        lives = not each.state.final and _go_on(db, each)
        if each.health is not None or each.service_url is not None:
            _learn(db, each)
        if lives and each.state is State.RETRYING:
            retried.append((rows.maybe_micros(each.due_at) or now, each.claim.lane))
    kept = {lane for _, lane in retried}
    lanes.free_keeping_head(db, retried)
    lanes.free(db, [each.claim.lane for each in timely if each.claim.lane not in kept], now)
    lanes.hold_gone(db, sorted(kept))
    _heal(db, [each for each in timely if each.state is State.DELIVERED], now)
    for each in settlements:
        if each.claim.delivery_id not in ours:
            _settle_late(db, each)


def _held(db: sqlite3.Connection, claims: Sequence[Claim]) -> set[str]:
    """Ids of the deliveries among *claims* whose lane has not gone to another since."""
    named = rows.dumps([claim.lane for claim in claims])
    found = db.execute(_SQL["held"], (named,))
    held = {row["reference"]: (row["token"], row["head"]) for row in found}
    return {
        claim.delivery_id
        for claim in claims
        if held.get(claim.lane) == (claim.token, claim.delivery_id)
    }


def _attempt(settlement: Settlement, owner: str) -> tuple[Any, ...]:
    claim, evidence = settlement.claim, settlement.evidence
    return (
        claim.delivery_id,
        claim.attempt,
        owner,
        rows.micros(claim.started_at),
        rows.micros(settlement.ended_at),
        str(settlement.outcome),
        settlement.because or settlement.reason,
        evidence.status,
        rows.clean(evidence.code),
        rows.clean(evidence.sub_code),
        rows.clean(evidence.message),
        rows.clean(evidence.activity_id),
        rows.dumps(dict(evidence.headers)) if evidence.headers else None,
    )


def _go_on(db: sqlite3.Connection, settlement: Settlement) -> bool:
    """Write what becomes of a delivery that has not ended; False if a late receipt ended it."""
    claim, status = settlement.claim, settlement.evidence.status
    changed = db.execute(
        _SQL["go_on"],
        {
            "id": claim.delivery_id,
            "state": str(settlement.state),
            "reason": settlement.reason,
            "due_at": rows.maybe_micros(settlement.due_at),
            "last_status": status,
            "strikes": claim.strikes + 1 if status == claim.last_status else 1,
            "maybe_sent": int(settlement.maybe_sent),
            "host_switched": int(settlement.service_url is not None),
            "uncounted": int(settlement.uncounted),
        },
    )
    return changed.rowcount > 0


def _learn(db: sqlite3.Connection, settlement: Settlement) -> None:
    """Keep what the answer said about the conversation."""
    lane = settlement.claim.lane
    if settlement.service_url is not None:
        references.set_service_url(db, lane, settlement.service_url)
    if settlement.health is None:
        return
    begun = rows.micros(settlement.claim.started_at)
    last_seen, health = db.execute(_SQL["last_seen"], (lane,)).fetchone()
    if last_seen > begun:
        # The conversation was heard from while the request was under way: that is newer.
        if Health(health).reachable:
            lanes.release_unreachable(db, lane, rows.micros(settlement.ended_at))
        return
    references.set_health(db, lane, settlement.health, settlement.health_reason)
    if not settlement.health.reachable:
        lanes.hold_unreachable(db, lane)


def _heal(db: sqlite3.Connection, delivered: Sequence[Settlement], now: int) -> None:
    """What was delivered proves that its conversation can be spoken in."""
    if not delivered:
        return
    begun = {each.claim.lane: rows.micros(each.claim.started_at) for each in delivered}
    for number, last_seen in db.execute(_SQL["ailing"], (rows.dumps(list(begun)),)).fetchall():
        # Unless it was seen since the request began: what that said is newer.
        if last_seen <= begun[number]:
            references.set_health(db, number, Health.ACTIVE, None)
            lanes.release_unreachable(db, number, now)


def _settle_late(db: sqlite3.Connection, settlement: Settlement) -> None:
    """The lane went to another; only a receipt still counts, even while the other is sending."""
    if settlement.state is State.DELIVERED:
        claim, ended = settlement.claim, rows.micros(settlement.ended_at)
        lanes.finish(db, [(claim.delivery_id, State.DELIVERED, "late_receipt", ended)])
        lanes.leave(db, claim.delivery_id, claim.lane, ended)


# -- claiming --------------------------------------------------------------------------------


def _claim(
    db: sqlite3.Connection, owner: str, now: int, lease_until: int, limit: int
) -> list[Claim]:
    claims: list[Claim] = []
    token = None
    while len(claims) < limit:
        found = db.execute(_SQL["claimable"], {"now": now, "limit": limit - len(claims)}).fetchall()
        expired = [row for row in found if (row["expires_at"] or now + 1) <= now]
        gone = {row["lane"] for row in expired}
        alive = [row for row in found if row["lane"] not in gone]
        if alive:
            token = token or lanes.take_numbers(db, "token")
            heads = rows.dumps([row["id"] for row in alive])
            lease = {"owner": owner, "token": token, "until": lease_until, "heads": heads}
            db.execute(_SQL["lease"], lease)
            db.execute(_SQL["begin"], {"now": now, "heads": heads})
            claims += [_claim_of(row, token, now) for row in alive]
        if not expired:
            break
        _outlive(db, expired, now)
        lanes.free(db, sorted(gone), now)
    return claims


def _claim_of(row: sqlite3.Row, token: int, now: int) -> Claim:
    return Claim(
        delivery_id=row["id"],
        notification_id=row["notification_id"],
        lane=row["lane"],
        token=token,
        attempt=row["attempts"] + 1,
        started_at=rows.instant(now),
        accepted_at=rows.instant(row["accepted_at"]),
        tried_since=rows.instant(row["tried_since"]),
        head_since=rows.instant(row["head_since"]),
        expires_at=rows.maybe_instant(row["expires_at"]),
        on_unknown=OnUnknown(row["on_unknown"]),
        last_status=row["last_status"],
        strikes=row["strikes"],
        maybe_sent=bool(row["maybe_sent"]),
        bot=row["bot"],
        channel=row["channel"],
        conversation_id=row["conversation_id"],
        service_url=row["service_url"],
        host_switched=bool(row["host_switched"]),
        address=row["address"],
        content=row["content"],
        handler=row["handler"],
        value=row["value"],
        value_type=row["value_type"],
        user=row["user"],
    )


def hand_back(db: sqlite3.Connection, claims: Sequence[Claim], now: int) -> None:
    """Return claims whose request was never begun."""
    ours = _held(db, claims)
    back = [claim for claim in claims if claim.delivery_id in ours]
    db.executemany(_SQL["hand_back"], [(claim.delivery_id,) for claim in back])
    lanes.free(db, [claim.lane for claim in back], now)
    lanes.hold_gone(db, [claim.lane for claim in back])


def renew(db: sqlite3.Connection, claims: Sequence[Claim], lease_until: int) -> None:
    leases = [(lease_until, claim.lane, claim.token, claim.delivery_id) for claim in claims]
    db.executemany(_SQL["renew"], leases)


def hasten(db: sqlite3.Connection, now: int, latest: int) -> None:
    db.execute(_SQL["hasten"], (now, latest))


def reap(db: sqlite3.Connection, owner: str, now: int, limit: int) -> list[Lost]:
    """Take over what a dead or sleeping process had begun."""
    taken: dict[int, Lost] = {}
    parked: list[int] = []
    wanted = {"me": owner, "now": now, "limit": limit}
    for row in db.execute(_SQL["abandoned"], wanted).fetchall():
        if row["id"] is None:
            parked.append(row["lane"])
            continue
        db.execute(_SQL["record_attempts"], (rows.dumps([_lost_attempt(row, now)]),))
        park = isinstance(lost(OnUnknown(row["on_unknown"]), "lost"), Park)
        state = State.UNKNOWN if park else State.RETRYING
        db.execute(
            _SQL["go_on"],
            {
                "id": row["id"],
                "state": str(state),
                "reason": "lost",
                "due_at": None if park else now,
                "last_status": row["last_status"],
                "strikes": row["strikes"],
                "maybe_sent": 1,
                "host_switched": 0,
                "uncounted": 0,
            },
        )
        taken[row["lane"]] = Lost(delivery_id=row["id"], state=state)
        if park:
            parked.append(row["lane"])
    retried = sorted(taken.keys() - set(parked))
    lanes.free(db, parked, now)
    lanes.free_keeping_head(db, [(now, lane) for lane in retried])
    for lane in lanes.hold_gone(db, retried):
        taken[lane] = replace(taken[lane], state=State.HELD)
    return list(taken.values())


def _lost_attempt(row: sqlite3.Row, now: int) -> tuple[Any, ...]:
    """The attempt of a process that did not live to settle it."""
    told = f"The process {row['owner']} did not live to settle it."
    begun = (row["id"], row["attempts"], row["owner"], row["attempted_at"])
    return (*begun, now, str(Outcome.UNKNOWN), "lost", None, None, None, told, None, None)


# -- waiting ---------------------------------------------------------------------------------


def _outlive(db: sqlite3.Connection, outlived: Sequence[sqlite3.Row], now: int) -> None:
    """End what is no longer worth saying; what may have arrived is parked, not called expired."""
    ended = [row["id"] for row in outlived if not row["maybe_sent"]]
    lanes.finish(db, [(each, State.EXPIRED, "expires", now) for each in ended])
    parked = [(row["id"],) for row in outlived if row["maybe_sent"]]
    db.executemany(_SQL["park"], parked)


def promote(db: sqlite3.Connection, now: int, limit: int) -> int:
    """Let what has become due enter its lane, and end what has outlived its use."""
    overdue = db.execute(_SQL["overdue"], {"now": now, "limit": limit}).fetchall()
    _outlive(db, overdue, now)
    for row in overdue:
        lanes.leave(db, row["id"], row["lane"], now)
    due = [row[0] for row in db.execute(_SQL["due"], {"now": now, "limit": limit})]
    lanes.let_in(db, due, now)
    return len(overdue) + len(due)


def next_due(db: sqlite3.Connection) -> int | None:
    (at,) = db.execute(_SQL["next_due"]).fetchone()
    return None if at is None else int(at)


def release_handlers(db: sqlite3.Connection, handlers: Sequence[str], now: int) -> int:
    found = db.execute(_SQL["without_handler"], (rows.dumps(list(handlers)),))
    return lanes.let_in(db, [row[0] for row in found], now)


def release_turn(db: sqlite3.Connection, turn: str, now: int) -> int:
    # A broadcast may not have been expanded as far as the turn's conversation.
    db.execute(_SQL["turn_ended"], (turn,))
    found = db.execute(_SQL["of_turn"], (turn,))
    return lanes.let_in(db, [row[0] for row in found], now)


def record_send(
    db: sqlite3.Connection, delivery_id: str, number: int, activity_id: str | None
) -> None:
    db.execute(_SQL["record_send"], (delivery_id, number, activity_id))


def recorded_sends(db: sqlite3.Connection, delivery_id: str) -> dict[int, str | None]:
    found = db.execute(_SQL["recorded_sends"], (delivery_id,))
    return {row["number"]: row["activity_id"] for row in found}

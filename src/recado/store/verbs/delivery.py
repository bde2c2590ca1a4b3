"""Delivery: settle, give back, take over. The hot path is :func:`cycle`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from recado.domain.audit import Teller
from recado.domain.delivery import OnUnknown, Outcome, State
from recado.domain.health import Finding, misdirected
from recado.domain.pace import Operation
from recado.domain.policy import Park, lost
from recado.domain.scope import Scope, Stamp
from recado.store.port import Claim, Cycled, Lost, Observed, Settlement, Wanted
from recado.store.session import Row, Session, held, statements
from recado.store.verbs import (
    asks,
    claiming,
    gate,
    healing,
    lanes,
    making,
    pauses,
    places,
    questions,
    rows,
)
from recado.store.verbs.keeping import Keeping
from recado.store.verbs.sight import Sight

_SQL = statements("delivery")

#: What others ask for is read so far; the rest of it waits until these have ended.
_ASKS: Final = 500


async def cycle(  # noqa: PLR0913 - the port's verb, with times already translated
    db: Session,
    settlements: Sequence[Settlement],
    *,
    owner: str,
    now: int,
    lease_until: int,
    wanted: Wanted,
    observed: Observed,
    sight: Sight,
) -> Cycled:
    """Settle what ended, note what was observed, then claim what is due."""
    waiting: tuple[str, ...] = ()
    if settlements:
        # Whoever holds a conversation, perhaps for long, keeps nobody from settling the others.
        free = await db.hold_free(each.claim.lane for each in settlements)
        waiting = tuple(
            each.claim.delivery_id for each in settlements if each.claim.lane not in free
        )
        settled = await _settle(
            db, [each for each in settlements if each.claim.lane in free], owner, now
        )
        await gate.refund(db, settled, wanted.rules, now)
    if observed:
        await pauses.observe(db, observed)
    keeping = Keeping(wanted.paced, owner, now)
    asked = None
    if wanted.paced is not None and wanted.paced.asks:
        asked = await asks.asks(db, _ASKS)
        await keeping.take(db, {each.scope for each in asked})
    claimed = (
        await claiming.claim(db, owner, now, lease_until, wanted, keeping, sight)
        if wanted.limit > 0
        else Cycled()
    )
    if waiting:
        claimed = replace(claimed, waiting=waiting)
    if wanted.paced is None:
        return claimed
    return replace(
        claimed,
        taken=keeping.taken,
        others=keeping.others,
        elsewhere=bool(keeping.abroad),
        asks=asked,
    )


# -- settling --------------------------------------------------------------------------------


async def _settle(
    db: Session, settlements: Sequence[Settlement], owner: str, now: int
) -> Sequence[Settlement]:
    """Write down how attempts ended; those that were not late."""
    if not settlements:
        return ()
    ours = await _held(db, [each.claim for each in settlements])
    timely = [each for each in settlements if each.claim.delivery_id in ours]
    made = [
        _attempt(each, owner)
        for each in settlements
        if not (_untold(each) or (_in_history(each) and each.claim.delivery_id in ours))
    ]
    if made:
        await db.run(_SQL["record_attempts"], (rows.dumps(made),))
    await _settle_timely(db, timely, owner, now)
    for each in settlements:
        if each.claim.delivery_id not in ours:
            await _settle_late(db, each)
    return timely


async def _settle_timely(db: Session, timely: Sequence[Settlement], owner: str, now: int) -> None:
    await lanes.finish(db, [_ending(each, owner) for each in timely if each.state.final])
    retried: list[tuple[int, int]] = []
    pending: set[int] = set()
    outside: set[int] = set()
    for each in timely:
        lives = not each.state.final and await _go_on(db, each)
        if each.state is not State.DELIVERED and (finding := _finding(each)).telling:
            await healing.learn(db, each.claim.lane, finding)
        if lives and each.state is State.RETRYING:
            retried.append((rows.maybe_micros(each.due_at) or now, each.claim.lane))
        if lives and each.state is State.PENDING:
            pending.add(each.claim.lane)
        if lives and each.state is State.HELD:
            outside.add(each.claim.lane)
    kept = {lane for _, lane in retried}
    await lanes.free_keeping_head(db, retried)
    await lanes.free(db, [each.claim.lane for each in timely if each.claim.lane not in kept], now)
    await _leave_the_gone(db, sorted(kept | pending | outside), now)
    arrived = [each for each in timely if each.state is State.DELIVERED]
    await questions.delivered(db, arrived)
    await _heal(db, arrived, now)
    for each in timely:
        if each.claim.unmade or each.made is not None or each.make_again:
            await making.settle(db, each, now)


async def _leave_the_gone(db: Session, numbers: Sequence[int], now: int) -> set[int]:
    """What comes back from sending to a conversation that has gone meanwhile waits, or goes on.

    Returns:
        Which of these conversations are gone.
    """
    gone = await lanes.hold_gone(db, numbers)
    for number in sorted(gone):
        await places.go_elsewhere(db, number, now)
    return gone


def _untold(settlement: Settlement) -> bool:
    """Whether nothing was asked of the channel, so that there is nothing to tell."""
    return settlement.uncounted and settlement.evidence.status is None


def _in_history(settlement: Settlement) -> bool:
    """Whether what became of the delivery tells everything about the attempt too."""
    told = settlement.evidence
    more = told.code or told.sub_code or told.message or told.headers
    return settlement.state is State.DELIVERED and not more


def _ending(settlement: Settlement, owner: str) -> lanes.Ending:
    evidence, whole = settlement.evidence, _in_history(settlement)
    return lanes.Ending(
        settlement.claim.delivery_id,
        settlement.state,
        settlement.reason,
        rows.micros(settlement.ended_at),
        rows.clean(evidence.activity_id),
        evidence.status if whole else None,
        owner if whole else None,
    )


async def _held(db: Session, claims: Sequence[Claim]) -> set[str]:
    """Ids of the deliveries among *claims* whose lane has not gone to another since."""
    named = rows.dumps([claim.lane for claim in claims])
    found = await db.all(_SQL["held"], (named,))
    holders = {row["reference"]: (row["token"], row["head"]) for row in found}
    return {
        claim.delivery_id
        for claim in claims
        if holders.get(claim.lane) == (claim.token, claim.delivery_id)
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


async def _go_on(db: Session, settlement: Settlement) -> bool:
    """Write what becomes of a delivery that has not ended; False if a late receipt ended it."""
    claim, status = settlement.claim, settlement.evidence.status
    strikes = claim.strikes + 1 if status == claim.last_status else 1
    # Its conversation was made, and what was answered to the delivery itself still counts.
    made = settlement.made is not None
    changed = await db.run(
        _SQL["go_on"],
        {
            "id": claim.delivery_id,
            "state": str(settlement.state),
            "reason": settlement.reason,
            "due_at": rows.maybe_micros(settlement.due_at),
            "last_status": claim.last_status if made else status,
            "strikes": claim.strikes if made else strikes,
            "maybe_sent": settlement.maybe_sent,
            "host_switched": settlement.service_url is not None,
            "uncounted": int(settlement.uncounted),
        },
    )
    return changed > 0


def _finding(settlement: Settlement) -> Finding:
    """What the answer says about the conversation."""
    claim, evidence = settlement.claim, settlement.evidence
    why = settlement.health_reason or settlement.because or settlement.reason
    return Finding(
        by=Teller.DELIVERY,
        service_url=claim.service_url,
        asked_at=claim.started_at,
        answered_at=settlement.ended_at,
        health=settlement.health,
        reason=why,
        elsewhere=settlement.service_url,
        misdirected=misdirected(evidence.status, evidence.code, why),
    )


async def _heal(db: Session, delivered: Sequence[Settlement], now: int) -> None:
    """What was delivered proves that its conversation can be spoken in."""
    if not delivered:
        return
    begun = {each.claim.lane: rows.micros(each.claim.started_at) for each in delivered}
    for number, last_seen in await db.all(_SQL["ailing"], (rows.dumps(list(begun)),)):
        # Unless it was seen since the request began: what that said is newer.
        if last_seen <= begun[number]:
            await healing.heal(db, number, now)


async def _settle_late(db: Session, settlement: Settlement) -> None:
    """The lane went to another; only a receipt still counts, even while the other is sending."""
    if settlement.state is not State.DELIVERED:
        return
    late, ended = settlement.claim.delivery_id, rows.micros(settlement.ended_at)
    receipt = rows.clean(settlement.evidence.activity_id)
    # It may have moved to another conversation's lane since.
    for found in await held(db, _SQL["place"], (late,)):
        await lanes.finish(
            db, [lanes.Ending(late, State.DELIVERED, "late_receipt", ended, receipt)]
        )
        await questions.delivered(db, [settlement])
        await lanes.leave(db, late, found["reference"], ended)


# -- giving back -----------------------------------------------------------------------------


async def hand_back(
    db: Session, claims: Sequence[Claim], now: int, until: Mapping[str, int]
) -> list[Claim]:
    """Return claims whose request was never begun; those that have to wait, see the port."""
    free = await db.hold_free(claim.lane for claim in claims)
    waiting = [claim for claim in claims if claim.lane not in free]
    claims = [claim for claim in claims if claim.lane in free]
    ours = await _held(db, claims)
    back = [claim for claim in claims if claim.delivery_id in ours]
    # What was being retried keeps the head of its lane, so that nothing overtakes it; unless a
    # late receipt has ended it.
    heads = [
        each
        for each in back
        if each.head_since < each.started_at
        and await db.run(_SQL["hand_back"], (str(State.RETRYING), each.delivery_id))
    ]
    await lanes.free_keeping_head(
        db, [(until.get(each.delivery_id, now), each.lane) for each in heads]
    )
    kept = {each.delivery_id for each in heads}
    others = [each for each in back if each.delivery_id not in kept]
    pending = [(str(State.PENDING), each.delivery_id) for each in others]
    await db.run_many(_SQL["hand_back"], pending)
    put_off = [(until[each.delivery_id], each.lane) for each in others if each.delivery_id in until]
    await lanes.put_off(db, put_off)
    await lanes.free(db, [each.lane for each in others if each.delivery_id not in until], now)
    await _leave_the_gone(db, [claim.lane for claim in back], now)
    return waiting


async def renew(db: Session, claims: Sequence[Claim], lease_until: int) -> set[str]:
    """See the port. Nobody is waited for: the other leases would run out meanwhile."""
    named = [(claim.lane, claim.token, claim.delivery_id) for claim in claims]
    told = {"until": lease_until, "claims": rows.dumps(named)}
    return {row[0] for row in await db.all(_SQL["renew"], told)}


async def hasten(db: Session, now: int, latest: int) -> None:
    await db.run(_SQL["hasten"], (now, latest))


async def reap(db: Session, owner: str, now: int, limit: int) -> list[Lost]:
    """Take over what a dead or sleeping process had begun."""
    taken: dict[int, Lost] = {}
    parked: list[int] = []
    wanted = {"me": owner, "now": now, "limit": limit}
    for row in await db.all(_SQL["abandoned"], wanted):
        if row["id"] is None:
            parked.append(row["lane"])
            continue
        await db.run(_SQL["record_attempts"], (rows.dumps([_lost_attempt(row, now)]),))
        # To make a conversation once more says nothing twice.
        on_unknown = OnUnknown.RETRY if row["unmade"] else OnUnknown(row["on_unknown"])
        park = isinstance(lost(on_unknown, "lost"), Park)
        state = State.UNKNOWN if park else State.RETRYING
        await db.run(
            _SQL["go_on"],
            {
                "id": row["id"],
                "state": str(state),
                "reason": "lost",
                "due_at": None if park else now,
                "last_status": row["last_status"],
                "strikes": row["strikes"],
                "maybe_sent": not row["unmade"],
                "host_switched": False,
                "uncounted": 0,
            },
        )
        await pauses.count(
            db, Stamp(_scope(row), row["pace_key"], Operation.SEND, rows.instant(now))
        )
        taken[row["lane"]] = Lost(delivery_id=row["id"], state=state)
        if park:
            parked.append(row["lane"])
    retried = sorted(taken.keys() - set(parked))
    await lanes.free(db, parked, now)
    await lanes.free_keeping_head(db, [(now, lane) for lane in retried])
    for lane in await _leave_the_gone(db, retried, now):
        taken[lane] = replace(taken[lane], state=State.HELD)
    return list(taken.values())


def _scope(row: Row) -> Scope:
    return Scope(row["bot"], row["channel"], row["tenant_id"] or "")


def _lost_attempt(row: Row, now: int) -> tuple[Any, ...]:
    """The attempt of a process that did not live to settle it."""
    told = f"The process {row['owner']} did not live to settle it."
    begun = (row["id"], row["attempts"], row["owner"], row["attempted_at"])
    return (*begun, now, str(Outcome.UNKNOWN), "lost", None, None, None, told, None, None)


async def record_send(db: Session, delivery_id: str, number: int, activity_id: str | None) -> None:
    await db.run(_SQL["record_send"], (delivery_id, number, activity_id))


async def recorded_sends(db: Session, delivery_id: str) -> dict[int, str | None]:
    found = await db.all(_SQL["recorded_sends"], (delivery_id,))
    return {row["number"]: row["activity_id"] for row in found}

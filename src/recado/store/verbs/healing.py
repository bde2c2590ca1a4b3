"""What becomes of references: their health, and newer service URLs for them.

The rules are in :mod:`recado.domain.health`.
"""

from __future__ import annotations

from typing import NamedTuple

from recado.domain.audit import Teller, health_note, service_url_note
from recado.domain.health import Direction, Finding, HealthCount, Offer, Redirect, redirect
from recado.domain.reference import Health
from recado.store.session import Row, Session, statements
from recado.store.verbs import audit, lanes, places, rows

_SQL = statements("healing")

#: Why a conversation that was gone is tried again.
_NEW_URL = "new_service_url"


async def learn(db: Session, number: int, finding: Finding) -> None:
    """Take in what an answer said about a conversation."""
    standing = await db.first(_SQL["standing"], (number,))
    if standing is None:
        return
    at = rows.micros(finding.answered_at)
    was_reachable = Health(standing["health"]).reachable
    if standing["last_seen"] > rows.micros(finding.asked_at):
        # The conversation said something while it was being asked: that is newer.
        await _follow(db, standing, finding, at)
        if finding.health is not None and was_reachable:
            await lanes.release_unreachable(db, number, at)
        return
    health = finding.health
    offered = await _redirect(db, standing, finding, at)
    if offered and health in (None, Health.GONE):
        health = Health.SUSPECT  # it may be well at the other place
    if health is None:
        return
    await _diagnose(db, standing, health, _Grounds(finding.reason, at, finding.by))
    if finding.health is not None and not finding.health.reachable:
        await lanes.hold_unreachable(db, number)
    await places.go_elsewhere(db, number, at)
    if health.reachable and (offered or not was_reachable):
        # With an offer also what was held a moment ago, so that the lane keeps its order.
        await lanes.release_unreachable(db, number, at)


async def learn_of(db: Session, reference_id: str, finding: Finding) -> None:
    """Take in what an answer said about the conversation of a reference."""
    found = await db.first(_SQL["number"], (reference_id,))
    if found is not None:
        await learn(db, found["number"], finding)


async def heal(db: Session, number: int, at: int) -> None:
    """What was delivered proves that its conversation can be spoken in."""
    standing = await db.one(_SQL["standing"], (number,))
    await _diagnose(db, standing, Health.ACTIVE, _Grounds(None, at, Teller.DELIVERY))
    await lanes.release_unreachable(db, number, at)


class _Grounds(NamedTuple):
    """How a change became known."""

    reason: str | None
    at: int
    by: Teller


async def _diagnose(db: Session, standing: Row, health: Health, grounds: _Grounds) -> None:
    """Write a conversation's health down, and in the audit if it has changed."""
    number, before = standing["number"], Health(standing["health"])
    reason = None if health is Health.ACTIVE else rows.clean(grounds.reason)
    told = {"number": number, "health": str(health), "reason": reason, "at": grounds.at}
    await db.run(_SQL["set_health"], told)
    if health is before:
        return
    proved = None
    if health is Health.ACTIVE and standing["former_url"] is not None:
        proved = standing["service_url"]
    note = health_note(before, health, reason=reason, by=grounds.by, service_url=proved)
    await audit.write(db, grounds.at, standing["bot"], number, note)


# -- where conversations are -----------------------------------------------------------------


async def _redirect(db: Session, standing: Row, finding: Finding, at: int) -> bool:
    """Have a conversation tried elsewhere if it may be there; whether that is an offer."""
    elsewhere = None
    # What was stored since is newer than an answer about another service URL.
    if finding.misdirected and standing["service_url"] == finding.service_url:
        elsewhere = redirect(_direction(standing), await _offer_for(db, standing))
    if elsewhere is None:
        await _follow(db, standing, finding, at)
        return False
    await _move(db, standing, elsewhere, _Grounds(finding.reason, at, Teller.OFFER))
    return elsewhere.offered


async def _move(db: Session, standing: Row, to: Redirect, grounds: _Grounds) -> None:
    """Try another service URL next; the audit has it once, not each time the two take turns."""
    await db.run(_SQL["move"], (to.service_url, to.former_url, standing["number"]))
    if to.offered:
        note = service_url_note(to.former_url, to.service_url, reason=grounds.reason, by=grounds.by)
        await audit.write(db, grounds.at, standing["bot"], standing["number"], note)


async def _follow(db: Session, standing: Row, finding: Finding, at: int) -> None:
    """Go where the channel itself pointed to, if it did."""
    before, after = standing["service_url"], finding.elsewhere
    if after is None or before != finding.service_url:
        return
    await db.run(_SQL["move"], (after, None, standing["number"]))
    note = service_url_note(before, after, reason=finding.reason, by=finding.by)
    await audit.write(db, at, standing["bot"], standing["number"], note)


# -- offers ----------------------------------------------------------------------------------


async def offer(db: Session, number: int, at: int) -> None:
    """Offer the service URL of a conversation to the others of its tenant and channel.

    Without a tenant nobody can tell which others belong together.
    """
    seen = await db.one(_SQL["standing"], (number,))
    if seen["tenant_id"] and seen["service_url"]:
        scope = (seen["bot"], seen["channel"], seen["tenant_id"])
        await db.run(_SQL["offer"], (*scope, seen["service_url"], at))


async def try_offers(db: Session, now: int, limit: int) -> int:
    """Have conversations that are gone tried where others of their tenant are; how many."""
    switched = 0
    left = limit
    while left > 0:
        fresh = await db.first(_SQL["untried"])
        if fresh is None:
            break
        found = await db.all(_SQL["gone"], {**dict(fresh), "limit": left})
        for gone in found:
            switched += await _try(db, gone, fresh, now)
        to = found[-1]["number"] if len(found) == left else None
        await db.run(_SQL["tried"], (to, fresh["bot"], fresh["channel"], fresh["tenant"]))
        left -= len(found)
    return switched


async def _try(db: Session, gone: Row, fresh: Row, now: int) -> bool:
    direction = _direction(gone)
    elsewhere = redirect(direction, _offer(fresh)) if direction.strayed else None
    if elsewhere is None or not elsewhere.offered:
        return False
    await _move(db, gone, elsewhere, _Grounds(gone["health_reason"], now, Teller.OFFER))
    await _diagnose(db, gone, Health.SUSPECT, _Grounds(_NEW_URL, now, Teller.OFFER))
    await lanes.release_unreachable(db, gone["number"], now)
    return True


async def _offer_for(db: Session, standing: Row) -> Offer | None:
    scope = (standing["bot"], standing["channel"], standing["tenant_id"])
    found = await db.first(_SQL["offered"], scope)
    return None if found is None else _offer(found)


def _offer(row: Row) -> Offer:
    return Offer(service_url=row["service_url"], seen_at=rows.instant(row["seen_at"]))


def _direction(row: Row) -> Direction:
    return Direction(
        service_url=row["service_url"],
        former_url=row["former_url"],
        last_seen=rows.instant(row["last_seen"]),
        health=Health(row["health"]),
        health_reason=row["health_reason"],
    )


# -- report ----------------------------------------------------------------------------------


async def report(db: Session, bot: str) -> list[HealthCount]:
    """How many conversations of each channel are in which health."""
    ailing = [
        HealthCount(
            channel=row["channel"],
            health=Health(row["health"]),
            many=row["many"],
            reason=row["health_reason"],
            since=rows.instant(row["since"]) if row["since"] else None,
        )
        for row in await db.all(_SQL["ailing"], (bot,))
    ]
    counted = []
    for channel, many in await db.all(_SQL["conversations"], (bot,)):
        of_it = [each for each in ailing if each.channel == channel]
        well = many - sum(each.many for each in of_it)
        if well:
            counted.append(HealthCount(channel=channel, health=Health.ACTIVE, many=well))
        counted += of_it
    return counted

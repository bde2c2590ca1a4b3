"""Rosters: kept page by page, so that reading one can go on where it ended."""

from __future__ import annotations

from collections.abc import Sequence

from recado.domain.reference import Member, Reference, fold_email
from recado.domain.roster import Reading, RosterMember
from recado.store.port import Page
from recado.store.session import Row, Session, statements
from recado.store.verbs import references, rows

_SQL = statements("rosters")


async def keep(  # noqa: PLR0913 - the port's verb, with times already translated
    db: Session,
    reference_id: str,
    members: Sequence[RosterMember],
    *,
    began_at: int,
    now: int,
    continuation: str | None,
    listed: int,
) -> None:
    """Keep a page; see the port."""
    found = await db.first(_SQL["number"], (reference_id,))
    if found is None:
        return
    number = found["number"]
    await db.hold([number])
    written = [_written(each) for each in members]
    await db.run(_SQL["list"], {"reference": number, "members": rows.dumps(written), "now": now})
    if continuation is None:
        await db.run(_SQL["ended"], (number,))
        await db.run(_SQL["drop_unlisted"], (number, began_at))
        return
    told = {"reference": number, "began_at": began_at, "listed": listed}
    await db.run(_SQL["go_on"], told | {"continuation": rows.clean(continuation)})


def _written(each: RosterMember) -> tuple[str | None, ...]:
    member = each.member
    return (
        rows.clean(member.user_id),
        rows.clean(member.name),
        rows.clean(member.aad_object_id),
        rows.clean(fold_email(member.email)) if member.email else None,
        rows.clean(fold_email(each.principal_name)) if each.principal_name else None,
        rows.clean(each.tenant_id),
    )


async def reading(db: Session, reference_id: str) -> Reading | None:
    """A roster that is being read."""
    row = await db.first(_SQL["reading"], (reference_id,))
    if row is None:
        return None
    return Reading(
        began_at=rows.instant(row["began_at"]),
        continuation=row["continuation"],
        listed=row["listed"],
    )


async def page(db: Session, reference_id: str, after: str | None, limit: int) -> Page[RosterMember]:
    """Who is on a roster, by user id."""
    cut = {"reference": reference_id, "after": after or "", "limit": limit + 1}
    found = await db.all(_SQL["page"], cut)
    items = [_member(row) for row in found[:limit]]
    return Page(items=items, next=items[-1].member.user_id if len(found) > limit else None)


async def of_person(db: Session, bot: str, name: str) -> tuple[RosterMember, Reference] | None:
    """Somebody on a roster, and the conversation whose roster it is."""
    wanted = {"bot": bot, "name": name, "email": rows.clean(fold_email(name))}
    row = await db.first(_SQL["of_person"], wanted)
    within = None if row is None else await references.by_id(db, row["within"])
    return None if row is None or within is None else (_member(row), within)


def _member(row: Row) -> RosterMember:
    return RosterMember(
        member=Member(
            user_id=row["user_id"],
            name=row["name"],
            aad_object_id=row["aad_object_id"],
            email=row["email"],
        ),
        tenant_id=row["tenant_id"],
        principal_name=row["principal_name"],
    )

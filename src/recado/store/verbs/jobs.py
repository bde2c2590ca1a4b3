"""The job log."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from recado.domain.job import Job, JobScope
from recado.domain.notification import Notification
from recado.domain.reference import Reference
from recado.errors import InvalidInput, JobAlreadyComplete, UnknownJob
from recado.store.port import Accepted, Page
from recado.store.session import Session, statements
from recado.store.verbs import acceptance, references, rows

_SQL = statements("jobs")

#: People ask for any number; SQLite counts to here.
_LAST_NUMBER = 2**63 - 1


async def start(  # noqa: PLR0913 - one row's worth of columns
    db: Session,
    scope: JobScope,
    reference: Reference,
    *,
    user: Mapping[str, Any] | None,
    now: int,
    title: str | None,
    source: str | None,
) -> Job:
    source = rows.clean(source)
    if source is not None:
        row = await db.first(_SQL["by_source"], (reference.number, source))
        if row is not None:
            return rows.job(row)
    number = await db.value(_SQL["next_number"], (scope.bot, scope.tenant))
    place = (scope.bot, scope.tenant, number, reference.number)
    told = (rows.maybe_dumps(user), rows.clean(title), source, now)
    await db.run(_SQL["insert"], (*place, *told))
    job = await one(db, scope, number)
    assert job is not None  # noqa: S101 - it was just made
    return job


async def one(db: Session, scope: JobScope, number: int) -> Job | None:
    if abs(number) > _LAST_NUMBER:
        return None
    row = await db.first(_SQL["one"], (scope.bot, scope.tenant, number))
    return None if row is None else rows.job(row)


async def page(db: Session, scope: JobScope | None, after: str | None, limit: int) -> Page[Job]:
    if scope is not None:
        start = (scope.bot, scope.tenant, _position(after)[2])
        found = await db.all(_SQL["page_of_scope"], (*start, limit + 1))
    else:
        found = await db.all(_SQL["page"], (*_position(after), limit + 1))
    items = [rows.job(row) for row in found[:limit]]
    last = items[-1] if len(found) > limit else None
    following = None
    if last is not None:
        following = rows.dumps([last.scope.bot, last.scope.tenant, last.number])
    return Page(items=items, next=following)


def _position(after: str | None) -> tuple[str, str, int]:
    if after is None:
        return "", "", 0
    try:
        bot, tenant, number = json.loads(after)
        if abs(number) <= _LAST_NUMBER:
            return str(bot), str(tenant), int(number)
    except (ValueError, TypeError):
        pass
    raise InvalidInput(f"{after!r} is no page: pass on what the page before gave as next.")


async def complete(  # noqa: PLR0913 - the port's verb
    db: Session,
    scope: JobScope,
    number: int,
    *,
    result: Any,
    notification: Notification,
    now: int,
) -> Accepted:
    """Completion and its notification, in one transaction."""
    job = await one(db, scope, number)
    if job is None:
        raise UnknownJob(number)
    key = (scope.bot, scope.tenant, number)
    if job.completed or not await db.run(_SQL["complete"], (now, rows.maybe_dumps(result), *key)):
        raise JobAlreadyComplete(number)
    reference = await references.by_id(db, job.reference_id)
    assert reference is not None  # noqa: S101 - references are never deleted
    return await acceptance.accept(db, notification, [reference])

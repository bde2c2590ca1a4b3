"""Long answers and their works."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Final

from recado.domain.answer import AnswerState, LongAnswer, Promise
from recado.domain.notification import Action, Notification
from recado.errors import AnswerOver, InvalidInput, UnknownAnswer
from recado.store.port import Accepted, Page, Replacing, Stint, WorksOutlook
from recado.store.session import Row, Session, statements
from recado.store.verbs import acceptance, references, rows

_SQL = statements("answers")

#: Comes after every id.
_LAST: Final = "~"


def _answer(row: Row) -> LongAnswer:
    return LongAnswer(
        id=row["id"],
        bot=row["bot"],
        reference_id=row["reference_id"],
        conversation_id=row["conversation_id"],
        work=row["name"],
        resumable=row["home"] is None,
        payload=json.loads(row["payload"]),
        user=rows.maybe_loads(row["user"]),
        fallback=row["fallback"],
        state=AnswerState(row["state"]),
        reason=row["reason"],
        detail=row["detail"],
        promised_at=rows.instant(row["promised_at"]),
        deadline_at=rows.instant(row["deadline_at"]),
        ended_at=rows.maybe_instant(row["ended_at"]),
        attempts=row["attempts"],
        sends=row["sends"],
        progress=row["progress"],
        progress_text=row["progress_text"],
        shown=row["shown"],
    )


def _stint(row: Row) -> Stint:
    return Stint(_answer(row), row["token"])


async def promise(db: Session, promise: Promise, lease_until: int) -> tuple[LongAnswer, bool]:
    source = rows.clean(promise.source)
    if source is not None:
        row = await db.first(_SQL["by_source"], (promise.reference, source))
        if row is not None:
            return _answer(row), True
    come, own = await db.one(_SQL["turn_of"], (promise.reference,))
    place = come if own is None else max(come, own + 1)
    owner = promise.owner if promise.turn is not None else promise.home
    await db.run(
        _SQL["promise"],
        (
            promise.id,
            promise.bot,
            promise.reference,
            source,
            promise.work,
            promise.home,
            rows.dumps(promise.payload),
            rows.maybe_dumps(promise.user),
            promise.fallback,
            place,
            promise.turn,
            owner,
            None if owner is None else lease_until,
            rows.micros(promise.promised_at),
            rows.micros(promise.deadline_at),
        ),
    )
    return await _known(db, promise.id), False


async def one(db: Session, answer_id: str) -> LongAnswer | None:
    row = await db.first(_SQL["one"], (rows.clean(answer_id),))
    return None if row is None else _answer(row)


async def _known(db: Session, answer_id: str) -> LongAnswer:
    found = await one(db, answer_id)
    if found is None:
        raise UnknownAnswer(answer_id)
    return found


async def page(
    db: Session, bot: str, state: AnswerState | None, after: str | None, limit: int
) -> Page[LongAnswer]:
    if after is not None and not after.isascii():
        raise InvalidInput(f"{after!r} is no page: pass on what the page before gave as next.")
    asked = {
        "bot": bot,
        "state": None if state is None else str(state),
        "after": after or _LAST,
        "limit": limit + 1,
    }
    found = [_answer(row) for row in await db.all(_SQL["page"], asked)]
    following = found[limit - 1].id if len(found) > limit else None
    return Page(items=found[:limit], next=following)


async def outlook(db: Session, owner: str, names: Collection[str]) -> WorksOutlook:
    told = {"owner": owner, "names": rows.dumps(sorted(names))}
    row = await db.one(_SQL["outlook"], told)
    return WorksOutlook(
        ready=bool(row["ready"]),
        mine=row["mine"],
        deadline_at=rows.maybe_instant(row["deadline_at"]),
        lease_until=rows.maybe_instant(row["lease_until"]),
        last_lease_until=rows.maybe_instant(row["last_lease_until"]),
        replacing=bool(row["replacing"]),
    )


async def claim(  # noqa: PLR0913 - the port's verb
    db: Session,
    owner: str,
    names: Collection[str],
    *,
    now: int,
    lease_until: int,
    limit: int,
    ended: Collection[str],
) -> Sequence[Stint]:
    if ended:
        await db.run(_SQL["end_turns"], {"ids": rows.dumps(sorted(ended)), "owner": owner})
    if limit <= 0:
        return ()
    wanted = {
        "owner": owner,
        "names": rows.dumps(sorted(names)),
        "now": now,
        "lease_until": lease_until,
        "limit": limit,
    }
    ids = [row["id"] for row in await db.all(_SQL["claim"], wanted)]
    if not ids:
        return ()
    return [_stint(row) for row in await db.all(_SQL["claimed"], (rows.dumps(ids),))]


async def renew(
    db: Session, owner: str, ids: Collection[str], lease_until: int
) -> Mapping[str, int]:
    told = {"ids": rows.dumps(sorted(ids)), "owner": owner, "until": lease_until}
    return {row["id"]: row["token"] for row in await db.all(_SQL["renew"], told)}


async def shorten(db: Session, latest: int) -> None:
    await db.run(_SQL["shorten"], {"latest": latest})


async def say(  # noqa: PLR0913 - the port's verb
    db: Session,
    stint: Stint,
    number: int,
    notification: Notification,
    now: int,
    *,
    replaces: bool,
) -> Accepted | None:
    told = {
        "id": stint.answer.id,
        "token": stint.token,
        "number": number,
        "now": now,
        "replacing": notification.id if replaces else None,
    }
    if not await db.run(_SQL["say"], told):
        answer = await _known(db, stint.answer.id)
        if answer.sends >= number:
            return None
        raise AnswerOver(answer.id, str(answer.state))
    return await _accept(db, stint.answer, notification)


async def progress(  # noqa: PLR0913, PLR0917 - the port's verb
    db: Session,
    stint: Stint,
    share: float,
    text: str | None,
    notification: Notification | None,
    now: int,
) -> Accepted | None:
    answer = await _known(db, stint.answer.id)
    first = notification is not None and notification.action is Action.SEND
    told = {
        "id": answer.id,
        "token": stint.token,
        "share": share,
        "text": rows.clean(text),
        "shown": notification.id if first and notification is not None else None,
        "now": now,
    }
    if not await db.run(_SQL["progress"], told):
        raise AnswerOver(answer.id, str(answer.state))
    # Read before, and not changed since: who runs the work says one thing after the other.
    if notification is None or answer.sends:
        return None
    return await _accept(db, answer, notification)


async def end(  # noqa: PLR0913 - the port's verb
    db: Session,
    answer_id: str,
    state: AnswerState,
    now: int,
    *,
    reason: str | None,
    detail: str | None,
    notification: Notification | None,
    token: int | None,
    lapsed: bool,
) -> tuple[bool, Accepted | None]:
    told = {
        "id": answer_id,
        "state": str(state),
        "reason": reason,
        "detail": rows.clean(detail),
        "now": now,
        "token": token,
        "lapsed": now if lapsed else None,
    }
    if not await db.run(_SQL["end"], told):
        return False, None
    if notification is None:
        return True, None
    answer = await _known(db, answer_id)
    if answer.sends:
        # Its collapse key is for progress that has not left. What has been said stays.
        notification = replace(notification, collapse_key=None)
    return True, await _accept(db, answer, notification)


async def hand_back(db: Session, stint: Stint, now: int, *, lapsed: bool, counted: bool) -> bool:
    told = {
        "id": stint.answer.id,
        "token": stint.token,
        "uncounted": 0 if counted else 1,
        "lapsed": now if lapsed else None,
    }
    return bool(await db.run(_SQL["hand_back"], told))


async def lapsed(db: Session, now: int, limit: int) -> Sequence[Stint]:
    return [_stint(row) for row in await db.all(_SQL["lapsed"], (now, limit))]


async def overdue(db: Session, now: int, limit: int) -> Sequence[LongAnswer]:
    return [_answer(row) for row in await db.all(_SQL["overdue"], (now, limit))]


async def replacing(db: Session, after: str, limit: int) -> Sequence[Replacing]:
    return [
        Replacing(
            answer_id=row["id"],
            reference_id=row["reference_id"],
            change=row["replacing"],
            content=row["content"],
            waiting=bool(row["waiting"]),
            arrived=bool(row["arrived"]) or row["content"] is None,
        )
        for row in await db.all(_SQL["replacing"], (after, limit))
    ]


async def settle_replacing(
    db: Session, answer_id: str, change: str, notification: Notification | None
) -> Accepted | None:
    if not await db.run(_SQL["settle_replacing"], (answer_id, change)) or notification is None:
        return None
    return await _accept(db, await _known(db, answer_id), notification)


async def forget(db: Session, before: int, limit: int) -> int:
    """Drop what ended before a time, the oldest first; how many."""
    return await db.run(_SQL["forget"], {"before": before, "limit": limit})


async def _accept(db: Session, answer: LongAnswer, notification: Notification) -> Accepted:
    if notification.action is not Action.SEND:
        return await acceptance.accept(db, notification, [])
    reference = await references.by_id(db, answer.reference_id)
    assert reference is not None  # noqa: S101 - references are never deleted
    return await acceptance.accept(db, notification, [reference])

"""Sweeping: tables that may name anybody anywhere are looked through, a portion at a time."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from recado.domain.consent import ERASED_CONTENT
from recado.store.session import Row, Session, Statement, statements
from recado.store.verbs import rows, steering
from recado.store.verbs.privacy.person import Person, others_of

_SQL = statements("privacy")

#: Deliveries of one notification that are cancelled; one that is about a person has few.
_MANY: Final = 1_000


class Sweep(NamedTuple):
    """A table, which rows of it are about somebody, and how that is taken out of them."""

    #: Without ``recado_``.
    table: str
    read: Statement
    #: The columns a portion begins after, and what is before all of them.
    key: tuple[str, ...]
    begin: tuple[Any, ...]
    is_about: Callable[[Row, Person], bool]
    take_out: Callable[[Session, Row, Person, int], Awaitable[None]]
    #: Whether it is of one bot.
    of_bot: bool = True

    async def portion(
        self, db: Session, person: Person, after: Sequence[Any], limit: int
    ) -> tuple[list[Row], list[Any] | None]:
        """Rows about somebody among the next ones, and where to go on."""
        begin = tuple(after) or self.begin
        of = (person.bot,) if self.of_bot else ()
        found = await db.all(self.read, (*begin, *of, limit))
        last = [found[-1][column] for column in self.key] if len(found) == limit else None
        return [row for row in found if self.is_about(row, person)], last


# -- notifications ---------------------------------------------------------------------------


def _is_for(row: Row, person: Person) -> bool:
    audience: list[str] = json.loads(row["audience"])
    return any(map(person.is_meant, audience)) or person.is_user(row["user"])


async def _blank_notification(db: Session, row: Row, person: Person, now: int) -> None:
    audience: list[str] = json.loads(row["audience"])
    others = others_of(audience, person)
    number, about = row["number"], person.is_user(row["user"])
    if others and not about:
        told = {"audience": rows.dumps(list(others)), "number": number}
        await db.run(_SQL["readdress"], told)
        return
    if about:
        live = [each[0] for each in await db.all(_SQL["of_notification"], (number, _MANY))]
        await steering.cancel_many(db, live, now, None)
    kept = others or [f"conversation:{each.id}" for each in person.places[:1]]
    blank = {"audience": rows.dumps(list(kept)), "content": ERASED_CONTENT, "number": number}
    await db.run(_SQL["blank_notification"], blank)
    await db.run(_SQL["drop_keys"], (number,))


# -- what names a user -----------------------------------------------------------------------


def _for_or_of(row: Row, person: Person) -> bool:
    return row["reference"] in person.numbers or person.is_user(row["user"])


def _was_told(row: Row, person: Person) -> bool:
    return row["reference"] in person.numbers


async def _drop_once(db: Session, row: Row, person: Person, now: int) -> None:  # noqa: ARG001
    await db.run(_SQL["drop_once"], (row["bot"], row["key"], row["reference"]))


async def _blank_job(db: Session, row: Row, person: Person, now: int) -> None:  # noqa: ARG001
    await db.run(_SQL["blank_job"], (row["bot"], row["tenant"], row["number"]))


async def _drop_work(db: Session, row: Row, person: Person, now: int) -> None:  # noqa: ARG001
    await db.run(_SQL["drop_work"], (row["id"],))


def _watches(row: Row, person: Person) -> bool:
    meant = any(map(person.is_meant, json.loads(row["audience"])))
    return _for_or_of(row, person) or person.is_named(row["person"]) or meant


async def _drop_watch(db: Session, row: Row, person: Person, now: int) -> None:  # noqa: ARG001
    await db.run(_SQL["drop_firings_of"], (row["number"],))
    await db.run(_SQL["drop_watch"], (row["number"],))


def _schedules(row: Row, person: Person) -> bool:
    meant = any(map(person.is_meant, json.loads(row["audience"])))
    return meant or person.is_named(row["user_id"])


async def _drop_schedule(db: Session, row: Row, person: Person, now: int) -> None:  # noqa: ARG001
    others = others_of(json.loads(row["audience"]), person)
    if others and not person.is_named(row["user_id"]):
        told = {"audience": rows.dumps(list(others)), "id": row["id"]}
        await db.run(_SQL["readdress_schedule"], told)
        return
    await db.run(_SQL["drop_occurrences_of"], (row["id"],))
    await db.run(_SQL["drop_lanes_of"], (row["id"],))
    await db.run(_SQL["drop_schedule"], (row["id"],))


def _asks(row: Row, person: Person) -> bool:
    return person.is_named(row["user_id"])


async def _drop_question(db: Session, row: Row, person: Person, now: int) -> None:  # noqa: ARG001
    await db.run(_SQL["drop_question"], (row["delivery"],))


def _recorded(row: Row, person: Person) -> bool:
    return person.is_named(row["by_whom"])


async def _blank_by(db: Session, row: Row, person: Person, now: int) -> None:  # noqa: ARG001
    await db.run(_SQL["blank_by"], (row["id"],))


def _told_by(row: Row, person: Person) -> bool:
    return person.is_named(json.loads(row["detail"]).get("by"))


async def _blank_audit(db: Session, row: Row, person: Person, now: int) -> None:  # noqa: ARG001
    detail: Mapping[str, Any] = json.loads(row["detail"])
    await db.run(_SQL["blank_audit"], (rows.dumps({**detail, "by": None}), row["number"]))


# -- what groups' conversations tell ---------------------------------------------------------


def _last_heard(row: Row, person: Person) -> bool:
    user = json.loads(row["raw"]).get("user")
    return row["number"] not in person.numbers and person.is_user(rows.maybe_dumps(user))


async def _blank_raw(db: Session, row: Row, person: Person, now: int) -> None:  # noqa: ARG001
    raw: Mapping[str, Any] = json.loads(row["raw"])
    told = {name: value for name, value in raw.items() if name != "user"}
    await db.run(_SQL["blank_raw"], (rows.dumps(told), row["number"]))


def _is_theirs(row: Row, person: Person) -> bool:
    return person.is_user(row["user"])


async def _blank_local_conversation(
    db: Session,
    row: Row,
    person: Person,  # noqa: ARG001 - the row is all it takes, and so in those above
    now: int,  # noqa: ARG001
) -> None:
    await db.run(_SQL["blank_local_conversation"], (row["id"],))


def _says(row: Row, person: Person) -> bool:
    activity = json.loads(row["activity"]) if row["activity"] else {}
    accounts = [activity.get("from"), activity.get("recipient")]
    accounts += activity.get("membersAdded") or []
    return any(person.is_user(rows.maybe_dumps(each)) for each in accounts)


async def _blank_local_activity(db: Session, row: Row, person: Person, now: int) -> None:  # noqa: ARG001
    await db.run(_SQL["blank_local_activity"], (row["conversation"], row["position"]))


SWEEPS: Final[tuple[Sweep, ...]] = (
    Sweep(
        "notification",
        _SQL["every_notification"],
        ("number",),
        (0,),
        _is_for,
        _blank_notification,
    ),
    Sweep("once", _SQL["every_once"], ("key", "reference"), ("", 0), _was_told, _drop_once),
    Sweep("job", _SQL["every_job"], ("tenant", "number"), ("", 0), _for_or_of, _blank_job),
    Sweep("work", _SQL["every_work"], ("id",), ("",), _for_or_of, _drop_work),
    Sweep("watch", _SQL["every_watch"], ("number",), (0,), _watches, _drop_watch),
    Sweep("schedule", _SQL["every_schedule"], ("id",), ("",), _schedules, _drop_schedule),
    Sweep("question", _SQL["every_question"], ("delivery",), ("",), _asks, _drop_question),
    Sweep("consent", _SQL["every_consent"], ("id",), ("",), _recorded, _blank_by),
    Sweep("audit", _SQL["every_audit"], ("number",), (0,), _told_by, _blank_audit),
    Sweep("reference", _SQL["every_reference"], ("number",), (0,), _last_heard, _blank_raw),
    Sweep(
        "local_conversation",
        _SQL["every_local_conversation"],
        ("id",),
        ("",),
        _is_theirs,
        _blank_local_conversation,
        of_bot=False,
    ),
    Sweep(
        "local_activity",
        _SQL["every_local_activity"],
        ("conversation", "position"),
        ("", -1),
        _says,
        _blank_local_activity,
        of_bot=False,
    ),
)

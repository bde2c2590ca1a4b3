"""The check of consent: nothing is said to those who do not want it, and nothing to the muted.

In a private conversation its members' wishes count, under every name they are known by. In a group
the group's own counts and, where a notification is about one person, that person's; what others in
it have said for themselves does not silence it for all.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final

from recado.domain.consent import Fact
from recado.domain.delivery import HeldReason
from recado.domain.politeness import Hold, Rules, Stop
from recado.domain.politeness import consent as rules_of_consent
from recado.domain.politeness.chain import Link
from recado.domain.reference import fold_email
from recado.store.session import Session, statements
from recado.store.verbs import rows
from recado.store.verbs.consent import fact_of
from recado.store.verbs.gate.leaving import Leaving
from recado.store.verbs.gate.order import overtaking
from recado.store.verbs.gate.windows import passes

_SQL = statements("consent")

#: By then what has become due has been let in.
_LATELY: Final = 86_400_000_000
#: Where accounts carry an e-mail address, if they do.
_EMAIL_FIELDS = ("email", "userPrincipalName")


async def check(
    db: Session,
    leaving: Sequence[Leaving],
    rules: Rules,  # noqa: ARG001 - nobody's settings stand above what people want
    now: int,
) -> Mapping[str, Stop]:
    """Those that may not leave, by their ids."""
    # What has waited for a silence that has just ended may not have been let in yet.
    if not await db.value(_SQL["refused"], (now - _LATELY,)):
        return {}
    found = await _facts(db, leaving)
    if not found:
        return {}
    present = rows.instant(now)
    stops: dict[str, Stop] = {}
    allowed: list[Leaving] = []
    for each in leaving:
        if (facts := found.get(each.lane)) is None:
            continue
        stop = rules_of_consent.decide(
            facts,
            category=each.manner.category,
            asked_at=rows.maybe_instant(each.manner.asked_at),
            now=present,
        )
        if stop is not None:
            stops[each.id] = stop
        elif not passes(each):
            allowed.append(each)
    for id_ in await overtaking(db, allowed, now):
        stops[id_] = Hold(HeldReason.WINDOW, present)
    return stops


async def tell(
    db: Session,
    waiting: Leaving,
    rules: Rules,  # noqa: ARG001 - as above
    now: int,
) -> Link | None:
    """What its recipient has said."""
    found = await _facts(db, [waiting])
    return rules_of_consent.tell(
        found.get(waiting.lane, ()),
        category=waiting.manner.category,
        asked_at=rows.maybe_instant(waiting.manner.asked_at),
        now=rows.instant(now),
    )


async def _facts(db: Session, leaving: Sequence[Leaving]) -> dict[int, list[Fact]]:
    """What was said about each lane."""
    asked = rows.dumps([_named(each) for each in leaving])
    found: dict[int, list[Fact]] = {}
    for row in await db.all(_SQL["of_lanes"], {"leaving": asked}):
        found.setdefault(row["lane"], []).append(fact_of(row))
    return found


def _named(each: Leaving) -> tuple[int, str | None, str | None, str | None]:
    """A lane, and who else is meant by what goes to it."""
    user = json.loads(each.manner.user) if each.is_group and each.manner.user else {}
    email = next((user[field] for field in _EMAIL_FIELDS if isinstance(user.get(field), str)), None)
    folded = None if email is None else fold_email(email)
    return each.lane, _text(user.get("id")), _text(user.get("aadObjectId")), folded


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None

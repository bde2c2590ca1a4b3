"""Expected: the reference that stands for somebody no conversation is known with."""

from __future__ import annotations

from recado.domain.consent import name_of
from recado.domain.expecting import AWAITED, expected_key
from recado.domain.reference import Health, Member, Reference, Sighting
from recado.errors import UnknownReference
from recado.store.session import Session, statements
from recado.store.verbs import references, rows

_SQL = statements("expecting")


async def expect(db: Session, bot: str, given: str, now: int) -> Reference:
    """The reference of whoever is expected under a name, the same each time."""
    name = str(rows.clean(name_of(given)))
    key = expected_key(bot, name)
    if await references.by_key(db, key) is None:
        email = name if "@" in name else None
        number = await references.add(
            db,
            Sighting(
                key=key,
                service_url="",
                at=rows.instant(now),
                conversation_type="personal",
                is_group=False,
                members=(Member(user_id=name, email=email),),
            ),
        )
        await db.run(_SQL["expect"], (str(Health.GONE), AWAITED, number))
    found = await references.by_key(db, key)
    if found is None:
        raise UnknownReference(f"There is no reference of {name}.")
    return found

"""A process that watches, tells what has happened and has watches look at it, and may be killed.

Run as ``python -m proofs.watching <database url> <step> [<point> <times>]``. It does the same from
the beginning each time, and everything in it can be repeated: conversations are known by their
ids, watches by their keys, events by theirs. So whatever was killed before, what has come of it
in the end is what one undisturbed process makes of it.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta
from typing import Final

from proofs.points import Plan, Points, marked
from recado.clock import SystemClock
from recado.config import Settings
from recado.domain.audience import Conversation
from recado.domain.event import Event
from recado.domain.ids import new_id
from recado.domain.watch import NewWatch, parse_rule
from recado.store.port import Store
from recado.testing import make_notification, make_sighting

#: Watches, and the values that come one after the other.
WATCHES: Final = 60
VALUES: Final = (0, 1, 2, 3)
_SUBJECT: Final = "price"
_CLOCK: Final = SystemClock()


async def watch(store: Store) -> None:
    """Make conversations, and a watch in each that tells every change."""
    sightings = [make_sighting(f"a:{number}") for number in range(WATCHES)]
    await store.capture(sightings)
    now = _CLOCK.now()
    for sighting in sightings:
        lane = await store.reference_by_key(sighting.key)
        assert lane is not None
        where = Conversation(lane.id)
        new = NewWatch(
            id=new_id(),
            bot="local",
            subject=_SUBJECT,
            rule=parse_rule("changes"),
            path=None,
            said=make_notification("{before}-{value}", audience=where, accepted_at=now),
            cooldown=timedelta(0),
            repeats=True,
            key=sighting.key.conversation_id,
            expires_at=None,
            created_at=now,
        )
        await store.make_watch(new, lane)


async def look(store: Store, step: int) -> None:
    """Have all watches look at all that has happened."""
    after = 0
    while True:
        done = await store.evaluate(_CLOCK.now(), after, step)
        if not done.full:
            return
        after = done.after


async def live(url: str, step: int, plan: Plan) -> None:
    """Everything, from the beginning."""
    store = marked(Settings(database_url=url).database, Points(plan))
    await store.open()
    try:
        await watch(store)
        for value in VALUES:
            event = Event(subject=_SUBJECT, data=value, id=str(value))
            await store.accept_events("local", [event], _CLOCK.now())
        await look(store, step)
    finally:
        await store.close()


def main() -> None:
    """Do what the command line says."""
    url, step, *fate = sys.argv[1:]
    plan = Plan(fate[0], int(fate[1])) if fate else Plan()
    asyncio.run(live(url, int(step), plan))


if __name__ == "__main__":
    main()

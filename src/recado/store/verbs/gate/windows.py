"""The check of the hours: nothing leaves while its recipient does not want to be told anything."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from recado.domain.delivery import HeldReason, Priority
from recado.domain.politeness import Hold, Rules, Stop
from recado.domain.politeness.chain import Link
from recado.domain.politeness.hours import open_week
from recado.domain.politeness.windows import (
    Now,
    hours_for,
    in_words,
    look,
    opening_in_words,
    zone_for,
)
from recado.domain.recipient import Preferences, people
from recado.store.session import Session
from recado.store.verbs import recipients, rows
from recado.store.verbs.gate.leaving import Leaving
from recado.store.verbs.gate.order import overtaking
from recado.store.verbs.recipients import Place

_NOTHING: Final = Preferences()
#: Where the hours leave no time at all, it is looked again after a day: they may have changed.
_DAY: Final = 86_400_000_000


def passes(each: Leaving) -> bool:
    """Whether hours and caps are nothing to it: it is urgent, or its recipient asked for it."""
    return each.priority == Priority.URGENT or each.manner.asked_at is not None


async def check(
    db: Session, leaving: Sequence[Leaving], rules: Rules, now: int
) -> Mapping[str, Stop]:
    """Those for which it is no good time, until the next one begins."""
    # Mostly there are none, and this is all that costs.
    if not rules.hours:
        return {}
    asked = [each for each in leaving if not passes(each)]
    if not asked:
        return {}
    found = await _places(db, asked)
    said = await recipients.at(db, found)
    stops: dict[str, Stop] = {}
    open_: list[Leaving] = []
    for each in asked:
        place = found[each.lane]
        there = _look(each, place, said.get(each.lane, _NOTHING), rules, now)
        if there.open:
            open_.append(each)
        else:
            until = now + _DAY if there.until is None else there.until
            stops[each.id] = Hold(HeldReason.WINDOW, rows.instant(until))
    # What has waited goes first, though nobody has let it in yet.
    for id_ in await overtaking(db, open_, now):
        stops[id_] = Hold(HeldReason.WINDOW, rows.instant(now))
    return stops


async def _places(db: Session, asked: Iterable[Leaving]) -> dict[int, Place]:
    """Where these go. In a group the person that something is about counts beside the group."""
    found = await recipients.places(db, {each.lane for each in asked})
    for each in asked:
        if each.is_group and each.manner.user:
            user = json.loads(each.manner.user)
            place, known_as = found[each.lane], (user.get("id"), user.get("aadObjectId"))
            names = people(name for name in known_as if isinstance(name, str))
            found[each.lane] = place._replace(names=(*place.names, *names))
    return found


def _look(each: Leaving, place: Place, said: Preferences, rules: Rules, now: int) -> Now:
    quiet, window = hours_for(rules, said, each.manner.category)
    zone, _ = zone_for(rules, said, place.told)
    spread = rows.micros_of(rules.spread)
    return look(open_week(quiet, window), zone, place.names[0], spread, now)


async def tell(db: Session, waiting: Leaving, rules: Rules, now: int) -> Link | None:
    """What the hours of its recipient say of a delivery."""
    found = await _places(db, [waiting])
    place = found[waiting.lane]
    said = (await recipients.at(db, found)).get(waiting.lane, _NOTHING)
    quiet, window = hours_for(rules, said, waiting.manner.category)
    if quiet is None and window is None:
        return None
    if passes(waiting):
        return Link(name="window", holds=False, said=passing(waiting, "waits for no window"))
    there = _look(waiting, place, said, rules, now)
    zone, _ = zone_for(rules, said, place.told)
    usual = look(open_week(quiet, window), zone, place.names[0], 0, now)
    told = in_words(rules, said, place.told, waiting.manner.category, open_=there.open)
    return Link(
        name="window",
        holds=not there.open,
        said=told + opening_in_words(there, usual, zone),
        since=rows.instant(there.since) if there.since else None,
        until=rows.maybe_instant(there.until),
    )


def passing(each: Leaving, what: str) -> str:
    """Why something passes, as a sentence."""
    asked = "Its recipient has asked for it, so it" if each.manner.asked_at is not None else ""
    return f"{asked or 'It is urgent and'} {what}."

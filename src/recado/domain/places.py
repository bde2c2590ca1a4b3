"""Places: in which of a person's private chats something is said to them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final, NamedTuple

from recado.domain.reference import Health

#: Nobody comes back from these without doing something about it.
GONE_FOR_GOOD: Final = frozenset({Health.BLOCKED, Health.UNINSTALLED, Health.GONE})


class Place(NamedTuple):
    """A private chat of a person.

    Attributes:
        number: that of its reference.
        health: whether something can be said there.
        preferred: whether its person wants to be told there.
        last_seen: when they were last seen there, in microseconds since 1970.
    """

    number: int
    health: Health
    preferred: bool
    last_seen: int


def best(places: Iterable[Place]) -> Place:
    """Where a person is told something.

    Where it is possible at all; of these where they want it, else where they were seen last.
    """
    return max(
        places,
        key=lambda place: (
            place.health not in GONE_FOR_GOOD,
            place.preferred,
            place.last_seen,
            place.number,
        ),
    )


def means_person(audience: Collection[str], names: Collection[str]) -> bool:
    """Whether what goes to a private chat is meant for its person, wherever they are.

    Args:
        audience: the short forms of whom it was for.
        names: the ids of the chat: its reference's, and the channel's.
    """
    chosen = {f"conversation:{name}" for name in names}
    if any(form in chosen for form in audience):
        return False
    return any(form.startswith(("user:", "everyone", "members:", "topic:")) for form in audience)

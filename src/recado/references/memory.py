"""Memory: what is known to be committed, so that most inbound turns wait for nothing."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from recado.domain.reference import ConversationKey, Presence, Sighting

#: Conversations remembered. With a person or two in each about 60 MB when full.
_REMEMBERED: Final = 100_000
#: At most this many people are remembered in a conversation.
_PEOPLE: Final = 1_000


class Memory:
    """What is known to be committed about conversations."""

    def __init__(self) -> None:
        self._known: OrderedDict[ConversationKey, _Known] = OrderedDict()

    def tells(self, sighting: Sighting) -> bool:
        """Whether *sighting* says nothing that would have to be committed at once."""
        known = self._known.get(sighting.key)
        return known is not None and known.tells(sighting)

    def keep(self, sighting: Sighting) -> None:
        """It has been committed."""
        known = self._known.setdefault(sighting.key, _Known())
        known.take(sighting)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)


class _Known:
    """What is known to be committed about a conversation."""

    __slots__ = ("_people", "_presence", "_service_url")

    def __init__(self) -> None:
        self._service_url = ""
        self._presence: Presence | None = None
        self._people: set[str] = set()

    def tells(self, sighting: Sighting) -> bool:
        """Whether *sighting* says nothing that would have to be committed at once."""
        return (
            sighting.service_url in ("", self._service_url)
            and sighting.presence is self._presence
            and not sighting.departed
            and all(member.user_id in self._people for member in sighting.members)
        )

    def take(self, sighting: Sighting) -> None:
        """It has been committed."""
        self._service_url = sighting.service_url or self._service_url
        self._presence = sighting.presence
        if len(self._people) > _PEOPLE:
            self._people.clear()
        self._people.update(member.user_id for member in sighting.members)
        self._people.difference_update(sighting.departed)

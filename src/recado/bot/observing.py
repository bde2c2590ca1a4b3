"""Observing: event activities of the bot's channel, taken in as events that can be watched.

Nothing is taken in until somebody says so, because whoever can write to the bot can send it such
activities as well: in Web Chat and over Direct Line any page, and so any visitor, chooses their
name and value, and the channel's token vouches for the channel alone. What is claimed is therefore
never taken at its word:

- only activities of the names that were given are looked at, only subjects that were given if
  they were, and only from senders that are let through if somebody decides about them;
- the source is the conversation it came through, whatever the event says (that is kept behind it),
  so that nobody can use up the ids of another source and have its events taken for repetitions;
- the time is when it came, so that nobody can date an event into the future and have those after
  it taken for old ones.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from inspect import isawaitable
from typing import Any
from urllib.parse import quote

from microsoft_agents.hosting.core import TurnContext

from recado.domain.cloudevents import CloudEvent, any_event
from recado.domain.event import Emitted, Event
from recado.domain.ids import new_id
from recado.domain.reference import Reference
from recado.errors import ConfigurationError, InvalidEvent

_log = logging.getLogger("recado.bot")

#: Decides whether the sender of an activity may say what has happened.
Allow = Callable[[TurnContext], bool | Awaitable[bool]]


class ObservedEvents:
    """Takes in the events that inbound activities tell of.

    Args:
        emit_many: takes in events.
        remember: the reference of a turn's conversation.
        names: of the activities that tell of events.
        subjects: what they may be about, with ``*`` and ``?`` as of file names; anything if None.
        allow: whether a turn's sender may tell of events; everybody may if None.

    Raises:
        ConfigurationError: no name is given, or something that is none.
    """

    def __init__(
        self,
        emit_many: Callable[[Sequence[Event]], Awaitable[Sequence[Emitted]]],
        remember: Callable[[TurnContext], Awaitable[Reference]],
        *,
        names: Collection[str],
        subjects: Collection[str] | None = None,
        allow: Allow | None = None,
    ) -> None:
        for given in (names, subjects or ()):
            if isinstance(given, str) or not all(given):
                raise ConfigurationError(
                    "names and subjects are lists of texts: write names=['recado/observe']."
                )
        if not names:
            raise ConfigurationError(
                "Say which event activities are to be taken in, as in names=['recado/observe']."
            )
        self._emit_many = emit_many
        self._remember = remember
        self._names = frozenset(names)
        self._subjects = None if subjects is None else tuple(subjects)
        self._allow = allow

    async def hear(self, context: TurnContext) -> None:
        """Take in what an event activity tells; what cannot be used is logged, and nothing more."""
        activity = context.activity
        if activity.name not in self._names:
            return
        try:
            event = any_event(activity.value, source="/", event_id=activity.id or new_id())
        except InvalidEvent as error:
            _log.warning("An activity %r is no event: %s", activity.name, error)
            return
        if not await self._may(context, event):
            _log.warning(
                "An activity %r tells of %r, which its sender may not: it is ignored.",
                activity.name,
                event.subject,
            )
            return
        here = await self._remember(context)
        try:
            await self._emit_many([_vouched(event, here, activity.value)])
        except InvalidEvent as error:
            _log.warning("An activity %r is not taken in: %s", activity.name, error)

    async def _may(self, context: TurnContext, event: CloudEvent) -> bool:
        if self._subjects is not None and not any(
            fnmatchcase(event.subject, pattern) for pattern in self._subjects
        ):
            return False
        if self._allow is None:
            return True
        allowed = self._allow(context)
        return bool(await allowed if isawaitable(allowed) else allowed)


def _vouched(event: CloudEvent, here: Reference, value: Any) -> Event:
    """The event with what is known for sure in place of what is claimed."""
    source = f"/conversations/{here.id}"
    if value.get("source"):
        source += f"?source={quote(event.source, safe='')}"
    return replace(event.observed(), source=source, time=None)

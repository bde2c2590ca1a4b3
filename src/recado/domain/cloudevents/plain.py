"""Events for people without CloudEvents: a subject and a value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from recado.domain.cloudevents.event import CloudEvent, kind_of
from recado.domain.cloudevents.members import structured_event
from recado.domain.event import OBSERVED
from recado.errors import InvalidEvent

_MEMBERS = ("subject", "value", "type", "source", "id", "time")


def plain_event(value: Any, *, source: str, event_id: str) -> CloudEvent:
    """The event that ``{"subject": …, "value": …}`` is.

    Args:
        value: the JSON value.
        source: where it happened, if it does not say so itself.
        event_id: its id, if it has none of its own.

    Raises:
        InvalidEvent: it is none, and the error says which member is at fault.
    """
    if not isinstance(value, Mapping):
        raise InvalidEvent(f"an event is a JSON object, and this is {kind_of(value)}")
    for name in value:
        if name not in _MEMBERS:
            known = ", ".join(_MEMBERS)
            raise InvalidEvent(f"there is no {name!r} in one; known are {known}", field=name)
    for name in ("subject", "value"):
        if value.get(name) is None:
            raise InvalidEvent(
                f'{name} is missing: write {{"subject": "tea", "value": 3.20}}', field=name
            )
    told = {name: each for name, each in value.items() if each is not None}
    data = told.pop("value")
    given = {"source": source, "id": event_id, "type": OBSERVED} | told
    return structured_event({**given, "specversion": "1.0", "data": data})


def any_event(value: Any, *, source: str, event_id: str) -> CloudEvent:
    """A CloudEvent, or a plain event; the former says its version.

    Args:
        value: the JSON value.
        source: where a plain event happened, if it does not say so itself.
        event_id: the id of a plain event that has none.

    Raises:
        InvalidEvent: it is neither.
    """
    if isinstance(value, Mapping) and "specversion" in value:
        return structured_event(value)
    return plain_event(value, source=source, event_id=event_id)

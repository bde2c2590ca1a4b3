"""Events as JSON: one (structured mode), and many (batched mode)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any, Final

from recado.domain.cloudevents.data import data_of
from recado.domain.cloudevents.event import CloudEvent, attributes_of, event_of, kind_of
from recado.errors import InvalidEvent

#: Most events of one batch.
MOST: Final = 1000


def structured_event(value: Any) -> CloudEvent:
    """The event that a JSON value is (structured mode).

    Raises:
        InvalidEvent: it is none, and the error says which attribute is at fault.
    """
    if not isinstance(value, Mapping):
        raise InvalidEvent(f"an event is a JSON object, and this is {kind_of(value)}")
    # A member that is null is one that is not there (JSON format §2.2).
    members = {name: each for name, each in value.items() if each is not None}
    data = members.pop("data", None)
    encoded = members.pop("data_base64", None)
    attributes = attributes_of(members)
    if encoded is not None:
        if data is not None:
            raise InvalidEvent("an event has data or data_base64, not both", field="data_base64")
        data = data_of(_decoded(encoded), attributes.get("datacontenttype"), field="data_base64")
    return event_of(attributes, data)


def batch_of_events(value: Any) -> Sequence[CloudEvent]:
    """The events of a JSON array (batched mode); all of them, or none.

    Raises:
        InvalidEvent: one of them is none; the error says which.
    """
    if not isinstance(value, list):
        raise InvalidEvent(f"a batch is a JSON array of events, and this is {kind_of(value)}")
    if len(value) > MOST:
        raise InvalidEvent(
            f"a batch has at most {MOST:,} events, and this one has {len(value):,}: send several"
        )
    events = []
    for index, each in enumerate(value):
        try:
            events.append(structured_event(each))
        except InvalidEvent as error:
            raise error.of_batch(index) from None
    return events


def _decoded(encoded: Any) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError, TypeError):
        raise InvalidEvent("data_base64 is no base64 text", field="data_base64") from None

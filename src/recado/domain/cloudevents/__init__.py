"""CloudEvents 1.0: what happened, as its producer tells it, read strictly.

The attributes are those of the CloudEvents specification (core §3), the JSON forms those of its
JSON event format, the headers those of its HTTP protocol binding.
"""

from __future__ import annotations

from recado.domain.cloudevents.event import CloudEvent, instant
from recado.domain.cloudevents.headers import binary_event, is_binary
from recado.domain.cloudevents.members import MOST, batch_of_events, structured_event
from recado.domain.cloudevents.plain import any_event, plain_event

__all__ = [
    "MOST",
    "CloudEvent",
    "any_event",
    "batch_of_events",
    "binary_event",
    "instant",
    "is_binary",
    "plain_event",
    "structured_event",
]

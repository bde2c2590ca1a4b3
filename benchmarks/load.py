"""What every sender is asked to do: one short text to each of many conversations."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

#: A channel without a rate of its own: what is measured is what sending costs, not waiting.
CHANNEL = "emulator"
TENANT = "6f1e5d3a-8f0b-4a36-9d0e-2b7c1f9a4e58"
TEXT = "Your report is ready: 1,284 rows, 3 warnings. Reply *show* to see it here."
AGENT = {"id": "28:0b1f6f0c-7f5d-4a0c-9f38-3f2f5b7f1c11", "name": "Reports"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """One run of one sender.

    Attributes:
        warm_up: how many conversations are spoken to before anything is measured.
        count: how many are spoken to while CPU and wall time are measured.
        rate: messages a second when the time to arrival is measured; 0 sends as fast as it goes.
        service_url: where the loopback channel listens.
        ca: a file with the certificate authority the channel's certificate is from; empty when
            it is spoken to without TLS.
        directory: a directory of this run's own, on a disk.
        postgres: the URL of a PostgreSQL server for senders that need one.
        postgres_pid: the process of that server.
    """

    warm_up: int
    count: int
    rate: float = 0
    service_url: str = ""
    ca: str = ""
    directory: str = ""
    postgres: str = ""
    postgres_pid: int = 0


def conversation_id(number: int) -> str:
    """An id as long as those of personal chats in Teams, which contain a colon."""
    return f"a:1kZ3xQm9v_T5nYwR2bLhJ7cPqXe8sUuG4oDfA6iK0gMtWyVzN1rBjHlCpEaSdOxFvI-{number:07d}"


def user_id(number: int) -> str:
    """The id of the person in that conversation."""
    return f"29:1bWmL8_pQz4YxGvT0nJdRkCuEoSfHaXi5-{number:07d}"


def url(load: Load, number: int) -> str:
    """Where an activity for that conversation is posted."""
    return f"{load.service_url}/v3/conversations/{conversation_id(number)}/activities"


def activity(number: int) -> dict[str, Any]:
    """The whole activity, for senders that have to be given one."""
    return {
        "type": "message",
        "text": TEXT,
        "channelId": CHANNEL,
        "from": AGENT,
        "recipient": {"id": user_id(number), "name": "Ana"},
        "conversation": {
            "id": conversation_id(number),
            "conversationType": "personal",
            "tenantId": TENANT,
        },
    }


def bodies(numbers: Sequence[int]) -> dict[int, bytes]:
    """The same as ready bytes, for senders that only post."""
    return {
        number: json.dumps(activity(number), separators=(",", ":")).encode() for number in numbers
    }

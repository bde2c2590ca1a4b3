"""The history of local conversations: what was said, in order, kept in the store.

A position in the history is everything at once: the order, the watermark, and the activity's
id. So an activity has its id the moment it is committed, and the same one after a restart.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Protocol

from recado.channel.local.broadcast import Broadcast
from recado.clock import Clock
from recado.domain.content import drop_nulls
from recado.domain.ids import new_id

#: The channel id of local conversations: to bots they are Direct Line's.
CHANNEL = "directline"

#: Service URL of every local conversation. The name is reserved (RFC 2606) and holds no port,
#: so references survive a restart on another one; the channel router maps it to this channel.
LOCAL_SERVICE_URL = "https://local.recado.invalid/"

#: The bot's ChannelAccount.
AGENT: Mapping[str, str] = {"id": "bot", "name": "Recado", "role": "bot"}

#: Name of the event that takes a removed activity's place, under its id. Web Chat replaces what
#: it shows by it and shows no event; any other type makes it show an error (tried with 4.18.1).
REMOVED = "messageDelete"

#: Key of a row that is no activity but says that the one at an earlier position has changed.
_MARKS = "marks"

#: Activities read at once.
PAGE = 100


class HistoryStore(Protocol):
    """What the local channel needs of :class:`recado.store.port.Store`."""

    async def secret(self, name: str) -> str: ...

    async def local_start(self, conversation_id: str, user: Mapping[str, Any] | None) -> bool: ...

    async def local_user(self, conversation_id: str) -> tuple[bool, Mapping[str, Any] | None]: ...

    async def local_append(
        self, conversation_id: str, activity: Mapping[str, Any], *, key: str | None = None
    ) -> tuple[int, bool]: ...

    async def local_replace(
        self, conversation_id: str, position: int, activity: Mapping[str, Any] | None
    ) -> bool: ...

    async def local_history(
        self, conversation_id: str, *, after: int, limit: int = 500
    ) -> list[tuple[int, Mapping[str, Any]]]: ...


@dataclass(frozen=True, slots=True)
class ActivitySet:
    """Activities as clients get them.

    Attributes:
        activities: in order.
        watermark: how far the reader has come; None when nothing of it is history.
    """

    activities: tuple[dict[str, Any], ...]
    watermark: int | None = None

    def body(self) -> dict[str, Any]:
        """The protocol's ActivitySet; a missing watermark is left out (protocol §6.2)."""
        body: dict[str, Any] = {"activities": list(self.activities)}
        if self.watermark is not None:
            body["watermark"] = str(self.watermark)
        return body


def new_conversation_id() -> str:
    """An id nobody can guess, with a bar in it as the Emulator's have (protocol §10).

    Lists of jobs show an id up to the bar. Half of the secret is behind it, so who reads such
    a list has not learned the id.
    """
    return f"{new_id()}|{secrets.token_hex(8)}-livechat"


def activity_id(conversation_id: str, position: int) -> str:
    """The id of the activity at *position*: conversation id, bar, counter (protocol §6.2)."""
    return f"{conversation_id}|{position:07d}"


def position_of(conversation_id: str, wanted: str) -> int | None:
    """The position an activity id stands for; None if it is not one of this conversation."""
    conversation, _, counter = wanted.rpartition("|")
    if conversation != conversation_id or not (counter.isascii() and counter.isdigit()):
        return None
    return int(counter[:18])


class History:
    """Local conversations: who is in them and what was said.

    Attributes:
        broadcast: tells followers in this process when a conversation has grown.

    Raises:
        StoreError: from every coroutine, when the store does not cooperate; nothing of what
            was asked has then happened.
    """

    def __init__(self, store: HistoryStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self.broadcast = Broadcast()

    async def start(self, conversation_id: str, person: Mapping[str, Any] | None) -> bool:
        """Note a conversation and the person in it; whether it is new."""
        return await self._store.local_start(conversation_id, person)

    async def person(self, conversation_id: str) -> tuple[bool, Mapping[str, Any] | None]:
        """Whether the conversation exists, and the person in it if known."""
        return await self._store.local_user(conversation_id)

    async def append(
        self, conversation_id: str, activity: Mapping[str, Any], *, key: str | None = None
    ) -> dict[str, Any]:
        """Say something in a conversation.

        Args:
            conversation_id: where; it must exist.
            activity: what, with ``from`` and ``recipient``.
            key: with the same key in the same conversation nothing is appended again.

        Returns:
            The activity with its address. The id is the earlier one if it was a repetition.
        """
        addressed = self._addressed(conversation_id, activity)
        position, appended = await self._store.local_append(conversation_id, addressed, key=key)
        if appended:
            self.broadcast.publish(conversation_id)
        return {**addressed, "id": activity_id(conversation_id, position)}

    def pass_on(self, conversation_id: str, activity: Mapping[str, Any]) -> str:
        """Show an activity to whoever looks right now, and keep nothing (typing).

        Returns:
            Its id, which is no position.
        """
        passing = self.address(conversation_id, activity)
        self.broadcast.publish(conversation_id, passing)
        return str(passing["id"])

    def address(self, conversation_id: str, activity: Mapping[str, Any]) -> dict[str, Any]:
        """An activity of this conversation that is kept nowhere, with an id of its own."""
        addressed = self._addressed(conversation_id, activity)
        return {**addressed, "id": f"{conversation_id}|{new_id()}"}

    async def change(
        self, conversation_id: str, wanted: str, activity: Mapping[str, Any] | None
    ) -> bool:
        """Replace an activity, or with None remove it.

        A row that points to it is appended, so that clients that have read past it see the
        change too, whenever they come.

        Returns:
            Whether there was such an activity.
        """
        position = position_of(conversation_id, wanted)
        if position is None:
            return False
        if activity is not None:
            activity = self._addressed(conversation_id, activity)
        if not await self._store.local_replace(conversation_id, position, activity):
            return False
        await self._store.local_append(
            conversation_id, {_MARKS: position, "timestamp": self._now()}
        )
        self.broadcast.publish(conversation_id)
        return True

    async def read(self, conversation_id: str, after: int) -> ActivitySet:
        """Up to a page of what came after a position; the watermark is how far it reaches."""
        rows = await self._store.local_history(conversation_id, after=after, limit=PAGE)
        activities = []
        for position, row in rows:
            changed = row.get(_MARKS)
            if changed is None:
                activities.append({**row, "id": activity_id(conversation_id, position)})
            elif changed <= after:  # a reader from further back gets the new form anyway
                activities.append(await self._changed(conversation_id, row))
        return ActivitySet(tuple(activities), rows[-1][0] if rows else after)

    async def end(self, conversation_id: str) -> int:
        """The last position."""
        after = 0
        while rows := await self._store.local_history(conversation_id, after=after):
            after = rows[-1][0]
        return after

    async def _changed(self, conversation_id: str, mark: Mapping[str, Any]) -> dict[str, Any]:
        position = int(mark[_MARKS])
        identity = activity_id(conversation_id, position)
        for found, row in await self._store.local_history(
            conversation_id, after=position - 1, limit=1
        ):
            if found == position:
                return {**row, "id": identity}
        removed = {"type": "event", "name": REMOVED, "from": dict(AGENT)}
        return {
            **self._addressed(conversation_id, removed),
            "timestamp": mark["timestamp"],
            "id": identity,
        }

    def _addressed(self, conversation_id: str, activity: Mapping[str, Any]) -> dict[str, Any]:
        return {
            **{key: value for key, value in drop_nulls(activity).items() if key != "id"},
            "timestamp": self._now(),
            "channelId": CHANNEL,
            "serviceUrl": LOCAL_SERVICE_URL,
            "conversation": {"id": conversation_id},
        }

    def _now(self) -> str:
        now = self._clock.now().astimezone(UTC)
        return now.isoformat(timespec="milliseconds").replace("+00:00", "Z")

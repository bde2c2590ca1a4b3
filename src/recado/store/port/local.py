"""The local channel's conversations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class LocalStore(Protocol):
    """The local channel's conversations."""

    async def local_start(self, conversation_id: str, user: Mapping[str, Any] | None) -> bool:
        """Note a local conversation and the person in it; the first person known stays.

        Returns:
            Whether it is new.
        """

    async def local_user(self, conversation_id: str) -> tuple[bool, Mapping[str, Any] | None]:
        """Whether a local conversation exists, and the person in it if known."""

    async def local_append(
        self, conversation_id: str, activity: Mapping[str, Any], *, key: str | None = None
    ) -> tuple[int, bool]:
        """Append an activity to a local conversation's history.

        Args:
            key: with the same key in the same conversation nothing is appended again.

        Returns:
            The activity's position, counted from 1, and whether it was appended now.
        """

    async def local_replace(
        self, conversation_id: str, position: int, activity: Mapping[str, Any] | None
    ) -> bool:
        """Replace the activity at *position*, or with None remove it; False if there is none.

        Positions of removed activities are not used again.
        """

    async def local_history(
        self, conversation_id: str, *, after: int, limit: int = 500
    ) -> list[tuple[int, Mapping[str, Any]]]:
        """Positions and activities later than *after*, in order."""

"""What bots keep between turns."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from recado.store.port.values import Kept, Put


class StateStore(Protocol):
    """What bots keep between turns: JSON under keys, each bot's apart from the others'.

    Keys are compared as they are. Each value has a revision, which is another after every write,
    also after the key was deleted meanwhile.
    """

    async def read_state(self, bot: str, keys: Collection[str]) -> Mapping[str, Kept]:
        """What is kept under those of *keys* that are known, as it was at one moment."""

    async def write_state(self, bot: str, puts: Sequence[Put]) -> Mapping[str, int]:
        """Keep all of *puts*, or nothing.

        Returns:
            The new revision of each key.

        Raises:
            StateConflict: a key does not have the revision it was expected to have.
        """

    async def delete_state(self, bot: str, keys: Collection[str]) -> None:
        """Forget what is kept under *keys*; those that are not known do not matter."""

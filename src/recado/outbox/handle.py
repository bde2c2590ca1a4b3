"""The handle: what ``notify`` gives back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from recado.domain.notification import Otherwise, Progress
from recado.errors import WaitInOwnTurn
from recado.outbox.turn import WAITS_FOR_ITSELF, current_turn
from recado.store.port import Accepted

if TYPE_CHECKING:
    from recado.outbox.outbox import Outbox


class Handle:
    """What ``notify`` gives back: the accepted notification, to ask about later."""

    def __init__(self, outbox: Outbox, accepted: Accepted, after_turn: str | None = None) -> None:
        self._outbox = outbox
        self._accepted = accepted
        self._after_turn = after_turn

    @property
    def id(self) -> str:
        """The notification's id."""
        return self._accepted.notification_id

    @property
    def delivery_ids(self) -> tuple[str, ...]:
        """Ids of the deliveries; empty for a broadcast, which is expanded after acceptance."""
        return self._accepted.delivery_ids

    @property
    def replayed(self) -> bool:
        """Whether the idempotency key was known and nothing new was accepted."""
        return self._accepted.replayed

    def of(self, outbox: Outbox) -> Handle:
        """The same notification, to be asked about at another outbox."""
        return Handle(outbox, self._accepted, self._after_turn)

    async def progress(self) -> Progress:
        """How far it has come."""
        return await self._outbox.progress(self.id)

    async def wait(self, timeout: float | None = None) -> Progress:  # noqa: ASYNC109 - a limit on waiting for people, not a cancellation scope
        """Wait until every delivery has ended or is parked, or *timeout* seconds have passed.

        Raises:
            WaitInOwnTurn: one of them leaves only after the turn that would wait.
        """
        turn = current_turn()
        if turn is not None and turn.id == self._after_turn:
            raise WaitInOwnTurn(WAITS_FOR_ITSELF)
        return await self._outbox.wait(self.id, timeout)

    async def update(
        self, content: str | Mapping[str, Any], *, otherwise: Otherwise | str = Otherwise.FOLLOW_UP
    ) -> Handle:
        """Change what it says, in every conversation; see :meth:`Outbox.update`.

        Returns:
            A handle on the update itself.
        """
        return await self._outbox.update(self.id, content, otherwise=otherwise)

    async def recall(self, content: str | Mapping[str, Any] | None = None) -> Handle:
        """Take it back, in every conversation; see :meth:`Outbox.recall`.

        Args:
            content: what to say where it cannot be removed; nothing is said there without it.

        Returns:
            A handle on the recall itself.
        """
        return await self._outbox.recall(self.id, content)

    def __repr__(self) -> str:
        return f"<Handle {self.id}>"

"""How long the claims of a process are its own, by its own clock."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from recado.clock import Clock
from recado.store.port import Claim


class Leases:
    """Knows which claims may have gone to another process.

    A process that was stopped for a while, or could not reach its database, goes on where it was.
    What it had asked the channel for is on its way; whatever it has not begun yet is not begun any
    more once its lease has run out, because another may be sending it.

    Args:
        clock: the time.
        lasting: how long a claim lasts by itself, and from each renewal on.
    """

    def __init__(self, clock: Clock, lasting: timedelta) -> None:
        self._clock = clock
        self._lasting = lasting
        #: When the leases of deliveries were extended last.
        self._renewed: dict[str, datetime] = {}

    def renewed(self, claims: Iterable[Claim], extended: Collection[str], at: datetime) -> None:
        """Take down what came of a renewal.

        Args:
            claims: all that this process holds.
            extended: ids of the deliveries among them whose lease was extended.
            at: when.
        """
        before = self._renewed
        self._renewed = {
            name: at if name in extended else before[name]
            for claim in claims
            if (name := claim.delivery_id) in extended or name in before
        }

    def last(self, claim: Claim) -> bool:
        """Whether a claim is certainly still this process's."""
        renewed = self._renewed.get(claim.delivery_id)
        since = claim.started_at if renewed is None else max(renewed, claim.started_at)
        return self._clock.now() < since + self._lasting

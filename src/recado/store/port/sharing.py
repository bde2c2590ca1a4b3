"""Sharing the channels' pace: who keeps a scope, and how others ask for leave."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from recado.domain.asking import Ask
from recado.domain.policy import Answer
from recado.domain.scope import Scope, Stamp
from recado.store.port.values import Shares, Taken


class SharingStore(Protocol):
    """Sharing the channels' pace: who keeps a scope, and how others ask for leave.

    A scope has one keeper at a time, a process that delivers. Where one process at a time
    delivers from a database, that one keeps every scope.
    """

    @property
    def one_delivers(self) -> bool:
        """Whether one process at a time delivers from this database."""

    def on_lost(self, tell: Callable[[], None]) -> None:
        """Have *tell* called when others may take what this process keeps for dead."""

    async def take(self, owner: str, scopes: Sequence[Scope], now: datetime) -> Taken:
        """Keep these scopes, as far as this process delivers and no process alive keeps them.

        Its lease has to be valid (:meth:`keep`), or others take its scopes away again.
        """

    async def keep(
        self, owner: str, now: datetime, until: datetime, let_go: Mapping[Scope, datetime]
    ) -> Shares:
        """Renew the lease on all scopes that this process keeps.

        Whoever is known to be dead keeps nothing, whatever its lease says.

        Args:
            owner: this process.
            now: the time.
            until: when the lease runs out.
            let_go: scopes that are free for others, and since when they were kept; those taken
                again since are not let go.
        """

    async def begun_elsewhere(
        self, owner: str, scopes: Collection[Scope], now: datetime
    ) -> list[Stamp]:
        """Attempts in *scopes* that other processes have begun and not settled, as of now.

        By pace key. Turns are not meant: what they send is asked leave for.
        """

    async def ask(self, ask: Ask) -> None:
        """Ask for leave."""

    async def asks(self, limit: int) -> Sequence[Ask]:
        """What was asked and is not forgotten, the longest waiting first."""

    async def grant(self, ids: Sequence[str], owner: str) -> Collection[str]:
        """Give leave; those it was given for now: the others are granted or withdrawn already."""

    async def granted(self, ids: Sequence[str]) -> Collection[str]:
        """For which of these leave was given."""

    async def hand_in(self, answers: Mapping[str, Answer]) -> None:
        """Tell how requests ended that leave was asked for.

        One that was not granted is forgotten. The others are when
        :attr:`~recado.store.port.values.Observed.handed_in` says so.
        """

"""Learning: what the database knows of scopes and pace keys that this process does not."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import timedelta

from recado.channel.pacing import Pacer
from recado.clock import Clock
from recado.domain.scope import Scope, Stamp
from recado.store.port import Store


class Learner:
    """Has the pacer take over what others have sent.

    Args:
        store: where that was recorded.
        pacer: takes it.
        clock: the time.
        owner: this process.
        longest_window: how far back the windows of the channels reach.
    """

    def __init__(
        self, store: Store, pacer: Pacer, clock: Clock, *, owner: str, longest_window: timedelta
    ) -> None:
        self._store = store
        self._pacer = pacer
        self._clock = clock
        self._owner = owner
        self._longest_window = longest_window
        #: Answers that the pacer has handed out, and that are not written down yet.
        self.unwritten: Callable[[], Iterable[Stamp]] = lambda: ()

    def unknown(self, scope: Scope, key: str) -> list[tuple[Scope, str]]:
        """What of a request's scope and pace key is not known."""
        return [(scope, each) for each in ("", key) if not self._pacer.knows(scope, each)]

    async def learn(self, asked: Collection[tuple[Scope, str]]) -> None:
        """Learn of scopes ("" for the key) and pace keys; what is known already stays as it is.

        Raises:
            StoreError: the database does not answer.
        """
        if not asked:
            return
        now = self._clock.now()
        shared = not self._pacer.keeping.whole
        scopes = {scope for scope, key in asked if shared and not key}
        # First what is under way, then what was answered: so nothing is missed that is answered
        # meanwhile. All of it was committed before its request left.
        begun = await self._store.begun_elsewhere(self._owner, scopes, now) if scopes else []
        pending = self._pending()
        stamps = await self._store.stamps(list(asked), now - self._longest_window)
        pauses = await self._store.pauses(now) if scopes else []
        fresh = {scope for scope in scopes if not self._pacer.knows(scope, "")}
        self._pacer.recall(stamps, asked, (pending | self._pending()).values())
        self._pacer.note(each for each in begun if each.scope in fresh)
        self._pacer.recall_pauses(
            each for each in pauses if Scope(each.bot, each.channel, each.tenant) in fresh
        )

    def _pending(self) -> dict[int, Stamp]:
        """Answers that may not be in what is read now, each by what tells it from its like."""
        return {id(each): each for each in (*self._pacer.pending(), *self.unwritten())}

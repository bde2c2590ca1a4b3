"""A desk to work at a store from: verbs with everything filled in but what a test is about."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from recado.clock import Clock
from recado.database_url import PostgresAddress, read_database_url
from recado.domain.audience import Audience, Conversation, EveryConversation, Several
from recado.domain.delivery import Evidence, HeldReason, Outcome, State
from recado.domain.politeness import NO_RULES
from recado.domain.reference import Health, Reference
from recado.store.port import (
    Accepted,
    Captured,
    Claim,
    Cycled,
    DeliveryDetail,
    DeliveryFilter,
    Observed,
    Settlement,
    Store,
    Wanted,
)
from recado.store.postgres import PostgresStore
from recado.store.session import Session, Work
from recado.store.sqlite import SqliteStore
from recado.store.sqlite.session import SqliteSession
from recado.testing import HandClock, make_notification, make_sighting

T = TypeVar("T")

SECOND = timedelta(seconds=1)
LEASE = timedelta(seconds=30)


@dataclass(frozen=True, kw_only=True)
class Backend:
    """A database the contract is held against."""

    #: A store over the test's own database; each call is like another process.
    make: Callable[[Any, Clock], Store]
    #: The fixture that says where that is.
    place: str = "tmp_path"
    #: Whether a second store finds what the first one committed.
    durable: bool = True


BACKENDS = {
    "sqlite": Backend(make=lambda path, clock: SqliteStore(path / "recado.db", clock)),
    "sqlite-memory": Backend(make=lambda _, clock: SqliteStore(None, clock), durable=False),
    "postgres": Backend(
        make=lambda url, clock: PostgresStore(postgres_address(url), clock, connections=4),
        place="migrated_url",
    ),
}


def plainly(do: Callable[[sqlite3.Connection], T]) -> Work[T]:
    """Work on SQLite's own connection, for what no statement of the store does."""

    async def work(session: Session) -> T:
        assert isinstance(session, SqliteSession)
        return do(session.connection)

    return work


def postgres_address(url: str) -> PostgresAddress:
    """Where a URL of PostgreSQL leads."""
    address = read_database_url(url)
    assert isinstance(address, PostgresAddress)
    return address


def make_settlement(
    claim: Claim, state: State = State.DELIVERED, at: datetime | None = None, **changes: Any
) -> Settlement:
    """How *claim* ended: delivered, or in *state* with a plausible reason."""
    outcome = {State.DELIVERED: Outcome.DELIVERED, State.UNKNOWN: Outcome.UNKNOWN}
    reasons = {State.HELD: str(HeldReason.BACKOFF), State.DELIVERED: None}
    told: dict[str, Any] = {
        "reason": reasons.get(state, "http_503"),
        "ended_at": at or claim.started_at,
        "outcome": outcome.get(state, Outcome.REJECTED),
        "evidence": Evidence(status=200 if state is State.DELIVERED else 503),
        "maybe_sent": state is State.UNKNOWN,
    }
    return Settlement(claim=claim, state=state, **(told | changes))


class Desk:
    """A store, the time, and who is working."""

    def __init__(self, store: Store, clock: HandClock, owner: str = "me") -> None:
        self.store = store
        self.clock = clock
        self.owner = owner
        #: How polite it is.
        self.rules = NO_RULES

    @property
    def now(self) -> datetime:
        return self.clock.now()

    def later(self, seconds: float) -> datetime:
        """Wind the clock forward; the new time."""
        self.clock.advance(seconds)
        return self.now

    # -- conversations

    async def see(self, conversation_id: str = "a:1", **changes: Any) -> Captured:
        """Capture a sighting made now."""
        sighting = make_sighting(conversation_id, **({"at": self.now} | changes))
        (captured,) = await self.store.capture([sighting])
        return captured

    async def meet(self, conversation_id: str = "a:1", **changes: Any) -> Reference:
        """A conversation that has been seen."""
        await self.see(conversation_id, **changes)
        return await self.find(conversation_id, **changes)

    async def find(self, conversation_id: str = "a:1", **changes: Any) -> Reference:
        """The conversation as it is stored."""
        found = await self.store.reference_by_key(make_sighting(conversation_id, **changes).key)
        assert found is not None
        return found

    # -- notifications

    async def say(self, text: str, *to: Reference, **changes: Any) -> str:
        """Accept a notification to one conversation, or to all; the delivery's id."""
        accepted = await self.accept(text, *to, **changes)
        return accepted.delivery_ids[0] if accepted.delivery_ids else ""

    async def accept(self, text: str, *to: Reference, **changes: Any) -> Accepted:
        """Accept a notification to these conversations or, without any, to all."""
        whom: Audience = EveryConversation()
        if len(to) == 1:
            whom = Conversation(to[0].id)
        elif to:
            whom = Several(tuple(Conversation(each.id) for each in to))
        told = {"audience": whom, "accepted_at": self.now} | changes
        return await self.store.accept(make_notification(text, **told), to)

    # -- work

    async def claim(
        self, limit: int = 64, *, settled: Sequence[Settlement] = (), owner: str | None = None
    ) -> Sequence[Claim]:
        """Settle, then claim what is due."""
        wanted = Wanted(limit=limit, rules=self.rules)
        return (await self.cycle(wanted, settled=settled, owner=owner)).claims

    async def cycle(
        self,
        wanted: Wanted,
        *,
        settled: Sequence[Settlement] = (),
        observed: Observed | None = None,
        owner: str | None = None,
    ) -> Cycled:
        """One step of work."""
        return await self.store.cycle(
            settled,
            owner=owner or self.owner,
            now=self.now,
            lease_until=self.now + LEASE,
            wanted=wanted,
            observed=observed or Observed(),
        )

    async def claim_of(self, delivery_id: str) -> Claim:
        """Claim one delivery; everything else that was due is handed back."""
        claims = await self.claim()
        (wanted,) = [claim for claim in claims if claim.delivery_id == delivery_id]
        await self.store.hand_back([claim for claim in claims if claim is not wanted])
        return wanted

    async def settle(self, claim: Claim, state: State = State.DELIVERED, **changes: Any) -> None:
        """Settle one attempt, and claim nothing."""
        await self.claim(0, settled=[make_settlement(claim, state, self.now, **changes)])

    async def send(self, state: State = State.DELIVERED, **changes: Any) -> Claim:
        """Claim the one delivery that is due and settle it."""
        (claim,) = await self.claim()
        await self.settle(claim, state, **changes)
        return claim

    async def send_all(self) -> None:
        """Claim all that is due and settle it."""
        for claim in await self.claim():
            await self.settle(claim)

    async def texts(self, claims: Sequence[Claim] | None = None) -> list[str]:
        """What the claims say, one after the other; of everything due if none are given."""
        if claims is None:
            claims = await self.claim()
        said = []
        for claim in claims:
            found = await self.detail(claim.delivery_id)
            said.append(json.loads(found.content or "{}")["text"])
        return said

    async def drain(self) -> list[str]:
        """Deliver all that is due, in the order it is claimed; the texts."""
        said: list[str] = []
        while claims := await self.claim():
            said += await self.texts(claims)
            for claim in claims:
                await self.settle(claim)
        return said

    # -- looking

    async def detail(self, delivery_id: str) -> DeliveryDetail:
        found = await self.store.delivery(delivery_id)
        assert found is not None
        return found

    async def state(self, delivery_id: str) -> State:
        return (await self.detail(delivery_id)).delivery.state

    async def standing(self, delivery_id: str) -> tuple[State, str | None]:
        """State and reason."""
        delivery = (await self.detail(delivery_id)).delivery
        return delivery.state, delivery.reason

    async def ids(self, **wanted: Any) -> list[str]:
        """Ids of all deliveries there are, newest first."""
        page = await self.store.deliveries(DeliveryFilter(**wanted), limit=10_000)
        return [each.id for each in page.items]

    # -- deliveries in every state

    async def delivery_in(self, state: State, to: Reference) -> str:
        """A delivery that has come to *state*, alone in its lane."""
        due = self.now + timedelta(hours=1)
        if state is State.SCHEDULED:
            return await self.say("x", to, due_at=due)
        if state is State.EXPIRED:
            made = await self.say("x", to, expires_at=self.now + SECOND)
            await self.store.promote(self.later(2), 10)
            return made
        if state is State.SUPERSEDED:
            made = await self.say("x", to, collapse_key="k")
            newer = await self.say("y", to, collapse_key="k")
            await self.store.cancel(newer, self.now)
            return made
        made = await self.say("x", to)
        if state is State.CANCELLED:
            await self.store.cancel(made, self.now)
        elif state is not State.PENDING:
            claim = await self.claim_of(made)
            if state is State.RETRYING:
                await self.settle(claim, state, due_at=self.now + SECOND)
            elif state is State.HELD:
                await self.settle(claim, state, due_at=due)
            elif state is not State.SENDING:
                await self.settle(claim, state)
        return made

    async def make_unreachable(self, to: Reference, health: Health = Health.BLOCKED) -> str:
        """Have the conversation answer that nobody can speak in it; the delivery that tried."""
        made = await self.say("tried", to)
        await self.settle(
            await self.claim_of(made),
            State.HELD,
            reason=str(HeldReason.UNREACHABLE),
            health=health,
            health_reason="told",
        )
        return made


#: States a delivery can be brought to from outside; ``suppressed`` is for consent, to come.
REACHABLE = [state for state in State if state is not State.SUPPRESSED]

"""Games in which several stores over one PostgreSQL database do anything, all at the same time.

Each store stands for a process. Between any two of its statements it hesitates, so that whatever
the others do comes in between. When all of them are at rest, the database is looked at by
:mod:`proofs.lanes`; at the end everything that is due is delivered, and nothing may be left.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar, cast

import asyncpg

from proofs.lanes import Findings, look
from recado.clock import Clock
from recado.database_url import PostgresAddress
from recado.domain.audience import Audience, Conversation, EveryConversation, Several
from recado.domain.audit import Teller
from recado.domain.content import content_of
from recado.domain.delivery import Evidence, OnUnknown, Outcome, Priority, State
from recado.domain.health import Finding
from recado.domain.notification import Action, Once, Otherwise, Turn
from recado.domain.pause import Pause, PauseKind
from recado.domain.reference import Health, Presence, Reference
from recado.errors import IdempotencyConflict, RecadoError, StoreError, TransitionRefused
from recado.store.port import Claim, Observed, Settlement, Wanted
from recado.store.postgres import PostgresStore
from recado.store.session import Session, Work
from recado.testing import HandClock, make_notification, make_sighting

T = TypeVar("T")

LEASE: Final = timedelta(seconds=30)
#: How often a verb hesitates between two statements, and for how long at most, in seconds.
_HESITATES: Final = 0.4
_HESITATION: Final = 0.004
#: Rounds of delivering after which everything has to be delivered.
_ENOUGH: Final = 200

#: What may be answered to a person who decides about something that has moved on.
_REFUSALS: Final = (TransitionRefused, IdempotencyConflict)

#: What comes of an attempt, and how often.
_ENDS: Final[Mapping[State, int]] = {
    State.DELIVERED: 10,
    State.RETRYING: 5,
    State.HELD: 3,
    State.REJECTED: 2,
    State.UNKNOWN: 2,
    State.PENDING: 1,
}


class _Hesitant:
    """A session that lets others go first now and then."""

    def __init__(self, db: Session, rng: random.Random) -> None:
        self._db = db
        self._rng = rng

    def __getattr__(self, name: str) -> Any:
        do = getattr(self._db, name)

        async def hesitantly(*told: Any) -> Any:
            if self._rng.random() < _HESITATES:
                await asyncio.sleep(self._rng.random() * _HESITATION)
            return await do(*told)

        return hesitantly


def hesitant(db: Session, rng: random.Random) -> Session:
    """The same session, which hesitates between its statements."""
    return cast("Session", _Hesitant(db, rng))


class HesitantStore(PostgresStore):
    """A store whose transactions take their time.

    Attributes:
        rng: how long; without it they do not.
    """

    def __init__(self, address: PostgresAddress, clock: Clock) -> None:
        super().__init__(address, clock, connections=3)
        self.rng: random.Random | None = None

    async def _write(self, work: Work[T]) -> T:
        rng = self.rng
        if rng is None:
            return await super()._write(work)
        return await super()._write(lambda db: work(hesitant(db, rng)))


class Board:
    """What all who play know of each other: who there is, and what has been accepted."""

    def __init__(self, clock: HandClock, references: Sequence[Reference]) -> None:
        self.clock = clock
        self.references = references
        #: Of what was accepted: notifications, and deliveries that were named.
        self.notifications: list[str] = []
        self.deliveries: list[str] = []
        #: Notifications that somebody cancelled, so that they may not come to everybody.
        self.ended: set[str] = set()
        #: Deliveries that somebody wanted to be tried wherever they are.
        self.retried: set[str] = set()
        self.turns: list[str] = []
        self.done: Counter[str] = Counter()
        #: What was done last, for whoever wants to know how it came to this.
        self.lately: deque[str] = deque(maxlen=200)


class Player:
    """A process that does anything at any time.

    Args:
        store: its own.
        board: what all know.
        owner: its name in leases.
        rng: what it does.
    """

    def __init__(self, store: HesitantStore, board: Board, owner: str, rng: random.Random) -> None:
        self._store = store
        self._board = board
        self._owner = owner
        self._rng = rng
        #: What it holds, each with the end of the lease it was given.
        self.claims: dict[Claim, datetime] = {}
        #: What it has settled, which it may do again.
        self._settled: deque[Settlement] = deque(maxlen=20)
        self._verbs: list[tuple[Callable[[], Awaitable[object]], int]] = [
            (self._accept_one, 14),
            (self._accept_several, 6),
            (self._accept_broadcast, 3),
            (self._accept_change, 5),
            (self._work, 24),
            (self._settle, 8),
            (self._settle_again, 2),
            (self._hand_back, 3),
            (self._renew, 2),
            (self._reap, 6),
            (self._promote, 6),
            (self._expand, 6),
            (self._see, 6),
            (self._learn, 2),
            (self._retry, 3),
            (self._cancel, 3),
            (self._mark, 2),
            (self._pause, 2),
            (self._resume, 3),
            (self._release, 2),
            (self._end_expansion, 1),
        ]

    @property
    def now(self) -> datetime:
        return self._board.clock.now()

    async def play(self, verbs: int) -> None:
        """Do so many things, one after the other."""
        kinds, weights = zip(*self._verbs, strict=True)
        self._store.rng = self._rng
        for verb in self._rng.choices(kinds, weights, k=verbs):
            name = verb.__name__.strip("_")
            self._board.lately.append(f"{self._owner} {name}")
            try:
                await verb()
            except _REFUSALS:
                name += " (refused)"
            except StoreError as error:
                raise AssertionError(f"{self._owner} could not {name}: {error}") from error
            except RecadoError:
                name += " (refused)"
            self._board.done[name] += 1

    # -- accepting

    async def _accept(self, to: Sequence[Reference], **changes: Any) -> None:
        whom: Audience = EveryConversation()
        if to:
            whom = Several(tuple(Conversation(each.id) for each in to))
        told: dict[str, Any] = {
            "audience": whom,
            "accepted_at": self.now,
            "priority": self._rng.choice((*Priority, Priority.NORMAL, Priority.NORMAL)),
            "on_unknown": self._rng.choice(list(OnUnknown)),
        }
        if self._rng.random() < 0.1:
            told["expires_at"] = self.now + timedelta(seconds=self._rng.randint(1, 90))
        accepted = await self._store.accept(make_notification(**(told | changes)), to)
        if not accepted.replayed:
            self._board.notifications.append(accepted.notification_id)
            self._board.deliveries += accepted.delivery_ids

    async def _accept_one(self) -> None:
        await self._accept([self._rng.choice(self._board.references)])

    async def _accept_several(self) -> None:
        many = self._rng.randint(1, len(self._board.references))
        to = self._rng.sample(self._board.references, many)
        changes: dict[str, Any] = {}
        match self._rng.randint(0, 5):
            case 0:
                changes["due_at"] = self.now + timedelta(seconds=self._rng.randint(1, 60))
            case 1:
                changes["collapse_key"] = self._rng.choice("ab")
            case 2:
                changes["once"] = Once(key=self._rng.choice("ab"), every=timedelta(seconds=60))
            case 3:
                changes["key"] = f"{self._rng.choice('abc')}{self.now.minute}"
            case 4:
                turn = f"turn-{self._rng.randint(1, 3)}"
                self._board.turns.append(turn)
                changes |= {"after_turn": turn, "after_turn_lane": to[0].number}
            case _:
                changes["turn"] = Turn(handler="report")
        await self._accept(to, **changes)

    async def _accept_broadcast(self) -> None:
        await self._accept(())

    async def _accept_change(self) -> None:
        if not self._board.notifications:
            return
        target = self._rng.choice(self._board.notifications[-6:])
        update = self._rng.random() < 0.7
        await self._accept(
            (),
            target=target,
            action=Action.UPDATE if update else Action.RECALL,
            content=content_of("new") if update else None,
            otherwise=Otherwise.FOLLOW_UP if update else Otherwise.REFUSE,
        )
        if not update:
            self._board.ended.add(target)

    # -- delivering

    async def _cycle(self, settlements: Sequence[Settlement], limit: int) -> None:
        until = self.now + LEASE
        waiting = settlements
        while waiting:
            waiting = await self._cycle_once(waiting, 0, until)
        if limit:
            await self._cycle_once([], limit, until)

    async def _cycle_once(
        self, settlements: Sequence[Settlement], limit: int, until: datetime
    ) -> Sequence[Settlement]:
        """Settle and claim; what has to wait."""
        cycled = await self._store.cycle(
            settlements,
            owner=self._owner,
            now=self.now,
            lease_until=until,
            wanted=Wanted(limit=limit),
            observed=Observed(),
        )
        self.claims |= dict.fromkeys(cycled.claims, until)
        return [each for each in settlements if each.claim.delivery_id in cycled.waiting]

    def _ended(self, claim: Claim) -> Settlement:
        state = self._rng.choices(list(_ENDS), list(_ENDS.values()))[0]
        changes: dict[str, Any] = {"reason": "http_503"}
        due = self.now + timedelta(seconds=self._rng.randint(0, 20))
        if state is State.HELD:
            changes = {"reason": "backoff", "due_at": due}
            if self._rng.random() < 0.4:
                changes = {"reason": "unreachable", "health": Health.BLOCKED}
        elif state is State.RETRYING:
            changes["due_at"] = due
        elif state is State.PENDING:
            changes["uncounted"] = True
        return settlement(claim, state, self.now, **changes)

    def _drawn(self) -> list[Claim]:
        """Some of what it holds."""
        many = self._rng.randint(0, len(self.claims))
        return self._rng.sample(list(self.claims), many)

    async def _work(self) -> None:
        settlements = [self._ended(claim) for claim in self._drawn()]
        await self._commit(settlements, self._rng.randint(1, 4))

    async def _settle(self) -> None:
        await self._commit([self._ended(claim) for claim in self._drawn()], 0)

    async def _settle_again(self) -> None:
        await self._cycle(list(self._settled)[-3:], 0)

    async def _commit(self, settlements: Sequence[Settlement], limit: int) -> None:
        for each in settlements:
            del self.claims[each.claim]
        self._settled += settlements
        await self._cycle(settlements, limit)

    async def _hand_back(self) -> None:
        drawn = self._drawn()
        for claim in drawn:
            del self.claims[claim]
        until = {
            claim.delivery_id: self.now + timedelta(seconds=5)
            for claim in drawn
            if self._rng.random() < 0.3
        }
        while drawn:
            drawn = list(await self._store.hand_back(drawn, until=until))

    async def _renew(self) -> None:
        drawn = self._drawn()
        await self._store.renew(drawn, self.now + LEASE)

    async def _reap(self) -> None:
        await self._store.reap(self._owner, self.now, self._rng.randint(1, 5))

    async def _promote(self) -> None:
        await self._store.promote(self.now, self._rng.randint(1, 20))

    async def _expand(self) -> None:
        await self._store.expand(self.now, self._rng.randint(1, 3))

    # -- what happens

    async def _see(self) -> None:
        to = self._rng.choice(self._board.references)
        presence = self._rng.choice((Presence.HERE, Presence.HERE, *Presence))
        name = to.key.conversation_id
        await self._store.capture([make_sighting(name, at=self.now, presence=presence)])

    async def _learn(self) -> None:
        to = self._rng.choice(self._board.references)
        health = self._rng.choice((Health.ACTIVE, Health.SUSPECT, Health.BLOCKED, Health.GONE))
        finding = Finding(
            by=Teller.DELIVERY,
            service_url=to.service_url,
            asked_at=self.now,
            answered_at=self.now,
            health=health,
            reason="told",
        )
        await self._store.learn(to.id, finding)

    async def _release(self) -> None:
        if self._board.turns and self._rng.random() < 0.7:
            await self._store.release_turn(self._rng.choice(self._board.turns[-4:]))
        else:
            await self._store.hasten(self.now, latest=self.now + timedelta(seconds=5))

    # -- what people do

    def _some(self) -> list[str]:
        lately = self._board.deliveries[-30:]
        return self._rng.sample(lately, min(len(lately), self._rng.randint(1, 6)))

    async def _retry(self) -> None:
        some = self._some()
        self._board.retried |= set(some)
        if len(some) == 1:
            await self._store.retry(some[0], self.now)
        else:
            await self._store.retry_many(some, self.now)

    async def _cancel(self) -> None:
        if len(some := self._some()) == 1:
            await self._store.cancel(some[0], self.now)
        else:
            await self._store.cancel_many(some, self.now)

    async def _mark(self) -> None:
        for each in self._some()[:1]:
            await self._store.mark_delivered(each, self.now)

    async def _pause(self) -> None:
        await self._store.pause(self._a_pause())

    async def _resume(self) -> None:
        await self._store.resume(self._a_pause(), self.now)

    def _a_pause(self) -> Pause:
        kind, name = PauseKind.CONVERSATION, self._rng.choice(self._board.references).id
        if self._board.notifications and self._rng.random() < 0.5:
            kind, name = PauseKind.NOTIFICATION, self._rng.choice(self._board.notifications[-4:])
        return Pause(kind=kind, reason="", since=self.now, bot="local", name=name)

    async def _end_expansion(self) -> None:
        if self._board.notifications:
            ended = self._rng.choice(self._board.notifications[-4:])
            self._board.ended.add(ended)
            await self._store.end_expansion(ended, self.now)


def settlement(claim: Claim, state: State, at: datetime, **changes: Any) -> Settlement:
    """How *claim* ended."""
    delivered = state is State.DELIVERED
    outcome = Outcome.UNKNOWN if state is State.UNKNOWN else Outcome.REJECTED
    told: dict[str, Any] = {
        "ended_at": max(at, claim.started_at),
        "outcome": Outcome.DELIVERED if delivered else outcome,
        "evidence": Evidence(
            status=200 if delivered else 503,
            activity_id=claim.delivery_id if delivered else None,
        ),
        "maybe_sent": state is State.UNKNOWN,
    }
    told |= changes
    if delivered:
        told["reason"] = None
    return Settlement(claim=claim, state=state, **told)


class Game:
    """Players over one database, which is empty when it begins.

    Args:
        stores: open, over the same database; one for each player.
        looker: a connection to it, for whoever looks.
        clock: the time, which it winds.
        lanes: how many conversations there are; the fewer, the more they meet.
        seed: what is drawn.
    """

    def __init__(
        self,
        stores: Sequence[HesitantStore],
        looker: asyncpg.Connection,
        clock: HandClock,
        *,
        lanes: int,
        seed: int,
    ) -> None:
        self._stores = stores
        self._looker = looker
        self._clock = clock
        self._lanes = lanes
        self._rng = random.Random(seed)
        self._players: list[Player] = []
        self.board: Board | None = None

    async def play(self, rounds: int, verbs: int = 4) -> Findings:
        """Play, and look at the database after each round; what was found in the end.

        Raises:
            AssertionError: something is not as it should be.
        """
        store = self._stores[0]
        for each in self._stores:
            each.rng = None
        await store.capture(
            [make_sighting(f"a:{each}", at=self._clock.now()) for each in range(self._lanes)]
        )
        board = self.board = Board(self._clock, (await store.references()).items)
        self._players = [
            Player(each, board, f"player-{number}", random.Random(self._rng.random()))
            for number, each in enumerate(self._stores)
        ]
        findings = Findings()
        for _ in range(rounds):
            await asyncio.gather(*(each.play(verbs) for each in self._players), self._wind())
            findings = await look(self._looker)
            findings.raise_for_trouble()
            self._check_leases(findings)
            missing = set(board.deliveries) - findings.known
            assert not missing, f"lost: {missing}"
            findings.raise_for_the_gone(board.retried)
        await self._deliver_all()
        findings = await look(self._looker)
        findings.raise_for_trouble()
        findings.raise_for_what_is_left()
        findings.raise_for_left_out(board.ended, [each.number for each in board.references])
        return findings

    async def _wind(self) -> None:
        await asyncio.sleep(self._rng.random() * 0.02)
        if self._rng.random() < 0.5:
            self._clock.advance(self._rng.choice((0.1, 1.0, 4.0, 20.0, 40.0)))

    def _check_leases(self, findings: Findings) -> None:
        """Nobody's lane was given to another while its lease lasted."""
        for player in self._players:
            for claim, until in player.claims.items():
                held = findings.holders.get(claim.lane)
                if until >= self._clock.now():
                    assert held == (claim.token, claim.delivery_id), (
                        f"lane {claim.lane} of {claim.delivery_id} was taken away: {held}"
                    )

    async def _deliver_all(self) -> None:
        """Everybody has crashed but one, who delivers what is due until nothing is."""
        assert self.board is not None
        store = self._stores[0]
        store.rng = None
        for pause in await store.pauses(self._clock.now()):
            await store.resume(pause, self._clock.now())
        for turn in set(self.board.turns):
            await store.release_turn(turn)
        for _ in range(_ENOUGH):
            self._clock.advance(3600)
            now = self._clock.now()
            moved = len(await store.reap("the-last", now, 1000))
            moved += await store.expand(now, 1000)
            moved += await store.promote(now, 1000)
            claims: Sequence[Claim] = ()
            while True:
                cycled = await store.cycle(
                    [settlement(claim, State.DELIVERED, now) for claim in claims],
                    owner="the-last",
                    now=now,
                    lease_until=now + LEASE,
                    wanted=Wanted(limit=64),
                    observed=Observed(),
                )
                claims = cycled.claims
                moved += len(claims)
                if not claims:
                    break
            if not moved:
                return
        raise AssertionError("it does not come to an end")

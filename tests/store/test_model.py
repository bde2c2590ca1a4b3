"""The life cycle against a model of it: any verbs in any order, and what must hold after each.

The model knows nothing of lanes as rows, of heads or of tokens; it knows what docs/lifecycle.md
says about deliveries. It is run against the verbs behind the adapters, one at a time, without
their threads and pools.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from recado.domain.audience import Conversation, Several
from recado.domain.delivery import FINAL, IN_LANE, TRANSITIONS, OnUnknown, Priority, State
from recado.domain.pause import Pause, PauseKind
from recado.domain.politeness import NO_RULES
from recado.domain.reference import Health, Presence, Reference
from recado.domain.steering import RETRIABLE
from recado.errors import TransitionRefused
from recado.store.port import Claim, Observed, Wanted
from recado.store.session import Row
from recado.store.verbs import (
    acceptance,
    delivery,
    looking,
    pauses,
    references,
    steering,
    waiting,
)
from recado.store.verbs.rows import micros
from recado.store.verbs.sight import Sight
from recado.testing import START, make_notification, make_sighting
from tests.conftest import EMPTY
from tests.store.ground import Ground, PostgresGround, SqliteGround
from tests.store.kit import make_settlement

LANES = 3
SOON = st.integers(1, 20).map(lambda seconds: timedelta(seconds=seconds))
#: What activities say; the others are what programs have kept.
PRESENCES = (Presence.HERE, Presence.LEFT, Presence.ENDED)
WAITING = (State.SCHEDULED, State.PENDING, State.RETRYING, State.HELD)
PAUSED = (State.HELD, "paused")
ENDED = FINAL | {State.UNKNOWN}


@dataclass
class Modelled:
    """What a delivery should be."""

    id: str
    lane: int
    priority: Priority
    on_unknown: OnUnknown
    collapse_key: str | None
    expires_at: datetime | None
    #: As it was asked for.
    until: datetime | None
    state: State
    reason: str | None = None
    due_at: datetime | None = None
    #: Its place: urgent ones first, then by entry.
    entry: int = 0
    attempts: int = 0
    maybe_sent: bool = False
    #: Cancelled while it was being sent.
    stopped: bool = False
    notification: str = ""

    @property
    def place(self) -> tuple[bool, int, str]:
        return self.priority is not Priority.URGENT, self.entry, self.id

    def outlived(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now


@dataclass
class Lane:
    """What a conversation should be."""

    reference: Reference
    health: Health = Health.ACTIVE
    last_seen: datetime = START
    #: The claim under way, whatever has become of its delivery.
    claim: Claim | None = None
    paused: bool = False


class LifeCycle(RuleBasedStateMachine):
    """Everything that can happen to deliveries of three conversations."""

    made = Bundle("made")
    claims = Bundle("claims")
    lost = Bundle("lost")

    def __init__(self, ground: Ground) -> None:
        super().__init__()
        self.ground = ground
        self.do, self.rows = ground.do, ground.rows

    @initialize()
    def begin(self) -> None:
        self.ground.reset()
        self.now = START
        self.entries = 0
        self.owner = 0
        self.known: dict[str, Modelled] = {}
        self.lanes: dict[int, Lane] = {}
        self.paused: set[str] = set()
        sightings = [make_sighting(f"a:{number}") for number in range(LANES)]
        self.do(lambda db: references.capture(db, sightings))
        for found in self.do(lambda db: references.page(db, None, None, LANES)).items:
            self.lanes[found.number] = Lane(found)

    # -- helpers -----------------------------------------------------------------------------

    def standing(self, lane: int) -> list[Modelled]:
        """What stands in a lane, in order."""
        inside = [each for each in self.known.values() if each.lane == lane]
        return sorted((each for each in inside if each.state in IN_LANE), key=lambda d: d.place)

    def enter(self, each: Modelled) -> None:
        """It enters its lane at the end."""
        self.entries += 1
        each.entry = self.entries
        each.state, each.reason, each.due_at = State.PENDING, None, None

    def hold_all(self, lane: int) -> None:
        """The conversation is gone."""
        for each in self.standing(lane):
            if each.state is not State.SENDING:
                each.state, each.reason, each.due_at = State.HELD, "unreachable", None

    def release(self, lane: int) -> None:
        """The conversation is back."""
        self.lanes[lane].health = Health.ACTIVE
        held = [
            each
            for each in self.known.values()
            if each.lane == lane and (each.state, each.reason) == (State.HELD, "unreachable")
        ]
        for each in sorted(held, key=lambda d: (d.entry, d.id)):
            self.enter(each)

    def end(self, each: Modelled, state: State, reason: str | None) -> None:
        each.state, each.reason, each.due_at = state, reason, None

    def cycle(self, settlements: Sequence[Any], limit: int) -> Sequence[Claim]:
        work = partial(
            delivery.cycle,
            settlements=settlements,
            owner=f"owner-{self.owner}",
            now=micros(self.now),
            # It has run out, so that whoever crashes is taken over from at once.
            lease_until=micros(self.now) - 1,
            wanted=Wanted(limit=limit),
            observed=Observed(),
            sight=Sight(spares=False),
        )
        return self.do(work).claims

    def found(self) -> dict[str, Row]:
        """Every delivery there is, live or in history."""
        rows = self.rows(
            "SELECT id, state, reason, attempts, due_at, maybe_sent FROM recado_delivery"
            " UNION ALL"
            " SELECT id, state, reason, attempts, NULL, NULL FROM recado_history"
        )
        found = {row["id"]: row for row in rows}
        assert len(found) == len(rows), "live and in history at once"
        return found

    # -- what people and time do -------------------------------------------------------------

    @rule(
        target=made,
        to=st.sets(st.integers(1, LANES), min_size=1),
        priority=st.sampled_from(Priority),
        on_unknown=st.sampled_from(OnUnknown),
        delay=st.none() | SOON,
        life=st.none() | SOON,
        key=st.none() | st.just("key"),
    )
    def accept(  # noqa: PLR0917 - hypothesis passes what it draws by name, never by place
        self,
        to: set[int],
        priority: Priority,
        on_unknown: OnUnknown,
        delay: timedelta | None,
        life: timedelta | None,
        key: str | None,
    ) -> str:
        """Accept a notification to some of the conversations; one of its deliveries is kept."""
        due = self.now + (delay or timedelta(0))
        expires = due + life if life else None
        recipients = [self.lanes[number].reference for number in sorted(to)]
        notification = make_notification(
            audience=Several(tuple(Conversation(each.id) for each in recipients)),
            accepted_at=self.now,
            due_at=due,
            expires_at=expires,
            priority=priority,
            on_unknown=on_unknown,
            collapse_key=key,
        )
        accepted = self.do(lambda db: acceptance.accept(db, notification, recipients))
        self.entries += 1
        for number, made in zip(sorted(to), accepted.delivery_ids, strict=True):
            for older in self.known.values():
                same = key is not None and (older.lane, older.collapse_key) == (number, key)
                if same and older.state in WAITING:
                    self.end(older, State.SUPERSEDED, "collapse_key")
            each = Modelled(
                id=made,
                lane=number,
                priority=priority,
                on_unknown=on_unknown,
                collapse_key=key,
                expires_at=expires,
                until=expires,
                state=State.PENDING,
                entry=self.entries,
                notification=accepted.notification_id,
            )
            if delay:
                each.state, each.due_at = State.SCHEDULED, due
            elif not self.lanes[number].health.reachable:
                each.state, each.reason = State.HELD, "unreachable"
            self.known[made] = each
        return accepted.delivery_ids[-1]

    @rule(by=SOON)
    def wind(self, by: timedelta) -> None:
        """Time passes."""
        self.now += by

    @rule(number=st.integers(1, LANES), presence=st.sampled_from(PRESENCES))
    def see(self, number: int, presence: Presence) -> None:
        """An activity comes in."""
        lane = self.lanes[number]
        name = lane.reference.key.conversation_id
        sighting = make_sighting(name, at=self.now, presence=presence)
        self.do(lambda db: references.capture(db, [sighting]))
        lane.last_seen = self.now
        if presence is Presence.LEFT:
            if lane.health is not Health.UNINSTALLED:
                self.hold_all(number)
            lane.health = Health.UNINSTALLED
        elif presence is Presence.ENDED:
            if lane.health.reachable:
                self.hold_all(number)
                lane.health = Health.GONE
        elif not lane.health.reachable:
            self.release(number)

    @rule()
    def promote(self) -> None:
        """The timekeeper looks."""
        self.do(lambda db: waiting.promote(db, micros(self.now), 1_000))
        for each in self.known.values():
            waits = each.state not in FINAL | {State.SENDING, State.UNKNOWN}
            if waits and each.outlived(self.now):
                self.outlive(each)
        due = [
            each
            for each in self.known.values()
            if each.state in (State.SCHEDULED, State.HELD)
            and each.due_at is not None
            and each.due_at <= self.now
        ]
        for each in sorted(due, key=lambda d: (d.due_at, d.entry, d.id)):
            if self.lanes[each.lane].health.reachable:
                self.enter(each)
            else:
                each.state, each.reason, each.due_at = State.HELD, "unreachable", None
        for each in self.known.values():
            held = (each.state, each.reason) == (State.HELD, "paused")
            if held and each.notification not in self.paused:
                if self.lanes[each.lane].health.reachable:
                    each.state, each.reason = State.PENDING, None
                else:
                    each.reason = "unreachable"

    @rule(which=made)
    def retry(self, which: str) -> None:
        """A person wants it tried again."""
        each = self.known[which]
        try:
            self.do(lambda db: steering.retry(db, which, micros(self.now)))
        except TransitionRefused:
            assert each.state not in (State.REJECTED, State.UNKNOWN, State.HELD, State.RETRYING)
        else:
            if each.state is State.RETRYING:
                each.due_at = self.now
            else:
                assert each.state in (State.REJECTED, State.UNKNOWN, State.HELD)
                if each.state is State.REJECTED:
                    each.maybe_sent = False  # what may have arrived is never called rejected
                self.enter(each)
            self.want_again(each)

    @rule(which=made)
    def cancel(self, which: str) -> None:
        """A person does not want it any more."""
        each = self.known[which]
        try:
            self.do(lambda db: steering.cancel(db, which, micros(self.now)))
        except TransitionRefused:
            assert State.CANCELLED not in TRANSITIONS[each.state]
        else:
            assert State.CANCELLED in TRANSITIONS[each.state]
            maybe = each.maybe_sent and each.state is not State.UNKNOWN
            self.end(each, State.UNKNOWN if maybe else State.CANCELLED, "cancelled")

    @rule(which=st.lists(made, unique=True))
    def retry_many(self, which: list[str]) -> None:
        """A person wants several tried again, oldest first."""
        self.do(lambda db: steering.retry_many(db, sorted(which), micros(self.now)))
        for each in (self.known[name] for name in sorted(which)):
            if each.state is State.RETRYING:
                each.due_at = self.now
            elif each.state in RETRIABLE:
                each.maybe_sent = each.maybe_sent and each.state is not State.REJECTED
                self.enter(each)
            else:
                continue
            self.want_again(each)

    def want_again(self, each: Modelled) -> None:
        """That it was cancelled while it was being sent counts no more."""
        if each.stopped:
            each.stopped, each.expires_at = False, each.until

    @rule(which=st.lists(made, unique=True))
    def cancel_many(self, which: list[str]) -> None:
        """A person does not want several any more."""
        told = self.do(lambda db: steering.cancel_many(db, which, micros(self.now), None))
        before = Counter(self.known[name].state for name in which)
        assert told.sending == before[State.SENDING]
        assert told.cancelled + told.maybe == sum(before[s] for s in (*WAITING, State.UNKNOWN))
        for each in (self.known[name] for name in which):
            if each.state is State.SENDING:
                each.stopped, each.expires_at = True, self.now
            elif each.state in WAITING and each.maybe_sent:
                self.end(each, State.UNKNOWN, "cancelled")
            elif each.state in WAITING:
                self.end(each, State.CANCELLED, "cancelled")

    @rule(which=made)
    def mark(self, which: str) -> None:
        """A person has seen that it arrived."""
        each = self.known[which]
        try:
            self.do(lambda db: steering.mark_delivered(db, which, micros(self.now), None))
        except TransitionRefused:
            assert each.state is not State.UNKNOWN
        else:
            assert each.state is State.UNKNOWN
            self.end(each, State.DELIVERED, "marked")

    @rule(number=st.integers(1, LANES))
    def pause_conversation(self, number: int) -> None:
        """Nothing is to leave one conversation for a while, or may again."""
        lane = self.lanes[number]
        pause = Pause(
            kind=PauseKind.CONVERSATION,
            reason="",
            since=self.now,
            bot="local",
            name=lane.reference.id,
        )
        if lane.paused:
            assert self.do(lambda db: pauses.resume(db, pause, micros(self.now)))
        else:
            self.do(lambda db: pauses.pause(db, pause))
        lane.paused = not lane.paused

    @rule(which=made)
    def pause_notification(self, which: str) -> None:
        """One notification is not to leave for a while, or may again."""
        name = self.known[which].notification
        pause = Pause(
            kind=PauseKind.NOTIFICATION, reason="", since=self.now, bot="local", name=name
        )
        if name in self.paused:
            assert self.do(lambda db: pauses.resume(db, pause, micros(self.now)))
        else:
            self.do(lambda db: pauses.pause(db, pause))
        self.paused ^= {name}

    # -- what processes do -------------------------------------------------------------------

    @rule(target=claims, limit=st.integers(1, LANES))
    def claim(self, limit: int) -> Sequence[Claim]:
        """The dispatcher looks for work."""
        heads = {number: self.head(number) for number, lane in self.lanes.items() if not lane.claim}
        wanted = {number: head for number, head in heads.items() if head is not None}
        claims = self.cycle([], limit)
        assert len(claims) == min(limit, len(wanted)), "as many as there are, and as are wanted"
        self.adopt()
        for claim in claims:
            each = wanted[claim.lane]
            assert claim.delivery_id == each.id, "the one whose turn it is"
            assert claim.maybe_sent == each.maybe_sent
            each.state, each.reason, each.due_at = State.SENDING, None, None
            each.attempts += 1
            assert claim.attempt == each.attempts
            self.lanes[claim.lane].claim = claim
        return claims

    def head(self, number: int) -> Modelled | None:
        """What may leave a lane now, passing over what has outlived its use or is paused."""
        if self.lanes[number].paused:
            return None
        standing = [each for each in self.standing(number) if self.may_leave(each)]
        for each in self.standing(number):
            if each.state is State.RETRYING:
                if each.due_at is not None and each.due_at > self.now:
                    return None
                if self.may_leave(each):
                    return each
        return standing[0] if standing else None

    def may_leave(self, each: Modelled) -> bool:
        """Whether it is claimed when its turn comes."""
        return not each.outlived(self.now) and each.notification not in self.paused

    def outlive(self, each: Modelled) -> None:
        """It is no longer worth saying; but what may have arrived is for a person to judge."""
        if each.maybe_sent:
            self.end(each, State.UNKNOWN, "cancelled" if each.stopped else "expires")
        elif each.stopped:
            self.end(each, State.CANCELLED, "cancelled")
        else:
            self.end(each, State.EXPIRED, "expires")

    def adopt(self) -> None:
        """Claiming ends the outlived and holds the paused it comes across, which may be fewer."""
        found = self.found()
        for each in self.known.values():
            if each.state not in (State.PENDING, State.RETRYING):
                continue
            row = found[each.id]
            if each.notification in self.paused and (row["state"], row["reason"]) == PAUSED:
                each.state, each.reason, each.due_at = State.HELD, "paused", None
            elif each.outlived(self.now) and row["state"] in ENDED:
                self.outlive(each)
                assert row["state"] == each.state

    @rule(
        target=lost,
        batch=consumes(claims),
        state=st.sampled_from(sorted(TRANSITIONS[State.SENDING] - {State.PENDING})),
        delay=st.none() | SOON,
        unreachable=st.booleans(),
        maybe_sent=st.booleans(),
        twice=st.booleans(),
    )
    def settle(
        self,
        batch: list[Claim],
        state: State,
        delay: timedelta | None,
        *,
        unreachable: bool,
        maybe_sent: bool,
        twice: bool,
    ) -> list[Claim]:
        """Attempts end, in time or late; a commit may be repeated. The claims may come again."""
        gone = state is State.HELD and unreachable
        due = None if gone else self.now + (delay or timedelta(0))
        if state is State.HELD and delay is None:
            due = None
        reason = "unreachable" if gone else "told"
        settlements = [
            make_settlement(
                claim,
                state,
                self.now,
                reason=reason,
                due_at=due if state in (State.HELD, State.RETRYING) else None,
                maybe_sent=maybe_sent or state is State.UNKNOWN,
                health=Health.BLOCKED if gone else None,
            )
            for claim in batch
        ]
        self.cycle(settlements, 0)
        for claim in batch:
            self.settled(claim, state, reason, due, maybe_sent=maybe_sent, gone=gone)
        if twice:
            self.cycle(settlements, 0)
        return batch

    def settled(
        self,
        claim: Claim,
        state: State,
        reason: str,
        due: datetime | None,
        *,
        maybe_sent: bool,
        gone: bool,
    ) -> None:
        lane, each = self.lanes[claim.lane], self.known[claim.delivery_id]
        timely = lane.claim is claim
        if timely:
            lane.claim = None
        if not timely or each.state is not State.SENDING:
            if state is State.DELIVERED and each.state not in FINAL and not timely:
                self.end(each, state, "late_receipt")
            if timely and gone:
                self.refuse(claim)
            if timely and state is State.DELIVERED:
                self.heal(claim)
            return
        self.end(each, state, reason)
        each.maybe_sent = each.maybe_sent or maybe_sent or state is State.UNKNOWN
        if state in (State.HELD, State.RETRYING):
            each.due_at = due
        if gone:
            self.refuse(claim)
        if state is State.RETRYING and not lane.health.reachable:
            self.hold_all(claim.lane)
        if state is State.DELIVERED:
            self.heal(claim)

    def refuse(self, claim: Claim) -> None:
        """A refusal says that nobody can speak there, unless that is news of before."""
        lane = self.lanes[claim.lane]
        if lane.last_seen <= claim.started_at:
            lane.health = Health.BLOCKED
            self.hold_all(claim.lane)
        elif lane.health.reachable:
            self.release(claim.lane)

    def heal(self, claim: Claim) -> None:
        """A receipt proves that the conversation is well, unless that is news of before."""
        lane = self.lanes[claim.lane]
        if lane.health is not Health.ACTIVE and lane.last_seen <= claim.started_at:
            self.release(claim.lane)

    @rule(
        target=lost, batch=consumes(lost), state=st.sampled_from([State.DELIVERED, State.REJECTED])
    )
    def settle_again(self, batch: list[Claim], state: State) -> list[Claim]:
        """Somebody who was thought dead, or repeats itself, settles what is not its own."""
        batch = [claim for claim in batch if self.lanes[claim.lane].claim is not claim]
        settlements = [make_settlement(claim, state, self.now, reason="late") for claim in batch]
        self.cycle(settlements, 0)
        for claim in batch:
            self.settled(claim, state, "late", None, maybe_sent=False, gone=False)
        return batch

    @rule(batch=consumes(claims))
    def hand_back(self, batch: list[Claim]) -> None:
        """Claims whose request was not begun come back, perhaps late."""
        self.do(lambda db: delivery.hand_back(db, batch, micros(self.now), {}))
        for claim in batch:
            lane, each = self.lanes[claim.lane], self.known[claim.delivery_id]
            if lane.claim is not claim:
                continue
            lane.claim = None
            if each.state is State.SENDING:
                each.state = State.PENDING
                if claim.head_since < claim.started_at:  # it keeps its place
                    each.state, each.due_at = State.RETRYING, self.now
                each.attempts -= 1
                if not lane.health.reachable:
                    self.hold_all(claim.lane)

    @precondition(lambda self: any(lane.claim for lane in self.lanes.values()))
    @rule()
    def crash(self) -> None:
        """The process dies; another takes its work over."""
        self.owner += 1
        lost = self.do(lambda db: delivery.reap(db, f"owner-{self.owner}", micros(self.now), 1_000))
        told = {each.delivery_id: each.state for each in lost}
        for number, lane in self.lanes.items():
            if lane.claim is None:
                continue
            each = self.known[lane.claim.delivery_id]
            lane.claim = None
            if each.state is not State.SENDING:
                assert each.id not in told
                continue
            each.maybe_sent = True
            each.reason = "lost"
            if each.on_unknown is OnUnknown.PARK:
                each.state = State.UNKNOWN
            else:
                each.state, each.due_at = State.RETRYING, self.now
                if not lane.health.reachable:
                    self.hold_all(number)
            assert told.pop(each.id) == each.state
        assert not told

    # -- what must hold ----------------------------------------------------------------------

    @invariant()
    def every_delivery_is_what_it_should_be(self) -> None:
        """In exactly one place, live or history, in the state and with the attempts expected."""
        found = self.found()
        assert found.keys() == self.known.keys()
        for each in self.known.values():
            row = found[each.id]
            assert (row["state"], row["reason"], row["attempts"]) == (
                each.state,
                each.reason,
                each.attempts,
            )
            if each.state in (State.SCHEDULED, State.HELD):
                assert row["due_at"] == (None if each.due_at is None else micros(each.due_at))
            if row["maybe_sent"] is not None:
                assert bool(row["maybe_sent"]) == each.maybe_sent

    @invariant()
    def one_is_sent_at_a_time(self) -> None:
        """In each lane, and only by who holds it."""
        sending = Counter(each.lane for each in self.known.values() if each.state is State.SENDING)
        assert all(many == 1 for many in sending.values())
        for number in sending:
            assert self.lanes[number].claim is not None

    @invariant()
    def lanes_agree_with_what_stands_in_them(self) -> None:
        """A row for each lane that is not empty; its head, its priority and its holder fit."""
        rows = {row["reference"]: row for row in self.rows("SELECT * FROM recado_lane")}
        for number, lane in self.lanes.items():
            standing = self.standing(number)
            row = rows.pop(number, None)
            assert (row is not None) == bool(standing or lane.claim)
            if row is None:
                continue
            assert (row["owner"] is not None) == (lane.claim is not None)
            if lane.claim is not None:
                assert (row["head"], row["token"]) == (lane.claim.delivery_id, lane.claim.token)
                continue
            retrying = [each for each in standing if each.state is State.RETRYING]
            assert len(retrying) <= 1
            assert row["head"] == (retrying[0].id if retrying else None)
            assert row["priority"] == min(each.priority for each in standing)
            if retrying and retrying[0].due_at is not None:
                assert row["ready_at"] == micros(retrying[0].due_at)
        assert not rows

    @invariant()
    def health_is_what_was_told(self) -> None:
        """And nothing waits for the return of who is here."""
        for row in self.rows("SELECT number, health FROM recado_reference"):
            assert row["health"] == self.lanes[row["number"]].health
        for each in self.known.values():
            if (each.state, each.reason) == (State.HELD, "unreachable"):
                assert not self.lanes[each.lane].health.reachable

    @invariant()
    def counts_add_up(self) -> None:
        """What is reported is what there is."""
        waiting = Counter(each.state for each in self.known.values() if each.state not in FINAL)
        assert self.do(looking.backlog).waiting == waiting
        if self.known:
            shown = self.do(lambda db: looking.delivery(db, max(self.known), NO_RULES, 0))
            assert shown is not None
            assert shown.delivery.state is self.known[max(self.known)].state


def play(ground: Ground, examples: int) -> None:
    """Do anything, in any order."""
    run_state_machine_as_test(
        lambda: LifeCycle(ground),  # type: ignore[arg-type]  # any callable will do
        settings=settings(max_examples=examples, stateful_step_count=50, deadline=None),
    )


def test_deliveries_are_what_the_model_says() -> None:
    """Whatever is done, and in whichever order."""
    with closing(SqliteGround()) as ground:
        play(ground, examples=120)


@pytest.mark.timeout(120)
def test_deliveries_are_what_the_model_says_on_postgres(migrated_url: str) -> None:
    """There too; fewer examples, because each statement goes to another process and back."""
    with closing(PostgresGround(migrated_url, EMPTY)) as ground:
        play(ground, examples=50)

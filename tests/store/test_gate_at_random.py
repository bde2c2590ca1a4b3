"""The gate against a model of it: hours, caps, silence, refusals, dialogs, pauses, crashes.

The model knows nothing of how anything is held. It knows what may leave when, in which order, and
that what may leave does in the end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random
from typing import Final

import pytest

from recado.domain.audience import Conversation, Person
from recado.domain.consent import ANYWHERE, ConsentRecord, Identity, Said, Subject, SubjectKind
from recado.domain.delivery import Priority, State
from recado.domain.ids import new_id
from recado.domain.notification import Notification
from recado.domain.pause import Pause, PauseKind
from recado.domain.politeness import Rules
from recado.domain.politeness.counting import Cap, cap_of
from recado.domain.recipient import Change
from recado.domain.reference import Health, Member, Reference
from recado.store.port import Claim, Observed, Settlement, Wanted
from recado.store.port.presence import Mark
from recado.store.session import Row
from recado.store.verbs import (
    acceptance,
    consent,
    delivery,
    pauses,
    presence,
    recipients,
    references,
    waiting,
)
from recado.store.verbs.rows import micros
from recado.store.verbs.sight import Sight
from recado.testing import make_notification, make_sighting
from tests.conftest import EMPTY
from tests.store.ground import Ground, PostgresGround, SqliteGround
from tests.store.kit import make_settlement

#: An evening.
BEGIN: Final = datetime(2026, 7, 1, 20, tzinfo=UTC)
CAPS: Final = {"": cap_of("6/2h"), "*": cap_of("3/h")}
INTERVAL: Final = timedelta(seconds=20)
RULES: Final = Rules(
    quiet="22:00-08:00",
    windows={"prices": "10:00-18:00"},
    spread=timedelta(0),
    caps=CAPS,
    interval=INTERVAL,
)
#: What people say for themselves is all that counts.
NO_SETTINGS: Final = Rules(spread=timedelta(0))
CATEGORIES: Final = (None, "news", "prices")
#: Two private chats of Ana's, one of Bo's.
PEOPLE: Final = ("ana", "ana", "bo")
LIVE: Final = "SELECT id, state, reason, entry, priority, due_at FROM recado_delivery"


@dataclass
class Asked:
    """What was asked to be said, and what became of it."""

    number: int
    lane: int
    notification: Notification
    tried_at: datetime | None = None
    #: It has come to rest without having been sent.
    unsent: bool = False

    @property
    def passes(self) -> bool:
        return (
            self.notification.priority is Priority.URGENT or self.notification.asked_at is not None
        )


@dataclass
class Wishes:
    """What a person wants."""

    said: dict[str | None, tuple[datetime, Said]] = field(default_factory=dict)
    mute: dict[str | None, datetime] = field(default_factory=dict)
    quiet: str | None = None


class World:
    """Three conversations, and everything that can happen to what is said in them."""

    def __init__(self, ground: Ground, seed: int, rules: Rules) -> None:
        self.ground, self.random, self.rules = ground, Random(seed), rules  # noqa: S311 - not for secrets
        self.do = ground.do
        ground.reset()
        self.now = BEGIN
        self.owner = 0
        self.said: dict[str, Asked] = {}
        self.wishes = {name: Wishes() for name in set(PEOPLE)}
        self.claims: list[Claim] = []
        self.paused: list[Pause] = []
        self.sight = Sight(spares=False)
        for lane in range(len(PEOPLE)):
            self.see(lane)
        found = self.do(lambda db: references.page(db, None, None, 10)).items
        self.lanes: Sequence[Reference] = sorted(found, key=lambda each: each.number)

    def person(self, lane: int) -> str:
        return PEOPLE[lane]

    # -- what happens ------------------------------------------------------------------------

    def step(self) -> None:
        """Anything."""
        many = {
            self.accept: 6 if len(self.said) < 90 else 0,
            self.wind: 4,
            self.promote: 4,
            self.claim: 8,
            self.settle: 8,
            self.crash: 1,
            self.see: 1,
            self.wish: 1,
            self.prefer: 1,
            self.pause: 1,
            self.turn: 2,
        }
        self.random.choices(list(many), list(many.values()))[0]()

    def accept(self) -> None:
        lane = self.random.randrange(len(self.lanes))
        ways = ["now"] * 6 + ["when_idle", "after_dialog"]
        mode = self.random.choice(ways)
        notification = make_notification(
            str(len(self.said)),
            audience=Conversation(self.lanes[lane].id),
            accepted_at=self.now,
            category=self.random.choice(CATEGORIES),
            priority=self.random.choices(list(Priority), [1, 2, 8, 2][: len(Priority)])[0],
            mode=mode,
            max_wait=None if mode == "now" else timedelta(minutes=self.random.choice([1, 90])),
            asked_at=self.random.choice([None] * 9 + [self.now]),
            expires_at=self.random.choice([None] * 9 + [self.now + timedelta(hours=3)]),
        )
        made = self.do(lambda db: acceptance.accept(db, notification, [self.lanes[lane]]))
        (id_,) = made.delivery_ids
        self.said[id_] = Asked(len(self.said), lane, notification)

    def wind(self) -> None:
        seconds = self.random.choice([1, 5, 25, 70, 600, 3600, 4 * 3600])
        self.now += timedelta(seconds=seconds)

    def promote(self) -> int:
        limit = self.random.choice([1, 2, 50])
        return self.do(lambda db: waiting.promote(db, micros(self.now), limit))

    def claim(self) -> Sequence[Claim]:
        before = self.live()
        claims = self.cycle([], self.random.choice([1, 2, 64]))
        for claim in claims:
            self.look(claim, before)
            self.said[claim.delivery_id].tried_at = self.now
        self.claims += claims
        return claims

    def settle(self) -> None:
        if not self.claims:
            return
        claim = self.claims.pop(self.random.randrange(len(self.claims)))
        state = self.random.choice(
            [State.DELIVERED] * 5 + [State.REJECTED, State.RETRYING, State.HELD, State.UNKNOWN]
        )
        changes: dict[str, object] = {}
        if state is State.RETRYING:
            changes = {"due_at": self.now + timedelta(seconds=self.random.choice([1, 40]))}
        elif state is State.HELD and self.random.random() < 0.5:
            changes = {"reason": "unreachable", "health": Health.BLOCKED, "health_reason": "told"}
        elif state is State.HELD:
            changes = {"due_at": self.now + timedelta(minutes=self.random.choice([1, 90]))}
        self.cycle([make_settlement(claim, state, self.now, **changes)], 0)
        each = self.said[claim.delivery_id]
        each.unsent = state in (State.REJECTED, State.HELD) and not claim.maybe_sent

    def crash(self) -> None:
        self.owner += 1
        self.claims.clear()
        self.do(lambda db: delivery.reap(db, f"owner-{self.owner}", micros(self.now), 1000))

    def see(self, lane: int | None = None) -> None:
        lane = self.random.randrange(len(PEOPLE)) if lane is None else lane
        name = self.person(lane)
        member = Member(user_id=f"29:{name}", aad_object_id=f"aad-{name}")
        sighting = make_sighting(f"a:{lane}", at=self.now, members=(member,))
        self.do(lambda db: references.capture(db, [sighting]))

    def wish(self, said: Said | None = None) -> None:
        name, category = self.random.choice(PEOPLE), self.random.choice(CATEGORIES)
        said = said or self.random.choice([Said.IN, Said.IN, Said.OUT, Said.MUTE, Said.UNMUTE])
        until = self.now + timedelta(minutes=self.random.choice([1, 200]))
        self.record(name, category, said, until if said is Said.MUTE else None)

    def record(self, name: str, category: str | None, said: Said, until: datetime | None) -> None:
        # Records of one instant have no order.
        self.now += timedelta(microseconds=1)
        wishes = self.wishes[name]
        record = ConsentRecord(
            id=new_id(),
            bot="local",
            subject=Subject(kind=SubjectKind.PERSON, identity=Identity(ANYWHERE, f"aad-{name}")),
            said=said,
            category=category,
            at=self.now,
            until=until,
            recorded_at=self.now,
            how="chat",
        )
        self.do(lambda db: consent.record(db, [record], micros(self.now), audited=False))
        if said in (Said.OUT, Said.IN):
            wishes.said[category] = self.now, said
        elif until is not None:
            wishes.mute[category] = until
        elif category is None:
            wishes.mute.clear()
        else:
            wishes.mute.pop(category, None)

    def prefer(self) -> None:
        name, quiet = self.random.choice(PEOPLE), self.random.choice([None, "12:00-14:00", "off"])
        who, change = Person(f"aad-{name}"), Change(quiet=quiet)
        self.do(lambda db: recipients.prefer(db, "local", who, change, micros(self.now)))
        self.wishes[name].quiet = quiet

    def pause(self) -> None:
        if self.paused and self.random.random() < 0.6:
            pause = self.paused.pop()
            self.do(lambda db: pauses.resume(db, pause, micros(self.now)))
            return
        names = [(PauseKind.CONVERSATION, self.random.choice(self.lanes).id)]
        names += [(PauseKind.NOTIFICATION, each.notification.id) for each in self.said.values()]
        kind, name = self.random.choice(names)
        pause = Pause(kind=kind, reason="", since=self.now, bot="local", name=name)
        if pause.name not in {each.name for each in self.paused}:
            self.do(lambda db: pauses.pause(db, pause))
            self.paused.append(pause)

    def turn(self) -> None:
        self.mark(self.random.choice(self.lanes), dialog=self.random.choice([True, False, False]))

    def mark(self, reference: Reference, *, dialog: bool) -> None:
        begun = Mark(reference.key, "t", self.now, self.now + timedelta(seconds=60), spoke=True)
        ended = begun._replace(until=None, dialog=dialog)
        for each in (begun, ended):
            self.do(partial(presence.mark, marks=[each], now=micros(self.now)))

    # -- helpers -----------------------------------------------------------------------------

    def live(self) -> dict[str, Row]:
        return {row["id"]: row for row in self.ground.rows(LIVE)}

    def cycle(self, settled: Sequence[Settlement], limit: int) -> Sequence[Claim]:
        work = partial(
            delivery.cycle,
            settlements=settled,
            owner=f"owner-{self.owner}",
            now=micros(self.now),
            lease_until=micros(self.now) - 1,
            wanted=Wanted(limit=limit, rules=self.rules),
            observed=Observed(),
            sight=self.sight,
        )
        return self.do(work).claims

    # -- what must hold ----------------------------------------------------------------------

    def look(self, claim: Claim, before: dict[str, Row]) -> None:
        """It may leave, and before everything else that may."""
        each = self.said[claim.delivery_id]
        self.allowed(each)
        if not each.passes:
            assert self.open(each), f"{each} leaves at {self.now}, outside its hours"
            self.room(each)
            if each.tried_at is None:  # what is tried again has its lane
                self.in_order(each, before)

    def allowed(self, each: Asked) -> None:
        wishes, what = self.wishes[self.person(each.lane)], each.notification
        asked = what.asked_at
        agreed = (BEGIN, Said.IN)
        general, own = wishes.said.get(None, agreed), wishes.said.get(what.category, agreed)
        # A yes to everything takes back no refusal of one kind.
        at, said = own if own[1] is Said.OUT and general[1] is Said.IN else max(general, own)
        assert said is Said.IN or (asked is not None and asked > at), f"{each} is refused"
        for category in {None, what.category}:
            silent = wishes.mute.get(category)
            assert asked is not None or silent is None or silent <= self.now, f"{each} is muted"

    def open(self, each: Asked) -> bool:
        hour = self.now.hour
        quiet = self.wishes[self.person(each.lane)].quiet
        if quiet is None and self.rules.quiet and not 8 <= hour < 22:
            return False
        if quiet == "12:00-14:00" and 12 <= hour < 14:
            return False
        closed = self.rules.windows and not 10 <= hour < 18
        return each.notification.category != "prices" or not closed

    def room(self, each: Asked) -> None:
        person = self.person(each.lane)
        others = [
            other
            for other in self.said.values()
            if other is not each
            and self.person(other.lane) == person
            and other.tried_at is not None
            and not other.unsent
            and other.notification.asked_at is None
        ]
        own = [o for o in others if o.notification.category == each.notification.category]
        if self.rules.caps:
            self.less(each, others, CAPS[""])
        if self.rules.caps and each.notification.category is not None:
            self.less(each, own, CAPS["*"])

    def less(self, each: Asked, others: Sequence[Asked], cap: Cap) -> None:
        late = [o for o in others if o.tried_at and o.tried_at > self.now - cap.per]
        # What is urgent is counted beyond every cap, and one that was tried may be again.
        assert len(late) < cap.many or each.tried_at is not None, f"{each} is over {cap}"

    def in_order(self, each: Asked, before: dict[str, Row]) -> None:
        """Nothing that is like it and came before it waits for what it would have waited for."""
        row = before[claim_id] if (claim_id := self.id_of(each)) in before else None
        for id_, other in self.said.items():
            there = before.get(id_)
            if there is None or row is None or other is each or other.lane != each.lane:
                continue
            alike = (
                other.notification.category == each.notification.category
                and other.notification.mode == each.notification.mode == "now"
                and not other.passes
                and other.number < each.number
                and other.notification.expires_at is None
            )
            waits = there["state"] == "pending" or there["reason"] in ("window", "cap")
            if alike and waits and there["entry"] < row["entry"]:
                paused = any(p.name == other.notification.id for p in self.paused)
                assert paused, f"at {self.now} {each} overtakes {other} ({dict(there)})"

    def id_of(self, each: Asked) -> str:
        return next(id_ for id_, other in self.said.items() if other is each)

    # -- in the end --------------------------------------------------------------------------

    def calm(self) -> None:
        """With time standing still it comes to an end what there is to do."""
        for _ in range(1000):
            moved = self.promote()
            claims = self.claim()
            while self.claims:
                self.cycle([make_settlement(self.claims.pop(), at=self.now)], 0)
            if moved or claims:
                continue
            if (
                not self.do(lambda db: waiting.promote(db, micros(self.now), 1000))
                and not self.claim()
            ):
                return
        pytest.fail(f"it goes on and on: {[dict(row) for row in self.live().values()][:5]}")

    def end(self) -> None:
        """Everybody agrees, nothing is paused, everybody is there: all of it leaves."""
        self.crash()
        for name in set(PEOPLE):
            for category in CATEGORIES:
                self.record(name, category, Said.IN, None)
            self.record(name, None, Said.UNMUTE, None)
        while self.paused:
            pause = self.paused.pop()
            self.do(partial(pauses.resume, wanted=pause, now=micros(self.now)))
        for number, each in enumerate(self.lanes):
            self.see(number)
            self.mark(each, dialog=False)
        for _ in range(2000):
            self.calm()
            if not [row for row in self.live().values() if row["state"] != "unknown"]:
                return
            due = self.do(waiting.next_due)
            assert due is not None, [dict(row) for row in self.live().values()]
            self.now = max(self.now + timedelta(microseconds=1), instant(due))
        pytest.fail(f"held for ever: {[dict(row) for row in self.live().values()]}")


def instant(at: int) -> datetime:
    """Microseconds since 1970 as a time."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)


def run(ground: Ground, seed: int, rules: Rules, steps: int) -> None:
    """So many steps, and the end."""
    world = World(ground, seed, rules)
    for number in range(steps):
        world.step()
        if number % 50 == 0:
            world.calm()
    world.end()


@pytest.fixture(scope="module")
def memory() -> Iterator[Ground]:
    """SQLite in memory."""
    with closing(SqliteGround()) as ground:
        yield ground


@pytest.mark.parametrize("rules", [RULES, NO_SETTINGS], ids=["settings", "people"])
@pytest.mark.parametrize("seed", range(20))
def test_what_may_leave_does_and_in_order(memory: Ground, seed: int, rules: Rules) -> None:
    """Never outside its hours, over its cap or after a no; and nothing is held for ever."""
    run(memory, seed, rules, 400)


@pytest.mark.parametrize("seed", range(100, 103))
def test_on_postgres_too(migrated_url: str, seed: int) -> None:
    """The same verbs over the other statements."""
    with closing(PostgresGround(migrated_url, EMPTY)) as ground:
        run(ground, seed, RULES, 150)

"""A race: people answer a dialog while notifications arrive, in many conversations at once.

Every step lets each conversation do something at the same moment: a person says the next thing the
dialog waits for, or replies to a question; a notification of one kind or another is accepted; and
who delivers claims, runs and settles. Whatever touches the database or the channel first lets the
others go on for as long as chance says. Between steps time passes.

What must hold is written down from what was seen from outside, and never asked of the code.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from microsoft_agents.hosting.core import ConversationState, Storage, TurnContext
from microsoft_agents.hosting.core.state.agent_state import CachedAgentState

from recado.bot.storage import RecadoStorage
from recado.channel.hosts import HostRules
from recado.domain.delivery import Evidence, Priority
from recado.store.port import Claim, Observed, Store, Wanted
from recado.testing import HandClock
from tests.bot.kit import ANA, Bench, _settled, message
from tests.state.dialog_bot import OrderBot

SECOND: Final = timedelta(seconds=1)
#: What people say, and what the dialog says to that when nobody interrupts it.
TALK: Final = (
    ("hello", "Who are you?"),
    ("Ana", "Which size? (1) small or (2) large"),
    ("none of them", "Sorry? Which size? (1) small or (2) large"),
    ("big", "How many?"),
    ("seven", "Ana: 7 large"),
)
#: After so many messages no dialog waits.
_DONE: Final = len(TALK)
#: Who waits for somebody else in a step does so for so many looks at most.
_PATIENCE: Final = 20
#: So often each process that delivers claims in a step.
_CLAIMS: Final = 4
#: So often is looked for what waits for nothing.
_LOOKS: Final = 25
#: What differs in two states that are the same: ids, and where objects are in memory.
_DIFFERS: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{32}|0x[0-9a-f]+")
QUIET: Final = 5 * SECOND
MAX_WAIT: Final = 60 * SECOND
#: Kinds of notifications, with what they are accepted with.
KINDS: Final[Mapping[str, Mapping[str, Any]]] = {
    "now": {},
    "as_turn": {"mode": "as_turn"},
    "note": {"handler": "note"},
    "polite note": {"handler": "note", "mode": "after_dialog", "max_wait": MAX_WAIT},
    "when_idle": {"mode": "when_idle", "quiet": QUIET, "max_wait": MAX_WAIT},
    "after_dialog": {"mode": "after_dialog", "max_wait": MAX_WAIT},
    "next_turn": {"mode": "next_turn", "max_wait": MAX_WAIT},
    "urgent": {"mode": "when_idle", "priority": Priority.URGENT},
    "question": {"answer_handler": "size"},
    "polite question": {
        "answer_handler": "size",
        "mode": "after_dialog",
        "max_wait": MAX_WAIT,
    },
}


@dataclass
class Said:
    """A notification, as it was accepted."""

    kind: str
    number: int
    accepted_at: datetime

    @property
    def mode(self) -> str:
        mode: str = KINDS[self.kind].get("mode", "now")
        return mode

    @property
    def polite(self) -> bool:
        waits = self.mode in ("when_idle", "after_dialog", "next_turn")
        return waits and self.kind != "urgent"

    @property
    def deadline(self) -> datetime:
        return self.accepted_at + MAX_WAIT


@dataclass
class Talk:
    """One conversation, as it looks from outside."""

    id: str
    #: How many things the person has said to the dialog, and will say.
    said: int = 0
    until: int = 0
    #: Whether a turn runs for certain, and whether a dialog waits for certain.
    running: bool = False
    waiting: bool = False
    #: When the person wrote last, and when their latest turn began that has ended: not before the
    #: first of these times, and not after the second.
    spoke_at: tuple[datetime, datetime] | None = None
    turned_at: tuple[datetime, datetime] | None = None
    waits: dict[str, Said] = field(default_factory=dict)
    #: Everything that was accepted, and the ids of what has left, in that order.
    accepted: dict[str, Said] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)
    #: Receipts that were not replied to yet, and how often each was answered.
    receipts: list[str] = field(default_factory=list)
    replied: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    notes: int = 0

    def end_turn(self) -> None:
        """What the turn had to do is done: from here on it may have ended."""
        self.running, self.turned_at = False, self.spoke_at

    def must_wait(self, said: Said, now: datetime) -> bool:
        """Whether a notification must not leave now, for certain."""
        return self._waits(said, now, 0, 1)

    def may_wait(self, said: Said, now: datetime) -> bool:
        """Whether there may be a reason for it not to leave now."""
        return self._waits(said, now, 1, 0)

    def _waits(self, said: Said, now: datetime, spoke: int, turned: int) -> bool:
        if not said.polite or now >= said.deadline:
            return False
        if said.mode == "next_turn":
            turned_at = self.turned_at and self.turned_at[turned]
            return self.running or turned_at is None or turned_at <= said.accepted_at
        quiet = self.spoke_at is not None and now < self.spoke_at[spoke] + QUIET
        return self.running or self.waiting or (said.mode == "when_idle" and quiet)


class News:
    """Something that happens again and again, and who waits for the next time."""

    def __init__(self) -> None:
        self._waiting: list[asyncio.Future[None]] = []

    async def wait(self) -> None:
        """Until it happens next."""
        told = asyncio.get_running_loop().create_future()
        self._waiting.append(told)
        await told

    def ring(self) -> None:
        """It happens."""
        while self._waiting:
            self._waiting.pop().set_result(None)


class Yielding(Storage):
    """A storage that lets others go on before and after whatever it does."""

    def __init__(self, inner: Storage, race: Race) -> None:
        self._inner = inner
        self._race = race

    async def read(self, keys: list[str], **given: Any) -> Any:
        await self._race.chance()
        found = await self._inner.read(keys, **given)
        await self._race.chance()
        return found

    async def write(self, changes: Any) -> None:
        await self._race.chance()
        await self._inner.write(changes)
        await self._race.chance()

    async def delete(self, keys: list[str]) -> None:
        await self._inner.delete(keys)


class RacingBot(OrderBot):
    """The dialog bot, which tells the race when a turn runs for certain."""

    def __init__(self, storage: Storage, race: Race, desk: Bench) -> None:
        super().__init__(storage)
        self._race = race
        self._desk = desk

    async def on_turn(self, turn_context: Any) -> None:
        talk = self._race.talks[turn_context.activity.conversation.id]
        if turn_context.activity.type != "message":
            await super().on_turn(turn_context)
            return
        await self._race.enter(self._desk, talk)
        try:
            if self._race.rng.random() < 0.5:
                await self._race.claimed()
            await self._race.chance()
            if self._race.rng.random() < 0.1:
                self._race.clock.advance(self._race.rng.random() * 2)
            if turn_context.activity.value is None:
                await super().on_turn(turn_context)
            await self._race.chance()
        finally:
            talk.end_turn()


class Race:
    """Conversations that race, with processes over one database.

    Args:
        stores: one for each process.
        clock: the time.
        seed: of everything that chance decides.
        delivering: how many of the processes deliver.
    """

    def __init__(
        self, stores: Sequence[Store], clock: HandClock, seed: int, *, delivering: int
    ) -> None:
        self.rng = random.Random(seed)  # noqa: S311 - nobody is to be surprised by it
        self.clock = clock
        self.talks: dict[str, Talk] = {}
        self.desks = [self._desk(store) for store in stores]
        self.delivering = self.desks[:delivering]
        self.storage = self._storage(stores[0])
        self._seed = seed
        self._numbers = 0
        self._began: dict[str, datetime] = {}
        #: How many messages of each conversation are under way.
        self._coming: Counter[str] = Counter()
        #: How many are about to claim, and whose turn is about to begin.
        self._claiming = 0
        self._saying: set[str] = set()
        self._claimed_some, self._entered_some = News(), News()

    def _storage(self, store: Store) -> Storage:
        rules = HostRules(allow_loopback=True)
        kept = RecadoStorage(store, bot="local", check_service_url=rules.check)
        return Yielding(kept, self)

    def _desk(self, store: Store) -> Bench:
        desk = Bench(store=store, clock=self.clock)
        storage = self._storage(store)
        state = ConversationState(storage)
        notes = state.create_property("notes")

        async def note(context: TurnContext, value: Any) -> None:
            """Writes into the same state as the dialog."""
            count: Any = await notes.get(context, lambda: 0)
            await self.chance()
            await notes.set(context, (count or 0) + 1)
            await state.save(context)
            self.talks[context.activity.conversation.id].notes += 1

        async def size(context: TurnContext, value: dict[str, Any]) -> None:
            talk = self.talks[context.activity.conversation.id]
            await self.enter(desk, talk)
            await self.chance()
            talk.answers.append(value["answer"])
            talk.end_turn()

        desk.bridge.handler("note")(note)
        desk.bridge.handler("size")(size)
        desk.attach(RacingBot(storage, self, desk))
        return desk

    async def chance(self) -> None:
        """Let others go on, for as long as chance says."""
        for _ in range(self.rng.choice((0, 0, 1, 2, 5))):
            await asyncio.sleep(0)

    async def claimed(self) -> None:
        """Wait until somebody has claimed who began after this, if anybody is about to."""
        for _ in range(2):
            if self._claiming:
                await self._claimed_some.wait()

    def _is_said(self, talk: Talk) -> None:
        """A turn runs that was about to, or will not."""
        self._saying.discard(talk.id)
        self._entered_some.ring()

    async def enter(self, desk: Bench, talk: Talk) -> None:
        """A turn runs, and it is written that it does."""
        await desk.bridge._marks.written()  # noqa: SLF001 - from here on it is certain
        talk.running, talk.waiting = True, False
        self._is_said(talk)
        talk.spoke_at = self._began[talk.id], self.clock.now()

    # -- what happens ------------------------------------------------------------------------

    async def run(self, conversations: int, steps: int) -> None:
        """Race: every conversation is an interleaving of its own."""
        for number in range(conversations):
            done = self.rng.random() < 0.3
            talk = Talk(f"a:{self._seed}-{number}", until=self.rng.randint(1, _DONE))
            talk.until = _DONE if done else talk.until
            self.talks[talk.id] = talk
            for text, _ in TALK if done else TALK[:1]:
                talk.said += 1
                await self._together([self._say(talk, text)])
        for _ in range(steps):
            self.clock.advance(self.rng.choice((0.001, 0.5, 3.0, 10.0, 25.0)))
            acts: list[Any] = [self._act(talk) for talk in self.talks.values()]
            acts += [self._deliver_on(desk) for desk in self.delivering]
            self.rng.shuffle(acts)
            await self._together(acts)
            await self.rest()
        await self._finish()

    async def _together(self, acts: Sequence[Any]) -> None:
        """Do all of it at once; whoever waits for another process sees time pass."""
        left = {asyncio.ensure_future(each) for each in acts}
        idle = 0
        while left:
            done, left = await asyncio.wait(left, timeout=0.005)
            for each in done:
                each.result()
            idle = 0 if done else idle + 1
            if left:
                self.clock.advance(0.02)
            if idle > _PATIENCE:
                # Those who wait for each other would wait for ever.
                self._claimed_some.ring()
                self._entered_some.ring()

    async def _act(self, talk: Talk) -> None:
        """What one conversation does in a step."""
        acts = []
        chosen = self.rng.random()
        if chosen < 0.35 and talk.said < talk.until:
            acts.append(self._answer_dialog(talk))
        elif chosen < 0.35 and talk.said == _DONE:
            # A button of the bot's own, which no dialog and no question is about.
            acts.append(self._say(talk, "pressed", value={"of": "the bot"}))
        elif chosen < 0.5 and talk.receipts:
            acts.append(self._reply(talk))
        if self.rng.random() < 0.5:
            acts.append(self._notify(talk))
        self.rng.shuffle(acts)
        await asyncio.gather(*acts)

    async def _answer_dialog(self, talk: Talk) -> None:
        text = TALK[talk.said][0]
        talk.said += 1
        await self._say(talk, text)

    async def _reply(self, talk: Talk) -> None:
        receipt = talk.receipts.pop(self.rng.randrange(len(talk.receipts)))
        talk.replied.append(receipt)
        # Channels send some things twice, to whichever process.
        times = self.rng.choice((1, 1, 2))
        said = {"replyToId": receipt, "id": f"id of {receipt}"}
        await asyncio.gather(*(self._say(talk, f"re {receipt}", **said) for _ in range(times)))

    async def _say(self, talk: Talk, text: str, **changes: Any) -> None:
        desk = self.rng.choice(self.desks)
        self._saying.add(talk.id)
        await self.chance()
        # What comes twice at once is one turn, which began with whichever came first.
        if not self._coming[talk.id]:
            self._began[talk.id] = self.clock.now()
        self._coming[talk.id] += 1
        account = {"id": talk.id, "conversationType": "personal", "tenantId": "tenant-1"}
        await desk.receive(message(text, conversation=account, **{"from": ANA}, **changes))
        await desk.bridge._marks.written()  # noqa: SLF001 - as in enter
        self._coming[talk.id] -= 1
        self._is_said(talk)
        talk.waiting = talk.said < _DONE

    async def _notify(self, talk: Talk) -> None:
        desk = self.rng.choice(self.desks)
        kind = self.rng.choice(list(KINDS))
        content = None if {"handler", "mode"} & _turns(kind) else f"{kind}"
        await self.chance()
        self._numbers += 1
        said = Said(kind, self._numbers, self.clock.now())
        handle = await desk.outbox.notify(f"conversation:{talk.id}", content, **KINDS[kind])
        said.accepted_at = handle._accepted.accepted_at  # noqa: SLF001 - as it was kept
        (id_,) = handle.delivery_ids
        talk.accepted[id_] = said
        if id_ not in talk.left:
            talk.waits[id_] = said

    async def _deliver_on(self, desk: Bench) -> None:
        """Deliver again and again, while others act."""
        self._claiming += _CLAIMS
        for _ in range(_CLAIMS):
            self._claiming -= 1
            await self._deliver(desk)

    async def _deliver(self, desk: Bench) -> int:
        """Claim what is due, carry it out, and settle it."""
        self._claiming += 1
        if self._saying and self.rng.random() < 0.6:
            await self._entered_some.wait()
        await self.chance()
        now = self.clock.now()
        busy = {
            id_
            for talk in self.talks.values()
            for id_, said in talk.waits.items()
            if talk.must_wait(said, now)
        }
        claims = (await self._cycle(desk, [], 64)).claims
        self._claiming -= 1
        self._claimed_some.ring()
        now = self.clock.now()
        for claim in claims:
            self._claimed(claim, busy, now)
        await self.chance()
        ended = await asyncio.gather(*(self._carry_out(desk, claim) for claim in claims))
        await self._cycle(desk, ended, 0)
        for each in ended:
            if each.claim.asks:
                talk = self.talks[each.claim.conversation_id]
                talk.receipts.append(str(each.evidence.activity_id))
        return len(claims)

    async def _cycle(self, desk: Bench, settled: Sequence[Any], limit: int) -> Any:
        left = list(settled)
        while True:
            now = self.clock.now()
            cycled = await desk.store.cycle(
                left,
                owner=f"desk {self.desks.index(desk)}",
                now=now,
                lease_until=now + 600 * SECOND,
                wanted=Wanted(limit=limit),
                observed=Observed(),
            )
            left = [each for each in left if each.claim.delivery_id in cycled.waiting]
            if not left:
                return cycled
            await asyncio.sleep(0)

    def _claimed(self, claim: Claim, busy: set[str], now: datetime) -> None:
        talk = self.talks[claim.conversation_id]
        talk.left.append(claim.delivery_id)
        said = talk.waits.pop(claim.delivery_id, None)
        # Without it, it has left before whoever accepted it was told.
        certain = said and claim.delivery_id in busy and talk.must_wait(said, now)
        assert not certain, f"{said} left in the middle of something: {talk}"

    async def _carry_out(self, desk: Bench, claim: Claim) -> Any:
        receipt = f"receipt {claim.delivery_id}"
        if claim.handler is not None:
            ended = await desk.bridge.turns.run(claim)
            assert ended.error is None, ended
            assert ended.answer is None, ended
        else:
            await self.chance()
        told = Evidence(status=201, activity_id=receipt)
        return replace(_settled(claim, self.clock), evidence=told)

    # -- what must hold ----------------------------------------------------------------------

    async def rest(self) -> None:
        """Deliver what is due; then nothing waits that need not."""
        for desk in self.desks:
            await desk.bridge._marks.written()  # noqa: SLF001 - as above
        for look in range(_LOOKS):
            while True:
                moved = await self.desks[0].store.promote(self.clock.now(), 500)
                sent = await self._deliver(self.delivering[0])
                if not moved and not sent:
                    break
            idle = self._idle()
            if idle is None:
                return
            # Somebody may have had the conversation at that moment: it is passed over then.
            await asyncio.sleep(0.02 * look)
        assert idle is not None
        id_, said, talk = idle
        found = await self.desks[0].store.delivery(id_)
        raise AssertionError(f"It waits for nothing: {said}, {found}, {talk}")

    def _idle(self) -> tuple[str, Said, Talk] | None:
        """What waits though it need not."""
        now = self.clock.now()
        for talk in self.talks.values():
            for id_, said in talk.waits.items():
                if not talk.may_wait(said, now):
                    return id_, said, talk
        return None

    async def _finish(self) -> None:
        """Let everything leave, and look at what is left."""
        while any(talk.waits for talk in self.talks.values()):
            self.clock.advance(10)
            await self.rest()
        for talk in list(self.talks.values()):
            while talk.receipts:
                await self._together([self._reply(talk)])
        for talk in list(self.talks.values()):
            self._check_order(talk)
            assert sorted(talk.answers) == sorted(f"re {each}" for each in talk.replied)
            heard = [
                each.text
                for desk in self.desks
                for each in desk.channel.sent
                if each.post.conversation_id == talk.id and each.activity["type"] != "trace"
            ]
            expected = [said for _, said in TALK[: talk.said]]
            told = f"{heard} instead of {expected}"
            assert sorted(map(str, heard)) == sorted(expected), told
            state, alone = await self.state(talk), await self.uninterrupted(talk.said)
            assert state == alone, f"{state} instead of {alone}"
            assert (await self._kept(talk.id)).get("notes", 0) == talk.notes, talk

    def _check_order(self, talk: Talk) -> None:
        """Of each kind, what was accepted earlier has left earlier."""
        for kind in KINDS:
            said = [talk.accepted[id_] for id_ in talk.left]
            left = [each.accepted_at for each in said if each.kind == kind]
            assert left == sorted(left), f"{kind} out of order: {talk}"

    async def _kept(self, conversation_id: str) -> dict[str, Any]:
        key = f"msteams/conversations/{conversation_id}"
        found: Any = await self.storage.read([key], target_cls=CachedAgentState)
        return dict(found[key].state)

    async def state(self, talk: Talk) -> str:
        """The state of a conversation's dialog, without what differs every time."""
        kept = await self._kept(talk.id)
        return _DIFFERS.sub("-", repr(kept["DialogState"]))

    async def uninterrupted(self, said: int) -> str:
        """The same of one in which nothing else has happened."""
        talk = Talk(f"a:alone-{self._seed}-{said}")
        if talk.id not in self.talks:
            self.talks[talk.id] = talk
            for text, _ in TALK[:said]:
                talk.said += 1
                await self._together([self._say(talk, text)])
        found = await self.state(talk)
        assert ("DialogInstance" in found) == (said < _DONE), found
        return found


def _turns(kind: str) -> set[str]:
    """What of a kind's options means that its content is decided in a turn."""
    options = KINDS[kind]
    turns = {"handler"} if "handler" in options else set()
    return turns | ({"mode"} if options.get("mode") == "as_turn" else set())

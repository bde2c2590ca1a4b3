"""Soak: many deliveries, a channel that goes wrong in every way, and a process that is killed.

Run as ``python -m proofs.soak``. One request in twenty meets one of two dozen faults, drawn by the
seed; the process that delivers is killed with SIGKILL while it sends and between two broadcasts.
Afterwards what the database says is held against what the channel took.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from proofs.processes import LOOK, Channel, Sender, channel, meet
from proofs.report import Claim, Report, load
from proofs.soaking import quick
from recado.app import Recado
from recado.domain.delivery import FINAL, OnUnknown, State
from recado.domain.policy import RetryPolicy
from recado.store.port import DeliveryDetail, DeliveryFilter

#: How many times as fast as the machine's the clock of the deliveries runs.
_SPEED: Final = 30.0
#: In flight plus one settle batch: what a kill may leave unsettled (promise 2).
_UNSETTLED: Final = 64 + 64
#: The most a sender may grow beyond what one has that has nothing to do.
_GROWTH: Final = 96 * 2**20
#: Every so many broadcasts is one of which at most one copy may arrive.
_PARKED: Final = 4
#: Codes with which a conversation says that nobody can speak in it.
_GONE: Final = {"ConversationBlockedByUser", "BotNotInConversationRoster", "MessageWritesBlocked"}
#: Seconds without anything new after which a soak is given up.
_PATIENCE: Final = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much is soaked.

    Attributes:
        deliveries: how many.
        lanes: conversations they are spread over.
        kills: how often the process is killed while it sends, and as often between.
        share: of requests that go wrong.
        seed: of everything that is drawn.
    """

    deliveries: int
    lanes: int
    kills: int
    share: float
    seed: int

    @property
    def broadcasts(self) -> int:
        """Notifications to everyone that make so many deliveries."""
        return max(1, self.deliveries // self.lanes)


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What was found afterwards.

    Attributes:
        accepted: deliveries.
        states: how many ended in each state.
        twice: deliveries that are in the database more than once, or not at all.
        taken: texts the channel took, repeats included.
        repeats: texts it took again.
        spoilt: answers the channel spoilt after it had taken something: each asks for a repeat.
        kills: how often the process was killed.
        lost: deliveries that are called delivered and never arrived.
        denied: deliveries that arrived and are called rejected.
        parked_twice: deliveries of which one copy at most may arrive, and more did.
        left: lanes that were left for a while, and whose order that has changed.
        disordered: deliveries that arrived behind later ones and had not given way to them.
        memory: the most bytes a sender had, and the first one before it had anything to do.
        faults: how often each fault happened.
        seconds: how long it took.
    """

    accepted: int = 0
    states: Counter[State] = field(default_factory=Counter)
    twice: int = 0
    taken: int = 0
    repeats: int = 0
    spoilt: int = 0
    kills: int = 0
    lost: int = 0
    denied: int = 0
    parked_twice: int = 0
    left: int = 0
    disordered: int = 0
    memory: tuple[int, int] = (0, 0)
    faults: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    def claims(self) -> list[Claim]:
        """What a soak shows."""
        ended = sum(self.states[state] for state in (*FINAL, State.UNKNOWN))
        bound = self.spoilt + self.kills * _UNSETTLED
        most, idle = self.memory
        return [
            Claim(
                "every delivery ends in exactly one final state, or is parked",
                ended == self.accepted and self.twice == 0,
                f"{ended:,} of {self.accepted:,}",
            ),
            Claim("nothing that is called delivered is lost", self.lost == 0, f"{self.lost}"),
            Claim("nothing that arrived is called rejected", self.denied == 0, f"{self.denied}"),
            Claim(
                "what may arrive once at most does not arrive twice",
                self.parked_twice == 0,
                f"{self.parked_twice}",
            ),
            Claim("every lane keeps its order", self.disordered == 0, f"{self.disordered} broken"),
            Claim(
                "repeats are bounded: answers the channel spoilt, and 128 for each kill",
                self.repeats <= bound,
                f"{self.repeats:,} of at most {bound:,}",
            ),
            Claim(
                "memory is bounded",
                most - idle <= _GROWTH,
                f"{most / 2**20:.0f} MiB at most, {idle / 2**20:.0f} MiB idle",
            ),
        ]


class Soak:
    """One soak.

    Args:
        plan: how much.
        directory: where the database is.
        fake: the channel.
    """

    def __init__(self, plan: Plan, directory: Path, fake: Channel) -> None:
        self._plan = plan
        self._fake = fake
        self._database = directory / "recado.db"
        epoch = time.time()
        self._recado = quick(self._database, _SPEED, epoch)
        arguments = (str(self._database), str(_SPEED), str(epoch))
        self._sender = Sender("-m", "proofs.soaking", *arguments, log=directory / "sender.log")
        self._rng = random.Random(plan.seed)
        self._names = [f"a:{number}" for number in range(plan.lanes)]
        #: By notification id, its number and what is to be done in doubt.
        self._said: dict[str, tuple[int, OnUnknown]] = {}
        self._memory = 0
        self._outcome = Outcome()

    async def run(self) -> Outcome:
        """Play it, and look what became of it."""
        begun = time.monotonic()
        await self._recado.open()
        try:
            await meet(self._recado, self._fake.url, self._names, "tenant-1")
            await self._sender.start()
            idle = await self._idle()
            await self._fake.ask("trouble", share=self._plan.share)
            returning = asyncio.create_task(self._people_return())
            await self._play()
            for name, takes, times in await self._fake.ask("heal"):
                self._outcome.faults[name] = times
                self._outcome.spoilt += times if takes else 0
            await self._until_rest()
            returning.cancel()
            self._note_memory()
            self._outcome.memory = (self._memory, idle)
            await self._judge()
        finally:
            await self._sender.kill()
            await self._recado.stop()
        self._outcome.seconds = time.monotonic() - begun
        return self._outcome

    # -- playing -------------------------------------------------------------------------------

    async def _idle(self) -> int:
        """Wait until the sender delivers; the memory it has then."""
        while not await self._recado.store.served():
            await asyncio.sleep(LOOK)
        await asyncio.sleep(0.5)
        return self._sender.memory

    async def _play(self) -> None:
        """Accept in waves; kill in the middle of most, and after them."""
        plan = self._plan
        waves = max(1, plan.kills)
        for wave in range(waves):
            first = plan.broadcasts * wave // waves
            for number in range(first, plan.broadcasts * (wave + 1) // waves):
                await self._accept(number)
            wanted = (plan.broadcasts * (wave + 1) // waves - first) * plan.lanes
            # While it sends, at a moment nobody has chosen ...
            await self._fake.until_asked(max(1, int(wanted * self._rng.uniform(0.1, 0.9))))
            await self._kill()
            # ... and between the waves, when only what waits for a retry is left.
            await self._until_quiet()
            await self._kill()

    async def _accept(self, number: int) -> None:
        once = number % _PARKED == _PARKED - 1
        doubt = OnUnknown.PARK if once else OnUnknown.RETRY
        made = await self._recado.notify("all", f"{number:06d}", on_unknown=str(doubt))
        self._said[made.id] = (number, doubt)
        self._outcome.accepted += self._plan.lanes

    async def _kill(self) -> None:
        self._note_memory()
        await self._sender.kill()
        self._outcome.kills += 1
        await self._sender.start()

    def _note_memory(self) -> None:
        self._memory = max(self._memory, self._sender.memory)

    async def _people_return(self) -> None:
        """Whoever had blocked the bot, or was not found, writes to it again a moment later."""
        while True:
            await asyncio.sleep(0.3)
            found = await self._recado.store.deliveries(
                DeliveryFilter(state=State.HELD, reason="unreachable"), limit=500
            )
            back = {each.reference_id for each in found.items}
            named = [await self._recado.store.reference(each) for each in back]
            names = [each.key.conversation_id for each in named if each is not None]
            if names:
                await meet(self._recado, self._fake.url, names, "tenant-1")

    async def _until_quiet(self) -> None:
        """Wait until next to nothing is left of what has been accepted."""
        while await self._left() > self._plan.lanes // 20:
            await asyncio.sleep(LOOK)

    async def _until_rest(self) -> None:
        """Wait until every delivery has come to its end."""
        left, since = await self._left(), time.monotonic()
        while left:
            await asyncio.sleep(LOOK)
            now = await self._left()
            if now != left:
                left, since = now, time.monotonic()
            if time.monotonic() > since + _PATIENCE:
                return  # what is left is told by the figures

    async def _left(self) -> int:
        backlog = await self._recado.store.backlog()
        parked = backlog.waiting.get(State.UNKNOWN, 0)
        made = 0 if not backlog.expanding else self._plan.lanes
        return sum(backlog.waiting.values()) - parked + made

    # -- judging -------------------------------------------------------------------------------

    async def _judge(self) -> None:
        """Hold what the database says against what the channel took."""
        outcome = self._outcome
        texts: Mapping[str, Sequence[str]] = await self._fake.ask("texts")
        arrived = {name: Counter(said) for name, said in texts.items()}
        outcome.taken = sum(len(said) for said in texts.values())
        outcome.repeats = outcome.taken - sum(len(said) for said in arrived.values())
        conversations = await _conversations(self._recado)
        seen: set[tuple[str, int]] = set()
        ids: dict[tuple[str, int], str] = {}
        after: str | None = None
        while True:
            page = await self._recado.store.deliveries(DeliveryFilter(), limit=1000, after=after)
            for each in page.items:
                number, doubt = self._said[each.notification_id]
                name = conversations[each.reference_id]
                times = arrived.get(name, Counter())[f"{number:06d}"]
                outcome.states[each.state] += 1
                outcome.twice += (name, number) in seen
                seen.add((name, number))
                ids[name, number] = each.id
                outcome.lost += each.state is State.DELIVERED and not times
                outcome.denied += each.state is State.REJECTED and times > 0
                outcome.parked_twice += doubt is OnUnknown.PARK and times > 1
            after = page.next
            if after is None:
                break
        outcome.twice += outcome.accepted - len(seen)
        for name, said in texts.items():
            behind = [ids[name, number] for number in _behind(said)]
            if behind and await self._was_left([ids[each] for each in ids if each[0] == name]):
                outcome.left += 1
            else:
                gave_way = [await self._gave_way(each) for each in behind]
                outcome.disordered += gave_way.count(False)

    async def _was_left(self, lane: Sequence[str]) -> bool:
        """Whether the conversation could not be spoken in for a while.

        What waits for its return enters the lane again at the end, behind what was accepted
        meanwhile.
        """
        details = [await self._detail(each) for each in lane]
        return any(
            {each.evidence.code, each.evidence.sub_code} & _GONE
            for detail in details
            for each in detail.attempts
        )

    async def _gave_way(self, delivery_id: str) -> bool:
        """Whether a delivery may have left its lane so that others could go on.

        That is after a minute at its head, or when a conversation was not found a second time.
        """
        attempts = (await self._detail(delivery_id)).attempts
        passed = attempts[-1].started_at - attempts[0].started_at
        not_found = sum(each.evidence.status in {403, 404} for each in attempts)
        return passed > RetryPolicy().keep_lane or not_found > 1

    async def _detail(self, delivery_id: str) -> DeliveryDetail:
        detail = await self._recado.store.delivery(delivery_id)
        assert detail is not None
        return detail


async def _conversations(recado: Recado) -> dict[str, str]:
    """Conversation ids by reference id."""
    found: dict[str, str] = {}
    after: str | None = None
    while True:
        page = await recado.store.references(limit=1000, after=after)
        found |= {each.id: each.key.conversation_id for each in page.items}
        after = page.next
        if after is None:
            return found


def _behind(said: Sequence[str]) -> list[int]:
    """Numbers that arrived for the first time behind a greater one."""
    found, seen, greatest = [], set(), -1
    for number in map(int, said):
        if number not in seen and number < greatest:
            found.append(number)
        seen.add(number)
        greatest = max(greatest, number)
    return found


async def soak(plan: Plan, directory: Path) -> Outcome:
    """Play one soak over a new database in a directory."""
    async with channel(seed=plan.seed) as fake:
        return await Soak(plan, directory, fake).run()


def check_file(database: Path) -> str:
    """What SQLite says of its own file after all those kills; ``ok`` if nothing."""
    db = sqlite3.connect(database)
    try:
        return str(db.execute("PRAGMA integrity_check").fetchone()[0])
    finally:
        db.close()


def main() -> int:
    """Soak, print what came of it, and say by the exit code whether all of it holds."""
    parser = argparse.ArgumentParser(prog="python -m proofs.soak", description=__doc__)
    parser.add_argument("--deliveries", type=int, default=200_000)
    parser.add_argument("--lanes", type=int, default=2_500)
    parser.add_argument("--kills", type=int, default=8, help="while it sends; as many between")
    parser.add_argument("--faults", type=float, default=0.05, help="share of requests")
    parser.add_argument("--seed", type=int, default=20261121)
    told: Any = parser.parse_args()
    plan = Plan(
        deliveries=told.deliveries,
        lanes=told.lanes,
        kills=told.kills,
        share=told.faults,
        seed=told.seed,
    )
    report = Report()
    report.say(f"Soak with seed {plan.seed} ({load()})")
    with tempfile.TemporaryDirectory(prefix="recado-soak-") as directory:
        outcome = asyncio.run(soak(plan, Path(directory)))
        sound = check_file(Path(directory) / "recado.db")
    report.table(
        f"{outcome.accepted:,} deliveries over {plan.lanes:,} lanes in {outcome.seconds:.0f} s",
        ("", "how many"),
        [
            *((str(state), f"{many:,}") for state, many in sorted(outcome.states.items())),
            ("texts the channel took", f"{outcome.taken:,}"),
            ("of these repeats", f"{outcome.repeats:,}"),
            ("faults", f"{sum(outcome.faults.values()):,}"),
            ("of these after it had taken the text", f"{outcome.spoilt:,}"),
            ("kills", outcome.kills),
            ("lanes in another order, because the person had left", outcome.left),
        ],
    )
    report.table(
        "What went wrong",
        ("fault", "how often"),
        [(k, f"{v:,}") for k, v in outcome.faults.items()],
    )
    report.claims([*outcome.claims(), Claim("the database is sound", sound == "ok", sound)])
    return int(report.failed)


if __name__ == "__main__":
    sys.exit(main())

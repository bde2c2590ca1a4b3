"""Long answers when processes are killed between any two steps, with real processes.

Each test kills one process at a point of a long answer's life and lets another one go on. In the
database there has to be then what one undisturbed process would have made of it. Here they are
played in short: :mod:`proofs.killed` plays all of it.
"""

from __future__ import annotations

import asyncio
import json
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from proofs.answering import ACK, FALLBACK, PARTS, Told
from proofs.killed import IN_FULL, in_full
from proofs.kills import Nursery, nursery
from proofs.points import ANSWER_POINTS, Plan
from proofs.recorder import signalled
from recado import Recado, Settings
from recado.domain.answer import AnswerState, LongAnswer
from recado.store.port import DeliveryFilter
from recado.store.postgres.turns import LEASE
from recado.testing import FakeConnector

#: Seconds; shorter than anybody may set it, so that nobody has to wait for it here.
_LEASE = 0.7
#: What one process that stops in order passes, and one that is killed does not.
_POINTS = [each for each in ANSWER_POINTS if not each.startswith(("hand back", "renew"))]
#: Those at which something is left of a function that cannot be resumed, and the first and last.
_FEWER = [_POINTS[0], *(each for each in _POINTS if each.endswith("is known"))]
#: Where not even a function that cannot be resumed is missed: it was not promised yet, and is
#: when the activity comes again, or its end is committed.
_UNPROMISED = "promise: before its commit"
_CLAIMED = "claim a work: committed, before it is known"
_SHORT = [_CLAIMED, "say: committed, before it is known", "end an answer: before its commit"]
_only_in_full = pytest.mark.skipif(not IN_FULL, reason="python -m proofs.killed plays it")
_NOTHING_LOST = {_UNPROMISED, "end an answer: committed, before it is known"}


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of either kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/recado.db"
    migrated: str = request.getfixturevalue("migrated_url")
    return migrated


class Play:
    """What happens in one test: a channel, processes, and somebody who looks.

    Args:
        url: of the database.
        channel: where the person is.
        start: starts processes.
    """

    def __init__(self, url: str, channel: FakeConnector, start: Nursery) -> None:
        self.url = url
        self.channel = channel
        self.start = start
        self.looking = Recado(Settings(database_url=url))
        self._ana = channel.person("ana")

    def heard(self, *texts: str) -> tuple[dict[str, Any], ...]:
        """What Ana says, as the channel tells it; a text is told under the same id again."""
        return tuple(
            self.channel.inbound(self._ana) | {"type": "message", "text": text, "id": f"id-{text}"}
            for text in texts
        )

    async def process(
        self, name: str, *texts: str, plan: Plan | None = None, **changes: Any
    ) -> int:
        """Start a process that hears *texts*; its id."""
        told: dict[str, Any] = {
            "name": name,
            "url": self.url,
            "plan": plan or Plan(),
            "lease": _LEASE,
        }
        return await self.start.start(Told(activities=self.heard(*texts), **told | changes))

    async def killed_once(self, text: str, number: int, **changes: Any) -> LongAnswer:
        """A process hears *text* and is killed, and another one goes on; what came of it."""
        plan = changes.pop("plan")
        await self.process(f"first {number}", text, plan=plan, **changes)
        assert await self.ended(f"first {number}") == -signal.SIGKILL, plan
        if plan.point == _UNPROMISED and not self.url.startswith("sqlite"):
            # Until then the turn is taken to be the first process's, and not run by another.
            await asyncio.sleep(LEASE.total_seconds())
        # The channel has had no answer, perhaps, and tells it again.
        pid = await self.process(f"second {number}", text, **changes)
        newest = (await self.answers(number + 1))[0]
        signalled(pid, signal.SIGTERM)
        await self.ended(f"second {number}")
        return newest

    async def ended(self, name: str) -> int:
        """How a process ended, once it has."""
        async with asyncio.timeout(30):
            return await self.start.until(name, "ended")

    async def answers(self, count: int) -> list[LongAnswer]:
        """The long answers, once so many have ended and all is said."""
        async with asyncio.timeout(40):
            while True:
                known = list((await self.looking.answers.page()).items)
                waiting = (await self.looking.store.backlog()).waiting
                over = [each for each in known if each.over]
                if len(over) == len(known) == count and not sum(waiting.values()):
                    return known
                await asyncio.sleep(0.05)

    async def begun(self) -> None:
        """Wait until the work of the one answer has been begun."""
        async with asyncio.timeout(20):
            while not await self._is_begun():  # noqa: ASYNC110 - it is in another process
                await asyncio.sleep(0.02)

    async def _is_begun(self) -> bool:
        page = await self.looking.answers.page()
        return [each.attempts for each in page.items] == [1]

    async def said(self) -> Counter[str]:
        """What was accepted to be said, and how often: an answer's messages, and fallbacks.

        What only shows the progress is left out, whether it was sent or overtaken.
        """
        texts: Counter[str] = Counter()
        page = await self.looking.outbox.deliveries(DeliveryFilter(), limit=10_000)
        for each in page.items:
            detail = await self.looking.outbox.delivery(each.id)
            text = json.loads(detail.content or "{}").get("text", "")
            if "%" not in text:
                texts[text] += 1
        return texts


@asynccontextmanager
async def playing(url: str, tmp_path: Path) -> AsyncIterator[Play]:
    """A play; whatever lives at its end is ended."""
    async with FakeConnector() as channel, nursery(tmp_path, "proofs.answering") as start:
        play = Play(url, channel, start)
        await play.looking.open()
        try:
            yield play
        finally:
            await play.looking.stop()


def whole(text: str) -> Counter[str]:
    """An answer to *text*, each part once."""
    return Counter(f"{text} {part}" for part in PARTS)


@pytest.mark.timeout(240)
async def test_a_registered_work_is_resumed(url: str, tmp_path: Path) -> None:
    """Wherever its process is killed, the answer is said whole and once, and nothing else is."""
    async with playing(url, tmp_path) as play:
        expected: Counter[str] = Counter()
        for number, point in enumerate(in_full(_POINTS, _SHORT)):
            text = f"report {number}"
            plan = Plan(point, 2 if point.startswith("say") else 1)
            answer = await play.killed_once(text, number, plan=plan)
            assert (answer.state, answer.sends) == (AnswerState.DONE, len(PARTS)), point
            expected += whole(text)
            assert await play.said() == expected, point
        assert ACK in play.channel.texts["a:ana"]


@pytest.mark.timeout(240)
async def test_what_cannot_be_resumed_is_apologised_for(url: str, tmp_path: Path) -> None:
    """Wherever its process is killed, the answer is whole or apologised for, once."""
    async with playing(url, tmp_path) as play:
        expected: Counter[str] = Counter()
        for number, point in enumerate(in_full(_FEWER, [_CLAIMED])):
            text = f"report {number}"
            answer = await play.killed_once(text, number, plan=Plan(point), resumable=False)
            if point in _NOTHING_LOST:
                assert answer.state is AnswerState.DONE, point
                expected += whole(text)
            else:
                assert answer.state is AnswerState.APOLOGISED, point
                expected += Counter([*list(whole(text))[: answer.sends], FALLBACK])
            assert await play.said() == expected, point


@pytest.mark.timeout(90)
async def test_a_deadline_passes_while_no_process_is_up(url: str, tmp_path: Path) -> None:
    """The first one afterwards says the fallback."""
    async with playing(url, tmp_path) as play:
        plan = Plan(_CLAIMED)
        await play.process("first", "report", plan=plan, deadline=2)
        assert await play.ended("first") == -signal.SIGKILL
        await asyncio.sleep(2)
        await play.process("second")
        (answer,) = await play.answers(1)
        assert answer.state is AnswerState.EXPIRED
        assert await play.said() == Counter([FALLBACK])


@_only_in_full
@pytest.mark.timeout(90)
async def test_a_work_that_kills_its_process_is_given_up(url: str, tmp_path: Path) -> None:
    """After three attempts; the person is told."""
    async with playing(url, tmp_path) as play:
        plan = Plan("progress: before its commit")
        for number in range(3):
            name = f"victim {number}"
            await play.process(name, *(["report"] if number == 0 else []), plan=plan)
            assert await play.ended(name) == -signal.SIGKILL
        await play.process("survivor")
        (answer,) = await play.answers(1)
        assert (answer.state, answer.reason, answer.attempts) == (AnswerState.FAILED, "gave_up", 3)
        assert await play.said() == Counter([FALLBACK])


@pytest.mark.timeout(90)
@pytest.mark.parametrize(
    "point",
    in_full(
        ["hand back a work: before its commit", "hand back a work: committed, before it is known"],
        ["hand back a work: committed, before it is known"],
    ),
)
async def test_a_stop_that_is_cut_short(url: str, tmp_path: Path, point: str) -> None:
    """Killed while it hands its work back, a process leaves it to the next one all the same."""
    async with playing(url, tmp_path) as play:
        pid = await play.process("first", "report", plan=Plan(point), pause=60)
        await play.begun()
        signalled(pid, signal.SIGTERM)
        assert await play.ended("first") == -signal.SIGKILL
        await play.process("second")
        (answer,) = await play.answers(1)
        assert answer.state is AnswerState.DONE
        assert await play.said() == whole("report")


@pytest.mark.timeout(90)
async def test_two_processes_and_one_that_sleeps(migrated_url: str, tmp_path: Path) -> None:
    """What a process slept over is another's; awake again, it says nothing twice."""
    async with playing(migrated_url, tmp_path) as play:
        plan = Plan(_CLAIMED, pause=True)
        pid = await play.process("sleeper", "report", plan=plan)
        async with asyncio.timeout(30):
            await play.start.until("sleeper", "stopped")
        await play.process("second")
        (answer,) = await play.answers(1)
        signalled(pid, signal.SIGCONT)
        await asyncio.sleep(1)
        assert (answer.state, answer.attempts) == (AnswerState.DONE, 2)
        assert await play.said() == whole("report")


@pytest.mark.timeout(90)
async def test_many_answers_of_three_processes(migrated_url: str, tmp_path: Path) -> None:
    """Two are killed in the middle; each answer is said whole and once."""
    async with playing(migrated_url, tmp_path) as play:
        texts = [f"t{number}" for number in range(24)]
        plans = [Plan("say: before its commit", 5), Plan("say: committed, before it is known", 9)]
        for number, plan in enumerate(plans):
            await play.process(f"p{number}", *texts[number::3], plan=plan, pause=0.2)
        await play.process("p2", *texts[2::3], pause=0.2)
        for number in range(2):
            assert await play.ended(f"p{number}") == -signal.SIGKILL
        # What a killed one had not come to hear is told again, to the one that lives.
        await play.process("p3", *texts)
        answers = await play.answers(len(texts))
        assert {each.state for each in answers} == {AnswerState.DONE}
        assert await play.said() == sum((whole(text) for text in texts), Counter())

"""The service that runs works: leases, databases that are away, and more than one process."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from recado.answers.ending import Ending
from recado.app import Recado
from recado.bot.answering import Answering
from recado.config import Settings
from recado.domain.answer import AnswerState, LongAnswer
from recado.errors import StoreUnavailable
from recado.store.sqlite import SqliteStore
from recado.telemetry import ServiceFailed
from recado.testing import HandClock, SimulatedChannel, held, simulate
from tests.answers.kit import Stage, play

Work = Callable[[Answering, Any], Awaitable[None]]


class Two:
    """Two processes over one SQLite file; the first one delivers.

    Attributes:
        clock: the time of both.
        channel: the one they send to.
        first: one that is started.
        second: the other one.
    """

    def __init__(self, clock: HandClock, path: Path, **settings: Any) -> None:
        self.clock = clock
        self._settings = settings
        self.channel = SimulatedChannel(clock)
        self.first, self.second = self._process(path), self._process(path)

    def _process(self, path: Path) -> Recado:
        return Recado(
            Settings(database_url=f"sqlite:///{path}", pace={"msteams": None}, **self._settings),
            clock=self.clock,
            store=held(SqliteStore(path, self.clock), self.clock),
            channel=self.channel,
        )

    async def promise(self, by: Recado | None = None, **changes: Any) -> LongAnswer:
        """An answer to Ana, outside of any turn."""
        by = by or self.first
        await self.channel.meet(by, "ana")
        page = await by.references.page()
        answer, _ = await by.answers.promise(page.items[0], "report", **changes)
        return answer

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        await self.clock.wait(asyncio.Event(), seconds)

    async def over(self, answer: LongAnswer, within: float = 120) -> LongAnswer:
        """The answer, once it has ended."""
        limit = self.clock.now() + timedelta(seconds=within)
        while not (known := await self.second.answers.get(answer.id)).over:
            assert self.clock.now() < limit, known
            await self.sleep(0.1)
        return known

    def crash(self) -> None:
        """The first one's services end, and put nothing in order."""
        parts = self.first._long_answers  # noqa: SLF001 - no process may do this
        for service in (parts.works, parts.typing):
            assert service._task is not None  # noqa: SLF001 - as above
            service._task.cancel()  # noqa: SLF001 - as above
        for _, task in parts.works._running.values():  # noqa: SLF001 - as above
            task.cancel()


def together(scene: Callable[[Two], Awaitable[None]], path: Path, **settings: Any) -> None:
    """Play a scene with two processes."""

    async def main(clock: HandClock) -> None:
        two = Two(clock, path / "recado.db", **settings)
        async with two.first, two.second:
            await scene(two)

    simulate(main)


def test_the_work_of_a_dead_process_is_taken_over_within_its_lease(tmp_path: Path) -> None:
    """And not before that."""

    async def scene(two: Two) -> None:
        begun: list[str] = []

        def registered(name: str, recado: Recado) -> None:
            @recado.work("report")
            async def report(answer: Answering, payload: Any) -> None:
                begun.append(f"{name} {answer.attempt}")
                await two.sleep(20)
                await answer.send("done")

        registered("first", two.first)
        answer = await two.promise()
        await two.sleep(2)
        registered("second", two.second)
        two.crash()
        at = two.clock.now()
        await two.sleep(25)
        assert begun == ["first 1"]
        known = await two.over(answer)
        assert (known.state, begun) == (AnswerState.DONE, ["first 1", "second 2"])
        assert two.clock.now() - at < timedelta(seconds=30 + 20 + 2)

    together(scene, tmp_path)


def test_a_clock_that_is_set_back_keeps_nobody_waiting(tmp_path: Path) -> None:
    """The lease of the process that has died would have lasted an hour."""

    async def scene(two: Two) -> None:
        begun: list[int] = []

        async def report(answer: Answering, payload: Any) -> None:
            begun.append(answer.attempt)
            if answer.attempt == 1:
                await two.sleep(600)
            await answer.send("done")

        two.first.work("report")(report)
        answer = await two.promise(deadline=timedelta(hours=3))
        await two.sleep(2)
        two.crash()
        two.second.work("report")(report)
        two.clock.set(two.clock.now() - timedelta(hours=1))
        # Who waits on a real clock does not wait longer for that.
        two.second._long_answers.works.wake()  # noqa: SLF001 - as said
        known = await two.over(answer, within=60)
        assert (known.state, begun) == (AnswerState.DONE, [1, 2])

    together(scene, tmp_path)


def test_what_is_called_off_elsewhere_is_stopped_here(tmp_path: Path) -> None:
    """Within a second or two."""

    async def scene(two: Two) -> None:
        stopped: list[bool] = []

        @two.first.work("report")
        async def report(answer: Answering, payload: Any) -> None:
            try:
                await two.sleep(600)
            finally:
                stopped.append(True)

        answer = await two.promise()
        await two.sleep(3)
        await two.second.answers.cancel(answer.id)
        await two.sleep(2)
        assert stopped == [True]

    together(scene, tmp_path)


def test_a_lease_lasts_as_long_as_its_work(tmp_path: Path) -> None:
    """Nobody else begins what somebody is at."""

    async def scene(two: Two) -> None:
        begun: list[int] = []

        async def report(answer: Answering, payload: Any) -> None:
            begun.append(answer.attempt)
            await two.sleep(300)
            await answer.send("done")

        for each in (two.first, two.second):
            each.work("report")(report)
        known = await two.over(await two.promise(), 400)
        assert (known.state, begun) == (AnswerState.DONE, [1])

    together(scene, tmp_path)


def test_processes_share_what_there_is_to_do(tmp_path: Path) -> None:
    """Each work is begun once, and all are done."""

    async def scene(two: Two) -> None:
        begun: list[str] = []

        def registered(recado: Recado) -> None:
            @recado.work("report")
            async def report(answer: Answering, payload: Any) -> None:
                begun.append(answer.id)
                await two.sleep(5)
                await answer.send(f"done {payload}")

        registered(two.first)
        registered(two.second)
        answers = [await two.promise(payload=number) for number in range(40)]
        for answer in answers:
            assert (await two.over(answer)).state is AnswerState.DONE
        assert sorted(begun) == sorted(answer.id for answer in answers)
        await two.sleep(60)
        assert sorted(two.channel.texts["a:ana"]) == sorted(f"done {n}" for n in range(40))

    together(scene, tmp_path)


def test_an_end_is_told_until_the_database_takes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The work is not run again for that, and the answer is not said again."""

    async def scene(stage: Stage) -> None:
        runs: list[int] = []
        fails = [True] * 3
        failures: list[str] = []
        ended = Ending.by_itself

        async def refused(self: Ending, *told: Any) -> bool:
            if fails:
                fails.pop()
                raise StoreUnavailable("It is away.")
            return await ended(self, *told)

        monkeypatch.setattr(Ending, "by_itself", refused)
        stage.recado.telemetry.subscribe(
            lambda event: (
                failures.append(event.service) if isinstance(event, ServiceFailed) else None
            )
        )

        @stage.recado.work("report")
        async def report(answer: Answering, payload: Any) -> None:
            runs.append(answer.attempt)
            await answer.send("done")

        async def turn(context: Any) -> None:
            await stage.recado.later(context, report)

        stage.bot.turns["report"] = turn
        await stage.say("report")
        await stage.over(AnswerState.DONE)
        assert (runs, stage.texts(), failures) == ([1], ["done"], ["works"] * 3)

    play(scene)


def test_a_service_outlives_a_database_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was promised before is answered afterwards."""

    async def scene(stage: Stage) -> None:
        store = stage.recado.store
        away = [True]
        outlook = store.works_outlook

        async def refused(*told: Any) -> Any:
            if away:
                raise StoreUnavailable("It is away.")
            return await outlook(*told)

        store.works_outlook = refused  # type: ignore[method-assign, assignment]

        @stage.recado.work("report")
        async def report(answer: Answering, payload: Any) -> None:
            await answer.send("done")

        async def turn(context: Any) -> None:
            await stage.recado.later(context, report)

        stage.bot.turns["report"] = turn
        await stage.say("report")
        await stage.sleep(10)
        assert "away" in (stage.recado.trouble() or "")
        away.clear()
        await stage.over(AnswerState.DONE)
        assert stage.recado.trouble() is None

    play(scene)


def test_typing_stops_with_its_process(tmp_path: Path) -> None:
    """Nobody runs the work any more, so nobody is typing."""

    async def scene(two: Two) -> None:
        @two.first.work("report")
        async def report(answer: Answering, payload: Any) -> None:
            await two.sleep(600)

        await two.promise()
        await two.sleep(10)
        two.crash()
        before = len(two.channel.requests)
        await two.sleep(60)
        assert before >= 2
        assert len(two.channel.requests) == before

    together(scene, tmp_path)


def test_a_grace_that_is_longer_than_a_lease(tmp_path: Path) -> None:
    """What a process still works at when it stops is begun by nobody else meanwhile."""

    async def scene(two: Two) -> None:
        begun: list[str] = []

        def work(name: str) -> Work:
            async def report(answer: Answering, payload: Any) -> None:
                begun.append(name)
                await two.sleep(60)
                await answer.send("done")

            return report

        two.first.work("report")(work("first"))
        answer = await two.promise(deadline=timedelta(hours=1))
        await two.sleep(2)
        two.second.work("report")(work("second"))
        await two.first._long_answers.works.stop()  # noqa: SLF001 - it delivers afterwards
        assert (await two.over(answer)).attempts == 1
        assert begun == ["first"]

    together(scene, tmp_path, works_grace_seconds=90, lease_seconds=10)


def test_a_stop_while_the_database_is_away_leaves_no_work_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What runs is cut off after the grace, and goes on with the next start."""

    async def scene(stage: Stage) -> None:
        cut: list[int] = []

        @stage.recado.work("report")
        async def report(answer: Answering, payload: Any) -> None:
            try:
                await stage.sleep(60)
            except asyncio.CancelledError:
                cut.append(answer.attempt)
                raise
            await answer.send("done")

        async def away(*_: Any) -> Any:
            raise StoreUnavailable("The database is away.")

        stage.bot.turns["report"] = lambda context: stage.recado.later(context, report)
        await stage.say("report")
        await stage.sleep(2)
        with monkeypatch.context() as patch:
            patch.setattr(stage.recado.store, "renew_works", away)
            await stage.stop_works()
        assert cut == [1]
        stage.start_works()
        await stage.over(AnswerState.DONE)

    play(scene, works_grace_seconds=3)

"""Jobs: long work that ends with a word in the conversation it was started in."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from recado.domain.delivery import HeldReason, State
from recado.domain.job import Job, JobScope
from recado.domain.reference import Member, Reference
from recado.errors import InvalidInput, JobAlreadyComplete, StoreFull, UnknownJob
from recado.jobs import Jobs
from recado.outbox import CurrentTurn, Outbox, in_turn
from recado.references import References
from recado.store.port import Accepted
from recado.store.session import Session, Work
from recado.store.sqlite import SqliteStore
from recado.telemetry import Telemetry
from recado.testing import START, HandClock
from tests.store.kit import Desk

SCOPE = JobScope(bot="local", tenant="tenant-1")
ANA = {"id": "29:ana", "name": "Ana"}


class FullStore(SqliteStore):
    """A store whose disk can fill up in the middle of a completion.

    Attributes:
        full: whether the next completion fails after everything it writes has been written.
    """

    full = False

    async def complete_job(self, *args: Any, **kwargs: Any) -> Accepted:
        if not self.full:
            return await super().complete_job(*args, **kwargs)
        write = self._db.write

        async def write_and_fail(work: Work[Any]) -> Any:
            async def failing(db: Session) -> None:
                await work(db)
                raise StoreFull("The disk is full.")

            return await write(failing)

        self._db.write = write_and_fail  # type: ignore[method-assign]
        try:
            return await super().complete_job(*args, **kwargs)
        finally:
            self._db.write = write  # type: ignore[method-assign]


class Shop(Desk):
    """A job log and what it needs."""

    store: FullStore

    def __init__(self, store: FullStore, clock: HandClock) -> None:
        super().__init__(store, clock)
        telemetry = Telemetry()
        references = References(store, telemetry)
        outbox = Outbox(store, references, clock, telemetry, bot="local")
        self.jobs = Jobs(store, outbox, references, clock)

    async def start(self, reference: Reference, scope: JobScope = SCOPE, **changes: Any) -> Job:
        """Start a job for Ana."""
        return await self.jobs.start(reference, scope=scope, **({"user": ANA} | changes))


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    """A job log over a store in a file."""
    clock = HandClock()
    store = FullStore(tmp_path / "recado.db", clock)
    await store.open()
    yield Shop(store, clock)
    await store.close()


async def test_a_job_ends_with_a_word_where_it_was_started(shop: Shop) -> None:
    """In the original conversation, addressed to who started it, whoever spoke since."""
    reference = await shop.meet("19:g", is_group=True, conversation_type="groupChat")
    job = await shop.start(reference, title="Report")
    assert (job.number, job.title, job.started_at) == (1, "Report", START)
    await shop.see("19:g", at=shop.later(60), members=(Member(user_id="29:ben", name="Ben"),))
    handle = await shop.jobs.complete(SCOPE, job.number, {"rows": 3})
    (claim,) = await shop.claim()
    assert claim.delivery_id == handle.delivery_ids[0]
    assert claim.conversation_id == "19:g"
    assert json.loads(claim.content or "")["text"] == "Job 1 is complete."
    assert json.loads(claim.user or "") == ANA
    found = await shop.jobs.get(SCOPE, 1)
    assert (found.completed, found.result) == (True, {"rows": 3})


async def test_it_can_say_something_else(shop: Shop) -> None:
    """Text, or a whole activity."""
    reference = await shop.meet()
    for say in ("Done: 3 rows.", {"type": "message", "text": "Done: 3 rows.", "speak": "Done"}):
        job = await shop.start(reference)
        await shop.jobs.complete(SCOPE, job.number, say=say)
    assert await shop.drain() == ["Done: 3 rows."] * 2


async def test_it_speaks_the_conversations_language(shop: Shop) -> None:
    """Where it is known."""
    reference = await shop.meet(locale="es-MX")
    await shop.start(reference)
    await shop.jobs.complete(SCOPE, 1)
    assert await shop.drain() == ["El trabajo 1 está terminado."]


async def test_a_job_is_completed_once(shop: Shop) -> None:
    """And said once."""
    await shop.start(await shop.meet())
    await shop.jobs.complete(SCOPE, 1, "first")
    with pytest.raises(JobAlreadyComplete, match="Job 1 is already complete"):
        await shop.jobs.complete(SCOPE, 1, "second")
    assert (await shop.jobs.get(SCOPE, 1)).result == "first"
    assert len(await shop.drain()) == 1


@pytest.mark.parametrize("number", [2, 0, -1, 10**40])
async def test_an_unknown_number_is_told(shop: Shop, number: int) -> None:
    """However it is written."""
    await shop.start(await shop.meet())
    for verb in (shop.jobs.get, shop.jobs.complete):
        with pytest.raises(UnknownJob, match=f"does not contain a job {number}"):
            await verb(SCOPE, number)


@pytest.mark.parametrize(
    ("result", "say"),
    [
        (object(), None),
        (float("nan"), None),
        ({1, 2}, None),
        (None, {"type": 1}),
        (None, "half a \ud83d"),
    ],
)
async def test_what_cannot_be_kept_or_said_completes_nothing(
    shop: Shop, result: Any, say: Any
) -> None:
    """The job can be completed properly afterwards."""
    await shop.start(await shop.meet())
    with pytest.raises(InvalidInput):
        await shop.jobs.complete(SCOPE, 1, result, say=say)
    assert not (await shop.jobs.get(SCOPE, 1)).completed
    await shop.jobs.complete(SCOPE, 1)


@pytest.mark.parametrize("user", [{}, {"name": "Ana"}, {"id": ""}, {"id": "1", "x": object()}])
async def test_a_job_is_not_started_for_nobody(shop: Shop, user: Any) -> None:
    """A user that could not be addressed at the end is refused at the beginning."""
    reference = await shop.meet()
    with pytest.raises(InvalidInput, match="user"):
        await shop.start(reference, user=user)
    assert (await shop.jobs.page(SCOPE)).items == []


async def test_a_job_needs_no_user(shop: Shop) -> None:
    """What nobody started is said to the conversation."""
    await shop.start(await shop.meet(), user=None)
    await shop.jobs.complete(SCOPE, 1)
    (claim,) = await shop.claim()
    assert claim.user is None


async def test_completion_and_word_are_one_commit(shop: Shop) -> None:
    """If the disk fills up between the two, neither has happened."""
    await shop.start(await shop.meet())
    shop.store.full = True
    with pytest.raises(StoreFull):
        await shop.jobs.complete(SCOPE, 1, "result")
    assert not (await shop.jobs.get(SCOPE, 1)).completed
    assert await shop.ids() == []
    shop.store.full = False
    await shop.jobs.complete(SCOPE, 1, "result")
    assert await shop.drain() == ["Job 1 is complete."]


async def test_both_survive_a_crash(shop: Shop, tmp_path: Path) -> None:
    """Another process finds the job complete and its word on the way."""
    await shop.start(await shop.meet())
    await shop.jobs.complete(SCOPE, 1, "result")
    other = FullStore(tmp_path / "recado.db", shop.clock)
    await other.open()
    successor = Shop(other, shop.clock)
    assert (await successor.jobs.get(SCOPE, 1)).result == "result"
    assert await successor.drain() == ["Job 1 is complete."]
    await other.close()


async def test_a_hundred_at_once_have_a_hundred_numbers(shop: Shop) -> None:
    """Numbers are drawn by the database, not guessed."""
    reference = await shop.meet()
    jobs = await asyncio.gather(*(shop.start(reference) for _ in range(100)))
    assert sorted(job.number for job in jobs) == list(range(1, 101))
    await asyncio.gather(*(shop.jobs.complete(SCOPE, job.number) for job in jobs))
    assert len(await shop.drain()) == 100


async def test_a_repeated_activity_starts_no_second_job(shop: Shop) -> None:
    """Channels send some activities twice."""
    reference = await shop.meet()
    first = await shop.start(reference, source="activity-1")
    again = await shop.start(reference, source="activity-1")
    assert again == first
    assert (await shop.start(reference, source="x" * 3_000)).number == 2


async def test_the_log_is_listed(shop: Shop) -> None:
    """One scope or all, in pages."""
    reference = await shop.meet()
    for scope in (SCOPE, SCOPE, JobScope(bot="local", tenant="tenant-2")):
        await shop.start(reference, scope)
    page = await shop.jobs.page(SCOPE, limit=1)
    assert [job.number for job in page.items] == [1]
    page = await shop.jobs.page(SCOPE, after=page.next)
    assert [job.number for job in page.items] == [2]
    assert len((await shop.jobs.page()).items) == 3


async def test_completed_in_its_own_conversations_turn(shop: Shop) -> None:
    """The bot's answer comes first, then the word that the job is complete."""
    reference = await shop.meet()
    await shop.start(reference)
    with in_turn(CurrentTurn("turn-1", "msteams", "a:1")) as turn:
        handle = await shop.jobs.complete(SCOPE, 1)
        assert turn.held
    assert await shop.standing(handle.delivery_ids[0]) == (State.HELD, HeldReason.BUSY)
    await shop.store.release_turn("turn-1")
    assert await shop.drain() == ["Job 1 is complete."]


async def test_completed_where_nobody_can_be_spoken_to(shop: Shop) -> None:
    """The word waits for the person's return."""
    reference = await shop.meet()
    await shop.start(reference)
    await shop.make_unreachable(reference)
    await shop.jobs.complete(SCOPE, 1)
    assert await shop.claim() == []
    await shop.see(at=shop.later(1))
    assert "Job 1 is complete." in await shop.drain()

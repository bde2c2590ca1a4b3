"""The job log."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from recado.domain.audience import Conversation
from recado.domain.delivery import State
from recado.domain.job import Job, JobScope
from recado.domain.reference import Reference
from recado.errors import InvalidInput, JobAlreadyComplete, StoreError, UnknownJob
from recado.store.port import Accepted
from recado.testing import START, make_notification
from tests.store.kit import Desk

SCOPE = JobScope(bot="local", tenant="tenant-1")
ANA: Mapping[str, Any] = {"id": "29:ana", "name": "Ana"}


async def start(desk: Desk, reference: Reference, scope: JobScope = SCOPE, **changes: Any) -> Job:
    """Start a job, with everything but what *changes* says filled in."""
    told: dict[str, Any] = {"user": ANA, "now": desk.now} | changes
    return await desk.store.start_job(scope, reference, **told)


async def complete(
    desk: Desk, job: Job, reference: Reference, result: Any = None, **changes: Any
) -> Accepted:
    """Complete a job and say so."""
    told = {"audience": Conversation(reference.id), "accepted_at": desk.now} | changes
    return await desk.store.complete_job(
        job.scope,
        job.number,
        result=result,
        notification=make_notification(f"Job {job.number} is complete.", **told),
        now=desk.now,
    )


async def test_a_job_is_logged(desk: Desk) -> None:
    """With its number, its conversation and its own user."""
    reference = await desk.meet("a:1|x")
    job = await start(desk, reference, title="Report é")
    assert (job.scope, job.number) == (SCOPE, 1)
    assert (job.reference_id, job.conversation_id) == (reference.id, "a:1|x")
    assert job.short_conversation_id == "a:1"
    assert (job.user, job.title) == (ANA, "Report é")
    assert (job.started_at, job.completed_at, job.completed, job.result) == (
        START,
        None,
        False,
        None,
    )
    assert await desk.store.job(SCOPE, 1) == job


async def test_numbers_are_short_and_counted_per_bot_and_tenant(desk: Desk) -> None:
    """Every log begins with 1."""
    reference = await desk.meet()
    scopes = [SCOPE, JobScope(bot="local"), JobScope(bot="other", tenant="tenant-1")]
    for scope in scopes:
        assert [(await start(desk, reference, scope)).number for _ in range(3)] == [1, 2, 3]


async def test_numbers_are_unique_however_many_start_at_once(desk: Desk) -> None:
    """A hundred simultaneous starts get the numbers from 1 to 100."""
    references = [await desk.meet(f"a:{number}") for number in range(10)]
    jobs = await asyncio.gather(*(start(desk, references[number % 10]) for number in range(100)))
    assert sorted(job.number for job in jobs) == list(range(1, 101))


async def test_the_log_outlives_its_process(desk: Desk, successor: Desk) -> None:
    """Numbers go on where they were."""
    reference = await desk.meet()
    job = await start(desk, reference)
    assert await successor.store.job(SCOPE, 1) == job
    assert (await start(successor, reference)).number == 2


async def test_one_cause_starts_one_job(desk: Desk) -> None:
    """An inbound activity that comes twice, or twice at once, makes one job."""
    reference = await desk.meet()
    jobs = await asyncio.gather(*(start(desk, reference, source="activity-1") for _ in range(5)))
    assert {job.number for job in jobs} == {1}
    assert (await start(desk, reference, source="activity-2")).number == 2
    elsewhere = await desk.meet("a:2")
    assert (await start(desk, elsewhere, source="activity-1")).number == 3


async def test_one_cause_starts_one_job_whatever_the_scope(desk: Desk) -> None:
    """The repetition may tell the tenant that the first one did not."""
    reference = await desk.meet()
    first = await start(desk, reference, JobScope(bot="local"), source="activity-1")
    await start(desk, reference, SCOPE)
    again = await start(desk, reference, SCOPE, source="activity-1")
    assert again == first


async def test_a_completed_job_is_the_answer_to_its_cause(desk: Desk) -> None:
    """A late repetition does not start it again."""
    reference = await desk.meet()
    job = await start(desk, reference, source="activity-1")
    await complete(desk, job, reference)
    assert (await start(desk, reference, source="activity-1")).completed


@pytest.mark.parametrize("result", [None, 0, False, "", [], {"rows": [1, None, "é"]}])
async def test_completion_and_its_notification_are_one(desk: Desk, result: Any) -> None:
    """The result is kept, and the conversation will be told."""
    reference = await desk.meet()
    job = await start(desk, reference)
    at = desk.later(60)
    accepted = await complete(desk, job, reference, result)
    found = await desk.store.job(SCOPE, 1)
    assert found is not None
    assert (found.completed, found.completed_at, found.result) == (True, at, result)
    assert len(accepted.delivery_ids) == 1
    assert await desk.drain() == ["Job 1 is complete."]


async def test_completion_wakes_those_who_deliver(desk: Desk) -> None:
    """The user need not wait for a poll."""
    reference = await desk.meet()
    job = await start(desk, reference)
    woken: list[bool] = []
    desk.store.on_work(lambda: woken.append(True))
    await complete(desk, job, reference)
    assert woken == [True]


async def test_a_job_is_completed_once(desk: Desk) -> None:
    """Of many at once one is accepted, and its result stays."""
    reference = await desk.meet()
    job = await start(desk, reference)
    results = await asyncio.gather(
        *(complete(desk, job, reference, number) for number in range(5)), return_exceptions=True
    )
    accepted = [number for number, each in enumerate(results) if isinstance(each, Accepted)]
    assert len(accepted) == 1
    refused = [each for each in results if isinstance(each, JobAlreadyComplete)]
    assert [each.number for each in refused] == [1] * 4
    found = await desk.store.job(SCOPE, 1)
    assert found is not None
    assert found.result == accepted[0]
    assert len(await desk.ids()) == 1


@pytest.mark.parametrize("number", [0, 2, -1, 10**30, -(10**30)])
async def test_a_number_the_log_does_not_have(desk: Desk, number: int) -> None:
    """Neither found nor completed, however large people write it; nothing is accepted."""
    reference = await desk.meet()
    await start(desk, reference)
    assert await desk.store.job(SCOPE, number) is None
    with pytest.raises(UnknownJob) as raised:
        await desk.store.complete_job(
            SCOPE,
            number,
            result=None,
            notification=make_notification(audience=Conversation(reference.id)),
            now=desk.now,
        )
    assert raised.value.number == number
    assert await desk.ids() == []


async def test_another_scopes_number_is_unknown(desk: Desk) -> None:
    """One tenant cannot complete another's job."""
    reference = await desk.meet()
    await start(desk, reference)
    with pytest.raises(UnknownJob):
        await desk.store.complete_job(
            JobScope(bot="local", tenant="tenant-2"),
            1,
            result=None,
            notification=make_notification(audience=Conversation(reference.id)),
            now=desk.now,
        )


async def test_a_completion_that_cannot_be_told_is_none(desk: Desk) -> None:
    """If its notification is refused, the job is as it was."""
    reference = await desk.meet()
    job = await start(desk, reference)
    first = await desk.accept("hello", reference)
    with pytest.raises(StoreError):
        await complete(desk, job, reference, id=first.notification_id)
    found = await desk.store.job(SCOPE, 1)
    assert found == job
    await complete(desk, job, reference)
    assert len(await desk.ids(state=State.PENDING)) == 2


async def test_the_log_is_read_in_pages(desk: Desk) -> None:
    """In the order of numbers, each job once, one scope or all of them."""
    reference = await desk.meet()
    scopes = [JobScope(bot="local"), SCOPE, JobScope(bot="zeta", tenant='odd "tenant" é')]
    for scope in scopes:
        for _ in range(4):
            await start(desk, reference, scope)

    async def read(scope: JobScope | None) -> list[tuple[JobScope, int]]:
        seen: list[tuple[JobScope, int]] = []
        after = None
        while True:
            page = await desk.store.jobs(scope, after=after, limit=3)
            assert len(page.items) <= 3
            seen += [(job.scope, job.number) for job in page.items]
            if page.next is None:
                return seen
            after = page.next

    for scope in scopes:
        assert await read(scope) == [(scope, number) for number in (1, 2, 3, 4)]
    assert await read(None) == [(scope, number) for scope in scopes for number in (1, 2, 3, 4)]
    assert await read(JobScope(bot="nobody")) == []


@pytest.mark.parametrize(
    "after", ["x", "", "1", "[]", '["a"]', '["a","b","c"]', f'["a","b",{10**30}]', "{}"]
)
@pytest.mark.parametrize("scope", [None, SCOPE])
async def test_a_page_that_is_none_is_refused(
    desk: Desk, scope: JobScope | None, after: str
) -> None:
    """What no page gave cannot be followed, and the error says so."""
    with pytest.raises(InvalidInput, match="next"):
        await desk.store.jobs(scope, after=after)

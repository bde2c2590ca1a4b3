"""The job log over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from recado.domain.job import JobScope
from tests.web.conftest import Connect, World, assert_problem


async def test_completing_a_job_tells_its_conversation(delivering: World, connect: Connect) -> None:
    """Job <n> is complete, in the conversation it was started in."""
    await delivering.has_job(1)
    answer = await connect().post("/api/jobs/1/complete")
    assert answer.status_code == 202
    told = answer.json()
    assert (told["number"], told["already"], len(told["deliveries"])) == (1, False, 1)
    assert answer.headers["location"] == f"/api/notifications/{told['id']}"
    await delivering.channel.arrived(1)
    assert delivering.channel.texts == ["Job 1 is complete."]
    assert delivering.channel.sent[0].post.conversation_id == "job-1"


async def test_a_result_and_words_of_ones_own(delivering: World, connect: Connect) -> None:
    """The result is kept, the words are said."""
    await delivering.has_job(1)
    answer = await connect().post(
        "/api/jobs/1/complete", json={"result": {"files": 3}, "say": "Three files are ready."}
    )
    assert answer.status_code == 202, answer.text
    await delivering.channel.arrived(1)
    assert delivering.channel.texts == ["Three files are ready."]
    job = await delivering.jobs.get(JobScope(bot="local"), 1)
    assert job.result == {"files": 3}


async def test_completing_again_says_nothing_again(world: World, connect: Connect) -> None:
    """So whoever did the work may repeat a request it is not sure of."""
    await world.has_job(1)
    client = connect()
    await client.post("/api/jobs/1/complete")
    again = await client.post("/api/jobs/1/complete", json={"result": 2})
    assert again.status_code == 200
    assert again.json() == {"number": 1, "already": True}
    assert await world.accepted() == 1


async def test_an_unknown_job_is_a_404(world: World, connect: Connect) -> None:
    """In the words of the bot."""
    answer = await connect().post("/api/jobs/7/complete")
    problem = assert_problem(answer, 404, "unknown_job")
    assert "does not contain a job 7" in problem["detail"]


@pytest.mark.parametrize("number", ["0", "-1", "x", "1.5", "9" * 30])
async def test_a_number_is_a_number(connect: Connect, number: str) -> None:
    """Whole and positive, and one the database can hold."""
    answer = await connect().post(f"/api/jobs/{number}/complete")
    assert_problem(answer, 422, "invalid_input")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"results": 1}, 422, "invalid_input"),
        ({"say": 5}, 422, "invalid_input"),
        ({"say": " "}, 422, "invalid_activity"),
        ([], 422, "invalid_input"),
    ],
)
async def test_bad_input_completes_nothing(
    world: World, connect: Connect, body: Any, status: int, code: str
) -> None:
    """The job can still be completed properly."""
    await world.has_job(1)
    assert_problem(await connect().post("/api/jobs/1/complete", json=body), status, code)
    assert not (await world.jobs.get(JobScope(bot="local"), 1)).completed


async def test_the_log_is_paged(world: World, connect: Connect) -> None:
    """In the order of numbers, with everything there is to know."""
    for number in (1, 2, 3):
        await world.has_job(number)
    client = connect()
    first = (await client.get("/api/jobs", params={"limit": 2})).json()
    rest = (await client.get("/api/jobs", params={"limit": 2, "after": first["next"]})).json()
    assert [job["number"] for job in first["items"] + rest["items"]] == [1, 2, 3]
    assert rest["next"] is None
    job = first["items"][0]
    assert (job["conversation_id"], job["title"], job["completed"]) == (
        "job-1",
        "thumbnails",
        False,
    )


async def test_tenants_and_bots_have_logs_of_their_own(world: World, connect: Connect) -> None:
    """A number is counted per tenant; another bot's jobs in the same database are not told."""
    await world.has_job(1)
    await world.has_job(1, tenant="t-1")
    reference = await world.knows("a:9")
    await world.jobs.start(reference, scope=JobScope(bot="other"))
    client = connect()
    everything = (await client.get("/api/jobs")).json()["items"]
    assert sorted(job["tenant"] for job in everything) == ["", "t-1"]
    one = (await client.get("/api/jobs", params={"tenant": "t-1"})).json()["items"]
    assert [job["tenant"] for job in one] == ["t-1"]
    await client.post("/api/jobs/1/complete", params={"tenant": "t-1"})
    assert (await world.jobs.get(JobScope(bot="local", tenant="t-1"), 1)).completed
    assert not (await world.jobs.get(JobScope(bot="local"), 1)).completed

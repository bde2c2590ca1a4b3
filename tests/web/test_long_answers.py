"""Long answers over HTTP."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from recado.answers import Answers
from recado.domain.answer import LongAnswer
from recado.domain.reference import Member
from recado.web.long_answers import answers_routes
from tests.web.conftest import Connect, World, assert_problem, settings


@pytest.fixture
async def answers(world: World) -> Answers:
    """What was promised; Ana is known."""
    await world.knows("a:ana", members=(Member(user_id="ana"),))
    return Answers(world.store, world.clock, bot="local", owner="here", lease=timedelta(seconds=30))


@pytest.fixture
def client(answers: Answers, connect: Connect) -> httpx.AsyncClient:
    """A client of a server."""
    return connect(routers=[answers_routes(answers, settings())])


async def promised(world: World, answers: Answers, payload: object = None) -> LongAnswer:
    """An answer that is promised to Ana."""
    page = await world.references.page()
    answer, _ = await answers.promise(page.items[0], "report", payload)
    return answer


async def test_looking_and_calling_off(
    client: httpx.AsyncClient, world: World, answers: Answers
) -> None:
    """Each as it stands; called off twice it has been before."""
    first, second = [await promised(world, answers, number) for number in (1, 2)]
    page = (await client.get("/api/v1/answers", params={"limit": 1})).json()
    assert [each["id"] for each in page["items"]] == [second.id]
    page = (await client.get("/api/v1/answers", params={"after": page["next"]})).json()
    assert ([each["id"] for each in page["items"]], page["next"]) == ([first.id], None)
    found = (await client.get(f"/api/v1/answers/{first.id}")).json()
    assert (found["state"], found["work"], found["payload"]) == ("promised", "report", 1)
    called_off = await client.post(f"/api/v1/answers/{first.id}/cancel")
    assert (called_off.status_code, called_off.json()["state"]) == (200, "cancelled")
    assert_problem(await client.post(f"/api/v1/answers/{first.id}/cancel"), 409, "answer_over")
    ended = (await client.get("/api/v1/answers", params={"state": "cancelled"})).json()
    assert [each["id"] for each in ended["items"]] == [first.id]


async def test_what_there_is_not(client: httpx.AsyncClient) -> None:
    """A problem that says what is wrong."""
    assert_problem(await client.get("/api/v1/answers/none"), 404, "unknown_answer")
    assert_problem(await client.post("/api/v1/answers/none/cancel"), 404, "unknown_answer")
    odd = await client.get("/api/v1/answers", params={"state": "odd"})
    assert odd.status_code == 422

"""Errors as callers see them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Annotated

import httpx
import pytest
from fastapi import FastAPI
from pydantic import BaseModel, Field, ValidationError
from starlette.requests import Request

from recado import errors
from recado.errors import RecadoError
from recado.web.problems import STATUS, install, invalid_fields, problem_of
from tests.web.conftest import Connect, World, assert_problem


def tree(kind: type[RecadoError] = RecadoError) -> Iterator[type[RecadoError]]:
    """*kind* and everything below it."""
    yield kind
    for below in kind.__subclasses__():
        yield from tree(below)


#: Errors told to HTTP callers are those of the tree that errors.py draws.
TREE = [kind for kind in tree() if kind.__module__ == errors.__name__]


@pytest.mark.parametrize("kind", TREE)
def test_every_error_has_a_status_of_its_own(kind: type[RecadoError]) -> None:
    """A new error has to say how it is told over HTTP."""
    assert kind.code in STATUS
    assert 400 <= STATUS[kind.code] < 600


def test_no_status_is_left_over() -> None:
    """The table holds nothing but the tree."""
    assert set(STATUS) == {kind.code for kind in TREE}


def test_a_kind_of_error_from_elsewhere_is_told_as_its_family() -> None:
    """Edges may refine an error without the web side knowing."""

    class Finer(errors.UnknownReference):
        code = "finer"

    problem = problem_of(Finer("There is none."))
    assert (problem.status, problem.code) == (404, "finer")


@pytest.mark.parametrize(
    "kind", [errors.StoreUnavailable, errors.StoreReadOnly, errors.StoreFull, errors.StoreError]
)
def test_a_database_that_refuses_says_when_to_come_back(kind: type[RecadoError]) -> None:
    """Locked, read-only and full are 503 with Retry-After."""
    problem = problem_of(kind("It is so."))
    assert problem.status == 503
    assert int(problem.headers["retry-after"]) > 0


async def test_what_is_not_there_is_a_problem(client: httpx.AsyncClient) -> None:
    """404 and 405 have the same shape as everything else."""
    assert_problem(await client.get("/nowhere"), 404, "not_found")
    answer = await client.delete("/api/notify")
    assert_problem(answer, 405, "method_not_allowed")


@pytest.mark.parametrize(
    ("method", "path", "allow", "told"),
    [
        ("PUT", "/api/notify", "GET, POST", "use GET or POST."),
        ("DELETE", "/api/jobs/1/complete", "POST", "use POST."),
        ("POST", "/docs", "GET, HEAD", "use GET or HEAD."),
    ],
)
async def test_every_method_of_a_path_is_told(
    client: httpx.AsyncClient, method: str, path: str, allow: str, told: str
) -> None:
    """Not only that of the first route there."""
    answer = await client.request(method, path)
    problem = assert_problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == allow
    assert problem["detail"].endswith(told)


def test_branches_of_a_union_are_not_told() -> None:
    """They are pydantic's: one sentence for a field, however many branches it has."""

    class Inner(BaseModel):
        name: str

    class Outer(BaseModel):
        say: str | dict[str, int] | Inner
        inner: list[Inner]
        count: Annotated[int, Field(ge=1)] | bool

    given = {"say": 5, "inner": [{"name": "x"}, {"name": 5}, {}], "count": 0}
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate(given, strict=True)
    problem = invalid_fields(caught.value.errors(), given)
    told = {entry["field"]: entry["detail"] for entry in problem.errors}
    assert set(told) == {"say", "inner.1.name", "inner.2.name", "count"}
    assert told["say"] == "It should be a valid string or a valid JSON object."
    assert told["inner.2.name"] == "It is required."
    assert told["count"] == "It should be greater than or equal to 1 or a valid boolean."


async def test_a_parameter_is_named_without_where_it_stands(client: httpx.AsyncClient) -> None:
    """In the words of whoever wrote it."""
    problem = assert_problem(await client.get("/api/jobs?limit=many"), 422, "invalid_input")
    assert [entry["field"] for entry in problem["errors"]] == ["limit"]
    assert problem["detail"].startswith("limit: It should be a valid integer")


async def test_a_union_of_the_job_api_is_told_in_one_sentence(connect: Connect) -> None:
    """Text or activity."""
    answer = await connect().post("/api/jobs/1/complete", json={"say": 5})
    problem = assert_problem(answer, 422, "invalid_input")
    assert problem["detail"] == "say: It should be a valid string or a valid JSON object."


async def test_the_unexpected_is_logged_and_not_told(caplog: pytest.LogCaptureFixture) -> None:
    """The caller gets 500 and nothing of the inside; the log has the traceback."""
    app = FastAPI()
    install(app)

    @app.get("/boom")
    async def boom(request: Request) -> None:
        raise RuntimeError("the inside")

    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        answer = await client.get("/boom")
    assert_problem(answer, 500, "unexpected")
    assert "the inside" not in answer.text
    assert "the inside" in caplog.text
    assert caplog.records[-1].levelno == logging.ERROR


async def test_problems_are_in_the_api_description(connect: Connect, world: World) -> None:
    """OpenAPI says what errors look like."""
    described = (await connect().get("/openapi.json")).json()
    assert described["openapi"].startswith("3.1")
    answers = described["paths"]["/api/notify"]["post"]["responses"]
    assert "application/problem+json" in answers["4XX"]["content"]
    assert (await connect().get("/docs")).status_code == 200

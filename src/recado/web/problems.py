"""Errors as the caller sees them: RFC 9457 problem details, one shape for every route.

``code`` is the stable word to program against; ``title`` says it in words, ``detail`` says what
is wrong this time and what to do. A caller never sees a traceback.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, cast

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from recado.errors import RecadoError

_log = logging.getLogger(__name__)

#: HTTP status of every error code. A test holds it complete over the exception tree.
STATUS: Mapping[str, int] = {
    "error": 500,
    "configuration": 500,
    "invalid_input": 422,
    "invalid_activity": 422,
    "invalid_audience": 422,
    "unknown_zone": 422,
    "invalid_hours": 422,
    # Its protocol binding knows no 422; senders of events take either as "do not send it again".
    "invalid_event": 400,
    "invalid_rule": 422,
    "invalid_schedule": 422,
    "past_time": 422,
    "moment_past": 422,
    "moment_not_understood": 422,
    "ambiguous_moment": 422,
    "content_too_large": 413,
    "forbidden_service_url": 403,
    "invalid_export": 422,
    "unknown_state_type": 422,
    "wait_in_own_turn": 422,
    "not_found": 404,
    "unknown_recipient": 404,
    "unknown_reference": 404,
    "unknown_notification": 404,
    "unknown_delivery": 404,
    "unknown_watch": 404,
    "unknown_schedule": 404,
    "unknown_job": 404,
    "unknown_topic": 404,
    "unknown_answer": 404,
    "conflict": 409,
    "answer_over": 409,
    "database_not_empty": 409,
    # draft-ietf-httpapi-idempotency-key-header §2.7: a key with another payload is a 422.
    "idempotency_conflict": 422,
    "job_already_complete": 409,
    "state_conflict": 409,
    "transaction_conflict": 409,
    "transition_refused": 409,
    "store": 503,
    "store_unavailable": 503,
    "store_empty": 503,
    "store_read_only": 503,
    "store_full": 503,
    "store_too_new": 503,
    "store_unfinished": 503,
    "channel": 502,
}

#: Seconds after which a request that the database refused is worth repeating.
_RETRY_AFTER = {"store": 5, "store_unavailable": 5, "store_read_only": 60, "store_full": 60}


class HttpProblem(Exception):  # noqa: N818 - it is what the RFC calls it
    """A request that is refused by the web layer itself.

    Attributes:
        status: HTTP status.
        code: stable word for the kind of problem.
        detail: what is wrong and what to do.
        headers: further headers of the answer.
        errors: one entry per field, for input with several faults.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        errors: Sequence[Mapping[str, str]] = (),
    ) -> None:
        self.status, self.code, self.detail = status, code, detail
        self.headers, self.errors = dict(headers or {}), list(errors)
        super().__init__(detail)


class ProblemResponse(JSONResponse):
    """One problem, as ``application/problem+json``."""

    media_type = "application/problem+json"

    def __init__(self, problem: HttpProblem, instance: str, **members: Any) -> None:
        content = {
            "type": f"urn:recado:problem:{problem.code}",
            "title": problem.code.replace("_", " ").capitalize(),
            "status": problem.status,
            "detail": problem.detail,
            "instance": instance,
            "code": problem.code,
        }
        if problem.errors:
            content["errors"] = problem.errors
        headers = {"cache-control": "no-store", **problem.headers}
        super().__init__(content | members, problem.status, headers)


class UnexpectedErrors:
    """ASGI middleware: what nobody handled is logged here and answered without details.

    An answer that has begun cannot be replaced; its error goes on to the server, which closes the
    connection.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception:
            if begun:
                raise
            _log.exception("%s %s failed unexpectedly.", scope["method"], scope["path"])
            problem = HttpProblem(
                500,
                "unexpected",
                "Something went wrong that Recado did not expect; the server's log has more.",
            )
            await ProblemResponse(problem, scope["path"])(scope, receive, send)


def install(app: FastAPI) -> None:
    """Have *app* answer every error as a problem."""
    app.add_exception_handler(RecadoError, _on_recado_error)
    app.add_exception_handler(HttpProblem, _on_problem)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_middleware(UnexpectedErrors)


def problem_of(error: RecadoError) -> HttpProblem:
    """The problem an error of Recado is told as."""
    kinds = [kind.code for kind in type(error).__mro__ if issubclass(kind, RecadoError)]
    status = next(STATUS[code] for code in kinds if code in STATUS)
    headers = {}
    if error.code in _RETRY_AFTER:
        headers["retry-after"] = str(_RETRY_AFTER[error.code])
    return HttpProblem(status, error.code, str(error), headers=headers)


async def _on_recado_error(request: Request, error: Exception) -> ProblemResponse:
    problem = problem_of(cast("RecadoError", error))
    if problem.status >= 500:
        _log.warning("%s %s: %s", request.method, request.url.path, error)
    return ProblemResponse(problem, request.url.path)


async def _on_problem(request: Request, error: Exception) -> ProblemResponse:
    return ProblemResponse(cast("HttpProblem", error), request.url.path)


async def _on_http_exception(request: Request, exception: Exception) -> ProblemResponse:
    error = cast("HTTPException", exception)
    headers = dict(error.headers or {})
    code, detail = f"http_{error.status_code}", str(error.detail)
    if error.status_code == 404 and detail == HTTPStatus.NOT_FOUND.phrase:
        code, detail = (
            "not_found",
            f"There is nothing at {request.url.path}: /docs lists the paths.",
        )
    elif error.status_code == 405:
        methods = _methods(request)
        headers = {"allow": ", ".join(methods)}
        code, detail = (
            "method_not_allowed",
            f"{request.method} is not possible here: use {listed(methods)}.",
        )
    problem = HttpProblem(error.status_code, code, detail, headers=headers)
    return ProblemResponse(problem, request.url.path)


def _methods(request: Request) -> list[str]:
    """Every method that the request's path knows: each may be a route of its own."""
    return [
        method
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
        if any(
            route.matches({**request.scope, "method": method})[0] is Match.FULL
            for route in request.app.routes
        )
    ]


async def _on_validation_error(request: Request, error: Exception) -> ProblemResponse:
    # The first part of a location is where the parameter stands: path, query or header.
    errors = [
        {**each, "loc": each["loc"][1:]} for each in cast("RequestValidationError", error).errors()
    ]
    given = {each["loc"][0]: None for each in errors if each["loc"]}
    return ProblemResponse(invalid_fields(errors, given), request.url.path)


def listed(names: Sequence[str], word: str = "or") -> str:
    """Names as a sentence lists them: ``a, b or c``."""
    return f" {word} ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def invalid_fields(
    errors: Sequence[Any], given: object, *, known: Sequence[str] = ()
) -> HttpProblem:
    """The problem for input whose fields have faults: one sentence for each field.

    Args:
        errors: as pydantic reports them.
        given: the input; what stands in an error's location and not in the input is pydantic's.
        known: the fields there are, named when the caller used another one.
    """
    faults: dict[str, list[str]] = {}
    for error in errors:
        message = error["msg"].removeprefix("Value error, ").partition("\n")[0]
        if error["type"] == "extra_forbidden":
            message = f"There is no such field; known are {', '.join(known)}"
        missing = error["type"] == "missing"
        if missing:
            message = "It is required"
        faults.setdefault(_field(error["loc"], given, missing=missing), []).append(message)
    told = [{"field": field, "detail": _sentence(texts)} for field, texts in faults.items()]
    sentence = " ".join(f"{entry['field'] or 'The body'}: {entry['detail']}" for entry in told)
    return HttpProblem(422, "invalid_input", sentence, errors=told)


def _field(location: Sequence[str | int], given: Any, *, missing: bool) -> str:
    """Where a fault is, without the branch of a union that pydantic names after the field."""
    parts: list[str] = []
    for part in location:
        there = range(len(given)) if isinstance(given, list) else given
        if isinstance(there, Mapping | range) and part in there:
            given = given[part]
        elif not (missing and isinstance(given, Mapping) and part == location[-1]):
            break
        parts.append(str(part))
    return ".".join(parts)


def _plain(message: str) -> str:
    """A fault in the words of JSON, not of Python."""
    return re.sub(r" or instance of \w+", "", message.replace("dictionary", "JSON object"))


def _sentence(messages: Iterable[str]) -> str:
    """One sentence on everything that is wrong with a field, or with each branch of its union."""
    wanted: list[str] = []
    others: list[str] = []
    for plain in dict.fromkeys(map(_plain, messages)):
        start, found, rest = plain.partition("Input should be ")
        if found and not start:
            wanted.append(rest)
        else:
            others.append(plain)
    if wanted:
        others.insert(0, f"It should be {listed(wanted)}")
    return f"{'; '.join(others)}."

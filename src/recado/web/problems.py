"""Errors as the caller sees them: RFC 9457 problem details, one shape for every route.

``code`` is the stable word to program against; ``title`` says it in words, ``detail`` says what
is wrong this time and what to do. A caller never sees a traceback.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, cast

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
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
    "content_too_large": 413,
    "forbidden_service_url": 403,
    "wait_in_own_turn": 422,
    "not_found": 404,
    "unknown_recipient": 404,
    "unknown_reference": 404,
    "unknown_notification": 404,
    "unknown_delivery": 404,
    "unknown_job": 404,
    "conflict": 409,
    # draft-ietf-httpapi-idempotency-key-header §2.7: a key with another payload is a 422.
    "idempotency_conflict": 422,
    "job_already_complete": 409,
    "transition_refused": 409,
    "store": 503,
    "store_unavailable": 503,
    "store_read_only": 503,
    "store_full": 503,
    "store_too_new": 503,
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
    code, detail = f"http_{error.status_code}", str(error.detail)
    if error.status_code == 404 and detail == HTTPStatus.NOT_FOUND.phrase:
        code, detail = (
            "not_found",
            f"There is nothing at {request.url.path}: /docs lists the paths.",
        )
    elif error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "another method")
        code, detail = (
            "method_not_allowed",
            f"{request.method} is not possible here: use {allowed}.",
        )
    problem = HttpProblem(error.status_code, code, detail, headers=error.headers)
    return ProblemResponse(problem, request.url.path)


async def _on_validation_error(request: Request, error: Exception) -> ProblemResponse:
    invalid = invalid_fields(cast("RequestValidationError", error).errors())
    return ProblemResponse(invalid, request.url.path)


def invalid_fields(errors: Sequence[Any], *, known: Sequence[str] = ()) -> HttpProblem:
    """The problem for input whose fields have faults.

    Args:
        errors: as pydantic reports them.
        known: the fields there are, named when the caller used another one.
    """
    told = []
    for error in errors:
        field = ".".join(
            str(part) for part in error["loc"] if part not in ("body", "query", "path")
        )
        message = error["msg"].removeprefix("Value error, ").partition("\n")[0]
        if error["type"] == "extra_forbidden":
            message = f"There is no such field; known are {', '.join(known)}"
        told.append({"field": field, "detail": f"{message}."})
    sentence = " ".join(f"{entry['field'] or 'The body'}: {entry['detail']}" for entry in told)
    return HttpProblem(422, "invalid_input", sentence, errors=told)

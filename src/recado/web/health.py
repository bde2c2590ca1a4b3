"""``/healthz`` and ``/readyz``: what orchestrators ask."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from fastapi import APIRouter, Request, Response
from starlette.responses import JSONResponse

from recado.errors import StoreError
from recado.store.port import Store
from recado.web.problems import HttpProblem, ProblemResponse

#: Seconds the database has to prove that it can be written. Probes give up after a few.
_PATIENCE = 2.0


#: Seconds an answer is good for: the question is a commit, and anybody may ask.
_GOOD_FOR = 1.0


class StoreCheck:
    """Asks the store whether it can be written, one question at a time.

    A question that takes too long goes on, and the next probe waits for the same answer: probes of
    a database that hangs do not pile up, and a commit is never cancelled half way.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._asking: asyncio.Task[None] | None = None
        self._asked = 0.0

    async def problem(self) -> str | None:
        """What is wrong with the store; None when it can be written."""
        now = asyncio.get_running_loop().time()
        if self._asking is None or (self._asking.done() and now - self._asked > _GOOD_FOR):
            self._asking, self._asked = asyncio.create_task(self._store.check()), now
        done, _ = await asyncio.wait({self._asking}, timeout=_PATIENCE)
        if not done:
            return f"The database did not answer within {_PATIENCE:.0f} s."
        error = self._asking.exception()
        if error is None:
            return None
        return str(error) if isinstance(error, StoreError) else "The database cannot be used."


def health_routes(store: Store, trouble: Callable[[], str | None]) -> APIRouter:
    """Health for orchestrators; open, because it says nothing worth hiding.

    Args:
        store: asked whether it can be written.
        trouble: what keeps the services that deliver from their work; None when nothing does.
    """
    router = APIRouter(tags=["operation"])
    check = StoreCheck(store)

    @router.get("/healthz", summary="Whether the process is alive")
    async def alive() -> JSONResponse:
        return JSONResponse({"status": "alive"}, headers={"cache-control": "no-store"})

    @router.get("/readyz", summary="Whether notifications can be accepted and delivered")
    async def ready(request: Request) -> Response:
        checks = {
            "store": await check.problem() or "ok",
            "engine": trouble() or "ok",
        }
        wrong = [told for told in checks.values() if told != "ok"]
        if not wrong:
            content = {"status": "ready", "checks": checks}
            return JSONResponse(content, headers={"cache-control": "no-store"})
        problem = HttpProblem(503, "not_ready", " ".join(wrong), headers={"retry-after": "5"})
        return ProblemResponse(problem, request.url.path, checks=checks)

    return router

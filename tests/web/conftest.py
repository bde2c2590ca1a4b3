"""The web side over a real outbox on a database in memory, with a channel that takes everything."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import httpx
import pytest
from fastapi import APIRouter

from recado.channel.hosts import HostRules
from recado.channel.pacing import Pacer
from recado.clock import SystemClock
from recado.config import Settings, load_settings
from recado.domain.job import JobScope
from recado.domain.reference import Reference
from recado.engine.dispatcher import Dispatcher
from recado.engine.timekeeper import Timekeeper
from recado.jobs import Jobs
from recado.outbox import Outbox
from recado.references import References
from recado.store.port import DeliveryFilter, Store
from recado.store.sqlite import SqliteStore
from recado.telemetry import Telemetry
from recado.testing import FakeChannel, make_sighting
from recado.web.app import WebParts, create_app

KEY = "a-key-that-is-long-enough"
OTHER_KEY = "another-key-just-as-long"


class World:
    """Everything behind the web side of one process."""

    def __init__(self, store: SqliteStore) -> None:
        self.store = store
        self.clock = SystemClock()
        self.telemetry = Telemetry()
        self.channel = FakeChannel()
        self.references = References(store, self.telemetry)
        self.outbox = Outbox(store, self.references, self.clock, self.telemetry, bot="local")
        self.jobs = Jobs(store, self.outbox, self.references, self.clock)

    async def knows(self, *conversations: str, **changes: Any) -> Reference:
        """Let somebody have written in *conversations*; the last one's reference."""
        for name in conversations:
            await self.references.remember(make_sighting(name, **changes))
        found = await self.store.find_conversation("local", conversations[-1])
        assert found is not None
        return found

    async def has_job(self, number: int = 1, tenant: str = "") -> None:
        """Let somebody have started a job in a conversation of their own."""
        reference = await self.knows(f"job-{number}")
        scope = JobScope(bot="local", tenant=tenant)
        started = await self.jobs.start(reference, scope=scope, title="thumbnails")
        assert started.number == number

    async def accepted(self) -> int:
        """How many deliveries there are."""
        return len((await self.store.deliveries(DeliveryFilter())).items)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A world in which nothing is delivered yet."""
    store = SqliteStore(None)
    await store.open()
    yield World(store)
    await store.close()


@pytest.fixture
async def delivering(world: World) -> AsyncIterator[World]:
    """The world, with its engine running."""
    dispatcher = Dispatcher(
        world.store,
        world.channel,
        None,
        world.clock,
        world.telemetry,
        owner="test",
        pacer=Pacer(world.clock, {}),
        on_settled=world.outbox.something_settled,
    )
    timekeeper = Timekeeper(world.store, world.clock, world.telemetry, on_due=dispatcher.wake)

    def wake() -> None:
        dispatcher.wake()
        timekeeper.wake()

    world.store.on_work(wake)
    dispatcher.start()
    timekeeper.start()
    yield world
    await timekeeper.stop()
    await dispatcher.stop()


Connect = Callable[..., httpx.AsyncClient]


def settings(env: dict[str, str] | None = None, **flags: Any) -> Settings:
    """Settings from nothing but what the test says."""
    return load_settings(environ=env or {}, **flags)


@pytest.fixture
async def connect(
    world: World, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Connect]:
    """Makes clients of an app over the world; each with the settings it is given."""
    monkeypatch.chdir(tmp_path)  # no .env of whoever runs the tests
    clients: list[httpx.AsyncClient] = []

    def connect(
        env: dict[str, str] | None = None,
        *,
        store: Store | None = None,
        process: Any = None,
        trouble: Callable[[], str | None] = lambda: None,
        key: str | None = None,
        routers: Sequence[APIRouter] = (),
        peer: str = "127.0.0.1",
        **flags: Any,
    ) -> httpx.AsyncClient:
        told = settings(env, **flags)
        if store is not None:
            world.references = References(store, world.telemetry)
            world.outbox = Outbox(
                store, world.references, world.clock, world.telemetry, bot="local"
            )
            world.jobs = Jobs(store, world.outbox, world.references, world.clock)
        app = create_app(
            WebParts(
                settings=told,
                outbox=world.outbox,
                references=world.references,
                jobs=world.jobs,
                store=store or world.store,
                telemetry=world.telemetry,
                clock=world.clock,
                check_service_url=HostRules(allow_loopback=told.demo).check,
                process=process,
                trouble=trouble,
                routers=routers,
            )
        )
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app, client=(peer, 1)),
            base_url="http://localhost:3978",
            headers={"Authorization": f"Bearer {key}"} if key else {},
        )
        clients.append(client)
        return client

    yield connect
    for client in clients:
        await client.aclose()


@pytest.fixture
def client(connect: Connect) -> httpx.AsyncClient:
    """A client of a server that runs as it does out of the box."""
    return connect()


def assert_problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The answer is a problem (RFC 9457), complete and without insides; its members."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert {"type", "title", "status", "detail", "instance", "code"} <= set(problem)
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["instance"] == answer.request.url.path
    assert len(problem["detail"]) > 10
    for inside in ("Traceback", ".py", "recado.", "sqlite3"):
        assert inside not in answer.text
    return problem

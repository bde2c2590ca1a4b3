"""Turns of one conversation on several processes: state survives, and nobody waits for ever."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from microsoft_agents.activity import Activity
from microsoft_agents.hosting.core import MemoryStorage, Storage, TurnContext

from recado import Recado, Settings
from recado.bot.lock import TurnLock
from recado.bot.storage import RecadoStorage
from recado.testing import HandClock
from tests.bot.kit import Bench, Echo, activity, make_adapter, make_app, message
from tests.store.kit import BACKENDS, Backend

Host = Callable[..., Awaitable[Bench]]

#: Where state is saved: in Recado's database, or anywhere else that processes share.
STORAGES = ["recado", "memory"]


@pytest.fixture(params=["sqlite", "postgres"])
def backend(request: pytest.FixtureRequest) -> Backend:
    """Each of the databases that processes can share."""
    return BACKENDS[request.param]


@pytest.fixture
async def host(backend: Backend, request: pytest.FixtureRequest) -> AsyncIterator[Host]:
    """Starts processes that host the bot over one database, with a clock that stands still."""
    place = request.getfixturevalue(backend.place)
    clock = HandClock()
    async with AsyncExitStack() as stack:

        async def one(**options: Any) -> Bench:
            store = backend.make(place, clock)
            await store.open()
            stack.push_async_callback(store.close)
            return Bench(store=store, clock=clock, **options)

        yield one


async def others_come() -> None:
    """Long enough for all the others to come in."""
    for _ in range(50):
        await asyncio.sleep(0)


def counting(
    bench: Bench, storage: Storage, meet: Callable[[], Awaitable[Any]] = others_come
) -> None:
    """Attach a bot that counts in its conversation's state, and takes its time over it."""
    app = make_app(storage)

    @app.activity("message")
    @app.activity("event")
    async def on_message(context: TurnContext, state: Any) -> None:
        count = state.get_value("ConversationState.count", lambda: 0)
        await meet()
        state.set_value("ConversationState.count", count + 1)
        await context.send_activity(str(count + 1))

    @bench.bridge.handler("count")
    async def count(context: TurnContext, state: Any, value: Any) -> None:
        await on_message(context, state)

    bench.attach(app)


def storage_of(bench: Bench, kind: str, shared: MemoryStorage) -> Storage:
    """The bot's storage in one process."""
    if kind == "memory":
        return shared
    return RecadoStorage(bench.store, bot="local", check_service_url=lambda _: None)


async def wound(clock: HandClock, going: asyncio.Future[Any], bench: Bench) -> None:
    """Wind the clock until something is done, no faster than the store answers."""
    while not going.done():
        await bench.store.check()
        clock.advance(0.02)
    await going


@pytest.mark.parametrize("storage", STORAGES)
async def test_overlapping_turns_lose_no_state(host: Host, storage: str) -> None:
    """Messages of one conversation that come to two processes at once, and a proactive turn."""
    shared = MemoryStorage()
    benches = [await host(), await host()]
    for bench in benches:
        counting(bench, storage_of(bench, storage, shared))
    await benches[0].receive(message("first"))
    turns = [bench.receive(message("more")) for bench in benches * 4]
    going = asyncio.gather(*turns, benches[0].run_turn("count"))
    await wound(benches[0].clock, going, benches[0])
    said = sorted(int(text or 0) for bench in benches for text in bench.channel.texts)
    assert said == list(range(1, 11))


async def test_without_the_lock_they_do(host: Host) -> None:
    """What it is for: every one of them has counted from the same."""
    shared, meet = MemoryStorage(), asyncio.Barrier(4)
    benches = [await host(turn_lock=False), await host(turn_lock=False)]
    for bench in benches:
        counting(bench, shared, meet.wait)
    await asyncio.gather(*(bench.receive(message("more")) for bench in benches * 2))
    assert [text for bench in benches for text in bench.channel.texts] == ["1"] * 4


# -- no deadlock: all of these run with a clock that stands still, so nobody's patience ends ------


async def test_a_handler_may_notify_its_own_conversation(host: Host) -> None:
    """What it accepts leaves after the turn."""

    class Bot(Echo):
        async def on_turn(self, context: TurnContext) -> None:
            await bench.outbox.notify("conversation:a:ana", "later")
            await super().on_turn(context)

    bench = await host()
    bench.attach(Bot())
    assert await bench.say("hi") == ["echo hi"]
    assert await bench.deliver() == ["later"]


async def test_a_handler_may_continue_its_own_conversation(host: Host) -> None:
    """In its own task, and in one that it waits for."""

    class Bot(Echo):
        async def on_turn(self, context: TurnContext) -> None:
            event = context.activity.get_conversation_reference().get_continuation_activity()
            await bench.adapter.continue_conversation("local", event, super().on_turn)
            await asyncio.create_task(
                bench.adapter.continue_conversation("local", event, super().on_turn)
            )
            await super().on_turn(context)

    bot = Bot()
    bench = await host()
    bench.attach(bot)
    await bench.receive(message("hi"))
    assert len(bot.heard) == 3


async def test_a_task_that_outlives_its_turn_has_a_turn_of_its_own(host: Host) -> None:
    """It does not inherit the one it was started in, and waits for whoever runs one then."""
    bench = await host()
    go, tasks, order = asyncio.Event(), [], []
    inside, leave = asyncio.Event(), asyncio.Event()

    class Bot(Echo):
        async def on_turn(self, context: TurnContext) -> None:
            event = context.activity.get_conversation_reference().get_continuation_activity()

            async def late(context: TurnContext) -> None:
                order.append("late")

            async def later() -> None:
                await go.wait()
                await bench.adapter.continue_conversation("local", event, late)

            if context.activity.text == "start":
                tasks.append(asyncio.create_task(later()))
            else:
                inside.set()
                await leave.wait()
                order.append("second")

    bench.attach(Bot())
    await bench.receive(message("start"))
    second = asyncio.create_task(bench.receive(message("hold")))
    await inside.wait()
    go.set()
    for _ in range(50):
        await asyncio.sleep(0)
    leave.set()
    await asyncio.gather(second, *tasks)
    assert order == ["second", "late"]


async def test_long_running_messages_pass(host: Host) -> None:
    """The SDK runs such an activity a second time, within its own turn."""
    bench = await host()
    app = make_app(bot_app_id="local", long_running_messages=True)

    @app.activity("message")
    async def on_message(context: TurnContext, state: Any) -> None:
        await context.send_activity("done")

    bench.attach(app)
    assert await bench.say("hi") == ["done"]


async def test_turns_that_are_answered_in_the_response_pass(host: Host) -> None:
    """One after the other, and each gets its answer."""
    bench = await host()
    app = make_app()

    @app.activity("invoke")
    async def on_invoke(context: TurnContext, state: Any) -> None:
        await context.send_activity(
            Activity(type="invokeResponse", value={"status": 200, "body": {"ok": True}})
        )

    @app.activity("message")
    async def on_message(context: TurnContext, state: Any) -> None:
        await context.send_activity("expected")

    bench.attach(app)
    replies, invoked, again = await asyncio.gather(
        bench.receive(message("hi", deliveryMode="expectReplies")),
        bench.receive(activity("invoke", name="do/it")),
        bench.receive(message("hi", deliveryMode="expectReplies")),
    )
    assert [each.status_code for each in (replies, invoked, again)] == [200, 200, 200]
    assert replies.body is not None
    assert replies.body["activities"][0]["text"] == "expected"
    assert invoked.body == {"ok": True}


async def test_plain_deliveries_do_not_wait_for_a_turn(host: Host) -> None:
    """The lock is about state; what is simply said has none."""
    inside, leave = asyncio.Event(), asyncio.Event()

    class Bot(Echo):
        async def on_turn(self, context: TurnContext) -> None:
            inside.set()
            await leave.wait()

    bench = await host()
    bench.attach(Bot())
    going = asyncio.create_task(bench.receive(message("hi")))
    await inside.wait()
    await bench.outbox.notify("conversation:a:ana", "meanwhile")
    assert await bench.deliver() == ["meanwhile"]
    leave.set()
    await going


async def test_an_activity_sent_to_two_processes_is_answered_once(migrated_url: str) -> None:
    """On PostgreSQL; elsewhere each process knows only of what came to it."""
    clock = HandClock()
    stores = [BACKENDS["postgres"].make(migrated_url, clock) for _ in range(2)]
    async with AsyncExitStack() as stack:
        bots = []
        benches = []
        for store in stores:
            await store.open()
            stack.push_async_callback(store.close)
            bots.append(Echo())
            benches.append(Bench(store=store, clock=clock))
            benches[-1].attach(bots[-1])
        told = message("run")
        answers = await asyncio.gather(*(bench.receive(told) for bench in benches))
        await stores[0].check()
        answers.append(await benches[1].receive(told))
    assert [answer.status_code for answer in answers] == [202, 202, 202]
    assert sum(len(bot.heard) for bot in bots) == 1


def test_the_setting_reaches_the_bot(tmp_path: Path) -> None:
    """``turn_lock`` is one of a process's settings, because a Recado has one bot."""
    for wanted in (True, False):
        settings = Settings(database_url=f"sqlite:///{tmp_path}/recado.db", turn_lock=wanted)
        recado = Recado(settings)
        recado.attach(make_adapter(), Echo())
        lock = recado.bridge._middleware._lock  # noqa: SLF001 - nowhere else can it be seen
        assert lock._active is wanted  # noqa: SLF001 - as above


# -- real processes ------------------------------------------------------------------------------

#: Holds the turn lock of a conversation until it is told to let go.
PROGRAM = """
import asyncio, sys
from recado import Recado, Settings
from recado.bot.lock import TurnLock

async def main():
    recado = Recado(Settings(database_url=sys.argv[1]))
    await recado.open()
    async with TurnLock(recado.store, recado.clock, bot="local").hold(("msteams", "c"), None):
        print("inside", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
    await recado.stop()

asyncio.run(main())
"""


@pytest.fixture(params=["tmp_path", "migrated_url"], ids=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> str:
    """A URL of each database."""
    place = request.getfixturevalue(request.param)
    return place if isinstance(place, str) else f"sqlite:///{place}/recado.db"


def holding(database: str) -> subprocess.Popen[str]:
    """A process that is in the middle of a turn."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, database],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "inside\n"
    return process


@pytest.mark.parametrize("how", ["ends", "is killed"])
async def test_another_process_waits_until_the_holder(
    database: str, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Ends its turn or is killed with kill -9; in either case before its patience ends."""
    async with Recado(Settings(database_url=database)) as recado:
        holder = await asyncio.to_thread(holding, database)
        try:
            lock = TurnLock(recado.store, recado.clock, bot="local")
            waiting = asyncio.create_task(_enter(lock))
            # By then it has looked.
            await recado.store.check()
            await recado.store.check()
            assert not waiting.done()
            if how == "ends":
                await asyncio.to_thread(holder.communicate, "go\n")
            else:
                holder.kill()
            await waiting
        finally:
            holder.kill()
            holder.communicate()
    assert "now runs beside it" not in caplog.text


async def _enter(lock: TurnLock) -> None:
    async with lock.hold(("msteams", "c"), None):
        pass

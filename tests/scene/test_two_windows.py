"""The scene of the reference documents, against a real process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.scene.server import Server, Window, free_port, running


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """An HTTP client."""
    async with aiohttp.ClientSession() as client:
        yield client


async def test_two_windows(tmp_path: Path, session: aiohttp.ClientSession) -> None:
    """Who started a job is told in the first window, unasked, when it is done in the second."""
    async with running("demo", database=tmp_path / "demo.db") as server:
        ana, ben = Window(session, server, "dl_ana"), Window(session, server, "dl_ben")
        await ana.open()
        await ben.open()
        await ana.sees(lambda text: "Welcome" in text)
        await ana.say("run")
        await ana.say("  RUN job ")
        await ana.sees("We're starting job 2 for you. We'll notify you when it's complete.")
        await ben.say("show")
        table = await ben.sees(lambda text: "| 1 |" in text)
        assert "| 2 |" in table
        await ben.say("done 1")
        await ben.sees("Completing job 1.")
        await ana.sees("Job 1 is complete.")
        assert "Job 1 is complete." not in ben.texts
        await ben.say("done 1")
        await ben.sees("Job 1 is already complete.")
        page = await _notify_page(session, server)
        assert "Proactive messages have been sent." in page
        await ana.sees("proactive hello")
        await ben.sees("proactive hello")


async def test_two_windows_with_kill_between_every_step(
    tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    """Killed and started again between every step, nothing said or known is lost."""
    database, port = tmp_path / "demo.db", free_port()
    servers = [await Server.start("demo", database=database, port=port)]
    ana, ben = Window(session, servers[0], "dl_ana"), Window(session, servers[0], "dl_ben")

    async def power_cut() -> None:
        await servers[-1].kill()
        servers.append(await Server.start("demo", database=database, port=port))
        for window in (ana, ben):
            window.move_to(servers[-1])

    try:
        await ana.open()
        await power_cut()
        await ben.open()
        await power_cut()
        await ana.say("run")
        await power_cut()
        await ana.say("run")
        await ana.sees(lambda text: "starting job 2" in text)
        await power_cut()
        await ben.say("show")
        await ben.sees(lambda text: "| 1 |" in text and "| 2 |" in text)
        await power_cut()
        await ben.say("done 2")
        await power_cut()
        await ana.sees("Job 2 is complete.")
        await ben.say("done 2")
        await ben.sees("Job 2 is already complete.")
        await power_cut()
        await _notify_page(session, servers[-1])
        await power_cut()
        for window in (ana, ben):
            await window.sees("proactive hello")
            assert window.texts.count("proactive hello") == 1
        assert ana.texts.count("Job 2 is complete.") == 1
    finally:
        for server in servers:
            await server.kill()


async def test_what_was_sent_while_away_is_seen_on_return(
    tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    """A window that looks again after a restart on another port sees what it missed."""
    database = tmp_path / "demo.db"
    async with running("demo", database=database) as server:
        ana = Window(session, server, "dl_ana")
        await ana.open()
        await _notify_page(session, server)
    async with running("demo", database=database) as server:
        ana.move_to(server)
        await ana.sees("proactive hello")
        await _notify_page(session, server)
        await ana.sees("proactive hello", times=2)


async def _notify_page(session: aiohttp.ClientSession, server: Server) -> str:
    async with session.get(f"{server.url}/api/notify") as answer:
        assert answer.status == 200
        return await answer.text()

"""A real Chromium against a real server with a scripted bot."""

from __future__ import annotations

import asyncio
import json
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
import uvicorn
from fastapi import FastAPI

from recado.channel.local import (
    LOCAL_SERVICE_URL,
    BotAnswer,
    DirectLine,
    History,
    LocalChannel,
    Tokens,
)
from recado.channel.port import Post
from recado.clock import SystemClock
from recado.domain.policy import Answer
from recado.store.sqlite.store import SqliteStore
from recado.web.chat import chat_routes
from recado.web.directline import direct_line_routes

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
from selenium.webdriver.chrome.service import Service  # noqa: E402 - after the check above
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.ui import WebDriverWait  # noqa: E402

CHROMIUM, CHROMEDRIVER = shutil.which("chromium"), shutil.which("chromedriver")

_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,800",
)

T = TypeVar("T")


class AheadClock(SystemClock):
    """The machine's clock, set ahead."""

    def __init__(self, ahead: timedelta) -> None:
        self._ahead = ahead

    def now(self) -> datetime:
        return super().now() + self._ahead


class Site:
    """A server with the page and the local channel, stopped and started at will.

    Attributes:
        heard: what the bot was told, in order.
        script: what the bot does with a message; runs on the server's loop.
    """

    def __init__(self, database: Path) -> None:
        self.heard: list[dict[str, Any]] = []
        self.script: Callable[[Site, dict[str, Any]], Any] | None = None
        self._database = database
        self._port = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/"

    def start(self, ahead: timedelta = timedelta()) -> None:
        """Start serving, on the same port as before."""
        self._do(self._start(AheadClock(ahead)))

    def stop(self) -> None:
        """Stop serving, streams included."""
        self._do(self._stop())

    def close(self) -> None:
        """Stop everything."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def forget(self) -> None:
        """Delete the database; the server is stopped."""
        self._do(self._store.close())
        for file in self._database.parent.glob(f"{self._database.name}*"):
            file.unlink()

    def say(self, conversation: str, said: str | dict[str, Any], **post: Any) -> Answer:
        """Let the bot say something; also while nothing is served, as another process would."""
        answer: Answer = self._do(self.saying(conversation, said, **post))
        return answer

    async def saying(self, conversation: str, said: str | dict[str, Any], **post: Any) -> Answer:
        """As :meth:`say`, on the server's loop."""
        activity = {"type": "message", "text": said} if isinstance(said, str) else said
        return await self._channel.send(
            Post(
                bot="local",
                channel="directline",
                service_url=LOCAL_SERVICE_URL,
                conversation_id=conversation,
                body=json.dumps(activity).encode(),
                **post,
            )
        )

    async def _start(self, clock: SystemClock) -> None:
        self._store = SqliteStore(self._database)
        await self._store.open()
        history = History(self._store, clock)
        self._channel = LocalChannel(history)
        service = DirectLine(history, Tokens(self._store, clock), clock, self._bot)
        app = FastAPI()
        app.include_router(direct_line_routes(service))
        app.include_router(chat_routes(windows=2))
        config = uvicorn.Config(
            app, host="127.0.0.1", port=self._port, log_level="error", lifespan="off"
        )
        config.load()
        self._server, self._service = uvicorn.Server(config), service
        self._server.lifespan = config.lifespan_class(config)
        await self._server.startup()
        self._port = self._server.servers[0].sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        await self._server.shutdown()
        await self._service.close()
        await self._store.close()
        # What is said while nothing is served comes from another process.
        self._store = SqliteStore(self._database)
        await self._store.open()
        self._channel = LocalChannel(History(self._store, SystemClock()))

    async def _bot(self, activity: dict[str, Any]) -> BotAnswer:
        self.heard.append(activity)
        if self.script is not None and activity["type"] == "message":
            await self.script(self, activity)
        return BotAnswer(202)

    def _do(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)


class Window:
    """One person's window on the page."""

    def __init__(self, browser: Any, person: str) -> None:
        self._browser, self._person = browser, person

    def find(self, selector: str) -> list[Any]:
        """Elements within the window."""
        found: list[Any] = self._browser.find_elements(
            "css selector", f'[data-person="{self._person}"] {selector}'
        )
        return found

    def texts(self, selector: str) -> list[str]:
        """What elements say, read in one go: they may be replaced at any moment."""
        found: list[str] = self._browser.execute_script(
            "return Array.from(document.querySelectorAll(arguments[0]), (each) => each.innerText)",
            f'[data-person="{self._person}"] :is({selector})',
        )
        return [text.strip() for text in found]

    def messages(self, side: str = "message") -> list[str]:
        """The messages, without their times."""
        return self.texts(f".{side} .body")

    def type(self, text: str) -> None:
        """Write and press Enter."""
        self.find("textarea")[0].send_keys(text, Keys.ENTER)

    def memory(self, name: str) -> str:
        """What the window remembers."""
        kept: str = self._browser.execute_script(
            "return localStorage.getItem(arguments[0])", f"recado.{self._person}.{name}"
        )
        return kept

    @property
    def conversation(self) -> str:
        return self.memory("conversation")

    def until(self, fact: Callable[[], T]) -> T:
        """Wait for something to be true."""
        told: T = WebDriverWait(self._browser, 20, 0.05).until(lambda _: fact())
        return told

    def until_online(self) -> None:
        """Wait for the connection."""
        self.until(lambda: len(self.find(".status[data-state=online]")) == 1)


class Page:
    """The page in the browser."""

    def __init__(self, browser: Any, site: Site) -> None:
        self.browser, self.site = browser, site
        self.ana, self.ben = Window(browser, "ana"), Window(browser, "ben")

    def open(self) -> None:
        """Load the page and wait until both windows are connected."""
        self.browser.get(self.site.url)
        self.ana.until_online()
        self.ben.until_online()

    def violations(self) -> list[str]:
        """What the browser's log tells about the content security policy."""
        told = [entry["message"] for entry in self.browser.get_log("browser")]
        return [message for message in told if "Content Security Policy" in message]


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A Chromium with an empty profile. Every site has a port, so storage, of its own."""
    if CHROMIUM is None or CHROMEDRIVER is None:
        pytest.skip("needs chromium and chromedriver: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*_FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(CHROMEDRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A running server."""
    site = Site(tmp_path / "recado.db")
    site.start()
    yield site
    site.stop()
    site.close()


@pytest.fixture
def page(browser: Any, site: Site) -> Iterator[Page]:
    """The page, open."""
    page = Page(browser, site)
    page.open()
    yield page
    with suppress(Exception):
        browser.get("about:blank")
    assert page.violations() == []

"""The demo's simulated price feed, against a real process: watched, pushed, told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import pytest
from selenium.webdriver.common.keys import Keys

from tests.browser.conftest import Page, Site
from tests.scene.server import Server, free_port

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


class Demo:
    """A process of ``recado demo``, stopped and started at will."""

    def __init__(self, folder: Path) -> None:
        self._database = folder / "demo.db"
        self._port = free_port()
        self._runner = asyncio.Runner()
        self.url = f"http://127.0.0.1:{self._port}/"

    def start(self) -> None:
        """Start it, on the same port as before."""
        starting = Server.start("demo", database=self._database, port=self._port)
        self._server = self._runner.run(starting)

    def stop(self) -> None:
        """As if the machine had gone."""
        self._runner.run(self._server.kill())

    def close(self) -> None:
        """Stop everything."""
        self.stop()
        self._runner.close()


class Feed:
    """The panel on the page."""

    def __init__(self, page: Page) -> None:
        self._browser = page.browser
        self.page = page

    def press(self, change: str, *, keyboard: bool = False) -> None:
        """Press a button, with the mouse or the keyboard."""
        button = self._browser.find_element("css selector", f"[data-change={change}]")
        if keyboard:
            button.send_keys(Keys.SPACE)
        else:
            button.click()

    def text(self, selector: str) -> str:
        """What a part of the panel says."""
        told: str = self._browser.find_element("css selector", f".feed {selector}").text
        return told

    def until(self, selector: str, told: str) -> None:
        """Wait for a part of the panel to say it."""
        self.page.ana.until(lambda: told in self.text(selector))


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    """The demo, running."""
    made = Demo(tmp_path)
    made.start()
    yield made
    made.close()


@pytest.fixture
def feed(browser: Any, demo: Demo) -> Iterator[Feed]:
    """The demo's page, open."""
    page = Page(browser, cast("Site", demo))
    page.open()
    yield Feed(page)
    with suppress(Exception):
        browser.get("about:blank")
    assert page.violations() == []


def test_who_watches_is_told_and_nobody_else(feed: Feed) -> None:
    """Typed in the left window, pushed with the button: the left is told, the right is not."""
    ana, ben = feed.page.ana, feed.page.ben
    feed.until(".outcome", "nobody is watching")
    assert feed.text(".price") == "€10.00"
    ana.type("watch tea drop 20%")
    ana.until(lambda: any("I am watching tea" in each for each in ana.messages("bot")))
    assert "The last I heard of it is 10." in ana.messages("bot")[-1]
    feed.press("drop")
    feed.until(".price", "€8.00")
    feed.until(".outcome", "1 watch looks at it")
    ana.until(lambda: ana.messages("bot")[-1] == "tea is now 8 (-20\u00a0%, it was 10).")
    ben.type("watches")
    ben.until(lambda: any("watching nothing" in each for each in ben.messages("bot")))
    assert not any("tea is now" in each for each in ben.messages("bot"))
    ana.type("unwatch 1")
    ana.until(lambda: "no longer watch" in ana.messages("bot")[-1])
    feed.press("rise")
    feed.until(".price", "€9.60")
    feed.until(".outcome", "nobody is watching")


def test_it_works_with_the_keyboard(feed: Feed) -> None:
    """Every button can be reached and pressed."""
    feed.until(".outcome", "nobody is watching")
    feed.press("rise", keyboard=True)
    feed.until(".price", "€12.00")
    feed.press("drop", keyboard=True)
    feed.until(".price", "€9.60")


def test_the_price_is_remembered(feed: Feed) -> None:
    """A reload goes on where it was, and tells nobody of a change that was none."""
    ana = feed.page.ana
    feed.until(".outcome", "nobody is watching")
    feed.press("drop")
    feed.until(".price", "€8.00")
    ana.type("watch tea changes")
    ana.until(lambda: any("I am watching tea" in each for each in ana.messages("bot")))
    feed.page.open()
    feed.until(".outcome", "1 watch looks at it")
    assert feed.text(".price") == "€8.00"
    feed.press("drop")
    ana.until(lambda: ana.messages("bot")[-1] == "tea is now 6.4 (it was 8).")


def test_a_price_that_does_not_arrive_is_not_shown(feed: Feed, demo: Demo) -> None:
    """While the server is away the old one stays; afterwards the button works again."""
    feed.until(".outcome", "nobody is watching")
    demo.stop()
    feed.press("drop")
    feed.until(".outcome", "Not sent")
    assert feed.text(".price") == "€10.00"
    demo.start()
    feed.press("drop")
    feed.until(".price", "€8.00")


@pytest.fixture
def spanish(browser: Any) -> Iterator[None]:
    """A browser of somebody who speaks Spanish."""
    agent = browser.execute_script("return navigator.userAgent")
    told = {"userAgent": agent, "acceptLanguage": "es-ES,es;q=0.9,en;q=0.5"}
    browser.execute_cdp_cmd("Emulation.setUserAgentOverride", told)
    yield
    told["acceptLanguage"] = "en-US,en"
    browser.execute_cdp_cmd("Emulation.setUserAgentOverride", told)


@pytest.mark.usefixtures("spanish")
def test_it_speaks_spanish(feed: Feed) -> None:
    """The windows, the panel, what it asks to be typed, and what is told."""
    ana = feed.page.ana
    assert ana.texts(".status") == ["En línea"]
    feed.until(".outcome", "nadie lo vigila")
    assert feed.text("kbd") == "vigila té baja 20%"
    assert feed.text(".price").replace("\u00a0", " ") == "10,00 €"
    ana.type(feed.text("kbd"))
    ana.until(lambda: any("Vigilo té" in each for each in ana.messages("bot")))
    feed.press("drop")
    ana.until(lambda: ana.messages("bot")[-1] == "té está ahora a 8 (-20\u00a0%, estaba a 10).")


def test_there_is_a_topic_to_subscribe_to(feed: Feed) -> None:
    """The help names it, so it is there from the start."""
    ana = feed.page.ana
    ana.type("topics")
    ana.until(lambda: any("news" in each and "what is new" in each for each in ana.messages("bot")))


@pytest.fixture
def in_tokyo(browser: Any) -> Iterator[None]:
    """A browser of somebody in Tokyo."""
    browser.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": "Asia/Tokyo"})
    yield
    browser.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": ""})


@pytest.mark.usefixtures("in_tokyo")
def test_it_tells_in_which_zone_the_person_is(feed: Feed) -> None:
    """So that nobody has to type their zone before they are reminded at the right time."""
    ana = feed.page.ana
    ana.type("remind me tomorrow at 9 to stretch")
    ana.until(lambda: any("09:00 (Asia/Tokyo): stretch" in each for each in ana.messages("bot")))
    assert not any("do not know your time zone" in each for each in ana.messages("bot"))


def test_the_page_is_an_ordinary_program(feed: Feed) -> None:
    """What it sends is a CloudEvent that any program could send."""
    feed.until(".outcome", "nobody is watching")
    words = json.loads(
        feed.page.browser.find_element("css selector", "main").get_attribute("data-words")
    )
    assert words["sent"] == feed.text(".outcome")
    sent = feed.page.browser.execute_async_script(
        "const done = arguments[0], real = fetch;"
        "window.fetch = (url, options) => { done([url, options.headers, options.body]);"
        " return real(url, options); };"
        "document.querySelector('[data-change=drop]').click();"
    )
    url, headers, body = sent[0], sent[1], json.loads(sent[2])
    assert (url, headers) == ("/api/v1/events", {"Content-Type": "application/cloudevents+json"})
    assert (body["specversion"], body["subject"], body["data"]) == ("1.0", "tea", 8)

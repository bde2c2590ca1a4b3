"""The chat page's own words: both languages say the same, and the browser's is chosen."""

from __future__ import annotations

from string import Formatter

import httpx
import pytest
from fastapi import FastAPI

from recado.web.chat import chat_routes
from recado.web.chat_words import PAGE, preferred


def test_both_languages_say_the_same() -> None:
    """The same words, about the same values."""
    told = {
        language: {
            name: {field for _, field, _, _ in Formatter().parse(text)}
            for name, text in words.items()
        }
        for language, words in PAGE.items()
    }
    assert told["en"] == told["es"]


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("en-US,en;q=0.9", "en"),
        ("es-ES,es;q=0.9,en;q=0.8", "es"),
        ("ES", "es"),
        ("de-DE,de;q=0.9,es;q=0.8,en;q=0.7", "es"),
        ("de,fr", "en"),
        ("es;q=0.1, en;q=0.9", "en"),
        ("es;q=x, *", "en"),
        (",;,", "en"),
    ],
)
def test_the_language_is_the_browsers(header: str, language: str) -> None:
    """The one it likes best of those there are."""
    assert preferred(header) == language


@pytest.mark.parametrize("windows", [1, 2])
@pytest.mark.parametrize("jobs", [True, False])
async def test_the_jobs_are_spoken_of_where_there_are_some(windows: int, *, jobs: bool) -> None:
    """How to try them is said of a bot that has them, and of no other."""
    app = FastAPI()
    app.include_router(chat_routes(windows=windows, jobs=jobs))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        answer = await client.get("/")
    assert "Bots that speak first." in answer.text
    banner = answer.text.partition("<h1>")[2].partition("</div>")[0]
    assert ("<kbd>run</kbd>" in banner) is jobs
    assert ("<kbd>done 1</kbd>" in banner) is jobs


@pytest.mark.parametrize(("feed", "there"), [(None, False), ("/api/v1/events", True)])
async def test_the_feed_is_there_where_it_is_wanted(feed: str | None, *, there: bool) -> None:
    """With its script, and with its words in the browser's language."""
    app = FastAPI()
    app.include_router(chat_routes(feed=feed))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        answer = await client.get("/", headers={"Accept-Language": "es"})
        assert (await client.get("/chat/feed.js")).status_code == 200
    assert ('data-post="/api/v1/events"' in answer.text) is there
    assert ("/chat/feed.js" in answer.text) is there
    assert '<html lang="es">' in answer.text
    assert ("vigila té baja 20%" in answer.text.partition('class="feed"')[2]) is there
    assert "Accept-Language" in answer.headers["vary"]

"""The chat page: a window for each of one or two people, made of our own HTML and JavaScript."""

from __future__ import annotations

import re
from pathlib import Path

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import FileResponse, HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from recado.web.chat_words import PAGE, preferred

_HERE = Path(__file__).parent

#: Who sits at the windows, in order: key in the browser's storage, and name.
_PEOPLE = (("ana", "Ana"), ("ben", "Ben"))

#: The page's files and what they are; nothing else is served.
_FILES = {
    "chat.css": "text/css",
    "chat.js": "text/javascript",
    "directline.js": "text/javascript",
    "feed.js": "text/javascript",
    "markdown.js": "text/javascript",
    "memory.js": "text/javascript",
    "recado.svg": "image/svg+xml",
}

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src {connect}; "
    "img-src 'self' data: https:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

_HEADERS = {
    "Cache-Control": "no-cache",
    "Vary": "Accept-Language",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}

_HOST = re.compile(r"[A-Za-z0-9.\-]+(:\d+)?|\[[0-9A-Fa-f:.]+\](:\d+)?")


def chat_routes(
    *,
    windows: int = 2,
    jobs: bool = True,
    notify: str | None = "/api/notify",
    feed: str | None = None,
) -> APIRouter:
    """Routes of the page at ``/`` and the files it needs under ``/chat/``.

    Args:
        windows: how many people sit at the page, 1 or 2.
        jobs: whether the bot has the demo's jobs, so that the page says how to try them.
        notify: what "Notify everyone" opens; None leaves it out.
        feed: where the simulated price feed sends its events; None leaves it out.
    """
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"), autoescape=True, undefined=StrictUndefined
    )
    people = _PEOPLE[:windows]
    router = APIRouter(include_in_schema=False)

    @router.get("/", response_model=None)
    async def page(request: Request) -> Response:
        """The page."""
        language = preferred(request.headers.get("accept-language", ""))
        html = environment.get_template("chat.html").render(
            people=people,
            jobs=jobs,
            notify=notify,
            feed=feed,
            language=language,
            said={name: Markup(text) for name, text in PAGE[language].items()},  # noqa: S704 - ours
            key=Markup("<kbd>{}</kbd>").format,
        )
        return HTMLResponse(html, headers={**_HEADERS, "Content-Security-Policy": _policy(request)})

    @router.get("/chat/{name}", response_model=None)
    async def file(name: str) -> Response:
        """One of the page's files."""
        if name not in _FILES:
            raise HTTPException(404)
        return FileResponse(_HERE / "static" / name, media_type=_FILES[name], headers=_HEADERS)

    return router


def _policy(request: Request) -> str:
    """The page may run its own files only, and talk to its own server only.

    Not every browser counts the WebSocket of the same host as ``'self'``, so it is named.
    """
    host = request.headers.get("host", "")
    connect = f"'self' ws://{host} wss://{host}" if _HOST.fullmatch(host) else "'self'"
    return _POLICY.format(connect=connect)

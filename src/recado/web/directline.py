"""The Direct Line 3.0 endpoints (protocol §6.1) over the local channel."""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Request, Response, WebSocket, WebSocketDisconnect
from fastapi.responses import JSONResponse

from recado.channel.local import Claims, DirectLine, Grant, Refusal
from recado.errors import StoreError
from recado.web.origins import from_loopback
from recado.web.protocol import error_response, read_body, read_object
from recado.web.upload import MAX_UPLOAD, UPLOAD_CHARACTERS, read_upload

_log = logging.getLogger("recado.local")

_BASE = "/v3/directline"
_CONVERSATION = _BASE + "/conversations/{conversation_id}"

_FOREIGN = Refusal(403, "Forbidden", "Pages of this origin are not served.")

Endpoint = Callable[[Request], Awaitable[Response]]


def direct_line_routes(
    service: DirectLine,
    *,
    secret: str | None = None,
    origins: frozenset[str] = frozenset(),
) -> APIRouter:
    """Routes for Direct Line clients: our page, DirectLineJS, Web Chat.

    Args:
        service: what the routes do.
        secret: what generates tokens and starts conversations. Without one anybody may, and an
            expired token can be exchanged for a new one: for loopback only.
        origins: origins of web pages that are served besides loopback ones, as browsers write
            them (``https://chat.example.com``).
    """
    return _Routes(service, secret, origins).router()


class _Routes:
    def __init__(self, service: DirectLine, secret: str | None, origins: frozenset[str]) -> None:
        self._service = service
        self._secret = secret
        self._origins = origins

    def router(self) -> APIRouter:
        router = APIRouter(include_in_schema=False)
        for method, path, endpoint in (
            ("POST", _BASE + "/tokens/generate", self.generate),
            ("POST", _BASE + "/tokens/refresh", self.refresh),
            ("POST", _BASE + "/conversations", self.start),
            ("GET", _CONVERSATION, self.reconnect),
            ("GET", _CONVERSATION + "/activities", self.activities),
            ("POST", _CONVERSATION + "/activities", self.post),
            ("POST", _CONVERSATION + "/upload", self.upload),
        ):
            router.add_api_route(
                path, self._guarded(endpoint), methods=[method], response_model=None
            )
        router.add_api_route(
            _BASE + "/{path:path}", self.preflight, methods=["OPTIONS"], response_model=None
        )
        router.add_api_websocket_route(_CONVERSATION + "/stream", self.stream)
        return router

    # -- endpoints ---------------------------------------------------------------------------

    async def generate(self, request: Request) -> Response:
        """POST tokens/generate."""
        if self._secret is not None and not self._is_secret(_bearer(request)):
            raise _unauthorized("Generating a token needs the Direct Line secret.")
        parameters = await read_object(request)
        return JSONResponse(_grant(request, await self._service.generate(_user(parameters))))

    async def refresh(self, request: Request) -> Response:
        """POST tokens/refresh."""
        demo = self._secret is None
        grant = await self._service.refresh(_bearer(request) or "", expired_too=demo)
        return JSONResponse(_grant(request, grant))

    async def start(self, request: Request) -> Response:
        """POST conversations."""
        claims = await self._starter(_bearer(request))
        parameters = await read_object(request)
        locale = parameters.get("locale")
        grant = await self._service.start(
            claims, _user(parameters), locale if isinstance(locale, str) else None
        )
        return JSONResponse(_grant(request, grant), status_code=201 if grant.new else 200)

    async def reconnect(self, request: Request) -> Response:
        """GET conversations/{id}: without a watermark only what is yet to come (protocol §6.1).

        An empty one asks for everything: that is what DirectLineJS sends while it has seen
        nothing, and what was said meanwhile must not be lost.
        """
        claims = await self._claims(request)
        after = None
        if "watermark" in request.query_params:
            after = _watermark(request.query_params)
        return JSONResponse(_grant(request, await self._service.reconnect(claims, after)))

    async def activities(self, request: Request) -> Response:
        """GET activities."""
        claims = await self._claims(request)
        after = _watermark(request.query_params)
        page = await self._service.read(claims.conversation_id, after)
        return JSONResponse(page.body(), headers={"Cache-Control": "no-store"})

    async def post(self, request: Request) -> Response:
        """POST activities."""
        claims = await self._claims(request)
        return JSONResponse({"id": await self._service.post(claims, await read_object(request))})

    async def upload(self, request: Request) -> Response:
        """POST upload: files become attachments with data in their address."""
        claims = await self._claims(request)
        activity = read_upload(
            await read_body(request, MAX_UPLOAD),
            content_type=request.headers.get("content-type", ""),
            disposition=request.headers.get("content-disposition", ""),
        )
        user = request.query_params.get("userId")
        if user and "from" not in activity:
            activity["from"] = {"id": user}
        posted = await self._service.post(claims, activity, limit=UPLOAD_CHARACTERS)
        return JSONResponse({"id": posted})

    async def preflight(self, request: Request) -> Response:
        """OPTIONS: what DirectLineJS asks before each call (protocol §6.3, §10)."""
        if not self._welcome(request.headers.get("origin")):
            return error_response(_FOREIGN)
        headers = {
            **_cors(request.headers.get("origin")),
            "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
            "Access-Control-Allow-Headers": request.headers.get(
                "access-control-request-headers", "authorization, content-type, x-ms-bot-agent"
            ),
            "Access-Control-Max-Age": "600",
        }
        return Response(status_code=204, headers=headers)

    async def stream(self, websocket: WebSocket) -> None:
        """The WebSocket stream (protocol §6.2). A refusal before acceptance is HTTP 403."""
        try:
            claims, after = await self._admit(websocket)
        except (Refusal, StoreError):
            await websocket.close(code=1008)
            return
        await websocket.accept()
        sending = asyncio.create_task(self._send(websocket, claims.conversation_id, after))
        try:
            while True:  # clients send empty frames, to see that the connection is alive
                await websocket.receive_text()
        except (WebSocketDisconnect, KeyError):  # KeyError: a binary frame
            pass
        finally:
            sending.cancel()
            await asyncio.wait([sending])

    async def _admit(self, websocket: WebSocket) -> tuple[Claims, int]:
        if not self._welcome(websocket.headers.get("origin")):
            raise _FOREIGN
        query = websocket.query_params
        claims = await self._service.tokens.verify(query.get("t", ""), "stream")
        return _same(claims, websocket.path_params["conversation_id"]), _watermark(query)

    async def _send(self, websocket: WebSocket, conversation_id: str, after: int) -> None:
        code = 1001  # going away
        try:
            async with aclosing(self._service.follow(conversation_id, after)) as pages:
                async for page in pages:
                    await websocket.send_text("" if page is None else _json(page.body()))
        except StoreError:
            _log.exception("A stream ended because its history could not be read.")
            code = 1011  # the client comes again
        except (WebSocketDisconnect, RuntimeError):  # the connection went before the frame
            return
        await websocket.close(code)

    # -- who may -----------------------------------------------------------------------------

    def _guarded(self, endpoint: Endpoint) -> Endpoint:
        async def guarded(request: Request) -> Response:
            origin = request.headers.get("origin")
            if not self._welcome(origin):
                return error_response(_FOREIGN)
            try:
                response = await endpoint(request)
            except (Refusal, StoreError) as error:
                response = error_response(error)
            response.headers.update(_cors(origin))
            return response

        return guarded

    def _welcome(self, origin: str | None) -> bool:
        return origin is None or from_loopback(origin) or origin in self._origins

    def _is_secret(self, bearer: str | None) -> bool:
        return (
            self._secret is not None
            and bearer is not None
            and hmac.compare_digest(bearer.encode(), self._secret.encode())
        )

    async def _starter(self, bearer: str | None) -> Claims | None:
        """The claims of who starts a conversation; None when it is to be a new one."""
        if self._is_secret(bearer):
            return None
        try:
            return await self._service.tokens.verify(bearer or "")
        except Refusal as refusal:
            # In demo mode whatever else stands there starts a conversation, for instance the
            # token of a database that has been deleted, or DirectLineJS's "undefined".
            if self._secret is None and refusal.status == 401:
                return None
            raise

    async def _claims(self, request: Request) -> Claims:
        bearer, conversation_id = _bearer(request), request.path_params["conversation_id"]
        if self._is_secret(bearer):
            return Claims(conversation_id=conversation_id)
        if bearer is None:
            raise _unauthorized("This needs a Direct Line token.")
        return _same(await self._service.tokens.verify(bearer), conversation_id)


def _same(claims: Claims, conversation_id: str) -> Claims:
    if claims.conversation_id != conversation_id:
        raise Refusal(403, "Forbidden", "The token is for another conversation.")
    return claims


def _bearer(request: Request) -> str | None:
    scheme, _, credential = request.headers.get("authorization", "").partition(" ")
    return credential.strip() if scheme.lower() == "bearer" and credential.strip() else None


def _unauthorized(message: str) -> Refusal:
    return Refusal(401, "Unauthorized", message)


def _user(parameters: Mapping[str, Any]) -> Mapping[str, Any] | None:
    user = parameters.get("user")
    if user is not None and not isinstance(user, dict):
        raise Refusal(400, "BadArgument", 'The "user" is an object with an "id".')
    return user


def _watermark(query: Mapping[str, str]) -> int:
    """The position a client has read to; its first request has an empty one (protocol §6.3)."""
    given = query.get("watermark", "")
    if given in ("", "null", "undefined", "-"):
        return 0
    if not (given.isascii() and given.isdigit() and len(given) <= 18):
        raise Refusal(400, "BadArgument", "The watermark is not one of this server's.")
    return int(given)


def _grant(request: Request, grant: Grant) -> dict[str, Any]:
    """The protocol's Conversation."""
    body: dict[str, Any] = {
        "conversationId": grant.conversation_id,
        "token": grant.token,
        "expires_in": grant.expires_in,
    }
    if grant.stream_token is not None:
        scheme = "wss" if request.url.scheme == "https" else "ws"
        path = _CONVERSATION.format(conversation_id=quote(grant.conversation_id, safe=""))
        query = {"t": grant.stream_token, "watermark": str(grant.after or 0)}
        body["streamUrl"] = f"{scheme}://{request.url.netloc}{path}/stream?{urlencode(query)}"
    return body


def _cors(origin: str | None) -> dict[str, str]:
    if origin is None:
        return {"Vary": "Origin"}
    return {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}


def _json(body: Mapping[str, Any]) -> str:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))

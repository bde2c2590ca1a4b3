"""The Connector API v3 (protocol §2.1) over the local channel, for bots in other processes.

Who may call it is decided where the routes are included.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from recado.channel.local import (
    AGENT,
    CHANNEL,
    LOCAL_SERVICE_URL,
    History,
    LocalChannel,
    Refusal,
    conversation_not_found,
    new_conversation_id,
)
from recado.channel.port import Post
from recado.domain.policy import Answer
from recado.errors import StoreError
from recado.web.protocol import error_response, read_body, read_object

_CONVERSATION = "/v3/conversations/{conversation_id}"
_ACTIVITY = _CONVERSATION + "/activities/{activity_id}"

Endpoint = Callable[[Request], Awaitable[Response]]


def connector_routes(channel: LocalChannel, history: History) -> APIRouter:
    """Routes under which a bot speaks into local conversations."""
    routes = _Routes(channel, history)
    router = APIRouter(include_in_schema=False)
    for method, path, endpoint in (
        ("POST", "/v3/conversations", routes.create),
        ("POST", _CONVERSATION + "/activities", routes.send),
        ("POST", _ACTIVITY, routes.send),
        ("PUT", _ACTIVITY, routes.send),
        ("DELETE", _ACTIVITY, routes.send),
        ("GET", _CONVERSATION + "/members", routes.members),
        ("GET", _CONVERSATION + "/members/{member_id}", routes.member),
        ("GET", _CONVERSATION + "/pagedmembers", routes.paged_members),
    ):
        router.add_api_route(path, _guarded(endpoint), methods=[method], response_model=None)
    return router


class _Routes:
    def __init__(self, channel: LocalChannel, history: History) -> None:
        self._channel = channel
        self._history = history

    async def create(self, request: Request) -> Response:
        """POST conversations: with one person, and a first activity if there is one."""
        parameters = await read_object(request)
        members = parameters.get("members")
        person = members[0] if isinstance(members, list) and members else None
        if person is not None and not (
            isinstance(person, dict) and isinstance(person.get("id"), str)
        ):
            raise Refusal(400, "BadSyntax", 'A member is an object with an "id".')
        conversation_id = new_conversation_id()
        await self._history.start(conversation_id, person)
        created = {"id": conversation_id, "serviceUrl": str(request.base_url)}
        if parameters.get("activity") is not None:
            body = json.dumps(parameters["activity"]).encode()
            answer = await self._send(conversation_id, body)
            if not answer.ok:
                return _told(answer)
            if answer.activity_id is not None:
                created["activityId"] = answer.activity_id
        return JSONResponse(created, status_code=201)

    async def send(self, request: Request) -> Response:
        """POST, PUT and DELETE of activities."""
        method: Literal["POST", "PUT", "DELETE"] = "POST"
        if request.method in ("PUT", "DELETE"):
            method = "PUT" if request.method == "PUT" else "DELETE"
        return _told(
            await self._send(
                request.path_params["conversation_id"],
                None if method == "DELETE" else await read_body(request),
                method=method,
                activity_id=request.path_params.get("activity_id"),
            )
        )

    async def members(self, request: Request) -> Response:
        """GET members."""
        return JSONResponse(await self._members(request))

    async def member(self, request: Request) -> Response:
        """GET members/{id}."""
        for member in await self._members(request):
            if member.get("id") == request.path_params["member_id"]:
                return JSONResponse(member)
        raise Refusal(404, "MemberNotFoundInConversation", "Nobody there has that id.")

    async def paged_members(self, request: Request) -> Response:
        """GET pagedmembers: always one page."""
        return JSONResponse({"members": await self._members(request)})

    async def _send(
        self,
        conversation_id: str,
        body: bytes | None,
        *,
        method: Literal["POST", "PUT", "DELETE"] = "POST",
        activity_id: str | None = None,
    ) -> Answer:
        return await self._channel.send(
            Post(
                bot=AGENT["id"],
                channel=CHANNEL,
                service_url=LOCAL_SERVICE_URL,
                conversation_id=conversation_id,
                body=body,
                method=method,
                activity_id=activity_id,
            )
        )

    async def _members(self, request: Request) -> list[Mapping[str, Any]]:
        exists, person = await self._history.person(request.path_params["conversation_id"])
        if not exists:
            raise conversation_not_found()
        return [AGENT] if person is None else [dict(person), AGENT]


def _guarded(endpoint: Endpoint) -> Endpoint:
    async def guarded(request: Request) -> Response:
        try:
            return await endpoint(request)
        except (Refusal, StoreError) as error:
            return error_response(error)

    return guarded


def _told(answer: Answer) -> Response:
    """The HTTP form of an answer: a ResourceResponse, or the protocol's error body."""
    if answer.ok:
        named = {} if answer.activity_id is None else {"id": answer.activity_id}
        return JSONResponse(named, status_code=answer.status or 200)
    return error_response(
        Refusal(answer.status or 503, answer.code or "ServiceError", answer.message or "")
    )

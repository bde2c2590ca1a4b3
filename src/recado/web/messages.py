"""``POST /api/messages``: activities from channels, checked before the bot's adapter sees them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, Request, Response
from microsoft_agents.activity import Activity
from microsoft_agents.hosting.core import ClaimsIdentity
from pydantic import ValidationError

from recado.errors import InvalidActivity
from recado.web.body import read_json
from recado.web.channel_tokens import ChannelTokens
from recado.web.problems import invalid_fields

Process = Callable[[Request], Awaitable[Response]]

#: Fields whose type the adapter or the bot relies on, by the JSON type they must have.
_TYPES: dict[str, tuple[type, str]] = {
    **dict.fromkeys(
        ("type", "id", "channelId", "serviceUrl", "text", "name", "locale", "replyToId"),
        (str, "a string"),
    ),
    **dict.fromkeys(("from", "recipient", "conversation", "relatesTo"), (dict, "an object")),
    **dict.fromkeys(
        (
            "membersAdded",
            "membersRemoved",
            "reactionsAdded",
            "reactionsRemoved",
            "attachments",
            "entities",
        ),
        (list, "a list"),
    ),
}
_REQUIRED = ("type", "channelId", "serviceUrl")


class ActivityRequest(Request):
    """The request as the SDK's adapter reads it: the checked activity, and who sent it."""

    def __init__(
        self, request: Request, activity: dict[str, Any], identity: ClaimsIdentity
    ) -> None:
        super().__init__(request.scope, request.receive)
        self._activity = activity
        self.state.claims_identity = identity

    async def json(self) -> Any:
        return self._activity


def messages_routes(
    process: Process,
    *,
    bot: str,
    check_service_url: Callable[[str], None],
    tokens: ChannelTokens | None,
) -> APIRouter:
    """The messages endpoint.

    Args:
        process: answers a checked activity; what it raises is answered as a problem, so that the
            channel sends the activity again.
        bot: the bot's id, for activities that do not say whom they are for.
        check_service_url: raises ForbiddenServiceUrl.
        tokens: checks who sends; None takes anonymous activities.
    """
    router = APIRouter(tags=["channels"])

    @router.post(
        "/api/messages",
        summary="Take an activity from a channel",
        response_model=None,
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": {"type": "object"}}},
            }
        },
    )
    async def messages(request: Request) -> Response:
        identity = ClaimsIdentity()
        if tokens is not None:
            identity = await tokens.identify(request.headers.get("authorization"))
        activity = read_activity(await read_json(request), bot=bot)
        if tokens is not None:
            await tokens.check(identity, activity)
        check_service_url(activity["serviceUrl"])
        return await process(ActivityRequest(request, activity, identity))

    return router


def read_activity(body: object, *, bot: str) -> dict[str, Any]:
    """An inbound activity, with everything the adapter needs.

    Some Direct Line servers leave out the recipient, which can only be the bot.

    Raises:
        InvalidActivity: something is missing that tells whom to answer, and where.
        HttpProblem: a field has another type than the protocol gives it.
    """
    if not isinstance(body, dict):
        raise InvalidActivity("An activity is a JSON object: this body is something else.")
    activity = {key: value for key, value in body.items() if value is not None}
    for name, (kind, told) in _TYPES.items():
        if name in activity and not isinstance(activity[name], kind):
            raise InvalidActivity(f'The activity\'s "{name}" is not {told}: correct it.')
    for name in _REQUIRED:
        if not activity.get(name, "").strip():
            raise InvalidActivity(f'The activity has no "{name}": add it.')
    conversation_id = activity.get("conversation", {}).get("id")
    if not isinstance(conversation_id, str) or not conversation_id:
        raise InvalidActivity('The activity has no "conversation" with an "id": add it.')
    if not activity.get("recipient", {}).get("id"):
        activity["recipient"] = {**activity.get("recipient", {}), "id": bot, "role": "bot"}
    try:
        Activity.model_validate(activity)
    except ValidationError as error:
        raise invalid_fields(error.errors(), activity) from None
    except Exception as error:
        # The SDK's own validators raise TypeError and bare Exception for what they dislike.
        raise InvalidActivity(f"The activity cannot be used: {error}.") from error
    return activity

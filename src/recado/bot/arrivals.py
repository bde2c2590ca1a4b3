"""Arrivals: what came in from a channel, told from turns that are built locally.

Middleware sees inbound activities, ContinueConversation events and replays of the SDK (long
running messages, sign-in) alike, and only the former tell something about a conversation. The
adapter's two ways in are therefore marked, on the instance: ``process_request``, where both HTTP
hosts hand over the JSON (the SDK's models drop fields they do not know), and
``process_activity``, which every inbound activity passes and no other.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from microsoft_agents.activity import Activity, ActivityTypes, DeliveryModes, InvokeResponse
from microsoft_agents.hosting.core import (
    Agent,
    ChannelServiceAdapter,
    ClaimsIdentity,
    HttpAdapterBase,
    TurnContext,
)
from microsoft_agents.hosting.core.http import HttpRequestProtocol, HttpResponse

from recado.bot.capture import channel_of


@dataclass(frozen=True, slots=True)
class Arrival:
    """An activity that came in, with the JSON it was read from if that is known."""

    activity: Activity
    body: Mapping[str, Any] | None


_body: ContextVar[Any] = ContextVar("recado_body", default=None)
_arrival: ContextVar[Arrival | None] = ContextVar("recado_arrival", default=None)


def mark_arrivals(adapter: ChannelServiceAdapter) -> None:
    """Have *adapter* mark what comes in, for :func:`take_arrival`."""
    process_activity = adapter.process_activity

    async def marked_activity(
        claims_identity: ClaimsIdentity,
        activity: Activity,
        callback: Callable[[TurnContext], Awaitable[Any]],
    ) -> InvokeResponse | None:
        body = _body.get()  # whatever JSON the request was, whatever the SDK's type says
        token = _arrival.set(Arrival(activity, body if isinstance(body, Mapping) else None))
        _body.set(None)
        try:
            return await process_activity(claims_identity, activity, callback)
        finally:
            _arrival.reset(token)

    adapter.process_activity = marked_activity  # type: ignore[method-assign]
    if not isinstance(adapter, HttpAdapterBase):
        return
    process_request = adapter.process_request

    async def marked_request(request: HttpRequestProtocol, agent: Agent) -> HttpResponse:
        return await process_request(_Overheard(request), agent)

    adapter.process_request = marked_request  # type: ignore[method-assign]


def take_arrival(activity: Activity) -> Arrival | None:
    """The arrival of *activity*, the first time it is asked for.

    A turn run within the turn, even of the same activity, is none.
    """
    arrival = _arrival.get()
    if arrival is None or arrival.activity is not activity:
        return None
    _arrival.set(None)
    return arrival


class _Overheard:
    """A request whose JSON is kept for the arrival that is made from it."""

    def __init__(self, request: HttpRequestProtocol) -> None:
        self._request = request

    async def json(self) -> dict[str, Any]:
        body = await self._request.json()
        _body.set(body)
        return body

    @property
    def method(self) -> str:
        return self._request.method

    @property
    def headers(self) -> Mapping[str, str]:
        return self._request.headers

    def get_claims_identity(self) -> Any:
        return self._request.get_claims_identity()

    def get_path_param(self, name: str) -> str:
        return self._request.get_path_param(name)


#: Types whose id names one activity. A messageUpdate carries the id of the message it edits, and
#: the conversationUpdates of Web Chat share one.
_NAMED_BY_ID = frozenset({ActivityTypes.message, ActivityTypes.event})
#: Ways of answering in the response, which a repetition has to be given again.
_ANSWERED_AT_ONCE = frozenset({DeliveryModes.expect_replies, DeliveryModes.stream})


class Repeats:
    """Remembers which activities have come in, because channels send some twice.

    Teams repeats a message whose turn takes longer than 15 s (protocol §1.5).

    Args:
        remembered: how many, about a third of a kilobyte each.
    """

    def __init__(self, remembered: int = 20_000) -> None:
        self._remembered = remembered
        self._seen: OrderedDict[tuple[str, ...], None] = OrderedDict()

    def admit(self, activity: Activity) -> bool:
        """Whether the activity has not been seen; from now on it has."""
        key = _name(activity)
        if key is None:
            return True
        if key in self._seen:
            return False
        self._seen[key] = None
        if len(self._seen) > self._remembered:
            self._seen.popitem(last=False)
        return True

    def forget(self, activity: Activity) -> None:
        """Let the activity come again: its turn failed."""
        key = _name(activity)
        if key is not None:
            self._seen.pop(key, None)


def named_by_id(activity: Activity) -> str | None:
    """The id of an activity that is not to be answered twice."""
    if activity.type not in _NAMED_BY_ID or activity.delivery_mode in _ANSWERED_AT_ONCE:
        return None
    return activity.id or None


def _name(activity: Activity) -> tuple[str, ...] | None:
    named = named_by_id(activity)
    return None if named is None else (channel_of(activity), activity.conversation.id, named)

"""A channel that keeps the pace: what a bot sends by itself waits for its turn here.

Deliveries do not pass through it: the dispatcher has their permits before it claims them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, Protocol, TypeGuard

from recado.channel.pacing import Pacer
from recado.channel.permits import Permit
from recado.channel.port import Call, Channel, Post, Reply
from recado.domain.pace import Operation
from recado.domain.policy import Answer, Failure
from recado.domain.reference import base_channel, pace_key
from recado.domain.scope import Scope


class Leave(Protocol):
    """Whoever says when a request may begin: see :class:`Pacer`."""

    async def admit(
        self,
        scope: Scope,
        key: str,
        operation: Operation = ...,
        *,
        group: bool = ...,
        patience: float = ...,
    ) -> Permit: ...

    async def admit_if_room(
        self, scope: Scope, key: str, operation: Operation = ..., *, group: bool = ...
    ) -> Permit | None: ...

    def ended(self, permit: Permit, answer: Answer) -> None: ...


_LOST: Final = Answer(failure=Failure.AMBIGUOUS)


class PacedChannel:
    """Another channel, at the pace its profiles allow.

    Args:
        channel: sends.
        pacer: knows what has no pace; the dispatcher uses the same one.
        leave: asked for everything that has one; the pacer itself when left out.
        patience: seconds a request waits at most (:meth:`Pacer.admit`).
    """

    def __init__(
        self,
        channel: Channel,
        pacer: Pacer,
        *,
        leave: Leave | None = None,
        patience: float = 15.0,
    ) -> None:
        self._channel = channel
        self._pacer = pacer
        self._leave = leave or pacer
        self._patience = patience

    async def send(self, post: Post) -> Answer:
        """Wait for its turn, then hand *post* to the channel."""
        key = pace_key(post.conversation_id)
        permit = await self._admit(post, Operation.SEND, key)
        answer = _LOST
        try:
            answer = await self._channel.send(post)
        finally:
            self._leave.ended(permit, answer)
        return answer

    async def send_if_room(self, post: Post) -> Answer | None:
        """Hand *post* to the channel if there is room for it now; None if there is not."""
        channel = base_channel(post.channel)
        scope = Scope(post.bot, channel, post.tenant)
        key = pace_key(post.conversation_id)
        leave = self._pacer if self._pacer.free(post.bot, channel) else self._leave
        permit = await leave.admit_if_room(scope, key, Operation.SEND, group=post.is_group)
        if permit is None:
            return None
        answer = _LOST
        try:
            answer = await self._channel.send(post)
        finally:
            leave.ended(permit, answer)
        return answer

    async def call(self, call: Call) -> Reply:
        """Wait for its turn, then make another request."""
        operation, key = _counted(call)
        permit = await self._admit(call, operation, key)
        answer = _LOST
        try:
            reply = await self._channel.call(call)
            answer = reply.answer
        finally:
            self._leave.ended(permit, answer)
        return reply

    async def close(self) -> None:
        """Close the channel."""
        await self._channel.close()

    async def _admit(self, request: Post | Call, operation: Operation, key: str) -> Permit:
        channel = base_channel(request.channel)
        if self._pacer.free(request.bot, channel):
            # Who is spoken to matters to limits only, and reading it costs more than all the rest.
            return await self._pacer.admit(Scope(request.bot, channel, ""), key, operation)
        tenant, group = request.tenant, request.is_group
        if not tenant:
            tenant, group = _address(_parsed(request.body))
        scope = Scope(request.bot, channel, tenant)
        return await self._leave.admit(scope, key, operation, group=group, patience=self._patience)


def _counted(call: Call) -> tuple[Operation, str]:
    """What a call counts as, and its pace key (protocol §2.1 and §4.1)."""
    path = call.path[1:] if call.path[:1] == ("v3",) else call.path
    conversation = pace_key(path[1]) if len(path) > 1 else ""
    if path == ("conversations",) and call.method == "POST":
        return Operation.CREATE, _beginning(_parsed(call.body))
    return (Operation.ROSTER if call.method == "GET" else Operation.SEND), conversation


def _beginning(body: Mapping[str, Any]) -> str:
    """What stands for a conversation that has no id yet: its Teams channel, or for whom it is."""
    members = body.get("members")
    first = _object(members[0]) if isinstance(members, list) and members else {}
    channel = _object(_object(body.get("channelData")).get("channel"))
    return next((each for each in (channel.get("id"), first.get("id")) if _is_name(each)), "")


def _address(body: Mapping[str, Any]) -> tuple[str, bool]:
    """The tenant an activity names, "" if none, and whether it is for a group."""
    conversation = _object(body.get("conversation"))
    told = (
        conversation.get("tenantId"),
        _object(_object(body.get("channelData")).get("tenant")).get("id"),
        body.get("tenantId"),  # of a conversation to be made
    )
    group = (conversation or body).get("isGroup") is True
    return next((each for each in told if _is_name(each)), ""), group


def _parsed(body: bytes | None) -> Mapping[str, Any]:
    try:
        return _object(json.loads(body)) if body else {}
    except (ValueError, RecursionError):
        return {}


def _is_name(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and bool(value)


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}

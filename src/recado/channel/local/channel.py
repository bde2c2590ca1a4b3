"""The way out: what a bot says goes into the history of a local conversation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from recado.channel.local.history import AGENT, History
from recado.channel.local.parsing import parse_activity
from recado.channel.local.refusal import Refusal, conversation_not_found
from recado.channel.port import Call, Post, Reply
from recado.domain.policy import Answer, Failure
from recado.errors import StoreError

#: Activities that are not for the person's eyes (protocol §6.2); they are taken and not kept.
_UNSEEN = frozenset({"conversationUpdate", "invokeResponse", "trace"})


class LocalChannel:
    """The local channel as :class:`recado.channel.port.Channel`.

    It needs the store and nothing else, so a process without a web server delivers as well.
    """

    def __init__(self, history: History) -> None:
        self._history = history

    async def send(self, post: Post) -> Answer:
        """Append, replace or remove an activity.

        With ``post.key`` an activity is appended once however often it is sent.
        """
        try:
            return await self._send(post)
        except Refusal as refusal:
            return Answer(status=refusal.status, code=refusal.error, message=str(refusal))
        except StoreError as error:
            # The store promises that nothing happened, as if the request had never left.
            return Answer(failure=Failure.NOT_SENT, message=str(error))

    async def call(self, call: Call) -> Reply:
        """Say who is in a conversation; every other call is not supported (405).

        Not even creating a conversation: here a person begins one by opening the chat page, and
        in one that was made for them nobody would read what is said.
        """
        try:
            body = await self._call(call)
        except Refusal as refusal:
            answer = Answer(status=refusal.status, code=refusal.error, message=str(refusal))
            return Reply(answer=answer)
        except StoreError as error:
            return Reply(answer=Answer(failure=Failure.NOT_SENT, message=str(error)))
        return Reply(answer=Answer(status=200), body=body)

    async def close(self) -> None:
        """There is no connection to close."""

    async def _call(self, call: Call) -> Any:
        match call.method, call.path:
            case "GET", ("v3", "conversations", conversation_id, "members"):
                return await self._members(conversation_id)
            case "GET", ("v3", "conversations", conversation_id, "pagedmembers"):
                return {"members": await self._members(conversation_id)}
            case "GET", ("v3", "conversations", conversation_id, "members", wanted):
                for member in await self._members(conversation_id):
                    if member["id"] == wanted:
                        return member
                raise Refusal(404, "MemberNotFoundInConversation", "Nobody there has that id.")
        raise Refusal(405, "MethodNotAllowed", "The local channel does not support this call.")

    async def _members(self, conversation_id: str) -> list[Mapping[str, Any]]:
        exists, person = await self._history.person(conversation_id)
        if not exists:
            raise conversation_not_found()
        return [dict(AGENT)] if person is None else [dict(person), dict(AGENT)]

    async def _send(self, post: Post) -> Answer:
        conversation_id = post.conversation_id
        exists, person = await self._history.person(conversation_id)
        if not exists:
            raise conversation_not_found()
        if post.method == "DELETE":
            return await self._change(post, None)
        activity = parse_activity(post.body or b"")
        activity["from"] = {**AGENT, **activity.get("from", {}), "role": "bot"}
        activity.setdefault("recipient", dict(person or {"id": conversation_id}))
        if post.method == "PUT":
            return await self._change(post, activity)
        if activity["type"] in _UNSEEN:
            return Answer(status=200)
        if activity["type"] == "typing":
            return Answer(status=200, activity_id=self._history.pass_on(conversation_id, activity))
        # A reply names what it answers in the path (protocol §2.1).
        if post.activity_id is not None:
            activity.setdefault("replyToId", post.activity_id)
        kept = await self._history.append(conversation_id, activity, key=post.key)
        return Answer(status=200, activity_id=kept["id"])

    async def _change(self, post: Post, activity: dict[str, Any] | None) -> Answer:
        wanted = post.activity_id or ""
        if not await self._history.change(post.conversation_id, wanted, activity):
            raise Refusal(
                404,
                "ActivityNotFoundInConversation",
                "The conversation has no such activity.",
            )
        return Answer(status=200, activity_id=wanted)

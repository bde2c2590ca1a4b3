"""Calling: what bots ask the Connector besides sending, in the SDK's terms, through our channel."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal, TypeVar, cast

from pydantic import BaseModel, ValidationError

from recado.bot.run import current_run
from recado.channel.port import Call, Channel, Reply
from recado.domain.content import drop_nulls
from recado.domain.policy import Answer, Failure
from recado.errors import ChannelError

ModelT = TypeVar("ModelT", bound=BaseModel)
Method = Literal["GET", "POST", "PUT", "DELETE"]

#: Statuses that pass, and mean that nothing was done (protocol §3.1).
_PASSING: Final = (412, 429, 503)


class Caller:
    """Makes the calls of one turn.

    Args:
        channel: carries them.
        bot: the bot's name.
        channel_id: the base channel; empty when the turn does not know it yet.
        service_url: where they go.
    """

    def __init__(self, channel: Channel, *, bot: str, channel_id: str, service_url: str) -> None:
        self._channel = channel
        self._bot = bot
        self.channel_id = channel_id
        self._service_url = service_url

    async def ask(
        self,
        method: Method,
        *path: str,
        body: BaseModel | Mapping[str, Any] | None = None,
        query: Mapping[str, str | None] | None = None,
        channel_id: str | None = None,
    ) -> Reply:
        """Make a call.

        Args:
            method: the HTTP method.
            path: the path below the service URL in its parts.
            body: what is sent; nulls are left out, as some channels refuse them.
            query: parameters; those without a value are left out.
            channel_id: the channel, where the turn does not know it.

        Raises:
            ChannelError: the channel did not do it.
        """
        named = (query or {}).items()
        reply = await self._channel.call(
            Call(
                bot=self._bot,
                channel=self.channel_id or channel_id or "",
                service_url=self._service_url,
                method=method,
                path=path,
                query=tuple((name, value) for name, value in named if value is not None),
                body=None if body is None else _written(body),
                # Somebody waits for what a turn asks.
                urgent=True,
            )
        )
        if not reply.answer.ok:
            raise _refused(reply.answer, method)
        return reply


def error_of(answer: Answer) -> ChannelError:
    """The error a turn sees."""
    what = answer.failure or " ".join(
        str(part) for part in (answer.status, answer.code, answer.sub_code) if part is not None
    )
    words = f": {answer.message}" if answer.message else ""
    return ChannelError(
        f"The channel did not take the activity ({what}){words}",
        status=answer.status,
        channel_code=answer.code,
        sub_code=answer.sub_code,
        retry_after=answer.retry_after,
    )


def _refused(answer: Answer, method: Method) -> ChannelError:
    """The error a turn sees, and what it means for the delivery if its code lets it through.

    What may pass is a reason to run it again; what was asked may be about another conversation,
    so other refusals say nothing about the delivery's own.
    """
    error = error_of(answer)
    run = current_run()
    if run is None:
        return error
    if answer.failure in (Failure.NOT_SENT, Failure.NO_TOKEN) or answer.status in _PASSING:
        run.refuse(error, answer)
    elif method == "GET" and (answer.failure is not None or (answer.status or 0) >= 500):
        # To ask once more says nothing twice.
        run.refuse(error, Answer(failure=Failure.NOT_SENT, message=answer.message))
    return error


def read(model: type[ModelT], reply: Reply) -> ModelT:
    """What a channel answered, as one of the SDK's models.

    Raises:
        ChannelError: it is something else.
    """
    return _read(model, reply, reply.body)


def read_list(model: type[ModelT], reply: Reply) -> list[ModelT]:
    """What a channel answered, as a list of the SDK's models.

    Raises:
        ChannelError: it is something else.
    """
    body = reply.body
    return [_read(model, reply, each) for each in (body if isinstance(body, list) else [body])]


def read_part(model: type[ModelT], reply: Reply, name: str) -> list[ModelT]:
    """As :func:`read_list`, of a member of what was answered."""
    body = reply.body
    listed = body.get(name) if isinstance(body, dict) else None
    items = cast("Iterable[Any]", listed) if isinstance(listed, list) else ()
    return [_read(model, reply, each) for each in items]


def id_in(reply: Reply) -> str | None:
    """The id of what was made, if the channel told it."""
    found = reply.body.get("id") if isinstance(reply.body, dict) else None
    return found if isinstance(found, str) and found else None


def _read(model: type[ModelT], reply: Reply, body: Any) -> ModelT:
    try:
        return model.model_validate(body)
    except ValidationError as error:
        raise ChannelError(
            f"The channel agreed, and its answer is no {model.__name__}.",
            status=reply.answer.status,
        ) from error


def _written(body: BaseModel | Mapping[str, Any]) -> bytes:
    if isinstance(body, BaseModel):
        body = body.model_dump(mode="json", by_alias=True, exclude_none=True)
    return json.dumps(drop_nulls(body), ensure_ascii=False, separators=(",", ":")).encode()

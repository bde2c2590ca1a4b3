"""The same channel service without a wire: for hours that pass in seconds."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import quote

from recado.channel.answers import read_answer
from recado.channel.port import Call, Post, Reply
from recado.clock import Clock
from recado.domain.policy import Answer, Failure
from recado.testing.calls import Asked, Operation, read_target
from recado.testing.faults import Wire
from recado.testing.people import Receive
from recado.testing.record import Request
from recado.testing.scene import Scene
from recado.testing.service import ChannelService, Latency, Served
from recado.testing.windows import UNLIMITED, RateLimits

#: Seconds after which a sender gives up, as the Connector channel does.
PATIENCE = 30.0

_SENDS: Mapping[tuple[str, bool], Operation] = {
    ("POST", False): Operation.SEND,
    ("POST", True): Operation.REPLY,
    ("PUT", True): Operation.UPDATE,
    ("DELETE", True): Operation.DELETE,
}


class SimulatedChannel(Scene):
    """A :class:`recado.channel.port.Channel` in memory, as strict and as bad as the fake Connector.

    Requests and answers travel on the clock it is given, so with a :class:`HandClock` that winds
    itself (:func:`recado.testing.simulate`) an hour of sending takes seconds. Answers are read by
    the code that reads real ones.

    Args:
        clock: the time requests travel in and windows are counted in.
        channel: the channel it is; on ``msteams`` Teams' own rules hold.
        limits: the windows it enforces, such as ``TEAMS``.
        latency: how long requests and answers travel.
        strict: whether conversations nobody told it of are unknown.
        sessions: whether each new private chat is a session of its own (``supportsSessions``).
        seed: of everything that is drawn.
        keep: whether every request is kept. Without, only counts, texts and the newest
            activities of each conversation are, so that a long run needs little memory.
        patience: seconds after which the sender's side gives up.
        bot: where the bot is, for what people say: a function, or a URL.
    """

    def __init__(  # noqa: PLR0913 - one fact each
        self,
        clock: Clock,
        *,
        channel: str = "msteams",
        limits: RateLimits = UNLIMITED,
        latency: Latency | None = None,
        strict: bool = False,
        sessions: bool = False,
        seed: int = 0,
        keep: bool = True,
        patience: float = PATIENCE,
        bot: str | Receive | None = None,
    ) -> None:
        service = ChannelService(
            clock,
            channel=channel,
            limits=limits,
            latency=latency or Latency(),
            strict=strict,
            sessions=sessions,
            seed=seed,
            keep=keep,
        )
        super().__init__(service, bot)
        self.url = "https://smba.trafficmanager.net/simulated/"
        self._clock = clock
        self._patience = patience
        self._never = asyncio.Event()
        #: Cleared, nobody can connect.
        self.reachable = True

    # -- the port ----------------------------------------------------------------------------

    async def send(self, post: Post) -> Answer:
        """Hand *post* over, and read its answer once."""
        asked = Asked(
            operation=_SENDS.get((post.method, post.activity_id is not None), Operation.UNKNOWN),
            method=post.method,
            path=_path(post),
            conversation=post.conversation_id,
            part=post.activity_id,
            body=json.loads(post.body) if post.body else {},
            size=len(post.body or b""),
        )
        answer, _ = await self.ask(asked)
        return answer

    async def call(self, call: Call) -> Reply:
        """Make any other request of the Connector API."""
        target = "/" + "/".join(quote(part, safe="") for part in call.path)
        body = json.loads(call.body) if call.body else {}
        asked = replace(
            read_target(call.method, target),
            query=dict(call.query),
            body=body,
            size=len(call.body or b""),
        )
        answer, told = await self.ask(asked)
        if not answer.ok or not told:
            return Reply(answer=answer)
        try:
            return Reply(answer=answer, body=json.loads(told))
        except ValueError:
            return Reply(answer=answer)

    async def close(self) -> None:
        """Nothing to close."""

    # -- travelling --------------------------------------------------------------------------

    async def ask(self, asked: Asked) -> tuple[Answer, bytes]:
        """Let one request travel there, and its answer back."""
        if not self.reachable:
            return Answer(failure=Failure.NOT_SENT, message="Nobody listens."), b""
        service = self.service
        if service.cuts(asked):
            return _lost("The connection was reset.")
        begun = self._clock.now()
        await self._pass(service.one_way())
        request = service.arrive(asked)
        status = None
        try:
            reply = service.decide(request)
            if reply is None:
                await self._let_overtake(request)
                reply = service.take(request)
            if reply.wire is Wire.HANG or reply.seconds > self._patience:
                gone = (self._clock.now() - begun).total_seconds()
                await self._pass(self._patience - gone)
                return _lost("No answer came in time.")
            await self._pass(reply.seconds if reply.wire is not Wire.OVERTAKEN else 0.0)
            await self._pass(service.one_way())
            if reply.wire is not Wire.CUT_READ:
                status = reply.status
        finally:
            service.ended(request, status)
        if reply.wire in (Wire.CUT_READ, Wire.HALF):
            return _lost("The connection was reset.")
        return self._read(reply)

    def _read(self, reply: Served) -> tuple[Answer, bytes]:
        body = b"" if reply.wire is Wire.ENDLESS else reply.body
        headers = _Headers(reply.headers)
        return read_answer(reply.status, headers, body, self._clock.now()), body

    async def _pass(self, seconds: float) -> None:
        if seconds > 0:
            await self._clock.wait(self._never, seconds)

    async def _let_overtake(self, request: Request) -> None:
        """Wait for the next request to be taken, if that is this one's fate."""
        fault = request.fault
        if fault is None or fault.wire is not Wire.OVERTAKEN:
            return
        overtaken = asyncio.Event()
        taken = self.record.taken
        waiting = asyncio.ensure_future(self.record.until_true(lambda: self.record.taken > taken))
        waiting.add_done_callback(lambda _: overtaken.set())
        await self._clock.wait(overtaken, fault.seconds)
        waiting.cancel()


class _Headers:
    def __init__(self, headers: tuple[tuple[str, str], ...]) -> None:
        self._headers = {name.lower(): value for name, value in headers}

    def get(self, name: str, /) -> str | None:
        return self._headers.get(name.lower())


def _lost(message: str) -> tuple[Answer, bytes]:
    return Answer(failure=Failure.AMBIGUOUS, message=message), b""


def _path(post: Post) -> str:
    part = "" if post.activity_id is None else f"/{quote(post.activity_id, safe='')}"
    return f"/v3/conversations/{quote(post.conversation_id, safe='')}/activities{part}"

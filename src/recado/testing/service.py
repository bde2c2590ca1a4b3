"""The channel service itself: what it answers to a request, whichever way that came.

:class:`recado.testing.FakeConnector` puts it behind HTTP, :class:`recado.testing.SimulatedChannel`
behind a hand-wound clock.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from recado.clock import Clock
from recado.testing import faults
from recado.testing.calls import Asked, Operation, thread_of
from recado.testing.faults import Fault, Wire
from recado.testing.operations import Operations, Refused
from recado.testing.record import Record, Request
from recado.testing.script import FOR_EVER, Rule, Script
from recado.testing.windows import UNLIMITED, RateJudge, RateLimits
from recado.testing.world import World


@dataclass(frozen=True, slots=True)
class Latency:
    """How long requests and answers travel: seconds for the round trip, give or take.

    Each way takes an even share of what is drawn evenly from the range, so two requests may come
    closer together than they left.
    """

    mean: float = 0.0
    spread: float = 0.0

    def one_way(self, rng: random.Random) -> float:
        """Seconds of one way."""
        if not self.spread:
            return self.mean / 2
        return max(0.0, self.mean + rng.uniform(-self.spread, self.spread)) / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """An answer, and how it is to travel.

    Attributes:
        status: HTTP status.
        body: what it says.
        content_type: what that is.
        headers: further headers.
        wire: whether it travels as it should.
        seconds: how long that takes.
    """

    status: int
    body: bytes = b""
    content_type: str = "application/json; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()
    wire: Wire = Wire.WHOLE
    seconds: float = 0.0


class ChannelService:
    """A channel service that records, counts, and does as it is told.

    Args:
        clock: the time everything is noted at.
        channel: the channel it is; on ``msteams`` Teams' own rules hold.
        limits: the windows it enforces.
        latency: how long requests and answers travel.
        strict: whether conversations nobody told it of are unknown.
        sessions: whether each new private chat is a session of its own (``supportsSessions``).
        seed: of everything that is drawn.
        keep: whether every request is kept. Without, only counts, texts and the newest
            activities of each conversation are, so that a long run needs little memory.
    """

    def __init__(  # noqa: PLR0913 - one fact each
        self,
        clock: Clock,
        *,
        channel: str = "msteams",
        limits: RateLimits = UNLIMITED,
        latency: Latency = Latency(),
        strict: bool = False,
        sessions: bool = False,
        seed: int = 0,
        keep: bool = True,
    ) -> None:
        self.clock = clock
        self.channel = channel
        self.latency = latency
        self.rng = random.Random(seed)  # noqa: S311 - load, not cryptography
        self.world = World(strict=strict)
        self.record = Record(keep=keep)
        self.judge = RateJudge(limits)
        self.faults = Script(self.rng)
        self._operations = Operations(
            self.world, self.record, clock, teams=channel == "msteams", sessions=sessions
        )
        self._answers = 0

    def fail(  # noqa: PLR0913 - one fact each
        self,
        fault: Fault,
        *,
        conversation: str | None = None,
        tenant: str | None = None,
        operation: Operation | None = None,
        times: int | None = None,
        seconds: float | None = None,
        probability: float = 1.0,
    ) -> Rule:
        """Let a fault happen: once unless it is for a while, with a probability, or *times*.

        Args:
            fault: what is to happen.
            conversation: only there; a pace key stands for all its threads.
            tenant: only there.
            operation: only to that.
            times: how often; ``FOR_EVER`` for always.
            seconds: for how long.
            probability: how likely each time, from 0 to 1.
        """
        if times is None:
            times = 1 if seconds is None and probability >= 1 else FOR_EVER
        now = self.clock.now()
        rule = Rule(
            fault=fault,
            conversation=conversation,
            tenant=tenant,
            operation=operation,
            times=times,
            until=None if seconds is None else now + timedelta(seconds=seconds),
            probability=probability,
        )
        self.faults.rules.append(rule)
        return rule

    def one_way(self) -> float:
        """Seconds the next request or answer travels."""
        return self.latency.one_way(self.rng)

    def told(self) -> dict[str, Any]:
        """Counts so far, for tables and logs."""
        statuses = self.record.statuses.items()
        return {
            "requests": self.record.arrived,
            "taken": self.record.taken,
            "statuses": {"none" if status is None else str(status): n for status, n in statuses},
            "over_limit": self.judge.refused,
            "overlaps": self.record.overlaps,
        }

    # -- one request -------------------------------------------------------------------------

    def cuts(self, asked: Asked) -> bool:
        """Whether a request is cut off before its body was read; then it is over."""
        tenant = self.world.tenant_of(asked.conversation, {})
        fault = self.faults.pick(asked, tenant, self.clock.now(), unread=True)
        if fault is None:
            return False
        request = self.arrive(asked)
        request.fault = fault
        self.ended(request, None)
        return True

    def arrive(self, asked: Asked) -> Request:
        """A request has arrived whole."""
        tenant = self.world.tenant_of(asked.conversation, asked.body)
        return self.record.note_arrival(asked, tenant, self.clock.now())

    def decide(self, request: Request) -> Served | None:
        """What a rate window or the script has against a request; None if nothing.

        A fault after which the request is to be taken is noted in it and found by :meth:`take`.
        """
        asked, now = request.asked, self.clock.now()
        key = _key(asked)
        excess = self.judge.judge(asked.operation, key, request.tenant, request.arrived_at)
        if excess is not None:
            # Whole seconds, as Teams writes them.
            fault = faults.throttled(max(1, math.ceil(excess.retry_after)))
            return self._reply(fault)
        request.fault = self.faults.pick(asked, request.tenant, now)
        if request.fault is None or request.fault.takes:
            return None
        return self._reply(request.fault)

    def take(self, request: Request) -> Served:
        """Do what a request wants, and answer it, or as its fault says."""
        try:
            reply = self._do(request)
        except Refused as refused:
            # What a channel refuses it does not answer with success because of a fault.
            return self._reply(refused.fault)
        fault = request.fault
        if fault is None:
            return reply
        told = replace(reply, wire=fault.wire, seconds=fault.seconds)
        if fault.status is None:
            return told
        return replace(self._reply(fault), wire=fault.wire, seconds=fault.seconds)

    def ended(self, request: Request, status: int | None) -> None:
        """The answer has been written or, without a status, never will be."""
        self.record.note_answer(request, status, self.clock.now())

    def _do(self, request: Request) -> Served:
        refusal = self.world.refusal_of(request.conversation)
        if refusal is not None:
            raise Refused(refusal)
        status, told = self._operations.do(request)
        request.taken = True
        if isinstance(told, bytes):
            return Served(status=status, body=told, content_type="application/octet-stream")
        body = b"" if told is None else json.dumps(told, separators=(",", ":")).encode()
        return Served(status=status, body=body)

    def _reply(self, fault: Fault) -> Served:
        self._answers += 1
        evidence = (("MS-CV", f"fake{self._answers:08d}.0"), ("ContextId", f"{self._answers}"))
        return Served(
            status=fault.status or 200,
            body=fault.body or b"",
            content_type=fault.content_type,
            headers=(*fault.headers_at(self.clock.now()), *evidence),
            wire=fault.wire,
            seconds=fault.seconds,
        )


def _key(asked: Asked) -> str:
    """What the windows count a request under: its thread, or whom a new one is for."""
    if asked.operation is Operation.CREATE:
        return _whom(asked.body)
    return thread_of(asked.conversation or "")


def _whom(body: Mapping[str, Any]) -> str:
    data = body.get("channelData")
    channel = data.get("channel") if isinstance(data, dict) else None
    if isinstance(channel, dict):
        return str(channel.get("id"))
    members = body.get("members")
    first = members[0] if isinstance(members, list) and members else None
    return str(first.get("id")) if isinstance(first, dict) else ""

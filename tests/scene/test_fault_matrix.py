"""Every fault of the test kit, against every kind of delivery: what becomes of it.

Requests go over real sockets, from the real Connector channel to the fake Connector, and their
answers through the real judge into a real store. Only the time is made up.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

import pytest
from microsoft_agents.hosting.core import TurnContext

from recado.app import Recado
from recado.channel.connector import ConnectorChannel, ConnectorSettings
from recado.channel.hosts import HostRules
from recado.channel.tokens import NoTokens
from recado.config import Settings
from recado.domain.delivery import Attempt, OnUnknown, Outcome, State
from recado.domain.reference import Health
from recado.store.port import DeliveryDetail
from recado.store.sqlite import SqliteStore
from recado.testing import FOR_EVER, FakeConnector, Fault, HandClock, faults, held
from tests.bot.kit import Echo, make_adapter

#: Real seconds after which a request is given up; the only thing here that takes real time.
TIME_OUT = 0.3
#: The fake channel sends them with every refusal, as the real one does.
CORRELATION = {"ContextId", "MS-CV"}


#: The channel's code, where the delivery's reason is that.
SAME = "same"


class Row(NamedTuple):
    """What a fault leads to at the first attempt, whatever the delivery."""

    fault: Fault
    state: State
    reason: str | None
    health: Health
    status: int | None
    code: str | None = None
    sub_code: str | None = None


REJECTED, HELD, RETRYING = State.REJECTED, State.HELD, State.RETRYING
PENDING, DELIVERED = State.PENDING, State.DELIVERED
ACTIVE, SUSPECT, BLOCKED = Health.ACTIVE, Health.SUSPECT, Health.BLOCKED
UNINSTALLED, POLICY = Health.UNINSTALLED, Health.POLICY

CERTAIN = [
    # It is the message or the sender that is wrong: nobody tries again.
    Row(faults.BAD_ARGUMENT, REJECTED, "Bad Argument", ACTIVE, 400, SAME),
    Row(faults.BAD_SYNTAX, REJECTED, "BadSyntax", ACTIVE, 400, SAME),
    Row(faults.MISSING_PROPERTY, REJECTED, "MissingProperty", ACTIVE, 400, SAME),
    Row(faults.NOT_ENOUGH_PERMISSIONS, REJECTED, "NotEnoughPermissions", ACTIVE, 403, SAME),
    Row(faults.ACTIVITY_NOT_FOUND, REJECTED, "ActivityNotFoundInConversation", ACTIVE, 404, SAME),
    Row(faults.UNSUPPORTED, REJECTED, "MethodNotAllowed", ACTIVE, 405, SAME),
    Row(faults.TOO_LARGE, REJECTED, "MessageSizeTooBig", ACTIVE, 413, SAME),
    Row(faults.TOO_LARGE_HTML, REJECTED, "http_413", ACTIVE, 413),
    Row(faults.redirect("http://127.0.0.1:9/elsewhere"), REJECTED, "http_307", ACTIVE, 307),
    # There is no other cloud's host for this one.
    Row(faults.INVALID_HOST, REJECTED, "InvalidBotApiHost", ACTIVE, 403, SAME),
    # The bot is refused, and the delivery keeps its place behind the breaker.
    Row(faults.BOT_NOT_REGISTERED, PENDING, "breaker", ACTIVE, 401, "BotNotRegistered"),
    Row(faults.UNAUTHORIZED, PENDING, "breaker", ACTIVE, 401),
    # Nobody can be spoken to here, until somebody acts.
    Row(faults.BOT_DISABLED, HELD, "unreachable", POLICY, 403, "BotDisabledByAdmin"),
    Row(faults.NOT_IN_ROSTER, HELD, "unreachable", UNINSTALLED, 403, "BotNotInConversationRoster"),
    Row(
        faults.TARGET_NOT_IN_ROSTER,
        HELD,
        "unreachable",
        UNINSTALLED,
        404,
        "BotNotInConversationRoster",
    ),
    Row(faults.NOT_INSTALLED, HELD, "unreachable", UNINSTALLED, 403, "ForbiddenOperationException"),
    Row(faults.BLOCKED, HELD, "unreachable", BLOCKED, 403, "ConversationBlockedByUser"),
    Row(faults.WRITES_BLOCKED, HELD, "unreachable", BLOCKED, 403, "209", "MessageWritesBlocked"),
    # It may pass, and a conversation is not given up at the first word.
    Row(faults.BARE_FORBIDDEN, RETRYING, "forbidden", SUSPECT, 403),
    Row(faults.CONVERSATION_NOT_FOUND, RETRYING, "ConversationNotFound", SUSPECT, 404, SAME),
    Row(faults.NOT_FOUND_UNKNOWN, RETRYING, "ServiceError", SUSPECT, 404, SAME),
    Row(faults.GONE, RETRYING, "not_found", SUSPECT, 410),
    Row(
        faults.NOT_DECRYPTED, RETRYING, "conversation_id_not_decrypted", ACTIVE, 403, "BadArgument"
    ),
    Row(faults.PRECONDITION_FAILED, RETRYING, "PreconditionFailed", ACTIVE, 412, SAME),
    Row(faults.throttled(), RETRYING, "Throttled", ACTIVE, 429, SAME),
    Row(faults.throttled(1), RETRYING, "Throttled", ACTIVE, 429, SAME),
    Row(faults.throttled(2, as_date=True), RETRYING, "Throttled", ACTIVE, 429, SAME),
    Row(faults.SERVER_ERROR, RETRYING, "ServiceError", ACTIVE, 500, SAME),
    Row(faults.UNAVAILABLE, RETRYING, "http_503", ACTIVE, 503),
    # It went well, though it does not look like it.
    Row(faults.ENDLESS, DELIVERED, None, ACTIVE, 201),
    Row(faults.slow(0.05), DELIVERED, None, ACTIVE, 201),
    Row(faults.late(0.05), DELIVERED, None, ACTIVE, 201),
    Row(faults.overtaken(0.05), DELIVERED, None, ACTIVE, 201),
    Row(faults.WITHOUT_BODY, DELIVERED, None, ACTIVE, 200),
    Row(faults.WITHOUT_ID, DELIVERED, None, ACTIVE, 202),
]


class Doubt(NamedTuple):
    """A fault after which nobody knows: retried or left to a person, as ``on_unknown`` says."""

    fault: Fault
    reason: str
    status: int | None = None
    code: str | None = None


DOUBTFUL = [
    Doubt(faults.BAD_GATEWAY, "http_502", 502, "ServiceError"),
    Doubt(faults.BAD_GATEWAY_HTML, "http_502", 502),
    Doubt(faults.GATEWAY_TIMEOUT, "http_504", 504),
    Doubt(faults.HANG, "no_answer"),
    Doubt(faults.TAKE_AND_HANG, "no_answer"),
    Doubt(faults.CUT_UNREAD, "no_answer"),
    Doubt(faults.CUT_READ, "no_answer"),
    Doubt(faults.TAKE_AND_CUT, "no_answer"),
    Doubt(faults.HALF, "no_answer"),
    Doubt(faults.accepted_then(faults.BAD_GATEWAY), "http_502", 502, "ServiceError"),
    Doubt(faults.accepted_then(faults.GATEWAY_TIMEOUT), "http_504", 504),
]

KINDS = ["plain", "turn"]


@dataclass
class Scene:
    """A Recado, the channel, and Ana."""

    recado: Recado
    channel: FakeConnector
    clock: HandClock

    async def say(self, kind: str, on_unknown: OnUnknown) -> str:
        """Something to say to Ana; the delivery's id. It has been tried when this returns."""
        if kind == "turn":
            told: dict[str, Any] = {"handler": "report"}
        else:
            told = {"content": "hello"}
        made = await self.recado.notify("conversation:a:ana", on_unknown=str(on_unknown), **told)
        await self.go_on()
        return made.delivery_ids[0]

    async def go_on(self) -> None:
        """Let everything be done that is due."""
        await self.clock.run_until(self.clock.now() + timedelta(milliseconds=1))

    async def pass_time(self, hours: float) -> None:
        """Let time pass from one due delivery to the next, not in the steps services take."""
        end = self.clock.now() + timedelta(hours=hours)
        while self.clock.now() < end:
            due = await self.recado.store.next_due()
            later = self.clock.now() + timedelta(minutes=10)
            self.clock.set(min(end, later if due is None else max(due, self.clock.now())))
            await self.clock.run_until(self.clock.now() + timedelta(seconds=1))

    async def look(self, delivery_id: str) -> DeliveryDetail:
        """The delivery with everything that happened to it."""
        found = await self.recado.store.delivery(delivery_id)
        assert found is not None
        return found


@asynccontextmanager
async def playing() -> AsyncIterator[Scene]:
    """A Recado whose requests are real and whose time is not."""
    clock = HandClock()
    async with FakeConnector(clock=clock) as channel:
        connector = ConnectorChannel(
            ConnectorSettings(connections=4, total_timeout=TIME_OUT, proxy_from_environment=False),
            HostRules(allow_loopback=True),
            NoTokens(),
            clock,
        )
        recado = Recado(
            Settings(database_url="sqlite:///:memory:"),
            clock=clock,
            store=held(SqliteStore(None, clock), clock),
            channel=held(connector, clock),
        )
        recado.attach(make_adapter(), Echo())

        @recado.handler("report")
        async def report(context: TurnContext, value: Any) -> None:
            await context.send_activity("hello")

        async with recado:
            await channel.meet(recado, "ana")
            yield Scene(recado, channel, clock)


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    """A scene for one test."""
    async with playing() as it:
        yield it


def named(row: Row | Doubt) -> str:
    """How a row is called among the tests."""
    return row.fault.name


def test_the_tables_know_every_fault() -> None:
    """One that is added to the kit is added here."""
    known = {row.fault.name for row in CERTAIN} | {row.fault.name for row in DOUBTFUL}
    assert {fault.name for fault in (*faults.ERRORS, *faults.WIRE)} == known


@pytest.mark.parametrize("row", CERTAIN, ids=named)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("on_unknown", list(OnUnknown))
async def test_what_is_certain(scene: Scene, row: Row, kind: str, on_unknown: OnUnknown) -> None:
    """State, reason, health and evidence; ``on_unknown`` makes no difference."""
    scene.channel.fail(row.fault)
    detail = await scene.look(await scene.say(kind, on_unknown))
    assert (detail.delivery.state, detail.delivery.reason) == (row.state, row.reason)
    assert detail.health is row.health
    (attempt,) = detail.attempts
    arrived = row.state is State.DELIVERED
    code = row.reason if row.code == SAME else row.code
    assert attempt.outcome is (Outcome.DELIVERED if arrived else Outcome.REJECTED)
    assert scene.channel.texts["a:ana"] == ["hello"] * arrived
    check_evidence(attempt, None if arrived and kind == "turn" else row.status, code)
    assert attempt.evidence.sub_code == row.sub_code


@pytest.mark.parametrize("row", DOUBTFUL, ids=named)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("on_unknown", list(OnUnknown))
async def test_what_may_have_arrived(
    scene: Scene, row: Doubt, kind: str, on_unknown: OnUnknown
) -> None:
    """It is tried again, or a person decides; it is never called rejected."""
    scene.channel.fail(row.fault)
    made = await scene.say(kind, on_unknown)
    detail = await scene.look(made)
    wanted = State.RETRYING if on_unknown is OnUnknown.RETRY else State.UNKNOWN
    assert (detail.delivery.state, detail.delivery.reason) == (wanted, row.reason)
    assert detail.health is Health.ACTIVE
    (attempt,) = detail.attempts
    assert attempt.outcome is Outcome.UNKNOWN
    check_evidence(attempt, row.status, row.code)
    had_arrived = int(row.fault.takes)
    assert len(scene.channel.texts["a:ana"]) == had_arrived
    await scene.pass_time(0.02)
    after = (await scene.look(made)).delivery.state
    times = len(scene.channel.texts["a:ana"])
    if on_unknown is OnUnknown.RETRY:
        # At least once: it arrives, and twice if it had arrived.
        assert (after, times) == (State.DELIVERED, had_arrived + 1)
    else:
        # At most once.
        assert (after, times) == (State.UNKNOWN, had_arrived)


def check_evidence(attempt: Attempt, status: int | None, code: str | None) -> None:
    """What the channel answered is kept, and its correlation headers with a refusal."""
    evidence = attempt.evidence
    if status is not None or attempt.outcome is not Outcome.DELIVERED:
        assert (evidence.status, evidence.code) == (status, code)
    refused = attempt.outcome is not Outcome.DELIVERED and status is not None
    assert set(evidence.headers) == (CORRELATION if refused else set())


class End(NamedTuple):
    """What becomes of a delivery whose fault does not end, and after how many attempts."""

    fault: Fault
    state: State
    reason: str
    health: Health
    hours: float
    attempts: range


ENDS = [
    End(faults.SERVER_ERROR, REJECTED, "ServiceError", ACTIVE, 1, range(3, 4)),
    End(faults.PRECONDITION_FAILED, REJECTED, "PreconditionFailed", ACTIVE, 24, range(50, 1000)),
    End(faults.throttled(600), REJECTED, "Throttled", ACTIVE, 24, range(100, 150)),
    End(faults.UNAVAILABLE, REJECTED, "http_503", ACTIVE, 24, range(50, 1000)),
    End(faults.BAD_GATEWAY, State.UNKNOWN, "http_502", ACTIVE, 24, range(50, 1000)),
    End(faults.CUT_READ, State.UNKNOWN, "no_answer", ACTIVE, 24, range(50, 1000)),
    # Once more in the conversation made anew, which is the same one.
    End(faults.CONVERSATION_NOT_FOUND, HELD, "unreachable", Health.GONE, 7, range(4, 6)),
    End(faults.BARE_FORBIDDEN, HELD, "unreachable", BLOCKED, 7, range(4, 5)),
    End(faults.NOT_DECRYPTED, HELD, "unreachable", Health.GONE, 24, range(50, 1000)),
    End(faults.UNAUTHORIZED, PENDING, "breaker", ACTIVE, 24, range(50, 1000)),
]


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.fault.name)
async def test_what_does_not_heal(scene: Scene, end: End) -> None:
    """A day later at most its delivery has come to rest, and nothing was said."""
    scene.channel.fail(end.fault, times=FOR_EVER)
    made = await scene.say("plain", OnUnknown.RETRY)
    await scene.pass_time(end.hours + 0.5)
    detail = await scene.look(made)
    assert (detail.delivery.state, detail.delivery.reason) == (end.state, end.reason)
    assert detail.health is end.health
    assert len(detail.attempts) in end.attempts
    assert scene.channel.texts == {}

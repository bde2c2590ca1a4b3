"""Real turns through the SDK's CloudAdapter, with a channel in memory at the outermost seam."""

from __future__ import annotations

import itertools
import json
import runpy
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from microsoft_agents.activity import Activity, load_configuration_from_env
from microsoft_agents.authentication.msal import MsalConnectionManager
from microsoft_agents.hosting.core import (
    Agent,
    AgentApplication,
    HttpAdapterBase,
    MemoryStorage,
    Storage,
    TurnContext,
)
from microsoft_agents.hosting.core.app.state import TurnState
from microsoft_agents.hosting.core.http import HttpResponse
from microsoft_agents.hosting.fastapi import CloudAdapter

from recado.app import Recado
from recado.bot.attach import BotBridge
from recado.bot.hosting import HostedBot
from recado.config import sdk_configuration
from recado.domain.delivery import Evidence, Outcome, State
from recado.domain.reference import ConversationKey, Reference
from recado.engine.port import TurnEnded
from recado.jobs import Jobs
from recado.outbox import Outbox
from recado.references import References
from recado.store.port import Claim, Observed, Settlement, Store, Wanted
from recado.store.sqlite import SqliteStore
from recado.telemetry import Event, Telemetry
from recado.testing import FakeChannel, HandClock

SERVICE_URL = "https://smba.trafficmanager.net/emea/"
BOT = {"id": "28:bot", "name": "Bot"}
ANA = {"id": "29:ana", "name": "Ana", "aadObjectId": "ana-object"}
BEN = {"id": "29:ben", "name": "Ben"}
_EXAMPLES = Path(__file__).parents[2] / "examples"

E = TypeVar("E", bound=Event)
_ids = itertools.count(1)


class Request:
    """An HTTP request as the adapters of both hosts hand it on."""

    method = "POST"
    headers: Mapping[str, str] = {"Content-Type": "application/json"}

    def __init__(self, body: Mapping[str, Any]) -> None:
        self._body = json.dumps(body)

    async def json(self) -> dict[str, Any]:
        read: dict[str, Any] = json.loads(self._body)
        return read

    def get_claims_identity(self) -> None:
        """Nobody."""

    def get_path_param(self, name: str) -> str:
        return ""


class Bench:
    """A bot with Recado attached, and everything behind it."""

    def __init__(
        self,
        bot: str = "local",
        *,
        store: Store | None = None,
        clock: HandClock | None = None,
        turn_lock: bool = True,
    ) -> None:
        self.clock = clock or HandClock()
        self.store: Store = store or SqliteStore(None, self.clock)
        self.channel = FakeChannel()
        self.telemetry = Telemetry()
        self.events: list[Event] = []
        self.telemetry.subscribe(self.events.append)
        self.references = References(self.store, self.telemetry)
        self.outbox = Outbox(self.store, self.references, self.clock, self.telemetry, bot=bot)
        self.bridge = BotBridge(
            store=self.store,
            outbox=self.outbox,
            references=self.references,
            jobs=Jobs(self.store, self.outbox, self.references, self.clock),
            channel=self.channel,
            clock=self.clock,
            telemetry=self.telemetry,
            bot=bot,
            turn_lock=turn_lock,
        )
        self.adapter: HttpAdapterBase = make_adapter()
        self.agent: Agent | None = None
        self._bot = bot

    def attach(self, agent: Agent) -> None:
        """Attach Recado to *agent* and the adapter."""
        self.agent = agent
        self.bridge.attach(self.adapter, agent)

    async def receive(self, activity: Mapping[str, Any]) -> HttpResponse:
        """Let an activity come in over HTTP."""
        assert self.agent is not None
        return await self.adapter.process_request(Request(activity), self.agent)

    async def say(self, text: str | None, **changes: Any) -> list[str | None]:
        """Let Ana say *text*; what the bot says to that."""
        before = len(self.channel.sent)
        await self.receive(message(text, **changes))
        return self.channel.texts[before:]

    async def reference(
        self, conversation_id: str = "a:ana", channel: str = "msteams"
    ) -> Reference:
        """What is known of a conversation."""
        key = ConversationKey(bot=self._bot, channel=channel, conversation_id=conversation_id)
        found = await self.store.reference_by_key(key)
        assert found is not None
        return found

    async def claims(self) -> Sequence[Claim]:
        """Claim what is due."""
        now = self.clock.now()
        lease = now + timedelta(seconds=30)
        cycled = await self.store.cycle(
            [],
            owner="test",
            now=now,
            lease_until=lease,
            wanted=Wanted(limit=100),
            observed=Observed(),
        )
        return cycled.claims

    async def claim(self) -> Claim:
        """Claim the one delivery that is due."""
        (claim,) = await self.claims()
        return claim

    async def deliver(self) -> list[str | None]:
        """Deliver what is due, as the engine would; the texts of plain deliveries."""
        texts: list[str | None] = []
        while claims := await self.claims():
            for claim in claims:
                if claim.handler is not None:
                    ended = await self.bridge.turns.run(claim)
                    assert ended.error is None, ended
                else:
                    texts.append(json.loads(claim.content or "{}").get("text"))
            await self.settle(claims)
        return texts

    async def run_turn(self, handler: str, value: Any = None, **changes: Any) -> TurnEnded:
        """Run *handler* as a turn in Ana's chat, or where *audience* says."""
        await self.outbox.notify(
            changes.pop("audience", "conversation:a:ana"), handler=handler, value=value, **changes
        )
        claim = await self.claim()
        ended = await self.bridge.turns.run(claim)
        await self.settle([claim])
        return ended

    async def settle(self, claims: Sequence[Claim]) -> None:
        """Free the lanes of *claims*."""
        now = self.clock.now()
        settled = [_settled(claim, self.clock) for claim in claims]
        await self.store.cycle(
            settled,
            owner="test",
            now=now,
            lease_until=now,
            wanted=Wanted(),
            observed=Observed(),
        )

    def told(self, kind: type[E]) -> list[E]:
        """Events of one kind, in the order they happened."""
        return [event for event in self.events if isinstance(event, kind)]


def _settled(claim: Claim, clock: HandClock) -> Settlement:
    return Settlement(
        claim=claim,
        state=State.DELIVERED,
        reason=None,
        ended_at=clock.now(),
        outcome=Outcome.DELIVERED,
        evidence=Evidence(status=200),
    )


def connections() -> MsalConnectionManager:
    """A connection manager without credentials, with the one setting it insists on."""
    anonymous = {"CONNECTIONS__SERVICE_CONNECTION__SETTINGS__ANONYMOUS_ALLOWED": "true"}
    return MsalConnectionManager(**load_configuration_from_env(anonymous))


def make_adapter(
    kind: Callable[..., HttpAdapterBase] = CloudAdapter,
) -> HttpAdapterBase:
    """The SDK's adapter for FastAPI, or another."""
    return kind(connection_manager=connections())


def make_app(storage: Storage | None = None, **options: Any) -> AgentApplication[TurnState]:
    """An AgentApplication without routes."""
    return AgentApplication(
        storage=storage or MemoryStorage(), connection_manager=connections(), **options
    )


def hosted_example(name: str, recado: Recado) -> HostedBot:
    """A bot of ``examples/``, hosted as ``recado serve --app`` hosts it."""
    make = runpy.run_path(str(_EXAMPLES / name))["bot"]
    return HostedBot(recado.bridge, make(recado), sdk_configuration(None))


class Echo(Agent):
    """A bot that repeats what it hears, and notes every activity it is given."""

    def __init__(self) -> None:
        self.heard: list[Activity] = []

    async def on_turn(self, context: TurnContext) -> None:
        self.heard.append(context.activity)
        if context.activity.text:
            await context.send_activity(f"echo {context.activity.text}")


def activity(kind: str, **changes: Any) -> dict[str, Any]:
    """An activity of Ana's private Teams chat, but for what *changes* says; None leaves out."""
    told: dict[str, Any] = {
        "type": kind,
        "id": f"activity-{next(_ids)}",
        "channelId": "msteams",
        "serviceUrl": SERVICE_URL,
        "from": ANA,
        "recipient": BOT,
        "conversation": {
            "id": "a:ana",
            "conversationType": "personal",
            "tenantId": "tenant-1",
        },
        "channelData": {"tenant": {"id": "tenant-1"}},
        "locale": "en-GB",
    }
    told |= {name.removesuffix("_"): value for name, value in changes.items()}
    return {name: value for name, value in told.items() if value is not None}


def message(text: str | None, **changes: Any) -> dict[str, Any]:
    """A message of Ana's."""
    return activity("message", text=text, **changes)


def group(conversation_id: str = "19:group@thread.v2") -> dict[str, Any]:
    """The ConversationAccount of a group chat."""
    return {
        "id": conversation_id,
        "isGroup": True,
        "conversationType": "groupChat",
        "tenantId": "tenant-1",
    }

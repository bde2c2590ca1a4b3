"""Turn deliveries: a handler, or the bot itself, run in the conversation of a delivery."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import timedelta
from typing import Any

from microsoft_agents.activity import Activity, ActivityEventNames, ActivityTypes, RoleTypes
from microsoft_agents.hosting.core import (
    Agent,
    ChannelServiceAdapter,
    ClaimsIdentity,
    TurnContext,
)

from recado.bot.faults import described, tell
from recado.bot.handlers import Handlers, application
from recado.bot.run import Run, under
from recado.domain.content import drop_nulls
from recado.domain.notification import BOT_TURN
from recado.domain.policy import Answer, Failure
from recado.domain.reference import LOCAL_BOT, ConversationKey, Reference, base_channel
from recado.engine.port import TurnEnded
from recado.errors import ConfigurationError, StoreError, UnknownReference
from recado.store.port import Claim, Store
from recado.telemetry import Telemetry

Callback = Callable[[TurnContext], Awaitable[Any]]

#: The valueType of a payload that was given none, as in the JavaScript SDK (protocol §1.3).
VALUE_TYPE = "application/vnd.microsoft.activity.continueconversation+json"


class BotTurns:
    """Runs turn deliveries through the adapter of a bot; implements ``engine.port.Turns``.

    Args:
        handlers: the code.
        store: keeps references and sends.
        telemetry: hears of faults.
        bot: the bot's name.
        limit: how long a turn may take.
    """

    def __init__(
        self,
        handlers: Handlers,
        store: Store,
        telemetry: Telemetry,
        *,
        bot: str,
        limit: timedelta = timedelta(minutes=5),
    ) -> None:
        self._handlers = handlers
        self._store = store
        self._telemetry = telemetry
        self._bot = bot
        self._limit = limit
        self._attached: tuple[ChannelServiceAdapter, Agent] | None = None

    def attach(self, adapter: ChannelServiceAdapter, agent: Agent) -> None:
        """Run turns through *adapter*, with *agent* as the bot.

        Raises:
            ConfigurationError: a handler wants the turn state of an agent that has none.
        """
        for name in self._handlers.with_state():
            application(agent, name)
        self._attached = adapter, agent

    def names(self) -> Collection[str]:
        """What can be run here: nothing before a bot is attached."""
        return [] if self._attached is None else [BOT_TURN, *self._handlers.names()]

    async def run(self, claim: Claim, lasts: Callable[[], bool] = lambda: True) -> TurnEnded:
        """Run a delivery's handler as a turn; see ``engine.port``."""
        try:
            adapter, callback = self._code(claim)
            run = await self._prepare(claim, lasts)
        except StoreError as error:
            return TurnEnded(answer=Answer(failure=Failure.NOT_SENT, message=str(error)))
        except Exception as fault:  # noqa: BLE001 - nothing is raised to the engine
            return self._failed(claim, fault)
        answer = await self._carry_out(run, adapter, callback)
        if run.error is None:
            return TurnEnded(activity_id=run.activity_id)
        if answer is not None:
            return TurnEnded(answer=answer, activity_id=run.activity_id)
        return self._failed(claim, run.error, run.activity_id)

    async def _prepare(self, claim: Claim, lasts: Callable[[], bool]) -> Run:
        key = ConversationKey(
            bot=claim.bot, channel=claim.channel, conversation_id=claim.conversation_id
        )
        reference = await self._store.reference_by_key(key)
        if reference is None:
            raise UnknownReference("The conversation is not known any more.")
        recorded = await self._store.recorded_sends(claim.delivery_id)
        return Run(
            claim.delivery_id,
            event_of(claim, reference),
            recorded,
            self._store.record_send,
            lasts,
        )

    async def _carry_out(
        self, run: Run, adapter: ChannelServiceAdapter, callback: Callback
    ) -> Answer | None:
        """Run the turn; the channel's answer if that is what ended it."""
        identity = (
            ClaimsIdentity()
            if self._bot == LOCAL_BOT
            else adapter.create_claims_identity(self._bot)
        )
        limit = asyncio.timeout(self._limit.total_seconds())
        try:
            with under(run):
                async with limit:
                    await adapter.continue_conversation_with_claims(identity, run.event, callback)
        except Exception as fault:  # noqa: BLE001 - as above
            run.error = fault
        if not limit.expired():
            return run.answer_behind(run.error)
        run.error = TimeoutError(f"The turn did not end within {self._limit}.")
        return Answer(failure=Failure.AMBIGUOUS, message=str(run.error)) if run.cut_off else None

    def _code(self, claim: Claim) -> tuple[ChannelServiceAdapter, Callback]:
        if self._attached is None:
            raise ConfigurationError("No bot is attached: call attach(adapter, agent) first.")
        adapter, agent = self._attached
        if claim.handler == BOT_TURN:
            return adapter, agent.on_turn
        handler = self._handlers.get(claim.handler or "")
        if handler is None:
            raise ConfigurationError(
                f"No handler is named {claim.handler!r} here: register it before the start."
            )

        async def callback(context: TurnContext) -> None:
            await handler.run(context, context.activity.value, agent)

        return adapter, callback

    def _failed(self, claim: Claim, fault: Exception, activity_id: str | None = None) -> TurnEnded:
        tell(self._telemetry, claim.conversation_id, fault, proactive=True)
        return TurnEnded(error=described(fault), activity_id=activity_id)


def event_of(claim: Claim, reference: Reference) -> Activity:
    """The ContinueConversation event of a turn delivery (protocol §1.3).

    Its id is the delivery's, so that it is the same whenever the delivery is attempted.
    """
    address = {
        "channelId": _channel_id(reference),
        "serviceUrl": claim.service_url or None,
        "conversation": reference.conversation(),
        "locale": reference.locale,
    }
    agent = _known(reference.agent) or {"id": claim.bot, "role": RoleTypes.agent}
    user = reference.recipient(_known(json.loads(claim.user)) if claim.user else None)
    value = json.loads(claim.value) if claim.value is not None else None
    activity: Activity = Activity.model_validate(
        drop_nulls(
            {
                "type": ActivityTypes.event,
                "name": ActivityEventNames.continue_conversation,
                "id": claim.delivery_id,
                **address,
                "from": user,
                "recipient": agent,
                "relatesTo": {**address, "user": user, "bot": agent},
                "value": value,
                "valueType": claim.value_type or (VALUE_TYPE if value is not None else None),
            }
        )
    )
    return activity


def _channel_id(reference: Reference) -> str:
    """The channel with the sub-channel last seen, because bots' state is kept under it."""
    seen = reference.raw.get("channelId")
    if isinstance(seen, str) and base_channel(seen) == reference.key.channel:
        return seen
    return reference.key.channel


def _known(account: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """An account's fields that say something: the SDK refuses nulls and empty text in some."""
    known = {name: value for name, value in (account or {}).items() if value not in (None, "")}
    return known if known.get("id") else None

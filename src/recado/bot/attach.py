"""The bridge: attaches Recado to a bot written with the Agents SDK."""

from __future__ import annotations

from collections.abc import Callable

from microsoft_agents.hosting.core import (
    Agent,
    AgentApplication,
    ChannelServiceAdapter,
    TurnContext,
)

from recado.bot.arrivals import mark_arrivals
from recado.bot.contexts import Contexts
from recado.bot.factory import PooledClientFactory
from recado.bot.faults import guard
from recado.bot.handlers import Handlers, HandlerT
from recado.bot.jobs import BotJobs
from recado.bot.marks import TurnMarks
from recado.bot.middleware import RecadoMiddleware
from recado.bot.parts import Parts
from recado.bot.presence import BotPresence
from recado.bot.questions import Questions
from recado.bot.state import isolate_state
from recado.bot.turns import BotTurns
from recado.channel.port import Channel
from recado.clock import Clock
from recado.domain.reference import Reference
from recado.errors import ConfigurationError
from recado.jobs import Jobs
from recado.outbox import Outbox
from recado.references import References
from recado.store.port import Store
from recado.telemetry import Telemetry


class BotBridge:
    """What stands between one bot and the rest of Recado.

    Args:
        store: everything durable.
        outbox: accepts what is to be said.
        references: takes what is captured.
        jobs: the use cases around jobs.
        channel: sends what turns say.
        clock: the time.
        telemetry: hears of faults.
        bot: the name the bot's references are kept under: its app id, or ``local``.
        turn_lock: whether its turns of one conversation wait for each other.

    Attributes:
        turns: runs turn deliveries; for the engine.
        handlers: the code of turn deliveries.
        jobs: the job log, for the bot's code.
        parts: ready-made answers to what people say.
        presence: until when the bot is busy in conversations, for its code.
        outbox: accepts what is to be said, for the bot's code.
        bot: the bot's name.
    """

    def __init__(  # noqa: PLR0913 - the composition root names what there is
        self,
        *,
        store: Store,
        outbox: Outbox,
        references: References,
        jobs: Jobs,
        channel: Channel,
        clock: Clock,
        telemetry: Telemetry,
        bot: str,
        turn_lock: bool = True,
    ) -> None:
        self._channel = channel
        self.handlers = Handlers()
        self._contexts = Contexts(store, references, clock, bot=bot)
        self.parts = Parts()
        self._marks = TurnMarks(store, clock)
        self._questions = Questions(store, self.handlers, clock)
        self.presence = BotPresence(store, clock, bot=bot)
        self._middleware = RecadoMiddleware(
            store,
            references,
            clock,
            telemetry,
            marks=self._marks,
            questions=self._questions,
            parts=self.parts,
            bot=bot,
            turn_lock=turn_lock,
        )
        self._attached: tuple[ChannelServiceAdapter, Agent] | None = None
        self.telemetry = telemetry
        self.bot = bot
        self.outbox = outbox
        self.turns = BotTurns(self.handlers, store, telemetry, bot=bot)
        self.jobs = BotJobs(jobs, self._contexts, bot=bot)

    def attach(self, adapter: ChannelServiceAdapter, agent: Agent) -> None:
        """Attach to a bot: what comes in is captured, and its turn deliveries run through it.

        Everything the bot sends then goes through Recado's channel, and state is kept per turn.
        Attaching to the same bot again changes nothing.

        Args:
            adapter: the CloudAdapter of either host of the Agents SDK.
            agent: an AgentApplication, an ActivityHandler, or anything with ``on_turn``.

        Raises:
            ConfigurationError: something else is attached, or the adapter is none of the SDK's.
        """
        if self._attached == (adapter, agent):
            return
        if self._attached is not None:
            raise ConfigurationError(
                "Recado is attached to another bot: make one Recado for each bot."
            )
        if not isinstance(adapter, ChannelServiceAdapter):
            raise ConfigurationError(
                f"{type(adapter).__name__} is no adapter of the Agents SDK: attach to the "
                "CloudAdapter of microsoft_agents.hosting.fastapi or .aiohttp."
            )
        pipeline = adapter.middleware_set._middleware  # noqa: SLF001 - use() only appends
        if any(isinstance(part, RecadoMiddleware) for part in pipeline):
            raise ConfigurationError("Another Recado is attached to this adapter: use that one.")
        self.turns.attach(adapter, agent)
        isolate_state()
        mark_arrivals(adapter)
        pipeline.insert(0, self._middleware)
        # The SDK takes a factory only when an adapter is made, and this one has been made.
        adapter._channel_service_client_factory = PooledClientFactory(  # noqa: SLF001
            adapter._channel_service_client_factory,  # noqa: SLF001
            self._channel,
            bot=self.bot,
        )
        if isinstance(agent, AgentApplication):
            guard(agent, self.telemetry)
        self._questions.attach(agent)
        self._attached = adapter, agent

    async def finish(self) -> None:
        """Write what is left to be told of turns that have ended."""
        await self._marks.finish()

    def handler(self, name: str, *, then_bot: bool = False) -> Callable[[HandlerT], HandlerT]:
        """Decorate a function to run the turn deliveries that name it.

        It is written ``async def handler(context, value)`` or, for an AgentApplication,
        ``async def handler(context, state, value)``, with the turn state loaded before and saved
        after it.

        Args:
            name: the name given to ``notify(handler=...)``.
            then_bot: whether the bot's own turn handler runs afterwards in the same turn, with
                what the function has added to the context.

        Raises:
            ConfigurationError: the name is taken, or the function has another form.
        """
        return self.handlers.register(name, then_bot=then_bot)

    async def remember(self, context: TurnContext) -> Reference:
        """Capture the conversation of a turn by hand; see :meth:`Contexts.remember`."""
        return await self._contexts.remember(context)

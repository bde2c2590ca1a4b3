"""Recado: store, channel, engine and bot put together, started and stopped in order."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Collection, Mapping
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import TYPE_CHECKING, Self

from recado.bot.attach import BotBridge
from recado.bot.jobs import BotJobs
from recado.bot.observing import Allow, ObservedEvents
from recado.bot.storage import RecadoStorage
from recado.channel.hosts import other_cloud
from recado.channel.keeping import Keeping
from recado.channel.local import (
    LOCAL_SERVICE_URL,
    History,
    LocalChannel,
)
from recado.channel.paced import PacedChannel
from recado.channel.pacing import Pacer
from recado.channel.port import Channel
from recado.channel.profiles import longest_window, profiles
from recado.channel.router import ChannelRouter
from recado.clock import Clock
from recado.config import Settings, load_settings
from recado.consent import Consents
from recado.domain.ids import new_id
from recado.domain.politeness.busy import BUSY_FOR
from recado.engine.dispatcher import Dispatcher, DispatcherSettings
from recado.engine.janitor import Janitor, JanitorSettings
from recado.engine.scheduler import Scheduler
from recado.engine.service import Service
from recado.engine.sharing import Sharing
from recado.engine.timekeeper import Timekeeper
from recado.engine.watcher import Watcher
from recado.jobs import Jobs
from recado.outbox import Enqueuing, Outbox
from recado.recipients import Recipients
from recado.references import Importer, References
from recado.schedules import Schedules
from recado.store.port import Store
from recado.telemetry import Telemetry, log_event
from recado.topics import Topics
from recado.watches import Watches

if TYPE_CHECKING:
    from microsoft_agents.hosting.core import Agent, ChannelServiceAdapter, TurnContext

    from recado.bot.handlers import HandlerT
    from recado.bot.parts import Part
    from recado.domain.reference import Reference
from recado.app.adapters import connector_for, hosts_for, lender_for, store_for, tokens_for
from recado.app.long_answers import LongAnswers


class Recado:
    """Everything Recado does in one process.

    Attributes:
        settings: how it runs.
        store: everything durable.
        references: the conversations and people that are known.
        recipients: the zone and the hours that people have set.
        consent: what people allow.
        imports: takes in references that other programs have kept.
        outbox: what is to be said, and what became of it.
        notify: accepts something to be said; :meth:`recado.outbox.Outbox.notify`.
        enqueue: the same in a transaction of the caller's own, whether or not this Recado is open;
            :meth:`recado.outbox.Enqueuing.enqueue`.
        job_log: the jobs.
        answers: what was promised to be said later.
        later: promises it, in a turn; :meth:`recado.bot.answering.BotAnswers.later`.
        work: decorates what makes it; :meth:`recado.bot.answering.BotAnswers.work`.
        schedules: what is to be said at times that a rule tells.
        topics: audiences that people subscribe to.
        watches: rules over what happens outside, and who is told when one becomes true.
        emit: tells what has happened to a subject; :meth:`recado.watches.Watches.emit`.
        emit_many: the same of several events, in one commit.
        bridge: the bot's side: capture, turns, handlers.
        local: the local channel's conversations.
        hosts: which service URLs may be used.
        clock: the time.
        telemetry: tells everything observable.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        clock: Clock | None = None,
        store: Store | None = None,
        channel: Channel | None = None,
    ) -> None:
        """Put the parts together; nothing is opened or begun.

        Args:
            settings: how it runs; read from environment and ``.env`` when left out.
            clock: the time; the machine's when left out, or the PostgreSQL server's.
            store: another store than the one *settings* name.
            channel: another way out than the Connector.

        Raises:
            ConfigurationError: the settings cannot be used.
        """
        self.settings = settings or load_settings()
        self.store = store or store_for(self.settings, clock)
        self.clock = clock or self.store.clock
        self.telemetry = Telemetry()
        self.telemetry.subscribe(log_event)
        self.local = History(self.store, self.clock)
        self.hosts = hosts_for(self.settings)
        self._tokens = tokens_for(self.settings, self.clock)
        self.channel = ChannelRouter(
            {LOCAL_SERVICE_URL.partition("://")[2].strip("/"): LocalChannel(self.local)},
            channel or connector_for(self.settings, self.hosts, self._tokens, self.clock),
        )
        pace = profiles(self.settings.pace)
        self._longest_window = longest_window(pace)
        keeping = Keeping(whole=self.store.one_delivers)
        self._pacer = Pacer(self.clock, pace, keeping=keeping, on_room=self._on_room)
        owner = f"{socket.gethostname()}:{os.getpid()}:{new_id()}"
        self._sharing = Sharing(
            self.store, self._pacer, self.clock, owner=owner, longest_window=self._longest_window
        )
        paced = PacedChannel(self.channel, self._pacer, leave=self._sharing)
        self.references = References(
            self.store,
            self.telemetry,
            clock=self.clock,
            channel=paced,
            roster=self.settings.roster,
            bot=self.settings.bot,
        )
        rules = self.settings.rules()
        self.recipients = Recipients(
            self.store, self.references, self.clock, bot=self.settings.bot, rules=rules
        )
        self.consent = Consents(self.store, self.references, self.clock, bot=self.settings.bot)
        self.imports = Importer(self.store, self.hosts.check, bot=self.settings.bot)
        self.outbox = Outbox(
            self.store,
            self.references,
            self.clock,
            self.telemetry,
            bot=self.settings.bot,
            profiles=pace,
            rules=rules,
        )
        self.notify = self.outbox.notify
        self.enqueue = Enqueuing(
            self.outbox,
            lender_for(self.settings, store),
            clock=clock,
            bot=self.settings.bot,
            roster=self.settings.roster,
        ).enqueue
        self.job_log = Jobs(self.store, self.outbox, self.references, self.clock)
        self.schedules = Schedules(
            self.store,
            self.outbox,
            self.references,
            self.recipients,
            self.clock,
            bot=self.settings.bot,
            zone=self.settings.zone,
            on_change=self._schedules_changed,
        )
        self.topics = Topics(
            self.store, self.outbox, self.references, self.clock, bot=self.settings.bot
        )
        self._watcher = Watcher(self.store, self.clock, self.telemetry)
        self.watches = Watches(
            self.store,
            self.references,
            self.clock,
            self.telemetry,
            bot=self.settings.bot,
            on_event=self._watcher.wake,
        )
        self.emit, self.emit_many = self.watches.emit, self.watches.emit_many
        self.bridge = BotBridge(
            store=self.store,
            outbox=self.outbox,
            references=self.references,
            jobs=self.job_log,
            channel=paced,
            clock=self.clock,
            telemetry=self.telemetry,
            bot=self.settings.bot,
            turn_lock=self.settings.turn_lock,
        )
        self._dispatcher = Dispatcher(
            self.store,
            self.channel,
            self.bridge.turns,
            self.clock,
            self.telemetry,
            pacer=self._pacer,
            owner=owner,
            sharing=self._sharing,
            settings=DispatcherSettings(
                connections=self.settings.connections,
                settle_batch=self.settings.settle_batch,
                lease=timedelta(seconds=self.settings.lease_seconds),
                credential_pause=timedelta(seconds=self.settings.credential_pause_seconds),
                longest_window=self._longest_window,
                rules=rules,
            ),
            policy=self.settings.retry_policy(),
            other_host=other_cloud,
            on_settled=self.outbox.something_settled,
        )
        self._long_answers = LongAnswers(
            self.settings,
            self.store,
            self.outbox,
            self.references,
            paced,
            self.clock,
            self.telemetry,
            owner=owner,
        )
        self.answers = self._long_answers.answers
        self.later = self._long_answers.bot.later
        self.work = self._long_answers.bot.work
        self._timekeeper = Timekeeper(
            self.store, self.clock, self.telemetry, on_due=self._dispatcher.wake
        )
        self._scheduler = Scheduler(
            self.schedules, self.clock, self.telemetry, on_due=self._dispatcher.wake
        )
        self._janitor = Janitor(
            self.store,
            self.clock,
            self.telemetry,
            settings=JanitorSettings(
                longest_window=self._longest_window,
                history=timedelta(days=self.settings.retention_days),
                audit=timedelta(days=self.settings.audit_days),
            ),
        )
        self._services: tuple[Service, ...] = (
            self._dispatcher,
            self._timekeeper,
            self._scheduler,
            self._watcher,
            self._long_answers.typing,
            self._long_answers.works,
            self._janitor,
        )
        self._opened: AsyncExitStack | None = None

    # -- lifecycle ---------------------------------------------------------------------------

    async def open(self, *, make: bool = True) -> None:
        """Connect to the database without delivering, for looking and accepting.

        Args:
            make: whether a database with nothing of Recado's in it is made one of Recado's.

        Raises:
            StoreError: the database cannot be used.
        """
        if self._opened is not None:
            return
        async with AsyncExitStack() as stack:
            await self.store.open(make=make)
            stack.push_async_callback(self.store.close)
            stack.push_async_callback(self.bridge.finish)
            stack.push_async_callback(self._sharing.stop)
            stack.push_async_callback(self.channel.close)
            self._opened = stack.pop_all()

    async def start(self) -> None:
        """Connect, and deliver in the background until stopped.

        Raises:
            StoreError: the database cannot be used.
        """
        await self.open()
        self.store.on_work(self._dispatcher.wake, self._timekeeper.wake)
        for service in self._services:
            service.start()

    async def stop(self) -> None:
        """Let requests in flight end, settle them, and disconnect."""
        # What makes deliveries first, and last what delivers them.
        for service in reversed(self._services):
            await service.stop()
        opened, self._opened = self._opened, None
        if opened is not None:
            await opened.aclose()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def _schedules_changed(self) -> None:
        self._scheduler.wake()

    def _on_room(self) -> None:
        self._dispatcher.wake()

    @property
    def serving(self) -> bool:
        """Whether this process delivers."""
        return self._dispatcher.serving

    def trouble(self) -> str | None:
        """What keeps the background services from their work now; None when nothing does."""
        for service in self._services:
            if not service.running:
                return f"{type(service).__name__} is not running"
            if service.trouble is not None:
                return service.trouble
        return None

    # -- for bots ----------------------------------------------------------------------------

    def attach(self, adapter: ChannelServiceAdapter, agent: Agent) -> None:
        """Connect a bot written with the Agents SDK.

        From then on every inbound activity refreshes references, the bot's replies use the
        pooled connector, and turn deliveries can run in the bot.

        Args:
            adapter: the bot's adapter, of either host.
            agent: an ``AgentApplication`` or ``ActivityHandler``.
        """
        self.bridge.attach(adapter, agent)

    @property
    def jobs(self) -> BotJobs:
        """The job log as a bot's code uses it: ``start(context, …)``, ``complete(n, …)``."""
        return self.bridge.jobs

    def handler(self, name: str, *, then_bot: bool = False) -> Callable[[HandlerT], HandlerT]:
        """Decorate a function to run the turn deliveries that name it.

        See :meth:`recado.bot.attach.BotBridge.handler`.
        """
        return self.bridge.handler(name, then_bot=then_bot)

    async def busy(self, context: TurnContext, *, for_: timedelta = BUSY_FOR) -> None:
        """Say that the bot is in the middle of something in the conversation of *context*.

        What waits for a good moment there waits until :meth:`free`, at most as long as this says.

        Args:
            context: of a turn.
            for_: how long at most, so that a crash does not leave it busy; up to a day.

        Raises:
            InvalidInput: that is no length of time, or too long.
            UnknownReference: the conversation is not known.
        """
        await self.bridge.presence.busy(context, for_=for_)

    async def free(self, context: TurnContext) -> None:
        """The bot is no longer in the middle of something: what waited for that may leave.

        Raises:
            UnknownReference: the conversation is not known.
        """
        await self.bridge.presence.free(context)

    def use(self, *parts: Part) -> None:
        """Have ready-made parts answer what they know, before the bot sees it.

        Args:
            parts: asked in this order.
        """
        for part in parts:
            self.bridge.parts.add(part)

    def observe_events(
        self,
        *,
        names: Collection[str],
        subjects: Collection[str] | None = None,
        allow: Allow | None = None,
    ) -> None:
        """Take event activities that come in from the channel as events that can be watched.

        Without this none is. Their value is ``{"subject": …, "value": …}`` or a CloudEvent; the
        source is the conversation and the time is when they come, whatever they say. Whoever can
        write to the bot can send them, people in Web Chat too: limit what they may be about or
        who may send them, and have programs use ``POST /api/v1/events``, which asks for a key.

        Args:
            names: of the activities that tell of events.
            subjects: what they may be about, with ``*`` and ``?`` as of file names.
            allow: whether a turn's sender may tell of events, an async function or a plain one.

        Raises:
            ConfigurationError: no name is given, or something that is none.
        """
        self.bridge.parts.listen(
            ObservedEvents(
                self.emit_many, self.remember, names=names, subjects=subjects, allow=allow
            )
        )

    def storage(
        self, *, strict: bool = False, types: Mapping[str, type] | None = None
    ) -> RecadoStorage:
        """A storage of the Agents SDK in this database, for the bot's state.

        Args:
            strict: whether a write is refused when somebody else has written since; otherwise the
                last write wins.
            types: classes of the bot's own that its state contains, each under a name that stays.

        Raises:
            ConfigurationError: one of *types* cannot be kept.
        """
        return RecadoStorage(
            self.store,
            bot=self.settings.bot,
            check_service_url=self.hosts.check,
            strict=strict,
            types=types,
        )

    async def remember(self, context: TurnContext) -> Reference:
        """Store the reference of a turn by hand, for bots that do not attach their adapter."""
        return await self.bridge.remember(context)

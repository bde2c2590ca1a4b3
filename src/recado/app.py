"""The composition root: builds store, channel, engine and bot, starts and stops them in order.

Only this module names adapters; everything below is given what it needs.
"""

from __future__ import annotations

import importlib
import os
import socket
import sys
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from traceback import walk_tb
from types import ModuleType
from typing import TYPE_CHECKING, Any, Self

from recado.bot.attach import BotBridge
from recado.bot.hosting import HostedBot
from recado.bot.jobs import BotJobs
from recado.bot.jobs_bot import create_jobs_bot
from recado.bot.storage import RecadoStorage
from recado.channel.connector import ConnectorChannel, ConnectorSettings
from recado.channel.hosts import HostRules, other_cloud
from recado.channel.keeping import Keeping
from recado.channel.local import (
    LOCAL_SERVICE_URL,
    BotAnswer,
    DirectLine,
    History,
    LocalChannel,
    ToBot,
)
from recado.channel.local import Tokens as LocalTokens
from recado.channel.paced import PacedChannel
from recado.channel.pacing import Pacer
from recado.channel.port import Channel
from recado.channel.profiles import longest_window, profiles
from recado.channel.router import ChannelRouter
from recado.channel.tokens import NoTokens, Tokens, msal_tokens
from recado.clock import Clock
from recado.config import Settings, check_exposure, load_settings, sdk_configuration
from recado.database_url import PostgresAddress, SqliteFile
from recado.domain.ids import new_id
from recado.engine.dispatcher import Dispatcher, DispatcherSettings
from recado.engine.janitor import Janitor, JanitorSettings
from recado.engine.sharing import Sharing
from recado.engine.timekeeper import Timekeeper
from recado.errors import ConfigurationError
from recado.jobs import Jobs
from recado.outbox import Enqueuing, Outbox
from recado.references import Importer, References
from recado.store.borrowed import Transaction, borrow
from recado.store.port import Store
from recado.store.postgres import PostgresStore
from recado.store.sqlite import SqliteStore
from recado.telemetry import Telemetry, log_event
from recado.web.app import WebParts, create_app
from recado.web.chat import chat_routes
from recado.web.connector import connector_routes
from recado.web.directline import direct_line_routes
from recado.web.probes import ProbeParts, create_probes

if TYPE_CHECKING:
    from fastapi import APIRouter, FastAPI
    from microsoft_agents.hosting.core import Agent, ChannelServiceAdapter, TurnContext

    from recado.bot.handlers import HandlerT
    from recado.domain.reference import Reference


class Recado:
    """Everything Recado does in one process.

    Attributes:
        settings: how it runs.
        store: everything durable.
        references: the conversations and people that are known.
        imports: takes in references that other programs have kept.
        outbox: what is to be said, and what became of it.
        notify: accepts something to be said; :meth:`recado.outbox.Outbox.notify`.
        enqueue: the same in a transaction of the caller's own, whether or not this Recado is open;
            :meth:`recado.outbox.Enqueuing.enqueue`.
        job_log: the jobs.
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
        self.store = store or _store(self.settings, clock)
        self.clock = clock or self.store.clock
        self.telemetry = Telemetry()
        self.telemetry.subscribe(log_event)
        self.local = History(self.store, self.clock)
        self.hosts = _hosts(self.settings)
        self._tokens = _tokens(self.settings, self.clock)
        self.channel = ChannelRouter(
            {LOCAL_SERVICE_URL.partition("://")[2].strip("/"): LocalChannel(self.local)},
            channel or _connector(self.settings, self.hosts, self._tokens, self.clock),
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
        self.imports = Importer(self.store, self.hosts.check, bot=self.settings.bot)
        self.outbox = Outbox(
            self.store,
            self.references,
            self.clock,
            self.telemetry,
            bot=self.settings.bot,
            profiles=pace,
        )
        self.notify = self.outbox.notify
        self.enqueue = Enqueuing(
            self.outbox,
            _lender(self.settings, store),
            clock=clock,
            bot=self.settings.bot,
            roster=self.settings.roster,
        ).enqueue
        self.job_log = Jobs(self.store, self.outbox, self.references, self.clock)
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
            ),
            policy=self.settings.retry_policy(),
            other_host=other_cloud,
            on_settled=self.outbox.something_settled,
        )
        self._timekeeper = Timekeeper(
            self.store, self.clock, self.telemetry, on_due=self._dispatcher.wake
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
        self._dispatcher.start()
        self._timekeeper.start()
        self._janitor.start()

    async def stop(self) -> None:
        """Let requests in flight end, settle them, and disconnect."""
        await self._janitor.stop()
        await self._timekeeper.stop()
        await self._dispatcher.stop()
        opened, self._opened = self._opened, None
        if opened is not None:
            await opened.aclose()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def _on_room(self) -> None:
        self._dispatcher.wake()

    @property
    def serving(self) -> bool:
        """Whether this process delivers."""
        return self._dispatcher.serving

    def trouble(self) -> str | None:
        """What keeps the background services from their work now; None when nothing does."""
        for service in (self._dispatcher, self._timekeeper, self._janitor):
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


def create_server(recado: Recado, agent: Agent | None = None) -> FastAPI:
    """The server around *recado*, which it starts and stops.

    Args:
        recado: not started yet.
        agent: the bot it hosts; in demo mode the jobs bot when left out. Without a bot it is a
            sidecar: it accepts and delivers for bots that run elsewhere.

    Raises:
        ConfigurationError: it would be reachable from other machines half protected.
    """
    settings = recado.settings
    check_exposure(settings)
    if agent is None and settings.demo:
        agent = create_jobs_bot(recado.bridge)
    hosted = None
    if agent is not None:
        hosted = HostedBot(recado.bridge, agent, sdk_configuration(settings.credentials))
    routers: list[APIRouter] = []
    stop = recado.stop
    if settings.demo and hosted is not None:
        direct_line = DirectLine(
            recado.local, LocalTokens(recado.store, recado.clock), recado.clock, _to_bot(hosted)
        )
        routers = [
            direct_line_routes(direct_line),
            connector_routes(LocalChannel(recado.local), recado.local),
            chat_routes(windows=2),
        ]

        async def stop() -> None:
            await direct_line.close()
            await recado.stop()

    return create_app(
        WebParts(
            settings=settings,
            outbox=recado.outbox,
            references=recado.references,
            jobs=recado.job_log,
            store=recado.store,
            telemetry=recado.telemetry,
            clock=recado.clock,
            check_service_url=recado.hosts.check,
            process=hosted.process if hosted is not None else None,
            trouble=recado.trouble,
            routers=routers,
            start=recado.start,
            stop=stop,
        )
    )


def create_worker(recado: Recado, agent: Agent | None = None) -> FastAPI:
    """The application around a *recado* that only delivers: it answers health probes.

    Args:
        recado: not started yet; the application's lifespan starts and stops it.
        agent: the bot whose turns it runs. Without one it sends plain deliveries.
    """
    if agent is not None:
        HostedBot(recado.bridge, agent, sdk_configuration(recado.settings.credentials))
    return create_probes(
        ProbeParts(
            settings=recado.settings,
            store=recado.store,
            telemetry=recado.telemetry,
            clock=recado.clock,
            trouble=recado.trouble,
            start=recado.start,
            stop=recado.stop,
        )
    )


def _to_bot(hosted: HostedBot) -> ToBot:
    async def to_bot(activity: dict[str, Any]) -> BotAnswer:
        status, body = await hosted.receive(activity)
        return BotAnswer(status, body)

    return to_bot


def load_agent(path: str, recado: Recado) -> Agent:
    """The bot a setting names.

    Args:
        path: ``module:attribute``: an ``AgentApplication`` or ``ActivityHandler``, or a function
            that is called with the :class:`Recado` and returns one.
        recado: handed to such a function.

    Raises:
        ConfigurationError: there is no such module or attribute, or it is no bot.
    """
    module_name, _, attribute = path.partition(":")
    if not module_name or not attribute:
        raise ConfigurationError(
            f"{path!r} does not name a bot: write module:attribute, for example my_bot.app:agent."
        )
    # As with `python -m`: a module beside where the command is called is found.
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, here)
    module = _module(module_name)
    if not hasattr(module, attribute):
        bots = [each for each, value in vars(module).items() if hasattr(value, "on_turn")]
        named = [each for each in bots if not isinstance(getattr(module, each), type)]
        hint = f"did you mean {module_name}:{named[0]}?" if named else "name the bot in it."
        raise ConfigurationError(f"{module_name} has no {attribute}: {hint}")
    found: Any = getattr(module, attribute)
    if found is not None and not hasattr(found, "on_turn") and callable(found):
        found = found(recado)
    if not hasattr(found, "on_turn"):
        raise ConfigurationError(
            f"{path} is no bot: it has to be an AgentApplication, an ActivityHandler, or a "
            "function that takes the Recado and returns one."
        )
    agent: Agent = found
    return agent


def _module(name: str) -> ModuleType:
    """The module of the bot, whose code runs here for the first time."""
    try:
        return importlib.import_module(name)
    except (Exception, SystemExit) as error:
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing is not None and f"{name}.".startswith(f"{missing}."):
            raise ConfigurationError(
                f"The module {missing!r} cannot be found: call the command where the bot is, or "
                "set PYTHONPATH."
            ) from error
        where = _raised_at(error)
        said = error.msg if isinstance(error, SyntaxError) else str(error)
        told = f"{type(error).__name__}: {said}" if said else type(error).__name__
        raise ConfigurationError(f"{name} cannot be imported: {told} ({where}).") from error


def _raised_at(error: BaseException) -> str:
    """File and line an import failed at."""
    if isinstance(error, SyntaxError):
        return f"{error.filename}, line {error.lineno}"
    frames = [
        (frame.f_code.co_filename, line)
        for frame, line in walk_tb(error.__traceback__)
        if not frame.f_code.co_filename.startswith("<frozen")
    ]
    return f"{frames[-1][0]}, line {frames[-1][1]}"


def _store(settings: Settings, clock: Clock | None) -> Store:
    match settings.database:
        case SqliteFile(path=path):
            return SqliteStore(path, clock)
        case PostgresAddress() as address:
            return PostgresStore(address, clock, connections=settings.database_connections)


def _lender(settings: Settings, store: Store | None) -> Callable[[object], Transaction]:
    """What recognises transactions in Recado's database."""
    place = None if store is not None else settings.database
    return lambda transaction: borrow(transaction, place)


def _hosts(settings: Settings) -> HostRules:
    local = settings.credentials is None and not settings.exposed
    reserved = LOCAL_SERVICE_URL.partition("://")[2].strip("/")
    return HostRules(
        extra_hosts=frozenset({*settings.extra_hosts, reserved}),
        allow_loopback=settings.demo or local,
    )


def _tokens(settings: Settings, clock: Clock) -> Tokens:
    if settings.credentials is None:
        return NoTokens()
    return msal_tokens(sdk_configuration(settings.credentials), clock)


def _connector(settings: Settings, hosts: HostRules, tokens: Tokens, clock: Clock) -> Channel:
    ca_pem = settings.ca_file.read_bytes() if settings.ca_file else None
    return ConnectorChannel(
        ConnectorSettings(connections=settings.connections, ca_pem=ca_pem), hosts, tokens, clock
    )

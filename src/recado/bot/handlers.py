"""Handlers: the code of turn deliveries, registered by name so that any process can run it."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from microsoft_agents.hosting.core import Agent, AgentApplication, TurnContext

from recado.domain.notification import BOT_TURN
from recado.errors import ConfigurationError

HandlerT = TypeVar("HandlerT", bound=Callable[..., Awaitable[Any]])

_FORMS = "async def handler(context, value), or (context, state, value) for an AgentApplication"


@dataclass(frozen=True, slots=True, kw_only=True)
class Handler:
    """A function that runs as a turn.

    Attributes:
        name: the name deliveries know it by.
        function: takes the turn's context, the application's turn state if *wants_state*, and
            the delivery's value.
        wants_state: whether it is given the turn state.
        then_bot: whether the bot's own turn handler runs after it, in the same turn.
    """

    name: str
    function: Callable[..., Awaitable[Any]]
    wants_state: bool
    then_bot: bool

    async def run(self, context: TurnContext, value: Any, agent: Agent) -> None:
        """Run the handler as the turn of *context*."""
        if self.wants_state:
            await self._run_with_state(context, value, agent)
        else:
            await self.function(context, value)
        if self.then_bot:
            await agent.on_turn(context)

    async def _run_with_state(self, context: TurnContext, value: Any, agent: Agent) -> None:
        app = application(agent, self.name)
        # The application loads state only inside its own turn, so the method is private.
        state = await app._initialize_state(context)  # noqa: SLF001
        await self.function(context, state, value)
        await state.save(context)


class Handlers:
    """The handlers of this process."""

    def __init__(self) -> None:
        self._handlers: dict[str, Handler] = {}

    def names(self) -> list[str]:
        """Their names."""
        return list(self._handlers)

    def get(self, name: str) -> Handler | None:
        """The handler with that name."""
        return self._handlers.get(name)

    def with_state(self) -> list[str]:
        """Names of those that want the application's turn state."""
        return [name for name, handler in self._handlers.items() if handler.wants_state]

    def register(self, name: str, *, then_bot: bool = False) -> Callable[[HandlerT], HandlerT]:
        """Decorate a function to run the turn deliveries that name it.

        Args:
            name: the name.
            then_bot: whether the bot's own turn handler runs afterwards in the same turn, with
                what the function has added to the context.

        Raises:
            ConfigurationError: the name is taken, or the function has another form.
        """
        if not name or name == BOT_TURN:
            raise ConfigurationError(
                f"{name!r} cannot name a handler ({BOT_TURN!r} is the bot's own turn handler): "
                "choose another name."
            )

        def registered(function: HandlerT) -> HandlerT:
            known = self._handlers.get(name)
            if known is not None and known.function is not function:
                raise ConfigurationError(
                    f"There is a handler named {name!r} already: choose another name."
                )
            self._handlers[name] = Handler(
                name=name,
                function=function,
                wants_state=_wants_state(name, function),
                then_bot=then_bot,
            )
            return function

        return registered


def application(agent: Agent, name: str) -> AgentApplication[Any]:
    """The agent as an application.

    Raises:
        ConfigurationError: it is none, so handler *name* cannot have its turn state.
    """
    if not isinstance(agent, AgentApplication):
        raise ConfigurationError(
            f"The handler {name!r} takes turn state, which only an AgentApplication has: "
            "write it as async def handler(context, value)."
        )
    return agent


def _wants_state(name: str, function: Callable[..., Any]) -> bool:
    call = function if inspect.isroutine(function) else getattr(function, "__call__", function)  # noqa: B004
    if not inspect.iscoroutinefunction(call) and not inspect.iscoroutinefunction(function):
        raise ConfigurationError(f"The handler {name!r} is no coroutine function: write {_FORMS}.")
    parameters = inspect.signature(function)
    for arguments, wants_state in ((2, False), (3, True)):
        try:
            parameters.bind(*range(arguments))
        except TypeError:
            continue
        return wants_state
    raise ConfigurationError(
        f"The handler {name!r} has the parameters {parameters}: write {_FORMS}."
    )

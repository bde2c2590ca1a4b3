"""Loading the bot that a setting names."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from traceback import walk_tb
from types import ModuleType
from typing import TYPE_CHECKING, Any

from recado.errors import ConfigurationError

if TYPE_CHECKING:
    from microsoft_agents.hosting.core import Agent

from recado.app.recado import Recado


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

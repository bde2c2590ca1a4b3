"""The works of a process: the code of long answers, registered by name."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Collection
from typing import Any, TypeVar

from recado.domain.notification import check_name
from recado.errors import ConfigurationError, InvalidInput

WorkFunction = Callable[..., Awaitable[Any]]
WorkT = TypeVar("WorkT", bound=WorkFunction)


class WorkNames:
    """Works by name, so that any process can run them."""

    def __init__(self) -> None:
        self._works: dict[str, WorkFunction] = {}

    def names(self) -> Collection[str]:
        """Their names."""
        return list(self._works)

    def get(self, name: str) -> WorkFunction | None:
        """The work with that name."""
        return self._works.get(name)

    def name_of(self, function: WorkFunction) -> str | None:
        """The name a function is registered under."""
        return next((name for name, each in self._works.items() if each == function), None)

    def register(self, name: str) -> Callable[[WorkT], WorkT]:
        """Decorate a function to make the long answers that name it.

        Raises:
            ConfigurationError: the name is taken or cannot be kept, or the function has another
                form.
        """
        try:
            check_name(name, "The name of a work")
        except InvalidInput as error:
            raise ConfigurationError(str(error)) from None

        def registered(function: WorkT) -> WorkT:
            if self._works.get(name, function) is not function:
                raise ConfigurationError(
                    f"There is a work named {name!r} already: choose another name."
                )
            self._works[name] = self.check(name, function)
            return function

        return registered

    def check(self, name: str, function: WorkFunction) -> WorkFunction:
        """The function, if it is a work.

        Raises:
            ConfigurationError: it has another form.
        """
        form = "async def work(answer, payload)"
        call = function if inspect.isroutine(function) else getattr(function, "__call__", None)  # noqa: B004
        if not inspect.iscoroutinefunction(call) and not inspect.iscoroutinefunction(function):
            raise ConfigurationError(f"The work {name!r} is no coroutine function: write {form}.")
        try:
            inspect.signature(function).bind(None, None)
        except TypeError:
            raise ConfigurationError(
                f"The work {name!r} has the parameters {inspect.signature(function)}: write {form}."
            ) from None
        return function

"""The types that bots' state may contain: those of the Agents SDK, and those a bot registers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import Enum
from functools import cache
from importlib import import_module
from typing import Any, Final

import microsoft_agents.activity
from microsoft_agents.activity import AgentsModel
from pydantic import BaseModel

from recado.bot.codec import BUILT_IN, StateType
from recado.errors import ConfigurationError

_DIALOGS: Final = "microsoft_agents.hosting.dialogs"

#: Of the dialogs package, what its dialogs and prompts put into state, by the module it is in.
_IN_DIALOGS: Final[Mapping[str, tuple[str, ...]]] = {
    _DIALOGS: (
        "DialogEvent",
        "DialogInstance",
        "DialogReason",
        "DialogState",
        "DialogTurnResult",
        "DialogTurnStatus",
        "DateTimeResolution",
        "PromptOptions",
        "PromptRecognizerResult",
    ),
    f"{_DIALOGS}.choices": (
        "Choice",
        "ChoiceFactoryOptions",
        "FindChoicesOptions",
        "FindValuesOptions",
        "FoundChoice",
        "FoundValue",
        "ListStyle",
    ),
    f"{_DIALOGS}.prompts.oauth_prompt": ("CallerInfo",),
}


class StateTypes:
    """Finds the types that may be kept.

    Args:
        own: those of the bot, each by the name that stands for it in the data.

    Raises:
        ConfigurationError: a name is taken, or a type has no form that can be kept.
    """

    def __init__(self, own: Mapping[str, type] | None = None) -> None:
        self._by_name = {each.name: each for each in BUILT_IN}
        for name, kind in (own or {}).items():
            if not name or name in self._by_name or name.startswith(("activity.", "dialogs.")):
                raise ConfigurationError(
                    f"State cannot be kept under the type name {name!r}: choose another one."
                )
            self._by_name[name] = state_type(name, kind)
        self._by_class = {each.type: each for each in self._by_name.values()}

    def by_class(self, kind: type) -> StateType | None:
        """The type of a class, if it may be kept."""
        found = self._by_class.get(kind)
        if found is not None:
            return found
        if issubclass(kind, AgentsModel):
            return _activity_types()[1].get(kind)
        # Whoever has an object of it has the package.
        if kind.__module__.startswith(f"{_DIALOGS}."):
            return _dialog_types()[1].get(kind)
        return None

    def by_name(self, name: str) -> StateType | None:
        """What a name in the data stands for, if that is known."""
        if name.startswith("activity."):
            return _activity_types()[0].get(name)
        if name.startswith("dialogs."):
            try:
                return _dialog_types()[0].get(name)
            except ImportError:
                return None
        return self._by_name.get(name)


def state_type(name: str, kind: type) -> StateType:
    """How objects of a class are kept.

    Raises:
        ConfigurationError: it is none of the kinds of classes that can be.
    """
    loads = getattr(kind, "from_json_to_store_item", None)
    if callable(loads) and hasattr(kind, "store_item_to_json"):
        return StateType(name, kind, lambda item: item.store_item_to_json(), loads)
    if issubclass(kind, Enum):
        return StateType(name, kind, lambda member: member.value, kind)
    if issubclass(kind, BaseModel):
        return StateType(name, kind, _dump_model, kind.model_validate)
    if dataclasses.is_dataclass(kind):
        fields = [each.name for each in dataclasses.fields(kind) if each.init]
        return StateType(
            name,
            kind,
            lambda item: {field: getattr(item, field) for field in fields},
            lambda told: kind(**told),
        )
    raise ConfigurationError(
        f"{kind.__qualname__} cannot be kept as it is: make it a dataclass, an enumeration or a "
        "pydantic model, or give it the two methods of the SDK's StoreItem."
    )


_Tables = tuple[Mapping[str, StateType], Mapping[type, StateType]]


def _tables(types: Iterable[StateType]) -> _Tables:
    every = list(types)
    return {each.name: each for each in every}, {each.type: each for each in every}


@cache
def _activity_types() -> _Tables:
    return _tables(
        StateType(f"activity.{name}", kind, _dump_model, kind.model_validate)
        for name, kind in vars(microsoft_agents.activity).items()
        if isinstance(kind, type) and issubclass(kind, AgentsModel)
    )


@cache
def _dialog_types() -> _Tables:
    return _tables(_of_dialogs())


def _of_dialogs() -> Iterator[StateType]:
    for module, names in _IN_DIALOGS.items():
        # The package is optional, and brings recognizers of language: only who needs it imports it.
        home = import_module(module)
        for name in names:
            kind = getattr(home, name)
            dump, load = _members(kind) if issubclass(kind, Enum) else (_fields, _with(kind))
            yield StateType(f"dialogs.{name}", kind, dump, load)


def _members(kind: type[Enum]) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    return lambda member: member.value, kind


def _fields(item: object) -> dict[str, Any]:
    """What the package's own objects consist of: each takes all of it when it is made."""
    return dict(vars(item))


def _with(kind: type) -> Callable[[Mapping[str, Any]], Any]:
    return lambda told: kind(**told)


def _dump_model(model: BaseModel) -> Any:
    return model.model_dump(mode="json", by_alias=True, exclude_unset=True)

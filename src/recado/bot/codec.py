"""The codec of bots' state: JSON, with a tag where a value is more than JSON.

A bot may keep what JSON has no word for: times, tuples, and objects, such as the stack of dialogs
that are under way. Such a value becomes ``{"$recado": name, "value": ...}``. What a name stands
for is decided by this program alone: the built-in names below, those of the Agents SDK
(:mod:`recado.bot.state_types`) and those a bot has registered. A name that is none of them is an
error, and nothing is imported, called or unpickled because data say so.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Final
from uuid import UUID

from recado.errors import UnknownStateType

_TAG: Final = "$recado"
_DEEPEST: Final = 200
#: How much of a path an error shows.
_SHOWN: Final = 80


@dataclass(frozen=True, slots=True)
class StateType:
    """A type that can be kept.

    Attributes:
        name: what stands for it in the data; it must never change.
        type: the class itself, without those derived from it.
        dump: makes plain values, or values of other types that can be kept, of one.
        load: makes one of what *dump* made.
    """

    name: str
    type: type
    dump: Callable[[Any], Any]
    load: Callable[[Any], Any]


#: Finds the type of a class or of a name; None if it is not known.
ByClass = Callable[[type], StateType | None]
ByName = Callable[[str], StateType | None]


def _seconds(length: timedelta) -> list[int]:
    return [length.days, length.seconds, length.microseconds]


BUILT_IN: Final = (
    StateType("datetime", datetime, datetime.isoformat, datetime.fromisoformat),
    StateType("date", date, date.isoformat, date.fromisoformat),
    StateType("time", time, time.isoformat, time.fromisoformat),
    StateType("timedelta", timedelta, _seconds, lambda told: timedelta(*told)),
    StateType("uuid", UUID, str, UUID),
    StateType("decimal", Decimal, str, Decimal),
    StateType("bytes", bytes, bytes.hex, bytes.fromhex),
    StateType("tuple", tuple, list, tuple),
    StateType("set", set, list, set),
    StateType("frozenset", frozenset, list, frozenset),
    # Only those that JSON has no number for.
    StateType("float", float, repr, float),
    # Only those with keys that are not text, or with a key that looks like a tag.
    StateType("dict", dict, lambda told: [list(each) for each in told.items()], dict),
)
_DICT: Final = BUILT_IN[-1]
_FLOAT: Final = BUILT_IN[-2]


class Codec:
    """Between what a bot keeps and JSON.

    Args:
        by_class: finds the types that can be kept by their classes.
        by_name: finds them by what stands for them.
    """

    def __init__(self, by_class: ByClass, by_name: ByName) -> None:
        self._by_class = by_class
        self._by_name = by_name

    def encode(self, value: Any, *, key: str) -> Any:
        """*value* as JSON.

        Args:
            value: what a store item gives for itself.
            key: under which it is kept, for the error.

        Raises:
            UnknownStateType: something in it cannot be kept.
        """
        return _Encoder(self._by_class, key).encode(value, ())

    def decode(self, value: Any, *, key: str) -> Any:
        """What *value* was made of.

        Args:
            value: JSON.
            key: under which it was kept, for the error.

        Raises:
            UnknownStateType: something in it is of a type that this program does not know.
        """
        return _Decoder(self._by_name, key).decode(value, ())


_Path = tuple[object, ...]


class _Encoder:
    def __init__(self, by_class: ByClass, key: str) -> None:
        self._by_class = by_class
        self._key = key

    def encode(self, value: Any, path: _Path) -> Any:
        kind = type(value)
        if value is None or kind in (bool, int, str) or (kind is float and math.isfinite(value)):
            return value
        if len(path) > _DEEPEST:
            advice = "nothing can be kept that deep, or that contains itself"
            raise self._refusal(value, path, advice)
        if kind is list:
            return [self.encode(each, (*path, place)) for place, each in enumerate(value)]
        if kind is dict:
            return self._dict(value, path)
        if kind is float:
            return self._tagged(_FLOAT, value, path)
        found = self._by_class(kind)
        if found is not None:
            return self._tagged(found, value, path)
        return self._plainer(value, path)

    def _dict(self, value: Mapping[Any, Any], path: _Path) -> Any:
        if _TAG in value or not all(type(name) is str for name in value):
            return self._tagged(_DICT, value, path)
        return {name: self.encode(each, (*path, name)) for name, each in value.items()}

    def _tagged(self, found: StateType, value: Any, path: _Path) -> Any:
        try:
            dumped = found.dump(value)
        except Exception as error:
            advice = f"it cannot be written ({type(error).__name__}: {error})"
            raise self._refusal(value, path, advice) from error
        # One level deeper, so that a type whose dump is of itself comes to an end.
        return {_TAG: found.name, "value": self.encode(dumped, (*path, "value"))}

    def _plainer(self, value: Any, path: _Path) -> Any:
        """What is derived from a kind of JSON, as every storage of JSON writes it."""
        if isinstance(value, Enum) and isinstance(value, (str, int, float)):
            return self.encode(value.value, path)
        for kind, plain in _PLAIN:
            if isinstance(value, kind):
                return self.encode(plain(value), path)
        advice = (
            "keep plain values instead, or have it known with "
            'recado.storage(types={"a name that stays": TheType})'
        )
        raise self._refusal(value, path, advice)

    def _refusal(self, value: Any, path: _Path, advice: str) -> UnknownStateType:
        name = f"{type(value).__module__}.{type(value).__qualname__}"
        return UnknownStateType(key=self._key, path=_told(path), type_name=name, advice=advice)


#: Kinds of JSON, and how one that is derived from them becomes one.
_PLAIN: Final[tuple[tuple[type, Callable[[Any], Any]], ...]] = (
    (str, str.__str__),
    (int, int),
    (float, float),
    (Mapping, dict),
    (list, list),
    (tuple, tuple),
)


class _Decoder:
    def __init__(self, by_name: ByName, key: str) -> None:
        self._by_name = by_name
        self._key = key

    def decode(self, value: Any, path: _Path) -> Any:
        if isinstance(value, list):
            return [self.decode(each, (*path, place)) for place, each in enumerate(value)]
        if not isinstance(value, dict):
            return value
        if _TAG not in value:
            return {name: self.decode(each, (*path, name)) for name, each in value.items()}
        name = value[_TAG]
        found = self._by_name(name) if isinstance(name, str) else None
        if found is None:
            advice = (
                "have it known as when it was written, with recado.storage(types=...), and "
                "install the packages the bot had then"
            )
            raise self._refusal(name, path, advice)
        told = self.decode(value.get("value"), (*path, "value"))
        try:
            return found.load(told)
        except Exception as error:
            advice = f"it cannot be read ({type(error).__name__}: {error})"
            raise self._refusal(name, path, advice) from error

    def _refusal(self, name: object, path: _Path, advice: str) -> UnknownStateType:
        told = f"value of type {str(name)[:_SHOWN]!r}"
        return UnknownStateType(key=self._key, path=_told(path), type_name=told, advice=advice)


def _told(path: _Path) -> str:
    """Where something is, as a person would look for it."""
    told = "".join(
        f"[{part}]" if isinstance(part, int) else f".{part}" for part in path if part != "value"
    )
    return told.lstrip(".")[:_SHOWN]

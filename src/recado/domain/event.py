"""Events: what happened outside, as it is kept and compared."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from recado.domain.text import usable
from recado.errors import InvalidEvent

#: What was observed by the program itself, where nothing else is said.
OBSERVED: Final = "recado.observed"
HERE: Final = "recado"
#: Longest name, in characters, as of CloudEvents that are taken in.
LONGEST: Final = 1024
#: Most characters of the data, as JSON.
MOST_DATA: Final = 262_144
#: Most digits of what is read as an int.
_LONGEST_INT: Final = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened to a subject.

    Attributes:
        subject: what it happened to, as in ``price:42``; watches name it.
        data: what there is to know about it: JSON. A Decimal in it is kept digit by digit.
        type: what kind of thing happened.
        source: where; with the id it names the event.
        id: names it among those of its source.
        time: when it happened; when it was accepted if left out.
    """

    subject: str
    data: Any
    type: str = OBSERVED
    source: str = HERE
    id: str
    time: datetime | None = None

    @property
    def digest(self) -> str:
        """Source and id, as short as a key of a table has to be."""
        return digest_of(self.source, self.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Emitted:
    """What became of an event that was told.

    Attributes:
        id: the event's.
        replayed: it was known before, by its source and id, so that it fires nothing.
        watching: how many watches look at it: those that watched its subject when it was
            accepted. None do if it is a replay, or older than what is known of its subject.
    """

    id: str
    replayed: bool
    watching: int


def digest_of(*names: str) -> str:
    """A key for names of any length."""
    return hashlib.sha256("\0".join(names).encode()).hexdigest()


def checked(event: Event) -> Event:
    """The event, with its time in UTC.

    Raises:
        InvalidEvent: it cannot be kept.
    """
    for field in ("subject", "type", "source", "id"):
        given: object = getattr(event, field)
        if not isinstance(given, str) or not 0 < len(given) <= LONGEST or not usable(given):
            raise InvalidEvent(f"{field} is a text of 1 to {LONGEST:,} characters", field=field)
    if event.time is None:
        return event
    time: object = event.time
    if not isinstance(time, datetime) or time.utcoffset() is None:
        raise InvalidEvent("time is an aware datetime, or left out", field="time")
    try:
        time = time.astimezone(UTC)
    except OverflowError:
        raise InvalidEvent("time is beyond what a calendar reaches", field="time") from None
    return Event(
        subject=event.subject,
        data=event.data,
        type=event.type,
        source=event.source,
        id=event.id,
        time=time,
    )


def written(data: Any) -> str:
    """Data as it is kept: JSON in which numbers have the digits they were given with.

    Raises:
        InvalidEvent: it is no JSON, or there is too much of it.
    """
    try:
        text = _json(data)
        text.encode()
    except RecursionError:
        raise InvalidEvent("the data is nested too deeply: make it flatter", field="data") from None
    except (TypeError, ValueError) as error:
        raise InvalidEvent(f"the data cannot be kept as JSON ({error})", field="data") from None
    if len(text) > MOST_DATA:
        raise InvalidEvent(
            f"the data has {len(text):,} characters, and at most {MOST_DATA:,} are kept",
            field="data",
        )
    return text


def read(text: str) -> Any:
    """What :func:`written` wrote; numbers with a fraction, or very many digits, are Decimal."""
    return json.loads(text, parse_float=Decimal, parse_int=_whole)


def _whole(digits: str) -> int | Decimal:
    # Python makes no int of thousands of digits.
    return int(digits) if len(digits) <= _LONGEST_INT else Decimal(digits)


def _json(value: Any) -> str:
    match value:
        case Decimal():
            if not value.is_finite():
                raise ValueError(f"{value} is no number")
            return str(value)
        case str() | bool() | int() | float() | None:
            return json.dumps(value, ensure_ascii=False, allow_nan=False)
        case Mapping():
            members = (f"{_name(name)}:{_json(each)}" for name, each in value.items())
            return f"{{{','.join(members)}}}"
        case Sequence() if not isinstance(value, bytes | bytearray | memoryview):
            return f"[{','.join(map(_json, value))}]"
    raise TypeError(f"{type(value).__name__} is none of its types")


def _name(name: object) -> str:
    if not isinstance(name, str):
        raise TypeError(f"the name {name!r} is no text")
    return json.dumps(name, ensure_ascii=False)

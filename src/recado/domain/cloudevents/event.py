"""An event, and what its attributes may be."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from recado.domain.event import LONGEST, Event
from recado.errors import InvalidEvent

_REQUIRED = ("specversion", "id", "source", "type")
_NOT_EMPTY = (*_REQUIRED, "subject", "time", "datacontenttype", "dataschema")
_NAME = re.compile(r"[a-z0-9]+")
_CONTROL = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\ud800-\\udfff\\ufdd0-\\ufdef\\ufffe\\uffff]")
_URI = re.compile(
    r"(?:[a-z][a-z0-9+.-]*:|(?![^/?#]*:))"  # a scheme, or no colon in the first segment
    r"(?://(?:[\w.~!$&'()*+,;=:@-]|%[0-9a-f]{2}|\[[0-9a-f:.v]+\])*(?=[/?#]|$))?"
    r"(?:[\w.~!$&'()*+,;=:@/-]|%[0-9a-f]{2})*"
    r"(?:\?(?:[\w.~!$&'()*+,;=:@/?-]|%[0-9a-f]{2})*)?"
    r"(?:#(?:[\w.~!$&'()*+,;=:@/?-]|%[0-9a-f]{2})*)?",
    re.IGNORECASE | re.ASCII,
)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d):([0-5]\d|60)(?:\.(\d+))?(?:(Z)|([+-]\d\d:\d\d))",
    re.IGNORECASE | re.ASCII,
)
_MEDIA_TYPE = re.compile(
    r"([\w!#$&^.+-]+/[\w!#$&^.+-]+)\s*((?:;\s*[\w!#$&^.+-]+=(?:[^\s;\"]+|\"[^\"]*\")\s*)*)",
    re.ASCII,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudEvent:
    """Something that happened, as its producer tells it.

    Attributes:
        id: names it among the events of its source.
        source: where it happened, a URI reference.
        type: what kind of thing happened.
        subject: what it happened to; the source itself when the producer names nothing.
        time: when, in UTC, if told.
        data: what there is to know about it: any JSON value.
        datacontenttype: the media type of the data, if told.
        dataschema: the URI of what the data conforms to, if told.
        extensions: further attributes.
    """

    id: str
    source: str
    type: str
    subject: str
    time: datetime | None = None
    data: Any = None
    datacontenttype: str | None = None
    dataschema: str | None = None
    extensions: Mapping[str, str | int | bool]

    def observed(self) -> Event:
        """What is kept of it."""
        return Event(
            subject=self.subject,
            data=self.data,
            type=self.type,
            source=self.source,
            id=self.id,
            time=self.time,
        )


def attributes_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """What was given as attributes, checked one by one."""
    for name in _REQUIRED:
        if name not in given:
            raise InvalidEvent(f"{name} is missing, which every event has", field=name)
    for name, value in given.items():
        _check(name, value)
    return dict(given)


def _check(name: str, value: Any) -> None:
    if not _NAME.fullmatch(name) or name == "data":
        raise InvalidEvent(
            f"{name!r} is no attribute's name: those are of lower-case letters and digits; what "
            "else there is to say belongs into data",
            field=name,
        )
    if name in _NOT_EMPTY:
        if not isinstance(value, str):
            raise InvalidEvent(f"{name} is {kind_of(value)}, and has to be text", field=name)
        if not value.strip():
            raise InvalidEvent(f"{name} is empty: say it, or leave it out", field=name)
    elif isinstance(value, float | Decimal | list | Mapping):
        raise InvalidEvent(
            f"{name} is {kind_of(value)}, and an attribute is text, a whole number, true or false",
            field=name,
        )
    if isinstance(value, str):
        if len(value) > LONGEST:
            raise InvalidEvent(
                f"{name} has {len(value):,} characters, and {LONGEST:,} are the most", field=name
            )
        if _CONTROL.search(value):
            raise InvalidEvent(f"{name} holds a control character", field=name)
    elif isinstance(value, int) and not -(2**31) <= value < 2**31:
        raise InvalidEvent(f"{name} is a number beyond 32 bits: write it as text", field=name)
    _check_form(name, value)


def _check_form(name: str, value: Any) -> None:
    match name:
        case "specversion" if value != "1.0":
            raise InvalidEvent(
                f"specversion is {value!r}, and CloudEvents 1.0 are read here", field=name
            )
        case "source" if not _URI.fullmatch(value):
            raise InvalidEvent(
                f"source {value!r} is no URI reference: write one such as /shop or "
                "https://shop.example/prices, with %20 for a space",
                field=name,
            )
        case "dataschema" if not (_URI.fullmatch(value) and _SCHEME.match(value)):
            raise InvalidEvent(f"dataschema {value!r} is no absolute URI", field=name)
        case "datacontenttype" if not _MEDIA_TYPE.fullmatch(value):
            raise InvalidEvent(
                f"datacontenttype {value!r} is no media type such as application/json", field=name
            )


def event_of(attributes: dict[str, Any], data: Any) -> CloudEvent:
    """The event with these attributes, which were checked and are taken out of the mapping."""
    del attributes["specversion"]
    written = attributes.pop("time", None)
    return CloudEvent(
        id=attributes.pop("id"),
        source=(source := attributes.pop("source")),
        type=attributes.pop("type"),
        subject=attributes.pop("subject", source),
        time=None if written is None else instant(written),
        datacontenttype=attributes.pop("datacontenttype", None),
        dataschema=attributes.pop("dataschema", None),
        data=data,
        extensions=attributes,
    )


def instant(written: str) -> datetime:
    """An instant as RFC 3339 writes it, in UTC; beyond microseconds it is cut off.

    Raises:
        InvalidEvent: it is none.
    """
    found = _TIME.fullmatch(written)
    if found is None:
        raise _no_instant(written)
    day, clock, second, fraction, _, offset = found.groups()
    try:
        base = datetime.fromisoformat(f"{day}T{clock}:00{offset or '+00:00'}")
        # A leap second is the first instant of the next minute to everyone who has none.
        micros = int((fraction or "0").ljust(6, "0")[:6])
        return base.astimezone(UTC) + timedelta(seconds=int(second), microseconds=micros)
    except (ValueError, OverflowError):
        raise _no_instant(written) from None


def _no_instant(written: str) -> InvalidEvent:
    return InvalidEvent(
        f"time {written!r} is no instant of RFC 3339: write 2026-12-24T18:00:00Z, or with an "
        "offset such as +01:00",
        field="time",
    )


def kind_of(value: Any) -> str:
    """What a JSON value is, as a sentence says it."""
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case str():
            return "text"
        case int() | float() | Decimal():
            return "a number"
        case Mapping():
            return "an object"
    return "a list"

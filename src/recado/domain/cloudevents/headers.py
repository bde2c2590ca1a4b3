"""Events whose attributes are HTTP headers (binary mode; HTTP protocol binding §3.1)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from urllib.parse import unquote_to_bytes

from recado.domain.cloudevents.data import data_of
from recado.domain.cloudevents.event import CloudEvent, attributes_of, event_of
from recado.errors import InvalidEvent

_BAD_PERCENT = re.compile(r"%(?![0-9a-fA-F]{2})")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_PREFIX = "ce-"


def binary_event(headers: Iterable[tuple[str, str]], body: bytes) -> CloudEvent:
    """The event of an HTTP message whose headers carry the attributes (binary mode).

    Args:
        headers: all of the message, in any case.
        body: the data.

    Raises:
        InvalidEvent: it is none, and the error says which header is at fault.
    """
    attributes: dict[str, str] = {}
    for header, written in headers:
        name = header.lower()
        if name.startswith(_PREFIX):
            name = name.removeprefix(_PREFIX)
            if name == "datacontenttype":
                raise InvalidEvent(
                    "in binary mode the data's media type is Content-Type, not ce-datacontenttype",
                    field=name,
                )
        elif name == "content-type":
            name = "datacontenttype"
        else:
            continue
        if name in attributes:
            raise InvalidEvent(f"the header {header} is given twice", field=name)
        attributes[name] = (
            written if name == "datacontenttype" else _header(header, written, field=name)
        )
    checked = attributes_of(attributes)
    if not body:
        return event_of(checked, None)
    return event_of(checked, data_of(body, checked.get("datacontenttype"), field="data"))


def is_binary(names: Iterable[str]) -> bool:
    """Whether a message with headers of these names is an event in binary mode."""
    return any(name.lower().startswith(_PREFIX) for name in names)


def _header(header: str, written: str, *, field: str) -> str:
    """What a header says: quotation marks undone, then one round of percent-decoding (§3.1.3.2)."""
    quoted = _QUOTED.fullmatch(written)
    if quoted:
        written = re.sub(r"\\(.)", r"\1", quoted[1])
    decoded = None
    if written.isascii() and not _BAD_PERCENT.search(written):
        with suppress(UnicodeDecodeError):
            decoded = unquote_to_bytes(written).decode()
    if decoded is None:
        raise InvalidEvent(
            f"the header {header} is not percent-encoded UTF-8: write %25 for %, %C3%A9 for é",
            field=field,
        )
    return decoded

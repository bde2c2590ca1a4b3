"""Text as it is stored: JSON written compactly, and words from outside made sound."""

from __future__ import annotations

import json
from typing import Any

#: ``json.dumps`` makes an encoder for every call that does not use its defaults.
_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def json_text(value: Any) -> str:
    """*value* as JSON that every database takes."""
    written = _compact(value)
    # Half a surrogate pair can come in as JSON, but databases take it escaped only.
    return written if _sound(written) else json.dumps(value, separators=(",", ":"))


def clean(text: str | None) -> str | None:
    """Text from outside as databases take it: half a surrogate pair becomes ``?``."""
    if text is None or _sound(text):
        return text
    return text.encode(errors="replace").decode()


def _sound(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def usable(text: str) -> bool:
    """Whether every database can hold *text* as it is: no NUL, no half of a surrogate pair."""
    return "\0" not in text and _sound(text)

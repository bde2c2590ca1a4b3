"""Text as it is stored: JSON written compactly, and words from outside made sound."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

#: ``json.dumps`` makes an encoder for every call that does not use its defaults.
_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def json_text(value: Any) -> str:
    """*value* as JSON that every database takes."""
    written = _compact(value)
    # Half a surrogate pair can come in as JSON, but databases take it escaped only.
    return written if _sound(written) else json.dumps(value, separators=(",", ":"))


def clean(text: str | None) -> str | None:
    """Text from outside as every database takes it: NUL and half surrogate pairs become ``?``."""
    if text is None or usable(text):
        return text
    return text.replace("\0", "?").encode(errors="replace").decode()


def _sound(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def usable(text: str) -> bool:
    """Whether every database can hold *text* as it is: no NUL, no half of a surrogate pair."""
    return "\0" not in text and _sound(text)


def without_accents(text: str) -> str:
    """Text as people write it in a hurry: ``avísame`` is ``avisame``."""
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))

"""The data of an event: bytes made into something that a rule can look into."""

from __future__ import annotations

import re
from typing import Any

from recado.domain.strict_json import read_strictly
from recado.errors import InvalidEvent

_CHARSET = re.compile(r";\s*charset=\"?([\w.:-]+)\"?", re.IGNORECASE)
#: Few, because Python's names include encodings that are none of text.
_CHARSETS = {"utf-8": "utf-8", "utf8": "utf-8", "us-ascii": "ascii", "iso-8859-1": "latin-1"}


def data_of(body: bytes, media_type: str | None, *, field: str) -> Any:
    """The JSON value or text that *body* is.

    Args:
        body: the bytes.
        media_type: what they are said to be.
        field: where they stand in the event.

    Raises:
        InvalidEvent: they are not that, or nothing a rule could look into.
    """
    kind = (media_type or "").partition(";")[0].strip().lower()
    if kind in ("application/json", "text/json") or kind.endswith("+json"):
        try:
            return read_strictly(body)
        except ValueError as error:
            raise InvalidEvent(
                f"the data is not the JSON it says it is: {error}", field=field
            ) from (None)
    if not kind.startswith("text/"):
        raise InvalidEvent(
            f"the data is {kind or 'of no stated media type'}, which nobody can watch: send JSON "
            "or text, and say which",
            field=field,
        )
    named = _CHARSET.search(media_type or "")
    charset = _CHARSETS.get(named[1].lower() if named else "utf-8")
    try:
        return body.decode(charset or "ascii")
    except ValueError:
        raise InvalidEvent(
            "the data is text in another encoding than it says: send UTF-8", field=field
        ) from None

"""Pages: where a listing goes on, as callers pass it back."""

from __future__ import annotations

from recado.errors import InvalidInput


def position(after: str | None, first: int = 0) -> int:
    """The number a page goes on from.

    Args:
        after: what the page before gave as next.
        first: where the first page begins.

    Raises:
        InvalidInput: it is not from a page.
    """
    if after is None:
        return first
    if not (after.isascii() and after.isdigit() and len(after) < 19):
        raise InvalidInput(f"{after!r} is no page: pass on what the page before gave as next.")
    return int(after)

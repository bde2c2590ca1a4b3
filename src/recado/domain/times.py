"""Instants and durations as people read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def moment(instant: datetime) -> str:
    """An instant as people read it, in UTC."""
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def span(length: timedelta) -> str:
    """A duration in its two largest units: ``3 min 20 s``."""
    seconds = abs(length.total_seconds())
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 10:
        return f"{seconds:.1f} s".replace(".0 ", " ")
    left = round(seconds)
    parts: list[str] = []
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count or parts:
            parts.append(f"{count} {unit}" if count else "")
        if len(parts) == 2:
            break
    return " ".join(filter(None, parts))


def when(instant: datetime | None, now: datetime) -> str:
    """An instant, and how far it is from now."""
    if instant is None:
        return "at a time that was not recorded"
    away = span(instant - now)
    return f"on {moment(instant)} ({f'in {away}' if instant > now else f'{away} ago'})"

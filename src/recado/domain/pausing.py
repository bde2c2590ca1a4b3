"""Pauses in words: what stands still, who or what stopped it, and how it goes on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from recado.domain.pause import BY_PEOPLE, Pause, PauseKind
from recado.domain.times import when


def pause_in_words(pause: Pause, now: datetime) -> str:
    """A sentence on a pause."""
    if pause.kind in BY_PEOPLE:
        who = f" by {pause.by}" if pause.by else ""
        why = f": {pause.reason}" if pause.reason else ""
        return f"{_what(pause)} was paused{who} {when(pause.since, now)}{why}."
    until = f"until {when(pause.until, now)}" if pause.until is not None else "for now"
    match pause.kind:
        case PauseKind.CREDENTIAL:
            return (
                f"The credential of the bot {pause.bot!r} was refused ({pause.reason}), so nothing "
                f"it says leaves {until}; then one delivery tries it."
            )
        case PauseKind.SERVICE_URL:
            return (
                f"The service at {pause.name} does not work ({pause.reason}), so nothing is sent "
                f"there {until}; then one delivery tries it."
            )
        case PauseKind.TENANT:
            where = f" {pause.tenant}" if pause.tenant else ""
            return (
                f"The channel {pause.channel} asked for a pause in the whole tenant{where} "
                f"({pause.reason}) {until}."
            )
        case _:
            return (
                f"The channel {pause.channel} asked for a pause in the conversation {pause.name} "
                f"({pause.reason}) {until}."
            )


def resume_command(pause: Pause) -> str | None:
    """What a person types to end a pause; None for one that ends by itself."""
    match pause.kind:
        case PauseKind.ALL:
            return "recado resume"
        case PauseKind.BOT:
            return f"recado resume --bot {pause.bot}"
        case PauseKind.CONVERSATION:
            return f"recado resume --conversation {pause.name}"
        case PauseKind.NOTIFICATION:
            return f"recado resume --notification {pause.name}"
    return None


def by_people(pauses: Sequence[Pause], now: datetime) -> list[Pause]:
    """Those of *pauses* that last until a person ends them."""
    return [each for each in pauses if each.kind in BY_PEOPLE and each.active(now)]


def _what(pause: Pause) -> str:
    match pause.kind:
        case PauseKind.BOT:
            return f"Everything the bot {pause.bot!r} says"
        case PauseKind.CONVERSATION:
            return f"The conversation {pause.name}"
        case PauseKind.NOTIFICATION:
            return f"The notification {pause.name}"
    return "Everything"

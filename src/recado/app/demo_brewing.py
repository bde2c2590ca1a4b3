"""Brewing: the demo's long answer. Tea takes a while, and the conversation goes on meanwhile."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from recado.bot.words import words_of
from recado.domain.phrases import Phrase, phrase
from recado.domain.text import without_accents

if TYPE_CHECKING:
    from microsoft_agents.hosting.core import TurnContext

    from recado.app.recado import Recado
    from recado.bot.answering import Answering

#: What people say, in both languages.
_COMMANDS: Final = (["brew", "tea"], ["prepara", "te"])
_STEPS: Final[tuple[Phrase, ...]] = ("demo_brew_water", "demo_brew_leaves", "demo_brew_wait")
#: How long each step takes.
STEP_SECONDS = 3.0


class Brewing:
    """Understands ``brew tea`` and promises a cup; the work goes on after a crash."""

    in_dialogs = False

    def __init__(self, recado: Recado) -> None:
        self._recado = recado
        recado.work("demo.brew")(self._brew)

    async def take(self, context: TurnContext) -> bool:
        """Promise, and let the turn end; whether that was asked for."""
        if [without_accents(word) for word in words_of(context.activity)] not in _COMMANDS:
            return False
        locale = context.activity.locale
        await self._recado.later(
            context,
            "demo.brew",
            {"locale": locale},
            ack=phrase("demo_brew_begun", locale),
            deadline=timedelta(minutes=2),
            fallback=phrase("demo_brew_failed", locale),
        )
        return True

    async def _brew(self, answer: Answering, payload: Any) -> None:
        for number, step in enumerate(_STEPS):
            await answer.progress(number / len(_STEPS), phrase(step, payload["locale"]))
            await self._recado.clock.wait(asyncio.Event(), STEP_SECONDS)
        await answer.send(phrase("demo_brew_done", payload["locale"]))

"""A bot that tells prices to whom it may, and that people can stop, mute, and ask why.

Run it with ``RECADO_DEMO=1 recado serve --app consent_bot:bot`` and open the page it names, or
without ``RECADO_DEMO`` and connect the Agents Playground. Say ``price 3``, which tells everybody
who wants to hear of prices, in one window; in the other ``stop prices``, ``mute 2h``, ``resume``,
``why did I get this?``, ``para precios``.
"""

from __future__ import annotations

from typing import Any

from microsoft_agents.activity import TurnContextProtocol
from microsoft_agents.hosting.core import ActivityHandler, Agent

from recado import Consent, Recado

#: Kinds of messages, with the words people have for them.
CATEGORIES = {"prices": ["price", "precios"], "news": ["noticias"]}


class Prices(ActivityHandler):
    """Hears of prices, and tells them on."""

    def __init__(self, recado: Recado) -> None:
        self._recado = recado

    async def on_message_activity(self, turn_context: TurnContextProtocol[Any]) -> None:
        """Whatever is not about consent comes here."""
        words = (turn_context.activity.text or "").split()
        if words[:1] == ["price"] and len(words) == 2:
            # Who does not want to hear of prices is left out when it leaves.
            text = f"Apples cost {words[1]} now."
            await self._recado.notify("everyone", text, category="prices")
        else:
            await turn_context.send_activity("I tell you what apples cost.")


def bot(recado: Recado) -> Agent:
    """What ``recado serve --app`` takes: the bot for a Recado."""
    recado.use(Consent(recado, categories=CATEGORIES))
    return Prices(recado)

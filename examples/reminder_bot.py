"""A bot that people have themselves reminded by, and that asks once itself when nobody answers.

Run it with ``RECADO_DEMO=1 recado serve --app reminder_bot:bot`` and open the page it names, or
without ``RECADO_DEMO`` and connect the Agents Playground. Say ``remind me in 1 minute to call
Ana``, ``recuérdame mañana a las 9 llamar a Ana``, ``remind me every monday at 9 to write the
report``, ``reminders``, ``cancel 1``; or ``hello``, and nothing for a quarter of an hour.
"""

from __future__ import annotations

from datetime import timedelta

from microsoft_agents.hosting.core import Agent, TurnContext

from recado import Recado, Reminders


class Asking(Agent):
    """Comes back to what it asked, unless it is answered before."""

    def __init__(self, recado: Recado) -> None:
        self._recado = recado

    async def on_turn(self, context: TurnContext) -> None:
        """Whatever is not about reminders comes here."""
        if context.activity.type != "message":
            return
        reference = await self._recado.remember(context)
        await context.send_activity("What can I do for you?")
        await self._recado.schedules.create(
            f"conversation:{reference.id}",
            "I am still here if you need me.",
            after=timedelta(minutes=15),
            unless_spoken=True,
        )


def bot(recado: Recado) -> Agent:
    """What ``recado serve --app`` takes: the bot for a Recado."""
    # Everything about reminders is answered before the bot is asked.
    recado.use(Reminders(recado))
    return Asking(recado)

"""A bot of a shop that tells people when a price has fallen; once, and only while it is true.

Run it with ``RECADO_DEMO=1 recado serve --app price_bot:bot`` and open the page it names. Say
``watch tea drop 20%`` in one window and ``deals`` in the other, and press *Drop 20 %* until both
are told. The button says what the shop's own program would; ``recado emit tea 4.50`` in another
terminal says it as well.
"""

from __future__ import annotations

from microsoft_agents.hosting.core import Agent, TurnContext

from recado import Recado, Watching


class Shop(Agent):
    """Whoever says ``deals`` is told of every good offer of the shop's tea."""

    def __init__(self, recado: Recado) -> None:
        self._recado = recado

    async def on_turn(self, context: TurnContext) -> None:
        """Whatever is not about watches comes here."""
        if context.activity.type != "message":
            return
        if (context.activity.text or "").strip().lower() != "deals":
            await context.send_activity('Say "deals", or for example "watch tea drop 20%".')
            return
        reference = await self._recado.remember(context)
        await self._recado.watches.create(
            f"conversation:{reference.id}",
            subject="tea",
            rule="below 5",
            text="A deal: {subject} for {value}!",
            repeat=True,
            key=f"deals:{reference.id}",  # whoever says it twice is told once
            asked_at=self._recado.clock.now(),
        )
        await context.send_activity("I will tell you when tea is below 5.")


def bot(recado: Recado) -> Agent:
    """What ``recado serve --app`` takes: the bot for a Recado."""
    # People say themselves what they want to be told of, in English or Spanish.
    recado.use(Watching(recado))
    return Shop(recado)

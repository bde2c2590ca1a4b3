"""A bot whose answers take a while, and that listens meanwhile.

Run it with ``RECADO_DEMO=1 recado serve --app long_answer_bot:bot`` and open the page it names, or
without ``RECADO_DEMO`` and connect the Agents Playground. Say ``report 3``, and something else
while it is written; kill the process in the middle and start it again: the report goes on.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from microsoft_agents.hosting.core import Agent, TurnContext

from recado import Recado
from recado.bot.answering import Answering

#: How long one chapter takes to write.
CHAPTER_SECONDS = 5.0


class ReportBot(Agent):
    """Writes reports, and repeats everything else."""

    def __init__(self, recado: Recado) -> None:
        self._recado = recado

    async def on_turn(self, context: TurnContext) -> None:
        """Promise a report and let the turn end, so that the conversation goes on."""
        words = (context.activity.text or "").split()
        if words[:1] == ["report"] and words[1:2] and words[1].isdecimal():
            await self._recado.later(
                context,
                "report",
                {"chapters": min(int(words[1]), 100)},
                ack="On it. You will have it in a while; go on meanwhile.",
                deadline=timedelta(minutes=10),
                fallback="The report was not ready in time. Shall I try a shorter one?",
            )
        elif words[:1] == ["joke"]:
            # A function that nobody else could go on with. If this process ends before it does,
            # the person is told.
            await self._recado.later(context, tell_joke, ack="Let me think…", resumable=False)
        elif words:
            await context.send_activity(f"You said: {' '.join(words)}")


async def write_report(answer: Answering, payload: Any) -> None:
    """The work behind a report: it runs after the turn, and again after a crash."""
    for chapter in range(1, payload["chapters"] + 1):
        await answer.progress((chapter - 1) / payload["chapters"], f"Writing chapter {chapter}")
        await asyncio.sleep(CHAPTER_SECONDS)
    await answer.send(f"Your report has {payload['chapters']} chapters.")


async def tell_joke(answer: Answering, _: Any) -> None:
    """A work that is not registered."""
    await asyncio.sleep(1)
    await answer.send("A bot walks into a bar. It is still waiting for its answer.")


def bot(recado: Recado) -> ReportBot:
    """What ``recado serve --app`` takes: the bot for a Recado, with its works registered."""
    recado.work("report")(write_report)
    return ReportBot(recado)

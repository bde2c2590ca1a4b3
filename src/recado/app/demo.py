"""The demo's bot: the jobs bot of the documents, with the parts that any bot can use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from recado.app.demo_brewing import Brewing
from recado.bot.jobs_bot import create_jobs_bot
from recado.bot.ready.consenting import Consent
from recado.bot.ready.quiet_hours import QuietHours
from recado.bot.ready.reminders import Reminders
from recado.bot.ready.subscriptions import Subscriptions
from recado.bot.ready.watching import Watching

if TYPE_CHECKING:
    from microsoft_agents.hosting.core import Agent

    from recado.app.recado import Recado
    from recado.bot.parts import Part
    from recado.domain.phrases import Phrase


def demo_parts(recado: Recado) -> Sequence[tuple[Part, Phrase]]:
    """What the demo's bot understands besides jobs: each part, and what the help says of it."""
    return (
        (Reminders(recado), "demo_reminders_help"),
        (Watching(recado), "watching_help"),
        (Brewing(recado), "demo_brew_help"),
        (Subscriptions(recado), "demo_topics_help"),
        (QuietHours(recado), "demo_hours_help"),
        # The last, because it answers "stop" with any one word after it.
        (Consent(recado), "demo_consent_help"),
    )


def create_demo_bot(recado: Recado) -> Agent:
    """Make the bot, and have *recado* use its parts."""
    parts = demo_parts(recado)
    recado.use(*(part for part, _ in parts))
    return create_jobs_bot(recado.bridge, also=[said for _, said in parts])


async def prepare_demo(recado: Recado) -> None:
    """Make what the demo's bot speaks of: a topic to subscribe to. Twice changes nothing."""
    await recado.topics.create("news", title="what is new")

"""Long answers put together: what promises them, runs them, and shows that."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from recado.answers import Answers, Ending, Saying
from recado.bot.answering import BotAnswers
from recado.bot.contexts import Contexts
from recado.channel.paced import PacedChannel
from recado.clock import Clock
from recado.engine.typing import Typing
from recado.engine.works import Works, WorksSettings
from recado.outbox import Outbox
from recado.references import References
from recado.store.port import Store
from recado.telemetry import Telemetry

if TYPE_CHECKING:
    from recado.config import Settings


class LongAnswers:
    """Everything around long answers.

    Args:
        settings: how many works at once, and how long leases and the last grace are.
        store: where they are.
        outbox: accepts what is said.
        references: how conversations are reached.
        channel: takes typing, at its pace.
        clock: the time.
        telemetry: told of what ends.
        owner: this process's name in leases.

    Attributes:
        answers: what was promised.
        bot: the same for a bot's code.
        works: runs works.
        typing: shows that.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - everything they work with
        self,
        settings: Settings,
        store: Store,
        outbox: Outbox,
        references: References,
        channel: PacedChannel,
        clock: Clock,
        telemetry: Telemetry,
        *,
        owner: str,
    ) -> None:
        lease = timedelta(seconds=settings.lease_seconds)
        bot = settings.bot
        self.answers = Answers(store, clock, bot=bot, owner=owner, lease=lease)
        saying = Saying(store, outbox, references, clock, bot=bot)
        ending = Ending(store, saying, outbox, references, clock, telemetry)
        contexts = Contexts(store, references, clock, bot=bot)
        self.bot = BotAnswers(self.answers, saying, contexts, clock, bot=bot)
        self.typing = Typing(channel, references, clock, telemetry)
        self.works = Works(
            store,
            ending,
            self.bot,
            self.typing,
            clock,
            telemetry,
            owner=owner,
            settings=WorksSettings(
                at_once=settings.works,
                lease=lease,
                grace=timedelta(seconds=settings.works_grace_seconds),
            ),
        )
        self.bot.run_by(self.works, self.typing)
        self.answers.on_change(self.works.wake, self.works.drop)

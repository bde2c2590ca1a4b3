"""docs/moments.md does what it says: its code runs, and its table and times are ours."""

from __future__ import annotations

import ast
import inspect
import re
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

from microsoft_agents.hosting.core import Agent, TurnContext

from recado import Recado
from recado.domain.notification import Mode
from recado.domain.politeness.busy import BUSY_AT_MOST, BUSY_FOR, MAX_WAIT, QUIET, TURN_LEASE
from recado.domain.question import ANSWER_WITHIN
from recado.testing import FakeConnector, wired
from tests.bot.kit import Request, make_adapter, message

_PAGE = (Path(__file__).parents[2] / "docs" / "moments.md").read_text("utf-8")


async def _run(block: str, names: dict[str, Any]) -> None:
    """Run a block of code that may wait."""
    code = compile(block, "docs/moments.md", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    found = eval(code, names)  # noqa: S307 - our own page
    if inspect.isawaitable(found):
        await found


async def test_the_code_runs() -> None:
    """Four notifications leave, and the answer to the one that asks goes to its handler."""
    async with FakeConnector() as channel, wired(channel) as recado:
        adapter, bot = make_adapter(), _Bot()
        recado.attach(adapter, bot)

        async def say(text: str) -> None:
            told = message(text, serviceUrl=channel.url)
            await adapter.process_request(Request(told), bot)

        await say("hello")
        names: dict[str, Any] = {"recado": recado}
        for block in re.findall(r"```python\n(.*?)```", _PAGE, re.DOTALL):
            await _run(block, names)
        bot.runs = names["on_message"]
        await channel.until(2)
        asked = await _delivered(recado, "Which size of hat?")
        await recado.outbox.wait(asked, 10)
        await say("54")
        await say("busy")
        await channel.until(4)
    said = channel.texts["a:ana"]
    assert "Size 54 for order 17, thank you." in said
    assert "By the way: there is a new menu." in said


async def _delivered(recado: Recado, text: str) -> str:
    from recado.store.port import DeliveryFilter  # noqa: PLC0415 - for this alone

    page = await recado.outbox.deliveries(DeliveryFilter())
    for each in page.items:
        if text in str((await recado.outbox.delivery(each.id)).content):
            return each.notification_id
    raise AssertionError(text)


class _Bot(Agent):
    """Runs what the page says a bot may do."""

    runs: Any = None

    async def on_turn(self, context: TurnContext) -> None:
        if context.activity.text == "busy":
            await self.runs(context)


def test_every_mode_is_in_the_table() -> None:
    """And nothing else."""
    table = _PAGE.partition("|---|---|\n")[2]
    modes = re.findall(r"^\| `(\w+)`(?: \(default\))? \|", table, re.MULTILINE)[:5]
    assert modes == list(get_args(Mode))


def test_the_times_are_ours() -> None:
    """Those that hold unless something else is said."""
    assert "`quiet` (30 s)" in _PAGE
    assert timedelta(seconds=30) == QUIET
    assert "an hour unless it is said" in _PAGE
    assert timedelta(hours=1) == MAX_WAIT
    assert "ends\n  after a minute" in _PAGE
    assert timedelta(minutes=1) == TURN_LEASE
    assert "ten minutes unless `for_` says otherwise, a day at most" in _PAGE
    assert (timedelta(minutes=10), timedelta(days=1)) == (BUSY_FOR, BUSY_AT_MOST)
    assert "if it does not, for a day" in _PAGE
    assert timedelta(days=1) == ANSWER_WITHIN

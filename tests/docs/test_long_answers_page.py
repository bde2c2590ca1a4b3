"""docs/long-answers.md does what it says: its code runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from recado.domain.answer import AnswerState
from tests.answers.kit import Stage, play

_PAGE = (Path(__file__).parents[2] / "docs" / "long-answers.md").read_text("utf-8")


def _names() -> dict[str, Any]:
    names: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", _PAGE, re.DOTALL):
        exec(compile(block, "docs/long-answers.md", "exec"), names)  # noqa: S102 - our own page
    return names


def test_the_code_runs() -> None:
    """From the first block to the last."""

    async def scene(stage: Stage) -> None:
        names = _names()
        bot = names["Bot"](stage.recado)
        stage.bot.turns["May"] = bot.on_turn

        async def joke(context: Any) -> None:
            await names["promise_joke"](stage.recado, context)

        stage.bot.turns["joke"] = joke
        await stage.say("May")
        await stage.over(AnswerState.DONE)
        await stage.say("joke")
        await stage.until(lambda: len(stage.ended) == 2)
        await stage.quiet()
        assert stage.texts() == [
            "On it…",
            "May had 12 orders.",
            "Let me think…",
            "The bot? It is still in the queue.",
        ]
        assert await names["look"](stage.recado) == []

    play(scene)


def test_every_state_is_explained() -> None:
    """In the table, or in the sentence below it."""
    table = _PAGE.partition("| state |")[2].partition("## ")[0]
    assert set(re.findall(r"`(\w+)`", table)) >= {str(state) for state in AnswerState}

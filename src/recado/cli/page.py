"""docs/cli.md, written from the program itself: ``python -m recado.cli.page > docs/cli.md``."""

from __future__ import annotations

import inspect
import sys
import textwrap
from collections.abc import Iterator
from typing import Any

import typer
from typer.main import get_command

from recado.cli.invocation import SHARED_PANEL
from recado.cli.program import app

_INTRODUCTION = """\
# The command line

<!-- Written by `python -m recado.cli.page`; change the program, not this page. -->

`recado` runs Recado, says things, and shows what became of them. Results go to stdout, remarks,
progress and problems to stderr. In a terminal there are tables and colour; into a pipe go plain
lines with tabs between the columns, and with `--json` one JSON document whose field names are the
words of the [glossary](glossary.md) and do not change. A list is an object with `items` and `next`;
`--after` with that `next` shows the following page. A problem is a JSON object with `code`,
`detail` and `exit_code`. `recado --version` says the version.
"""


def page() -> str:
    """The whole page, in Markdown."""
    # Typer keeps Click to itself and gives its objects no public type.
    program: Any = get_command(app)
    context = typer.Context(program, info_name="recado")
    parts = [
        _INTRODUCTION,
        "## Options of every command\n",
        _options(program, context, shared=True),
    ]
    parts += [f"{_block(part)}\n" for part in _paragraphs(program.epilog)]
    for path, command, inner in _commands(program, context):
        parts += _section(path, command, inner)
    return "\n".join(parts).rstrip() + "\n"


def _commands(group: Any, context: Any) -> Iterator[tuple[str, Any, Any]]:
    """Every command below *group*, with what is typed for it and its context."""
    for name, command in group.commands.items():
        inner = typer.Context(command, info_name=name, parent=context)
        if hasattr(command, "commands"):
            yield from _commands(command, inner)
        else:
            yield inner.command_path, command, inner


def _section(path: str, command: Any, context: Any) -> Iterator[str]:
    yield f"## {path}\n"
    usage = " ".join(command.collect_usage_pieces(context))
    yield f"```text\n{path} {usage}\n```\n"
    yield f"{inspect.cleandoc(command.help)}\n"
    own = _options(command, context, shared=False)
    if own:
        yield own
    for part in _paragraphs(command.epilog):
        yield f"{_block(part)}\n"


def _options(command: Any, context: Any, *, shared: bool) -> str:
    rows = []
    for each in command.params:
        record = each.get_help_record(context)
        if (each.rich_help_panel == SHARED_PANEL) == shared and record is not None:
            name, meaning = (" ".join(part.split()).replace("|", "\\|") for part in record)
            rows.append(f"| `{name}` | {meaning} |")
    if not rows:
        return ""
    return "\n".join(["| Option | Meaning |", "|---|---|", *rows, ""])


def _paragraphs(epilog: str | None) -> list[str]:
    return (epilog or "").replace("\b\n", "").split("\n\n") if epilog else []


def _block(paragraph: str) -> str:
    """A heading and its indented lines, as text and a block of code."""
    title, *lines = paragraph.split("\n")
    code = textwrap.dedent("\n".join(lines))
    return f"{title}\n\n```text\n{code}\n```"


if __name__ == "__main__":
    sys.stdout.write(page())

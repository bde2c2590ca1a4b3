"""Help: quick, complete, and the same as docs/cli.md."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from recado.cli.page import page
from tests.cli.kit import Run

_DOCS = Path(__file__).parents[2] / "docs" / "cli.md"

COMMANDS = (
    "demo",
    "serve",
    "worker",
    "send",
    "jobs list",
    "jobs complete",
    "deliveries list",
    "deliveries show",
    "deliveries explain",
    "deliveries retry",
    "deliveries cancel",
    "references list",
    "references show",
    "migrate",
    "export",
    "import",
    "doctor",
    "fake-channel",
)


def test_the_page_is_up_to_date() -> None:
    """Mend with: python -m recado.cli.page > docs/cli.md."""
    assert _DOCS.read_text("utf-8") == page()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_worth_reading(run: Run, command: str) -> None:
    """What it does, an example, and the options every command has; the page has it as well."""
    ended = run(*command.split(), "--help")
    assert ended.code == 0
    assert "Examples:" in ended.out
    assert f"recado {command}" in ended.out
    for option in ("--json", "--database-url", "--env-file", "--verbose", "--debug"):
        assert option in ended.out
    assert f"## recado {command}\n" in page()


@pytest.mark.parametrize(
    ("command", "usage"),
    [
        ("jobs complete", "[OPTIONS] N"),
        ("deliveries show", "[OPTIONS] ID"),
        ("deliveries cancel", "[OPTIONS] ID..."),
    ],
)
def test_what_is_required_has_no_braces(run: Run, command: str, usage: str) -> None:
    """They are no notation people know."""
    first = run(*command.split(), "--help").out.splitlines()[0]
    assert first.endswith(f"recado {command} {usage}")
    assert f"\nrecado {command} {usage}\n" in page()


def test_the_first_page_has_variables_and_codes(run: Run) -> None:
    """What a reader of scripts and of deployments looks for."""
    ended = run("--help")
    assert ended.code == 0
    for words in ("Environment", "RECADO_DATABASE_URL", "Exit codes:", "recado demo", "130"):
        assert words in ended.out


def test_without_a_command_there_is_help(run: Run) -> None:
    """On stderr, and as a wrong use of the command line."""
    ended = run()
    assert ended.code == 2
    assert "Commands:" in ended.err
    assert run("jobs").code == 2


def test_the_version(run: Run) -> None:
    """What a report of a fault begins with."""
    ended = run("--version")
    assert ended.code == 0
    assert ended.out.startswith("recado ")
    assert "Python" in ended.out
    assert "SQLite" in ended.out


def test_help_imports_nothing_heavy() -> None:
    """Frameworks are imported by the commands that need them, so help and completion are quick."""
    heavy = ("fastapi", "uvicorn", "pydantic", "microsoft_agents", "rich", "aiohttp", "pyreqwest")
    script = (
        "import sys; from recado.cli import main; main(['--help']); "
        f"sys.exit(', '.join(set({heavy!r}) & set(sys.modules)) or 0)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=30
    )
    assert ended.stderr == ""
    assert ended.returncode == 0

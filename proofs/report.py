"""What a proof prints: a table of figures, and whether what is claimed of them holds."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing a proof shows.

    Attributes:
        what: in words.
        holds: whether it is true.
        figures: what it was told from.
    """

    what: str
    holds: bool
    figures: str = ""


class Report:
    """Prints, and remembers whether anything failed."""

    def __init__(self) -> None:
        self._console = Console(width=None if os.isatty(1) else 110, highlight=False)
        self.failed = False

    def say(self, text: str) -> None:
        """A line."""
        self._console.print(text, markup=False)

    def table(self, title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """A table; all but the first column are figures."""
        table = Table(title=title, title_justify="left")
        for number, column in enumerate(columns):
            table.add_column(column, justify="right" if number else "left")
        for row in rows:
            table.add_row(*map(str, row))
        self._console.print(table)

    def claims(self, claims: Iterable[Claim]) -> None:
        """What holds, and what does not."""
        for claim in claims:
            self.failed |= not claim.holds
            figures = f" ({claim.figures})" if claim.figures else ""
            self.say(f"{'holds ' if claim.holds else 'FAILED'}  {claim.what}{figures}")


def load() -> str:
    """How busy the machine is, for whoever reads the figures."""
    try:
        return f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    except OSError:
        return f"{os.cpu_count()} cores"

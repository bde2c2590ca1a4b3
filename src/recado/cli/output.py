"""What a command prints: tables and colour for people, plain lines for pipes, JSON for programs."""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

#: Takes how much is done and, once it is known, how much there is.
Advance = Callable[[int, int | None], None]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a listing.

    Attributes:
        title: what stands above it.
        cell: reads its text from a record.
        rank: in a narrow terminal columns of a higher rank are left out first; 0 always stays.
        whole: whether half of it is worthless, as of an id that is to be copied. Other columns
            shrink and end in an ellipsis.
    """

    title: str
    cell: Callable[[Mapping[str, Any]], object]
    rank: int = 0
    whole: bool = False


class Output:
    """Where a command's results go. Notes and progress go to stderr, so stdout stays clean.

    Attributes:
        json: whether stdout is for a program: one JSON document and nothing else.
    """

    def __init__(self, *, json: bool) -> None:
        self.json = json

    def document(self, document: Mapping[str, Any]) -> None:
        """Print one JSON document."""
        utf8 = (sys.stdout.encoding or "").replace("-", "").lower() == "utf8"
        text = json.dumps(document, ensure_ascii=not utf8, indent=2)
        # Half a surrogate pair, which a channel may have sent, has no UTF-8.
        text = text.encode("utf-8", "backslashreplace").decode()
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

    def say(self, text: str = "") -> None:
        """Print a line for people; nothing when the output is JSON."""
        if not self.json:
            sys.stdout.write(f"{printable(text)}\n")
            sys.stdout.flush()

    def note(self, text: str) -> None:
        """Print a remark that is no result, to stderr; nothing when the output is JSON."""
        if not self.json:
            sys.stderr.write(f"{printable(text)}\n")

    def listing(
        self,
        items: Sequence[Mapping[str, Any]],
        following: str | None,
        columns: Sequence[Column],
        *,
        nothing: str,
    ) -> None:
        """Print one page of records.

        Args:
            items: the records, as they stand in JSON.
            following: cursor of the next page, if there is one.
            columns: what is shown of them to people.
            nothing: said instead of an empty table.
        """
        if self.json:
            self.document({"items": list(items), "next": following})
            return
        if not items:
            self.note(nothing)
            return
        rows = [[_cell(column.cell(item)) for column in columns] for item in items]
        if sys.stdout.isatty():
            left_out = _draw(columns, rows)
            if left_out:
                names = ", ".join(column.title for column in left_out)
                self.note(f"No room for: {names}. A wider terminal, a pipe or --json shows them.")
        else:
            for row in ([column.title for column in columns], *rows):
                sys.stdout.write("\t".join(row) + "\n")
        if following is not None:
            self.note(f"There are more: --after {following!r} shows them.")

    def facts(self, facts: Mapping[str, object]) -> None:
        """Print names and values, one pair a line; those without a value are left out."""
        given = {name: _cell(value) for name, value in facts.items() if value not in (None, "")}
        width = max(map(len, given), default=0)
        for name, value in given.items():
            self.say(f"{name:<{width}}  {value}")

    @contextmanager
    def progress(self, title: str) -> Iterator[Advance]:
        """Show how far long work has come while the block runs, in a terminal only."""
        if self.json or not sys.stderr.isatty():
            yield lambda _done, _total: None
            return
        # Imported here, where somebody looks at it: most commands draw nothing.
        from rich.console import Console
        from rich.progress import Progress

        with Progress(console=Console(stderr=True), transient=True) as shown:
            task = shown.add_task(title, total=None)
            yield lambda done, total: shown.update(task, completed=done, total=total)


def printable(text: str) -> str:
    """*text* without what steers a terminal: names and messages come from strangers."""
    return "".join(
        letter
        if letter == "\n" or unicodedata.category(letter)[0] != "C"
        else "\N{SYMBOL FOR NULL}"
        for letter in text
    )


def iso(instant: datetime) -> str:
    """An instant as it stands in JSON: RFC 3339, in UTC."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def shown_time(stamp: str | None) -> str:
    """A time of a record as a table shows it: to the second, in UTC."""
    return "" if stamp is None else f"{stamp[:10]} {stamp[11:19]}"


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return printable(" ".join(str(value).split()))


#: Blanks between two columns.
_GAP = 2
#: A column that shrinks is left out before it is narrower than this, or than its title.
_NARROWEST = 8


def _draw(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> list[Column]:
    """Draw a table as wide as the terminal; the columns it has no room for."""
    # Imported here, where somebody looks at it: pipes and programs get plain text.
    from rich.box import SIMPLE_HEAD
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    natural = [
        max(cell_len(text) for text in (column.title, *(row[place] for row in rows)))
        for place, column in enumerate(columns)
    ]
    console = Console()
    empty = {place for place in range(len(columns)) if not any(row[place] for row in rows)}
    widths = _widths(columns, natural, empty, console.width)
    # What cannot be left out may be wider than the terminal: then the terminal breaks its lines.
    console.width = max(console.width, sum(widths.values()) + _GAP * (len(widths) - 1))
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for place, width in widths.items():
        table.add_column(columns[place].title, width=width, no_wrap=True, overflow="ellipsis")
    for row in rows:
        cells = [row[place] for place in widths]
        table.add_row(*(Text(cell, style=_STYLES.get(cell, "")) for cell in cells))
    console.print(table)
    return [
        column for place, column in enumerate(columns) if place not in widths and place not in empty
    ]


def _widths(
    columns: Sequence[Column], natural: Sequence[int], empty: Collection[int], room: int
) -> dict[int, int]:
    """How wide each column is drawn, by its place; those there is no room for are missing."""
    least = {
        place: natural[place]
        if column.whole
        else min(natural[place], max(_NARROWEST, len(column.title)))
        for place, column in enumerate(columns)
    }
    kept: dict[int, int] = {}
    left = room + _GAP
    # What is empty tells nothing, so it comes last.
    for place in sorted(least, key=lambda place: (place in empty, columns[place].rank)):
        need = least[place] + _GAP
        if need <= left or columns[place].rank == 0:
            kept[place] = least[place]
            left -= need
    for place in sorted(kept, key=lambda place: columns[place].rank):
        more = max(0, min(natural[place] - kept[place], left))
        kept[place] += more
        left -= more
    return dict(sorted(kept.items()))


#: States and healths that stand out in a table.
_STYLES = {
    "delivered": "green",
    "rejected": "red",
    "expired": "red",
    "unknown": "yellow",
    "held": "yellow",
    "retrying": "yellow",
    "blocked": "red",
    "uninstalled": "red",
    "policy": "red",
    "gone": "red",
    "suspect": "yellow",
}

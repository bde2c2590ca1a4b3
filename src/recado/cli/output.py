"""What a command prints: tables and colour for people, plain lines for pipes, JSON for programs."""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
    """

    title: str
    cell: Callable[[Mapping[str, Any]], object]


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
            _draw([column.title for column in columns], rows)
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


def _draw(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    # Imported here, where somebody looks at it: pipes and programs get plain text.
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for title in titles:
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell, style=_STYLES.get(cell, "")) for cell in row))
    Console().print(table)


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

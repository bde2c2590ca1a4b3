"""What was promised, held against what was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rich import box
from rich.table import Table

from benchmarks import peers
from benchmarks.report import Delay, Round, ratio

#: How many times another sender's messages for a second of CPU Recado is to deliver.
_TIMES: Final = {
    "agents_sdk": 15.0,
    "procrastinate": 15.0,
    "dbos_sqlite": 70.0,
    "dbos_postgres": 70.0,
    "botbuilder": 100.0,
}
_TITLES: Final = {
    "agents_sdk": "the Agents SDK",
    "procrastinate": "Procrastinate",
    "dbos_sqlite": "DBOS on SQLite",
    "dbos_postgres": "DBOS on PostgreSQL",
    "botbuilder": "botbuilder",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """One promise.

    Attributes:
        what: what was measured.
        found: the figure; None when it was not measured.
        wanted: what it is to be.
        at_least: whether more is better.
        unit: what the figure counts.
        note: what should be known about it.
    """

    what: str
    found: float | None
    wanted: float
    at_least: bool
    unit: str = ""
    note: str = ""

    @property
    def reached(self) -> bool | None:
        """Whether it is kept; None when it was not measured."""
        if self.found is None:
            return None
        return self.found >= self.wanted if self.at_least else self.found <= self.wanted

    def told(self) -> dict[str, Any]:
        """As it is written to the file."""
        return {
            "what": self.what,
            "found": self.found,
            "wanted": self.wanted,
            "at_least": self.at_least,
            "unit": self.unit,
            "reached": self.reached,
            "note": self.note,
        }


def goals(
    near: Sequence[Round],
    tls: Sequence[Round],
    echo: Sequence[Round],
    delays: Mapping[str, Delay],
) -> list[Goal]:
    """Every promise of a run of the benchmarks, measured or not."""
    return [*_times(near), *_shares(near, tls), *_delays(delays), *_turns(echo)]


def _times(near: Sequence[Round]) -> list[Goal]:
    """Recado's two ways against every other sender."""
    return [
        Goal(
            what=f"{_words(mine)}, times {_TITLES[other]}",
            found=ratio(mine, [other], near),
            wanted=wanted,
            at_least=True,
            unit="x",
        )
        for other, wanted in _TIMES.items()
        for mine in peers.RECADO
    ]


def _shares(near: Sequence[Round], tls: Sequence[Round]) -> list[Goal]:
    """Recado's two ways against the fastest client that only posts."""
    return [
        Goal(
            what=f"{_words(mine)}, share of the fastest client{how}",
            found=ratio(mine, peers.BARE, rounds),
            wanted=0.5,
            at_least=True,
            note="0.6 would make us proud",
        )
        for how, rounds in (("", near), (" over TLS", tls))
        for mine in peers.RECADO
    ]


def _delays(delays: Mapping[str, Delay]) -> list[Goal]:
    found = delays.get("recado_notify")
    return [
        Goal(
            what="notify() to arrival, p50",
            found=None if found is None else found.p50,
            wanted=5,
            at_least=False,
            unit=" ms",
        ),
        Goal(
            what="notify() to arrival, p99",
            found=None if found is None else found.p99,
            wanted=25,
            at_least=False,
            unit=" ms",
        ),
    ]


def _turns(echo: Sequence[Round]) -> list[Goal]:
    """A ratio of messages for a second of CPU turned into one of cost."""
    alone, attached = peers.ECHO
    faster = ratio(attached, [alone], echo)
    cost = None if not faster else 1 / faster
    return [
        Goal(
            what="echo turn, cost to one without Recado: capture",
            found=cost,
            wanted=0.75,
            at_least=False,
            note="measured with the turn lock, which is always on",
        ),
        Goal(
            what="echo turn, cost to one without Recado: turn lock, presence",
            found=cost,
            wanted=1.0,
            at_least=False,
            note="the same figure: presence does not exist yet",
        ),
    ]


def _words(mine: str) -> str:
    return {"recado_broadcast": "a broadcast", "recado_notify": "single notify()"}[mine]


def table(title: str, told: Sequence[Goal]) -> Table:
    """The promises and whether they are kept."""
    made = Table(title=title, box=box.SIMPLE_HEAD, padding=0, pad_edge=False)
    made.add_column("goal")
    for heading in ("found", "wanted"):
        made.add_column(heading, justify="right", no_wrap=True)
    made.add_column("", justify="center")
    for each in told:
        found = "-" if each.found is None else f"{number(each.found)}{each.unit}"
        sign = "≥" if each.at_least else "≤"
        mark = {True: "[green]✓[/]", False: "[red]✗[/]", None: "-"}[each.reached]
        made.add_row(each.what, found, f"{sign} {each.wanted:g}{each.unit}", mark)
    return made


def number(figure: float) -> str:
    """A figure with as many places as say something."""
    return f"{figure:,.0f}" if abs(figure) >= 100 else f"{figure:.3g}"

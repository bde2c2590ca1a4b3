"""Statements as PostgreSQL's protocol takes them: parameters are numbered there, not named."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from recado.store.queries import load_dialect
from recado.store.session import Parameters

#: A string, a comment, or a parameter; only the last is replaced.
_TOKEN: Final = re.compile(r"'(?:[^']|'')*'|--[^\n]*|(?<![:\w]):([a-z_]\w*)|\?")


class Numbered(NamedTuple):
    """A statement with ``$1``, ``$2`` …, and which named parameter is which of them."""

    text: str
    #: None where the parameters come by position.
    names: tuple[str, ...] | None

    def arguments(self, parameters: Parameters) -> tuple[Any, ...]:
        """The parameters in the order of their numbers."""
        if self.names is None:
            return tuple(parameters)
        assert isinstance(parameters, Mapping)  # noqa: S101 - it was written with names
        return tuple([parameters[name] for name in self.names])


def numbered(text: str) -> Numbered:
    """Number the parameters of a statement: each name once, each ``?`` anew."""
    names: dict[str, int] = {}
    places = 0

    def number(found: re.Match[str]) -> str:
        nonlocal places
        if found[0] == "?":
            places += 1
            return f"${places}"
        if found[1] is None:
            return found[0]
        return f"${names.setdefault(found[1], len(names) + 1)}"

    numbered_text = _TOKEN.sub(number, text)
    return Numbered(numbered_text, tuple(names) if names else None)


#: JSON that is given as a parameter.
_JSON: Final = re.compile(r"CAST\((\$\d+) AS (jsonb?)\)")


def as_text(statement: Numbered) -> Numbered:
    """The same with JSON given as text whatever codecs for JSON its connection has."""
    return statement._replace(text=_JSON.sub(r"CAST(CAST(\1 AS text) AS \2)", statement.text))


def formatted(text: str) -> str:
    """A statement as psycopg takes it: ``%(name)s`` and ``%s``."""

    def place(found: re.Match[str]) -> str:
        if found[0] == "?":
            return "%s"
        return found[0] if found[1] is None else f"%({found[1]})s"

    return _TOKEN.sub(place, text.replace("%", "%%"))


#: Every statement, by ``topic.name``.
STATEMENTS: Final = {name: numbered(text) for name, text in load_dialect("postgres").items()}

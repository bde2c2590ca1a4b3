"""Reading entries from JSON that need not fit into memory.

A file is one object, a list, an object of entries by key, or JSON Lines. One entry is in memory at
a time, with the piece of text it is read from.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, NoReturn

#: A longer entry is no reference: the SDKs' have about a thousand characters.
LONGEST: Final = 1_000_000

#: A number or an escape that a piece ends in the middle of is shorter.
_NEAR: Final = 32
_BLANK: Final = " \t\r\n"
_LITERALS: Final = ("true", "false", "null")
#: What is left of a number that ends too early, behind what is a number already.
_NUMBER_CUT: Final = re.compile(r"-|\.|[eE][+-]?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What may be a reference."""

    #: Where it begins, counted from 1.
    line: int
    #: Under which it stands, if it stands under one.
    key: str | None
    value: Any
    #: Why it is no JSON, if it is none and the next one can be read all the same.
    problem: str | None = None


class Unreadable(Exception):  # noqa: N818 - it tells about a text
    """From here on nothing can be read.

    Attributes:
        line: where that is.
        cut_short: whether the text just ends too early.
    """

    def __init__(self, line: int, *, cut_short: bool = False, why: str = "") -> None:
        self.line, self.cut_short = line, cut_short
        super().__init__(
            f"it ends in the middle of line {line}" if cut_short else f"line {line}: {why}"
        )


def are_lines(head: str) -> bool:
    """Whether a text that begins with *head* is JSON Lines: an object a line."""
    first, newline, rest = head.lstrip(_BLANK).partition("\n")
    if not newline or not rest.strip(_BLANK):
        return False
    try:
        return isinstance(_DECODER.decode(first), dict)
    except (ValueError, RecursionError):
        return False


def entries(
    pieces: Iterable[str], *, lines: bool, is_field: Callable[[str], bool]
) -> Iterator[Entry]:
    """The entries of a text, in their order.

    Args:
        pieces: the text.
        lines: whether it is JSON Lines.
        is_field: whether a key is a field of an entry, so that the object it is the first key of
            is one entry, and not an object of entries by key.

    Raises:
        Unreadable: what was not given yet cannot be read.
    """
    text = _Text(pieces)
    if lines:
        yield from _of_lines(text)
        return
    if not text.peek():
        raise Unreadable(1, why="there is nothing in it")
    while following := text.peek():
        if following == "[":
            yield from _of_list(text)
        elif following == "{":
            yield from _of_object(text, is_field)
        else:
            line = text.line
            yield Entry(line=line, key=None, value=text.value())


def _of_lines(text: _Text) -> Iterator[Entry]:
    while (told := text.whole_line()) is not None:
        line, written, ended = told
        if not written.strip(_BLANK):
            continue
        try:
            yield Entry(line=line, key=None, value=_DECODER.decode(written))
        except (ValueError, RecursionError) as error:
            if not ended and isinstance(error, json.JSONDecodeError) and _is_cut(error):
                raise Unreadable(line, cut_short=True) from None
            yield Entry(line=line, key=None, value=None, problem=_why(error))


def _of_list(text: _Text) -> Iterator[Entry]:
    text.take("[")
    if text.peek() == "]":
        text.take("]")
        return
    while True:
        text.peek()
        line = text.line
        yield Entry(line=line, key=None, value=text.value())
        if text.take(",", "]") == "]":
            return


def _of_object(text: _Text, is_field: Callable[[str], bool]) -> Iterator[Entry]:
    begin = text.line
    text.take("{")
    if text.peek() == "}":
        text.take("}")
        return
    whole: dict[str, Any] | None = None
    first = True
    while True:
        text.peek()
        line = text.line
        key = text.value()
        if not isinstance(key, str):
            raise Unreadable(line, why="a key has to be a text in double quotes")
        text.take(":")
        text.peek()
        value = text.value()
        if first and is_field(key):
            whole = {}
        first = False
        if whole is None:
            yield Entry(line=line, key=key, value=value)
        else:
            whole[key] = value
        if text.take(",", "}") == "}":
            break
    if whole is not None:
        yield Entry(line=begin, key=None, value=whole)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


_DECODER: Final = json.JSONDecoder(parse_constant=_no_constant)


class _Text:
    """A text that comes in pieces and is read from the front."""

    def __init__(self, pieces: Iterable[str]) -> None:
        self._pieces = iter(pieces)
        self._text = ""
        self._at = 0
        #: Where the next character stands.
        self.line = 1

    def peek(self) -> str:
        """The next character that is not blank, which comes next then; nothing at the end."""
        while True:
            at = self._at
            while at < len(self._text) and self._text[at] in _BLANK:
                at += 1
            self._go(at)
            if at < len(self._text):
                return self._text[at]
            if not self._more():
                return ""

    def take(self, *wanted: str) -> str:
        """Read one of these characters; which one it was.

        Raises:
            Unreadable: another one comes.
        """
        found = self.peek()
        if found in wanted and found:
            self._go(self._at + 1)
            return found
        if not found or (_NUMBER_CUT.fullmatch(self._text[self._at :]) and not self._more()):
            raise Unreadable(self._last_line(), cut_short=True)
        told = " or ".join(map(repr, wanted))
        raise Unreadable(self.line, why=f"{told} is expected instead of {found!r}")

    def value(self) -> Any:
        """Read one value, whatever it is.

        Raises:
            Unreadable: it is no JSON, or not whole.
        """
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except (ValueError, RecursionError) as error:
                self._await(error)
                continue
            # A number that the piece ends with, or nearly, may go on.
            if end + _NEAR > len(self._text) and type(value) in (int, float) and self._more():
                continue
            self._go(end)
            return value

    def whole_line(self) -> tuple[int, str, bool] | None:
        """Read to the end of a line: its number, what it says, and whether a line break ends it."""
        line = self.line
        searched = self._at
        while (end := self._text.find("\n", searched)) < 0:
            searched = len(self._text) - self._at
            if self._more():
                if len(self._text) > LONGEST:
                    raise Unreadable(line, why=_TOO_LONG)
                continue
            rest = self._text[self._at :]
            self._go(len(self._text))
            return (line, rest, False) if rest else None
        written = self._text[self._at : end]
        self._go(end + 1)
        return line, written, True

    def _await(self, error: Exception) -> None:
        """Get the rest of what could not be read, if it may be for want of the rest.

        Raises:
            Unreadable: it is not.
        """
        if not isinstance(error, json.JSONDecodeError):
            raise Unreadable(self.line, why=_why(error)) from None
        near = len(error.doc) - error.pos <= _NEAR
        if near or _is_cut(error):
            if len(self._text) - self._at > LONGEST:
                raise Unreadable(self.line, why=_TOO_LONG) from None
            if self._more():
                return
            if _is_cut(error):
                raise Unreadable(self._last_line(), cut_short=True) from None
        here = self.line + self._text.count("\n", self._at, error.pos)
        raise Unreadable(here, why=_why(error)) from None

    def _last_line(self) -> int:
        return self.line + self._text.rstrip(_BLANK).count("\n", self._at)

    def _more(self) -> bool:
        piece = next(self._pieces, None)
        if piece is None:
            return False
        self._text = self._text[self._at :] + piece
        self._at = 0
        return True

    def _go(self, to: int) -> None:
        self.line += self._text.count("\n", self._at, to)
        self._at = to


_TOO_LONG: Final = f"an entry has more than {LONGEST:,} characters, so it is no reference"


def _is_cut(error: json.JSONDecodeError) -> bool:
    """Whether text that ends too early would fail like that."""
    rest = error.doc[error.pos :].strip(_BLANK)
    if error.msg.startswith("Unterminated string"):
        return True
    if "\\u" in error.msg or "\\" in error.msg:
        return len(rest) <= len("\\uffff\\uffff")
    if _NUMBER_CUT.fullmatch(rest):
        return True
    return not rest or any(literal.startswith(rest) for literal in _LITERALS)


def _why(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, json.JSONDecodeError):
        return f"it is no JSON ({error.msg[:1].lower()}{error.msg[1:]})"
    return f"it is no JSON ({error})"

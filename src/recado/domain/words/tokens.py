"""Text cut into words, numbers and signs, each with its place in the text."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_TOKEN = re.compile(r"[0-9]+|[^\W\d_]+|\S")


@dataclass(frozen=True, slots=True)
class Token:
    """A word, a run of digits, or one sign.

    Attributes:
        text: it, in lower case and without accents.
        start: where it begins in the text.
        end: where it ends.
    """

    text: str
    start: int
    end: int


class Tokens:
    """The tokens of a text; beyond either end there are empty ones."""

    def __init__(self, text: str) -> None:
        folded = fold(text)
        self._tokens = [
            Token(found.group(), found.start(), found.end()) for found in _TOKEN.finditer(folded)
        ]

    def __len__(self) -> int:
        return len(self._tokens)

    def __getitem__(self, at: int) -> Token:
        return self._tokens[at]

    def word(self, at: int) -> str:
        """The text of a token, or nothing where there is none."""
        return self._tokens[at].text if 0 <= at < len(self._tokens) else ""

    def joined(self, at: int) -> bool:
        """Whether a token follows the one before it without a space."""
        return 0 < at < len(self._tokens) and self._tokens[at].start == self._tokens[at - 1].end

    def follows(self, at: int, *words: str) -> bool:
        """Whether *words* stand at a place."""
        return all(self.word(at + n) == word for n, word in enumerate(words))


def fold(text: str) -> str:
    """*text* in lower case and without accents, each character in its place.

    Accents are often left out where people type quickly, so ``mañana`` and ``manana`` are one.
    """
    return "".join(map(_fold, text))


def _fold(char: str) -> str:
    if char < "\x80":
        return char.lower()
    base = unicodedata.normalize("NFD", char)[0].lower()
    return base if len(base) == 1 else char

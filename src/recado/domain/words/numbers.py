"""Numbers in words, English and Spanish, up to what people say of hours and days."""

from __future__ import annotations

from typing import Final

from recado.domain.words.tokens import Tokens

_ENGLISH_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
)
_ENGLISH_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_SPANISH_SMALL = (
    "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince "
    "dieciseis diecisiete dieciocho diecinueve veinte veintiuno veintidos veintitres "
    "veinticuatro veinticinco veintiseis veintisiete veintiocho veintinueve"
)
_SPANISH_TENS = "treinta cuarenta cincuenta sesenta setenta ochenta noventa"

_SMALL: Final = {
    **{word: n for n, word in enumerate(_ENGLISH_SMALL.split())},
    **{word: n for n, word in enumerate(_SPANISH_SMALL.split())},
    "a": 1,
    "an": 1,
    "un": 1,
    "una": 1,
    "veintiun": 21,
    "veintiuna": 21,
    "cien": 100,
}
_ENGLISH_ROUND: Final = {word: 20 + 10 * n for n, word in enumerate(_ENGLISH_TENS.split())}
_SPANISH_ROUND: Final = {word: 30 + 10 * n for n, word in enumerate(_SPANISH_TENS.split())}
#: Enough for any count of minutes within the longest duration, and quick to read.
_MOST_DIGITS: Final = 7


def number_at(tokens: Tokens, at: int) -> tuple[int, int] | None:
    """The whole number that stands at a place, in digits or words, and where it ends."""
    word = tokens.word(at)
    if word.isascii() and word.isdigit():
        return (int(word), at + 1) if len(word) <= _MOST_DIGITS else None
    if word in _SMALL:
        return _SMALL[word], at + 1
    if word in _ENGLISH_ROUND:
        after = at + 2 if tokens.word(at + 1) == "-" else at + 1
        ones = _ones(tokens.word(after))
        return (_ENGLISH_ROUND[word] + ones, after + 1) if ones else (_ENGLISH_ROUND[word], at + 1)
    if word in _SPANISH_ROUND:
        ones = _ones(tokens.word(at + 2)) if tokens.word(at + 1) == "y" else 0
        return (_SPANISH_ROUND[word] + ones, at + 3) if ones else (_SPANISH_ROUND[word], at + 1)
    return None


def _ones(word: str) -> int:
    value = 0 if word in {"a", "an"} else _SMALL.get(word, 0)
    return value if 1 <= value <= 9 else 0

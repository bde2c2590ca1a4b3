"""Wording: what a watch says, with places for what it saw."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, localcontext
from html import escape
from string import Formatter
from typing import Any, Final

from recado.domain.watch.values import Value, shown
from recado.errors import InvalidInput

#: What can be put into a text, by name.
NAMES: Final = ("subject", "value", "before", "change", "percent", "rule")
#: What is said where nothing is known.
UNKNOWN: Final = "unknown"
#: Said when nothing else is given.
DEFAULT: Final = "{subject}: {value} (before: {before})"
#: Fields of an activity that are read as templates.
_FIELDS: Final = ("text", "summary", "speak")


def check_wording(text: str) -> None:
    """Refuse a template that could not be filled in.

    Raises:
        InvalidInput: it names something there is not, or is not closed.
    """
    try:
        parts = list(Formatter().parse(text))
    except ValueError as error:
        raise InvalidInput(
            f"The text cannot be filled in ({error}): a brace that is meant as one is written "
            "twice, {{ or }}."
        ) from None
    for _, name, how, conversion in parts:
        if name is not None and (name not in NAMES or how or conversion):
            known = ", ".join(f"{{{each}}}" for each in NAMES)
            raise InvalidInput(
                f"There is no {{{name}}} to put into the text: there are {known}, and a brace "
                "that is meant as one is written twice."
            )


def check_words_of(activity: Mapping[str, Any]) -> None:
    """The same for what an activity says.

    Raises:
        InvalidInput: as above.
    """
    for field in _FIELDS:
        if isinstance(activity.get(field), str):
            check_wording(activity[field])


def filled(text: str, facts: Mapping[str, str]) -> str:
    """A template that was checked, filled in."""
    return text.format_map(facts)


def filled_activity(activity: Mapping[str, Any], facts: Mapping[str, str]) -> dict[str, Any]:
    """An activity whose templates were checked, filled in; in one of markup facts are text."""
    said = dict(activity)
    as_text = {name: escape(fact, quote=False) for name, fact in facts.items()}
    for field in _FIELDS:
        if isinstance(said.get(field), str):
            markup = field == "text" and said.get("textFormat") == "xml"
            said[field] = filled(said[field], as_text if markup else facts)
    return said


def facts_of(subject: str, rule: str, value: Value, before: Value | None) -> dict[str, str]:
    """What can be put into a text, by name.

    Args:
        subject: what is watched.
        rule: why it fires, in its short form.
        value: what was seen.
        before: what it was compared with, or came after.
    """
    change, percent = UNKNOWN, UNKNOWN
    if isinstance(value, Decimal) and isinstance(before, Decimal):
        with localcontext(prec=400):
            moved = value - before
            change = f"{moved:+f}"
            if before:
                share = (moved * 100 / before.copy_abs()).quantize(Decimal("0.1"))
                percent = f"{share:+f}".removesuffix(".0") + "\u00a0%"
    return {
        "subject": subject,
        "value": shown(value),
        "before": UNKNOWN if before is None else shown(before),
        "change": change,
        "percent": percent,
        "rule": rule,
    }

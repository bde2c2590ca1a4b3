"""Profiles: how settings become rules, and the rules that are recommended."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Final, Literal

from recado.domain.politeness.counting import ALL, EACH, Cap, cap_of
from recado.domain.politeness.hours import OFF, check_open, hours
from recado.domain.politeness.rules import Rules
from recado.domain.zones import zone_of
from recado.errors import InvalidInput

#: Which rules hold where the other settings say nothing.
Politeness = Literal["off", "recommended"]

#: A night's rest, not more than people read, and no bursts.
RECOMMENDED: Final = Rules(
    quiet="21:00-08:00",
    caps={ALL: Cap(10, timedelta(days=1)), EACH: Cap(3, timedelta(days=1))},
    interval=timedelta(seconds=60),
)

_WINDOWS_FORM: Final = (
    'write mon-fri 09:00-18:00, or a JSON object by category: {"": "mon-fri 09:00-18:00", '
    '"prices": "10:00-12:00"}'
)
_CAPS_FORM: Final = 'write 10/day, or a JSON object by category: {"": "10/day", "*": "3/day"}'


def rules_of(  # noqa: PLR0913 - one parameter a setting
    politeness: Politeness,
    *,
    zone: str,
    quiet: str | None,
    windows: Mapping[str, str] | None,
    spread: timedelta,
    caps: Mapping[str, Cap] | None,
    interval: timedelta | None,
) -> Rules:
    """The rules that settings make; None is a setting that says nothing.

    Raises:
        InvalidHours: they leave no time to say anything.
    """
    profile = RECOMMENDED if politeness == "recommended" else Rules()
    quiet = profile.quiet if quiet is None else quiet
    rules = Rules(
        zone=zone_of(zone).key,
        quiet=None if quiet is None or not hours(quiet) else quiet,
        windows=profile.windows if windows is None else windows,
        spread=spread,
        caps=profile.caps if caps is None else caps,
        interval=(profile.interval if interval is None else interval) or None,
    )
    for category, window in rules.windows.items():
        check_open(rules.quiet, window, category)
    check_open(rules.quiet, None)
    return rules


def read_windows(value: object) -> Mapping[str, str]:
    """Weekly windows by category, from text that people write or what was read of it.

    Raises:
        InvalidInput: it cannot be read.
    """
    windows = _by_category(value, _WINDOWS_FORM)
    for window in windows.values():
        hours(window)
    return {category: window for category, window in windows.items() if window.lower() != OFF}


def read_caps(value: object) -> Mapping[str, Cap]:
    """Caps by category, from text that people write or what was read of it.

    Raises:
        InvalidInput: it cannot be read.
    """
    if isinstance(value, str) and value.strip().lower() == OFF:
        return {}
    if isinstance(value, Mapping) and all(isinstance(cap, Cap) for cap in value.values()):
        return value
    return {category: cap_of(cap) for category, cap in _by_category(value, _CAPS_FORM).items()}


def _by_category(value: object, form: str) -> dict[str, str]:
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise InvalidInput(form) from error
    if isinstance(value, str):
        return {"": value}
    if not isinstance(value, Mapping):
        raise InvalidInput(form)
    read = {str(category): str(text) for category, text in value.items()}
    if read != value:
        raise InvalidInput(form)
    return read

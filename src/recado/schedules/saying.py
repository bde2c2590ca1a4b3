"""What a schedule says: the options of ``notify`` as they are kept until it is said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import timedelta
from enum import Enum
from typing import Any, Final

from recado.domain.schedule import Saying
from recado.errors import InvalidInput
from recado.outbox import Options

_MICROSECOND: Final = timedelta(microseconds=1)
#: What a schedule says itself.
_ITS_OWN: Final = {
    "when": "at, after, every, cron or rrule say when",
    "expires": "give expires_after, which counts from when it is said",
    "idempotency_key": "give key, which is the schedule's",
    "idempotency_scope": "give key, which is the schedule's",
    "asked_at": "it is an argument of its own",
}
_DEFAULTS: Final = {each.name: each.default for each in fields(Options)}


def kept(given: Mapping[str, Any]) -> dict[str, Any]:
    """Options as they are stored: those that say something, as JSON.

    Raises:
        InvalidInput: one does not exist, or is not for schedules.
    """
    told: dict[str, Any] = {}
    for name, value in given.items():
        if name in _ITS_OWN:
            raise InvalidInput(f"A schedule has no {name}: {_ITS_OWN[name]}.")
        if name not in _DEFAULTS:
            raise InvalidInput(f"There is no option {name!r}: leave it out.")
        if value is None or value == _DEFAULTS[name]:
            continue
        told[name] = _json(value)
    return told


def _json(value: Any) -> Any:
    if isinstance(value, timedelta):
        # Only options that are lengths are read back as such, so no value is mistaken for one.
        return value // _MICROSECOND
    if isinstance(value, Enum):
        return value.name.lower() if isinstance(value.value, int) else value.value
    return dict(value) if isinstance(value, Mapping) else value


#: Options whose values are lengths of time.
_LENGTHS: Final = {
    each.name for each in fields(Options) if "timedelta" in str(each.type) and each.name != "when"
} - {"expires"}


def options_of(saying: Saying) -> Options:
    """The options to say it with now."""
    told = {
        name: value * _MICROSECOND if name in _LENGTHS else value
        for name, value in saying.options.items()
    }
    return Options(**told, expires=saying.expires_after, asked_at=saying.asked_at)


def shown(saying: Saying) -> dict[str, Any]:
    """The options as they are shown: lengths of time in seconds."""
    return {
        name: (value * _MICROSECOND).total_seconds() if name in _LENGTHS else value
        for name, value in saying.options.items()
    }

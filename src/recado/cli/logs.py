"""Logging: to stderr, one line a record, in words or as JSON."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from recado.config import Settings

#: Everything a record has by itself; the rest was given with ``extra``.
_OWN: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_EVENT: Final = "event_"
#: Names, on an exception, the formatter that has written its traceback.
_TOLD: Final = "_recado_told"


def set_up_logs(settings: Settings, *, verbose: bool, quiet: bool = False) -> None:
    """Send this process's log to stderr.

    Args:
        settings: its level and form.
        verbose: everything Recado tells, and what its libraries report of their work.
        quiet: warnings only, unless a level was set.
    """
    handler = logging.StreamHandler(sys.stderr)
    if settings.log_json:
        handler.setFormatter(JsonLines())
    else:
        handler.setFormatter(Lines())
        # Whoever tells of a failed turn has logged it already, with its traceback.
        handler.addFilter(lambda record: getattr(record, "action", None) != "TurnFailed")
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO if verbose else logging.WARNING)
    level = settings.log_level
    if quiet and "log_level" not in settings.model_fields_set:
        level = "warning"
    logging.getLogger("recado").setLevel(logging.DEBUG if verbose else level.upper())


class Lines(logging.Formatter):
    """``2026-01-05T09:00:00.123Z warning recado.store: what happened``."""

    def format(self, record: logging.LogRecord) -> str:
        text = record.getMessage().replace("\n", " ")
        line = f"{_stamp(record)} {record.levelname.lower()} {record.name}: {text}"
        trace = _trace(self, record)
        return f"{line}\n{trace}" if trace else line


class JsonLines(logging.Formatter):
    """One JSON object a line; an event's fields stand under ``event``."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": _stamp(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        given = {name: value for name, value in vars(record).items() if name not in _OWN}
        event = {
            name.removeprefix(_EVENT): given.pop(name)
            for name in list(given)
            if name.startswith(_EVENT)
        }
        line |= given
        if event:
            line["event"] = event
        if trace := _trace(self, record):
            line["trace"] = trace
        return json.dumps(line, default=str)


def _stamp(record: logging.LogRecord) -> str:
    instant = datetime.fromtimestamp(record.created, UTC)
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _trace(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    """The traceback of a record, unless that error's has been written before.

    An error that passes through several hands is logged by each of them.
    """
    error = record.exc_info[1] if record.exc_info else None
    if record.exc_info is None or error is None:
        return ""
    if getattr(error, _TOLD, None) is formatter:
        return f"{type(error).__name__}: {error} (its traceback is above)"
    # What it was raised on top of may be known as well; then it is not repeated.
    new = not any(getattr(each, _TOLD, None) is formatter for each in _causes(error))
    with suppress(AttributeError):  # an exception may refuse new attributes
        setattr(error, _TOLD, formatter)
    if new:
        return formatter.formatException(record.exc_info)
    return "".join(traceback.format_exception(error, chain=False)).rstrip("\n")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """What led to *error*, from the latest to the first."""
    seen = {id(error)}
    cause = error.__cause__ or error.__context__
    while cause is not None and id(cause) not in seen:
        yield cause
        seen.add(id(cause))
        cause = cause.__cause__ or cause.__context__

"""The log goes to stderr, in words or as JSON, and no more of it than was asked for."""

from __future__ import annotations

import json
import logging

import pytest

from recado.cli.logs import JsonLines, Lines, set_up_logs
from recado.config import Settings
from recado.telemetry import DeliveriesLost, log_event


def _record(**extra: object) -> logging.LogRecord:
    record = logging.makeLogRecord(
        {"name": "recado.x", "levelname": "WARNING", "msg": "one\ntwo %s", "args": ("three",)}
    )
    record.created = 1_767_603_600.5
    vars(record).update(extra)
    return record


def test_in_words() -> None:
    """Time, level, name, text; one line a record."""
    line = Lines().format(_record())
    assert line == "2026-01-05T09:00:00.500Z warning recado.x: one two three"


def test_as_json() -> None:
    """One object a line; an event's fields stand together."""
    line = json.loads(JsonLines().format(_record(action="DeliveriesLost", event_retried=2)))
    assert line == {
        "time": "2026-01-05T09:00:00.500Z",
        "level": "warning",
        "logger": "recado.x",
        "message": "one\ntwo three",
        "action": "DeliveriesLost",
        "event": {"retried": 2},
    }


def test_a_trace_stays_in_its_record() -> None:
    """As a field of the JSON, below the line in words."""
    record = _record(exc_info=(LookupError, LookupError("gone"), None))
    assert "LookupError: gone" in json.loads(JsonLines().format(record))["trace"]
    assert Lines().format(record).endswith("LookupError: gone")


@pytest.mark.parametrize(
    ("settings", "verbose", "quiet", "ours", "others"),
    [
        (Settings(), False, False, "INFO", "WARNING"),
        (Settings(), False, True, "WARNING", "WARNING"),
        (Settings(log_level="info"), False, True, "INFO", "WARNING"),
        (Settings(log_level="error"), False, False, "ERROR", "WARNING"),
        (Settings(log_level="error"), True, True, "DEBUG", "INFO"),
    ],
)
def test_how_much(
    settings: Settings, *, verbose: bool, quiet: bool, ours: str, others: str
) -> None:
    """A level that was set is kept; libraries tell warnings only, unless asked to tell more."""
    set_up_logs(settings, verbose=verbose, quiet=quiet)
    assert logging.getLevelName(logging.getLogger("recado").level) == ours
    assert logging.getLevelName(logging.getLogger().level) == others


def test_events_are_logged_with_their_fields(capsys: pytest.CaptureFixture[str]) -> None:
    """What telemetry tells arrives on stderr, as its own object."""
    set_up_logs(Settings(log_json=True), verbose=False)
    log_event(DeliveriesLost(retried=2, parked=1))
    told = json.loads(capsys.readouterr().err)
    assert told["action"] == "DeliveriesLost"
    assert told["event"] == {"retried": 2, "parked": 1}

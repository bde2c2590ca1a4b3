"""The log goes to stderr, in words or as JSON, and no more of it than was asked for."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, replace

import pytest

from recado.cli.logs import JsonLines, Lines, set_up_logs
from recado.config import Settings
from recado.telemetry import (
    AttemptEnded,
    DeliveriesLost,
    Event,
    NotificationAccepted,
    ReferenceCaptured,
    ServiceFailed,
    TurnFailed,
    log_event,
    sentence,
)


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


def _failing() -> ValueError:
    try:
        int("boom")
    except ValueError as error:
        return error
    raise AssertionError


def test_a_traceback_is_written_once(capsys: pytest.CaptureFixture[str]) -> None:
    """Each who passes a failure on logs it; who reads it needs its traceback once."""
    set_up_logs(Settings(), verbose=False)
    first = _failing()
    second = LookupError("no apology either")
    second.__context__ = first
    log = logging.getLogger("recado.bot")
    for error in (first, first, second):
        log.error("A turn failed.", exc_info=error)
    log_event(TurnFailed(conversation_id="c", proactive=False, error="ValueError: boom"))
    told = capsys.readouterr().err
    assert told.count('int("boom")') == 1
    assert told.count("A turn failed.") == 3
    assert "LookupError: no apology either" in told
    assert told.count("(its traceback is above)") == 1
    assert told.count("failed") == 3


_ATTEMPT = AttemptEnded(
    delivery_id="d-1",
    attempt=2,
    outcome="rejected",
    state="rejected",
    reason="BadSyntax",
    status=400,
    channel="msteams",
    seconds=0.25,
    waited=3,
)


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (
            DeliveriesLost(retried=14, parked=0),
            "Taken over after an unclean end: 14 to be tried again, 0 for a person to decide.",
        ),
        (
            _ATTEMPT,
            "Delivery d-1 to msteams: attempt 2 ended rejected (HTTP 400, BadSyntax) after 0.2 s.",
        ),
        (
            replace(_ATTEMPT, outcome="retryable", state="retrying", reason="http_503", status=503),
            (
                "Delivery d-1 to msteams: attempt 2 ended retryable (http_503) after 0.2 s, it is "
                "retrying now."
            ),
        ),
        (
            replace(_ATTEMPT, outcome="delivered", state="delivered", reason=None, status=201),
            "Delivery d-1 to msteams: attempt 2 ended delivered (HTTP 201) after 0.2 s.",
        ),
        (
            NotificationAccepted(notification_id="n-1", deliveries=1, replayed=False),
            "Notification n-1 accepted: 1 delivery.",
        ),
        (
            NotificationAccepted(notification_id="n-1", deliveries=0, replayed=True),
            (
                "Notification n-1 accepted: for all it is meant for, as before under its "
                "idempotency key."
            ),
        ),
        (ReferenceCaptured(number=7, new=True, released=0), "Conversation 7 is new."),
        (
            ReferenceCaptured(number=7, new=False, released=2),
            "Conversation 7 is back, and 2 deliveries that waited for it can leave.",
        ),
        (
            TurnFailed(conversation_id="c", proactive=True, error="ValueError: boom"),
            "A turn of a delivery in 'c' failed: ValueError: boom.",
        ),
        (
            ServiceFailed(service="Dispatcher", error="The disk is full."),
            "The Dispatcher met an error and goes on after a pause: The disk is full.",
        ),
    ],
)
def test_events_in_words(event: Event, told: str) -> None:
    """A sentence for each kind."""
    assert sentence(event) == told


def test_an_event_without_words_has_its_fields() -> None:
    """Those that other packages define."""

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Weather(Event):
        rain: bool

    assert sentence(Weather(rain=True)) == "Weather rain=True"


def test_events_are_logged_with_their_fields(capsys: pytest.CaptureFixture[str]) -> None:
    """What telemetry tells arrives on stderr, as its own object."""
    set_up_logs(Settings(log_json=True), verbose=False)
    log_event(DeliveriesLost(retried=2, parked=1))
    told = json.loads(capsys.readouterr().err)
    assert told["action"] == "DeliveriesLost"
    assert told["event"] == {"retried": 2, "parked": 1}

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from typing import Any

import httpx
import pytest

from recado.cli.fake_channel import _fault, _latency, _limits
from recado.errors import InvalidInput
from recado.testing import TEAMS, UNLIMITED, Latency, RateWindow, faults
from tests.cli.process import started

_HELLO = {"type": "message", "text": "hello"}


def _say(url: str, conversation: str = "a:1") -> int:
    where = f"{url}v3/conversations/{conversation}/activities"
    return httpx.post(where, json=_HELLO).status_code


def test_lines_for_programs() -> None:
    """One when it listens, one a request, and the summary."""
    line = ("fake-channel", "--port", "0", "--json", "--windows", "2/1h", "--tenant-windows", "3/h")
    with started(*line) as channel:
        told = _first_line(channel)
        statuses = [_say(told["url"], each) for each in ("a:1", "a:1", "a:1", "a:2", "a:3")]
        assert statuses == [201, 201, 429, 201, 429]
        code, out, err = channel.interrupt()
    assert (code, err) == (0, "")
    *lines, last = [json.loads(each) for each in out.splitlines()]
    assert [each["status"] for each in lines] == statuses
    assert lines[0]["conversation"] == "a:1"
    assert lines[0]["operation"] == "send"
    assert last["summary"]["statuses"] == {"201": 3, "429": 2}
    assert last["summary"]["over_limit"] == 2


def test_a_summary_for_people() -> None:
    """SIGTERM ends it as well, and both with 0."""
    with started("fake-channel", "--port", "0", "--fault", "503:1") as channel:
        first, _ = channel.lines_until("Ctrl-C stops it.")
        assert _say(first.split()[-1]) == 503
        channel.signal(signal.SIGTERM)
        code, out, err = channel.end()
    assert (code, err) == (0, "")
    assert "503 Service Unavailable  1" in out


def test_a_table_in_a_terminal() -> None:
    """What came and how it was answered, while it runs."""
    here, there = pty.openpty()
    line = [sys.executable, "-m", "recado", "fake-channel", "--port", "0", "--windows", "1/1h"]
    environ = os.environ | {"TERM": "xterm", "COLUMNS": "100", "LINES": "40"}
    process = subprocess.Popen(line, stdout=there, stderr=there, env=environ)
    os.close(there)
    try:
        seen = _read_until(here, "Ctrl-C stops it.")
        url = next(word for word in seen.split() if word.startswith("http"))
        assert [_say(url) for _ in range(2)] == [201, 429]
        seen = _read_until(here, "over a window")
        while "429 Too Many Requests" not in seen:
            seen = _read_until(here, "over a window")
        process.send_signal(signal.SIGINT)
        assert "Over a window" in _read_until(here, "Overlapping")
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
        os.close(here)


def _first_line(channel: Any) -> Any:
    return json.loads(channel._process.stdout.readline())  # noqa: SLF001 - the rest is for `end`


def _read_until(terminal: int, words: str) -> str:
    seen = ""
    while words not in seen:
        seen += os.read(terminal, 4096).decode("utf-8", "replace")
    return seen


def test_windows_are_named_or_written() -> None:
    """Those of Teams, none, or one's own."""
    assert _limits("teams", "") == TEAMS
    assert _limits("none", "") == UNLIMITED
    assert _limits("5/1s", "9/1s").send == (RateWindow(5, 1),)
    assert _limits("Teams", "9/1s").tenant == (RateWindow(9, 1),)


@pytest.mark.parametrize("text", ["80±40ms", "80+-40ms", "80 +/- 40 ms", "0.08±0.04s"])
def test_a_latency_is_written_in_many_ways(text: str) -> None:
    """As people write one."""
    assert _latency(text) == Latency(0.08, 0.04)


def test_faults_have_names() -> None:
    """A status stands for its usual error."""
    assert _fault("429:0.05") == (faults.throttled(1), 0.05)
    assert _fault("take-and-cut:1") == (faults.TAKE_AND_CUT, 1.0)
    assert _fault("message-writes-blocked:0.5") == (faults.WRITES_BLOCKED, 0.5)
    assert set(faults.named().values()) >= {*faults.ERRORS, *faults.WIRE}


@pytest.mark.parametrize("text", ["429", "429:0", "429:2", "429:often", ":0.5", "nonsense:0.5"])
def test_what_is_no_fault(text: str) -> None:
    """Is said, with what would be one."""
    with pytest.raises(InvalidInput, match=r"for example|use one of"):
        _fault(text)


@pytest.mark.parametrize("text", ["", "80", "80±ms", "-1ms"])
def test_what_is_no_latency(text: str) -> None:
    """Is said, with what would be one."""
    with pytest.raises(InvalidInput, match="for example"):
        _latency(text)


def test_a_bot_that_is_not_there() -> None:
    """Is one sentence, and the end."""
    with started("fake-channel", "--port", "0", "--bot", "http://127.0.0.1:9") as channel:
        code, _, err = channel.end()
    assert code == 3
    assert err.startswith("Error: The bot did not answer")
    assert len(err.splitlines()) == 1

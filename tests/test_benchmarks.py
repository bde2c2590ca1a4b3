"""The benchmarks in very small: they run, and they do not count what did not happen."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import report, runs, sender
from benchmarks.load import conversation_id

ROOT = Path(__file__).parents[1]


def make_run(**changes: Any) -> sender.Run:
    """A run of a durable sender that sent ten messages in a second, but for what *changes* says."""
    told: dict[str, Any] = {
        "title": "a sender",
        "durable": True,
        "versions": {},
        "posts": 10,
        "spoken_to": 10,
        "recorded": 10,
        "count": 10,
        "wall": 1.0,
        "cpu": 1.0,
        "peak": 2**20,
        "called": [],
        "first": 0,
    }
    return sender.Run(**(told | changes))


def arrived(requests: int, conversations: int) -> runs.Arrived:
    """So many requests to so many conversations."""
    return runs.Arrived(
        requests, {conversation_id(number): number for number in range(conversations)}
    )


def test_a_small_run_delivers_everything_and_keeps_its_results(tmp_path: Path) -> None:
    """What was asked for, what the channel took and what Recado wrote down are the same."""
    senders = ("bare_pyreqwest", "recado_broadcast", "recado_notify")
    small = ("--messages", "20", "--rounds", "1", "--seconds", "0.1")
    command = [sys.executable, "-m", "benchmarks", "--results", str(tmp_path), *small]
    ended = subprocess.run(
        [*command, "--senders", *senders],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    (file,) = tmp_path.iterdir()  # the databases are gone
    told = json.loads(file.read_text())
    assert tuple(told["near"]["senders"]) == senders
    broadcast = told["near"]["rounds"][0]["recado_broadcast"]
    assert broadcast["recorded"] == broadcast["posts"] == 40  # with those of the warm-up
    assert [delay["count"] for delay in told["delays"]] == [10, 10]


def test_a_sender_that_is_not_installed_is_reported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says which module is missing instead of failing or being left out."""
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    monkeypatch.delitem(sys.modules, "benchmarks.peers.bare_aiohttp", raising=False)
    monkeypatch.setattr(sys, "argv", ["sender", "bare_aiohttp", '{"warm_up": 1, "count": 1}'])
    sender.main()
    assert json.loads(capsys.readouterr().out) == {"missing": "aiohttp"}


@pytest.mark.parametrize(
    ("run", "took"),
    [
        (make_run(), arrived(9, 9)),
        (make_run(), arrived(11, 10)),
        (make_run(), arrived(10, 9)),
        (make_run(recorded=9), arrived(10, 10)),
    ],
    ids=["lost", "sent twice", "sent to the wrong one", "not written down"],
)
def test_what_did_not_happen_is_not_counted(run: sender.Run, took: runs.Arrived) -> None:
    """A run is void if messages, conversations and records are not as many as they should be."""
    with pytest.raises(runs.RunError):
        runs.check("somebody", run, took)


def test_ratios_are_taken_round_by_round() -> None:
    """A round in which the machine was slow for all does not change how they compare."""
    rounds = [
        {"agents_sdk": make_run(cpu=busy), "recado_broadcast": make_run(cpu=busy / 8)}
        for busy in (1.0, 5.0, 2.0)
    ]
    lines = report.lines(rounds)
    assert lines["recado_broadcast"].to_baseline == pytest.approx(8)
    assert lines["agents_sdk"].per_cpu_second == pytest.approx(5)
    assert lines["agents_sdk"].to_bare is None


def test_percentiles_of_times_to_arrival() -> None:
    """p99 of a hundred is the last but one."""
    told = report.delay(make_run(), 100, [each / 1000 for each in range(1, 101)])
    assert (told.p50, told.p99) == pytest.approx((50, 99))

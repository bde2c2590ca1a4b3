"""`recado schedules`: made, looked at, changed and ended."""

from __future__ import annotations

import pytest

from tests.cli.kit import Database, Run

ANA = "conversation:conv-ana"


def test_from_making_to_cancelling(run: Run, talking: Database) -> None:
    """Each command says what became of it."""
    line = ("schedules", "add", ANA, "Stand-up!", "--cron", "30 9 * * 1-5", "--key", "standup")
    made = run(*line, "--zone", "Europe/Madrid", "--title", "Stand-up")
    assert made.code == 0, made.err
    assert "is active; it is said next on" in made.out
    assert "at 09:30:00 (Europe/Madrid)" in made.out
    again = run(*line, "--zone", "Europe/Madrid", "--title", "Stand-up")
    assert again.out == made.out
    (listed,) = run("schedules", "list", "--json", "--state", "active").json["items"]
    assert list(listed) == [
        "id",
        "key",
        "title",
        "state",
        "reason",
        "to",
        "activity",
        "options",
        "rule",
        "zone",
        "next_at",
        "fired",
        "last_fired_at",
        "created_at",
        "ended_at",
    ]
    assert (listed["key"], listed["rule"], listed["to"]) == ("standup", "cron 30 9 * * 1-5", [ANA])
    coming = run("schedules", "upcoming", ANA, "--json", "--limit", "2").json["items"]
    assert coming[0]["at"] == listed["next_at"]
    assert len(coming) == 2
    assert "is paused." in run("schedules", "pause", "standup").out
    assert run("schedules", "list", "--state", "active").err.startswith("There are no such")
    assert "is active; " in run("schedules", "resume", "standup").out
    moved = run("schedules", "reschedule", "standup", "--every", "2h", "--json").json
    assert moved["rule"] == "every 2 h"
    accepted = run("schedules", "run", "standup")
    assert accepted.out.startswith("Accepted as notification ")
    shown = run("schedules", "show", "standup")
    assert "every 2 h" in shown.out
    assert "  run  " in shown.out
    detail = run("schedules", "show", "standup", "--json").json
    assert (len(detail["upcoming"]), len(detail["history"])) == (10, 1)
    assert "is cancelled." in run("schedules", "cancel", "standup").out
    assert run("schedules", "run", "standup").code == 5


@pytest.mark.parametrize(
    "when",
    [
        ("--at", "2040-01-01T09:00"),
        ("--at", "2040-01-01T09:00:00+02:00"),
        ("--in", "2h30m"),
        ("--after", "2h30m"),
        ("--every", "10m", "--jitter", "1m", "--misfire", "skip"),
        ("--rrule", "FREQ=DAILY;COUNT=3", "--start", "2040-01-01T09:00"),
        ("--rrule", r"RRULE:FREQ=DAILY\nEXDATE:20400101T090000", "--until", "2041-01-01"),
        ("--cron", "@daily", "--unless-spoken", "--late-limit", "1h"),
    ],
)
def test_ways_to_say_when(run: Run, talking: Database, when: tuple[str, ...]) -> None:
    """All of those there are."""
    ended = run("schedules", "add", ANA, "x", *when, "--json")
    assert ended.code == 0, ended.err
    assert ended.json["next_at"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "one of at, after, every, cron and rrule"),
        (("--every", "5s"), "10 s or more"),
        (("--every", "soon"), "no length of time"),
        (("--at", "tomorrow"), "is no time"),
        (("--at", "2020-01-01T09:00"), "passed already"),
        (("--cron", "x"), "five fields"),
        (("--in", "1h", "--zone", "Europe/Madird"), "did you mean Europe/Madrid"),
        (("--in", "1h", "--misfire", "never"), "once, all or skip"),
    ],
)
def test_bad_input(run: Run, talking: Database, words: tuple[str, ...], told: str) -> None:
    """One sentence, and nothing is stored."""
    ended = run("schedules", "add", ANA, "x", *words)
    assert (ended.code, ended.out) == (2, "")
    assert told in ended.err
    assert run("schedules", "list", "--json").json["items"] == []


def test_what_is_not_there(run: Run, talking: Database) -> None:
    """Is said, with how to see what is."""
    for verb in ("show", "pause", "resume", "run", "cancel"):
        ended = run("schedules", verb, "nothing")
        assert ended.code == 4
        assert "`recado schedules list`" in ended.err
    assert "No schedule has anything" in run("schedules", "upcoming", ANA).err

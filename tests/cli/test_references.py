"""``recado references``: who is well, who is not, and what has become of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from recado.domain.reference import Presence, Sighting
from tests.cli.kit import Database, Run, local


def _leaving(sighting: Sighting) -> Sighting:
    """The bot is removed from that conversation, a second later."""
    return replace(sighting, presence=Presence.LEFT, at=sighting.at + timedelta(seconds=1))


@pytest.fixture
def left(talking: Database) -> Database:
    """A database in which Ben has removed the bot."""
    ben = local("conv-ben", "ben")
    talking.remember(ben, _leaving(ben))
    return talking


def test_a_listing_by_health(run: Run, left: Database) -> None:
    """One, or several with commas between."""
    listed = run("references", "list", "--health", "blocked, Uninstalled", "--json").json["items"]
    assert [each["conversation_id"] for each in listed] == ["conv-ben"]
    assert (listed[0]["health"], listed[0]["health_reason"]) == ("uninstalled", "removed")
    assert listed[0]["health_since"].endswith("Z")
    listed = run("references", "list", "--health", "active", "--json").json["items"]
    assert [each["conversation_id"] for each in listed] == ["conv-ana"]


def test_a_listing_by_channel_and_tenant(run: Run, left: Database) -> None:
    """None of which has to have any."""
    channel = run("references", "list", "--json").json["items"][0]["channel"]
    assert len(run("references", "list", "--channel", channel, "--json").json["items"]) == 2
    ended = run("references", "list", "--tenant", "nowhere")
    assert (ended.code, ended.out, ended.err) == (0, "", "There are no such conversations.\n")


def test_what_is_no_health_is_refused(run: Run, left: Database) -> None:
    """With those there are."""
    ended = run("references", "list", "--health", "poorly")
    assert ended.code != 0
    assert "'poorly' is no health" in ended.err
    assert "blocked" in ended.err


def test_the_report_for_people(run: Run, left: Database) -> None:
    """One line for each health of each channel, with the newest reason."""
    title, *rows = (line.split("\t") for line in run("references", "report").out.splitlines())
    assert title[:4] == ["channel", "health", "conversations", "newest reason"]
    assert [row[1:4] for row in rows] == [["active", "1", ""], ["uninstalled", "1", "removed"]]


def test_the_report_as_json(run: Run, left: Database) -> None:
    """Numbers are numbers there."""
    document = run("references", "report", "--json").json
    assert document["next"] is None
    well, removed = document["items"]
    assert list(well) == ["channel", "health", "conversations", "reason", "since"]
    assert (well["health"], well["conversations"]) == ("active", 1)
    assert (removed["health"], removed["reason"]) == ("uninstalled", "removed")


def test_an_empty_report(run: Run, database: Database) -> None:
    """Says so."""
    ended = run("references", "report")
    assert (ended.code, ended.out) == (0, "")
    assert ended.err.startswith("No conversation is known.")


def test_show_says_what_has_become_of_it(run: Run, left: Database) -> None:
    """From the audit, newest first."""
    (ben,) = run("references", "list", "--health", "uninstalled", "--json").json["items"]
    (entry,) = run("references", "show", ben["id"], "--json").json["audit"]
    assert (entry["kind"], entry["reference_id"]) == ("health", ben["id"])
    assert entry["detail"] == {
        "before": "active",
        "after": "uninstalled",
        "reason": "removed",
        "by": "activity",
    }
    shown = run("references", "show", ben["id"]).out.splitlines()
    assert shown[-1].split("\t")[1:] == ["health", "active", "uninstalled", "removed", "activity"]

"""`recado recipients`, and the chain `recado deliveries explain` shows."""

from __future__ import annotations

import pytest

from tests.cli.kit import Database, Run


def test_set_and_show(run: Run, talking: Database) -> None:
    """What is set is shown; default takes it back."""
    told = run("recipients", "set", "user:ana", "--zone", "madrid")
    assert told.code == 2
    assert "did you mean Europe/Madrid?" in told.err
    told = run(
        *("recipients", "set", "user:ana", "--zone", "Europe/Madrid"),
        *("--window", "prices=mon-fri 9-18", "--window", "8-22"),
    )
    assert told.code == 0
    assert "Europe/Madrid (set by them)" in told.out
    assert run("recipients", "set", "user:ana", "--quiet-hours", "22:00-07:00").code == 0
    assert run("recipients", "show", "conversation:conv-ana", "--json").json == {
        "who": run("recipients", "show", "conversation:conv-ana", "--json").json["who"],
        "zone": "Europe/Madrid",
        "zone_by": "set",
        "quiet_hours": "22:00-07:00",
        "windows": {"": "8-22", "prices": "mon-fri 9-18"},
    }
    back = run(
        *("recipients", "set", "user:ana", "--zone", "default", "--window", "prices=default"),
        *("--quiet-hours", "off", "--window", "default", "--json"),
    )
    assert back.json == {
        "who": "user:ana",
        "zone": "UTC",
        "zone_by": "default",
        "quiet_hours": "off",
        "windows": {},
    }


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "Say what is to be set: --zone, --quiet-hours or --window."),
        (("--quiet-hours", "late"), "is no day of the week"),
        (("--quiet-hours", "00:00-24:00"), "would ever be sent"),
        (("--window", "prices=never"), "is no day of the week"),
    ],
)
def test_what_cannot_be(run: Run, talking: Database, words: tuple[str, ...], told: str) -> None:
    """One sentence, and nothing is stored."""
    ended = run("recipients", "set", "user:ana", *words)
    assert ended.code == 2
    assert told in ended.err
    assert run("recipients", "show", "user:ana", "--json").json["quiet_hours"] is None


def test_the_chain_is_a_table(run: Run, talking: Database) -> None:
    """Below the words; and a list for programs."""
    sent = run("send", "user:ana", "hello", "--when", "1h", "--json").json
    (delivery_id,) = sent["deliveries"]
    told = run("deliveries", "explain", delivery_id).out.splitlines()
    titles, *rows = [line.split("\t") for line in told[told.index("") + 1 :]]
    assert titles == ["checked", "holds", "since (UTC)", "until (UTC)", "what was found"]
    assert [row[:2] for row in rows][:2] == [["due", "now"], ["reach", "no"]]
    chain = run("deliveries", "explain", delivery_id, "--json").json["chain"]
    assert [link["name"] for link in chain] == [row[0] for row in rows]
    assert chain[0]["until"] is not None

"""`recado watches`: made, shown, paused and ended."""

from __future__ import annotations

from recado.app import Recado
from tests.cli.kit import Database, Run


def test_from_making_to_ending(run: Run, talking: Database) -> None:
    """Each command shows the watch as it stands then."""
    made = run("watches", "add", "user:ana", "price:42", "drop 20%", "--key", "mine")
    assert made.code == 0
    assert made.out.startswith("price:42 is watched for user:ana: drop 20%.\n")
    again = run("watches", "add", "user:ana", "price:42", "drop 20%", "--key", "mine")
    assert again.out.startswith("price:42 was watched already")
    (watch,) = run("watches", "list", "--json").json["items"]
    assert (watch["subject"], watch["rule"], watch["state"]) == ("price:42", "drop 20%", "active")
    for verb, state in (("pause", "paused"), ("resume", "active"), ("cancel", "cancelled")):
        assert run("watches", verb, "mine", "--json").json["state"] == state
    assert run("watches", "list", "--json").json["items"] == []
    (ended,) = run("watches", "list", "--all", "--to", "user:ana", "--json").json["items"]
    assert ended["id"] == watch["id"]
    shown = run("watches", "show", watch["id"])
    assert "cancelled" in shown.out
    assert "{subject}: {value}" in shown.out


def test_every_option_is_kept(run: Run, talking: Database) -> None:
    """As it was given."""
    told = run(
        *("watches", "add", "conversation:conv-ana", "stock", "equals sold out", "--repeat"),
        *("--cooldown", "1h30m", "--expires", "30d", "--path", "state", "--text", "{value}!"),
        *("--category", "stock", "--json"),
    ).json
    assert (told["rule"], told["path"], told["repeat"]) == ("equals sold out", "state", True)
    assert (told["cooldown"], told["activity"]["text"]) == (5400, "{value}!")
    assert told["expires_at"] > told["created_at"]


def test_what_is_true_already_is_told(run: Run, talking: Database) -> None:
    """Because nothing will be said of it before it has ended."""

    async def emit(recado: Recado) -> None:
        await recado.emit("price:42", 40)

    talking.do(emit)
    ended = run("watches", "add", "user:ana", "price:42", "below 50")
    assert "That is true now" in ended.err


def test_what_cannot_be(run: Run, talking: Database) -> None:
    """One sentence each, the exit code says which kind, and nothing is stored."""
    assert run("watches", "add", "user:ana", "price:42", "drop 0%").code == 2
    assert run("watches", "add", "user:eva", "price:42", "drop 5").code == 4
    bad = run("watches", "add", "user:ana", "price:42", "drop 5", "--cooldown", "soon")
    assert (bad.code, "no length of time" in bad.err) == (2, True)
    assert run("watches", "show", "nobody").err.startswith("Error: There is no watch 'nobody'")
    assert "Nothing is watched" in run("watches", "list").err

"""`recado topics`: made, subscribed to, published to and removed."""

from __future__ import annotations

from tests.cli.kit import Database, Run


def test_from_making_to_removing(run: Run, talking: Database) -> None:
    """Each command says what became of it, and what to do next."""
    made = run("topics", "create", "Releases", "--title", "New versions")
    assert (made.code, made.out) == (
        0,
        '`recado send topic:releases "..."` tells who subscribes: 0 now.\n',
    )
    for told in ("is subscribed to releases", "is subscribed to releases already"):
        ended = run("topics", "subscribe", "releases", "conversation:conv-ana")
        assert (ended.code, ended.out) == (0, f"conversation:conv-ana {told}.\n")
    (topic,) = run("topics", "list", "--json").json["items"]
    assert (topic["name"], topic["title"], topic["subscribed"]) == ("releases", "New versions", 1)
    (subscriber,) = run("topics", "subscribers", "releases", "--json").json["items"]
    assert subscriber["reference_id"]
    assert run("send", "topic:releases", "Version 2 is out.", "--json").code == 0
    for told in ("is subscribed no more to releases", "was not subscribed to releases"):
        ended = run("topics", "unsubscribe", "releases", "conversation:conv-ana")
        assert (ended.code, ended.out) == (0, f"conversation:conv-ana {told}.\n")
    assert run("topics", "remove", "releases").out == "The topic releases is removed.\n"
    assert run("topics", "list", "--json").json == {"items": [], "next": None}


def test_what_cannot_be(run: Run, talking: Database) -> None:
    """One sentence each, and nothing is stored."""
    gone = run("topics", "remove", "weather")
    assert gone.code != 0
    assert gone.err.startswith("Error: There is no topic 'weather': `recado topics list` shows")
    assert "cannot name a topic" in run("topics", "create", "two words").err
    run("topics", "create", "news")
    assert "Nobody is known as 'eva'" in run("topics", "subscribe", "news", "user:eva").err
    assert run("topics", "list", "--json").json["items"][0]["subscribed"] == 0

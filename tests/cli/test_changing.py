"""``recado update`` and ``recado recall``, down to what a local conversation shows."""

from __future__ import annotations

from pathlib import Path

from recado.app import Recado
from recado.channel.local import History
from recado.testing import make_sighting
from tests.cli.kit import Database, Run


def shown(database: Database, conversation_id: str) -> list[str]:
    """What whoever opens the conversation now reads."""

    async def work(recado: Recado) -> list[str]:
        read = await History(recado.store, recado.clock).read(conversation_id, 0)
        return [each["text"] for each in read.activities if each["type"] == "message"]

    return database.do(work)


def sent(run: Run, *words: str) -> str:
    """Send something; the notification's id."""
    identity: str = run("send", *words, "--json").json["id"]
    return identity


def test_an_update_changes_what_the_page_shows(run: Run, talking: Database) -> None:
    """The message is edited where it stands."""
    notification = sent(run, "all", "at three")
    ended = run("update", notification, "at four")
    assert ended.code == 0
    assert ended.out.startswith("Changed in 2 conversations.\nNotification: ")
    assert shown(talking, "conv-ana") == ["at four"]


def test_a_recall_removes_it(run: Run, talking: Database) -> None:
    """And a second one finds that it was done."""
    notification = sent(run, "user:ana", "oops")
    ended = run("recall", notification)
    assert (ended.code, ended.out.splitlines()[0]) == (0, "Removed in 1 conversation.")
    assert shown(talking, "conv-ana") == []
    again = run("recall", notification, "--json").json
    assert again["replayed"] is True
    assert again["progress"]["changes"] == {
        "changed": 1,
        "unsent": 0,
        "followed": 0,
        "refused": 0,
    }
    refused = run("update", notification, "better")
    assert refused.code != 0
    assert "was recalled" in refused.err


def test_what_has_not_left_says_something_else(run: Run, talking: Database) -> None:
    """When it would have left."""
    notification = sent(run, "user:ana", "old", "--when", "2h")
    ended = run("update", notification, "new", "--json").json
    assert ended["progress"]["counts"] == {"scheduled": 1}
    assert run("recall", notification, "--json").json["progress"]["changes"]["unsent"] == 1
    assert talking.said("conv-ana") == []


def test_what_cannot_be_changed_fails(run: Run, database: Database) -> None:
    """With the reason, and where there is more."""
    database.remember(make_sighting("a:1", service_url="http://127.0.0.1:9/"))
    notification = sent(run, "conversation:a:1", "lost", "--wait", "0")
    ended = run("recall", notification)
    assert ended.out.startswith("It had not left in 1 conversation: it was cancelled there.")
    nothing = run("recall", "unknown")
    assert nothing.code != 0
    assert "no notification unknown" in nothing.err


def test_it_can_be_an_activity(run: Run, talking: Database, home: Path) -> None:
    """From a file, as with send."""
    notification = sent(run, "user:ana", "old")
    (home / "card.json").write_text('{"type": "message", "text": "a card"}')
    assert run("update", notification, "--activity", "card.json").code == 0
    assert shown(talking, "conv-ana") == ["a card"]
    assert run("update", notification).code == 2
    assert run("update", notification, "text", "--activity", "card.json").code == 2


def test_a_change_is_told_of_by_show_and_explain(run: Run, talking: Database) -> None:
    """Whose message it is about."""
    assert talking.path.exists()
    original = run("send", "user:ana", "old", "--json").json
    (copy,) = original["deliveries"]
    (made,) = run("update", original["id"], "new", "--json").json["deliveries"]
    shown = run("deliveries", "show", made)
    assert any(line.split() == ["update", copy] for line in shown.out.splitlines())
    told = run("deliveries", "explain", made)
    assert told.out.startswith(f"It changes what the delivery {copy} said.\n")

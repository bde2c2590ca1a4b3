"""Steering from the command line: cancel, retry, pause, resume, dead letters, progress."""

from __future__ import annotations

import getpass

import pytest

from recado.app import Recado
from recado.cli import steering
from recado.domain.delivery import State
from recado.domain.steering import Cancelled
from recado.store.port import Observed, Wanted
from tests.cli.kit import Database, Run
from tests.store.kit import LEASE, make_settlement


@pytest.fixture(autouse=True)
def ana(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who sits at the terminal."""
    monkeypatch.setattr(getpass, "getuser", lambda: "ana")


def accept(run: Run, *words: str) -> tuple[str, list[str]]:
    """Accept something for later, so that the command does not deliver it; its ids."""
    told = run("send", *words, "--when", "1h", "--json").json
    return told["id"], told["deliveries"]


def settle(database: Database, *states: State) -> list[str]:
    """Have everything become due, and settle as many deliveries in these states; their ids."""

    async def work(recado: Recado) -> list[str]:
        store, now = recado.store, recado.clock.now()
        while await store.promote(now + 2 * 120 * LEASE, 500):
            pass
        wanted = Wanted(limit=len(states))
        told = {"owner": "test", "now": now, "lease_until": now + LEASE, "observed": Observed()}
        claims = (await store.cycle([], wanted=wanted, **told)).claims  # type: ignore[arg-type]
        settled = [
            make_settlement(claim, state, now) for claim, state in zip(claims, states, strict=True)
        ]
        await store.cycle(settled, wanted=Wanted(), **told)  # type: ignore[arg-type]
        return [claim.delivery_id for claim in claims]

    return database.do(work)


# -- cancel ----------------------------------------------------------------------------------


def test_a_notification_is_cancelled(run: Run, talking: Database) -> None:
    """And nothing is left to cancel the second time."""
    made, deliveries = accept(run, "--to", "user:ana", "--to", "user:ben", "hello")
    ended = run("cancel", "--notification", made)
    assert (ended.code, ended.out) == (0, "Cancelled 2 deliveries.\n")
    assert run("cancel", "--notification", made).out == "There was nothing to cancel.\n"
    shown = run("deliveries", "show", deliveries[0], "--json").json
    assert (shown["delivery"]["state"], shown["decided_by"]) == ("cancelled", "ana")
    assert "cancelled by ana" in run("deliveries", "explain", deliveries[0]).out


def test_a_broadcast_that_is_not_expanded_is_cancelled(run: Run, talking: Database) -> None:
    """It says for how many no delivery is made, and `notifications show` says so later."""
    made, _ = accept(run, "all", "hello")
    ended = run("cancel", "--notification", made)
    assert ended.out == "For 2 more none had been made, and none is made now.\n"
    shown = run("notifications", "show", made)
    assert "2 recipients left out" in shown.out
    told = run("notifications", "show", made, "--json").json
    assert (told["not_made"], told["progress"]["total"]) == (2, 0)
    assert told["cancelled_at"] is not None


def test_what_was_too_late_is_told(run: Run, talking: Database) -> None:
    """What is out, and what may have arrived."""
    made, _ = accept(run, "--to", "user:ana", "--to", "user:ben", "hello")
    settle(talking, State.DELIVERED, State.UNKNOWN)
    ended = run("cancel", "--notification", made)
    assert "1 delivery is unknown" in ended.out
    assert "1 delivery is out already." in ended.out
    told = run("cancel", "--notification", made, "--json").json
    assert told == {"cancelled": 0, "sending": 0, "maybe": 1, "out": 1, "not_made": 0}


def test_what_is_being_sent_is_told(run: Run, talking: Database) -> None:
    """The channel may take it yet."""
    told = " ".join(steering.cancelled_in_words(Cancelled(sending=2)))
    assert "2 deliveries are being sent right now" in told


def test_a_key_cancels_what_was_accepted_under_it(run: Run, talking: Database) -> None:
    """A key that is not known is an error, not nothing."""
    accept(run, "user:ana", "hello", "--idempotency-key", "order-17")
    assert run("cancel", "--idempotency-key", "order-17").out == "Cancelled 1 delivery.\n"
    ended = run("cancel", "--idempotency-key", "order-17", "--idempotency-scope", "x", "--json")
    assert (ended.code, ended.problem["code"]) == (4, "unknown_notification")


def test_deliveries_are_cancelled_by_what_they_have_in_common(run: Run, talking: Database) -> None:
    """Conversation, state and reason."""
    for user in ("user:ana", "user:ben", "user:ben"):
        accept(run, user, "hello")
    assert "nothing" in run("cancel", "--conversation", "conv-ben", "--state", "held").out
    ended = run("cancel", "--conversation", "conv-ben", "--state", "scheduled", "--json")
    assert ended.json["cancelled"] == 2
    assert run("cancel", "--state", "scheduled", "--json").json["cancelled"] == 1


@pytest.mark.parametrize(
    "words",
    [
        ("cancel",),
        ("cancel", "--idempotency-key", "k", "--reason", "x"),
        ("cancel", "--state", "delivered"),
        ("retry",),
        ("retry", "--only", "delivered"),
        ("pause", "--bot", "a", "--notification", "b"),
        ("send", "user:ana", "x", "--once-key", "k", "--once-every", "soon"),
        ("send", "user:ana", "x", "--once-every", "1h"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    run: Run, talking: Database, words: tuple[str, ...]
) -> None:
    """A slip of the pen must not cancel, retry or pause everything."""
    assert run(*words).code == 2


# -- dead letters ----------------------------------------------------------------------------


def test_dead_letters_are_shown_and_retried(run: Run, talking: Database) -> None:
    """All, or only those of a kind."""
    made, _ = accept(run, "--to", "user:ana", "--to", "user:ben", "hello")
    rejected, unknown = settle(talking, State.REJECTED, State.UNKNOWN)
    dead = run("deliveries", "dead", "--json").json["items"]
    assert [(each["id"], each["state"]) for each in dead] == sorted(
        [(rejected, "rejected"), (unknown, "unknown")], reverse=True
    )
    assert run("deliveries", "dead", "--reason", "other").err == "There are no such deliveries.\n"
    ended = run("retry", "--notification", made, "--only", "rejected")
    assert ended.out == "1 delivery is tried again now (1 rejected).\n"
    assert "recado serve" in ended.err
    told = run("retry", "--only", "unknown", "--only", "rejected", "--json").json
    assert told == {"retried": 1, "counts": {"unknown": 1}, "served": False}
    assert run("retry", "--conversation", "conv-ana").out == "There was nothing to try again.\n"
    assert run("deliveries", "dead", "--json").json["items"] == []


def test_a_person_says_that_it_arrived(run: Run, talking: Database) -> None:
    """It is on record who did."""
    accept(run, "user:ana", "hello")
    (unknown,) = settle(talking, State.UNKNOWN)
    ended = run("deliveries", "mark-delivered", unknown)
    assert ended.out == f"Delivery {unknown} is delivered.\n"
    assert "marked as delivered by ana" in run("deliveries", "explain", unknown).out
    assert "decided by    ana" in run("deliveries", "show", unknown).out
    assert run("deliveries", "mark-delivered", unknown, "--json").code == 5


def test_several_states_are_listed(run: Run, talking: Database) -> None:
    """One or more."""
    accept(run, "--to", "user:ana", "--to", "user:ben", "hello")
    settle(talking, State.REJECTED)
    words = ("deliveries", "list", "--state", "rejected", "--state", "pending", "--json")
    assert len(run(*words).json["items"]) == 2
    assert len(run("deliveries", "list", "--reason", "http_503", "--json").json["items"]) == 1


# -- pauses ----------------------------------------------------------------------------------


def test_nothing_leaves_until_it_is_resumed(run: Run, talking: Database) -> None:
    """The command that paused it says how; so does whoever asks."""
    assert run("pauses").err == "Nothing is paused.\n"
    ended = run("pause", "--reason", "lunch")
    assert ended.out.startswith("Everything was paused by ana on ")
    assert ended.out.endswith("): lunch. `recado resume` lets it go on.\n")
    sent = run("send", "user:ana", "hello", "--wait", "0.2", "--json")
    assert sent.code == 1
    explained = run("deliveries", "explain", *sent.json["deliveries"]).out
    assert "Everything was paused by ana" in explained
    assert "`recado resume` lets it go on." in explained
    (pause,) = run("pauses", "--json").json["items"]
    assert (pause["kind"], pause["by"], pause["reason"]) == ("all", "ana", "lunch")
    assert "recado resume" in run("pauses").out
    assert "recado serve" in run("resume").out
    assert run("resume").out == "It was not paused: `recado pauses` shows what is.\n"
    assert run("resume", "--json").json == {"resumed": False, "served": False}


def test_a_conversation_and_a_notification_are_paused(run: Run, talking: Database) -> None:
    """By the names people know them by."""
    (reference, _) = run("references", "list", "--json").json["items"]
    made, deliveries = accept(run, "user:ana", "hello")
    one = run("pause", "--conversation", "conv-ana", "--json").json
    assert (one["kind"], one["name"]) == ("conversation", reference["id"])
    assert one["resume"] == f"recado resume --conversation {reference['id']}"
    assert run("pause", "--notification", made, "--json").json["name"] == made
    assert run("pause", "--bot", "local", "--json").json["bot"] == "local"
    assert "was paused by ana" in run("notifications", "show", made).out
    pauses = run("deliveries", "show", deliveries[0], "--json").json["pauses"]
    assert {each["kind"] for each in pauses} == {"bot", "conversation", "notification"}
    assert run("resume", "--conversation", "conv-ana", "--json").json["resumed"]
    assert run("pause", "--conversation", "nobody").code == 4


def test_nobody_need_have_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container may run as a user that has none."""

    def nobody() -> str:
        raise KeyError("uid not found")

    monkeypatch.setattr(getpass, "getuser", nobody)
    assert steering.who() is None


# -- notifications and plans -----------------------------------------------------------------


def test_how_far_a_notification_has_come(run: Run, talking: Database) -> None:
    """For people and for programs."""
    made = run("send", "user:ana", "hello", "--json").json["id"]
    shown = run("notifications", "show", made).out
    assert "1 delivered" in shown
    assert "user:ana" in shown
    told = run("notifications", "show", made, "--json").json
    assert list(told) == [
        "id",
        "bot",
        "audience",
        "handler",
        "content",
        "accepted_at",
        "due_at",
        "expires_at",
        "cancelled_at",
        "not_made",
        "progress",
        "eta",
        "pauses",
    ]
    assert told["eta"] is None
    assert run("notifications", "show", "no-such-id").code == 4


def test_the_same_is_said_once(run: Run, talking: Database) -> None:
    """A dry run says so beforehand."""
    once = ("--once-key", "price:42", "--once-every", "1h")
    run("send", "user:ana", "cheap", *once)
    planned = run("send", "all", "cheap", *once, "--dry-run")
    assert "1 would be suppressed" in planned.err
    run("send", "all", "cheap", *once)
    assert talking.said("conv-ana") == talking.said("conv-ben") == ["cheap"]
    (suppressed,) = run("deliveries", "list", "--state", "suppressed", "--json").json["items"]
    assert suppressed["reason"] == "duplicate"

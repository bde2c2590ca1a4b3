"""Explanations say why a delivery is where it is, and what to do (promise 7)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recado.domain.delivery import (
    Attempt,
    Delivery,
    Evidence,
    HeldReason,
    Outcome,
    State,
)
from recado.domain.explanation import explain, moment, reason_in_words, span
from recado.domain.notification import Action
from recado.domain.pause import Pause, PauseKind
from recado.domain.politeness.chain import Link
from recado.domain.reference import ConversationKey, Health
from recado.domain.schedule import Firing
from recado.testing import START

NOW = START + timedelta(minutes=5)


KEY = ConversationKey(bot="local", channel="msteams", conversation_id="a:1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """A case, filled in."""

    delivery: Delivery
    conversation: ConversationKey = KEY
    attempts: tuple[Attempt, ...] = ()
    handler: str | None = None
    ahead: int | None = None
    health: Health = Health.ACTIVE
    action: Action = Action.SEND
    target: str | None = None
    pauses: tuple[Pause, ...] = ()
    stopped: bool = False
    decided_by: str | None = None
    said: tuple[Link, ...] = ()
    occurrence: Firing | None = None


DELIVERY = Delivery(
    id="d-1",
    notification_id="n-1",
    reference_id="r-1",
    bot="local",
    state=State.PENDING,
    reason=None,
    accepted_at=START,
    attempts=1,
    due_at=None,
    settled_at=None,
    expires_at=None,
    user=None,
    evidence=None,
)

REFUSED = Attempt(
    number=1,
    owner="host:1",
    started_at=START + timedelta(seconds=2),
    ended_at=START + timedelta(seconds=2, milliseconds=250),
    outcome=Outcome.REJECTED,
    reason="http_429",
    evidence=Evidence(status=429, code="Throttled", message="Too many requests"),
)


def case(state: State, reason: str | None = None, **changes: Any) -> Facts:
    """A case of a delivery in *state*; *changes* are fields of the case or of its delivery."""
    rest = {name: changes.pop(name) for name in Facts.__slots__ if name in changes}
    return Facts(delivery=replace(DELIVERY, state=state, reason=reason, **changes), **rest)


def told(facts: Facts, *, served: bool = True) -> str:
    """The explanation as one text."""
    return "\n".join(explain(facts, now=NOW, served=served))


def test_a_scheduled_delivery_says_when_it_is_due() -> None:
    """Until when, and how far that is away."""
    text = told(case(State.SCHEDULED, due_at=NOW + timedelta(hours=3, minutes=20)))
    assert "It is scheduled: it is due on 2026-01-05 12:25:00 UTC (in 3 h 20 min)." in text
    assert "recado deliveries cancel d-1" in text


def test_a_pending_delivery_says_its_place() -> None:
    """First, behind one, behind several."""
    assert "due and first in its conversation's lane" in told(case(State.PENDING, ahead=0))
    assert "behind 1 other delivery." in told(case(State.PENDING, ahead=1))
    assert "behind 3 other deliveries." in told(case(State.PENDING, ahead=3))


def test_without_a_serving_process_that_is_the_reason() -> None:
    """Everything else may be in order; nobody delivers."""
    text = told(case(State.PENDING, ahead=0), served=False)
    assert "No process is delivering from this database, so nothing leaves." in text
    assert "start `recado serve`" in text


def test_a_delivery_being_sent_names_its_attempt() -> None:
    """The attempt that has begun is not in the record yet."""
    text = told(case(State.SENDING))
    assert "attempt 1 has begun and is not answered" in text
    assert "No attempt" not in text


def test_a_retrying_delivery_says_why_and_when_again() -> None:
    """Reason, next attempt, and the attempt that failed, with the channel's words."""
    facts = case(
        State.RETRYING, "http_429", due_at=NOW + timedelta(seconds=12), attempts=(REFUSED,)
    )
    text = told(facts)
    assert "retrying because the channel answered HTTP 429" in text
    assert "tried again on 2026-01-05 09:05:12 UTC (in 12 s)" in text
    assert (
        "Attempt 1 on 2026-01-05 09:00:02 UTC took 250 ms: rejected (HTTP 429, Throttled, "
        "“Too many requests”)." in text
    )


@pytest.mark.parametrize(
    ("health", "why"),
    [
        (Health.BLOCKED, "the person has blocked the bot"),
        (Health.UNINSTALLED, "the bot was removed from it"),
        (Health.POLICY, "an administrator has disabled the bot"),
        (Health.GONE, "the channel has not found it repeatedly"),
    ],
)
def test_an_unreachable_conversation_says_why(health: Health, why: str) -> None:
    """Not only that it is unreachable, and that it leaves when the person is back."""
    text = told(case(State.HELD, "unreachable", health=health))
    assert why in text
    assert "leaves by itself when the person writes" in text
    assert "To try now: `recado deliveries retry d-1`" in text


@pytest.mark.parametrize("reason", list(HeldReason))
def test_every_reason_for_holding_has_words_and_a_way_out(reason: HeldReason) -> None:
    """A new reason cannot be forgotten here."""
    text = told(case(State.HELD, str(reason)))
    assert "the channel answered" not in text
    assert "What to do:" in text


def test_a_missing_handler_is_named() -> None:
    """So that the reader knows which bot to start, served or not."""
    for served in (True, False):
        text = told(case(State.HELD, "no_handler", handler="digest"), served=served)
        assert "handler named 'digest'" in text
        assert "`recado serve --app`" in text


def test_an_unknown_delivery_asks_a_person() -> None:
    """Nobody knows whether it arrived, and the text does not pretend."""
    lost = replace(REFUSED, outcome=Outcome.UNKNOWN, reason="lost", evidence=Evidence())
    text = told(case(State.UNKNOWN, "lost", attempts=(lost,)))
    assert "unknown whether it arrived, because the process that was sending it ended" in text
    assert "look in the conversation; if it is not there, `recado deliveries retry d-1`" in text


def test_a_delivered_one_shows_its_receipt() -> None:
    """When, how long it took, and what the channel gave for it."""
    taken = replace(REFUSED, outcome=Outcome.DELIVERED, evidence=Evidence(activity_id="act-7"))
    facts = case(State.DELIVERED, settled_at=START + timedelta(seconds=2.5), attempts=(taken,))
    text = told(facts)
    assert "It was delivered on 2026-01-05 09:00:02 UTC (4 min 58 s ago)" in text
    assert "2.5 s after it was accepted" in text
    assert "receipt is the activity act-7" in text
    assert "What to do" not in text
    late = told(replace(facts, delivery=replace(facts.delivery, reason="late_receipt")))
    assert "by a receipt that came after" in late


def test_a_rejected_one_says_what_to_mend() -> None:
    """What is known about the reason, then the way to try again."""
    text = told(case(State.REJECTED, "forbidden_service_url", settled_at=NOW))
    assert "one that a token must not be sent to" in text
    assert "RECADO_EXTRA_HOSTS" in text
    assert "then `recado deliveries retry d-1`" in text
    assert "to try once more, `recado" in told(case(State.REJECTED, "Odd", settled_at=NOW))


@pytest.mark.parametrize(
    ("state", "reason", "words"),
    [
        (State.EXPIRED, "expires", "It expired on"),
        (State.CANCELLED, "cancelled", "It was cancelled on"),
        (State.SUPERSEDED, "collapse_key", "newer notification with the same collapse key"),
        (State.SUPPRESSED, "opted_out", "the recipient's wish (opted_out)"),
    ],
)
def test_other_endings(state: State, reason: str, words: str) -> None:
    """Each says what happened, and that there is nothing to do by saying nothing."""
    text = told(case(state, reason, settled_at=NOW), served=False)
    assert words in text
    assert "What to do" not in text
    assert "No process" not in text


def test_many_attempts_are_cut_to_the_latest() -> None:
    """A day of retries does not fill the screen."""
    attempts = tuple(replace(REFUSED, number=number) for number in range(1, 9))
    text = told(case(State.RETRYING, "http_429", due_at=NOW, attempts=attempts))
    assert "3 earlier attempts are not repeated here." in text
    assert "Attempt 3 " not in text
    assert "Attempt 4 " in text
    assert "Attempt 8 " in text


def test_an_expiry_is_told_while_it_matters() -> None:
    """Before and after, but not of what has ended."""
    coming = told(case(State.PENDING, expires_at=NOW + timedelta(minutes=1)))
    assert "and expires on 2026-01-05 09:06:00 UTC (in 1 min)" in coming
    passed = told(case(State.PENDING, expires_at=NOW - timedelta(minutes=1)))
    assert "and should have expired on" in passed
    ended = told(case(State.DELIVERED, settled_at=NOW, expires_at=NOW))
    assert "expire" not in ended


@given(
    state=st.sampled_from(State),
    reason=st.none() | st.sampled_from([*HeldReason]) | st.text(max_size=20),
    ahead=st.none() | st.integers(0, 5),
    health=st.sampled_from(Health),
    served=st.booleans(),
)
def test_every_case_has_an_explanation(
    state: State, reason: str | None, ahead: int | None, health: Health, *, served: bool
) -> None:
    """Whatever the facts, there are whole sentences, and the state is the first thing said."""
    facts = case(state, None if reason is None else str(reason), ahead=ahead, health=health)
    sentences = explain(facts, now=NOW, served=served)
    assert sentences[0].startswith("It ")
    assert all(sentence.endswith(".") for sentence in sentences)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.25, "250 ms"),
        (1, "1 s"),
        (2.5, "2.5 s"),
        (59.6, "1 min"),
        (200, "3 min 20 s"),
        (3600, "1 h"),
        (3_660, "1 h 1 min"),
        (90_000, "1 d 1 h"),
        (-90, "1 min 30 s"),
    ],
)
def test_a_duration_in_two_units(seconds: float, words: str) -> None:
    """As exact as a reader needs."""
    assert span(timedelta(seconds=seconds)) == words


def test_an_instant_in_utc() -> None:
    """One zone, and it is named."""
    assert moment(START) == "2026-01-05 09:00:00 UTC"


def test_a_reason_nobody_has_words_for_is_the_channels() -> None:
    """Codes of channels are passed on as they are."""
    assert reason_in_words("ServiceError") == "the channel answered ServiceError"
    assert reason_in_words("http_503") == "the channel answered HTTP 503"
    assert reason_in_words(None) == "of a reason that was not recorded"


# -- pauses and decisions --------------------------------------------------------------------


def pause(kind: PauseKind, **changes: Any) -> Pause:
    """A pause by Ana, a minute ago."""
    since = NOW - timedelta(minutes=1)
    given: dict[str, Any] = {"reason": "lunch", "since": since, "by": "ana", "bot": "local"}
    return Pause(kind=kind, **(given | changes))


@pytest.mark.parametrize(
    ("stopped", "what", "command"),
    [
        (pause(PauseKind.ALL), "Everything was paused by ana", "`recado resume`"),
        (pause(PauseKind.BOT), "the bot 'local' says was", "`recado resume --bot local`"),
        (
            pause(PauseKind.CONVERSATION, name="r-1"),
            "The conversation r-1 was",
            "`recado resume --conversation r-1`",
        ),
        (
            pause(PauseKind.NOTIFICATION, name="n-1"),
            "The notification n-1 was",
            "`recado resume --notification n-1`",
        ),
    ],
    ids=lambda given: given.kind if isinstance(given, Pause) else None,
)
def test_what_people_paused_is_told(stopped: Pause, what: str, command: str) -> None:
    """Who, since when, why, and how to resume it."""
    words = told(case(State.PENDING, pauses=(stopped,)))
    assert what in words
    assert "1 min ago): lunch." in words
    assert f"What to do: {command} lets it go on." in words


def test_nobody_need_be_known_for_a_pause() -> None:
    """Nor a reason."""
    words = told(case(State.PENDING, pauses=(pause(PauseKind.ALL, by=None, reason=""),)))
    assert "Everything was paused on " in words
    assert "1 min ago)." in words


@pytest.mark.parametrize(
    ("kind", "changes", "what"),
    [
        (PauseKind.CREDENTIAL, {}, "credential of the bot 'local' was refused (http_401)"),
        (PauseKind.SERVICE_URL, {"name": "https://x/"}, "https://x/ does not work (http_401)"),
        (PauseKind.TENANT, {"channel": "msteams", "tenant": "t"}, "whole tenant t (http_401)"),
        (PauseKind.PACE_KEY, {"channel": "msteams", "name": "19:x"}, "19:x (http_401)"),
    ],
)
def test_what_breakers_and_channels_paused_is_told(
    kind: PauseKind, changes: dict[str, Any], what: str
) -> None:
    """With the code, and until when; it ends by itself, and is not told when it has."""
    until = NOW + timedelta(seconds=30)
    lasting = pause(kind, reason="http_401", by=None, until=until, **changes)
    words = told(case(State.PENDING, pauses=(lasting,)))
    assert what in words
    assert "(in 30 s)" in words
    assert "it leaves by itself" in words
    over = pause(kind, reason="http_401", by=None, until=NOW, **changes)
    assert what not in told(case(State.PENDING, pauses=(over,)))


def test_what_is_held_for_its_notification_needs_its_resumption() -> None:
    """A retry would not help; when it has been resumed nothing has to be done."""
    held = case(State.HELD, HeldReason.PAUSED, pauses=(pause(PauseKind.NOTIFICATION, name="n-1"),))
    assert "deliveries retry" not in told(held)
    assert "its notification is paused" in told(held)
    assert "goes back to its place" in told(case(State.HELD, HeldReason.PAUSED))


def test_an_ended_delivery_is_not_paused() -> None:
    """What has ended is not kept from anything."""
    assert "paused" not in told(case(State.DELIVERED, pauses=(pause(PauseKind.ALL),)))


def test_who_decided_is_told() -> None:
    """Who cancelled it, and who has seen that it arrived."""
    by: dict[str, Any] = {"decided_by": "ana", "settled_at": NOW}
    assert "cancelled by ana on" in told(case(State.CANCELLED, "cancelled", **by))
    assert "marked as delivered by ana on" in told(case(State.DELIVERED, "marked", **by))
    assert "as delivered on" in told(case(State.DELIVERED, "marked", settled_at=NOW))


def test_what_was_cancelled_too_late_says_so() -> None:
    """While it is sent, and when nobody knows whether it arrived."""
    assert "is not tried again" in told(case(State.SENDING, stopped=True))
    words = told(case(State.UNKNOWN, "cancelled"))
    assert "cancelled after an attempt that may have arrived" in words
    assert "recado deliveries mark-delivered d-1" in words


def test_a_duplicate_says_what_it_repeats() -> None:
    """It is no wish of the recipient's."""
    words = told(case(State.SUPPRESSED, "duplicate"))
    assert "once_key" in words
    assert "wish" not in words

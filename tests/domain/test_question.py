"""Questions: what counts as an answer, and the mark on a card's buttons."""

from __future__ import annotations

from typing import Any

import pytest

from recado.domain.question import (
    Asked,
    Overheard,
    Reply,
    mark_in,
    mark_of,
    marked,
    next_said,
    pointed_at,
    without_mark,
)
from recado.testing import START
from tests.domain.test_busy import at

CARD = "application/vnd.microsoft.card.adaptive"


def asked(name: str, **changes: Any) -> Asked:
    """A question that was asked, with all that *changes* does not say named after it."""
    told: dict[str, Any] = {
        "delivery_id": name,
        "notification_id": f"n-{name}",
        "activity_id": f"receipt-{name}",
        "handler": "h",
        "value": None,
        "mark": f"mark-{name}",
        "user_id": None,
        "asked_at": START,
        "answered_by": None,
    }
    return Asked(**(told | changes))


def reply(**changes: Any) -> Reply:
    """Something that Ana has written."""
    told: dict[str, Any] = {"activity_id": "1", "speaker_id": "ana", "written": True}
    return Reply(**(told | changes))


NEW, OLD = asked("new"), asked("old")
BOTH = (NEW, OLD)


@pytest.mark.parametrize(
    ("said", "found"),
    [
        (reply(), None),
        (reply(reply_to="receipt-old"), OLD),
        (reply(reply_to="elsewhere"), None),
        (reply(mark="mark-old", submitted=True), OLD),
        (reply(mark="mark-old", reply_to="elsewhere", submitted=True), OLD),
        (reply(mark="mark-old", reply_to="receipt-new", submitted=True), OLD),
        (reply(mark="another", submitted=True), None),
        (reply(mark="another", reply_to="receipt-old", submitted=True), OLD),
        (reply(reply_to="receipt-old", submitted=True), OLD),
    ],
)
def test_what_a_message_points_at(said: Reply, found: Asked | None) -> None:
    """Its button's mark, or what it replies to; in a dialog too."""
    assert pointed_at(said, Overheard(asked=BOTH)) == found
    assert pointed_at(said, Overheard(asked=BOTH, in_dialog=True, heard_at=at(9))) == found


def test_of_two_that_are_the_same_the_reply_tells_which() -> None:
    """The same question twice has the same mark."""
    twins = (asked("new", mark="m"), asked("old", mark="m"))
    pressed = reply(mark="m", submitted=True)
    assert pointed_at(pressed, Overheard(asked=twins)) == twins[0]
    pressed = reply(mark="m", reply_to="receipt-old", submitted=True)
    assert pointed_at(pressed, Overheard(asked=twins)) == twins[1]


def test_what_a_message_has_answered_is_its_own() -> None:
    """However it did so."""
    done = asked("old", answered_by="1")
    assert pointed_at(reply(), Overheard(asked=(NEW, done))) == done
    assert pointed_at(reply(activity_id=None), Overheard(asked=(NEW,))) is None


def test_a_message_without_an_id_has_answered_nothing() -> None:
    """Nothing is nobody's id; and a question without a receipt is nobody's to reply to."""
    bare = asked("bare", activity_id=None, mark=None)
    assert pointed_at(reply(activity_id=None), Overheard(asked=(bare,))) is None


@pytest.mark.parametrize(
    ("said", "heard", "found"),
    [
        (reply(), Overheard(asked=BOTH), NEW),
        (reply(), Overheard(), None),
        (reply(), Overheard(asked=BOTH, in_dialog=True), None),
        (reply(), Overheard(asked=BOTH, heard_at=at(-1)), NEW),
        (reply(), Overheard(asked=BOTH, heard_at=at(0)), None),
        (reply(), Overheard(asked=BOTH, heard_at=at(1)), None),
        (reply(reply_to="elsewhere"), Overheard(asked=BOTH), None),
        (reply(submitted=True), Overheard(asked=BOTH), None),
        (reply(written=False), Overheard(asked=BOTH), None),
        (reply(), Overheard(asked=(asked("new", answered_by="2"), OLD)), OLD),
        (reply(), Overheard(asked=(asked("new", user_id="ben"), OLD)), OLD),
        (reply(), Overheard(asked=(asked("new", user_id="ana"), OLD)), asked("new", user_id="ana")),
    ],
)
def test_what_is_said_next(said: Reply, heard: Overheard, found: Asked | None) -> None:
    """The newest question, if nothing else was said since and no dialog waits."""
    assert next_said(said, heard) == found


def test_a_question_to_one_person_is_not_others_to_answer() -> None:
    """By whatever way."""
    theirs = Overheard(asked=(asked("new", user_id="ben"),))
    assert pointed_at(reply(reply_to="receipt-new"), theirs) is None
    assert pointed_at(reply(mark="mark-new"), theirs) is None
    assert next_said(reply(), theirs) is None


def test_buttons_are_marked_wherever_they_are() -> None:
    """In rows, in cards that a button shows, with data or without; nothing else is touched."""
    card = {
        "type": "AdaptiveCard",
        "body": [
            {"type": "TextBlock", "text": "Action.Submit"},
            {"type": "ActionSet", "actions": [{"type": "Action.Submit", "data": {"a": 1}}]},
            {"type": "Container", "selectAction": {"type": "Action.Submit"}},
        ],
        "actions": [
            {
                "type": "Action.ShowCard",
                "card": {"actions": [{"type": "Action.Submit", "data": "a text"}]},
            },
            {"type": "Action.Submit", "data": {"recado": "the bot's own"}},
        ],
    }
    other = {"contentType": "image/png", "content": {"type": "Action.Submit"}}
    activity = {"type": "message", "attachments": [{"contentType": CARD, "content": card}, other]}
    found = marked(activity, "m")
    inside = found["attachments"][0]["content"]
    assert inside["body"][1]["actions"][0]["data"] == {"a": 1, "recado": {"question": "m"}}
    assert mark_in(inside["body"][2]["selectAction"]["data"]) == "m"
    assert inside["actions"] == card["actions"]
    assert inside["body"][0] == card["body"][0]
    assert found["attachments"][1] == other
    assert "recado" not in str(activity["attachments"][0]["content"]["body"])  # type: ignore[index]
    assert marked({"type": "message", "text": "x"}, "m") == {"type": "message", "text": "x"}


def test_a_mark_is_that_of_what_is_asked() -> None:
    """The same for the same, so that the same request is the same; another for anything else."""
    first = mark_of("{}", "h", {"order": 17})
    assert first == mark_of("{}", "h", {"order": 17})
    others = (mark_of("{}", "h", {"order": 18}), mark_of("{}", "g", {"order": 17}))
    assert first not in (*others, mark_of('{"a":1}', "h", {"order": 17}))


@pytest.mark.parametrize(
    "value", [None, "text", 5, [], {}, {"recado": "x"}, {"recado": {"question": 5}}]
)
def test_what_is_no_mark(value: Any) -> None:
    """Whatever people and bots send."""
    assert mark_in(value) is None


def test_the_answer_is_without_the_mark() -> None:
    """It is ours."""
    assert without_mark({"a": 1, "recado": {"question": "m"}}) == {"a": 1}
    assert without_mark("text") == "text"

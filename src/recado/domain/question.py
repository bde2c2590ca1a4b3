"""Questions: what a notification asks, and what counts as an answer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

#: How long a question can be answered after it was delivered, unless it is said.
ANSWER_WITHIN: Final = timedelta(hours=24)
#: What the data of a card's button has to have in it for us, and there the question's mark.
MARKED: Final = "recado"
_MARK: Final = "question"

_CARD: Final = "application/vnd.microsoft.card.adaptive"
_DEEPEST: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Who hears the answer to what a notification asks.

    Attributes:
        handler: the name of the handler.
        value: JSON that the handler is given with the answer.
        within: for how long after its delivery it can be answered. Without it until the
            notification expires or, if that does not, for :data:`ANSWER_WITHIN`.
        mark: what the buttons of its cards send along; it is the same for the same question.
    """

    handler: str
    value: Any = None
    within: timedelta | None = None
    mark: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question that was delivered.

    Attributes:
        delivery_id: of what.
        notification_id: of which that is a delivery.
        activity_id: the receipt.
        handler: as in :class:`Question`, and so below.
        value: JSON text, or None.
        mark: its mark.
        user_id: the id of the person it is for, if it is for one.
        asked_at: when it was delivered.
        answered_by: the id of the activity that has answered it.
    """

    delivery_id: str
    notification_id: str
    activity_id: str | None
    handler: str
    value: str | None
    mark: str | None
    user_id: str | None
    asked_at: datetime
    answered_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Overheard:
    """What has to be known of a conversation to tell whom a message in it is for.

    Attributes:
        in_dialog: whether a dialog waited for an answer when its last turn ended.
        heard_at: when the latest turn began in which the bot was given a person's message.
        asked: what may be answered there, the newest first.
    """

    in_dialog: bool = False
    heard_at: datetime | None = None
    asked: Sequence[Asked] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A message, as far as it may be an answer.

    Attributes:
        activity_id: its own.
        speaker_id: who says it.
        reply_to: the activity it is a reply to, if the channel says so.
        mark: the mark of the question whose button was pressed.
        submitted: whether it was made by a button instead of being written.
        written: whether it has words.
    """

    activity_id: str | None
    speaker_id: str | None
    reply_to: str | None = None
    mark: str | None = None
    submitted: bool = False
    written: bool = False


def pointed_at(reply: Reply, heard: Overheard) -> Asked | None:
    """The question that a message says it answers: by being a reply to it, or by its button.

    Such an answer is one whatever else goes on. The message may have answered it before.
    """
    theirs = [each for each in heard.asked if _may_answer(reply, each)]
    for each in theirs:
        if each.answered_by is not None and each.answered_by == reply.activity_id:
            return each
    replied_to = [each for each in theirs if each.activity_id == reply.reply_to is not None]
    pressed = [each for each in theirs if each.mark == reply.mark is not None]
    both = [each for each in pressed if each in replied_to]
    # A card may have been edited since, so that the channel says it is another message's.
    found = both or pressed or replied_to
    return found[0] if found else None


def next_said(reply: Reply, heard: Overheard) -> Asked | None:
    """The question that a plain message answers.

    That is the newest one, if the message is the first that is not about something else: no dialog
    waits for it, and the bot was given no other message since it was asked.
    """
    if heard.in_dialog or reply.submitted or reply.reply_to is not None or not reply.written:
        return None
    for each in heard.asked:
        if each.answered_by is None and _may_answer(reply, each):
            late = heard.heard_at is not None and each.asked_at <= heard.heard_at
            return None if late else each
    return None


def _may_answer(reply: Reply, asked: Asked) -> bool:
    return asked.user_id is None or asked.user_id == reply.speaker_id


def mark_of(content: str, handler: str, value: Any) -> str:
    """What tells a question from others: what it says, and who hears the answer with what."""
    told = json.dumps([content, handler, value], sort_keys=True)
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:24]


def marked(activity: Mapping[str, Any], mark: str) -> dict[str, Any]:
    """An activity whose cards' buttons send *mark* along (``Action.Submit`` of Adaptive Cards)."""
    attachments = activity.get("attachments")
    if not isinstance(attachments, list):
        return dict(activity)
    return {**activity, "attachments": [_marked_attachment(each, mark) for each in attachments]}


def _marked_attachment(attachment: Any, mark: str) -> Any:
    if not isinstance(attachment, Mapping) or attachment.get("contentType") != _CARD:
        return attachment
    return {**attachment, "content": _marked(attachment.get("content"), mark, 0)}


def _marked(part: Any, mark: str, depth: int) -> Any:
    if depth > _DEEPEST:
        return part
    if isinstance(part, list):
        return [_marked(each, mark, depth + 1) for each in part]
    if not isinstance(part, Mapping):
        return part
    if part.get("type") == "Action.Submit":
        data = part.get("data", {})
        # What is not an object has no room for it.
        if isinstance(data, Mapping) and MARKED not in data:
            return {**part, "data": {**data, MARKED: {_MARK: mark}}}
        return part
    return {name: _marked(each, mark, depth + 1) for name, each in part.items()}


def mark_in(value: Any) -> str | None:
    """The mark that a button has sent along."""
    ours = value.get(MARKED) if isinstance(value, Mapping) else None
    mark = ours.get(_MARK) if isinstance(ours, Mapping) else None
    return mark if isinstance(mark, str) else None


def without_mark(value: Any) -> Any:
    """What a button has sent, without our own part of it."""
    if not isinstance(value, Mapping):
        return value
    return {name: each for name, each in value.items() if name != MARKED}

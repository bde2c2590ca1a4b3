"""The notification: one request to say something, before it is split into deliveries."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Literal

from recado.domain.audience import Audience, usable, written
from recado.domain.content import Content
from recado.domain.delivery import OnUnknown, Priority, State
from recado.domain.question import Question
from recado.errors import InvalidInput

#: No name or key is longer.
LONGEST_NAME = 255

#: How politely a notification is delivered; docs/moments.md says what each means.
Mode = Literal["now", "when_idle", "after_dialog", "next_turn", "as_turn"]

#: The handler name under which a bot's own turn handler is registered.
BOT_TURN = "bot"


def check_name(given: object, option: str) -> None:
    """Refuse what cannot be stored and found again as a name or key.

    Raises:
        InvalidInput: it is not a text of 1 to 255 characters that can be written in UTF-8.
    """
    if not isinstance(given, str) or not 0 < len(given) <= LONGEST_NAME or not usable(given):
        raise InvalidInput(f"{option} is text of 1 to {LONGEST_NAME} characters: choose another.")


def check_json(given: object, option: str) -> None:
    """Refuse what cannot be kept as JSON.

    Raises:
        InvalidInput: why not.
    """
    try:
        json.dumps(given, allow_nan=False)
    except RecursionError:
        raise InvalidInput(f"{option} is nested too deeply: make it flatter.") from None
    except (TypeError, ValueError) as error:
        raise InvalidInput(
            f"{option} cannot be written as JSON ({error}): use plain JSON values."
        ) from error


def check_user(given: object) -> None:
    """Refuse what is no ChannelAccount.

    Raises:
        InvalidInput: it is not a JSON object with an id.
    """
    check_json(given, "user")
    identity = given.get("id") if isinstance(given, Mapping) else None
    if not isinstance(identity, str) or not identity:
        raise InvalidInput('user is a ChannelAccount such as {"id": "29:..."}: give its id.')


class Action(StrEnum):
    """What a notification does."""

    SEND = "send"  # say something
    UPDATE = "update"  # change what another notification said
    RECALL = "recall"  # remove it


class Otherwise(StrEnum):
    """What a change does about a copy that cannot be changed."""

    FOLLOW_UP = "follow_up"  # say it in a message of its own
    REFUSE = "refuse"  # leave the copy as it is, and say so


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What a turn delivery runs: a handler by name, and the payload it is given."""

    handler: str
    value: Any = None
    value_type: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Once:
    """At most one delivery for a key in each conversation and period."""

    key: str
    every: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """What was asked for, as it is stored. Exactly one of *content* and *turn* is set."""

    id: str
    bot: str
    audience: Audience
    content: Content | None
    turn: Turn | None
    accepted_at: datetime
    due_at: datetime
    expires_at: datetime | None = None
    priority: Priority = Priority.NORMAL
    on_unknown: OnUnknown = OnUnknown.RETRY
    mode: Mode = "now"
    #: How long its conversation has to have been quiet; with mode ``when_idle``.
    quiet: timedelta | None = None
    #: How long it waits for a good moment at most; with the modes that wait for one.
    max_wait: timedelta | None = None
    #: Since when its recipient has asked for it; None if nobody has. What was asked for is not
    #: kept back by windows and caps, and an opt-out from before is not about it.
    asked_at: datetime | None = None
    #: The number of the watch it tells of: it is said only while that is true.
    watch: int | None = None
    #: Who hears the answer to what it asks.
    question: Question | None = None
    category: str | None = None
    collapse_key: str | None = None
    #: The ChannelAccount of the person it is about; None means whoever is in the conversation.
    user: Mapping[str, Any] | None = None
    #: Idempotency key, scoped by (bot, scope).
    key: str | None = None
    key_scope: str = ""
    #: Suppressed where the same was said for its key of late.
    once: Once | None = None
    #: The turn it was made in, when that turn's own conversation is in the audience, and the
    #: number of that conversation's reference: that delivery waits until the turn has ended.
    after_turn: str | None = None
    after_turn_lane: int | None = None
    action: Action = Action.SEND
    #: Id of the notification whose copies are changed; its audience, priority and what follows
    #: from them are then the original's, and those above are not looked at.
    target: str | None = None
    #: What to do about a copy that cannot be changed; None for what is no change.
    otherwise: Otherwise | None = None

    def fingerprint(self) -> str:
        """A digest of what the caller asked for, to tell a repetition from a different request.

        Times are left out: a repeated ``when=timedelta(...)`` is the same request a moment later.
        """
        asked = [
            written(self.audience),
            self.content.json if self.content else None,
            [self.turn.handler, self.turn.value, self.turn.value_type] if self.turn else None,
            int(self.priority),
            self.on_unknown,
            self.mode,
            self.category,
            self.collapse_key,
            dict(self.user) if self.user else None,
        ]
        if self.target is not None:
            asked += [self.action, self.target, self.otherwise]
        if self.quiet is not None or self.max_wait is not None:
            asked += [str(self.quiet), str(self.max_wait)]
        if self.question is not None:
            asked += [self.question.handler, self.question.value, str(self.question.within)]
        if self.once is not None:
            asked += [self.once.key, str(self.once.every)]
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What an update or a recall has done so far, in copies."""

    #: The channel has changed, or removed, so many.
    changed: int = 0
    #: So many had not left: an update is sent in their place, a recall has ended them.
    unsent: int = 0
    #: So many could not be changed; a message of its own was sent after each.
    followed: int = 0
    #: So many could not be changed, and were left as they are.
    refused: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a notification has come."""

    notification_id: str
    accepted_at: datetime
    #: Whether every recipient has its delivery row; before that, counts are still growing.
    expanded: bool
    #: Deliveries per state; states without any are left out.
    counts: Mapping[State, int] = field(default_factory=dict)
    #: For an update or a recall: what it has done to the copies of its original.
    changes: Changes | None = None

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def out(self) -> int:
        """Deliveries the channel has taken."""
        return self.counts.get(State.DELIVERED, 0)

    @property
    def settled(self) -> bool:
        """Whether nothing more will happen by itself: all ended or parked."""
        return self.expanded and all(state.final or state is State.UNKNOWN for state in self.counts)

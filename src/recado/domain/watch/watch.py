"""The watch: whose it is, what it looks at, and what it says."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from recado.domain.notification import Notification
from recado.domain.watch.rules import AnyRule, Standing
from recado.domain.watch.values import Value, shown


class WatchState(StrEnum):
    """Where a watch stands."""

    ACTIVE = "active"  # it looks at every event of its subject
    PAUSED = "paused"  # it looks at nothing until it is resumed
    FIRED = "fired"  # it has said what it was to say once
    CANCELLED = "cancelled"  # somebody ended it
    EXPIRED = "expired"  # its time was up

    @property
    def ended(self) -> bool:
        """Whether nothing more will come of it by itself."""
        return self not in (WatchState.ACTIVE, WatchState.PAUSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewWatch:
    """A watch that is to be made.

    Attributes:
        id: its.
        bot: who speaks.
        subject: what is watched.
        rule: when it speaks.
        path: where in the data the value is.
        said: what it says then, to whom and how; its texts are templates.
        cooldown: how long it is silent after it has spoken.
        repeats: whether it goes on after it has spoken.
        key: the caller's own, unique among those of the bot.
        expires_at: when it ends in any case.
        created_at: now.
    """

    id: str
    bot: str
    subject: str
    rule: AnyRule
    path: str | None
    said: Notification
    cooldown: timedelta | None
    repeats: bool
    key: str | None
    expires_at: datetime | None
    created_at: datetime

    def fingerprint(self) -> str:
        """A digest of what was asked for, to tell a repetition from another watch.

        When it expires is left out: a repeated ``expires=timedelta(...)`` is the same request.
        """
        asked = [
            self.subject,
            str(self.rule),
            self.path,
            str(self.cooldown),
            self.repeats,
            self.said.fingerprint(),
        ]
        return hashlib.sha256(json.dumps(asked).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """A watch as it is kept.

    Attributes:
        id: its.
        number: its own among those of its conversation, for people: ``unwatch 3``.
        subject: what is watched.
        rule: when it speaks.
        path: where in the data the value is.
        audience: whom it tells, in the short form.
        reference_id: the conversation it was made for.
        conversation_id: the same, as the channel names it.
        user: ChannelAccount of the person it is for, if it names one.
        content: what it says, an activity with templates; None if a handler does.
        handler: the handler's name.
        repeats: whether it goes on after it has spoken.
        cooldown: how long it is silent then.
        key: the caller's own.
        state: where it stands.
        created_at: when it was made.
        expires_at: when it ends in any case.
        ended_at: when it has ended.
        standing: what it remembers: its baseline, and whether it fires when its rule is true. A
            new watch whose rule is true already is not armed: it fires when that has ended and
            comes true again.
        fired: how often it has spoken.
        fired_at: when it did last.
        trouble: why it could not look at the last event; None if it could.
        replayed: it had been made before, under the same key.
    """

    id: str
    number: int
    subject: str
    rule: AnyRule
    path: str | None
    audience: str
    reference_id: str
    conversation_id: str
    user: Mapping[str, Any] | None
    content: Mapping[str, Any] | None
    handler: str | None
    repeats: bool
    cooldown: timedelta | None
    key: str | None
    state: WatchState
    created_at: datetime
    expires_at: datetime | None
    ended_at: datetime | None
    standing: Standing
    fired: int
    fired_at: datetime | None
    trouble: str | None
    replayed: bool = False

    @property
    def baseline(self) -> str | None:
        """What the next value is compared with, as people read it."""
        known: Value | None = self.standing.baseline
        return None if known is None else shown(known)

    @property
    def armed(self) -> bool:
        """Whether it fires as soon as its rule is true."""
        return self.standing.armed

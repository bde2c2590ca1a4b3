"""The exception tree.

Every error says in one sentence what is wrong and what to do, carries the data its handler
needs, and has a stable ``code`` that the HTTP API, the CLI and the logs repeat::

    RecadoError
    ├── ConfigurationError
    ├── InvalidInput
    │   ├── InvalidActivity
    │   ├── InvalidAudience
    │   ├── InvalidEvent
    │   ├── InvalidRule
    │   ├── ContentTooLarge
    │   ├── ForbiddenServiceUrl
    │   ├── InvalidExport
    │   ├── UnknownStateType
    │   ├── UnknownZone
    │   ├── InvalidHours
    │   ├── InvalidSchedule
    │   │   └── PastTime
    │   │       └── MomentPast
    │   ├── MomentNotUnderstood
    │   ├── AmbiguousMoment
    │   └── WaitInOwnTurn
    ├── NotFound
    │   ├── UnknownRecipient
    │   ├── UnknownReference
    │   ├── UnknownNotification
    │   ├── UnknownDelivery
    │   ├── UnknownAnswer
    │   ├── UnknownTopic
    │   ├── UnknownWatch
    │   ├── UnknownSchedule
    │   └── UnknownJob
    ├── Conflict
    │   ├── AnswerOver
    │   ├── DatabaseNotEmpty
    │   ├── IdempotencyConflict
    │   ├── JobAlreadyComplete
    │   ├── StateConflict
    │   ├── TransactionConflict
    │   └── TransitionRefused
    ├── StoreError
    │   ├── StoreUnavailable
    │   │   └── StoreEmpty
    │   ├── StoreReadOnly
    │   ├── StoreFull
    │   ├── StoreTooNew
    │   └── StoreUnfinished
    └── ChannelError
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar


class RecadoError(Exception):
    """Something Recado was asked to do could not be done."""

    code: ClassVar[str] = "error"


class ConfigurationError(RecadoError):
    """A setting is missing, malformed or contradicts another one."""

    code = "configuration"


class InvalidInput(RecadoError):
    """The caller's input cannot be used as it is."""

    code = "invalid_input"


class InvalidActivity(InvalidInput):
    """An activity lacks what is needed to use it, or has a field of the wrong type."""

    code = "invalid_activity"


class InvalidAudience(InvalidInput):
    """An audience is not written in a form Recado understands."""

    code = "invalid_audience"


class InvalidEvent(InvalidInput):
    """Something is no CloudEvent, or none that can be used here.

    Attributes:
        field: the attribute or member at fault, if it is one.
        index: its place in a batch, from 0, if it came in one.
    """

    code = "invalid_event"

    def __init__(self, fault: str, *, field: str | None = None, index: int | None = None) -> None:
        self._fault, self.field, self.index = fault, field, index
        place = "" if index is None else f" at index {index} of the batch"
        super().__init__(f"The event{place} cannot be used: {fault}.")

    def of_batch(self, index: int) -> InvalidEvent:
        """The same, of an event in a batch."""
        return InvalidEvent(self._fault, field=self.field, index=index)


class InvalidRule(InvalidInput):
    """A rule is not written as one, would never fire, or would with every value."""

    code = "invalid_rule"


class ContentTooLarge(InvalidInput):
    """The content exceeds what its channel accepts.

    Attributes:
        size: size of the content, in ``unit``.
        limit: what the channel accepts, in the same unit.
        channel: the base channel id, for example ``msteams``.
    """

    code = "content_too_large"

    def __init__(self, *, channel: str, size: int, limit: int, unit: str) -> None:
        self.channel, self.size, self.limit = channel, size, limit
        super().__init__(
            f"The content has {size:,} {unit} and {channel} accepts {limit:,}: "
            "shorten it, or send it as several notifications."
        )


class ForbiddenServiceUrl(InvalidInput):
    """A service URL points to a host or scheme that a token must not be sent to."""

    code = "forbidden_service_url"


class InvalidExport(InvalidInput):
    """A file is no export of Recado's, is not whole, or cannot be read by this program."""

    code = "invalid_export"


class UnknownStateType(InvalidInput):
    """What a bot wants to keep, or has kept, is of a type that its storage does not know.

    Attributes:
        key: under which it was to be kept, or is.
        path: where in it.
        type_name: which type.
    """

    code = "unknown_state_type"

    def __init__(self, *, key: str, path: str, type_name: str, advice: str) -> None:
        self.key, self.path, self.type_name = key, path, type_name
        where = f"at {path} in" if path else "in"
        super().__init__(f"There is a {type_name} {where} the state under {key!r}: {advice}.")


class UnknownZone(InvalidInput):
    """There is no time zone of that name.

    Attributes:
        name: the name that was given.
        meant: the zone that may have been meant; None if none is like it.
    """

    code = "unknown_zone"

    def __init__(self, name: str, meant: str | None) -> None:
        self.name, self.meant = name, meant
        hint = f"did you mean {meant}?" if meant else "write it as Europe/Madrid, or UTC."
        super().__init__(f"There is no time zone {name!r}: {hint}")


class InvalidHours(InvalidInput):
    """Quiet hours or a weekly window are not written as such, or leave no time to say anything."""

    code = "invalid_hours"


class MomentNotUnderstood(InvalidInput):
    """Words do not say when something is meant, or not all of them were understood.

    Attributes:
        text: the words.
    """

    code = "moment_not_understood"

    def __init__(self, text: str) -> None:
        self.text = text
        super().__init__(
            f"It was not understood when is meant by {text!r}: write it as 'in 10 minutes', "
            "'tomorrow at 9', 'on Friday at 17:00' or 'every monday at 9'."
        )


class AmbiguousMoment(InvalidInput):
    """Words can mean more than one moment.

    Attributes:
        text: the words.
        readings: what they can mean, as times, dates, or both: ``05:00``, ``2026-12-24``.
    """

    code = "ambiguous_moment"

    def __init__(self, text: str, readings: Sequence[str]) -> None:
        self.text, self.readings = text, tuple(readings)
        super().__init__(f"{text!r} can mean {' or '.join(readings)}: say which.")


class InvalidSchedule(InvalidInput):
    """A rule cannot be understood, never comes true, or comes true every few seconds."""

    code = "invalid_schedule"


class PastTime(InvalidSchedule):
    """The time to say something at has passed already."""

    code = "past_time"


class MomentPast(PastTime):
    """A moment that words mean is past.

    Attributes:
        at: the moment.
    """

    code = "moment_past"

    def __init__(self, at: datetime) -> None:
        self.at = at
        super().__init__(f"{at:%Y-%m-%d %H:%M} is past: choose a time to come.")


class WaitInOwnTurn(InvalidInput):
    """A turn asked to wait for a delivery that can leave only after this turn has ended."""

    code = "wait_in_own_turn"


class NotFound(RecadoError):
    """What was asked for does not exist."""

    code = "not_found"


class UnknownRecipient(NotFound):
    """Nobody is known under that name, so there is no conversation to speak in."""

    code = "unknown_recipient"


class UnknownReference(NotFound):
    """There is no reference with that id."""

    code = "unknown_reference"


class UnknownNotification(NotFound):
    """There is no notification with that id."""

    code = "unknown_notification"


class UnknownDelivery(NotFound):
    """There is no delivery with that id."""

    code = "unknown_delivery"


class UnknownAnswer(NotFound):
    """No long answer with that id was promised.

    Attributes:
        answer_id: the id that was asked for.
    """

    code = "unknown_answer"

    def __init__(self, answer_id: str) -> None:
        self.answer_id = answer_id
        super().__init__(f"There is no long answer {answer_id}: `recado answers list` shows them.")


class UnknownJob(NotFound):
    """The job log does not contain that number.

    Attributes:
        number: the number that was asked for.
    """

    code = "unknown_job"

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(f"The log does not contain a job {number}.")


class UnknownTopic(NotFound):
    """There is no topic with that name.

    Attributes:
        name: the name that was asked for.
    """

    code = "unknown_topic"

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            f"There is no topic {name!r}: `recado topics list` shows them, and `recado topics "
            "create` makes one."
        )


class UnknownWatch(NotFound):
    """There is no watch with that id or key.

    Attributes:
        name: what was asked for.
    """

    code = "unknown_watch"

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"There is no watch {name!r}: `recado watches list` shows them.")


class UnknownSchedule(NotFound):
    """There is no schedule with that id or key.

    Attributes:
        name: the id or key that was asked for.
    """

    code = "unknown_schedule"

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            f"There is no schedule {name!r}: `recado schedules list` shows those there are."
        )


class Conflict(RecadoError):
    """The request contradicts what has already happened."""

    code = "conflict"


class DatabaseNotEmpty(Conflict):
    """A database that something was to be imported into has something else in it."""

    code = "database_not_empty"


class IdempotencyConflict(Conflict):
    """An idempotency key was used before, for a different request."""

    code = "idempotency_conflict"

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(
            f"The idempotency key {key!r} was used for a different request: "
            "repeat that request unchanged, or choose a new key."
        )


class AnswerOver(Conflict):
    """A long answer has ended, or its work is another process's by now.

    Attributes:
        answer_id: which.
        state: the state it was found in.
    """

    code = "answer_over"

    def __init__(self, answer_id: str, state: str) -> None:
        self.answer_id, self.state = answer_id, state
        super().__init__(
            f"The long answer {answer_id} is {state} and takes nothing more from here: "
            "end the work."
        )


class JobAlreadyComplete(Conflict):
    """The job was completed before.

    Attributes:
        number: the job's number.
    """

    code = "job_already_complete"

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(f"Job {number} is already complete.")


class StateConflict(Conflict):
    """Somebody else wrote what a bot keeps, after it was read; nothing was written over it.

    Attributes:
        keys: under which it is kept.
    """

    code = "state_conflict"

    def __init__(self, keys: Sequence[str]) -> None:
        self.keys = tuple(keys)
        named = ", ".join(map(repr, self.keys))
        super().__init__(
            f"What the bot keeps under {named} was changed by somebody else after it was read: "
            "read it, change it and write it again."
        )


class TransactionConflict(Conflict):
    """Another transaction was in the way of the caller's own, which only the caller can repeat."""

    code = "transaction_conflict"

    def __init__(self, told: str) -> None:
        super().__init__(
            f"Another transaction has done the same meanwhile, or was in the way ({told}): roll "
            "this one back and run it again as a whole."
        )


class TransitionRefused(Conflict):
    """A delivery cannot go from the state it is in to the one asked for."""

    code = "transition_refused"


class StoreError(RecadoError):
    """The database did not do what it was asked to; nothing was acknowledged."""

    code = "store"


class StoreUnavailable(StoreError):
    """The database cannot be reached or is locked by someone else."""

    code = "store_unavailable"


class StoreEmpty(StoreUnavailable):
    """The database has nothing of Recado's in it, and none was to be made."""

    code = "store_empty"

    def __init__(self, where: str) -> None:
        super().__init__(
            f"The database {where} has no tables of Recado's yet: run `recado migrate` or start "
            "`recado serve` to make them, or name another database with RECADO_DATABASE_URL."
        )


class StoreReadOnly(StoreError):
    """The database cannot be written."""

    code = "store_read_only"


class StoreFull(StoreError):
    """The disk the database lives on is full."""

    code = "store_full"


class StoreTooNew(StoreError):
    """The database was written by a newer Recado than this one."""

    code = "store_too_new"

    def __init__(self, *, found: int, known: int) -> None:
        self.found, self.known = found, known
        super().__init__(
            f"This database has schema version {found} and this program knows {known}: "
            "install the newer Recado that wrote it, or point RECADO_DATABASE_URL elsewhere."
        )


class StoreUnfinished(StoreError):
    """An import into the database was begun and has not ended, so nothing can be done with it."""

    code = "store_unfinished"

    def __init__(self, where: str) -> None:
        super().__init__(
            f"An import into the database {where} has not finished: run `recado import` with the "
            "same file again, which goes on where it was, or use another database."
        )


class ChannelError(RecadoError):
    """The channel did not take what a turn sent to it.

    Attributes:
        status: HTTP status, or None when no answer arrived.
        channel_code: the error code in the channel's body, if any.
        sub_code: the inner code of Teams' second body form, if any.
        retry_after: seconds the channel asked to wait, if it did.
    """

    code = "channel"

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        channel_code: str | None = None,
        sub_code: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        self.status, self.channel_code = status, channel_code
        self.sub_code, self.retry_after = sub_code, retry_after
        super().__init__(message)

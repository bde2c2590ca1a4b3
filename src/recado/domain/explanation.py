"""Explanations: why a delivery has not left, did not arrive, or did, in words (promise 7).

Facts in, sentences out. The command line, the HTTP API and the console all say these.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, Protocol

from recado.domain import changing
from recado.domain.chaining import chain_of
from recado.domain.delivery import Attempt, Delivery, HeldReason, Outcome, State
from recado.domain.expecting import expected_name, is_expected
from recado.domain.making import never_made
from recado.domain.notification import Action
from recado.domain.pause import Pause
from recado.domain.pausing import by_people, pause_in_words, resume_command
from recado.domain.politeness.chain import Link
from recado.domain.reference import ConversationKey, Health
from recado.domain.schedule import Firing, FiringKind
from recado.domain.standing import ENQUEUED
from recado.domain.times import moment, span, when

__all__ = ["Case", "explain", "moment", "reason_in_words", "span"]

#: Attempts told one by one; of a longer list the latest are the telling ones.
_ATTEMPTS_TOLD = 5


class Case(Protocol):
    """A delivery with everything that happened to it."""

    @property
    def delivery(self) -> Delivery:
        """As it stands."""

    @property
    def conversation(self) -> ConversationKey:
        """Where it goes."""

    @property
    def attempts(self) -> Sequence[Attempt]:
        """Its attempts that have ended, in order."""

    @property
    def handler(self) -> str | None:
        """The handler of a turn delivery; None for a plain one."""

    @property
    def ahead(self) -> int | None:
        """How many deliveries stand before it in its lane; None outside the lane."""

    @property
    def health(self) -> Health:
        """Whether its conversation can be spoken in."""

    @property
    def pauses(self) -> Sequence[Pause]:
        """What pauses it; those that are over may be among them."""

    @property
    def stopped(self) -> bool:
        """Whether it was cancelled while it was being sent."""

    @property
    def decided_by(self) -> str | None:
        """The person who cancelled it or marked it as delivered, if known."""

    @property
    def action(self) -> Action:
        """Whether it says something, or changes or removes what was said."""

    @property
    def target(self) -> str | None:
        """The delivery it changes; None for one that says something of its own."""

    @property
    def said(self) -> Sequence[Link]:
        """What the checks of politeness say of it while it waits."""

    @property
    def occurrence(self) -> Firing | None:
        """The occurrence of a schedule that it says; None if it says none."""


_HEALTH: Mapping[Health, str] = {
    Health.ACTIVE: "can be spoken in",
    Health.SUSPECT: "was not found at the last attempt, which may pass",
    Health.BLOCKED: "cannot be spoken in: the person has blocked the bot",
    Health.UNINSTALLED: "cannot be spoken in: the bot was removed from it",
    Health.POLICY: "cannot be spoken in: an administrator has disabled the bot",
    Health.GONE: "cannot be spoken in: the channel has not found it repeatedly",
}

_HELD: Mapping[str, str] = {
    HeldReason.UNREACHABLE: "its conversation cannot be reached",
    HeldReason.BACKOFF: "attempts have failed for so long that the next one is further off",
    HeldReason.BUSY: "the conversation is in a turn, and it leaves when that has ended",
    HeldReason.WINDOW: "this is no time at which its recipient wants to be told things",
    HeldReason.CAP: "its recipient is to be sent no more for now",
    HeldReason.PAUSED: "its notification is paused",
    HeldReason.NO_REFERENCE: "no conversation with its recipient is known yet",
    HeldReason.NO_HANDLER: "no process that delivers knows its handler",
}

#: What is told beside the state and the pauses.
_POLITE: Final = frozenset({"still_true", "consent", "window", "cap", "busy"})
#: Whoever tries it now finds the same again.
_NOT_HASTENED: Final = frozenset(
    {HeldReason.PAUSED, HeldReason.WINDOW, HeldReason.CAP, HeldReason.BUSY}
)

#: What becomes of a held delivery, and who can hasten it.
_HELD_REMEDY: Mapping[str, str] = {
    HeldReason.UNREACHABLE: (
        "nothing, it leaves by itself when the person writes to the bot or installs it again."
    ),
    HeldReason.NO_REFERENCE: "the recipient has to write to the bot, or install it, once.",
    HeldReason.PAUSED: "nothing, it has been resumed and goes back to its place by itself.",
    HeldReason.WINDOW: (
        "nothing, it leaves by itself then. What is urgent waits for no hours, only for a mute."
    ),
    HeldReason.CAP: "nothing, it leaves by itself then. What is urgent does not wait.",
}

_REASONS: Mapping[str, str] = {
    "no_answer": "the request was sent and no answer came back",
    "lost": "the process that was sending it ended before the answer came",
    "not_sent": "no connection to the channel could be made",
    "no_token": "no token could be had for the bot",
    "forbidden_service_url": (
        "the conversation's service URL is one that a token must not be sent to"
    ),
    "handler_error": "the code of its handler failed",
    "no_conversation": "the channel agreed to make the conversation and told no id for it",
    "unreadable_content": "its content, as it is stored, cannot be read",
    "no_verdict": "Recado itself failed while it was being sent",
    "expires": "its time was up after an attempt that may have arrived",
    "cancelled": "it was cancelled after an attempt that may have arrived",
    "unauthorized": "the channel refused the bot's credentials",
    "not_found": "the channel did not find the conversation",
    "conversation_id_not_decrypted": "the channel could not read the conversation id",
}

#: What to do about a delivery that was rejected for this reason, before it is retried.
_REJECTED_REMEDY: Mapping[str, str] = {
    "forbidden_service_url": (
        "If you trust that host, add it to RECADO_EXTRA_HOSTS (`recado references show` has it)"
    ),
    "handler_error": "Mend the handler",
    "not_sent": "Make sure that this machine reaches the channel",
    "MessageSizeTooBig": "Send something shorter; this one will not pass",
    "BadSyntax": "Send an activity the channel understands; this one will not pass",
}


def explain(case: Case, *, now: datetime, served: bool) -> list[str]:
    """Why a delivery is where it is, and what can be done about it.

    Args:
        case: the delivery and what happened to it.
        now: the present instant.
        served: whether a process is delivering from the database.

    Returns:
        Sentences: the state and its reason, times, attempts, the conversation, what to do.
    """
    told = [_change(case), _state(case, now), _schedule(case), _times(case.delivery, now)]
    told += _attempts(case)
    told += _polite(case, now)
    if not case.delivery.state.final:
        told += [pause_in_words(each, now) for each in case.pauses if each.active(now)]
        told += [_conversation(case), _service(served=served)]
    told.append(_resume(case, now) or _remedy(case, served=served))
    return [sentence for sentence in told if sentence]


def _schedule(case: Case) -> str:
    said = case.occurrence
    if said is None:
        return ""
    which = "said once more by hand" if said.kind is FiringKind.RUN else moment(said.occurrence)
    return (
        f"It is an occurrence of schedule {said.schedule_id}: {which} (`recado schedules show "
        f"{said.schedule_id}`)."
    )


# -- the state -------------------------------------------------------------------------------


def _state(case: Case, now: datetime) -> str:
    delivery = case.delivery
    why = reason_in_words(delivery.reason)
    due = when(delivery.due_at, now)
    match delivery.state:
        case State.SCHEDULED if delivery.reason == ENQUEUED:
            told = "It was committed with a transaction of its caller's and not taken up yet."
        case State.SCHEDULED:
            told = f"It is scheduled: it is due {due}."
        case State.PENDING:
            told = f"It is pending: it is due and {_place(case.ahead)}."
        case State.SENDING:
            told = f"It is being sent: attempt {delivery.attempts} has begun and is not answered."
            if case.stopped:
                told += " It was cancelled meanwhile, so it is not tried again."
        case State.RETRYING:
            told = (
                f"It is retrying because {why}: it keeps the head of its lane and is tried again "
                f"{due}."
            )
        case State.HELD:
            again = f" It enters its lane again {due}." if delivery.due_at is not None else ""
            told = f"It is held outside its lane because {_held(case)}.{again}"
        case State.UNKNOWN:
            told = (
                f"It is unknown whether it arrived, because {why}: a person has to decide what "
                "becomes of it."
            )
        case _:
            told = _ending(case, now)
    return told


def _change(case: Case) -> str:
    """What it does, if it does more than say something."""
    return changing.in_words(case.action, case.target, case.delivery.reason)


def _ending(case: Case, now: datetime) -> str:
    delivery = case.delivery
    at = when(delivery.settled_at, now)
    by = f" by {case.decided_by}" if case.decided_by else ""
    match delivery.state:
        case State.DELIVERED if delivery.reason == "marked":
            told = f"It was marked as delivered{by} {at}: a person has seen that it arrived."
        case State.DELIVERED:
            late = delivery.reason == "late_receipt"
            how = ", by a receipt that came after it had been taken over" if late else ""
            told = f"It was delivered {at}{_took(delivery)}{how}.{_receipt(case.attempts)}"
        case State.REJECTED:
            told = f"It was rejected {at} because {reason_in_words(delivery.reason)}."
        case State.EXPIRED:
            told = f"It expired {at}: it had not been delivered by then."
        case State.CANCELLED:
            told = f"It was cancelled{by} {at}."
            if delivery.reason in changing.REASONS:
                told = f"It was cancelled {at} because {reason_in_words(delivery.reason)}."
        case State.SUPERSEDED:
            told = f"It was superseded {at} by a newer notification with the same collapse key."
            if delivery.reason in changing.REASONS:
                told = f"It was superseded {at} because {reason_in_words(delivery.reason)}."
        case _ if delivery.reason == "duplicate":
            told = (
                f"It was suppressed {at}: the same had been said here for its key (once_key) less "
                "than its period (once_every) before."
            )
        case _:
            why = delivery.reason or "no reason was recorded"
            told = f"It was suppressed {at}, because that is the recipient's wish ({why})."
    return told


def reason_in_words(reason: str | None) -> str:
    """A reason code as the part of a sentence that follows "because"."""
    if reason is None:
        return "of a reason that was not recorded"
    known = _REASONS.get(reason) or _HELD.get(reason) or changing.REASONS.get(reason)
    if known:
        return known
    status = reason.removeprefix("http_")
    return f"the channel answered {status if status == reason else f'HTTP {status}'}"


def _held(case: Case) -> str:
    reason = case.delivery.reason
    if reason == HeldReason.UNREACHABLE and not case.health.reachable:
        return f"its conversation {_HEALTH[case.health]}"
    if reason == HeldReason.NO_HANDLER:
        return f"no process that delivers has a handler named {case.handler!r}"
    return reason_in_words(reason)


def _place(ahead: int | None) -> str:
    if not ahead:
        return "first in its conversation's lane"
    before = "1 other delivery" if ahead == 1 else f"{ahead} other deliveries"
    return f"stands in its conversation's lane behind {before}"


def _took(delivery: Delivery) -> str:
    if delivery.settled_at is None:
        return ""
    return f", {span(delivery.settled_at - delivery.accepted_at)} after it was accepted"


def _receipt(attempts: Sequence[Attempt]) -> str:
    ids = [each.evidence.activity_id for each in attempts if each.evidence.activity_id]
    return f" The channel's receipt is the activity {ids[-1]}." if ids else ""


def _polite(case: Case, now: datetime) -> Iterator[str]:
    """What holds it for politeness' sake, and what would when that has let it go."""
    for grip, link in chain_of(case, now):
        if link.name not in _POLITE or grip == "no":
            continue
        since = f" It has been so since {moment(link.since)}." if link.since is not None else ""
        if grip == "now":
            yield f"{link.said}{since}"
        else:
            until = f" (until {when(link.until, now)})" if link.until is not None else ""
            yield f"When that lets it go, this would hold it{until}: {link.said}"


# -- times, attempts, surroundings -----------------------------------------------------------


def _times(delivery: Delivery, now: datetime) -> str:
    accepted = f"It was accepted {when(delivery.accepted_at, now)}"
    if delivery.state.final or delivery.expires_at is None:
        return f"{accepted}."
    verb = "expires" if delivery.expires_at > now else "should have expired"
    return f"{accepted} and {verb} {when(delivery.expires_at, now)}."


def _attempts(case: Case) -> list[str]:
    attempts = case.attempts
    if not attempts:
        began = case.delivery.state is State.SENDING
        return [] if began else ["No attempt has been made to send it."]
    told = []
    if len(attempts) > _ATTEMPTS_TOLD:
        told.append(f"{len(attempts) - _ATTEMPTS_TOLD} earlier attempts are not repeated here.")
    return told + [_attempt(each) for each in attempts[-_ATTEMPTS_TOLD:]]


def _attempt(attempt: Attempt) -> str:
    evidence = attempt.evidence
    facts = [
        f"HTTP {evidence.status}" if evidence.status is not None else "",
        " / ".join(filter(None, (evidence.code, evidence.sub_code))),
        f"“{evidence.message}”" if evidence.message else "",
    ]
    shown = ", ".join(filter(None, facts))
    unsure = attempt.outcome is Outcome.UNKNOWN
    outcome = "unknown whether it arrived" if unsure else attempt.outcome
    taken = span(attempt.ended_at - attempt.started_at)
    return (
        f"Attempt {attempt.number} on {moment(attempt.started_at)} took {taken}: {outcome}"
        f"{f' ({shown})' if shown else ''}."
    )


def _conversation(case: Case) -> str:
    key = case.conversation
    if is_expected(key):
        return (
            f"No conversation with {expected_name(key)} is known: it waits for the first one whose "
            "member has that name, as user id, directory object id or e-mail."
        )
    if never_made(key.conversation_id):
        if case.health.reachable:
            return f"Its conversation on {key.channel} is made when it is sent."
        return f"It has no conversation on {key.channel} yet, and that {_HEALTH[case.health]}."
    return f"Its conversation, {key.conversation_id} on {key.channel}, {_HEALTH[case.health]}."


def _service(*, served: bool) -> str:
    if served:
        return "A process is delivering from this database."
    return "No process is delivering from this database, so nothing leaves."


# -- what to do ------------------------------------------------------------------------------


def _resume(case: Case, now: datetime) -> str:
    """How to end what people have paused; nothing if they have not."""
    if case.delivery.state.final or case.delivery.state is State.UNKNOWN:
        return ""
    commands = [f"`{resume_command(each)}`" for each in by_people(case.pauses, now)]
    return f"What to do: {' and '.join(commands)} lets it go on." if commands else ""


def _remedy(case: Case, *, served: bool) -> str:
    delivery = case.delivery
    retry = f"`recado deliveries retry {delivery.id}`"
    cancel = f"`recado deliveries cancel {delivery.id}`"
    match delivery.state:
        case State.UNKNOWN:
            mark = f"`recado deliveries mark-delivered {delivery.id}`"
            return (
                f"What to do: look in the conversation; if it is not there, {retry}; else {mark}."
            )
        case State.REJECTED:
            first = _REJECTED_REMEDY.get(delivery.reason or "")
            return f"What to do: {first + ', then ' if first else 'to try once more, '}{retry}."
        case State.HELD:
            # A retry does not get past a pause, nor past politeness.
            now = "" if delivery.reason in _NOT_HASTENED else f" To try now: {retry}."
            return f"What to do: {_held_remedy(case, served=served)}{now}"
        case State.SCHEDULED | State.PENDING | State.SENDING | State.RETRYING if not served:
            return "What to do: start `recado serve` (or `recado demo`) on this database."
        case State.SCHEDULED | State.PENDING | State.RETRYING:
            return f"What to do: nothing, it leaves by itself. To stop it: {cancel}."
        case _:
            return ""


def _held_remedy(case: Case, *, served: bool) -> str:
    reason = case.delivery.reason
    if reason == HeldReason.NO_HANDLER:
        return (
            f"start `recado serve --app` with the bot that registers the handler {case.handler!r}."
        )
    if not served:
        return "start `recado serve` (or `recado demo`) on this database."
    return _HELD_REMEDY.get(reason or "", "nothing, it enters its lane again by itself.")

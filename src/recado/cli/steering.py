"""``recado cancel``, ``retry``, ``pause`` and ``resume``: steering many deliveries at once."""

from __future__ import annotations

import getpass
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recado.cli.invocation import Invocation, command
from recado.cli.output import Column, shown_time
from recado.cli.records import pause_record
from recado.domain.delivery import State
from recado.domain.pausing import pause_in_words, resume_command
from recado.domain.steering import Cancelled, Retried
from recado.errors import InvalidInput
from recado.store.port import DeliveryFilter

if TYPE_CHECKING:
    from recado.app import Recado

_PANEL = "Look and steer"

_PAUSE_COLUMNS = (
    Column("paused", lambda pause: pause["kind"], whole=True),
    Column("what", lambda pause: pause["name"] or pause["tenant"] or pause["bot"]),
    Column("since (UTC)", lambda pause: shown_time(pause["since"]), rank=1, whole=True),
    Column("until (UTC)", lambda pause: shown_time(pause["until"]), rank=2, whole=True),
    Column("by", lambda pause: pause["by"], rank=3),
    Column("why", lambda pause: pause["reason"], rank=3),
    Column("ended by", lambda pause: pause["resume"] or "itself", rank=1, whole=True),
)

_NotificationId = Annotated[
    str | None, typer.Option("--notification", metavar="ID", help="What this notification says.")
]
_Key = Annotated[
    str | None,
    typer.Option(
        "--idempotency-key", metavar="KEY", help="What was accepted under this idempotency key."
    ),
]
_KeyScope = Annotated[
    str,
    typer.Option(
        "--idempotency-scope", metavar="NAME", help="Whose key it is; left out, nobody's."
    ),
]
_ConversationId = Annotated[
    str | None,
    typer.Option(
        "--conversation",
        metavar="ID",
        help="What is for this conversation, by its reference's id or the channel's.",
    ),
]
_Reason = Annotated[
    str | None,
    typer.Option("--reason", metavar="CODE", help="Only what is where it is for this reason."),
]
_Bot = Annotated[str | None, typer.Option("--bot", metavar="NAME", help="What this bot says.")]
_States = Annotated[
    list[State] | None,
    typer.Option("--state", help="Only what is in this state; can be given several times."),
]


def register(app: typer.Typer) -> None:
    """Add the commands to *app*."""
    command(
        app,
        "cancel",
        examples=(
            "recado cancel --notification ID",
            "recado cancel --idempotency-key order-17",
            "recado cancel --conversation ID --state held",
        ),
        panel=_PANEL,
    )(cancel)
    command(
        app,
        "retry",
        examples=(
            "recado retry --notification ID --only rejected",
            "recado retry --reason http_503",
            "recado deliveries dead",
        ),
        panel=_PANEL,
    )(retry)
    command(
        app,
        "pause",
        examples=(
            'recado pause --reason "maintenance until 6 pm"',
            "recado pause --notification ID",
            "recado pause --conversation ID",
        ),
        panel=_PANEL,
    )(pause)
    command(app, "resume", examples=("recado resume", "recado resume --bot NAME"), panel=_PANEL)(
        resume
    )
    command(app, "pauses", examples=("recado pauses --json",), panel=_PANEL)(pauses)


def who() -> str | None:
    """Who sits at the terminal, as far as the machine knows."""
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):
        return None  # a container may run as a user that has no name


# -- cancel and retry ------------------------------------------------------------------------


async def cancel(  # noqa: PLR0913 - one parameter an option
    invocation: Invocation,
    *,
    notification: _NotificationId = None,
    idempotency_key: _Key = None,
    idempotency_scope: _KeyScope = "",
    conversation: _ConversationId = None,
    state: _States = None,
    reason: _Reason = None,
) -> None:
    """End what has not left: all of a notification, or the deliveries that are named.

    Says how many were ended, and for how many it was too late. Of a notification that is for
    everyone no more deliveries are made. `recado deliveries cancel` ends single ones.
    """
    async with invocation.opened() as recado:
        outbox = recado.outbox
        only = DeliveryFilter(state=_states(state), reason=reason)
        if idempotency_key is not None:
            _alone("--idempotency-key", notification, conversation, state, reason)
            done = await outbox.cancel_key(idempotency_key, scope=idempotency_scope, by=who())
        elif notification is not None and (conversation, state, reason) == (None, None, None):
            done = await outbox.cancel_notification(notification, by=who())
        else:
            wanted = await _wanted(recado, only, notification, conversation)
            done = await outbox.cancel_all(wanted, by=who())
    if invocation.as_json:
        invocation.out.document(asdict(done))
        return
    for sentence in cancelled_in_words(done):
        invocation.out.say(sentence)


async def retry(
    invocation: Invocation,
    *,
    notification: _NotificationId = None,
    conversation: _ConversationId = None,
    reason: _Reason = None,
    only: Annotated[
        list[State] | None,
        typer.Option(
            "--only",
            help="Those that are rejected, unknown, held or retrying; can be given several "
            "times. Left out: rejected and unknown.",
        ),
    ] = None,
) -> None:
    """Try dead letters again now: those of a notification or conversation, or all of this bot.

    `recado deliveries dead` shows them, and `recado deliveries retry` tries single ones.
    """
    if (notification, conversation, reason, only) == (None, None, None, None):
        raise InvalidInput(
            "Say what to try again: --notification, --conversation or --reason; or --only "
            "rejected for all that were."
        )
    async with invocation.opened() as recado:
        given = DeliveryFilter(state=_states(only), reason=reason)
        wanted = await _wanted(recado, given, notification, conversation)
        done = await recado.outbox.retry_all(wanted)
        served = await recado.store.served()
    if invocation.as_json:
        counts = {str(state): many for state, many in sorted(done.counts.items())}
        invocation.out.document({"retried": done.total, "counts": counts, "served": served})
        return
    invocation.out.say(_retried(done))
    if done.total and not served:
        invocation.out.note(
            "No process is serving this database: they leave when you start `recado serve`."
        )


def _states(given: list[State] | None) -> frozenset[State] | None:
    return frozenset(given) if given else None


def _alone(option: str, *others: object) -> None:
    if any(others):
        raise InvalidInput(f"{option} says all that is needed: leave the other options out.")


async def _wanted(
    recado: Recado, only: DeliveryFilter, notification: str | None, conversation: str | None
) -> DeliveryFilter:
    """Which deliveries are meant.

    Raises:
        InvalidInput: no option says which.
    """
    if only == DeliveryFilter() and notification is None and conversation is None:
        raise InvalidInput(
            "Say what is meant: --notification, --conversation, --state or --reason (see --help)."
        )
    return await recado.outbox.which(only, notification=notification, conversation=conversation)


def cancelled_in_words(done: Cancelled) -> list[str]:
    """The account of a cancellation, as sentences."""
    told = [f"Cancelled {_deliveries(done.cancelled)}." if done.cancelled else ""]
    if done.not_made:
        told.append(f"For {done.not_made:,} more none had been made, and none is made now.")
    if done.sending:
        told.append(
            f"{_deliveries(done.sending, start=True)} being sent right now: the channel may take "
            "it yet, and nothing is tried again."
        )
    if done.maybe:
        told.append(
            f"{_deliveries(done.maybe, start=True)} unknown: the channel may have it. "
            "`recado deliveries dead` shows which."
        )
    if done.out:
        told.append(f"{_deliveries(done.out, start=True)} out already.")
    found = [sentence for sentence in told if sentence]
    return found or ["There was nothing to cancel."]


def _deliveries(many: int, *, start: bool = False) -> str:
    noun = f"{many:,} {'delivery' if many == 1 else 'deliveries'}"
    return f"{noun} {'is' if many == 1 else 'are'}" if start else noun


def _retried(done: Retried) -> str:
    if not done.total:
        return "There was nothing to try again."
    parts = [f"{many:,} {state}" for state, many in sorted(done.counts.items())]
    return f"{_deliveries(done.total, start=True)} tried again now ({', '.join(parts)})."


# -- pauses ----------------------------------------------------------------------------------


async def pause(
    invocation: Invocation,
    *,
    bot: _Bot = None,
    conversation: _ConversationId = None,
    notification: _NotificationId = None,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why, for those who ask later.")] = "",
) -> None:
    """Let nothing leave until it is resumed; without an option, nothing at all.

    What is being sent goes on. Everything else waits in its order, urgent messages too, and what
    is accepted meanwhile waits with it.
    """
    async with invocation.opened() as recado:
        made = await recado.outbox.pause(
            bot=bot, conversation=conversation, notification=notification, reason=reason, by=who()
        )
        now = recado.clock.now()
    if invocation.as_json:
        invocation.out.document(pause_record(made))
        return
    invocation.out.say(f"{pause_in_words(made, now)} `{resume_command(made)}` lets it go on.")


async def resume(
    invocation: Invocation,
    *,
    bot: _Bot = None,
    conversation: _ConversationId = None,
    notification: _NotificationId = None,
) -> None:
    """Let go on what was paused; without an option, what was paused altogether.

    Pauses of their own stay: after `recado pause` and `recado pause --bot NAME` both have to be
    resumed.
    """
    async with invocation.opened() as recado:
        resumed = await recado.outbox.resume(
            bot=bot, conversation=conversation, notification=notification
        )
        served = await recado.store.served()
    if invocation.as_json:
        invocation.out.document({"resumed": resumed, "served": served})
        return
    if not resumed:
        invocation.out.say("It was not paused: `recado pauses` shows what is.")
        return
    later = "" if served else " It leaves when you start `recado serve`: no process delivers."
    invocation.out.say(f"Resumed.{later}")


async def pauses(invocation: Invocation) -> None:
    """Show what is paused now: by people, by breakers before what fails, by channels' 429s."""
    async with invocation.opened() as recado:
        items: list[dict[str, Any]] = [pause_record(each) for each in await recado.outbox.pauses()]
    invocation.out.listing(items, None, _PAUSE_COLUMNS, nothing="Nothing is paused.")

"""``recado update`` and ``recado recall``: change what was said, and take it back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from recado.cli.delivering import Aftermath, see_off, tell
from recado.cli.exits import ExitCode
from recado.cli.invocation import Invocation, command
from recado.cli.sending import content_given
from recado.domain.explanation import reason_in_words
from recado.domain.notification import Changes
from recado.errors import InvalidInput

if TYPE_CHECKING:
    from recado.outbox import Handle

NotificationId = Annotated[
    str, typer.Argument(metavar="ID", help="The notification's id, as it was told.")
]
Activity = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="An activity in JSON instead of text; - is standard input."),
]
Wait = Annotated[
    float | None,
    typer.Option(
        metavar="SECONDS",
        min=0,
        max=86_400,
        help="Wait this long until it is done; as with `recado send`.",
        show_default=False,
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands to *app*."""
    command(
        app,
        "update",
        panel="Say something",
        examples=(
            'recado update ID "The meeting is at four."',
            "recado update ID --activity card.json --otherwise refuse",
        ),
    )(update)
    command(
        app,
        "recall",
        panel="Say something",
        examples=("recado recall ID", 'recado recall ID "Please ignore the last message."'),
    )(recall)


async def update(  # noqa: PLR0913 - one parameter an option
    invocation: Invocation,
    *,
    notification: NotificationId,
    text: Annotated[
        str | None,
        typer.Argument(metavar="TEXT", help="What it says from now on; - is standard input."),
    ] = None,
    activity: Activity = None,
    otherwise: Annotated[
        Literal["follow_up", "refuse"],
        typer.Option(
            help="Where a message cannot be edited: send the new content as a message of its "
            "own, or leave it as it is."
        ),
    ] = "follow_up",
    wait: Wait = None,
) -> None:
    """Change what a notification says, in every conversation.

    Messages that are out are edited; those that have not left say the new content instead.
    """
    content = _given(text, activity)
    if content is None:
        raise InvalidInput(
            "There is nothing to say: add the text in quotes, or --activity with a file."
        )
    async with invocation.opened() as recado:
        handle = await recado.outbox.update(notification, content, otherwise=otherwise)
        after = await see_off(recado, handle, invocation, wait=wait)
    _tell(invocation, handle, after, done="Changed", instead="the new content is sent in its place")


async def recall(
    invocation: Invocation,
    *,
    notification: NotificationId,
    text: Annotated[
        str | None,
        typer.Argument(
            metavar="TEXT", help="What to say where the message cannot be removed; nothing."
        ),
    ] = None,
    activity: Activity = None,
    wait: Wait = None,
) -> None:
    """Take a notification back, in every conversation.

    Messages that are out are removed, where the channel can; those that have not left are
    cancelled.
    """
    content = _given(text, activity)
    async with invocation.opened() as recado:
        handle = await recado.outbox.recall(notification, content)
        after = await see_off(recado, handle, invocation, wait=wait)
    _tell(invocation, handle, after, done="Removed", instead="it was cancelled there")


def _given(text: str | None, activity: str | None) -> str | Mapping[str, Any] | None:
    if text is not None and activity is not None:
        raise InvalidInput("Give a text or --activity, not both.")
    return content_given(text, activity)


def _tell(
    invocation: Invocation, handle: Handle, after: Aftermath, *, done: str, instead: str
) -> None:
    """Say what was done to how many copies; the command fails if one could not be changed."""
    changes = after.progress.changes if after.progress is not None else None
    if invocation.as_json or changes is None:
        tell(invocation, handle, after)
        return
    for line in _account(changes, done, instead):
        invocation.out.say(line)
    invocation.out.say(f"Notification: {handle.id}")
    for each in after.missing:
        why = f" because {reason_in_words(each.reason)}" if each.reason else ""
        invocation.out.say(
            f"Delivery {each.id} is {each.state}{why}: `recado deliveries explain {each.id}` "
            "says more."
        )
    if after.failed:
        raise typer.Exit(ExitCode.FAILED)


def _account(changes: Changes, done: str, instead: str) -> list[str]:
    """What was done, a line for each kind of it."""
    counted = (
        (changes.changed, f"{done} in {{}}."),
        (changes.unsent, f"It had not left in {{}}: {instead}."),
        (changes.followed, "A message of its own followed in {}."),
        (changes.refused, "It could not be changed in {}."),
    )
    told = [line.format(_conversations(many)) for many, line in counted if many]
    return told or ["There was nothing to change: nobody has it, and nobody gets it."]


def _conversations(many: int) -> str:
    return f"{many:,} {'conversation' if many == 1 else 'conversations'}"

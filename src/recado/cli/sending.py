"""``recado send``: say something from the command line."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from recado.cli.delivering import see_off, stored_due, tell
from recado.cli.invocation import Invocation, command
from recado.cli.rehearsing import rehearse
from recado.domain.audience import (
    Audience,
    audience_of,
)
from recado.errors import InvalidActivity, InvalidInput

if TYPE_CHECKING:
    from recado.app import Recado
    from recado.outbox import Handle

#: Beyond this an instant cannot be computed with; nobody waits that long.
_LONGEST = timedelta(days=3660)

_UNITS = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "min": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_PART = re.compile(r"(\d+(?:\.\d+)?)(s|min|m|h|d|w)")
_DELAY = re.compile(rf"(?:{_PART.pattern})+")

_EXAMPLES = (
    'recado send user:ana@example.com "Your build is green."',
    'recado send --to all "We are back."',
    'recado send conversation:19:abc@thread.v2 "Stand-up!" --when 2026-12-24T09:00',
    "recado send user:29:1abc --activity card.json --idempotency-key order-17",
    "make 2>&1 | tail -1 | recado send user:29:1abc -",
    'recado send user:29:1abc "When you have a minute" --mode when_idle --max-wait 2h',
    "recado send all --dry-run",
)


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""
    command(app, "send", examples=_EXAMPLES, panel="Say something")(send)


async def send(  # noqa: PLR0913 - one parameter an option
    invocation: Invocation,
    *,
    first: Annotated[
        str | None,
        typer.Argument(
            metavar="TO",
            help="Whom it is for: user:ID (of the channel, the directory, or an e-mail "
            "address), conversation:ID, everyone, all, members:ID, topic:NAME, where:CONDITIONS "
            "or thread:ID (docs/audiences.md). With --to it can be left out.",
            show_default=False,
        ),
    ] = None,
    second: Annotated[
        str | None,
        typer.Argument(
            metavar="TEXT",
            help="What to say, in Markdown; - is standard input.",
            show_default=False,
        ),
    ] = None,
    to: Annotated[
        list[str] | None,
        typer.Option(
            metavar="AUDIENCE", help="Whom it is for as well; can be given several times."
        ),
    ] = None,
    when: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="When: a delay such as 90s, 10m or 2h30m, or an instant such as "
            "2026-12-24T18:00 (this machine's time zone, unless it says another).",
        ),
    ] = None,
    expires: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="When it is no longer worth saying; a delay counts from now."
        ),
    ] = None,
    priority: Annotated[
        Literal["urgent", "normal", "low"],
        typer.Option(help="Urgent goes to the front of its conversation's lane."),
    ] = "normal",
    idempotency_key: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="The same key with the same request is accepted once."),
    ] = None,
    collapse_key: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="Supersedes unsent messages with the same key."),
    ] = None,
    once_key: Annotated[
        str | None,
        typer.Option(
            metavar="KEY",
            help="Where something was accepted for the same key less than --once-every before, "
            "it is suppressed.",
        ),
    ] = None,
    once_every: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="With --once-key: at most one in this time, as in 1h."),
    ] = None,
    mode: Annotated[
        Literal["now", "when_idle", "after_dialog", "next_turn"],
        typer.Option(
            help="When it leaves: when_idle, after_dialog and next_turn wait for a good moment "
            "in the conversation (docs/moments.md)."
        ),
    ] = "now",
    quiet: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="With --mode when_idle: how long the conversation has to have been quiet; 30s.",
        ),
    ] = None,
    max_wait: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="How long a good moment is waited for at most; 1h, and with next_turn until it "
            "expires.",
        ),
    ] = None,
    activity: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="An activity in JSON instead of text; - is standard input."
        ),
    ] = None,
    wait: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            min=0,
            max=86_400,
            help="Wait this long for it to arrive. Left out: 30 when this command delivers, 0 "
            "when another process does.",
            show_default=False,
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Show who would get it and how long it would take; send nothing."
        ),
    ] = False,
) -> None:
    """Say something to a person, a conversation, or everyone.

    It is committed to the outbox first. When no process is serving the database, this command
    delivers it and waits for the channel's answer; otherwise it leaves the delivery to that
    process and says so.
    """
    words = [word for word in (first, second) if word is not None]
    audience, text = _whom_and_what(words, to or [], has_activity=activity is not None)
    content = content_given(text, activity)
    if content is None and not dry_run:
        raise InvalidInput(
            "There is nothing to say: add the text in quotes, or --activity with a file."
        )
    from recado.outbox import Options

    async with invocation.opened() as recado:
        options = Options(
            when=moment_of(when, "--when"),
            expires=moment_of(expires, "--expires"),
            mode=mode,
            quiet=delay_of(quiet, "--quiet"),
            max_wait=delay_of(max_wait, "--max-wait"),
            priority=priority,
            collapse_key=collapse_key,
            idempotency_key=idempotency_key,
            once_key=once_key,
            once_every=delay_of(once_every, "--once-every"),
        )
        if dry_run:
            await rehearse(recado, invocation, audience, content, options)
            return
        handle = await recado.outbox.accept(audience, content, options)
        due = await _due(recado, handle, options.when)
        after = await see_off(recado, handle, invocation, wait=wait, due_at=due)
    tell(invocation, handle, after)


async def _due(
    recado: Recado, handle: Handle, when: datetime | timedelta | None
) -> datetime | None:
    """When it is due, as it is stored; a broadcast that waits to be expanded tells nothing yet."""
    if handle.replayed or (when is not None and handle.delivery_ids):
        return await stored_due(recado, handle)
    return recado.clock.now() + when if isinstance(when, timedelta) else when


def moment_of(text: str | None, option: str) -> datetime | timedelta | None:
    """An instant or a delay as people type it.

    Raises:
        InvalidInput: it is neither.
    """
    if text is None:
        return None
    given = text.strip()
    if _DELAY.fullmatch(given):
        delay = _delay(given)
        if delay is None or delay > _LONGEST:
            raise InvalidInput(f"{option} {text} is too far away: ten years are the most.")
        return delay
    try:
        # Without a zone it means the clock on the wall, as people at a terminal mean it.
        return datetime.fromisoformat(given).astimezone()
    except (ValueError, OverflowError, OSError):
        raise InvalidInput(
            f"{option} {text!r} is no time: write a delay such as 10m or 2h30m, or an instant "
            "such as 2026-12-24T18:00:00+01:00."
        ) from None


def delay_of(text: str | None, option: str) -> timedelta | None:
    """A delay as people type it, and no instant."""
    if text is None:
        return None
    delay = _delay(text.strip()) if _DELAY.fullmatch(text.strip()) else None
    if delay is None:
        raise InvalidInput(f"{option} {text!r} is no length of time: write 90s, 10m or 2h30m.")
    return delay


def _delay(text: str) -> timedelta | None:
    """The sum of its parts; None when that is beyond computing."""
    parts = _PART.findall(text)
    try:
        return sum((float(count) * _UNITS[unit] for count, unit in parts), timedelta())
    except OverflowError:
        return None


def _whom_and_what(
    words: Sequence[str], to: Sequence[str], *, has_activity: bool
) -> tuple[Audience, str | None]:
    """Audience and text out of the words on the line.

    Without ``--to`` the first word is the audience; with it, a lone word is the text, unless
    there is an activity.
    """
    left = list(words)
    named = list(to)
    if left and (not named or len(left) > 1 or has_activity):
        named.insert(0, left.pop(0))
    if not named:
        raise InvalidInput(
            'Say whom it is for and what to say: recado send user:ana@example.com "Hello".'
        )
    if left and has_activity:
        raise InvalidInput("Give a text or --activity, not both.")
    return audience_of(named), left[0] if left else None


def content_given(text: str | None, activity: str | None) -> str | Mapping[str, Any] | None:
    """What is to be said: text, or the activity in a file; ``-`` is standard input."""
    if activity is not None:
        return _activity(activity)
    return _read("-") if text == "-" else text


def _activity(file: str) -> Mapping[str, Any]:
    named = "Standard input" if file == "-" else file
    try:
        found = json.loads(_read(file))
    except (ValueError, RecursionError) as error:
        raise InvalidActivity(f"{named} is not JSON ({error}): correct it.") from None
    if not isinstance(found, dict):
        raise InvalidActivity(
            f'{named} holds no activity, which is an object: {{"type": "message", …}}.'
        )
    return found


def _read(file: str) -> str:
    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        return data.decode()
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read ({error.strerror}): check its name.") from None
    except UnicodeDecodeError:
        raise InvalidInput(f"{file} is not UTF-8 text: convert it.") from None

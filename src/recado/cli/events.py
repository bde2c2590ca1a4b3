"""``recado emit``: say from the command line what has happened."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recado.cli.delivering import PATIENCE
from recado.cli.invocation import Invocation, command
from recado.domain.cloudevents import MOST, CloudEvent, any_event
from recado.domain.delivery import State
from recado.domain.event import OBSERVED, Emitted
from recado.domain.ids import new_id
from recado.domain.strict_json import read_strictly
from recado.errors import InvalidEvent, InvalidInput
from recado.store.port import DeliveryFilter

if TYPE_CHECKING:
    from recado.app import Recado

#: Where what is typed happened, if nothing else is said.
SOURCE = "/recado/emit"
#: Seconds between looks whether everything has left.
_LOOK = 0.05

_EXAMPLES = (
    "recado emit tea 3.20",
    'recado emit tea "sold out" --source /shop/madrid',
    'recado emit order:17 \'{"state": "shipped"}\' --id order-17-shipped',
    "recado emit --file events.ndjson",
    "my-program | recado emit --file -",
)


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""
    command(app, "emit", examples=_EXAMPLES, panel="Say something")(emit)


async def emit(  # noqa: PLR0913 - one parameter an option
    invocation: Invocation,
    *,
    subject: Annotated[
        str | None,
        typer.Argument(metavar="SUBJECT", help="What it happened to.", show_default=False),
    ] = None,
    value: Annotated[
        str | None,
        typer.Argument(
            metavar="VALUE",
            help="What is known of it now: a number, other JSON, or text.",
            show_default=False,
        ),
    ] = None,
    source: Annotated[
        str, typer.Option(metavar="URI", help="Where it happened, a URI reference.")
    ] = SOURCE,
    event_id: Annotated[
        str | None,
        typer.Option(
            "--id", metavar="ID", help="The same source and id again is a replay and fires nothing."
        ),
    ] = None,
    event_type: Annotated[
        str, typer.Option("--type", metavar="TYPE", help="What kind of thing happened.")
    ] = OBSERVED,
    time: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="When it happened, as 2026-12-24T18:00:00Z; now if left out."
        ),
    ] = None,
    file: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Read events from a file instead, or - from standard input: a JSON array, or one "
            "event a line. Each is a CloudEvent or an object with subject and value.",
        ),
    ] = None,
) -> None:
    """Say what has happened; who watches it is told, from here if no server runs.

    Everything in a file is checked before the first event is taken in. When the command ends, what
    it says it has taken in is committed.
    """
    if file is not None:
        if subject is not None or event_id is not None or time is not None:
            raise InvalidInput("A file says itself what happened: give words or --file, not both.")
        events = _from_file(file, source)
    else:
        words = {"subject": subject, "value": _value(value), "type": event_type, "time": time}
        events = [_from_words(words, source, event_id)]
    emitted: list[Emitted] = []
    async with invocation.opened() as recado:
        for start in range(0, len(events), MOST):
            some = [each.observed() for each in events[start : start + MOST]]
            emitted += await recado.watches.emit_many(some)
        served = await recado.store.served()
        told = None
        if not served and any(each.watching for each in emitted):
            told = await _tell_who_watches(recado)
    _tell(invocation, events, emitted, told=told)


async def _tell_who_watches(recado: Recado) -> bool:
    """Have watches look, and what they say leave, for a while; whether all of it has."""
    leaving = DeliveryFilter(
        state=frozenset({State.PENDING, State.SENDING, State.RETRYING}), bot=recado.settings.bot
    )
    until = recado.clock.now() + timedelta(seconds=PATIENCE)
    await recado.start()
    while (
        await recado.store.events_pending()
        or (await recado.outbox.deliveries(leaving, limit=1)).items
    ):
        if recado.clock.now() > until:
            return False
        await asyncio.sleep(_LOOK)
    return True


def _from_words(words: Mapping[str, Any], source: str, event_id: str | None) -> CloudEvent:
    if words["subject"] is None or words["value"] is None:
        raise InvalidInput(
            "Say what happened to what: recado emit tea 3.20, or --file with a file of events."
        )
    return any_event(words, source=source, event_id=new_id() if event_id is None else event_id)


def _value(text: str | None) -> Any:
    """JSON, or else text: nobody quotes "sold out" twice at a prompt."""
    if text is None:
        return None
    try:
        return read_strictly(text)
    except ValueError:
        if text.lstrip().startswith(("{", "[")):
            raise InvalidInput(f"The value {text!r} is not the JSON it looks like.") from None
        return text


def _from_file(file: str, source: str) -> Sequence[CloudEvent]:
    """The events of a file, all of them; an error says which line it is in."""
    named = "Standard input" if file == "-" else file
    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read ({error.strerror}): check its name.") from None
    if data.lstrip().startswith(b"["):
        try:
            given = read_strictly(data)
        except ValueError as error:
            raise InvalidInput(f"{named} is no JSON array of events: {error}.") from None
        return [_entry(index, each, source) for index, each in enumerate(given)]
    return list(_lines(named, data, source))


def _entry(index: int, value: Any, source: str) -> CloudEvent:
    try:
        return any_event(value, source=source, event_id=new_id())
    except InvalidEvent as error:
        raise error.of_batch(index) from None


def _lines(named: str, data: bytes, source: str) -> Iterator[CloudEvent]:
    for number, line in enumerate(data.splitlines(), 1):
        if not line.strip():
            continue
        try:
            yield any_event(read_strictly(line), source=source, event_id=new_id())
        except InvalidEvent as error:
            raise InvalidInput(f"{named}, line {number}: {error}") from None
        except ValueError as error:
            raise InvalidInput(f"{named}, line {number} is not JSON: {error}.") from None


def _tell(
    invocation: Invocation,
    events: Sequence[CloudEvent],
    emitted: Sequence[Emitted],
    *,
    told: bool | None,
) -> None:
    """Print what became of them.

    Args:
        told: whether all that watches said has left from here; None if nothing was to.
    """
    replayed = sum(each.replayed for each in emitted)
    watching = sum(each.watching for each in emitted)
    if invocation.as_json:
        records = [
            {
                "id": event.id,
                "source": event.source,
                "subject": event.subject,
                "replayed": each.replayed,
                "watching": each.watching,
            }
            for event, each in zip(events, emitted, strict=True)
        ]
        counts = {"accepted": len(emitted) - replayed, "replayed": replayed, "watching": watching}
        invocation.out.document({**counts, "told": told, "events": records})
        return
    new = len(emitted) - replayed
    known = f"; {replayed} known already, which fires nothing" if replayed else ""
    invocation.out.say(f"{new} {'event' if new == 1 else 'events'} taken in{known}.")
    if watching:
        looking = "1 watch looks" if watching == 1 else f"{watching} watches look"
        invocation.out.say(f"{looking} at {'it' if len(emitted) == 1 else 'them'}.")
    if told is False:
        invocation.out.note("Not all that they say has left: `recado serve` goes on with it.")

"""The run of ``recado fake-channel``, from the first line to the summary."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from recado.cli.invocation import Invocation
from recado.cli.output import iso, printable
from recado.cli.ports import listening
from recado.errors import ConfigurationError
from recado.testing import BotRefused, FakeConnector, Request

if TYPE_CHECKING:
    from rich.console import RenderableType

#: Seconds between two looks at the counts.
_EVERY = 0.25
#: Pace keys that are shown.
_BUSIEST = 5


async def run(
    invocation: Invocation, channel: FakeConnector, *, host: str, port: int, people: int
) -> None:
    """Serve until a signal comes.

    Args:
        invocation: how to tell.
        channel: not started yet.
        host: the interface to listen on.
        port: the port; 0 for any.
        people: how many to introduce to the bot.

    Raises:
        ConfigurationError: it cannot listen, or the bot does not take the introductions.
    """
    watched = _Watched(channel)
    if invocation.as_json:
        channel.record.on_ended = _write_line
    with listening(host, port) as bound, _stopping() as stop:
        await channel.start(bound)
        try:
            _announce(invocation, channel)
            await _introduce(invocation, channel, people)
            await _watch(invocation, watched, stop)
        finally:
            await channel.stop()
    _sum_up(invocation, watched)


class _Watched:
    """What is told of a channel."""

    def __init__(self, channel: FakeConnector) -> None:
        self.channel = channel
        self.begun = time.monotonic()
        self._seen: list[tuple[float, int]] = [(self.begun, 0)]

    def look(self) -> dict[str, Any]:
        """Counts, how long it has run, and the rate of the last seconds."""
        now, record = time.monotonic(), self.channel.record
        self._seen.append((now, record.arrived))
        while len(self._seen) > 2 and self._seen[0][0] < now - 2:
            del self._seen[0]
        since, before = self._seen[0]
        rate = (record.arrived - before) / max(now - since, 0.001)
        seconds = round(now - self.begun, 1)
        return {"seconds": seconds, "per_second": round(rate, 1)} | self.channel.service.told()

    def busiest(self) -> list[tuple[str, int]]:
        """Who was spoken to most."""
        texts = self.channel.texts
        spoken = Counter({name: len(said) for name, said in texts.items()})
        return spoken.most_common(_BUSIEST)


@contextmanager
def _stopping() -> Iterator[asyncio.Event]:
    """An event that Ctrl-C and SIGTERM set, so that they end the command with 0."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    names = ("SIGINT", "SIGTERM", "SIGBREAK")
    signals = [getattr(signal, name) for name in names if hasattr(signal, name)]
    before = {
        each: signal.signal(each, lambda *_: loop.call_soon_threadsafe(stop.set))
        for each in signals
    }
    try:
        yield stop
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


async def _introduce(invocation: Invocation, channel: FakeConnector, people: int) -> None:
    """Let the bot hear of everybody.

    Raises:
        ConfigurationError: it does not take it.
    """
    for number in range(people):
        try:
            await channel.introduce(channel.person(f"person-{number + 1}"))
        except BotRefused as error:
            raise ConfigurationError(f"{error} Is it at {channel.bot}?") from None
    if people:
        invocation.out.note(f"The bot at {channel.bot} has met {people} people.")


# -- telling ---------------------------------------------------------------------------------


def _announce(invocation: Invocation, channel: FakeConnector) -> None:
    if invocation.as_json:
        _write({"url": channel.url, "channel": channel.service.channel})
        return
    invocation.out.say(f"The fake channel {channel.service.channel} listens at {channel.url}")
    invocation.out.say("Ctrl-C stops it.")


def _write_line(request: Request) -> None:
    took = None
    if request.answered_at is not None:
        took = round((request.answered_at - request.arrived_at).total_seconds() * 1000, 3)
    _write(
        {
            "at": iso(request.arrived_at),
            "operation": str(request.asked.operation),
            "conversation": request.conversation,
            "status": request.status,
            "taken": request.taken,
            "fault": None if request.fault is None else request.fault.name,
            "milliseconds": took,
        }
    )


def _write(line: dict[str, Any]) -> None:
    sys.stdout.write(f"{json.dumps(line)}\n")
    sys.stdout.flush()


async def _watch(invocation: Invocation, watched: _Watched, stop: asyncio.Event) -> None:
    """Show the counts until it is to stop: in a terminal only."""
    if invocation.as_json or not sys.stdout.isatty():
        await stop.wait()
        return
    # Imported here, where somebody looks at it.
    from rich.live import Live

    with Live(_table(watched), transient=True, refresh_per_second=8) as live:
        while not stop.is_set():
            try:
                async with asyncio.timeout(_EVERY):
                    await stop.wait()
            except TimeoutError:
                live.update(_table(watched))


def _table(watched: _Watched) -> RenderableType:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    told = watched.look()
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for title in ("Request", "Count", "Share"):
        table.add_column(title, justify="left" if title == "Request" else "right")
    for status, count in sorted(told["statuses"].items()):
        style = "green" if status.startswith("2") else "yellow" if status == "429" else "red"
        share = f"{count / max(1, told['requests']):.1%}"
        table.add_row(Text(_status_name(status), style=style), f"{count:,}", share)
    table.add_section()
    table.add_row("all", f"{told['requests']:,}", f"{told['per_second']:,.1f}/s")
    table.add_row("over a window", f"{told['over_limit']:,}", "")
    table.add_row("at once in one conversation", f"{told['overlaps']:,}", "")
    for name, count in watched.busiest():
        table.add_row(Text(f"to {printable(name)[:40]}", style="dim"), f"{count:,}", "")
    return table


def _status_name(status: str) -> str:
    if status == "none":
        return "not answered"
    try:
        return f"{status} {HTTPStatus(int(status)).phrase}"
    except ValueError:
        return status


def _sum_up(invocation: Invocation, watched: _Watched) -> None:
    told = watched.look()
    del told["per_second"]
    if invocation.as_json:
        _write({"summary": told})
        return
    seconds = max(told["seconds"], 0.001)
    rate = told["requests"] / seconds
    facts = {
        "Requests": f"{told['requests']:,} in {seconds:,.1f} s ({rate:,.1f}/s)",
        "Said": f"{told['taken']:,} in {len(watched.channel.texts):,} conversations",
        "Over a window": f"{told['over_limit']:,}",
        "Overlapping": f"{told['overlaps']:,}",
    }
    statuses = sorted(told["statuses"].items())
    facts |= {f"  {_status_name(status)}": f"{count:,}" for status, count in statuses}
    invocation.out.facts(facts)

"""``recado fake-channel``: a channel service on this machine, to try a bot or Recado against."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import typer

from recado.cli.invocation import Invocation, command
from recado.errors import InvalidInput

if TYPE_CHECKING:
    from recado.testing import Fault, Latency, RateLimits

#: Beside a bot (3978) and a sidecar (3979).
PORT = 3980

_LATENCY = re.compile(r"(\d+(?:\.\d+)?)\s*(?:(?:±|\+-|\+/-)\s*(\d+(?:\.\d+)?))?\s*(ms|s)")


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""
    command(
        app,
        "fake-channel",
        examples=(
            "recado fake-channel",
            "recado fake-channel --windows teams --latency 80+-40ms",
            "recado fake-channel --windows '7/1s 60/30s' --fault 429:0.05 --fault hang:0.001",
            "recado fake-channel --bot http://127.0.0.1:3978 --people 50",
        ),
        panel="Run",
    )(fake_channel)


async def fake_channel(  # noqa: PLR0913 - one parameter an option
    invocation: Invocation,
    *,
    host: Annotated[
        str, typer.Option(metavar="NAME", help="Interface to listen on.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, metavar="NUMBER", help="Port to listen on; 0 for any.")
    ] = PORT,
    windows: Annotated[
        str,
        typer.Option(
            metavar="teams|none|WINDOWS",
            help="Rate windows to enforce: those Teams publishes, none, or how many messages a "
            "conversation may get in what time, such as '7/1s 1800/1h'.",
        ),
    ] = "none",
    tenant_windows: Annotated[
        str,
        typer.Option(metavar="WINDOWS", help="The same for all requests of a tenant together."),
    ] = "",
    latency: Annotated[
        str, typer.Option(metavar="TIME", help="How long a round trip takes, such as 80+-40ms.")
    ] = "0ms",
    fault: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME:PROBABILITY",
            help="Let that share of the requests fail: a status such as 429:0.05, or hang, cut, "
            "take-and-cut, no-id … Give it as often as you like; an unknown name lists them all.",
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(metavar="NUMBER", help="Seed of everything that is drawn.")
    ] = 0,
    channel: Annotated[
        str, typer.Option(metavar="NAME", help="The channel it is; msteams has rules of its own.")
    ] = "msteams",
    bot: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Introduce people to the bot that listens there."),
    ] = None,
    people: Annotated[int, typer.Option(min=1, metavar="NUMBER", help="How many people.")] = 10,
) -> None:
    """Stand in for a channel service: take what a bot says, count it, refuse it, lose it.

    It has every route of the Connector API and needs no credentials. A table shows how many
    requests came, how they were answered, and how many were over a rate window; Ctrl-C ends it
    with a summary. With --json there is one line for each request and, at the end, the summary.

    A bot hears of it by --bot, or by whatever sends it an activity whose serviceUrl is this
    channel's address.
    """
    # Imported here: it is the test kit, which no other command needs.
    from recado.cli.fake_channel_run import run
    from recado.testing import FakeConnector

    made = FakeConnector(
        channel=channel,
        limits=_limits(windows, tenant_windows),
        latency=_latency(latency),
        seed=seed,
        keep=False,
        bot=bot,
    )
    for each in fault or ():
        found, probability = _fault(each)
        made.fail(found, probability=probability)
    await run(invocation, made, host=host, port=port, people=people if bot else 0)


# -- reading options -------------------------------------------------------------------------


def _limits(windows: str, tenant: str) -> RateLimits:
    from recado.testing import TEAMS, UNLIMITED, RateLimits, rate_windows

    named = {"teams": TEAMS, "none": UNLIMITED}.get(windows.lower())
    try:
        if named is None:
            told = rate_windows(windows)
            named = RateLimits(send=told, create=told)
        if tenant:
            named = RateLimits(
                send=named.send,
                create=named.create,
                roster=named.roster,
                tenant=rate_windows(tenant),
            )
    except ValueError as error:
        raise InvalidInput(str(error)) from None
    return named


def _latency(text: str) -> Latency:
    from recado.testing import Latency

    found = _LATENCY.fullmatch(text.strip())
    if found is None:
        raise InvalidInput(f"{text!r} is no latency: write for example 80ms or 80+-40ms.")
    unit = 0.001 if found[3] == "ms" else 1.0
    return Latency(float(found[1]) * unit, float(found[2] or 0) * unit)


def _fault(text: str) -> tuple[Fault, float]:
    from recado.testing.faults import named

    name, _, share = text.rpartition(":")
    faults = named()
    try:
        probability = float(share)
    except ValueError:
        probability = -1.0
    if not name or not 0 < probability <= 1:
        raise InvalidInput(f"{text!r} is no fault: write for example 429:0.05, 1 in 20 requests.")
    if name.lower() not in faults:
        raise InvalidInput(f"There is no fault {name!r}: use one of {', '.join(sorted(faults))}.")
    return faults[name.lower()], probability

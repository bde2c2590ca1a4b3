"""The checks of ``recado doctor``: each looks at one thing and says what to do about it."""

from __future__ import annotations

import asyncio
import http.client
import os
import sqlite3
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from recado.cli.others import others_references
from recado.cli.output import Output
from recado.cli.ports import listening
from recado.clock import SystemClock
from recado.database_url import SqliteFile
from recado.domain.delivery import State
from recado.domain.explanation import moment, span
from recado.errors import ChannelError, ConfigurationError, ForbiddenServiceUrl
from recado.store.port import Backlog

if TYPE_CHECKING:
    from recado.app import Recado
    from recado.config import Settings

_OLDEST_PYTHON = (3, 11)
#: STRICT tables.
_OLDEST_SQLITE = (3, 37, 0)
#: How long something due may wait before it looks wrong.
_PATIENCE = timedelta(minutes=10)
#: How far clocks of different machines may be apart.
_SKEW = timedelta(minutes=1)
#: References looked at; a database with more gets a sample of the first.
_LOOKED_AT = 100_000
#: How long a listener on our port may take to say who it is, in seconds.
_WHO = 2.0


class Status(StrEnum):
    """How a check ended."""

    OK = "ok"
    FAILED = "failed"
    NOTE = "note"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Check:
    """What a check found; one that failed says what to do."""

    name: str
    status: Status
    detail: str


def check_runtime() -> Check:
    """Python, and the SQLite it brings."""
    python = ".".join(map(str, sys.version_info[:3]))
    told = f"Python {python}, SQLite {sqlite3.sqlite_version}"
    if sys.version_info < _OLDEST_PYTHON or sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        return Check(
            "runtime",
            Status.FAILED,
            f"{told}: Recado needs Python 3.11 and SQLite 3.37 or later, so use a newer Python.",
        )
    return Check("runtime", Status.OK, f"{told}.")


def check_exposed(settings: Settings) -> Check:
    """What other machines can reach (promise 9)."""
    from recado.config import check_exposure

    try:
        check_exposure(settings)
    except ConfigurationError as error:
        return Check("exposure", Status.FAILED, str(error))
    if settings.exposed:
        return Check(
            "exposure",
            Status.OK,
            "Other machines can reach the server; activities and API keys are checked.",
        )
    return Check("exposure", Status.OK, f"Only this machine reaches {settings.host}.")


def check_credentials(settings: Settings) -> Check:
    """Who the bot is."""
    known = settings.credentials
    if known is None:
        return Check(
            "credentials",
            Status.SKIPPED,
            "None are set: local testing only. For a channel, set MicrosoftAppId and "
            "MicrosoftAppPassword.",
        )
    return Check(
        "credentials", Status.OK, f"{known.app_id} ({known.app_type}), from {known.source}."
    )


async def check_token(settings: Settings, seconds: float) -> Check:
    """Whether the identity provider gives the bot a token."""
    if settings.credentials is None:
        return Check("token", Status.SKIPPED, "None is needed without credentials.")
    # Imported here: the Agents SDK is heavy, and only this check needs it.
    from recado.channel.tokens import msal_tokens
    from recado.config import sdk_configuration

    tokens = msal_tokens(sdk_configuration(settings.credentials), SystemClock())
    try:
        async with asyncio.timeout(seconds):
            await tokens.token(settings.bot)
    except TimeoutError:
        return Check(
            "token",
            Status.FAILED,
            f"The identity provider did not answer within {seconds:g} seconds: check that this "
            "machine reaches it, or allow more with --timeout.",
        )
    except ChannelError as error:
        if _offline(error):
            return Check(
                "token",
                Status.FAILED,
                "The identity provider cannot be reached: check this machine's network, proxy "
                f"and DNS. ({error})",
            )
        return Check(
            "token", Status.FAILED, f"{error}. Check the app id, the secret and its expiry date."
        )
    return Check("token", Status.OK, "The identity provider gave one.")


def _offline(error: BaseException) -> bool:
    """Whether *error* began with a connection that could not be made."""
    seen: BaseException | None = error
    while seen is not None:
        # What requests raises is an OSError, too, but one with an answer was connected.
        if isinstance(seen, OSError) and getattr(seen, "response", None) is None:
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def check_database(settings: Settings) -> Check | None:
    """What can be said without opening the database; None when it has to be opened.

    A database that does not exist is not made, because a doctor changes nothing.
    """
    database = settings.database
    if not isinstance(database, SqliteFile):
        return None
    path = database.path
    if path is None:
        return Check(
            "database",
            Status.NOTE,
            "It is in memory and ends with its process: for real use set RECADO_DATABASE_URL.",
        )
    if path.exists():
        return None
    folder = next(each for each in path.parents if each.exists())
    if folder.is_dir() and os.access(folder, os.W_OK | os.X_OK):
        return Check("database", Status.OK, f"{path} does not exist yet and can be made.")
    return Check(
        "database",
        Status.FAILED,
        f"{path} does not exist and cannot be made: make {folder} writable, or set "
        "RECADO_DATABASE_URL.",
    )


def check_served(*, served: bool) -> Check:
    """Whether somebody delivers."""
    if served:
        return Check("service", Status.OK, "A process is delivering from this database.")
    return Check(
        "service",
        Status.NOTE,
        "No process is delivering from this database: `recado serve` starts one.",
    )


async def check_port(settings: Settings, *, served: bool) -> Check:
    """Whether the server could listen, or does."""
    where = f"{settings.host}:{settings.port}"
    try:
        with listening(settings.host, settings.port):
            return Check("port", Status.OK, f"{where} is free.")
    except ConfigurationError as error:
        told = str(error)
    if served and await asyncio.to_thread(_is_recado, settings.host, settings.port):
        return Check("port", Status.OK, f"A Recado answers at {where}.")
    return Check("port", Status.FAILED, told)


def _is_recado(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=_WHO)
    try:
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        return answer.status == 200 and b"alive" in answer.read(1024)
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


async def check_references(recado: Recado, out: Output) -> AsyncIterator[Check]:
    """Whether the references can be used, and whether the clock agrees with them."""
    seen, unreachable, after = 0, 0, None
    forbidden: dict[str, str] = {}
    latest: datetime | None = None
    with out.progress("Looking at references") as advance:
        while seen < _LOOKED_AT:
            page = await recado.references.page(bot=recado.settings.bot, after=after, limit=1000)
            for reference in page.items:
                seen += 1
                unreachable += not reference.health.reachable
                latest = max(latest or reference.last_seen, reference.last_seen)
                try:
                    recado.hosts.check(reference.service_url)
                except ForbiddenServiceUrl as error:
                    forbidden.setdefault(str(error), reference.id)
            advance(seen, None)
            if page.next is None:
                break
            after = page.next
    now = recado.clock.now()
    if latest is not None and latest > now + _SKEW:
        yield Check(
            "clock",
            Status.FAILED,
            f"A conversation was last seen {span(latest - now)} in the future, on "
            f"{moment(latest)}: set this machine's clock (it says {moment(now)}).",
        )
    else:
        yield Check("clock", Status.OK, f"It is {moment(now)}.")
    if forbidden:
        told, where = next(iter(forbidden.items()))
        more = f" There are {len(forbidden) - 1} more kinds." if len(forbidden) > 1 else ""
        yield Check("references", Status.FAILED, f"{told} It is that of reference {where}.{more}")
    else:
        away = f", {unreachable:,} of them unreachable" if unreachable else ""
        others = "" if seen else await others_references(recado)
        yield Check("references", Status.OK, f"{seen:,} looked at{away}.{others}")


def check_backlog(backlog: Backlog, now: datetime, *, served: bool) -> Check:
    """Whether something waits that should have left."""
    waiting = {state: count for state, count in backlog.waiting.items() if count}
    told = ", ".join(f"{count:,} {state}" for state, count in sorted(waiting.items()))
    due = sum(waiting.get(state, 0) for state in (State.PENDING, State.RETRYING, State.SENDING))
    late = backlog.oldest_due is not None and now - backlog.oldest_due > _PATIENCE
    since = f", the oldest since {moment(backlog.oldest_due)}" if backlog.oldest_due else ""
    if (due or backlog.expanding) and not served:
        return Check(
            "backlog",
            Status.FAILED,
            f"{told or 'a broadcast'} waiting{since}, and no process delivers: start "
            "`recado serve`.",
        )
    if late:
        return Check(
            "backlog",
            Status.FAILED,
            f"{told} waiting{since}: `recado deliveries list --state pending` shows them, "
            "`recado deliveries explain ID` says why.",
        )
    if waiting.get(State.UNKNOWN):
        return Check(
            "backlog",
            Status.NOTE,
            f"{told}: `recado deliveries list --state unknown` shows those a person decides on.",
        )
    return Check("backlog", Status.OK, f"{told}." if told else "Nothing waits.")

"""Where a database is: what a URL says, and how people are told.

``sqlite:///relative/path``, ``sqlite:////absolute/path``, ``sqlite://`` for one in memory, or
``postgresql://user@host:port/database?option=value`` with the options of libpq and one of ours,
``pooler``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

#: An option of ours; the others are libpq's, and asyncpg reads them.
_POOLER: Final = "pooler"
_TRUE: Final = ("1", "true", "yes", "on")
#: PgBouncer's own port; hosted poolers have the word in their host names.
_POOLER_PORT: Final = 6432
_LAST_PORT: Final = 65_535

_SQLITE_FORM: Final = (
    "write sqlite:///relative/path, sqlite:////absolute/path, sqlite:// for a database in memory, "
    "or postgresql://user@host/database"
)
_POSTGRES_FORM: Final = "write postgresql://user@host/database"


@dataclass(frozen=True, slots=True)
class SqliteFile:
    """A SQLite database.

    Attributes:
        path: the file, absolute; None for one in memory.
    """

    path: Path | None

    @property
    def shown(self) -> str:
        """How people are told which database it is."""
        return ":memory:" if self.path is None else str(self.path)


@dataclass(frozen=True, slots=True)
class PostgresAddress:
    """A database of a PostgreSQL server.

    Attributes:
        dsn: the URL as asyncpg takes it, password included: not to be shown.
        shown: the same without password and options.
        pooler: whether connections go through a pooler that lends them out for a transaction at a
            time, so that nothing of a connection lasts longer than that.
    """

    dsn: str = field(repr=False)
    shown: str
    pooler: bool = False


def read_database_url(url: str, password: str | None = None) -> SqliteFile | PostgresAddress:
    """What a URL names.

    Args:
        url: as described above.
        password: of a PostgreSQL user, for a URL without one.

    Raises:
        ValueError: it is not written like that.
    """
    if url == ":memory:":
        return SqliteFile(None)
    scheme, separator, rest = url.partition("://")
    if scheme.partition("+")[0] in ("postgres", "postgresql"):
        return _postgres(url, password)
    if scheme != "sqlite" or not separator:
        raise ValueError(_SQLITE_FORM)
    if rest in ("", "/", "/:memory:"):
        return SqliteFile(None)
    if not rest.startswith("/"):
        raise ValueError(_SQLITE_FORM)
    if "?" in rest or "\0" in rest:
        raise ValueError("SQLite takes no options here: end the URL after the file's name")
    return SqliteFile(Path(rest.removeprefix("/")).expanduser().absolute())


def _postgres(url: str, password: str | None) -> PostgresAddress:
    try:
        parts = urlsplit(url)
        options = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError as error:
        raise ValueError(f"it is no URL: {_POSTGRES_FORM}") from error
    if not parts.path.strip("/"):
        raise ValueError(f"it names no database: {_POSTGRES_FORM}")
    account, _, hosts = parts.netloc.rpartition("@")
    # Where a password has one of these as it is, the rest of it stands where others look for a
    # port or a database.
    if (
        not all(map(_is_host, hosts.split(",")))
        or parts.fragment
        or set("/@") & set(parts.path[1:])
    ):
        raise ValueError(
            f"it is no URL, or its password has a character that means something else in one "
            f"(write @ as %40, / as %2F, # as %23, ? as %3F and % as %25): {_POSTGRES_FORM}"
        )
    user, told, secret = account.partition(":")
    known = unquote(secret) if told else password
    ours = dict(options).get(_POOLER)
    kept = urlencode([each for each in options if each[0] != _POOLER], quote_via=quote)
    if known is not None and not user:
        raise ValueError(f"it has a password and no user: {_POSTGRES_FORM}")
    login = f"{user}:{quote(known, safe='')}@" if known is not None else user and f"{user}@"
    shown_login = user and f"{user}@"
    return PostgresAddress(
        dsn=f"postgresql://{login}{hosts}{parts.path}{kept and f'?{kept}'}",
        shown=f"postgresql://{shown_login}{hosts}{parts.path}",
        pooler=_goes_through_pooler(hosts) if ours is None else ours.lower() in _TRUE,
    )


def _is_host(host: str) -> bool:
    """Whether it is a name or address, perhaps with a port; or nothing, as an option may say it."""
    name, colon, port = host.rpartition(":")
    if not colon or host.endswith("]"):
        return True
    return port.isascii() and port.isdigit() and int(port) <= _LAST_PORT and "@" not in name


def _goes_through_pooler(hosts: str) -> bool:
    """Whether one of the hosts, each perhaps with a port, looks like a pooler."""
    return any("pooler" in host or host.endswith(f":{_POOLER_PORT}") for host in hosts.split(","))

"""What goes wrong with PostgreSQL: which of it passes, and what people are told of the rest."""

from __future__ import annotations

import ssl
from typing import Final

import asyncpg
from asyncpg import exceptions

from recado.errors import (
    ConfigurationError,
    InvalidInput,
    RecadoError,
    StoreError,
    StoreFull,
    StoreReadOnly,
    StoreUnavailable,
)

#: Whatever asyncpg raises, and the network below it. What it calls internal is, as a rule, what the
#: server said before it let a connection go that was not in use.
TROUBLE: Final = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
)
#: Another transaction was in the way: the next try sees what it has done.
_MET: Final = (
    exceptions.SerializationError,
    exceptions.DeadlockDetectedError,
    exceptions.UniqueViolationError,
)
#: The server let the connection go, or it was cut.
_LOST: Final = (
    exceptions.PostgresConnectionError,
    exceptions.AdminShutdownError,
    exceptions.CrashShutdownError,
    exceptions.IdleInTransactionSessionTimeoutError,
    exceptions.IdleSessionTimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    ConnectionError,
)
#: Lost connections are replaced so often before the caller is told.
_REPLACED: Final = 3


def lost(error: BaseException) -> bool:
    """Whether it is the connection that is gone, so that nobody knows what the server did last."""
    return isinstance(error, (*_LOST, OSError, TimeoutError))


def passing(error: Exception, tries: int) -> bool:
    """Whether the same may go well when it is tried again at once.

    Args:
        error: what went wrong before the commit.
        tries: how often it was tried again already.
    """
    if isinstance(error, _MET):
        return True
    return isinstance(error, _LOST) and tries < _REPLACED


def translated(error: Exception, where: str) -> Exception:
    """An error of asyncpg as one of ours, with what to do about it; other errors as they are.

    Args:
        error: what was raised.
        where: the database, as people may be shown it.
    """
    if isinstance(error, RecadoError):
        return error
    return _kept_out(error, where) or _refused(error, where) or _unreachable(error, where) or error


def _kept_out(error: Exception, where: str) -> RecadoError | None:  # noqa: C901, PLR0911 - one for each
    """The server is there, and does not let us in."""
    told = _told(error)
    match error:
        case exceptions.ClientConfigurationError():
            return ConfigurationError(f"RECADO_DATABASE_URL cannot be used: {told}.")
        case exceptions.InvalidAuthorizationSpecificationError() if "pg_hba.conf" in told:
            return StoreUnavailable(
                f"The server of {where} has no rule that lets us in ({told}): add one to its "
                "pg_hba.conf, or ?sslmode=require to RECADO_DATABASE_URL if it wants TLS."
            )
        case (
            exceptions.InvalidPasswordError() | exceptions.InvalidAuthorizationSpecificationError()
        ):
            return StoreUnavailable(
                f"The database {where} does not let us in ({told}): check the user in "
                "RECADO_DATABASE_URL, and the password there or in RECADO_DATABASE_PASSWORD_FILE."
            )
        case exceptions.InvalidCatalogNameError():
            return StoreUnavailable(
                f"There is no database {where} on its server: make it with createdb, or correct "
                "RECADO_DATABASE_URL."
            )
        case exceptions.TooManyConnectionsError():
            return StoreUnavailable(
                f"The database {where} has no connection left: raise its max_connections, or "
                "lower RECADO_DATABASE_CONNECTIONS."
            )
        case exceptions.ProtocolViolationError() if "startup parameter" in told:
            return ConfigurationError(
                f"There is a pooler before the database {where} ({told}): add ?pooler=true to "
                "RECADO_DATABASE_URL."
            )
        case exceptions.UndefinedObjectError() if "configuration parameter" in told:
            return ConfigurationError(
                f"RECADO_DATABASE_URL has an option that its server does not know ({told}): "
                "correct it, or leave it out."
            )
        case exceptions.CannotConnectNowError():
            return StoreUnavailable(f"The database {where} is not ready yet ({told}): try again.")
        case ssl.SSLError():
            return StoreUnavailable(
                f"The database {where} cannot be reached by TLS ({error}): see sslmode and "
                "sslrootcert in docs/postgresql.md."
            )
        case ConnectionError() if "SSL upgrade" in told:
            return StoreUnavailable(
                f"The server of {where} does not speak TLS: switch it on there, or lower sslmode "
                "in RECADO_DATABASE_URL."
            )
    return None


def _refused(error: Exception, where: str) -> RecadoError | None:  # noqa: PLR0911 - as above
    """We are in, and the server does not do what it is asked to."""
    told = _told(error)
    match error:
        case exceptions.InsufficientPrivilegeError() | exceptions.InvalidSchemaNameError():
            return StoreUnavailable(
                f"The user of the database {where} lacks a right there ({told}): GRANT it, or run "
                "`recado migrate` as a user who has it (docs/postgresql.md lists the rights)."
            )
        case exceptions.ReadOnlySQLTransactionError():
            return StoreReadOnly(
                f"The database {where} is read-only, perhaps a replica: point "
                "RECADO_DATABASE_URL at the primary."
            )
        case exceptions.DiskFullError():
            return StoreFull(
                f"The disk of the database {where} is full: make room, then try again."
            )
        case exceptions.LockNotAvailableError() | exceptions.DeadlockDetectedError():
            return StoreUnavailable(
                f"Another transaction holds what is needed in the database {where}: try again."
            )
        case exceptions.QueryCanceledError():
            return StoreUnavailable(f"The database {where} took too long: try again.")
        case exceptions.UntranslatableCharacterError() | exceptions.CharacterNotInRepertoireError():
            return InvalidInput(
                "A text has a character that the database cannot store (NUL, perhaps): leave it "
                "away."
            )
        case UnicodeEncodeError():
            return InvalidInput(
                f"{error.object!r} is no text that can be stored or looked for: it has half of a "
                "surrogate pair in it."
            )
        case asyncpg.PostgresError() if not isinstance(error, _LOST):
            return StoreError(f"The database refused: {told}.")
    return None


def _unreachable(error: Exception, where: str) -> RecadoError | None:
    if not (lost(error) or isinstance(error, asyncpg.PostgresError)):
        return None
    told = _told(error) or type(error).__name__
    named = "host, port and file names" if isinstance(error, FileNotFoundError) else "host and port"
    return StoreUnavailable(
        f"The database {where} cannot be reached ({told}): check that the server runs and "
        f"that {named} in RECADO_DATABASE_URL are right."
    )


def _told(error: Exception) -> str:
    """What the error says, in one line."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    message = getattr(error, "message", None) or str(error)
    return message.splitlines()[0].rstrip(".") if message else ""

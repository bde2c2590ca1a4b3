"""Settings: one frozen, validated value, read from flags, environment and file alike.

:class:`Settings` is the value; making one reads nothing. :func:`load_settings` reads: flags win
over the environment, the environment over the ``.env`` file. A setting has one name everywhere:
the flag ``--lease-seconds``, the field ``lease_seconds``, the variable ``RECADO_LEASE_SECONDS``.
"""

from __future__ import annotations

import difflib
import ipaddress
import json
import logging
import os
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

import platformdirs
from dotenv import dotenv_values
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
)
from pydantic import field_validator as validates

from recado.credentials import BotCredentials, bot_credentials, sdk_configuration
from recado.database_url import PostgresAddress, SqliteFile, read_database_url
from recado.domain.pace import Profile
from recado.domain.policy import RetryPolicy
from recado.domain.politeness import Rules
from recado.domain.politeness.counting import Cap
from recado.domain.politeness.hours import check_open
from recado.domain.politeness.profile import Politeness, read_caps, read_windows, rules_of
from recado.domain.reference import LOCAL_BOT
from recado.domain.roster import RosterRule
from recado.domain.zones import zone_of
from recado.errors import ConfigurationError, InvalidInput

__all__ = [
    "BotCredentials",
    "Settings",
    "bot_credentials",
    "check_exposure",
    "is_loopback",
    "load_settings",
    "sdk_configuration",
]

_log = logging.getLogger(__name__)

PREFIX = "RECADO_"

#: Shortest API key that is accepted: shorter ones can be guessed over the network.
SHORTEST_KEY = 16

#: Variables whose value may stand in a file instead, named by ``<VARIABLE>_FILE``.
_SECRETS = (
    "RECADO_API_KEYS",
    "RECADO_DATABASE_URL",
    "RECADO_DATABASE_PASSWORD",
    "MICROSOFTAPPPASSWORD",
    "CONNECTIONS__SERVICE_CONNECTION__SETTINGS__CLIENTSECRET",
)

#: The command line's own, for people who look for an error; no setting.
_DEBUG = "RECADO_DEBUG"

#: What Kubernetes puts into every container beside a Service that is called "recado".
_SERVICE_LINK = re.compile(r"RECADO_(SERVICE_(HOST|PORT(_.+)?)|PORT_\d+_(TCP|UDP|SCTP)(_.+)?)")

LogLevel = Literal["debug", "info", "warning", "error"]


def _split(value: object) -> object:
    """A list may be written as text, separated by commas or lines."""
    if isinstance(value, str):
        return tuple(part.strip() for part in re.split(r"[,\n]", value) if part.strip())
    return value


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _default_database_url() -> str:
    return f"sqlite:///{Path(platformdirs.user_data_dir('recado', appauthor=False), 'recado.db')}"


def _read_pace(value: object) -> object:
    """A JSON object, written as text or not: per channel null, or windows by part."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise ValueError(_PACE_FORM) from error
    if not isinstance(value, Mapping):
        raise ValueError(_PACE_FORM)  # noqa: TRY004 - pydantic reports ValueErrors
    for channel, parts in value.items():
        if not isinstance(channel, str) or ":" in channel:
            raise ValueError("name the channel without its sub-channel, for example msteams")
        if parts is None:
            continue
        if not isinstance(parts, Mapping) or not all(
            text is None or isinstance(text, str) for text in parts.values()
        ):
            raise ValueError(_PACE_FORM)
        Profile().changed(parts)
    return value


_PACE_FORM = 'write a JSON object, for example {"msteams": {"tenant": "30/1s"}, "slack": null}'


def _reading(read: Callable[[Any], object]) -> BeforeValidator:
    """Have a setting read by a function that refuses it as callers are refused."""

    def reads(value: object) -> object:
        try:
            return value if value is None else read(value)
        except InvalidInput as error:
            raise ValueError(str(error).removesuffix(".")) from error

    return BeforeValidator(reads)


def _written(value: object) -> str:
    """Quiet hours as they are written, if they can be read and leave time to say anything."""
    check_open(text := str(value), None)
    return text


Names = Annotated[tuple[str, ...], BeforeValidator(_split)]
Zone = Annotated[str, _reading(lambda value: zone_of(str(value)).key)]
Quiet = Annotated[str | None, _reading(_written)]
Windows = Annotated[Mapping[str, str] | None, _reading(read_windows)]
Caps = Annotated[Mapping[str, Cap] | None, _reading(read_caps)]
Pace = Annotated[Mapping[str, Mapping[str, str | None] | None], BeforeValidator(_read_pace)]


class Settings(BaseModel):
    """How a process of Recado runs. docs/configuration.md explains every field."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    database_url: str = Field(
        default_factory=_default_database_url,
        description="Where the database is: sqlite:///relative/path, sqlite:////absolute/path, "
        "sqlite:// for one in memory, or postgresql://user@host/database.",
    )
    database_password: SecretStr | None = Field(
        default=None, description="Password of a PostgreSQL user, for a URL without one."
    )
    database_connections: int = Field(
        default=10, ge=2, le=200, description="Connections of this process to PostgreSQL, at most."
    )
    host: str = Field(default="127.0.0.1", description="Interface to listen on.")
    port: int = Field(
        default=3978, ge=0, le=65535, description="Port to listen on; PORT is read as well."
    )
    public_url: str | None = Field(
        default=None,
        description="Address the server is reached at through a proxy or tunnel. Its host name "
        "is then accepted in requests.",
    )
    demo: bool = Field(
        default=False,
        description="Demo mode: the local channel, its chat page, and an open GET /api/notify. "
        "On loopback only.",
    )
    app: str | None = Field(
        default=None, description="The bot, as module:attribute; Recado's own when left out."
    )
    api_keys: Annotated[tuple[SecretStr, ...], BeforeValidator(_split)] = Field(
        default=(), description="Keys of the HTTP API, separated by commas."
    )
    allowed_callers: Names = Field(
        default=(),
        description="App ids of agents that may call this bot directly, separated by commas.",
    )
    turn_lock: bool = Field(
        default=True,
        description="Whether turns of one conversation wait for each other, so that none "
        "overwrites what another has saved.",
    )
    extra_hosts: Names = Field(
        default=(),
        description="Service URL hosts to trust besides Microsoft's, separated by commas.",
    )
    ca_file: Path | None = Field(
        default=None, description="PEM file of certificate authorities to trust besides the usual."
    )
    connections: int = Field(
        default=64, ge=1, le=1024, description="Requests to channels under way at once."
    )
    settle_batch: int = Field(
        default=64, ge=1, le=4096, description="Outcomes settled in one commit, at most."
    )
    lease_seconds: float = Field(
        default=30, ge=5, le=3600, description="How long a claim lasts without being renewed."
    )
    give_up_after_hours: float = Field(
        default=24, gt=0, le=8760, description="How long after acceptance a delivery is retried."
    )
    keep_lane_seconds: float = Field(
        default=60, ge=0, le=3600, description="How long a retrying delivery keeps its lane."
    )
    retry_base_seconds: float = Field(
        default=1, gt=0, le=3600, description="Longest first pause before a retry; then doubled."
    )
    retry_cap_seconds: float = Field(
        default=600, gt=0, le=86400, description="No computed pause before a retry is longer."
    )
    server_error_attempts: int = Field(
        default=3, ge=1, le=1000, description="Attempts when a channel answers 500."
    )
    not_found_attempts: int = Field(
        default=4, ge=1, le=1000, description="Attempts when a channel answers 404."
    )
    not_found_over_hours: float = Field(
        default=6, gt=0, le=8760, description="Time over which those are spread."
    )
    credential_pause_seconds: float = Field(
        default=60, ge=1, le=3600, description="Pause of a bot whose credential was refused."
    )
    retention_days: float = Field(
        default=90,
        ge=1,
        le=36500,
        description="How many days what has ended is kept: deliveries, notifications and their "
        "idempotency keys.",
    )
    audit_days: float = Field(
        default=365,
        ge=1,
        le=36500,
        description="How many days it is kept what became of references.",
    )
    works: int = Field(
        default=16, ge=1, le=10_000, description="Works of long answers run at once."
    )
    works_grace_seconds: float = Field(
        default=10,
        ge=0,
        le=3600,
        description="How long works may go on when the process is told to stop.",
    )
    pace: Pace = Field(
        default_factory=dict,
        description="How fast channels may be spoken to, where it differs from what they publish: "
        "a JSON object.",
    )
    roster: Annotated[RosterRule, BeforeValidator(_lower)] = Field(
        default=RosterRule.ALLOW,
        description="Whether people who are known only from a roster can be named: allow or "
        "require_opt_in.",
    )
    zone: Zone = Field(
        default="UTC",
        description="Time zone of recipients of whom none is known, as Europe/Madrid.",
    )
    quiet_hours: Quiet = Field(
        default=None,
        description="When nothing is said, in each recipient's zone: 22:00-08:00; off for never.",
    )
    windows: Windows = Field(
        default=None,
        description="When in the week something is said, in each recipient's zone: "
        "mon-fri 09:00-18:00, or a JSON object by category.",
    )
    window_spread_minutes: float = Field(
        default=10,
        ge=0,
        le=120,
        description="Over how many minutes the conversations come in when a window opens.",
    )
    caps: Caps = Field(
        default=None,
        description="How much a recipient is sent at most: 10/day, or a JSON object by category; "
        "off for any number.",
    )
    min_interval_seconds: float | None = Field(
        default=None,
        ge=0,
        le=86400,
        description="How long after a message to a recipient the next one may leave.",
    )
    #: After those it stands in for, and checked with them.
    politeness: Annotated[Politeness, BeforeValidator(_lower)] = Field(
        default="off",
        validate_default=True,
        description="Which quiet hours, caps and interval hold where the settings for them say "
        "nothing: off or recommended.",
    )
    log_level: Annotated[LogLevel, BeforeValidator(_lower)] = Field(
        default="info", description="debug, info, warning or error."
    )
    log_json: bool = Field(default=False, description="Write the log as one JSON object a line.")

    #: Who the bot is; None means local testing. Not a variable of its own: see bot_credentials.
    credentials: BotCredentials | None = Field(default=None)

    @validates("database_url")
    @classmethod
    def _check_database_url(cls, value: str) -> str:
        read_database_url(value)
        return value

    @validates("public_url")
    @classmethod
    def _check_public_url(cls, value: str | None) -> str | None:
        if value is None:
            return None
        try:
            parts = urlsplit(value)
            usable = parts.scheme in ("http", "https") and bool(parts.hostname)
            usable = usable and parts.port != 0 and not parts.query and "@" not in parts.netloc
        except ValueError:
            usable = False
        if not usable:
            raise ValueError("it has the form https://bot.example.com")
        return value.rstrip("/")

    @validates("api_keys")
    @classmethod
    def _check_api_keys(cls, value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        for key in value:
            text = key.get_secret_value()
            if len(text) < SHORTEST_KEY or not text.isascii() or not text.isprintable():
                raise ValueError(
                    f"a key has at least {SHORTEST_KEY} printable ASCII characters; "
                    "make one with: openssl rand -hex 24"
                )
        return value

    @validates("politeness")
    @classmethod
    def _check_politeness(cls, value: Politeness, info: ValidationInfo) -> Politeness:
        if {"zone", "quiet_hours", "windows", "caps"} <= info.data.keys():
            try:
                _rules(value, info.data)
            except InvalidInput as error:
                raise ValueError(str(error).removesuffix(".")) from error
        return value

    @validates("extra_hosts")
    @classmethod
    def _check_extra_hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any("/" in host or "*" in host or " " in host for host in value):
            raise ValueError("write host names only, for example connector.example.com")
        return tuple(host.lower() for host in value)

    @validates("ca_file")
    @classmethod
    def _check_ca_file(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_file():
            raise ValueError("there is no such file")
        return value

    @validates("app")
    @classmethod
    def _check_app(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if value.endswith(".bot"):
            raise ValueError(_NO_BOT_FILE)
        module, _, attribute = value.partition(":")
        if not module or not attribute:
            raise ValueError("it has the form module:attribute, for example my_bot.app:agent")
        return value

    @property
    def bot(self) -> str:
        """The name of the bot in the database: its app id, or ``local`` without credentials."""
        return self.credentials.app_id if self.credentials else LOCAL_BOT

    @property
    def database(self) -> SqliteFile | PostgresAddress:
        """Where the database is."""
        password = self.database_password
        return read_database_url(
            self.database_url, None if password is None else password.get_secret_value()
        )

    @property
    def exposed(self) -> bool:
        """Whether other machines can reach the server, directly or through a proxy or tunnel."""
        if not is_loopback(self.host):
            return True
        return self.public_url is not None and not is_loopback(
            urlsplit(self.public_url).hostname or ""
        )

    def retry_policy(self) -> RetryPolicy:
        """How patiently deliveries are retried."""
        return RetryPolicy(
            base=timedelta(seconds=self.retry_base_seconds),
            cap=timedelta(seconds=self.retry_cap_seconds),
            give_up_after=timedelta(hours=self.give_up_after_hours),
            keep_lane=timedelta(seconds=self.keep_lane_seconds),
            server_error_attempts=self.server_error_attempts,
            not_found_attempts=self.not_found_attempts,
            not_found_over=timedelta(hours=self.not_found_over_hours),
        )

    def rules(self) -> Rules:
        """When and how much recipients are told who have set nothing themselves."""
        return _rules(self.politeness, dict(self))


def _rules(politeness: Politeness, settings: Mapping[str, Any]) -> Rules:
    interval = settings.get("min_interval_seconds")
    return rules_of(
        politeness,
        zone=settings["zone"],
        quiet=settings["quiet_hours"],
        windows=settings["windows"],
        spread=timedelta(minutes=settings.get("window_spread_minutes", 0)),
        caps=settings["caps"],
        interval=None if interval is None else timedelta(seconds=interval),
    )


_NO_BOT_FILE = (
    ".bot files are not read: set MicrosoftAppId and MicrosoftAppPassword to the appId and "
    "appPassword of the file's endpoint (none are needed for local testing)"
)

_VARIABLES = {
    f"{PREFIX}{name.upper()}": name for name in Settings.model_fields if name != "credentials"
}


def load_settings(  # noqa: PLR0913 - the bot's identity is four values, not a field
    *,
    environ: Mapping[str, str] | None = None,
    env_file: str | Path | None = None,
    app_id: str | None = None,
    app_password: str | None = None,
    app_type: str | None = None,
    tenant_id: str | None = None,
    **flags: Any,
) -> Settings:
    """Read the settings of this process.

    Args:
        environ: the environment; this process's own when left out.
        env_file: file of variables that the environment lacks; ``.env`` in the working
            directory, if there is one, when left out.
        app_id: the bot's app id, before any found in the environment; "" for local testing.
        app_password: its client secret.
        app_type: ``MultiTenant``, ``SingleTenant`` or ``UserAssignedMSI``.
        tenant_id: its directory.
        **flags: fields of :class:`Settings`, before the environment; None means not given.

    Raises:
        ConfigurationError: a variable is unknown, malformed or contradicts another one.
    """
    found = _environment(os.environ if environ is None else environ, env_file)
    for name in ("BOTFILEPATH", "BOTFILESECRET"):
        if name in found:
            raise ConfigurationError(f"{name}: {_NO_BOT_FILE}.")
    problems = _unknown(found)
    values: dict[str, Any] = {
        field: found[name] for name, field in _VARIABLES.items() if name in found
    }
    names = {field: name for name, field in _VARIABLES.items()}
    if "PORT" in found and "port" not in values:
        values["port"], names["port"] = found["PORT"], "PORT"
    given = {field: value for field, value in flags.items() if value is not None}
    values |= given
    names |= {field: f"--{field.replace('_', '-')} ({PREFIX}{field.upper()})" for field in given}
    try:
        values["credentials"] = bot_credentials(
            found, app_id=app_id, app_password=app_password, app_type=app_type, tenant_id=tenant_id
        )
    except ConfigurationError as error:
        problems.append(str(error))
    try:
        settings = Settings(**values)
    except ValidationError as error:
        problems += [_told(each, names) for each in error.errors()]
    if problems:
        raise ConfigurationError("\n".join(problems))
    return settings


def check_exposure(settings: Settings) -> None:
    """Refuse to be reachable from other machines half protected (promise 9).

    Raises:
        ConfigurationError: the server would be exposed without inbound JWT validation or without
            API keys, or in demo mode.
    """
    if not settings.exposed:
        return
    where = f"the host {settings.host}"
    if is_loopback(settings.host):
        where = f"the public address {settings.public_url}"
    if settings.demo:
        raise ConfigurationError(
            f"Demo mode works on loopback only and {where} is not: use `recado serve` without demo "
            "mode where others may reach it, or listen on 127.0.0.1 without a public address."
        )
    missing = []
    if settings.credentials is None:
        missing.append(
            "the bot's credentials (MicrosoftAppId and MicrosoftAppPassword, or "
            "CONNECTIONS__SERVICE_CONNECTION__SETTINGS__CLIENTID and …__CLIENTSECRET), so that "
            "incoming activities can be checked"
        )
    if not settings.api_keys:
        missing.append("RECADO_API_KEYS, so that the HTTP API is closed to others")
    if missing:
        raise ConfigurationError(
            f"On {where} other machines can reach the server; set {' and '.join(missing)}."
        )


def is_loopback(host: str) -> bool:
    """Whether *host*, a name or an address, is this machine and nothing else."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _environment(environ: Mapping[str, str], env_file: str | Path | None) -> dict[str, str]:
    """Variables by upper-case name; empty ones left out, secrets read from their files."""
    if env_file is not None and not Path(env_file).is_file():
        raise ConfigurationError(f"There is no file {env_file} to read settings from.")
    try:
        stored = dotenv_values(env_file or ".env", interpolate=False, encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{env_file or '.env'} cannot be read: {error}.") from error
    found = {
        name.upper(): value.strip()
        for source in (stored, environ)
        for name, value in source.items()
        if value is not None and value.strip()
    }
    for name in _SECRETS:
        file = found.pop(f"{name}_FILE", None)
        if file is None:
            continue
        if name in found:
            raise ConfigurationError(f"{name} and {name}_FILE are both set: keep one of them.")
        try:
            found[name] = Path(file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{name}_FILE: {file} cannot be read ({error}).") from error
    if found.get("RECADO_PORT", "").startswith("tcp://"):
        del found["RECADO_PORT"]  # a Kubernetes service link, too
    return found


def _unknown(found: Iterable[str]) -> list[str]:
    """One sentence for each variable that looks like a setting and is none."""
    known = [*_VARIABLES, _DEBUG, *(f"{name}_FILE" for name in _SECRETS if name.startswith(PREFIX))]
    problems = []
    for name in sorted(found):
        if not name.startswith(PREFIX) or name in known or name.startswith(f"{PREFIX}TEST_"):
            continue
        if _SERVICE_LINK.fullmatch(name):
            _log.debug("%s looks like a Kubernetes service link and is ignored.", name)
            continue
        bare = [each.removeprefix(PREFIX) for each in known]
        close = difflib.get_close_matches(name.removeprefix(PREFIX), bare, n=1)
        hint = (
            f"did you mean {PREFIX}{close[0]}?"
            if close
            else f"known are {', '.join(sorted(known))}."
        )
        problems.append(f"{name} is not a setting: {hint}")
    return problems


def _told(error: Any, names: Mapping[str, str]) -> str:
    """One sentence for one validation error; never with the value, which may be a secret.

    Args:
        error: as pydantic reports it.
        names: what each setting was called where its value was found.
    """
    field = str(error["loc"][0]) if error["loc"] else ""
    if error["type"] == "extra_forbidden":
        close = difflib.get_close_matches(field, Settings.model_fields, n=1)
        return f"{field} is not a setting{f': did you mean {close[0]}?' if close else '.'}"
    told = _plainly(error["type"], error["msg"])
    return f"{names.get(field, field)}: {told}{'' if told.endswith('?') else '.'}"


#: How validation errors begin, and what is said instead.
_BEGINNINGS: Final = (("Value error, ", ""), ("Input should be ", "it has to be "))
#: What to write, for kinds of settings of which validation errors speak of parsing.
_KINDS: Final[Mapping[str, str]] = {
    "bool_parsing": "it has to be true or false",
    "bool_type": "it has to be true or false",
    "float_parsing": "it has to be a number",
    "int_parsing": "it has to be a whole number (integer)",
    "int_from_float": "it has to be a whole number",
}


def _plainly(kind: str, told: str) -> str:
    """What a validation error says, in words for people who know nothing of validation."""
    if kind in _KINDS:
        return _KINDS[kind]
    for beginning, instead in _BEGINNINGS:
        if told.startswith(beginning):
            return f"{instead}{told.removeprefix(beginning)}"
    return told

"""Who the bot is: its app id and how it proves it, from whichever family of names is set."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast, get_args

from pydantic import SecretStr

from recado.errors import ConfigurationError

_log = logging.getLogger(__name__)

AppType = Literal["MultiTenant", "SingleTenant", "UserAssignedMSI"]

_AGENTS = "CONNECTIONS__SERVICE_CONNECTION__SETTINGS__"

#: The directory multi-tenant bots get their tokens from (protocol §5.1).
_BOT_FRAMEWORK_TENANT = "botframework.com"

#: The Agents SDK's words for the ways to prove an identity that this version knows.
_AUTH_TYPES = {"clientsecret": "ClientSecret", "usermanagedidentity": "UserManagedIdentity"}


@dataclass(frozen=True, slots=True, kw_only=True)
class BotCredentials:
    """The bot's identity, complete and consistent."""

    app_id: str
    #: The client secret; None for a managed identity.
    secret: SecretStr | None
    app_type: AppType
    #: The bot's directory; None for a multi-tenant bot.
    tenant_id: str | None
    #: Which family of names it was read from, for logs.
    source: str
    #: Further settings of the Agents SDK's connection, by their upper-case names: AUTHORITY,
    #: SCOPES, ISSUERS and so on.
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Family:
    """One way to write credentials, and what was found written that way."""

    #: What its variables (or arguments) are called, for messages.
    id_name: str
    secret_name: str
    tenant_name: str
    app_id: str
    secret: str
    app_type: AppType
    tenant_id: str
    options: Mapping[str, Any] = field(default_factory=dict)


def bot_credentials(
    found: Mapping[str, str],
    *,
    app_id: str | None = None,
    app_password: str | None = None,
    app_type: str | None = None,
    tenant_id: str | None = None,
) -> BotCredentials | None:
    """Read the bot's credentials.

    The first family that is set wins, whole, and the others are ignored: 1. the arguments, 2. the
    Agents SDK's ``CONNECTIONS__SERVICE_CONNECTION__SETTINGS__*``, 3. the Bot Framework's
    ``MicrosoftApp*``.

    Args:
        found: variables by upper-case name, without empty ones.
        app_id: given explicitly; "" asks for local testing whatever else is set.
        app_password: goes with *app_id*, as do the following.
        app_type: ``MultiTenant``, ``SingleTenant`` or ``UserAssignedMSI``.
        tenant_id: the bot's directory.

    Returns:
        None when no app id is set, which means local testing.

    Raises:
        ConfigurationError: the family that is set lacks a part, or has a value nobody knows.
    """
    families: list[tuple[str, Callable[[], _Family]]] = []
    if app_id is not None or app_password or tenant_id or app_type:
        families.append(("arguments", lambda: _given(app_id, app_password, app_type, tenant_id)))
    if found.get(f"{_AGENTS}CLIENTID") or found.get(f"{_AGENTS}CLIENTSECRET"):
        families.append((f"{_AGENTS}*", lambda: _agents_sdk(found)))
    if found.get("MICROSOFTAPPID") or found.get("MICROSOFTAPPPASSWORD"):
        families.append(("MicrosoftApp*", lambda: _bot_framework(found)))
    if not families:
        return None
    (source, read), *others = families
    ignored = f"; ignored: {', '.join(name for name, _ in others)}" if others else ""
    if app_id == "" and not app_password:
        _log.info("No app id was asked for: local testing, without credentials%s.", ignored)
        return None
    credentials = _complete(read(), source)
    _log.info(
        "The bot is %s (%s), from %s%s.",
        credentials.app_id,
        credentials.app_type,
        credentials.source,
        ignored,
    )
    return credentials


def sdk_configuration(credentials: BotCredentials | None) -> dict[str, Any]:
    """The same identity in the Agents SDK's own words, as plain dictionaries.

    ``MsalConnectionManager(**sdk_configuration(c))`` makes the connection manager, and
    ``AgentAuthConfiguration(**sdk_configuration(c)["CONNECTIONS"]["SERVICE_CONNECTION"]
    ["SETTINGS"])`` what the JWT validator wants. Issuers are always validated, and anonymous
    requests accepted only without credentials, whatever the environment says.
    """
    if credentials is None:
        settings: dict[str, Any] = {"ANONYMOUS_ALLOWED": True, "VALIDATE_ISSUER": True}
    else:
        managed = credentials.app_type == "UserAssignedMSI"
        settings = dict(credentials.options)
        settings |= {
            "AUTHTYPE": "UserManagedIdentity" if managed else "ClientSecret",
            "CLIENTID": credentials.app_id,
            "TENANTID": credentials.tenant_id or _BOT_FRAMEWORK_TENANT,
            "ANONYMOUS_ALLOWED": False,
            "VALIDATE_ISSUER": True,
        }
        if credentials.secret is not None:
            settings["CLIENTSECRET"] = credentials.secret.get_secret_value()
    return {"CONNECTIONS": {"SERVICE_CONNECTION": {"SETTINGS": settings}}}


def _given(
    app_id: str | None, secret: str | None, app_type: str | None, tenant_id: str | None
) -> _Family:
    return _Family(
        id_name="the app id",
        secret_name="the app password",  # noqa: S106 - what it is called, not what it is
        tenant_name="the tenant id",
        app_id=app_id or "",
        secret=secret or "",
        app_type=_app_type(app_type or "MultiTenant", "the app type"),
        tenant_id=tenant_id or "",
    )


def _agents_sdk(found: Mapping[str, str]) -> _Family:
    given = {
        name.removeprefix(_AGENTS): value
        for name, value in found.items()
        if name.startswith(_AGENTS)
    }
    auth_type = given.pop("AUTHTYPE", "ClientSecret")
    known = _AUTH_TYPES.get(auth_type.replace("_", "").lower())
    if known is None:
        raise ConfigurationError(
            f"{_AGENTS}AUTHTYPE={auth_type} is not in this version: use ClientSecret or "
            "UserManagedIdentity."
        )
    tenant_id = given.pop("TENANTID", "")
    many = tenant_id.lower() in ("", "common", "organizations", _BOT_FRAMEWORK_TENANT)
    app_type: AppType = "MultiTenant" if many else "SingleTenant"
    return _Family(
        id_name=f"{_AGENTS}CLIENTID",
        secret_name=f"{_AGENTS}CLIENTSECRET",
        tenant_name=f"{_AGENTS}TENANTID",
        app_id=given.pop("CLIENTID", ""),
        secret=given.pop("CLIENTSECRET", ""),
        app_type="UserAssignedMSI" if known == "UserManagedIdentity" else app_type,
        tenant_id="" if many else tenant_id,
        options=_nested(given),
    )


def _bot_framework(found: Mapping[str, str]) -> _Family:
    return _Family(
        id_name="MicrosoftAppId",
        secret_name="MicrosoftAppPassword",  # noqa: S106 - as above
        tenant_name="MicrosoftAppTenantId",
        app_id=found.get("MICROSOFTAPPID", ""),
        secret=found.get("MICROSOFTAPPPASSWORD", ""),
        app_type=_app_type(found.get("MICROSOFTAPPTYPE", "MultiTenant"), "MicrosoftAppType"),
        tenant_id=found.get("MICROSOFTAPPTENANTID", ""),
    )


def _complete(family: _Family, source: str) -> BotCredentials:
    """Credentials out of what was found, or a sentence on what is missing."""
    if not family.app_id:
        raise ConfigurationError(
            f"{family.secret_name} is set without {family.id_name}: set both, or neither for "
            "local testing."
        )
    managed = family.app_type == "UserAssignedMSI"
    if not family.secret and not managed:
        raise ConfigurationError(
            f"{family.id_name} is set without {family.secret_name}: set the secret, set the type "
            "to UserAssignedMSI for a managed identity, or leave both out for local testing."
        )
    if family.app_type == "SingleTenant" and not family.tenant_id:
        raise ConfigurationError(
            f"A SingleTenant bot needs its directory: set {family.tenant_name}."
        )
    return BotCredentials(
        app_id=family.app_id,
        secret=None if managed else SecretStr(family.secret),
        app_type=family.app_type,
        tenant_id=None if family.app_type == "MultiTenant" else family.tenant_id or None,
        source=source,
        options=family.options,
    )


def _app_type(given: str, name: str) -> AppType:
    for known in get_args(AppType):
        if given.lower() == known.lower():
            return cast("AppType", known)
    raise ConfigurationError(f"{name} is {given!r}: use one of {', '.join(get_args(AppType))}.")


def _nested(given: Mapping[str, str]) -> dict[str, Any]:
    """``SCOPES__0=x`` becomes ``{"SCOPES": ["x"]}``, as the Agents SDK reads it."""
    flat = {name: value for name, value in given.items() if "__" not in name}
    lists: dict[str, list[str]] = {}
    for name in sorted(name for name in given if "__" in name):
        lists.setdefault(name.partition("__")[0], []).append(given[name])
    return {**lists, **flat}

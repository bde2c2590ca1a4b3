"""Who sent an activity: the tokens channels and other agents sign their requests with."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from jwt import PyJWKClient, get_unverified_header
from jwt.exceptions import PyJWKClientConnectionError, PyJWTError
from microsoft_agents.hosting.core import AgentAuthConfiguration, ClaimsIdentity
from microsoft_agents.hosting.core.authorization import AuthenticationConstants, JwtTokenValidator

from recado.clock import Clock
from recado.credentials import BotCredentials, sdk_configuration
from recado.domain.reference import base_channel
from recado.web.auth import unauthorized
from recado.web.problems import HttpProblem

_log = logging.getLogger(__name__)

#: Where the issuers of channel tokens publish their keys. Everything else that the SDK accepts
#: comes from Entra, where any application can ask for a token with this bot as its audience.
_KEYS = {
    AuthenticationConstants.AGENTS_SDK_TOKEN_ISSUER: AuthenticationConstants.PUBLIC_ABS_JWKS_URL,
    AuthenticationConstants.GOV_AGENTS_SDK_TOKEN_ISSUER: AuthenticationConstants.GOV_ABS_JWKS_URL,
}
#: How long the list of channels each key signs for is kept (protocol §5.2, key cache).
_KEEP_KEYS = timedelta(hours=24)

#: A channel sends the same token for an hour. Checking its signature once in five minutes, as
#: long as the SDK keeps the signing keys, is as good as each time.
_KEEP_TOKEN = 300.0  # seconds
_KEEP_TOKENS = 256


class ChannelTokens:
    """Checks that an activity was sent by whom it says (protocol §5.2 and §5.3).

    The SDK checks signature, audience, issuer and time. What it leaves out is done here: the
    ``serviceurl`` claim is the activity's, the signing key may speak for the channel, the token
    ends at some time, and a token from Entra belongs to a known caller.
    """

    def __init__(
        self, credentials: BotCredentials, allowed_callers: tuple[str, ...], clock: Clock
    ) -> None:
        settings = sdk_configuration(credentials)["CONNECTIONS"]["SERVICE_CONNECTION"]["SETTINGS"]
        self._validator = JwtTokenValidator(AgentAuthConfiguration(**settings))
        self._callers = frozenset(
            caller.lower() for caller in (credentials.app_id, *allowed_callers)
        )
        self._clock = clock
        self._checked: OrderedDict[bytes, tuple[dict[str, Any], datetime]] = OrderedDict()
        self._endorsements: dict[str, tuple[Mapping[str, frozenset[str]], datetime]] = {}

    async def identify(self, authorization: str | None) -> ClaimsIdentity:
        """Whose token it is.

        Args:
            authorization: the header.

        Raises:
            HttpProblem: there is no token (401), it is not valid (401), its caller is not known
                (403), or the signing keys cannot be fetched now (503).
        """
        scheme, _, token = (authorization or "").partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            raise unauthorized("An activity comes with a token: Authorization: Bearer <token>.")
        digest = hashlib.sha256(token.encode("utf-8", "replace")).digest()
        now = self._clock.now()
        claims, until = self._checked.get(digest, (None, now))
        if claims is None or until <= now:
            claims = await self._validate(token)
            self._check_caller(claims)
            self._checked[digest] = (claims, _keep_until(claims, now))
            self._checked.move_to_end(digest)
            if len(self._checked) > _KEEP_TOKENS:
                self._checked.popitem(last=False)
        return ClaimsIdentity(dict(claims), security_token=token)

    async def check(self, identity: ClaimsIdentity, activity: Mapping[str, Any]) -> None:
        """Refuse an activity that the token's owner may not send.

        Raises:
            HttpProblem: the service URL or the channel is not what the token was made for (403).
        """
        if not _from_channel(identity.claims):
            return
        claimed = identity.claims.get(AuthenticationConstants.SERVICE_URL_CLAIM)
        if not isinstance(claimed, str) or _same(claimed) != _same(activity["serviceUrl"]):
            raise HttpProblem(
                403,
                "service_url_mismatch",
                "The token was made for another service URL than the activity's.",
            )
        if base_channel(activity["channelId"]) not in await self._endorsed(identity):
            raise HttpProblem(
                403,
                "channel_not_endorsed",
                f"The token's key does not sign for the channel {activity['channelId']!r}.",
            )

    async def _validate(self, token: str) -> dict[str, Any]:
        try:
            identity = await self._validator.validate_token(token)
        except PyJWKClientConnectionError as error:
            raise _no_keys() from error
        except (PyJWTError, ValueError, KeyError, TypeError, RecursionError) as error:
            # KeyError: a token without a key id. RecursionError: JSON a mile deep.
            _log.info("A token was refused: %s: %s", type(error).__name__, error)
            raise unauthorized("The token is not valid here.", invalid=True) from error
        if not isinstance(identity.claims.get("exp"), int | float):
            raise unauthorized("The token is not valid here.", invalid=True)
        return identity.claims

    def _check_caller(self, claims: Mapping[str, Any]) -> None:
        if _from_channel(claims):
            return
        caller = claims.get("azp" if claims.get("ver") == "2.0" else "appid")
        if "scp" in claims:  # a person's token, which any web page they signed in to may hold
            caller = None
        if not isinstance(caller, str) or caller.lower() not in self._callers:
            raise HttpProblem(
                403,
                "caller_not_allowed",
                "The token is that of an application this bot does not know: name its app id in "
                "RECADO_ALLOWED_CALLERS if it may speak to the bot.",
            )

    async def _endorsed(self, identity: ClaimsIdentity) -> frozenset[str]:
        """Channels that a valid token's key signs for; none when its issuer does not say."""
        url = _KEYS[str(identity.claims["iss"]).lower()]
        key_id = str(get_unverified_header(identity.security_token or "")["kid"])
        now = self._clock.now()
        known, until = self._endorsements.get(url, ({}, now))
        if key_id not in known or until <= now:
            try:
                published = await asyncio.to_thread(PyJWKClient(url).fetch_data)
            except PyJWKClientConnectionError as error:
                if key_id not in known:
                    raise _no_keys() from error
            else:
                known = {
                    str(key.get("kid")): frozenset(key.get("endorsements") or ())
                    for key in published["keys"]
                }
                self._endorsements[url] = (known, now + _KEEP_KEYS)
        return known.get(key_id, frozenset())


def _keep_until(claims: Mapping[str, Any], now: datetime) -> datetime:
    left = float(claims["exp"]) - now.timestamp()
    return now + timedelta(seconds=min(_KEEP_TOKEN, max(left, 0)))


def _from_channel(claims: Mapping[str, Any]) -> bool:
    return str(claims.get("iss")).lower() in _KEYS


def _same(url: str) -> tuple[str, str, str]:
    """A service URL to compare: without regard to a final slash or the host's case."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ("", "", url)
    return (parts.scheme, parts.netloc.lower(), parts.path.rstrip("/"))


def _no_keys() -> HttpProblem:
    return HttpProblem(
        503,
        "signing_keys_unavailable",
        "The keys that channels sign with cannot be fetched now, so no token can be checked.",
        headers={"retry-after": "5"},
    )

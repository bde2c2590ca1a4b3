"""Who may use the API: programs that carry a key."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import Annotated

from fastapi import Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from recado.config import Settings
from recado.web.problems import HttpProblem

_bearer = HTTPBearer(auto_error=False, description="One of RECADO_API_KEYS.")

#: Query parameters in which people have put keys. URLs end up in logs, histories and referrers.
_KEYS_IN_URL = frozenset({"key", "code", "apikey", "api_key", "access_token", "token"})


@dataclass(frozen=True, slots=True)
class Caller:
    """A program that may use the API.

    Attributes:
        scope: separates its idempotency keys from those of others.
    """

    scope: str


class KeyCheck:
    """A dependency of routes: lets a request pass that carries an API key.

    Without any configured key requests pass only while nothing is at stake: in demo mode, or on
    loopback without credentials.

    Args:
        settings: has the keys.
        open_in_demo: whether demo mode lets requests pass even when keys are configured.
    """

    def __init__(self, settings: Settings, *, open_in_demo: bool = False) -> None:
        keys = [key.get_secret_value().encode() for key in settings.api_keys]
        self._scopes = {key: f"key:{hashlib.sha256(key).hexdigest()[:16]}" for key in keys}
        harmless = not settings.exposed and (settings.demo or settings.credentials is None)
        self._open = (harmless and not keys) or (open_in_demo and settings.demo)

    async def __call__(
        self,
        request: Request,
        given: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)] = None,
    ) -> Caller:
        """The caller of *request*.

        Raises:
            HttpProblem: there is no key, a wrong one, or one in the URL.
        """
        misplaced = _KEYS_IN_URL.intersection(name.lower() for name in request.query_params)
        if misplaced:
            raise HttpProblem(
                400,
                "key_in_url",
                f"A key does not belong into a URL, where logs keep it ({min(misplaced)}): send it "
                "as Authorization: Bearer <key>, and replace it if it was real.",
            )
        if self._open:
            return Caller("")
        if not self._scopes:
            raise HttpProblem(
                403,
                "keys_not_configured",
                "This server has no API keys yet, so nobody may do this: set RECADO_API_KEYS.",
            )
        if given is None:
            raise unauthorized("Send one of RECADO_API_KEYS as Authorization: Bearer <key>.")
        scope = self._find(given.credentials)
        if scope is None:
            raise unauthorized("The API key is not known here.", invalid=True)
        return Caller(scope)

    def _find(self, given: str) -> str | None:
        """The scope of a key, found in a time that tells nothing about the keys there are."""
        found = None
        for key, scope in self._scopes.items():
            if hmac.compare_digest(key, given.encode("utf-8", "replace")):
                found = scope
        return found


def unauthorized(detail: str, *, invalid: bool = False) -> HttpProblem:
    """The problem of a missing or invalid credential."""
    error = ', error="invalid_token"' if invalid else ""
    return HttpProblem(
        401,
        "unauthorized",
        detail,
        headers={"www-authenticate": f'Bearer realm="recado"{error}'},
    )

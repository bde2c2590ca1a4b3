"""Direct Line tokens: who may read and write which conversation, until when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, cast

import jwt

from recado.channel.local.history import HistoryStore
from recado.channel.local.refusal import Refusal
from recado.clock import Clock

#: How long a token is valid (protocol §6.2).
TOKEN_LIFETIME = timedelta(seconds=1800)
#: Within this time a stream must be connected to (protocol §6.2).
STREAM_LIFETIME = timedelta(seconds=60)

Purpose = Literal["token", "stream"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What a token says."""

    conversation_id: str
    #: The only person its bearer may speak as; None when it names nobody.
    user_id: str | None = None
    user_name: str | None = None

    def person(self) -> dict[str, Any] | None:
        """The person's ChannelAccount."""
        if self.user_id is None:
            return None
        name = {"name": self.user_name} if self.user_name else {}
        return {"id": self.user_id, **name, "role": "user"}


class Tokens:
    """Issues and verifies tokens, signed with a secret that the store keeps."""

    def __init__(self, store: HistoryStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._secret: str | None = None

    async def issue(self, claims: Claims, purpose: Purpose = "token") -> str:
        """A token that says *claims*.

        Args:
            claims: what it says.
            purpose: ``token`` for requests, ``stream`` for connecting to a stream, where the
                token is part of the address and may be seen in logs.
        """
        lifetime = TOKEN_LIFETIME if purpose == "token" else STREAM_LIFETIME
        payload = {
            "aud": purpose,
            "exp": int((self._clock.now() + lifetime).timestamp()),
            "conv": claims.conversation_id,
            "user": claims.user_id,
            "name": claims.user_name,
        }
        return jwt.encode(payload, await self._key(), algorithm="HS256")

    async def verify(
        self, token: str, purpose: Purpose = "token", *, expired_too: bool = False
    ) -> Claims:
        """What a token says.

        Raises:
            Refusal: 401 ``Unauthorized`` if it is not one of ours, 403 ``TokenExpired``.
        """
        try:
            said = jwt.decode(
                token,
                await self._key(),
                algorithms=["HS256"],
                audience=purpose,
                # Expiry is compared with our own clock, below.
                options={"verify_exp": False, "require": ["exp", "aud"]},
            )
        except jwt.InvalidTokenError as error:
            raise Refusal(401, "Unauthorized", "The token is not one of this server's.") from error
        expires = datetime.fromtimestamp(said["exp"], tz=self._clock.now().tzinfo)
        if not expired_too and self._clock.now() >= expires:
            raise Refusal(403, "TokenExpired", "The token has expired: ask for a new one.")
        return Claims(
            conversation_id=cast("str", said["conv"]),
            user_id=said.get("user"),
            user_name=said.get("name"),
        )

    async def _key(self) -> bytes:
        if self._secret is None:
            self._secret = await self._store.secret("directline")
        return bytes.fromhex(self._secret)

"""Records of the SDK's ``Proactive``, which keeps references in the bot's storage.

What it keeps becomes known to Recado, and what Recado knows is found by it, in its own shape:
claims and a ConversationReference under ``proactive/conversations/{id}``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Final

from recado.domain.importing import (
    PROACTIVE,
    Format,
    Refused,
    read_reference,
    record_of,
    write_reference,
)
from recado.domain.reference import LOCAL_BOT, Presence
from recado.errors import ForbiddenServiceUrl
from recado.store.port import Kept, Put, Store

_log = logging.getLogger("recado.bot")

#: Kept where the SDK deleted a conversation that Recado may know.
_DELETED: Final = None


class ProactiveRecords:
    """Stands between the SDK's records and Recado's references.

    Args:
        store: where references are.
        check_service_url: raises ForbiddenServiceUrl.
        bot: whose they are.
    """

    def __init__(self, store: Store, check_service_url: Callable[[str], None], *, bot: str) -> None:
        self._store = store
        self._check = check_service_url
        self._bot = bot

    async def learn(self, put: Put) -> None:
        """Let Recado know of a conversation that the SDK is about to keep.

        It can be named then. No activity proves that anybody was heard there, so unless Recado has
        heard it, it is part of no broadcast.
        """
        try:
            told = record_of(put.value, put.key, Format.SDK_PROACTIVE)
            if told is None:
                return
            seen = read_reference(
                told,
                bot=self._bot,
                check_service_url=self._check,
                presence=Presence.UNHEARD,
            )
        except (Refused, ForbiddenServiceUrl) as error:
            _log.warning("The record %r is kept, but not known to Recado: %s", put.key, error)
            return
        await self._store.capture([seen])

    async def find(self, key: str, kept: Kept | None) -> Kept | None:
        """The record the SDK is to find under a key.

        Args:
            key: the SDK's.
            kept: what it has kept there itself.

        Returns:
            Its own record, with the service URL that is right now; else what Recado knows of the
            conversation; None if that is nothing, or if it was deleted.
        """
        if kept is not None and kept.value is _DELETED:
            return None
        known = await self._store.find_conversation(self._bot, key.removeprefix(PROACTIVE))
        if known is None or known.unmade:
            return kept
        if kept is None:
            claims = {} if self._bot == LOCAL_BOT else {"aud": self._bot}
            reference = write_reference(known)
            return Kept({"claims": claims, "conversation_reference": reference}, 0)
        reference = kept.value.get("conversation_reference")
        if not isinstance(reference, Mapping):
            return kept
        moved = {**reference, "serviceUrl": known.service_url}
        return kept._replace(value={**kept.value, "conversation_reference": moved})

    def deleted(self, key: str) -> Put:
        """What is kept when the SDK deletes a record: that Recado's own is not to be found."""
        return Put(key=key, value=_DELETED)

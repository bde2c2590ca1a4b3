"""What channels can do with a message that was sent, as data.

The Connector API has an operation for it everywhere, and says only that "some channels" support
it (protocol §2.1). What is not in this table is tried: a channel that cannot answers 405
(protocol §2.2), and is not asked again for a while.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from recado.domain.notification import Action

#: The name under which our own channel stands here, and its service URL. Its conversations are
#: Direct Line's to bots (a test compares).
LOCAL: Final = "local"
_LOCAL_SERVICE_URL: Final = "https://local.recado.invalid/"

#: How long a channel's 405 is believed; channels learn too.
BELIEVED: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What one channel can do. None means that nobody has written it down: it is tried."""

    edit: bool | None = None
    delete: bool | None = None
    #: Whether a typing activity is shown to people.
    typing: bool | None = None
    #: Where it is written.
    source: str = ""

    def can(self, action: Action) -> bool | None:
        """Whether the channel can do what *action* asks for; None when it has to be tried."""
        match action:
            case Action.SEND:
                return True
            case Action.UPDATE:
                return self.edit
            case Action.RECALL:
                return self.delete


_UNWRITTEN: Final = Capabilities()

#: By base channel. Direct Line clients get activities one after the other and are told of no
#: change (protocol §6.2): an edit that was accepted would be seen by nobody. Mails and text
#: messages have left for good.
CAPABILITIES: Final[Mapping[str, Capabilities]] = {
    LOCAL: Capabilities(edit=True, delete=True, typing=True, source="docs/local-channel.md"),
    "msteams": Capabilities(edit=True, delete=True, typing=True, source="protocol §7.4"),
    "directline": Capabilities(edit=False, delete=False, typing=True, source="protocol §6.2"),
    "webchat": Capabilities(edit=False, delete=False, typing=True, source="protocol §6.2"),
    "email": Capabilities(edit=False, delete=False, typing=False, source="it has left"),
    "sms": Capabilities(edit=False, delete=False, typing=False, source="it has left"),
}


def capability_name(channel: str, service_url: str) -> str:
    """Under which name a conversation's channel stands in the table, and is learned about."""
    return LOCAL if service_url == _LOCAL_SERVICE_URL else channel


def capabilities_of(name: str) -> Capabilities:
    """What is written about the channel with that :func:`capability_name`."""
    return CAPABILITIES.get(name, _UNWRITTEN)

"""Values filled in: a test mentions only what it is about."""

from __future__ import annotations

from typing import Any

from recado.domain.audience import Audience, EveryConversation
from recado.domain.content import content_of
from recado.domain.ids import new_id
from recado.domain.notification import Notification
from recado.domain.reference import ConversationKey, Member, Sighting
from recado.testing.clock import START


def make_sighting(conversation_id: str = "a:1", **changes: Any) -> Sighting:
    """A sighting of a private Teams chat with Ana, but for what *changes* says.

    Fields of the key (``bot``, ``channel``) are given like any other.
    """
    key = ConversationKey(
        bot=changes.pop("bot", "local"),
        channel=changes.pop("channel", "msteams"),
        conversation_id=conversation_id,
    )
    told: dict[str, Any] = {
        "service_url": "https://smba.trafficmanager.net/emea/",
        "at": START,
        "tenant_id": "tenant-1",
        "conversation_type": "personal",
        "is_group": False,
        "agent": {"id": "28:bot", "name": "Bot"},
        "members": (Member(user_id="29:ana", name="Ana"),),
        "raw": {"conversation": {"id": conversation_id}},
    }
    return Sighting(key=key, **(told | changes))


def make_notification(text: str = "hello", **changes: Any) -> Notification:
    """A notification due now, to every conversation, but for what *changes* says."""
    audience: Audience = EveryConversation()
    told: dict[str, Any] = {
        "id": new_id(),
        "bot": "local",
        "audience": audience,
        "content": None if changes.get("turn") else content_of(text),
        "turn": None,
        "accepted_at": START,
        "due_at": changes.get("accepted_at", START),
    }
    return Notification(**(told | changes))

"""What recipients have set: their zone and their hours."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from recado.domain.audience import Single
from recado.domain.recipient import Change, Preferences


class RecipientStore(Protocol):
    """What recipients have set: their zone and their hours.

    A person is the same by any of their names: channel user id, directory object id or e-mail
    (compared without case), as far as these are known to be one. A conversation is named by its
    reference's id. In a private chat what is set for the conversation comes before what its
    person has set; in a group only the former counts.
    """

    async def preferences(self, bot: str, who: Single) -> Preferences:
        """What *who* has set; of a private chat what its person has, too."""

    async def prefer(self, bot: str, who: Single, change: Change, now: datetime) -> Preferences:
        """Change what *who* has set. What is held for their hours is looked at again.

        Returns:
            What they have set now.
        """

    async def told_zone(self, bot: str, who: Single) -> str | None:
        """The name of the zone that activities have told last; None if none has."""

"""Published paces of channels, as data. What is not here has no published figures.

A figure is what the channel's owner documents, or the best known where it documents none; the
source says which (protocol §4). A channel that is not listed is unlimited until it answers 429.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Final

from recado.domain.pace import Operation, Profile

_TEAMS: Final = "7/1s 8/2s 60/30s 1800/1h"

#: By base channel.
PUBLISHED: Final[Mapping[str, Profile]] = MappingProxyType(
    {
        "msteams": Profile(
            source="learn.microsoft.com: Optimize your bot with rate limiting in Teams (documented)"
        ).changed(
            {
                "send": _TEAMS,
                "create": _TEAMS,
                "roster": "14/1s 16/2s 120/30s 3600/1h",
                "tenant": "50/1s",
            }
        ),
        # A workspace-wide cap exists too, without a figure.
        "slack": Profile(
            source="docs.slack.dev/apis/web-api/rate-limits (documented, approximate)"
        ).changed({"send": "1/1s"}),
        "telegram": Profile(source="core.telegram.org/bots/faq (documented, approximate)").changed(
            {"send": "1/1s", "group": "1/1s 20/1m", "tenant": "30/1s"}
        ),
        # Of a Page; what depends on its number of engaged users cannot be known here.
        "facebook": Profile(
            source="developers.facebook.com: Messenger Platform, Rate Limiting (documented)"
        ).changed({"tenant": "300/1s"}),
        "line": Profile(
            source="developers.line.biz: Messaging API reference, Rate limits (documented)"
        ).changed({"tenant": "2000/1s"}),
        # No channel of Azure Bot Service: it is reached through an adapter that calls it so.
        "whatsapp": Profile(
            source="developers.facebook.com: WhatsApp, Throughput (documented default)"
        ).changed({"tenant": "80/1s"}),
        # Of an Office 365 mailbox, which is what the channel sends through.
        "email": Profile(source="universities' pages on Exchange Online limits (reported)").changed(
            {"tenant": "30/1m 10000/1d"}
        ),
    }
)


def profiles(
    overrides: Mapping[str, Mapping[str, str | None] | None] | None = None,
) -> Mapping[str, Profile]:
    """The profiles to keep to: the published ones, but for what is overridden.

    Args:
        overrides: by base channel: None for no limit at all, or windows in the short form by
            part (:data:`recado.domain.pace.PARTS`), None for no limit of that part. Parts that
            are not named stay as published.

    Raises:
        ValueError: a part is unknown, or windows are malformed.
    """
    found = dict(PUBLISHED)
    for channel, parts in (overrides or {}).items():
        if parts is None:
            found.pop(channel, None)
        else:
            found[channel] = found.get(channel, Profile()).changed(parts)
    return found


def longest_window(profiles: Mapping[str, Profile]) -> timedelta:
    """How far back requests have to be remembered."""
    windows = (
        window
        for profile in profiles.values()
        for part in (*map(profile.all_windows, Operation), profile.tenant)
        for window in part
    )
    return timedelta(seconds=max((window.seconds for window in windows), default=0.0))

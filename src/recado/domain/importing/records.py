"""Records: the shapes in which programs keep a ConversationReference.

- the Agents SDK's ``Proactive`` of Python, JavaScript and .NET: a reference and claims, under
  ``proactive/conversations/{id}``, as its storages write it or Cosmos DB wraps it;
- TeamsFx' ``.notification.localstore.json``: references under ``_{tenant}_{conversation}``;
- references themselves, bare or in a field of their own, as samples and bots keep them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

#: Keys under which the SDK's ``Proactive`` keeps its records.
PROACTIVE: Final = "proactive/conversations/"


class Format(StrEnum):
    """What a file holds."""

    AUTO = "auto"
    SDK_PROACTIVE = "sdk-proactive"
    TEAMSFX = "teamsfx"
    REFERENCES = "references"


class Refused(Exception):  # noqa: N818 - it says why
    """An entry cannot be imported; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A ConversationReference, and what is kept with it."""

    #: With the names of the protocol; see :func:`plain`.
    reference: Mapping[str, Any]
    #: Of the token with which the conversation was heard; only the SDK keeps it.
    claims: Mapping[str, Any]


#: The protocol's names of what a reference and its accounts consist of.
_NAMES: Final = {
    name.casefold(): name
    for name in (
        "activityId",
        "user",
        "bot",
        "conversation",
        "channelId",
        "serviceUrl",
        "locale",
        "id",
        "name",
        "aadObjectId",
        "role",
        "tenantId",
        "email",
        "userPrincipalName",
        "isGroup",
        "conversationType",
    )
} | {"agent": "bot"}

#: Fields in which a reference stands with something else.
_WRAPPED: Final = frozenset({"conversationreference", "reference"})

#: With one of these as its first key, an object is one entry.
_FIRST: Final = frozenset(
    {"activityid", "user", "bot", "agent", "conversation", "channelid", "serviceurl", "locale"}
    | {"claims", "spancontext", "etag", "$type", "$typeassembly", "py/object", "realid"}
    | {"deliverymode", "requestid", "document", "id"}
    | _WRAPPED
)


def is_field(key: str) -> bool:
    """Whether *key* is a field of a record, and not the key of one."""
    return _folded(key) in _FIRST


def record_of(value: Any, key: str | None, form: Format) -> Record | None:
    """What an entry holds; None if it is something else that a bot keeps.

    Args:
        value: the entry.
        key: under which it stood.
        form: what is expected.

    Raises:
        Refused: it is not what is expected, or holds no reference.
    """
    value, key = _unwrapped(value, key)
    if not isinstance(value, Mapping):
        raise Refused("it is no object")
    fields = {_folded(name): each for name, each in value.items()}
    inner = next((fields[name] for name in _WRAPPED if isinstance(fields.get(name), Mapping)), None)
    if form is Format.SDK_PROACTIVE:
        if key is not None and not key.startswith(PROACTIVE):
            return None
        if inner is None or "claims" not in fields:
            raise Refused("it is no record of the SDK's Proactive: it needs a reference and claims")
    if form is Format.TEAMSFX and not (key or "").startswith("_"):
        raise Refused("its key is not of the form that TeamsFx writes: _tenant_conversation")
    if inner is None and "conversation" not in fields:
        raise Refused("it has no conversation, so it is no reference")
    claims = fields.get("claims")
    return Record(
        reference=plain(value if inner is None else inner),
        claims=claims if isinstance(claims, Mapping) else {},
    )


def plain(told: Mapping[str, Any]) -> dict[str, Any]:
    """A reference as the protocol writes it, whatever the SDK or language it comes from.

    Fields the protocol does not know stay as they are; those without a value are left out.
    """
    return {
        _name(name): _plain_account(value) if isinstance(value, Mapping) else value
        for name, value in told.items()
        if value is not None and not name.startswith("py/")
    }


def _plain_account(told: Mapping[str, Any]) -> dict[str, Any]:
    return {
        _name(name): value
        for name, value in told.items()
        if value is not None and not name.startswith("py/")
    }


def _unwrapped(value: Any, key: str | None) -> tuple[Any, str | None]:
    """What is in the wrapping of a storage."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return value, key
    if isinstance(value, Mapping) and isinstance(value.get("document"), Mapping):
        kept_under = value.get("realId")
        return value["document"], kept_under if isinstance(kept_under, str) else key
    return value, key


def _name(name: str) -> str:
    return _NAMES.get(_folded(name), name)


def _folded(name: str) -> str:
    return name.replace("_", "").casefold()

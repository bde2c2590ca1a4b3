"""The request of a plain delivery: content that was written once, and the address it goes to."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal

from recado.channel.port import Post
from recado.domain.changing import cannot
from recado.domain.notification import Action, Otherwise
from recado.store.port import Claim


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a change is not asked for.

    Attributes:
        reason: a reason code.
        told: what stands against it, in words.
    """

    reason: str
    told: str


def post_of(claim: Claim, *, can_change: bool) -> Post | Refusal:
    """What is asked of the channel.

    Args:
        claim: a plain delivery.
        can_change: whether the channel may be able to do what a change asks for.

    Raises:
        ValueError: what is stored of it cannot be read.
    """
    if claim.target is None:
        return _post(claim, "POST")
    if can_change and claim.activity_id is not None:
        return _post(claim, "DELETE" if claim.action is Action.RECALL else "PUT")
    if claim.otherwise is Otherwise.FOLLOW_UP:
        return _post(claim, "POST")
    told = (
        "The channel has given no id that names just this message."
        if can_change
        else f"The channel {claim.channel} does not support it."
    )
    return Refusal(cannot(claim.action), told)


def _post(claim: Claim, method: Literal["POST", "PUT", "DELETE"]) -> Post:
    return Post(
        bot=claim.bot,
        channel=claim.channel,
        service_url=claim.service_url,
        conversation_id=claim.conversation_id,
        body=None if method == "DELETE" else body_of(claim),
        method=method,
        activity_id=None if method == "POST" else claim.activity_id,
        key=claim.delivery_id,
    )


def body_of(claim: Claim) -> bytes:
    """The activity as it goes out.

    Content and address are both stored as JSON objects without a key in common, so that putting
    them together needs no parsing: ``{"text":"x"}`` and ``{"from":…}`` are joined at the braces.
    """
    content = claim.content or "{}"
    address = claim.address
    if claim.user is not None:
        addressed = json.loads(address) | {"recipient": json.loads(claim.user)}
        address = json.dumps(addressed, separators=(",", ":"))
    comma = "" if "{}" in (content, address) else ","
    return f"{content[:-1]}{comma}{address[1:]}".encode()

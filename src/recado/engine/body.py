"""The bytes of a plain delivery: content that was written once, and the address it goes to."""

from __future__ import annotations

import json

from recado.store.port import Claim


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

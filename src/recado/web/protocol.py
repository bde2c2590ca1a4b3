"""What Direct Line and Connector routes share: reading bodies, writing errors."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse

from recado.channel.local import Refusal, parse_object
from recado.errors import StoreError

#: Bytes read of a body before it is refused; an activity of the largest size fits in any coding.
_MAX_BODY = 1_600_000


async def read_body(request: Request, limit: int = _MAX_BODY) -> bytes:
    """The body, as long as it has at most *limit* bytes.

    Raises:
        Refusal: 413 ``MessageSizeTooBig``; what is over the limit is not kept.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise Refusal(413, "MessageSizeTooBig", f"The body has more than {limit:,} bytes.")
    return bytes(body)


async def read_object(request: Request) -> dict[str, Any]:
    """The body as a JSON object; an empty body is an empty one.

    Raises:
        Refusal: 400 ``BadSyntax``, 413 ``MessageSizeTooBig``.
    """
    body = await read_body(request)
    return parse_object(body) if body.strip() else {}


def error_response(error: Refusal | StoreError) -> JSONResponse:
    """The protocol's error body (protocol §2.2)."""
    status, code = (
        (error.status, error.error) if isinstance(error, Refusal) else (503, "ServiceError")
    )
    return JSONResponse({"error": {"code": code, "message": str(error)}}, status_code=status)

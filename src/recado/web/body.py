"""Request bodies: JSON read strictly, before anything else sees it."""

from __future__ import annotations

import json
from typing import Any

from pydantic_core import from_json
from starlette.requests import Request

from recado.web.problems import HttpProblem


def media_type(request: Request) -> str:
    """The content type without its parameters, in lower case; "" when there is none."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def is_json(request: Request) -> bool:
    """Whether the body says it is JSON."""
    kind = media_type(request)
    return kind == "application/json" or (
        kind.startswith("application/") and kind.endswith("+json")
    )


async def read_json(request: Request) -> Any:
    """The request's JSON body.

    Raises:
        HttpProblem: it is not JSON, or holds what JSON cannot (NaN, half characters, numbers no
            reader can hold).
    """
    if not is_json(request):
        raise HttpProblem(
            415,
            "unsupported_media_type",
            f"The content type is {media_type(request) or 'missing'}: send application/json.",
        )
    try:
        body = (await request.body()).removeprefix(b"\xef\xbb\xbf")
        # Not json.loads: it takes NaN and half surrogate pairs, and recurses without a limit.
        read = from_json(body, allow_inf_nan=False)
        json.dumps(read, allow_nan=False)  # 1e999 is read as infinity
    except ValueError as error:
        raise HttpProblem(400, "malformed_json", f"The body is not valid JSON: {error}.") from None
    return read


async def read_json_object(request: Request) -> dict[str, Any]:
    """The request's JSON body, which is an object.

    Raises:
        HttpProblem: as :func:`read_json`, or the body is another JSON value.
    """
    read = await read_json(request)
    if not isinstance(read, dict):
        raise HttpProblem(422, "invalid_input", "The body is JSON, but not an object: send {…}.")
    return read

"""Uploads: files a client sends become attachments that carry their data themselves."""

from __future__ import annotations

import base64
from email.message import EmailMessage, Message
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any, cast

from recado.channel.local import Refusal, parse_object

#: Bytes of one upload, the activity included. Files lie in the history: they are kept small.
MAX_UPLOAD = 1_000_000
#: Characters of JSON the activity then may have: base64 and some room.
UPLOAD_CHARACTERS = 1_600_000

_ACTIVITY = "application/vnd.microsoft.activity"


def read_upload(body: bytes, *, content_type: str, disposition: str) -> dict[str, Any]:
    """The activity an upload stands for.

    Args:
        body: one file, or multipart with a part of the activity's type and parts that are files
            (protocol §6.1, §6.3).
        content_type: header of the request.
        disposition: header of the request; names a single file.

    Raises:
        Refusal: 400, the body is not what its headers say.
    """
    head = f"Content-Type: {content_type}\r\n"
    if disposition:
        head += f"Content-Disposition: {disposition}\r\n"
    # The parts of a multipart body are those of a mail, so the mail parser reads it.
    message = BytesParser(EmailMessage, policy=HTTP).parsebytes(
        head.encode("latin-1", "replace") + b"\r\n" + body
    )
    activity: dict[str, Any] = {"type": "message"}
    attachments: list[dict[str, str]] = []
    for part in message.iter_parts() if message.is_multipart() else [message]:
        content = cast("bytes", part.get_payload(decode=True) or b"")
        if part.get_content_type() == _ACTIVITY:
            activity = parse_object(content)
        else:
            attachments.append(_attachment(part, content))
    if not attachments:
        raise Refusal(400, "BadArgument", "The upload holds no file.")
    return {**activity, "attachments": attachments}


def _attachment(part: Message, content: bytes) -> dict[str, str]:
    kind = part.get_content_type()
    data = base64.b64encode(content).decode()
    attachment = {"contentType": kind, "contentUrl": f"data:{kind};base64,{data}"}
    if name := part.get_filename():
        attachment["name"] = name
    return attachment

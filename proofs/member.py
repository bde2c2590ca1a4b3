"""A process of a proof that delivers and replies, as one that hosts a bot does.

Run as ``python -m proofs.member <settings>``; it ends when it is killed. It writes a line of JSON
for each of its replies: how long that took, in seconds, and what the channel answered.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from typing import Any

from recado.app import Recado
from recado.channel.port import Post
from recado.config import Settings
from recado.domain.ids import new_id


async def _reply(recado: Recado, url: str, conversation: str, tenant: str) -> None:
    body = {
        "type": "message",
        "text": f"reply {new_id()}",
        "conversation": {"id": conversation, "tenantId": tenant},
    }
    post = Post(
        bot="local",
        channel="msteams",
        service_url=url,
        conversation_id=conversation,
        body=json.dumps(body).encode(),
        urgent=True,
    )
    begun = time.monotonic()
    # The way that everything goes which a bot says in its turns.
    answer = await recado.bridge._channel.send(post)  # noqa: SLF001 - sends a reply as a turn would, without the SDK's turn
    print(json.dumps([time.monotonic() - begun, answer.status]), flush=True)


async def run(told: dict[str, Any]) -> None:
    """Deliver, and reply to people at random."""
    rng = random.Random()
    replies: set[asyncio.Task[None]] = set()
    async with Recado(Settings(database_url=told["database"])) as recado:
        while True:
            await asyncio.sleep(rng.expovariate(told["replies"]) if told["replies"] else 3600)
            conversation, tenant = rng.choice(told["people"])
            task = asyncio.create_task(_reply(recado, told["url"], conversation, tenant))
            replies.add(task)
            task.add_done_callback(replies.discard)


if __name__ == "__main__":
    asyncio.run(run(json.loads(sys.argv[1])))

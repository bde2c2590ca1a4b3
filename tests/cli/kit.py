"""What tests of the command line share: how a command ended, a database, local conversations."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar

from recado.app import Recado
from recado.channel.local import CHANNEL, LOCAL_SERVICE_URL
from recado.config import Settings
from recado.database_url import SqliteFile, read_database_url
from recado.domain.reference import Member, Sighting
from recado.testing import make_sighting

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on stdout."""
        return json.loads(self.out)

    @property
    def problem(self) -> Any:
        """The one problem on stderr."""
        return json.loads(self.err)


class Run(Protocol):
    """Runs one command line in this process."""

    def __call__(self, *words: str) -> Ended: ...


class Database:
    """A database, and what a test puts into it."""

    def __init__(self, url: str) -> None:
        self.url = url

    @property
    def path(self) -> Path:
        """The file of one that is a file."""
        database = read_database_url(self.url)
        assert isinstance(database, SqliteFile)
        assert database.path is not None
        return database.path

    def do(self, work: Callable[[Recado], Awaitable[T]]) -> T:
        """Run *work* with Recado on this database, which delivers nothing."""

        async def opened() -> T:
            recado = Recado(Settings(database_url=self.url))
            await recado.open()
            try:
                return await work(recado)
            finally:
                await recado.stop()

        return asyncio.run(opened())

    def remember(self, *sightings: Sighting) -> list[str]:
        """Make conversations known; their references' ids."""

        async def work(recado: Recado) -> list[str]:
            ids = []
            for sighting in sightings:
                await recado.references.remember(sighting)
                if sighting.key.channel == CHANNEL:
                    await recado.store.local_start(sighting.key.conversation_id, None)
                found = await recado.store.reference_by_key(sighting.key)
                assert found is not None
                ids.append(found.id)
            return ids

        return self.do(work)

    def said(self, conversation_id: str) -> list[str]:
        """What a local conversation shows."""

        async def work(recado: Recado) -> list[str]:
            history = await recado.store.local_history(conversation_id, after=0)
            return [activity["text"] for _, activity in history]

        return self.do(work)


def local(conversation_id: str, user: str) -> Sighting:
    """A conversation of the local channel, where deliveries arrive without a network."""
    return make_sighting(
        conversation_id,
        channel=CHANNEL,
        service_url=LOCAL_SERVICE_URL,
        at=datetime.now(UTC),
        tenant_id=None,
        conversation_type=None,
        members=(Member(user_id=user, name=user.title()),),
    )

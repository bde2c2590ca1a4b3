"""What Recado's senders have in common: the whole library, put together as users do."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar, Final

from benchmarks.load import AGENT, CHANNEL, TENANT, Load, conversation_id, user_id
from benchmarks.sender import Sender
from recado.app import Recado
from recado.config import Settings
from recado.domain.delivery import State
from recado.domain.reference import LOCAL_BOT, ConversationKey, Member, Sighting
from recado.store.port import DeliveryFilter
from recado.telemetry import AttemptEnded, Event

_STEP: Final = 500


class RecadoSender(Sender):
    """Recado on a SQLite file, from acceptance to settlement."""

    packages: ClassVar[tuple[str, ...]] = ("recado", "pyreqwest")
    durable = True
    #: Where the conversations are.
    channel: ClassVar[str] = CHANNEL
    #: Over how many tenants they are spread.
    tenants: ClassVar[int] = 1

    def __init__(self, load: Load) -> None:
        super().__init__(load)
        # Without credentials nobody is asked for a token and loopback may be posted to.
        self.database = Path(load.directory).resolve() / "recado.db"
        self._settings = Settings(
            database_url=self.database_url(),
            connections=64,
            ca_file=Path(load.ca) if load.ca else None,
        )
        self.recado = Recado(self._settings)
        self.recado.telemetry.subscribe(self._count)
        self.delivered = 0
        self._goal = 0
        self._reached = asyncio.Event()

    def database_url(self) -> str:
        """Where this run keeps everything."""
        return f"sqlite:///{self.database}"

    def _count(self, event: Event) -> None:
        """Hear of an attempt that was settled: that is told after its commit."""
        if isinstance(event, AttemptEnded) and event.state == State.DELIVERED:
            self.delivered += 1
            if self.delivered == self._goal:
                self._reached.set()

    async def open(self) -> None:
        await self.recado.start()

    async def learn(self, numbers: range) -> None:
        for start in range(numbers.start, numbers.stop, _STEP):
            part = range(start, min(start + _STEP, numbers.stop))
            await self.recado.store.capture([self._sighting(number) for number in part])

    def expect(self, count: int) -> None:
        """So many more deliveries are to be settled."""
        self._goal += count

    async def settled(self) -> None:
        if self.delivered < self._goal:
            self._reached.clear()
            await self._reached.wait()

    async def close(self) -> None:
        await self.recado.stop()

    async def recorded(self) -> int:
        """Read anew from the database what was delivered."""
        again = Recado(self._settings)
        await again.open()
        try:
            wanted = DeliveryFilter(state=State.DELIVERED)
            found: set[str] = set()
            after = None
            while True:
                page = await again.outbox.deliveries(wanted, after=after, limit=1000)
                found |= {each.id for each in page.items}
                after = page.next
                if after is None:
                    return len(found)
        finally:
            await again.stop()

    def _sighting(self, number: int) -> Sighting:
        name = conversation_id(number)
        tenant = f"{TENANT[:-4]}{number % self.tenants:04x}"
        person = Member(user_id=user_id(number), name="Ana")
        return Sighting(
            key=ConversationKey(bot=LOCAL_BOT, channel=self.channel, conversation_id=name),
            service_url=self.load.service_url,
            at=datetime.now(UTC),
            tenant_id=tenant,
            conversation_type="personal",
            is_group=False,
            agent=AGENT,
            members=(person,),
            raw={
                "channelId": self.channel,
                "serviceUrl": self.load.service_url,
                "conversation": {"id": name, "conversationType": "personal", "tenantId": tenant},
                "bot": AGENT,
                "user": person.account(),
            },
        )

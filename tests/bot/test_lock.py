"""The turn lock: proactive turns have a conversation alone, people's turns share it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from recado.bot.lock import TurnLock
from recado.testing import HandClock


class Turn:
    """A turn that enters, tells so, and stays until it is let go."""

    def __init__(self, lock: TurnLock, *, alone: bool, conversation: str = "c") -> None:
        self.inside = asyncio.Event()
        self.go = asyncio.Event()
        self.task = asyncio.create_task(self._run(lock, conversation, alone=alone))

    async def _run(self, lock: TurnLock, conversation: str, *, alone: bool) -> None:
        async with lock.hold(conversation, alone=alone):
            self.inside.set()
            await self.go.wait()

    async def leave(self) -> None:
        """End it."""
        self.go.set()
        await self.task


@pytest.fixture
def clock() -> HandClock:
    """The time."""
    return HandClock()


@pytest.fixture
async def lock(clock: HandClock) -> AsyncIterator[TurnLock]:
    """A lock which is empty afterwards."""
    made = TurnLock(clock)
    yield made
    assert made._rooms == {}  # noqa: SLF001 - memory it kept would show nowhere else


@asynccontextmanager
async def blocked(turn: Turn) -> AsyncIterator[None]:
    """*turn* is not inside until the block has been left."""
    for _ in range(10):
        await asyncio.sleep(0)
    assert not turn.inside.is_set()
    yield
    await turn.inside.wait()


async def test_inbound_turns_share(lock: TurnLock) -> None:
    """A slow answer does not delay the next question."""
    turns = [Turn(lock, alone=False) for _ in range(3)]
    for turn in turns:
        await turn.inside.wait()
    for turn in turns:
        await turn.leave()


async def test_conversations_do_not_share(lock: TurnLock) -> None:
    """Proactive turns of different conversations run at once."""
    turns = [Turn(lock, alone=True, conversation=name) for name in "ab"]
    for turn in turns:
        await turn.inside.wait()
    for turn in turns:
        await turn.leave()


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("second", [True, False])
async def test_a_proactive_turn_is_alone(lock: TurnLock, *, first: bool, second: bool) -> None:
    """It waits for others to end, and others wait for it."""
    one = Turn(lock, alone=first)
    await one.inside.wait()
    other = Turn(lock, alone=second)
    if first or second:
        async with blocked(other):
            await one.leave()
    else:
        await other.inside.wait()
        await one.leave()
    await other.leave()


@pytest.mark.parametrize("alone", [True, False])
async def test_patience_is_limited(
    lock: TurnLock, clock: HandClock, caplog: pytest.LogCaptureFixture, *, alone: bool
) -> None:
    """After five seconds a turn runs beside the other, and the log says so."""
    one = Turn(lock, alone=not alone)
    await one.inside.wait()
    two = Turn(lock, alone=alone)
    async with blocked(two):
        clock.advance(5)
    assert "now runs beside it" in caplog.text
    three = Turn(lock, alone=True)
    async with blocked(three):
        await two.leave()
        assert not three.inside.is_set()
        await one.leave()
    await three.leave()


async def test_a_waiter_may_be_cancelled(lock: TurnLock) -> None:
    """Whoever gives up waiting leaves nothing behind."""
    one = Turn(lock, alone=True)
    await one.inside.wait()
    two = Turn(lock, alone=False)
    for _ in range(10):
        await asyncio.sleep(0)
    two.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await two.task
    await one.leave()

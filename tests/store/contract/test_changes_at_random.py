"""Updates and a recall in the middle of a broadcast, at random: what everybody sees at the end."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from recado.domain.delivery import Evidence, State
from recado.domain.notification import Action
from recado.store.port import Claim
from tests.store.changes import recall, update
from tests.store.kit import Desk

CONVERSATIONS = 12


class Seen:
    """What people see: the messages of each conversation, by id."""

    def __init__(self, desk: Desk, chance: random.Random) -> None:
        self.desk = desk
        self.chance = chance
        self.messages: dict[int, dict[str, str]] = {}
        self.refused: set[int] = set()

    async def deliver(self, claims: list[Claim], *, kindly: bool = False) -> None:
        """Have the channel take some of these, and refuse others."""
        for claim in claims:
            draw = 0.0 if kindly else self.chance.random()
            if draw < 0.6:
                await self.take(claim)
            elif draw < 0.75:
                soon = self.desk.now + timedelta(seconds=1)
                await self.desk.settle(claim, State.RETRYING, due_at=soon)
            elif draw < 0.9:
                later = self.desk.now + timedelta(seconds=5)
                await self.desk.settle(claim, State.HELD, due_at=later)
            elif claim.target is None:
                self.refused.add(claim.lane)
                await self.desk.settle(claim, State.REJECTED)
            else:
                await self.desk.store.hand_back([claim])

    async def take(self, claim: Claim) -> None:
        here = self.messages.setdefault(claim.lane, {})
        if claim.target is None:
            identity = claim.delivery_id
        else:
            assert claim.activity_id is not None
            identity = claim.activity_id
            assert identity in here
        if claim.target is not None and claim.action is Action.RECALL:
            del here[identity]
        else:
            (here[identity],) = await self.desk.texts([claim])
        await self.desk.settle(claim, evidence=Evidence(status=200, activity_id=identity))


@pytest.mark.parametrize("seed", range(12))
async def test_everybody_ends_up_with_the_newest_words(desk: Desk, seed: int) -> None:
    """Once, wherever the broadcast and its changes had come to; after a recall, with nothing."""
    chance = random.Random(seed)  # noqa: S311 - chance that can be repeated
    lanes = [(await desk.meet(f"a:{number}")).number for number in range(CONVERSATIONS)]
    seen = Seen(desk, chance)
    original = (await desk.accept("version 0")).notification_id
    newest = 0
    for _ in range(40):
        draw = chance.random()
        if draw < 0.1:
            newest += 1
            await update(desk, original, f"version {newest}")
        elif draw < 0.5:
            await desk.store.expand(desk.now, chance.randint(1, 4))
        else:
            await seen.deliver(list(await desk.claim(chance.randint(1, 6))))
        desk.later(chance.random())
        await desk.store.promote(desk.now, 100)
    recalled = seed % 3 == 0
    if recalled:
        await recall(desk, original)
    for _ in range(60):
        await desk.store.expand(desk.now, 5)
        await seen.deliver(list(await desk.claim()), kindly=True)
        await desk.store.promote(desk.later(1), 100)
    for lane in set(lanes) - seen.refused:
        wanted = [] if recalled else [f"version {newest}"]
        assert list(seen.messages.get(lane, {}).values()) == wanted
    for lane in seen.refused:
        assert len(seen.messages.get(lane, {})) == 0
    backlog = await desk.store.backlog()
    assert not any(backlog.waiting.values())

"""Long answers under everything that can happen to them, in any order."""

from __future__ import annotations

import random
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from recado.domain.answer import TRANSITIONS, AnswerState, Promise
from recado.domain.audience import Conversation
from recado.domain.ids import new_id
from recado.domain.notification import Notification
from recado.domain.reference import Reference
from recado.errors import AnswerOver
from recado.store.port import Stint
from recado.testing import make_notification
from tests.store.kit import LEASE, Desk

OWNERS = ("one", "two")


@dataclass
class Game:
    """What has happened so far.

    Attributes:
        desk: the store.
        reference: who waits for all of them.
        states: how they stood last.
        stints: whatever anybody was ever given, current or not.
        said: what was accepted: an answer's messages by number, and its end.
    """

    desk: Desk
    reference: Reference
    states: dict[str, AnswerState] = field(default_factory=dict)
    stints: list[Stint] = field(default_factory=list)
    said: Counter[str] = field(default_factory=Counter)

    def words(self, text: str) -> Notification:
        told = {"audience": Conversation(self.reference.id), "accepted_at": self.desk.now}
        return make_notification(text, **told)

    async def promise(self, rng: random.Random) -> None:
        made = Promise(
            id=new_id(),
            bot="local",
            reference=self.reference.number,
            work="report",
            home=rng.choice([None, None, *OWNERS]),
            payload=None,
            user=None,
            fallback=None,
            promised_at=self.desk.now,
            deadline_at=self.desk.now + timedelta(seconds=rng.choice([20, 200])),
            turn=rng.choice([None, "t"]),
            owner=rng.choice(OWNERS),
        )
        answer, _ = await self.desk.store.promise_answer(made, self.desk.now + LEASE)
        self.states[answer.id] = answer.state

    async def claim(self, rng: random.Random) -> None:
        self.stints += await self.desk.store.claim_works(
            rng.choice(OWNERS),
            ["report"],
            now=self.desk.now,
            lease_until=self.desk.now + LEASE,
            limit=rng.randint(1, 3),
            ended=[each for each in self.states if rng.random() < 0.5],
        )

    async def renew(self, rng: random.Random) -> None:
        owner = rng.choice(OWNERS)
        await self.desk.store.renew_works(owner, list(self.states), self.desk.now + LEASE)

    async def say(self, rng: random.Random) -> None:
        if not self.stints:
            return
        stint = rng.choice(self.stints)
        number = rng.randint(1, 3)
        text = f"{stint.answer.id}/{number}"
        with suppress(AnswerOver):
            words = self.words(text)
            if await self.desk.store.say_answer(stint, number, words, self.desk.now):
                self.said[text] += 1
                assert number == 1 or self.said[f"{stint.answer.id}/{number - 1}"] == 1

    async def end(self, rng: random.Random) -> None:
        if not self.stints:
            return
        stint = rng.choice(self.stints)
        state = rng.choice([AnswerState.DONE, AnswerState.FAILED, AnswerState.APOLOGISED])
        await self._end(stint.answer.id, state, token=stint.token, lapsed=rng.random() < 0.5)

    async def expire(self, rng: random.Random) -> None:
        for answer in await self.desk.store.overdue_answers(self.desk.now, rng.randint(1, 3)):
            await self._end(answer.id, AnswerState.EXPIRED)

    async def recover(self, rng: random.Random) -> None:
        for stint in await self.desk.store.lapsed_works(self.desk.now, rng.randint(1, 3)):
            back = await self.desk.store.hand_back_work(stint, self.desk.now, lapsed=True)
            if not back:
                await self._end(
                    stint.answer.id, AnswerState.APOLOGISED, token=stint.token, lapsed=True
                )

    async def hand_back(self, rng: random.Random) -> None:
        if self.stints:
            stint = rng.choice(self.stints)
            await self.desk.store.hand_back_work(stint, self.desk.now, counted=rng.random() < 0.5)

    async def pass_time(self, rng: random.Random) -> None:
        self.desk.later(rng.choice([1, 10, 40]))

    async def _end(self, answer_id: str, state: AnswerState, **how: object) -> None:
        words = self.words(f"{answer_id}/end")
        ended, accepted = await self.desk.store.end_answer(
            answer_id,
            state,
            self.desk.now,
            notification=words,
            **how,  # type: ignore[arg-type]
        )
        assert ended is (accepted is not None)
        self.said[f"{answer_id}/end"] += ended

    async def look(self) -> None:
        """Every answer has come to where it stands by a step that there is."""
        for answer_id, before in self.states.items():
            found = await self.desk.store.answer(answer_id)
            assert found is not None
            assert found.state is before or found.state in TRANSITIONS[before]
            assert found.over == bool(self.said[f"{answer_id}/end"])
            assert found.sends == sum(self.said[f"{answer_id}/{number}"] for number in (1, 2, 3))
            assert found.attempts >= 0
            self.states[answer_id] = found.state


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_happens(desk: Desk, seed: int) -> None:
    """Each message is accepted once and in order, each answer ends once, and nothing follows."""
    rng = random.Random(seed)  # noqa: S311 - what happens, not cryptography
    game = Game(desk, await desk.meet())
    moves = (
        [game.promise] * 2
        + [game.claim] * 4
        + [game.say] * 6
        + [game.renew, game.end, game.expire, game.recover, game.hand_back]
        + [game.pass_time] * 2
    )
    for _ in range(150):
        await rng.choice(moves)(rng)
        await game.look()
    assert max(game.said.values()) == 1
    assert len(set(game.states.values())) >= 4
    texts = await desk.drain()
    assert sorted(texts) == sorted(text for text, many in game.said.items() if many)

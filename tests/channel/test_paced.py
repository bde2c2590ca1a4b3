from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any, Literal

import pytest

from recado.channel.paced import PacedChannel
from recado.channel.pacing import Pacer, Permit
from recado.channel.port import Call, Post, Reply
from recado.channel.profiles import profiles
from recado.domain.pace import Operation
from recado.domain.policy import Answer
from recado.domain.scope import Scope
from recado.testing import START, FakeChannel, HandClock
from tests.channel.pace_kit import TAKEN, TENANT, refusal, seconds

SERVICE = "https://smba.trafficmanager.net/emea/"


def make_post(conversation_id: str = "a:1", **changes: Any) -> Post:
    """A reply in a conversation of the first tenant."""
    activity = {"type": "message", "conversation": {"id": "a:1", "tenantId": "tenant-1"}}
    told: dict[str, Any] = {"body": json.dumps(activity).encode(), "channel": "msteams"}
    return Post(bot="bot", service_url=SERVICE, conversation_id=conversation_id, **(told | changes))


def make_call(
    method: Literal["GET", "POST", "PUT", "DELETE"], *path: str, body: Any = None
) -> Call:
    """A call on the Connector API."""
    return Call(
        bot="bot",
        channel="msteams",
        service_url=SERVICE,
        method=method,
        path=("v3", *path),
        body=None if body is None else json.dumps(body).encode(),
    )


def make_paced(
    clock: HandClock, parts: dict[str, str | None]
) -> tuple[PacedChannel, FakeChannel, Pacer]:
    """A channel with a pace, what is behind it, and who keeps it."""
    pacer = Pacer(clock, profiles({"msteams": parts}))
    channel = FakeChannel()
    return PacedChannel(channel, pacer), channel, pacer


async def test_what_a_bot_sends_waits_for_its_turn() -> None:
    """Replies, typing, edits and removals count alike; sub-channels are their channel."""
    clock = HandClock()
    paced, channel, _ = make_paced(clock, {"send": "1/1s"})
    posts = [
        make_post(),
        make_post(activity_id="1"),
        make_post(method="PUT", activity_id="1", channel="msteams:COPILOT"),
        make_post(method="DELETE", activity_id="1", body=None),
    ]
    begun: list[float] = []

    async def send(post: Post) -> None:
        await paced.send(post)
        begun.append(seconds(clock.now()))

    tasks = [asyncio.create_task(send(post)) for post in posts]
    await clock.run_until(START + timedelta(seconds=5))
    await asyncio.gather(*tasks)
    assert [each.post for each in channel.sent] == posts
    assert begun == pytest.approx([0, 1, 2, 3], abs=0.01)


async def test_a_channel_without_figures_is_not_waited_for() -> None:
    """However much is sent."""
    paced, channel, _ = make_paced(HandClock(), {})
    for _ in range(100):
        await paced.send(make_post(channel="emulator"))
    assert len(channel.sent) == 100


async def test_a_reply_counts_for_its_tenant() -> None:
    """The tenant stands in the conversation, or in the channel's data."""
    for activity in (
        {"conversation": {"tenantId": "tenant-1"}},
        {"conversation": {}, "channelData": {"tenant": {"id": "tenant-1"}}},
    ):
        paced, _, pacer = make_paced(HandClock(), {"tenant": "1/1s"})
        await paced.send(make_post(body=json.dumps(activity).encode()))
        assert pacer.room(TENANT) == 0
        assert pacer.room(TENANT._replace(tenant="")) == 1


async def test_a_429_is_learned_from_and_handed_on() -> None:
    """The bot gets its answer; the deliveries to the conversation wait."""
    paced, channel, pacer = make_paced(HandClock(), {})
    channel.answers.append(refusal(30))
    assert (await paced.send(make_post())).status == 429
    assert [pause.name for pause in pacer.pauses()] == ["a:1"]


async def test_a_request_that_is_cancelled_may_have_arrived() -> None:
    """So it counts."""
    clock = HandClock()
    paced, channel, pacer = make_paced(clock, {"send": "1/1h"})
    channel.open.clear()
    task = asyncio.create_task(paced.send(make_post()))
    await channel.arrived(1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert [stamp.key for stamp in pacer.unrecorded()] == ["a:1"]


async def test_leave_may_be_somebody_elses_to_give() -> None:
    """It is asked for all that has a pace, and told how that ended."""
    asked: list[tuple[Scope, str]] = []
    ended: list[Answer] = []

    class Elsewhere:
        async def admit(self, scope: Scope, key: str, *_: Any, **__: Any) -> Permit:
            asked.append((scope, key))
            return Permit(START, scope, key, Operation.SEND, group=False, route=None, state=None)

        async def admit_if_room(self, *_: Any, **__: Any) -> None:
            return None

        def ended(self, permit: Permit, answer: Answer) -> None:
            assert (permit.scope, permit.key) in asked or permit.scope.channel == "emulator"
            ended.append(answer)

    pacer = Pacer(HandClock(), profiles())
    paced = PacedChannel(FakeChannel(), pacer, leave=Elsewhere())
    await paced.send(make_post())
    await paced.send(make_post(channel="emulator"))
    assert asked == [(TENANT, "a:1")]
    assert [each.ok for each in ended] == [True, True]
    assert await paced.send_if_room(make_post()) is None


async def test_what_nobody_misses_waits_for_nothing() -> None:
    """It is sent where there is room for it at this moment, and counted."""
    clock = HandClock()
    paced, channel, pacer = make_paced(clock, {"send": "2/10s", "tenant": None})
    told = await paced.send_if_room(make_post())
    assert told is not None
    assert told.ok
    assert (await paced.send(make_post())).ok
    for _ in range(3):
        assert await paced.send_if_room(make_post()) is None
    assert len(channel.sent) == 2
    assert [stamp.key for stamp in pacer.unrecorded()] == ["a:1", "a:1"]
    clock.advance(10.1)
    assert await paced.send_if_room(make_post()) is not None


async def test_what_nobody_misses_is_left_out_while_a_channel_rests() -> None:
    """After a 429 nothing is sent that need not be."""
    paced, channel, _ = make_paced(HandClock(), {})
    channel.answers.append(refusal(30))
    await paced.send(make_post())
    assert await paced.send_if_room(make_post()) is None
    assert len(channel.sent) == 1


async def test_what_nobody_misses_takes_no_place_it_does_not_use() -> None:
    """Somebody who waits for room gets it as if nobody else had asked."""
    clock = HandClock()
    paced, channel, pacer = make_paced(clock, {"send": None, "tenant": "30/1s"})
    untouched = Pacer(clock, profiles({"msteams": {"send": None, "tenant": "30/1s"}}))
    for _ in range(20):
        for _ in range(10):
            await paced.send_if_room(make_post(tenant="tenant-1"))
        clock.advance(10)
    assert 20 <= len(channel.sent) < 200  # the others could have begun a moment later
    assert pacer.room(TENANT) == untouched.room(TENANT)


@pytest.mark.parametrize(
    ("call", "operation", "key"),
    [
        (make_call("GET", "conversations", "19:x;messageid=1", "members"), "roster", "19:x"),
        (make_call("GET", "conversations", "a:1", "pagedmembers"), "roster", "a:1"),
        (make_call("GET", "conversations"), "roster", ""),
        (make_call("GET", "teams", "19:t", "conversations"), "roster", "19:t"),
        (make_call("DELETE", "conversations", "a:1", "members", "29:x"), "send", "a:1"),
        (make_call("POST", "conversations", body={"members": [{"id": "29:x"}]}), "create", "29:x"),
        (
            make_call("POST", "conversations", body={"channelData": {"channel": {"id": "19:c"}}}),
            "create",
            "19:c",
        ),
        (make_call("POST", "conversations", body=[]), "create", ""),
    ],
)
async def test_other_calls_count_as_what_they_are(call: Call, operation: str, key: str) -> None:
    """Conversations made, rosters read, and what is done to a conversation."""

    class Answering(FakeChannel):
        async def call(self, call: Call) -> Reply:
            return Reply(answer=TAKEN, body=[])

    pacer = Pacer(HandClock(), profiles())
    reply = await PacedChannel(Answering(), pacer).call(call)
    assert reply == Reply(answer=TAKEN, body=[])
    assert [(stamp.operation, stamp.key) for stamp in pacer.unrecorded()] == [(operation, key)]


async def test_a_channel_that_breaks_leaves_no_request_under_way() -> None:
    """A place that is never given back would close its windows for good."""
    clock = HandClock()

    class Broken(FakeChannel):
        async def send(self, post: Post) -> Answer:
            raise RuntimeError

    pacer = Pacer(clock, profiles({"msteams": {"send": "1/1s"}}))
    paced = PacedChannel(Broken(), pacer)
    for _ in range(3):
        with pytest.raises(RuntimeError):
            await paced.send(make_post())
        clock.advance(1.01)
    await paced.close()

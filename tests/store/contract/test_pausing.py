"""Pauses people set: a conversation, a notification, a bot, everything."""

from __future__ import annotations

from typing import Any

import pytest

from recado.domain.delivery import HeldReason, Priority, State
from recado.domain.pause import Pause, PauseKind
from recado.domain.reference import Reference
from recado.store.port import DeliveryFilter
from tests.store.kit import SECOND, Desk


def pause_of(desk: Desk, kind: PauseKind, **changes: Any) -> Pause:
    """A pause by Ana."""
    told: dict[str, Any] = {"reason": "lunch", "since": desk.now, "by": "ana"} | changes
    return Pause(kind=kind, **told)


async def pause_conversation(desk: Desk, reference: Reference) -> Pause:
    """Pause a conversation; how to resume it."""
    wanted = pause_of(desk, PauseKind.CONVERSATION, bot="local", name=reference.id)
    await desk.store.pause(wanted)
    return wanted


async def pause_notification(desk: Desk, notification_id: str) -> Pause:
    """Pause a notification; how to resume it."""
    wanted = pause_of(desk, PauseKind.NOTIFICATION, bot="local", name=notification_id)
    await desk.store.pause(wanted)
    return wanted


async def test_who_paused_what_is_known(desk: Desk) -> None:
    """And why, and since when; until somebody resumes it."""
    wanted = pause_of(desk, PauseKind.BOT, bot="local")
    await desk.store.pause(wanted)
    desk.later(10**6)
    assert await desk.store.pauses(desk.now) == [wanted]
    assert await desk.store.resume(wanted, desk.now)
    assert await desk.store.pauses(desk.now) == []
    assert not await desk.store.resume(wanted, desk.now)


@pytest.mark.parametrize("kind", [PauseKind.ALL, PauseKind.BOT])
async def test_nothing_leaves_while_all_is_paused(desk: Desk, kind: PauseKind) -> None:
    """What is accepted meanwhile waits too, and leaves in order."""
    here = await desk.meet()
    wanted = pause_of(desk, kind, bot="local" if kind is PauseKind.BOT else "")
    await desk.say("first", here)
    await desk.store.pause(wanted)
    await desk.say("second", here)
    await desk.say("urgent", here, priority=Priority.URGENT)
    assert await desk.drain() == []
    await desk.store.resume(wanted, desk.now)
    assert await desk.drain() == ["urgent", "first", "second"]


async def test_another_bot_is_not_paused(desk: Desk) -> None:
    """Bots share a database, not their pauses."""
    await desk.store.pause(pause_of(desk, PauseKind.BOT, bot="other"))
    await desk.say("hello", await desk.meet())
    assert await desk.drain() == ["hello"]


# -- a conversation --------------------------------------------------------------------------


async def test_nothing_leaves_a_paused_conversation(desk: Desk) -> None:
    """However urgent; other conversations go on."""
    here, there = await desk.meet("a:1"), await desk.meet("a:2")
    first = await desk.say("first", here)
    wanted = await pause_conversation(desk, here)
    await desk.say("second", here)
    await desk.say("urgent", here, priority=Priority.URGENT)
    await desk.say("there", there)
    assert await desk.drain() == ["there"]
    assert await desk.standing(first) == (State.PENDING, None)
    await desk.say("third", here)
    assert await desk.drain() == []
    await desk.store.resume(wanted, desk.now)
    assert await desk.drain() == ["urgent", "first", "second", "third"]


async def test_what_is_being_sent_goes_on(desk: Desk) -> None:
    """A pause is no recall; what follows waits."""
    here = await desk.meet()
    await desk.say("first", here)
    (claim,) = await desk.claim()
    wanted = await pause_conversation(desk, here)
    await desk.say("second", here)
    await desk.settle(claim)
    assert await desk.drain() == []
    await desk.store.resume(wanted, desk.now)
    assert await desk.drain() == ["second"]


async def test_a_retrying_head_keeps_its_place_and_its_time(desk: Desk) -> None:
    """It is tried again after the pause, before what stands behind it."""
    here = await desk.meet()
    await desk.say("first", here)
    await desk.say("second", here)
    await desk.send(State.RETRYING, due_at=desk.now + 60 * SECOND)
    wanted = await pause_conversation(desk, here)
    await desk.store.resume(wanted, desk.now)
    assert await desk.drain() == []
    await pause_conversation(desk, here)
    desk.later(61)
    assert await desk.drain() == []
    await desk.store.resume(wanted, desk.now)
    assert await desk.drain() == ["first", "second"]


async def test_what_outlives_a_pause_expires(desk: Desk) -> None:
    """The time runs on."""
    here = await desk.meet()
    made = await desk.say("news", here, expires_at=desk.now + SECOND)
    await desk.say("other", here)
    wanted = await pause_conversation(desk, here)
    assert await desk.drain() == []
    await desk.store.promote(desk.later(2), 10)
    assert await desk.state(made) is State.EXPIRED
    await desk.store.resume(wanted, desk.now)
    assert await desk.drain() == ["other"]


async def test_paused_conversations_are_passed_over_once(desk: Desk) -> None:
    """More of them than can be claimed at once do not keep others waiting."""
    many = [await desk.meet(f"a:{number}") for number in range(30)]
    for each in many:
        await desk.say("paused", each)
        await pause_conversation(desk, each)
    await desk.say("there", await desk.meet("b:1"))
    assert await desk.texts(await desk.claim(2)) == ["there"]


async def test_a_pause_looks_ahead_at_nothing(desk: Desk) -> None:
    """Whose conversation has no deliveries can be paused, and resumed, as well."""
    here = await desk.meet()
    wanted = await pause_conversation(desk, here)
    await desk.say("hello", here)
    assert await desk.drain() == []
    await desk.store.resume(wanted, desk.now)
    assert await desk.drain() == ["hello"]


# -- a notification --------------------------------------------------------------------------


async def test_a_paused_notification_lets_others_pass(desk: Desk) -> None:
    """It is held when its turn comes, and goes back to its place."""
    here = await desk.meet()
    first = await desk.accept("first", here)
    await desk.say("second", here)
    wanted = await pause_notification(desk, first.notification_id)
    await desk.say("urgent", here, priority=Priority.URGENT)
    (claim,) = await desk.claim()
    assert await desk.texts([claim]) == ["urgent"]
    await desk.settle(claim)
    (claim,) = await desk.claim()
    assert await desk.texts([claim]) == ["second"]
    assert await desk.standing(first.delivery_ids[0]) == (State.HELD, HeldReason.PAUSED)
    await desk.say("third", here)
    await desk.store.resume(wanted, desk.now)
    assert await desk.store.promote(desk.now, 10) == 1
    await desk.settle(claim)
    assert await desk.drain() == ["first", "third"]


async def test_while_it_is_paused_it_stays_held(desk: Desk) -> None:
    """Time alone does not release it; nor does a retry by hand."""
    accepted = await desk.accept("first", await desk.meet())
    await pause_notification(desk, accepted.notification_id)
    assert await desk.drain() == []
    assert await desk.store.promote(desk.later(10**6), 10) == 0
    assert await desk.store.next_due() is None
    await desk.store.retry(accepted.delivery_ids[0], desk.now)
    assert await desk.drain() == []
    assert await desk.standing(accepted.delivery_ids[0]) == (State.HELD, HeldReason.PAUSED)


async def test_a_paused_broadcast_is_not_expanded(desk: Desk) -> None:
    """It goes on where it stopped; others are expanded meanwhile."""
    for number in range(4):
        await desk.meet(f"a:{number}")
    first = await desk.accept("first")
    assert await desk.store.expand(desk.now, 2) == 2
    wanted = await pause_notification(desk, first.notification_id)
    assert await desk.store.expand(desk.now, 10) == 0
    await desk.accept("second")
    assert await desk.store.expand(desk.now, 10) == 4
    assert await desk.drain() == ["second"] * 4
    await desk.store.resume(wanted, desk.now)
    assert await desk.store.expand(desk.now, 10) == 2
    assert await desk.store.promote(desk.now, 10) == 2
    assert await desk.drain() == ["first"] * 4


async def test_who_left_during_a_pause_is_waited_for(desk: Desk) -> None:
    """A pause that ends does not make the unreachable reachable."""
    here = await desk.meet()
    accepted = await desk.accept("hello", here)
    wanted = await pause_notification(desk, accepted.notification_id)
    assert await desk.drain() == []
    await desk.make_unreachable(here)
    await desk.store.resume(wanted, desk.now)
    await desk.store.promote(desk.now, 10)
    held = (State.HELD, HeldReason.UNREACHABLE)
    assert await desk.standing(accepted.delivery_ids[0]) == held


async def test_resuming_takes_steps(desk: Desk) -> None:
    """However many are held, no step is longer than it may be; it survives in between."""
    lanes = [await desk.meet(f"a:{number}") for number in range(5)]
    accepted = await desk.accept("hello", *lanes)
    wanted = await pause_notification(desk, accepted.notification_id)
    assert await desk.drain() == []
    await desk.store.resume(wanted, desk.now)
    assert [await desk.store.promote(desk.now, 2) for _ in range(4)] == [2, 2, 1, 0]
    assert len(await desk.drain()) == 5


async def test_what_pauses_a_delivery_is_told(desk: Desk) -> None:
    """Whatever it is: people, breakers, the channel; not what pauses others."""
    here = await desk.meet()
    accepted = await desk.accept("hello", here)
    told = {"channel": "msteams", "tenant": "tenant-1", "bot": "local"}
    url = here.service_url
    pauses = [
        pause_of(desk, PauseKind.ALL),
        pause_of(desk, PauseKind.BOT, bot="local"),
        pause_of(desk, PauseKind.CREDENTIAL, bot="local"),
        pause_of(desk, PauseKind.CONVERSATION, bot="local", name=here.id),
        pause_of(desk, PauseKind.NOTIFICATION, bot="local", name=accepted.notification_id),
        pause_of(desk, PauseKind.SERVICE_URL, name=url, until=desk.now + SECOND),
        pause_of(desk, PauseKind.TENANT, **told, until=desk.now + SECOND),
        pause_of(desk, PauseKind.PACE_KEY, **told, name="a:1", until=desk.now + SECOND),
    ]
    others = [
        pause_of(desk, PauseKind.BOT, bot="other"),
        pause_of(desk, PauseKind.CONVERSATION, bot="local", name="other"),
        pause_of(desk, PauseKind.NOTIFICATION, bot="local", name="other"),
        pause_of(desk, PauseKind.SERVICE_URL, name="https://other/"),
        pause_of(desk, PauseKind.TENANT, **(told | {"tenant": "other"})),
        pause_of(desk, PauseKind.PACE_KEY, **told, name="a:2"),
    ]
    for each in pauses + others:
        await desk.store.pause(each)
    (made,) = accepted.delivery_ids
    found = (await desk.detail(made)).pauses
    assert sorted(found, key=lambda each: each.kind) == sorted(pauses, key=lambda each: each.kind)
    whole = await desk.store.notification(accepted.notification_id)
    assert whole is not None
    assert {each.kind for each in whole.pauses} == {
        PauseKind.ALL,
        PauseKind.BOT,
        PauseKind.CREDENTIAL,
        PauseKind.NOTIFICATION,
    }
    await desk.store.cancel(made, desk.now)
    assert (await desk.detail(made)).pauses == ()


async def test_a_paused_notification_can_be_cancelled(desk: Desk) -> None:
    """What is held for it is found."""
    accepted = await desk.accept("hello", await desk.meet())
    await pause_notification(desk, accepted.notification_id)
    assert await desk.drain() == []
    ids = await desk.store.find(DeliveryFilter(notification_id=accepted.notification_id))
    assert (await desk.store.cancel_many(ids, desk.now)).cancelled == 1

"""Asking for leave: what a process asks that does not keep a scope, and what others have begun."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

from recado.domain.asking import Ask
from recado.domain.ids import new_id
from recado.domain.notification import Turn
from recado.domain.pace import Operation
from recado.domain.policy import Answer, Failure
from recado.domain.scope import Scope, Stamp
from recado.store.port import Observed, Paced, Wanted
from tests.store.kit import SECOND, Desk

SCOPE = Scope("local", "msteams", "tenant-1")


def make_ask(desk: Desk, **changes: Any) -> Ask:
    """Leave asked for now, for a message in a conversation."""
    told: dict[str, Any] = {
        "id": new_id(),
        "scope": SCOPE,
        "key": "a:1",
        "operation": Operation.SEND,
        "group": False,
        "asker": "asker",
        "asked_at": desk.now,
        "patient_until": desk.now + 15 * SECOND,
        "until": desk.now + 60 * SECOND,
    }
    return Ask(**(told | changes))


async def test_what_is_asked_is_told_as_it_was_asked(desk: Desk) -> None:
    """All of it, the longest waiting first, and no more than is wanted."""
    later = make_ask(desk, asked_at=desk.now + SECOND, operation=Operation.CREATE, group=True)
    first = make_ask(desk, key="")
    for each in (later, first):
        await desk.store.ask(each)
    assert await desk.store.asks(10) == [first, later]
    assert await desk.store.asks(1) == [first]


async def test_leave_is_given_once(desk: Desk) -> None:
    """Of two processes that believe to keep a scope, one gives it."""
    ask = make_ask(desk)
    await desk.store.ask(ask)
    assert not await desk.store.granted([ask.id])
    assert set(await desk.store.grant([ask.id, "unknown"], "keeper")) == {ask.id}
    assert not await desk.store.grant([ask.id], "another")
    assert set(await desk.store.granted([ask.id, "unknown"])) == {ask.id}
    (found,) = await desk.store.asks(10)
    assert found.granted_by == "keeper"


async def test_how_a_request_ended_is_handed_in(desk: Desk) -> None:
    """As far as the pace depends on it; it stays until what it counted for is written down."""
    answers = {
        new_id(): Answer(status=201),
        new_id(): Answer(status=429, retry_after=3),
        new_id(): Answer(failure=Failure.AMBIGUOUS),
    }
    for each in answers:
        await desk.store.ask(make_ask(desk, id=each))
    await desk.store.grant(list(answers), "keeper")
    await desk.store.hand_in(answers)
    assert {each.id: each.answer for each in await desk.store.asks(10)} == answers
    kept, *counted = answers
    stamps = [Stamp(SCOPE, "a:1", Operation.SEND, desk.now)]
    await desk.cycle(Wanted(), observed=Observed(stamps=stamps, handed_in=counted))
    assert [each.id for each in await desk.store.asks(10)] == [kept]


async def test_what_is_withdrawn_before_it_was_granted_is_forgotten(desk: Desk) -> None:
    """Nobody is asked any more."""
    ask = make_ask(desk)
    await desk.store.ask(ask)
    await desk.store.hand_in({ask.id: Answer(failure=Failure.NOT_SENT)})
    assert not await desk.store.asks(10)
    assert not await desk.store.grant([ask.id], "keeper")


async def test_a_cycle_tells_what_is_asked(desk: Desk) -> None:
    """Where that is wanted, also when nothing is to be claimed."""
    ask = make_ask(desk)
    await desk.store.ask(ask)
    nothing = Paced(channels=(), kept=(), others={})
    assert (await desk.cycle(Wanted(paced=nothing))).asks is None
    asking = Paced(channels=(), kept=(), others={}, asks=True)
    assert (await desk.cycle(Wanted(paced=asking))).asks == [ask]


async def test_asks_of_the_dead_are_cleared_away(desk: Desk) -> None:
    """Long after the last window has forgotten them."""
    await desk.store.ask(make_ask(desk))
    await desk.store.forget_pace(stamps_before=desk.now, now=desk.later(120), limit=10)
    assert len(await desk.store.asks(10)) == 1
    await desk.store.forget_pace(stamps_before=desk.now, now=desk.later(2 * 3600), limit=10)
    assert not await desk.store.asks(10)


async def test_attempts_of_others_are_known(desk: Desk) -> None:
    """By pace key, for the scopes that are asked for; one's own are not meant."""
    for number, tenant in enumerate(("tenant-1", "tenant-1", "tenant-2")):
        await desk.say("x", await desk.meet(f"a:{number}", tenant_id=tenant))
    thread = "19:x;messageid=1"
    await desk.say("x", await desk.meet(thread, tenant_id="tenant-1", conversation_type="channel"))
    await desk.claim(owner="another")
    await desk.say("mine", await desk.meet("a:9"))
    await desk.claim()
    found = await desk.store.begun_elsewhere("me", [SCOPE], desk.now)
    assert sorted(found, key=lambda each: each.key) == [
        Stamp(SCOPE, key, Operation.SEND, desk.now) for key in ("19:x", "a:0", "a:1")
    ]
    assert await desk.store.begun_elsewhere("another", [SCOPE], desk.now) == [
        Stamp(SCOPE, "a:9", Operation.SEND, desk.now)
    ]


async def test_turns_of_others_have_sent_nothing(desk: Desk) -> None:
    """What they say is asked leave for, message by message."""
    await desk.say("", await desk.meet(), turn=Turn(handler="report"))
    await desk.claim(owner="another")
    assert not await desk.store.begun_elsewhere("me", [SCOPE], desk.now)


async def test_what_many_keys_have_sent_is_asked_at_once(desk: Desk) -> None:
    """Each for itself, however many."""
    stamps = [
        Stamp(SCOPE, f"a:{number}", Operation.SEND, desk.now, number + 1) for number in range(100)
    ]
    await desk.cycle(Wanted(), observed=Observed(stamps=stamps))
    asked = [(SCOPE, f"a:{number}") for number in range(50, 150)] + [(SCOPE, "")]
    found = await desk.store.stamps(asked, desk.now - timedelta(hours=1))
    counted: Counter[str] = Counter()
    for each in found:
        counted[each.key] += each.many
    assert counted == {f"a:{number}": number + 1 for number in range(50, 100)} | {"": 5050}

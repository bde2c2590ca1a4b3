"""Pauses stop what they name and nothing else; routes share what can be claimed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from recado.domain.delivery import Priority
from recado.domain.pace import Operation
from recado.domain.pause import Pause, PauseKind
from recado.domain.scope import Scope, Stamp
from recado.store.port import Observed, Wanted
from tests.store.kit import Desk

URL = "https://smba.trafficmanager.net/emea/"
SECOND = timedelta(seconds=1)


def pause(kind: PauseKind, desk: Desk, seconds: float | None = 60, **of: str) -> Pause:
    """A pause from now."""
    until = None if seconds is None else desk.now + timedelta(seconds=seconds)
    return Pause(kind=kind, reason="told", since=desk.now, until=until, **of)


STOPPING = [
    {"kind": PauseKind.ALL},
    {"kind": PauseKind.BOT, "bot": "local"},
    {"kind": PauseKind.CREDENTIAL, "bot": "local"},
    {"kind": PauseKind.SERVICE_URL, "name": URL},
    {"kind": PauseKind.TENANT, "bot": "local", "channel": "msteams", "tenant": "tenant-1"},
]
ELSEWHERE = [
    {"kind": PauseKind.BOT, "bot": "another"},
    {"kind": PauseKind.SERVICE_URL, "name": URL + "x"},
    {"kind": PauseKind.TENANT, "bot": "local", "channel": "msteams", "tenant": "tenant-2"},
    {"kind": PauseKind.PACE_KEY, "bot": "local", "channel": "msteams", "name": "a:1"},
]


@pytest.mark.parametrize("of", STOPPING)
async def test_a_pause_stops_its_routes_until_it_is_over(desk: Desk, of: dict[str, str]) -> None:
    """Nothing is claimed, nothing is lost; then everything goes."""
    made = await desk.say("hello", await desk.meet())
    await desk.store.pause(pause(desk=desk, **of))  # type: ignore[arg-type]  # kind among them
    assert not await desk.claim()
    desk.later(60)
    assert [each.delivery_id for each in await desk.claim()] == [made]


@pytest.mark.parametrize("of", STOPPING)
async def test_a_pause_without_an_end_is_resumed(desk: Desk, of: dict[str, str]) -> None:
    """By whoever names the same thing, once."""
    made = await desk.say("hello", await desk.meet())
    stopped = pause(desk=desk, seconds=None, **of)  # type: ignore[arg-type]  # kind among them
    await desk.store.pause(stopped)
    desk.later(10**6)
    assert not await desk.claim()
    assert await desk.store.pauses(desk.now) == [stopped]
    assert await desk.store.resume(stopped, desk.now)
    assert not await desk.store.resume(stopped, desk.now)
    assert await desk.store.pauses(desk.now) == []
    assert [each.delivery_id for each in await desk.claim()] == [made]


@pytest.mark.parametrize("of", ELSEWHERE)
async def test_a_pause_stops_nothing_else(desk: Desk, of: dict[str, str]) -> None:
    """Other bots, services and tenants go on."""
    await desk.say("hello", await desk.meet())
    await desk.store.pause(pause(desk=desk, **of))  # type: ignore[arg-type]  # kind among them
    assert len(await desk.claim()) == 1


async def test_paused_routes_are_told_as_passed_over(desk: Desk) -> None:
    """So that whoever claims knows that there is something to come back for."""
    await desk.say("hello", await desk.meet())
    await desk.store.pause(pause(PauseKind.BOT, desk, bot="local"))
    cycled = await desk.cycle(Wanted(limit=10))
    assert (len(cycled.claims), len(cycled.passed), cycled.more) == (0, 1, False)


async def test_a_pause_is_observed_in_the_cycle_that_settles(desk: Desk) -> None:
    """What a channel's answer paused is not claimed in the same commit."""
    reference = await desk.meet()
    await desk.say("one", reference)
    cycled = await desk.cycle(
        Wanted(limit=10), observed=Observed(paused=[pause(PauseKind.CREDENTIAL, desk, bot="local")])
    )
    assert not cycled.claims
    (lasting,) = await desk.store.pauses(desk.now)
    assert lasting.kind is PauseKind.CREDENTIAL
    cycled = await desk.cycle(Wanted(limit=10), observed=Observed(resumed=[lasting]))
    assert len(cycled.claims) == 1


async def test_a_route_gets_what_it_has_room_for(desk: Desk) -> None:
    """And the others what is left."""
    for number in range(4):
        await desk.say("a", await desk.meet(f"a:{number}", tenant_id="a"))
        await desk.say("b", await desk.meet(f"b:{number}", tenant_id="b"))
    (first,) = (await desk.cycle(Wanted(limit=1))).claims
    await desk.store.hand_back([first])
    cycled = await desk.cycle(Wanted(limit=10, room={first.route: 1}))
    tenants = [claim.tenant for claim in cycled.claims]
    assert (tenants.count("a"), tenants.count("b")) == (1, 4)
    assert cycled.passed == (first.route,)


async def test_routes_share_what_can_be_claimed(desk: Desk) -> None:
    """One tenant's broadcast does not keep another waiting."""
    for number in range(40):
        await desk.say("a", await desk.meet(f"a:{number}", tenant_id="a"))
    await desk.say("b", await desk.meet("b:1", tenant_id="b"))
    await desk.say("c", await desk.meet("c:1", tenant_id="c"))
    tenants = [claim.tenant for claim in (await desk.cycle(Wanted(limit=6))).claims]
    assert sorted(tenants) == ["a", "a", "a", "a", "b", "c"]


async def test_the_turn_goes_round_when_there_are_more_routes_than_room(desk: Desk) -> None:
    """Every route is served before one is served twice."""
    for number in range(9):
        for word in ("one", "two"):
            await desk.say(word, await desk.meet(f"{number}{word}", tenant_id=f"t{number}"))
    served: list[int] = []
    after = 0
    for _ in range(3):
        cycled = await desk.cycle(Wanted(limit=3, after=after))
        served += [claim.route for claim in cycled.claims]
        after = served[-1]
    assert len(set(served)) == 9


async def test_some_claims_are_kept_for_what_is_urgent(desk: Desk) -> None:
    """However much else is due."""
    for number in range(6):
        await desk.say("x", await desk.meet(f"a:{number}"))
    assert len((await desk.cycle(Wanted(limit=4, for_urgent=1))).claims) == 3
    urgent = await desk.say("now", await desk.meet("a:9"), priority=Priority.URGENT)
    (claim,) = (await desk.cycle(Wanted(limit=1, for_urgent=1))).claims
    assert claim.delivery_id == urgent


async def test_a_lane_can_be_put_off(desk: Desk) -> None:
    """Its pace does not allow more now: it keeps its order and costs no attempt."""
    reference = await desk.meet()
    made = await desk.say("one", reference)
    await desk.say("two", reference)
    (claim,) = await desk.claim()
    await desk.store.hand_back([claim], until={made: desk.now + SECOND})
    assert not await desk.claim()
    assert await desk.store.next_due() == desk.now + SECOND
    desk.later(1)
    (claim,) = await desk.claim()
    assert (claim.delivery_id, claim.attempt) == (made, 1)


async def test_the_end_of_a_pause_lets_its_lanes_on(desk: Desk) -> None:
    """They do not wait for the time they were put off to."""
    made = await desk.say("one", await desk.meet())
    (claim,) = await desk.claim()
    await desk.store.hand_back([claim], until={made: desk.now + 60 * SECOND})
    stopped = pause(
        PauseKind.PACE_KEY, desk, bot="local", channel="msteams", tenant="tenant-1", name="a:1"
    )
    await desk.store.pause(stopped)
    await desk.store.resume(stopped, desk.now)
    assert len(await desk.claim()) == 1


async def test_a_moved_conversation_goes_its_new_way(desk: Desk) -> None:
    """With what already stands in its lane."""
    await desk.say("hello", await desk.meet())
    await desk.store.pause(pause(PauseKind.SERVICE_URL, desk, name=URL))
    desk.later(1)
    await desk.see(service_url="https://smba.trafficmanager.net/amer/")
    (claim,) = await desk.claim()
    assert claim.service_url == "https://smba.trafficmanager.net/amer/"


async def test_requests_are_remembered(desk: Desk) -> None:
    """For the key, and for its scope; to a fifth of a second, and never as earlier than it was."""
    scope = Scope("local", "msteams", "tenant-1")
    stamps = [
        Stamp(scope, "a:1", Operation.SEND, desk.now + timedelta(milliseconds=many))
        for many in (100, 850, 900, 1500)
    ]
    await desk.cycle(Wanted(), observed=Observed(stamps=stamps[:2]))
    await desk.cycle(Wanted(), observed=Observed(stamps=stamps[2:]))
    asked = [(scope, "a:1"), (scope, ""), (scope, "a:2")]
    found = await desk.store.stamps(asked, desk.now - SECOND)
    assert sorted((each.key, each.at - desk.now, each.many) for each in found) == [
        ("", 0.2 * SECOND, 1),
        ("", 0.9 * SECOND, 2),
        ("", 1.5 * SECOND, 1),
        ("a:1", 0.2 * SECOND, 1),
        ("a:1", 0.9 * SECOND, 2),
        ("a:1", 1.5 * SECOND, 1),
    ]
    await desk.store.forget_pace(stamps_before=desk.now + SECOND, now=desk.now, limit=10)
    found = await desk.store.stamps(asked, desk.now - SECOND)
    assert {each.at - desk.now for each in found} == {1.5 * SECOND}


async def test_a_request_nobody_saw_the_end_of_counts(desk: Desk) -> None:
    """Its process died; the channel may have counted it."""
    await desk.say("hello", await desk.meet())
    await desk.claim()
    await desk.store.reap("another", desk.later(31), 10)
    scope = Scope("local", "msteams", "tenant-1")
    (found,) = await desk.store.stamps([(scope, "a:1")], desk.now - SECOND)
    assert found.many == 1


async def test_pauses_that_are_over_are_cleared_away(desk: Desk) -> None:
    """Those that last are kept."""
    await desk.store.pause(pause(PauseKind.TENANT, desk, 1, bot="x"))
    lasting = pause(PauseKind.BOT, desk, None, bot="local")
    await desk.store.pause(lasting)
    await desk.store.forget_pace(stamps_before=desk.now, now=desk.later(1), limit=10)
    assert await desk.store.pauses(desk.now - timedelta(days=1)) == [lasting]

"""Steering over HTTP: dead letters, retry, cancel, pauses, plans."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from recado.domain.delivery import State
from recado.domain.notification import Once
from recado.domain.pause import PauseKind
from recado.domain.reference import Presence
from tests.store.kit import Desk
from tests.web.conftest import KEY, Connect, World, assert_problem


class Hands(Desk):
    """A desk at the world's store, on its clock."""

    def __init__(self, world: World) -> None:
        super().__init__(world.store, world.clock)  # type: ignore[arg-type]


@pytest.fixture
def hands(world: World) -> Hands:
    """Whoever delivers in these tests."""
    return Hands(world)


async def accept(client: httpx.AsyncClient, **asked: Any) -> dict[str, Any]:
    """Have something accepted to be said."""
    answer = await client.post("/api/notify", json={"text": "hello"} | asked)
    assert answer.status_code == 202, answer.text
    told: dict[str, Any] = answer.json()
    return told


# -- cancel and retry ------------------------------------------------------------------------


async def test_a_notification_is_cancelled(
    client: httpx.AsyncClient, world: World, hands: Hands
) -> None:
    """With an account of what was too late, and safely again."""
    for name in ("a:1", "a:2", "a:3"):
        await world.knows(name)
    made = await accept(client, to="all")
    await world.store.expand(world.clock.now(), 2)
    (first, _) = await hands.claim()
    await hands.settle(first)
    answer = await client.post("/api/cancel", json={"notification": made["id"]})
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"cancelled": 0, "sending": 1, "maybe": 0, "out": 1, "not_made": 1}
    assert (await client.post("/api/cancel", json={"notification": made["id"]})).json()["out"] == 1
    shown = (await client.get(f"/api/notifications/{made['id']}")).json()
    assert shown["not_made"] == 1
    assert "cancelled_at" in shown


async def test_a_key_cancels_what_its_owner_sent(connect: Connect, world: World) -> None:
    """Another caller's key means another notification, or none."""
    await world.knows("a:1")
    env = {"RECADO_API_KEYS": f"{KEY},{KEY}-other"}
    client, other = connect(env, key=KEY), connect(env, key=f"{KEY}-other")
    await client.post(
        "/api/notify",
        json={"to": "conversation:a:1", "text": "hello"},
        headers={"Idempotency-Key": "order-17"},
    )
    asked = {"idempotency_key": "order-17"}
    assert_problem(await other.post("/api/cancel", json=asked), 404, "unknown_notification")
    answer = await client.post("/api/cancel", json=asked)
    assert answer.json()["cancelled"] == 1
    (one,) = (await client.get("/api/deliveries")).json()["items"]
    detail = (await client.get(f"/api/deliveries/{one['id']}")).json()
    assert detail["decided_by"].startswith("key:")
    assert KEY not in str(detail)


async def test_deliveries_are_cancelled_by_what_they_have_in_common(
    client: httpx.AsyncClient, world: World
) -> None:
    """Conversation, state and reason hold together."""
    await world.knows("a:1")
    await world.knows("a:2")
    for _ in range(2):
        await accept(client, to=["conversation:a:1", "conversation:a:2"])
    await accept(client, to="conversation:a:1", when=3600)
    wanted = {"conversation": "a:1", "state": ["pending"]}
    assert (await client.post("/api/cancel", json=wanted)).json()["cancelled"] == 2
    wanted = {"conversation": "a:1", "reason": "unreachable"}
    assert (await client.post("/api/cancel", json=wanted)).json()["cancelled"] == 0


async def test_dead_letters_are_listed_and_retried(
    client: httpx.AsyncClient, world: World, hands: Hands
) -> None:
    """One by one, by notification, and only those of a kind."""
    await world.knows("a:1")
    await world.knows("a:2")
    made = await accept(client, to=["conversation:a:1", "conversation:a:2"])
    one, other = await hands.claim()
    await hands.settle(one, State.REJECTED, reason="http_400")
    await hands.settle(other, State.UNKNOWN)
    dead = (await client.get("/api/deliveries?state=rejected,unknown")).json()
    assert {each["state"] for each in dead["items"]} == {"rejected", "unknown"}
    assert dead["next"] is None
    (rejected,) = (await client.get("/api/deliveries?reason=http_400&limit=1")).json()["items"]
    assert rejected["id"] == one.delivery_id
    asked = {"notification": made["id"], "only": ["unknown"]}
    answer = await client.post("/api/retry", json=asked)
    assert answer.json() == {"retried": 1, "counts": {"unknown": 1}}
    answer = await client.post(f"/api/deliveries/{one.delivery_id}/retry")
    assert answer.json()["delivery"]["state"] == "pending"
    assert (await client.post("/api/retry", json={"only": ["rejected"]})).json()["retried"] == 0


async def test_one_delivery_is_shown_with_its_history(
    client: httpx.AsyncClient, world: World, hands: Hands
) -> None:
    """Attempts with evidence, and sentences that say why and what to do."""
    await world.knows("a:1")
    made = await accept(client, to="conversation:a:1")
    (claim,) = await hands.claim()
    await hands.settle(claim, State.UNKNOWN, reason="no_answer")
    (delivery_id,) = made["deliveries"]
    detail = (await client.get(f"/api/deliveries/{delivery_id}")).json()
    assert detail["content"]["text"] == "hello"
    assert [each["outcome"] for each in detail["attempts"]] == ["unknown"]
    assert any("mark-delivered" in sentence for sentence in detail["explanation"])
    answer = await client.post(f"/api/deliveries/{delivery_id}/mark-delivered")
    assert answer.json()["delivery"]["reason"] == "marked"
    for verb in ("mark-delivered", "cancel", "retry"):
        again = await client.post(f"/api/deliveries/{delivery_id}/{verb}")
        assert_problem(again, 409, "transition_refused")


async def test_one_delivery_is_cancelled(client: httpx.AsyncClient, world: World) -> None:
    """And shown as it is then."""
    await world.knows("a:1")
    (delivery_id,) = (await accept(client, to="conversation:a:1"))["deliveries"]
    answer = await client.post(f"/api/deliveries/{delivery_id}/cancel")
    assert answer.json()["delivery"]["state"] == "cancelled"


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("cancel", {}),
        ("cancel", {"idempotency_key": "k", "reason": "x"}),
        ("cancel", {"state": ["delivered"]}),
        ("cancel", {"state": []}),
        ("cancel", {"notifications": "x"}),
        ("retry", {}),
        ("retry", {"only": ["delivered"]}),
        ("retry", {"notification": ""}),
        ("pause", {}),
        ("pause", {"everything": False}),
        ("pause", {"bot": "a", "notification": "b"}),
        ("pause", {"everything": True, "until": "later"}),
        ("resume", {"everything": True, "reason": "x"}),
        ("resume", {"everything": "yes"}),
    ],
)
async def test_what_cannot_be_meant_is_refused(
    client: httpx.AsyncClient, path: str, asked: dict[str, Any]
) -> None:
    """A slip of the pen must not cancel, retry or pause everything."""
    assert_problem(await client.post(f"/api/{path}", json=asked), 422, "invalid_input")


@pytest.mark.parametrize(
    ("path", "asked", "code"),
    [
        ("cancel", {"notification": "no-such-id"}, "unknown_notification"),
        ("cancel", {"conversation": "no-such-id"}, "unknown_recipient"),
        ("retry", {"notification": "no-such-id"}, "unknown_notification"),
        ("pause", {"notification": "no-such-id"}, "unknown_notification"),
        ("pause", {"conversation": "no-such-id"}, "unknown_recipient"),
        ("resume", {"notification": "no-such-id"}, "unknown_notification"),
    ],
)
async def test_what_is_not_there_cannot_be_steered(
    client: httpx.AsyncClient, path: str, asked: dict[str, Any], code: str
) -> None:
    """It is 404, with a code of its own."""
    assert_problem(await client.post(f"/api/{path}", json=asked), 404, code)


async def test_states_are_named_as_they_are(client: httpx.AsyncClient) -> None:
    """Others are told."""
    problem = assert_problem(await client.get("/api/deliveries?state=dead"), 422, "invalid_input")
    assert "rejected" in problem["detail"]


async def test_steering_needs_a_key(connect: Connect) -> None:
    """As everything that changes what people are told, or says what they were."""
    client = connect({"RECADO_API_KEYS": KEY})
    for path in ("cancel", "retry", "pause", "resume"):
        assert (await client.post(f"/api/{path}", json={})).status_code == 401
    for path in ("deliveries", "deliveries/x", "pauses"):
        assert (await client.get(f"/api/{path}")).status_code == 401
    for verb in ("retry", "cancel", "mark-delivered"):
        assert (await client.post(f"/api/deliveries/x/{verb}")).status_code == 401


# -- pauses ----------------------------------------------------------------------------------


async def test_nothing_leaves_until_it_is_resumed(
    client: httpx.AsyncClient, world: World, hands: Hands
) -> None:
    """Who looks is told what is paused, and how it goes on."""
    reference = await world.knows("a:1")
    made = await accept(client, to="conversation:a:1")
    for what in (
        {"everything": True},
        {"bot": "local"},
        {"conversation": "a:1"},
        {"notification": made["id"]},
    ):
        answer = await client.post("/api/pause", json={**what, "reason": "lunch"})
        assert answer.status_code == 200, answer.text
        told = answer.json()
        assert (told["reason"], told["until"], told["by"]) == ("lunch", None, None)
        assert told["resume"].startswith("recado resume")
        assert (await client.get("/api/pauses")).json()["items"] == [told]
        if "notification" in what:
            shown = (await client.get(f"/api/notifications/{made['id']}")).json()
            assert shown["pauses"] == [{key: each for key, each in told.items() if each}]
            continue
        assert not await hands.claim()
        detail = (await client.get(f"/api/deliveries/{made['deliveries'][0]}")).json()
        assert detail["pauses"] == [told]
        assert any("paused" in sentence for sentence in detail["explanation"])
        if "conversation" in what:
            assert told["name"] == reference.id
        assert (await client.post("/api/resume", json=what)).json() == {"resumed": True}
        assert (await client.post("/api/resume", json=what)).json() == {"resumed": False}
    assert (await client.get("/api/pauses")).json()["items"][0]["kind"] == PauseKind.NOTIFICATION


# -- plans -----------------------------------------------------------------------------------


async def test_a_dry_run_accepts_nothing(client: httpx.AsyncClient, world: World) -> None:
    """It says who would get it, and checks what would be said."""
    await world.knows("a:1", name="Stand-up")
    await world.knows("a:2", tenant_id=None, presence=Presence.LEFT)
    once = Once(key="k", every=timedelta(hours=1))
    asked = {"text": "hello", "once_key": "k", "once_every": 3600}
    await accept(client, to="conversation:a:1", **asked)
    answer = await client.post("/api/notify?dry_run=true", json={"to": "all", **asked})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert {name: told[name] for name in ("dry_run", "total", "unreachable", "duplicates")} == {
        "dry_run": True,
        "total": 2,
        "unreachable": 1,
        "duplicates": 1,
    }
    assert told["reach"] == [
        {"channel": "msteams", "tenant": None, "reachable": 0, "unreachable": 1},
        {"channel": "msteams", "tenant": "tenant-1", "reachable": 1, "unreachable": 0},
    ]
    assert [each["people"] for each in told["first"]] == [["Ana"], ["Ana"]]
    text = await client.post("/api/notify?dry_run=true&to=conversation:a:1", content="hello")
    assert text.json()["total"] == 1
    refused = await client.post("/api/notify?dry_run=true", json={"to": "all", "text": ""})
    assert refused.status_code == 422
    assert await world.accepted() == 1
    assert await world.store.duplicates("local", once, world.clock.now()) == 1


@pytest.mark.parametrize("every", [0, -1, "1h", True, 10**12])
async def test_a_period_is_seconds(client: httpx.AsyncClient, world: World, every: object) -> None:
    """And goes with a key."""
    await world.knows("a:1")
    asked = {"to": "all", "text": "x", "once_key": "k", "once_every": every}
    assert_problem(await client.post("/api/notify", json=asked), 422, "invalid_input")
    asked = {"to": "all", "text": "x", "once_every": 60}
    assert_problem(await client.post("/api/notify", json=asked), 422, "invalid_input")

"""The notify endpoint: the page people load, and the API programs call."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from recado.domain.delivery import State
from recado.domain.policy import Answer
from recado.errors import StoreError, StoreFull, StoreReadOnly, StoreUnavailable
from recado.store.port import DeliveryFilter
from recado.testing import HandClock
from tests.web.conftest import Connect, World, assert_problem

ANA = "conversation:a:1"


class Broken:
    """A store whose database stops cooperating."""

    def __init__(self, world: World, error: StoreError, *verbs: str) -> None:
        self._store, self._error, self._verbs = world.store, error, verbs

    def __getattr__(self, name: str) -> Any:
        if name in self._verbs:

            async def refuse(*_: object, **__: object) -> None:
                raise self._error

            return refuse
        return getattr(self._store, name)


# -- the page --------------------------------------------------------------------------------


async def test_loading_the_page_says_hello_everywhere(delivering: World, connect: Connect) -> None:
    """In every conversation, the same person's too; and the page is that of the documents."""
    await delivering.knows("a:1", "a:2", "a:3")
    answer = await connect(demo=True).get("/api/notify")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["cache-control"] == "no-store"
    assert "<h1>Proactive messages have been sent.</h1>" in answer.text
    assert "3 of 3 are out" in answer.text
    assert delivering.channel.texts == ["proactive hello"] * 3


async def test_each_load_says_it_again(delivering: World, connect: Connect) -> None:
    """As the documented sample does."""
    await delivering.knows("a:1")
    client = connect(demo=True)
    await client.get("/api/notify")
    await client.get("/api/notify")
    assert len(delivering.channel.sent) == 2


async def test_the_page_does_not_claim_what_is_not_so(
    delivering: World, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waits for five seconds, then says what is out and what is on its way."""
    monkeypatch.setattr("recado.web.notify._PAGE_WAITS", 0.3)
    await delivering.knows("a:1", "a:2")
    delivering.channel.answers.extend([Answer(status=200), Answer(status=503, retry_after=30)])
    answer = await connect(demo=True).get("/api/notify")
    assert "Proactive messages are on their way." in answer.text
    assert "1 of 2 is out, 1 is on its way." in answer.text
    assert "have been sent" not in answer.text


async def test_the_page_tells_what_did_not_arrive(delivering: World, connect: Connect) -> None:
    """A channel's refusal is neither sent nor on its way."""
    await delivering.knows("a:1", "a:2")
    delivering.channel.answers.extend([Answer(status=200), Answer(status=400)])
    answer = await connect(demo=True).get("/api/notify")
    assert "1 of 2 is out, 1 did not arrive." in answer.text


async def test_with_nobody_known_the_page_says_so(delivering: World, connect: Connect) -> None:
    """And what to do."""
    answer = await connect(demo=True).get("/api/notify")
    assert answer.status_code == 200
    assert "Nobody is known yet." in answer.text


async def test_the_page_is_not_for_fetching_ahead(delivering: World, connect: Connect) -> None:
    """Browsers fetch addresses while they are typed."""
    await delivering.knows("a:1")
    client = connect(demo=True)
    for headers in ({"Sec-Purpose": "prefetch;prerender"}, {"Purpose": "prefetch"}):
        assert_problem(await client.get("/api/notify", headers=headers), 503, "prefetch")
    assert await delivering.accepted() == 0


async def test_the_page_takes_no_parameters(delivering: World, connect: Connect) -> None:
    """It tells everybody, which is not what ?to=user:ana asks for."""
    await delivering.knows("a:1")
    client = connect(demo=True)
    for query in ("to=user:ana", "text=hi", "to=", "x"):
        problem = assert_problem(await client.get(f"/api/notify?{query}"), 422, "invalid_input")
        assert "everybody" in problem["detail"]
    assert await delivering.accepted() == 0


# -- the API ---------------------------------------------------------------------------------


async def test_accepted_is_answered_with_where_to_ask(world: World, connect: Connect) -> None:
    """202, Location, ids; and the location answers."""
    await world.knows("a:1")
    client = connect()
    answer = await client.post("/api/notify", json={"to": ANA, "text": "hi"})
    assert answer.status_code == 202
    accepted = answer.json()
    assert accepted["replayed"] is False
    assert len(accepted["deliveries"]) == 1
    assert answer.headers["location"] == f"/api/notifications/{accepted['id']}"
    progress = (await client.get(answer.headers["location"])).json()
    assert progress["counts"] == {"pending": 1}
    assert (progress["total"], progress["out"], progress["settled"]) == (1, 0, False)


async def test_waiting_tells_how_far_it_came(delivering: World, connect: Connect) -> None:
    """With wait the answer is held back until it is delivered."""
    await delivering.knows("a:1")
    answer = await connect().post("/api/notify", json={"to": ANA, "text": "hi", "wait": 5})
    assert answer.status_code == 202
    assert answer.json()["progress"]["out"] == 1


async def test_a_broadcast_has_no_deliveries_yet(world: World, connect: Connect) -> None:
    """They are made after it is accepted."""
    await world.knows("a:1", "a:2")
    answer = await connect().post("/api/notify", json={"to": "all", "text": "hi"})
    assert answer.json()["deliveries"] == []
    assert await world.store.expand(world.clock.now(), 10) == 2


async def test_several_are_named_in_a_list(world: World, connect: Connect) -> None:
    """Each gets one, however often named."""
    await world.knows("a:1", "a:2")
    to = [ANA, "conversation:a:2", "bot://conversation/a:1"]
    answer = await connect().post("/api/notify", json={"to": to, "text": "hi"})
    assert len(answer.json()["deliveries"]) == 2


async def test_every_option_arrives(world: World, connect: Connect) -> None:
    """What is sent is what is stored."""
    await world.knows("a:1")
    answer = await connect().post(
        "/api/notify",
        json={
            "to": ANA,
            "activity": {"type": "message", "text": "hi", "summary": "s"},
            "when": "2099-01-01T10:00:00+02:00",
            "expires": "2099-01-02T00:00:00Z",
            "priority": "urgent",
            "on_unknown": "park",
            "collapse_key": "c",
            "category": "news",
            "mode": "now",
            "user": {"id": "29:ana"},
        },
    )
    assert answer.status_code == 202, answer.text
    detail = await world.store.delivery(answer.json()["deliveries"][0])
    assert detail is not None
    assert detail.delivery.state is State.SCHEDULED
    assert detail.delivery.due_at == datetime(2099, 1, 1, 8, tzinfo=UTC)
    assert detail.delivery.expires_at == datetime(2099, 1, 2, tzinfo=UTC)
    assert detail.delivery.user == {"id": "29:ana"}
    assert detail.content is not None
    assert '"summary":"s"' in detail.content


async def test_a_handler_gets_its_value(world: World, connect: Connect) -> None:
    """A turn delivery names its handler instead of saying something."""
    await world.knows("a:1")
    answer = await connect().post(
        "/api/notify",
        json={"to": ANA, "handler": "greet", "value": {"n": [1, None]}, "value_type": "x"},
    )
    assert answer.status_code == 202, answer.text
    detail = await world.store.delivery(answer.json()["deliveries"][0])
    assert detail is not None
    assert detail.handler == "greet"


async def test_a_delay_is_seconds_from_now(world: World, connect: Connect) -> None:
    """Both when and expires take both forms."""
    await world.knows("a:1")
    world.outbox._clock = HandClock()  # noqa: SLF001 - the outbox's idea of now
    answer = await connect().post(
        "/api/notify", json={"to": ANA, "text": "hi", "when": 90, "expires": 120.5}
    )
    detail = await world.store.delivery(answer.json()["deliveries"][0])
    assert detail is not None
    assert detail.delivery.due_at == HandClock().now() + timedelta(seconds=90)
    assert detail.delivery.expires_at == HandClock().now() + timedelta(seconds=120.5)


# -- idempotency -----------------------------------------------------------------------------


@pytest.mark.parametrize("again", ["k-1", '"k-1"'])
async def test_the_same_key_is_accepted_once(world: World, connect: Connect, again: str) -> None:
    """Quoted, as the draft says, or bare, as everybody sends it."""
    await world.knows("a:1")
    client = connect()
    body = {"to": ANA, "text": "hi"}
    first = await client.post("/api/notify", json=body, headers={"Idempotency-Key": "k-1"})
    second = await client.post("/api/notify", json=body, headers={"Idempotency-Key": again})
    assert "idempotency-replay" not in first.headers
    assert second.headers["idempotency-replay"] == "true"
    assert second.status_code == 202
    assert second.json() == {**first.json(), "replayed": True}
    assert await world.accepted() == 1


async def test_the_same_key_for_something_else_is_refused(world: World, connect: Connect) -> None:
    """Or the caller would think the second one was accepted."""
    await world.knows("a:1")
    client = connect()
    headers = {"Idempotency-Key": "k"}
    await client.post("/api/notify", json={"to": ANA, "text": "a"}, headers=headers)
    answer = await client.post("/api/notify", json={"to": ANA, "text": "b"}, headers=headers)
    assert_problem(answer, 422, "idempotency_conflict")
    assert await world.accepted() == 1


@pytest.mark.parametrize("key", ["", '""', "x" * 256])
async def test_a_key_has_a_length(world: World, connect: Connect, key: str) -> None:
    """1 to 255 characters."""
    await world.knows("a:1")
    answer = await connect().post(
        "/api/notify", json={"to": ANA, "text": "a"}, headers={"Idempotency-Key": key}
    )
    assert_problem(answer, 422, "invalid_input")
    assert await world.accepted() == 0


# -- plain text ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "text/plain; charset=utf-8"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {},
    ],
    ids=["text", "charset", "curl -d", "none"],
)
async def test_a_plain_body_is_a_message(
    world: World, connect: Connect, headers: dict[str, str]
) -> None:
    """The first message by plain curl; `curl -d` calls its body a form."""
    await world.knows("a:1", "a:2")
    answer = await connect().post("/api/notify?to=all", content="Hola, ¿qué tal?", headers=headers)
    assert answer.status_code == 202, answer.text
    assert await world.store.expand(world.clock.now(), 10) == 2
    (one, _) = (await world.store.deliveries(DeliveryFilter())).items
    detail = await world.store.delivery(one.id)
    assert detail is not None
    assert detail.content is not None
    assert "Hola, ¿qué tal?" in detail.content


@pytest.mark.parametrize("way", [{"headers": {"X-To": ANA}}, {"params": {"to": ANA}}])
async def test_a_plain_body_can_say_to_whom(
    world: World, connect: Connect, way: dict[str, Any]
) -> None:
    """In a header, or in the query."""
    await world.knows("a:1", "a:2")
    answer = await connect().post("/api/notify", content="hi", **way)
    assert len(answer.json()["deliveries"]) == 1


@pytest.mark.parametrize(
    ("query", "headers", "told"),
    [
        ("", [], "Say whom"),
        ("?to=", [], "Say whom"),
        ("?to=%20", [], "Say whom"),
        ("", [("X-To", "")], "Say whom"),
        ("?to=all&to=all", [], "more than once"),
        (f"?to={ANA}&to=all", [], "more than once"),
        ("?to=&to=all", [], "more than once"),
        ("", [("X-To", ANA), ("X-To", "all")], "more than once"),
        ("?to=all", [("X-To", ANA)], "more than once"),
        (f"?to={ANA}", [("X-To", ANA)], "more than once"),
        ("?to=", [("X-To", ANA)], "more than once"),
        ("?To=all", [], "no query parameter To"),
        (f"?to={ANA}&when=60", [], "no query parameter when"),
        ("?user=ana", [("X-To", ANA)], "no query parameter user"),
    ],
)
async def test_a_plain_body_goes_to_nobody_by_default(
    world: World, connect: Connect, query: str, headers: list[tuple[str, str]], told: str
) -> None:
    """A recipient that was forgotten or mistyped does not become everybody."""
    await world.knows("a:1", "a:2")
    answer = await connect().post(f"/api/notify{query}", content="hi", headers=headers)
    problem = assert_problem(answer, 422, "invalid_input")
    assert told in problem["detail"]
    assert await world.store.expand(world.clock.now(), 10) == 0
    assert await world.accepted() == 0


@pytest.mark.parametrize(
    ("query", "headers"),
    [("?to=all", {}), ("?to=", {}), ("", {"X-To": ANA}), ("?when=60", {}), ("?wait=1", {})],
)
async def test_a_json_body_says_everything_itself(
    world: World, connect: Connect, query: str, headers: dict[str, str]
) -> None:
    """What stands beside it would be ignored."""
    await world.knows("a:1")
    answer = await connect().post(
        f"/api/notify{query}", json={"to": ANA, "text": "hi"}, headers=headers
    )
    problem = assert_problem(answer, 422, "invalid_input")
    assert "body" in problem["detail"]
    assert await world.accepted() == 0


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("text/plain", '{"to": "user:ana", "text": "x"}'),
        ("text/plain; charset=utf-8", '\ufeff\n {"text": "x"}'),
        ("application/x-www-form-urlencoded", '{"to": "user:ana", "text": "x"}'),
        ("application/x-www-form-urlencoded", '  {"text": "x"}'),
        ("", '{"text": "x"}'),
        ("multipart/form-data; boundary=x", "--x--"),
        ("text/html", "<p>"),
    ],
)
async def test_json_in_disguise_is_not_read_out_to_everybody(
    world: World, connect: Connect, kind: str, body: str
) -> None:
    """Forgetting a header is easy, and taking it back is not."""
    await world.knows("a:1")
    answer = await connect().post(
        "/api/notify?to=all", content=body.encode(), headers={"Content-Type": kind}
    )
    problem = assert_problem(answer, 415, "unsupported_media_type")
    assert "Content-Type: application/json" in problem["detail"]
    assert await world.accepted() == 0


async def test_text_is_utf8(connect: Connect) -> None:
    """Half a character is no message."""
    answer = await connect().post(
        "/api/notify", content=b"\xff", headers={"Content-Type": "text/plain"}
    )
    assert_problem(answer, 400, "not_utf8")


# -- bad input -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "status", "code", "told"),
    [
        ({"to": "user:nobody"}, 404, "unknown_recipient", "nobody"),
        ({"to": "conversation:gone"}, 404, "unknown_recipient", "gone"),
        ({"to": [ANA, "user:nobody"]}, 404, "unknown_recipient", "nobody"),
        ({"to": "ana"}, 422, "invalid_audience", "user:<id"),
        ({"to": [ANA, "all"]}, 422, "invalid_audience", "all"),
        ({"to": []}, 422, "invalid_input", "to"),
        ({"to": ""}, 422, "invalid_input", "to"),
        ({"to": 5}, 422, "invalid_input", "to"),
        ({"to": None}, 422, "invalid_input", "to"),
        ({"text": None}, 422, "invalid_input", "nothing to say"),
        ({"text": ""}, 422, "invalid_activity", "nothing to say"),
        ({"text": 5}, 422, "invalid_input", "text"),
        ({"text": "x" * 120_000}, 413, "content_too_large", "102,400"),
        ({"activity": {"type": "message", "text": "b"}}, 422, "invalid_input", "not both"),
        ({"text": None, "activity": []}, 422, "invalid_input", "activity"),
        ({"text": None, "activity": {"text": 5}}, 422, "invalid_activity", "text"),
        ({"handler": "h"}, 422, "invalid_input", "not both"),
        ({"value": 5}, 422, "invalid_input", "handler"),
        ({"mode": "politely"}, 422, "invalid_input", "when_idle"),
        ({"quiet": 5}, 422, "invalid_input", "quiet is for the mode 'when_idle'"),
        ({"max_wait": 60}, 422, "invalid_input", "leave out max_wait"),
        ({"mode": "when_idle", "quiet": 0}, 422, "invalid_input", "quiet"),
        ({"mode": "next_turn", "max_wait": "1h"}, 422, "invalid_input", "max_wait"),
        ({"answer_value": 1}, 422, "invalid_input", "answer_handler"),
        ({"answer_handler": "h", "answer_within": -1}, 422, "invalid_input", "answer_within"),
        ({"when": "tomorrow"}, 422, "invalid_input", "when"),
        ({"when": "2030-01-01T10:00:00"}, 422, "invalid_input", "time zone"),
        ({"when": "5"}, 422, "invalid_input", "when"),
        ({"when": -1}, 422, "invalid_input", "seconds"),
        ({"when": 1e300}, 422, "invalid_input", "0 to 316224000, which is 3660 days"),
        ({"mode": "as_turn"}, 422, "invalid_input", "as_turn takes value and value_type; leave"),
        (
            {"mode": "as_turn", "text": None, "activity": {"text": "hi"}},
            422,
            "invalid_input",
            "leave out text and activity",
        ),
        ({"to": [ANA, ""]}, 422, "invalid_input", "to: write all, user:"),
        ({"to": [ANA, 5]}, 422, "invalid_input", "to: write all, user:"),
        ({"to": "x" * 5000}, 422, "invalid_input", "4096"),
        ({"to": [ANA] * 1001}, 422, "invalid_input", "1000"),
        ({"wait": -1}, 422, "invalid_input", "0 to 30, or true"),
        ({"when": True}, 422, "invalid_input", "when"),
        ({"expires": 0}, 422, "invalid_input", "expires"),
        ({"when": 60, "expires": 30}, 422, "invalid_input", "expires"),
        ({"priority": "highest"}, 422, "invalid_input", "urgent"),
        ({"priority": 0}, 422, "invalid_input", "urgent"),
        ({"on_unknown": "shrug"}, 422, "invalid_input", "park"),
        ({"wait": "yes"}, 422, "invalid_input", "wait"),
        ({"wait": 3600}, 422, "invalid_input", "wait"),
        ({"collapse_key": ""}, 422, "invalid_input", "collapse_key"),
        ({"user": "ana"}, 422, "invalid_input", "user"),
        ({"recipient": "ana"}, 422, "invalid_input", "known are to, text"),
        ({"To": "all"}, 422, "invalid_input", "known are to, text"),
    ],
    ids=str,
)
async def test_bad_input_is_refused_and_nothing_is_kept(  # noqa: PLR0917 - a table
    world: World,
    connect: Connect,
    change: dict[str, Any],
    status: int,
    code: str,
    told: str,
) -> None:
    """A clear 4xx, and not half of it in the database."""
    await world.knows("a:1")
    answer = await connect().post("/api/notify", json={"to": ANA, "text": "hi"} | change)
    problem = assert_problem(answer, status, code)
    assert told in problem["detail"]
    assert await world.accepted() == 0
    backlog = await world.store.backlog()
    assert (sum(backlog.waiting.values()), backlog.expanding) == (0, 0)


@pytest.mark.parametrize("body", [b"", b"{", b'{"to": NaN}', b'{"value": 1e999}', b"\xff"])
async def test_malformed_json_is_refused(connect: Connect, body: bytes) -> None:
    """As everywhere."""
    answer = await connect().post(
        "/api/notify", content=body, headers={"Content-Type": "application/json"}
    )
    assert_problem(answer, 400, "malformed_json")


async def test_several_faults_are_told_at_once(connect: Connect) -> None:
    """Each with its field."""
    answer = await connect().post("/api/notify", json={"to": 5, "text": 5, "x": 1})
    problem = assert_problem(answer, 422, "invalid_input")
    assert {"text", "x"} <= {entry["field"] for entry in problem["errors"]}


@pytest.mark.parametrize(
    "bad",
    [{"to": 5}, {"to": []}, {"to": ""}, {"wait": "soon"}, {"wait": 31}, {"when": 1e300}],
    ids=str,
)
async def test_a_field_is_told_once_in_plain_words(connect: Connect, bad: dict[str, Any]) -> None:
    """Without the insides of the validation."""
    answer = await connect().post("/api/notify", json={"to": ANA, "text": "hi"} | bad)
    problem = assert_problem(answer, 422, "invalid_input")
    assert [entry["field"] for entry in problem["errors"]] == list(bad)
    for inside in ("constrained", "[", "Input should", "boolean", "valid list"):
        assert inside not in problem["detail"]


async def test_a_missing_recipient_is_named(connect: Connect) -> None:
    """In JSON as in text."""
    problem = assert_problem(
        await connect().post("/api/notify", json={"text": "hi"}), 422, "invalid_input"
    )
    assert problem["detail"] == "to: It is required."


async def test_the_bots_own_turn_gets_a_value(world: World, connect: Connect) -> None:
    """As the documents show it."""
    await world.knows("a:1")
    body = {"to": ANA, "mode": "as_turn", "value": {"n": 1}, "value_type": "example.com/order"}
    answer = await connect().post("/api/notify", json=body)
    assert answer.status_code == 202, answer.text


async def test_something_polite_is_asked(world: World, connect: Connect) -> None:
    """Lengths are seconds; the same again is the same request, another mode is not."""
    await world.knows("a:1")
    body = {
        "to": ANA,
        "text": "Which size?",
        "mode": "when_idle",
        "quiet": 5,
        "max_wait": 90.5,
        "answer_handler": "size",
        "answer_value": {"order": 17},
        "answer_within": 600,
    }
    again = {"Idempotency-Key": "k"}
    answer = await connect().post("/api/notify", json=body, headers=again)
    assert answer.status_code == 202, answer.text
    answer = await connect().post("/api/notify", json=body, headers=again)
    assert answer.json()["replayed"] is True
    other = body | {"max_wait": 91}
    answer = await connect().post("/api/notify", json=other, headers=again)
    assert_problem(answer, 422, "idempotency_conflict")
    other = body | {"answer_value": {"order": 18}}
    answer = await connect().post("/api/notify", json=other, headers=again)
    assert_problem(answer, 422, "idempotency_conflict")


async def test_an_unknown_notification_is_a_404(connect: Connect) -> None:
    """As is anything else under that path."""
    answer = await connect().get("/api/notifications/nothing")
    assert_problem(answer, 404, "unknown_notification")


# -- a database that does not cooperate ------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (StoreUnavailable("The database is locked by another process."), "store_unavailable"),
        (StoreFull("The disk is full."), "store_full"),
        (StoreReadOnly("The database cannot be written."), "store_read_only"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_what_cannot_be_committed_is_a_503(
    world: World, connect: Connect, error: StoreError, code: str, method: str
) -> None:
    """Never accepted, and the caller is told when to try again."""
    await world.knows("a:1")
    client = connect(store=Broken(world, error, "accept"))
    body = {"to": "all", "text": "hi"} if method == "POST" else None
    answer = await client.request(method, "/api/notify", json=body)
    assert_problem(answer, 503, code)
    assert int(answer.headers["retry-after"]) > 0
    assert await world.accepted() == 0


async def test_what_is_committed_is_accepted_whatever_comes_after(
    world: World, connect: Connect
) -> None:
    """A database that fails while the caller waits does not turn the answer into a refusal."""
    await world.knows("a:1")
    store = Broken(world, StoreUnavailable("It is locked."), "progress")
    client = connect(store=store)
    answer = await client.post("/api/notify", json={"to": ANA, "text": "hi", "wait": True})
    assert answer.status_code == 202
    assert "progress" not in answer.json()
    page = await client.get("/api/notify")
    assert page.status_code == 200
    assert "on their way" in page.text


async def test_the_pages_and_the_api_set_no_cookies(world: World, connect: Connect) -> None:
    """Nothing here knows sessions."""
    client = connect()
    for answer in (await client.get("/api/notify"), await client.get("/api/jobs")):
        assert "set-cookie" not in answer.headers


async def test_the_recipients_of_text_are_in_the_api_description(connect: Connect) -> None:
    """Beside the parameters FastAPI finds itself."""
    described = (await connect().get("/openapi.json")).json()["paths"]["/api/notify"]["post"]
    names = {(each["in"], each["name"].lower()) for each in described["parameters"]}
    assert names == {
        ("query", "to"),
        ("query", "dry_run"),
        ("header", "x-to"),
        ("header", "idempotency-key"),
    }

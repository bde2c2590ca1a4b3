"""The dispatcher: order, pace and patience."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from recado.channel.port import Post
from recado.domain.delivery import HeldReason, OnUnknown, Outcome, Priority, State
from recado.domain.policy import Answer, Failure
from recado.domain.reference import Health
from recado.engine.dispatcher import DispatcherSettings
from recado.telemetry import AttemptEnded
from tests.engine.kit import OTHER_HOST, Bench, failed, parsed

MakeBench = Callable[..., Awaitable[Bench]]

UNAVAILABLE = Answer(status=503, retry_after=1)
AMBIGUOUS = Answer(failure=Failure.AMBIGUOUS, retry_after=1)
BLOCKED = Answer(status=403, sub_code="MessageWritesBlocked")


# -- what goes out ---------------------------------------------------------------------------


async def test_a_request_carries_content_and_address(bench: Bench) -> None:
    """And the delivery's name, by which channels of our own recognise a repetition."""
    made = await bench.say("hé 🎈", await bench.meet("a:1|x"), user={"id": "29:ben"})
    await bench.start()
    (sent,) = bench.channel.sent
    assert sent.post.key == made
    assert (sent.post.bot, sent.post.channel) == ("local", "msteams")
    assert sent.post.service_url == "https://smba.trafficmanager.net/emea/"
    assert (sent.post.conversation_id, sent.post.method) == ("a:1|x", "POST")
    activity = parsed(sent.post.body)
    assert activity["text"] == "hé 🎈"
    assert activity["from"] == {"id": "28:bot", "name": "Bot"}
    assert activity["recipient"] == {"id": "29:ben"}
    assert activity["conversation"]["id"] == "a:1|x"
    assert "replyToId" not in activity


async def test_an_attempt_is_committed_before_its_request_leaves(
    bench: Bench, tmp_path: Path
) -> None:
    """Whoever looks into the database while the channel is asked finds the attempt."""
    await bench.say("hello", await bench.meet())
    seen: list[tuple[str, int]] = []

    def look(_: Post) -> Answer:
        db = sqlite3.connect(tmp_path / "recado.db")
        seen.append(db.execute("SELECT state, attempts FROM recado_delivery").fetchone())
        db.close()
        return Answer(status=200)

    bench.channel.answers.append(look)
    await bench.start()
    assert seen == [("sending", 1)]


async def test_a_receipt_ends_the_delivery(bench: Bench) -> None:
    """With the channel's id for it, told to telemetry and to whoever waits."""
    made = await bench.say("hello", await bench.meet())
    bench.channel.answers.append(Answer(status=201, activity_id="1:abc"))
    await bench.start()
    detail = await bench.detail(made)
    assert detail.delivery.state is State.DELIVERED
    assert detail.delivery.evidence is not None
    assert detail.delivery.evidence.activity_id == "1:abc"
    (ended,) = bench.told(AttemptEnded)
    assert (ended.delivery_id, ended.attempt, ended.outcome) == (made, 1, "delivered")
    assert bench.settled == 1


async def test_one_lane_is_served_in_order(bench: Bench) -> None:
    """One request at a time, each after the answer to the one before."""
    reference = await bench.meet()
    wanted = [str(number) for number in range(10)]
    for text in wanted:
        await bench.say(text, reference)
    await bench.start()
    assert bench.texts_sent == wanted
    assert bench.channel.busiest == 1


async def test_connections_are_never_exceeded(make_bench: MakeBench) -> None:
    """And no attempt is committed for which there is no free one."""
    bench = await make_bench(settings=DispatcherSettings(connections=3))
    for number in range(10):
        await bench.say("hello", await bench.meet(f"a:{number}"))
    bench.channel.open.clear()
    await bench.start()
    assert bench.channel.busy == 3
    assert len(await bench.ids(state=State.SENDING)) == 3
    assert len(await bench.ids(state=State.PENDING)) == 7
    bench.channel.open.set()
    await bench.quiet()
    assert len(await bench.ids(state=State.DELIVERED)) == 10
    assert bench.channel.busiest == 3


async def test_one_connection_is_enough(make_bench: MakeBench) -> None:
    """It is free as soon as its answer has come, not when somebody gets round to it."""
    bench = await make_bench(settings=DispatcherSettings(connections=1, settle_batch=1))
    for number in range(20):
        await bench.say("hello", await bench.meet(f"a:{number}"))
    await bench.start()
    assert len(await bench.ids(state=State.DELIVERED)) == 20


async def test_answers_are_settled_in_batches(make_bench: MakeBench) -> None:
    """No commit settles more than it may, and none is forgotten."""
    bench = await make_bench(settings=DispatcherSettings(connections=50, settle_batch=4))
    sizes: list[int] = []
    bench.store.refuses = lambda batch: sizes.append(len(batch))
    for number in range(50):
        await bench.say("hello", await bench.meet(f"a:{number}"))
    bench.channel.open.clear()
    await bench.start()
    bench.channel.open.set()
    await bench.quiet()
    assert len(await bench.ids(state=State.DELIVERED)) == 50
    assert (max(sizes), sum(sizes)) == (4, 50)


async def test_urgent_ones_leave_first(make_bench: MakeBench) -> None:
    """Among lanes, and within a lane behind the one in flight."""
    bench = await make_bench(settings=DispatcherSettings(connections=1))
    here = await bench.meet("a:here")
    bench.channel.shut_out("a:here")
    await bench.say("first", here)
    await bench.start()
    await bench.say("second", here)
    await bench.say("elsewhere", await bench.meet("a:elsewhere"))
    await bench.say("urgent", here, priority=Priority.URGENT)
    bench.later(1)
    bench.channel.let_in("a:here")
    await bench.quiet()
    assert bench.texts_sent == ["first", "urgent", "elsewhere", "second"]


# -- one conversation does not delay another -------------------------------------------------


async def test_a_failing_conversation_delays_no_other(bench: Bench) -> None:
    """Trap 1: the loop does not stop at an error. Not a moment passes on the clock."""
    failing = await bench.meet("a:failing")
    bench.channel.plan("a:failing", *[failed(503)] * 100)
    for number in range(20):
        await bench.say("x", failing)
        await bench.say("hello", await bench.meet(f"a:{number}"))
    await bench.start()
    assert len(await bench.ids(state=State.DELIVERED)) == 20
    assert bench.channel.said_to("a:failing") == ["x"]


async def test_a_rate_limit_of_one_conversation_delays_no_other(bench: Bench) -> None:
    """Trap 9: one 429 does not stop all chats of the process."""
    await bench.say("limited", await bench.meet("a:limited"))
    bench.channel.plan("a:limited", failed(429, retry_after=30))
    await bench.start()
    for number in range(5):
        await bench.say("hello", await bench.meet(f"a:{number}"))
    await bench.quiet()
    assert len(await bench.ids(state=State.DELIVERED)) == 5
    assert len(await bench.ids(state=State.RETRYING)) == 1


async def test_a_hanging_request_delays_no_retry_of_another(bench: Bench) -> None:
    """While the channel keeps one waiting, what becomes due elsewhere is tried."""
    bench.channel.shut_out("a:hanging")
    await bench.say("hanging", await bench.meet("a:hanging"))
    await bench.say("retried", await bench.meet("a:retried"))
    bench.channel.plan("a:retried", UNAVAILABLE)
    await bench.start()
    assert bench.channel.said_to("a:retried") == ["retried"]
    await bench.wind(1)
    assert bench.channel.said_to("a:retried") == ["retried", "retried"]
    assert bench.channel.busy == 1


async def test_a_hanging_request_delays_no_new_notification(bench: Bench) -> None:
    """It is found at once, without the clock moving."""
    bench.channel.shut_out("a:hanging")
    await bench.say("hanging", await bench.meet("a:hanging"))
    await bench.start()
    await bench.say("new", await bench.meet("a:new"))
    await bench.quiet()
    assert bench.channel.said_to("a:new") == ["new"]


async def test_a_hanging_request_delays_no_other_process(
    bench: Bench, make_bench: MakeBench
) -> None:
    """What another process accepted is found by the next poll."""
    bench.channel.shut_out("a:hanging")
    await bench.say("hanging", await bench.meet("a:hanging"))
    await bench.start()
    other = await make_bench()
    await other.say("new", await other.meet("a:new"))
    await bench.wind(0.25)
    assert bench.channel.said_to("a:new") == ["new"]


async def test_the_future_blocks_nothing(bench: Bench) -> None:
    """Trap 10: a future-dated delivery holds no lock of its lane."""
    reference = await bench.meet()
    await bench.say("tomorrow", reference, due_at=bench.now + timedelta(days=1))
    await bench.say("now", reference)
    await bench.start()
    assert bench.texts_sent == ["now"]
    await bench.wind(timedelta(days=1))
    assert bench.texts_sent == ["now", "tomorrow"]


async def test_a_fast_lane_does_not_starve_the_others(make_bench: MakeBench) -> None:
    """With one connection, lanes of one priority take turns."""
    bench = await make_bench(settings=DispatcherSettings(connections=1))
    for name in ("a:long", "a:short"):
        reference = await bench.meet(name)
        for number in range(3):
            await bench.say(f"{name} {number}", reference)
            bench.later(1)
    # Each answer takes a second, as answers do.

    def slowly(_: Post) -> Answer:
        bench.later(1)
        return Answer(status=200)

    bench.channel.answers.extend([slowly] * 6)
    await bench.start()
    heard = [each.post.conversation_id for each in bench.channel.sent]
    assert heard == ["a:long", "a:short"] * 3


# -- patience --------------------------------------------------------------------------------


async def test_retry_after_is_obeyed_and_it_is_delivered_once(bench: Bench) -> None:
    """Trap 5: a 429 is not the end of a delivery, and its copy is not ignored."""
    made = await bench.say("hello", await bench.meet())
    bench.channel.plan("a:1", failed(429, retry_after=7))
    await bench.start()
    assert await bench.standing(made) == (State.RETRYING, "http_429")
    await bench.wind(6.9)
    assert len(bench.channel.sent) == 1
    await bench.wind(0.1)
    assert len(bench.channel.sent) == 2
    assert await bench.state(made) is State.DELIVERED
    await bench.wind(3600)
    assert len(bench.channel.sent) == 2
    outcomes = [attempt.outcome for attempt in (await bench.detail(made)).attempts]
    assert outcomes == [Outcome.REJECTED, Outcome.DELIVERED]


async def test_a_retrying_head_keeps_its_lane_for_a_minute(bench: Bench) -> None:
    """What stands behind it waits, but not longer; then it comes again, behind the others."""
    reference = await bench.meet()
    first = await bench.say("first", reference)
    bench.channel.plan("a:1", *[failed(503, retry_after=20)] * 4)
    await bench.start()
    await bench.say("second", reference)
    for _ in range(2):
        await bench.wind(20)
        assert bench.texts_sent[-1] == "first"
        assert await bench.state(first) is State.RETRYING
    await bench.wind(20)
    # Its fourth attempt failed at the end of the minute: from here on it waits outside.
    assert bench.texts_sent == ["first"] * 4 + ["second"]
    assert await bench.standing(first) == (State.HELD, HeldReason.BACKOFF)
    (*_, last) = (await bench.detail(first)).attempts
    assert last.reason == "http_503"
    bench.channel.shut_out("a:1")
    await bench.say("third", reference)
    await bench.say("fourth", reference)
    await bench.wind(20)
    bench.channel.let_in("a:1")
    await bench.quiet()
    assert bench.texts_sent[5:] == ["third", "fourth", "first"]
    assert len(await bench.ids(state=State.DELIVERED)) == 4


async def test_what_never_succeeds_is_rejected_after_a_day(bench: Bench) -> None:
    """With a reason, and after many tries; nothing else of the lane waits for it."""
    reference = await bench.meet()
    made = await bench.say("hello", reference)
    bench.channel.plan("a:1", *[failed(503)] * 10_000)
    await bench.start()
    for _ in range(200):
        await bench.wind(600)
        if await bench.state(made) is State.REJECTED:
            break
    delivery = (await bench.detail(made)).delivery
    assert (delivery.state, delivery.reason) == (State.REJECTED, "http_503")
    assert delivery.settled_at is not None
    assert delivery.settled_at - delivery.accepted_at <= timedelta(hours=24)
    assert delivery.attempts > 100


async def test_an_unknown_outcome_is_tried_again(bench: Bench) -> None:
    """At least once: after a time-out the request is repeated, and the doubt is on record."""
    made = await bench.say("hello", await bench.meet(), on_unknown=OnUnknown.RETRY)
    bench.channel.plan("a:1", AMBIGUOUS)
    await bench.start()
    await bench.wind(1)
    assert bench.times_sent() == {made: 2}
    outcomes = [attempt.outcome for attempt in (await bench.detail(made)).attempts]
    assert outcomes == [Outcome.UNKNOWN, Outcome.DELIVERED]


@pytest.mark.parametrize("answer", [AMBIGUOUS, failed(502), failed(504), failed(522)])
async def test_an_unknown_outcome_is_parked_if_it_must_not_come_twice(
    bench: Bench, answer: Answer
) -> None:
    """At most once: nothing is repeated until a person decides, and the lane goes on."""
    reference = await bench.meet()
    made = await bench.say("hello", reference, on_unknown=OnUnknown.PARK)
    await bench.say("behind", reference)
    bench.channel.plan("a:1", answer)
    await bench.start()
    await bench.wind(10_000)
    assert bench.texts_sent == ["hello", "behind"]
    assert await bench.state(made) is State.UNKNOWN
    (attempt,) = (await bench.detail(made)).attempts
    assert attempt.outcome is Outcome.UNKNOWN


async def test_what_may_have_arrived_is_never_called_rejected(bench: Bench) -> None:
    """A refusal of the second try says nothing about the first."""
    made = await bench.say("hello", await bench.meet())
    bench.channel.plan("a:1", AMBIGUOUS, failed(400, "BadArgument"))
    await bench.start()
    await bench.wind(1)
    assert await bench.standing(made) == (State.UNKNOWN, "BadArgument")
    outcomes = [attempt.outcome for attempt in (await bench.detail(made)).attempts]
    assert outcomes == [Outcome.UNKNOWN, Outcome.REJECTED]


async def test_a_missing_conversation_is_tried_over_six_hours(bench: Bench) -> None:
    """Four times, and it cannot be made again: held for its person, who brings it back."""
    reference = await bench.meet()
    made = await bench.say("hello", reference)
    bench.channel.plan("a:1", *[failed(404, "ConversationNotFound")] * 4)
    await bench.start()
    assert await bench.state(made) is State.RETRYING
    assert (await bench.find()).health is Health.SUSPECT
    await bench.wind(30)
    assert len(bench.channel.sent) == 2
    await bench.wind(timedelta(hours=3))
    assert len(bench.channel.sent) == 3
    await bench.wind(timedelta(hours=3))
    assert len(bench.channel.sent) == 4
    assert await bench.standing(made) == (State.HELD, HeldReason.UNREACHABLE)
    found = await bench.find()
    assert (found.health, found.health_reason) == (Health.GONE, "not_found")
    await bench.wind(timedelta(days=30))
    assert len(bench.channel.sent) == 4
    await bench.see()
    await bench.quiet()
    assert await bench.state(made) is State.DELIVERED


async def test_a_conversation_heals_with_its_next_receipt(bench: Bench) -> None:
    """A 404 that passes leaves no suspicion behind."""
    await bench.say("hello", await bench.meet())
    bench.channel.plan("a:1", failed(404))
    await bench.start()
    await bench.wind(30)
    found = await bench.find()
    assert (found.health, found.health_reason) == (Health.ACTIVE, None)


async def test_a_blocked_conversation_costs_one_attempt(bench: Bench) -> None:
    """Everything for it waits until its person is back, and then goes out in order."""
    reference = await bench.meet()
    for text in ("one", "two", "three"):
        await bench.say(text, reference)
    bench.channel.plan("a:1", BLOCKED)
    await bench.start()
    await bench.say("four", reference)
    await bench.wind(timedelta(days=3))
    assert bench.texts_sent == ["one"]
    await bench.see()
    await bench.quiet()
    assert bench.texts_sent == ["one", "one", "two", "three", "four"]
    assert len(await bench.ids(state=State.DELIVERED)) == 4


WRONG_HOST = failed(403, "InvalidBotApiHost")


async def test_a_wrong_host_is_switched_once(bench: Bench) -> None:
    """To the other cloud's, at once, and for everything that follows."""
    reference = await bench.meet()
    made = await bench.say("hello", reference)
    bench.channel.plan("a:1", WRONG_HOST)
    await bench.start()
    assert await bench.state(made) is State.DELIVERED
    await bench.say("next", reference)
    await bench.quiet()
    hosts = [each.post.service_url for each in bench.channel.sent]
    assert hosts == ["https://smba.trafficmanager.net/emea/", OTHER_HOST, OTHER_HOST]


async def test_a_host_that_is_wrong_too_ends_it(bench: Bench) -> None:
    """There is no going back and forth."""
    made = await bench.say("hello", await bench.meet())
    bench.channel.plan("a:1", *[WRONG_HOST] * 10)
    await bench.start()
    assert len(bench.channel.sent) == 2
    assert await bench.standing(made) == (State.REJECTED, "InvalidBotApiHost")


async def test_without_another_host_there_is_no_switch(make_bench: MakeBench) -> None:
    """The refusal stands after one attempt, and nothing is tried in a circle."""
    bench = await make_bench(other_host=lambda _: None)
    made = await bench.say("hello", await bench.meet())
    bench.channel.plan("a:1", *[WRONG_HOST] * 10)
    await bench.start()
    assert len(bench.channel.sent) == 1
    assert await bench.standing(made) == (State.REJECTED, "InvalidBotApiHost")


async def test_what_expires_between_two_tries_is_not_tried_again(bench: Bench) -> None:
    """It ends when it expires, and what stands behind it goes on."""
    reference = await bench.meet()
    made = await bench.say("old", reference, expires_at=bench.now + timedelta(seconds=5))
    await bench.say("new", reference)
    bench.channel.plan("a:1", failed(503, retry_after=10))
    await bench.start()
    await bench.wind(5)
    assert await bench.standing(made) == (State.EXPIRED, "expires")
    assert bench.texts_sent == ["old", "new"]


async def test_a_refused_credential_waits_and_passes(bench: Bench) -> None:
    """It is nobody's fault in that conversation: all of the bot waits, and keeps its order."""
    reference = await bench.meet()
    made = await bench.say("one", reference)
    await bench.say("two", reference)
    bench.channel.plan("a:1", failed(401))
    await bench.start()
    assert await bench.standing(made) == (State.PENDING, "breaker")
    await bench.say("three", await bench.meet("a:2"))
    await bench.wind(59)
    assert bench.texts_sent == ["one"]
    await bench.wind(1)
    assert bench.texts_sent[:2] == ["one", "one"]
    assert sorted(map(str, bench.texts_sent[2:])) == ["three", "two"]
    first, _ = (await bench.detail(made)).attempts
    assert (first.reason, first.evidence.status) == ("unauthorized", 401)


async def test_a_conversation_missing_for_a_moment_costs_no_order(bench: Bench) -> None:
    """Such answers pass within seconds, and what was said first is still heard first."""
    reference = await bench.meet()
    await bench.say("first", reference)
    await bench.say("second", reference)
    bench.channel.plan("a:1", failed(404, "ConversationNotFound"))
    await bench.start()
    await bench.wind(30)
    assert bench.channel.texts == ["first", "first", "second"]


async def test_time_for_retries_counts_from_the_first_attempt(bench: Bench) -> None:
    """A reminder for tomorrow is retried like any other when its time has come."""
    reference = await bench.meet()
    made = await bench.say("reminder", reference, due_at=bench.now + timedelta(hours=25))
    bench.channel.plan("a:1", failed(503))
    await bench.start()
    await bench.wind(timedelta(hours=25))
    assert await bench.state(made) is State.RETRYING
    await bench.wind(60)
    assert await bench.state(made) is State.DELIVERED


async def test_time_for_retries_begins_anew_after_a_return(bench: Bench) -> None:
    """Two days of being unreachable use up none of it."""
    reference = await bench.meet()
    made = await bench.say("hello", reference)
    bench.channel.plan("a:1", failed(403, "ConversationBlockedByUser"), failed(503))
    await bench.start()
    assert await bench.standing(made) == (State.HELD, HeldReason.UNREACHABLE)
    await bench.wind(timedelta(days=2))
    await bench.see()
    await bench.quiet()
    assert await bench.state(made) is State.RETRYING
    await bench.wind(60)
    assert await bench.state(made) is State.DELIVERED

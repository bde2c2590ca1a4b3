"""Updates and recalls on their way out: what is asked of channels, and what they answer."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from recado.channel.local import CHANNEL, LOCAL_SERVICE_URL
from recado.channel.port import Post
from recado.domain.content import content_of
from recado.domain.delivery import OnUnknown, Priority, State
from recado.domain.notification import Action, Otherwise
from recado.domain.policy import Answer, Failure
from recado.domain.reference import Health
from recado.store.port import Accepted
from recado.testing import make_notification
from tests.engine.kit import Bench, failed

MakeBench = Callable[..., Awaitable[Bench]]

NOT_SUPPORTED = failed(405, "MethodNotAllowed")
NOT_THERE = failed(404, "ActivityNotFoundInConversation")
AMBIGUOUS = Answer(failure=Failure.AMBIGUOUS, retry_after=1)
NO_ID = Answer(status=201)


async def change(bench: Bench, target: str, action: Action, **changes: Any) -> Accepted:
    """Accept a change, and wait until it has been done."""
    told: dict[str, Any] = {
        "accepted_at": bench.now,
        "action": action,
        "target": target,
        "otherwise": Otherwise.REFUSE,
    }
    accepted = await bench.store.accept(make_notification(**(told | changes)), [])
    await bench.quiet()
    return accepted


async def update(bench: Bench, target: str, text: str = "new", **changes: Any) -> Accepted:
    """Update a notification; follow up where that cannot be."""
    told = {"content": content_of(text), "otherwise": Otherwise.FOLLOW_UP} | changes
    return await change(bench, target, Action.UPDATE, **told)


async def recall(bench: Bench, target: str, **changes: Any) -> Accepted:
    """Recall a notification; refuse where that cannot be."""
    return await change(bench, target, Action.RECALL, **({"content": None} | changes))


async def out(bench: Bench, *answers: Answer, **sighting: Any) -> str:
    """A notification that is out."""
    bench.channel.answers.extend(answers)
    accepted = await bench.accept("old", await bench.meet(**sighting))
    if not bench.dispatcher.running:
        await bench.start()
    await bench.quiet()
    return accepted.notification_id


def last(bench: Bench) -> Post:
    """The last request."""
    return bench.channel.sent[-1].post


# -- what is asked ---------------------------------------------------------------------------


async def test_an_update_is_a_put(bench: Bench) -> None:
    """Of the whole activity, under the id that the channel gave."""
    original = await out(bench)
    (made,) = (await update(bench, original)).delivery_ids
    post = last(bench)
    assert (post.method, post.activity_id) == ("PUT", "activity-1")
    assert post.conversation_id == "a:1"
    activity = json.loads(post.body or b"")
    assert (activity["text"], activity["from"]["id"]) == ("new", "28:bot")
    assert await bench.standing(made) == (State.DELIVERED, None)


async def test_a_recall_is_a_delete(bench: Bench) -> None:
    """With no body."""
    original = await out(bench)
    (made,) = (await recall(bench, original)).delivery_ids
    post = last(bench)
    assert (post.method, post.activity_id, post.body) == ("DELETE", "activity-1", None)
    assert await bench.state(made) is State.DELIVERED


async def test_an_unsent_copy_is_sent_with_the_new_words(bench: Bench) -> None:
    """As if it had said so from the start."""
    accepted = await bench.accept("old", await bench.meet())
    await bench.store.accept(
        make_notification(
            "new",
            accepted_at=bench.now,
            action=Action.UPDATE,
            target=accepted.notification_id,
            otherwise=Otherwise.REFUSE,
        ),
        [],
    )
    await bench.start()
    assert bench.texts_sent == ["new"]
    assert last(bench).method == "POST"


async def test_a_broadcast_is_updated_everywhere(bench: Bench) -> None:
    """By the services, in their steps."""
    for number in range(60):
        await bench.meet(f"a:{number}")
    original = (await bench.accept("old")).notification_id
    await bench.start()
    assert len(bench.channel.sent) == 60
    accepted = await update(bench, original)
    assert accepted.delivery_ids == ()
    await bench.wind(1)
    edits = bench.channel.sent[60:]
    assert len({each.post.conversation_id for each in edits}) == len(edits) == 60
    assert {each.post.method for each in edits} == {"PUT"}
    progress = await bench.store.progress(accepted.notification_id)
    assert progress is not None
    assert progress.changes is not None
    assert (progress.changes.changed, progress.settled) == (60, True)


# -- channels that cannot --------------------------------------------------------------------


async def test_without_an_id_a_message_follows(bench: Bench) -> None:
    """And says of itself that it is one."""
    original = await out(bench, NO_ID)
    (made,) = (await update(bench, original)).delivery_ids
    assert (last(bench).method, bench.texts_sent) == ("POST", ["old", "new"])
    assert await bench.standing(made) == (State.DELIVERED, "follow_up")


@pytest.mark.parametrize(
    ("action", "reason"), [(Action.UPDATE, "cannot_edit"), (Action.RECALL, "cannot_recall")]
)
async def test_without_an_id_it_is_refused(bench: Bench, action: Action, reason: str) -> None:
    """If nothing is to follow; the channel is not asked, and the record says why."""
    original = await out(bench, NO_ID)
    (made,) = (await change(bench, original, action)).delivery_ids
    assert await bench.standing(made) == (State.REJECTED, reason)
    assert len(bench.channel.sent) == 1
    (attempt,) = (await bench.detail(made)).attempts
    assert "no id" in (attempt.evidence.message or "")


@pytest.mark.parametrize("channel", ["directline", "webchat", "email"])
async def test_a_channel_known_to_be_unable_is_not_asked(bench: Bench, channel: str) -> None:
    """What it would accept and show to nobody is said in a message of its own."""
    original = await out(bench, channel=channel, service_url="https://x.botframework.com/")
    await update(bench, original)
    assert last(bench).method == "POST"
    (made,) = (await recall(bench, original)).delivery_ids[:1]
    assert await bench.standing(made) == (State.REJECTED, "cannot_recall")


async def test_the_local_channel_is_able(bench: Bench) -> None:
    """Though its conversations are Direct Line's to bots."""
    original = await out(bench, channel=CHANNEL, service_url=LOCAL_SERVICE_URL)
    await update(bench, original)
    assert last(bench).method == "PUT"


async def test_405_is_learned(bench: Bench, make_bench: MakeBench) -> None:
    """A channel that cannot is asked once: not for the next message, nor after a restart."""
    slack = {"channel": "slack", "service_url": "https://slack.botframework.com/"}
    original = await out(bench, **slack)
    bench.channel.answers.append(NOT_SUPPORTED)
    (made,) = (await update(bench, original)).delivery_ids
    assert [each.post.method for each in bench.channel.sent] == ["POST", "PUT", "POST"]
    assert await bench.standing(made) == (State.DELIVERED, "follow_up")
    other = await out(bench, **slack)
    await update(bench, other)
    assert last(bench).method == "POST"
    await recall(bench, other)
    assert "DELETE" in {each.post.method for each in bench.channel.sent}, "that is another thing"
    await bench.stop()
    heir = await make_bench(owner="second")
    await heir.start()
    another = await out(heir, **slack)
    await update(heir, another)
    assert [each.post.method for each in heir.channel.sent] == ["POST", "POST"]


async def test_405_refuses_what_nothing_is_to_follow(bench: Bench) -> None:
    """With the channel's own words as evidence."""
    original = await out(bench)
    bench.channel.answers.append(NOT_SUPPORTED)
    (made,) = (await recall(bench, original)).delivery_ids
    assert await bench.standing(made) == (State.REJECTED, "cannot_recall")
    (attempt,) = (await bench.detail(made)).attempts
    assert attempt.evidence.status == 405


# -- what channels answer --------------------------------------------------------------------


@pytest.mark.parametrize("action", [Action.UPDATE, Action.RECALL])
async def test_what_is_not_there_is_refused_for_that_copy(bench: Bench, action: Action) -> None:
    """The others go on."""
    one, two = await bench.meet("a:1"), await bench.meet("a:2")
    original = (await bench.accept("old", one, two)).notification_id
    await bench.start()
    bench.channel.plan("a:1", NOT_THERE)
    first, second = (await change(bench, original, action)).delivery_ids
    assert await bench.standing(first) == (State.REJECTED, "ActivityNotFoundInConversation")
    assert await bench.state(second) is State.DELIVERED


async def test_a_removal_that_may_have_arrived_has(bench: Bench) -> None:
    """When the second attempt finds nothing there."""
    original = await out(bench)
    bench.channel.answers.extend([AMBIGUOUS, NOT_THERE])
    (made,) = (await recall(bench, original)).delivery_ids
    await bench.wind(2)
    assert await bench.state(made) is State.DELIVERED


async def test_an_edit_of_what_is_gone_is_refused(bench: Bench) -> None:
    """Also when an earlier attempt may have arrived: there is nothing to decide about."""
    original = await out(bench)
    bench.channel.answers.extend([AMBIGUOUS, NOT_THERE])
    (made,) = (await update(bench, original)).delivery_ids
    await bench.wind(2)
    assert await bench.standing(made) == (State.REJECTED, "ActivityNotFoundInConversation")


@pytest.mark.parametrize(("status", "reason"), [(403, "forbidden"), (404, "not_found")])
async def test_a_refused_edit_says_nothing_of_the_conversation(
    bench: Bench, status: int, reason: str
) -> None:
    """It is tried once more, and what comes after it goes on."""
    original = await out(bench)
    bench.channel.answers.extend([failed(status), failed(status)])
    (made,) = (await update(bench, original)).delivery_ids
    assert await bench.state(made) is State.RETRYING
    await bench.wind(31)
    assert await bench.standing(made) == (State.REJECTED, reason)
    assert (await bench.detail(made)).health is Health.ACTIVE
    await bench.say("after", await bench.find())
    await bench.quiet()
    assert bench.texts_sent[-1] == "after"


async def test_an_edit_is_tried_again_even_at_most_once(bench: Bench) -> None:
    """Twice is as good as once; only a follow-up message is parked."""
    bench.channel.answers.extend([Answer(status=201, activity_id="m"), AMBIGUOUS])
    accepted = await bench.accept("old", await bench.meet(), on_unknown=OnUnknown.PARK)
    await bench.start()
    (made,) = (await update(bench, accepted.notification_id)).delivery_ids
    await bench.wind(2)
    assert await bench.standing(made) == (State.DELIVERED, None)
    bench.channel.answers.extend([NO_ID, AMBIGUOUS])
    other = await bench.accept("old", await bench.find(), on_unknown=OnUnknown.PARK)
    await bench.quiet()
    (made,) = (await update(bench, other.notification_id)).delivery_ids
    assert await bench.state(made) is State.UNKNOWN


async def test_an_edit_is_retried_like_a_message(bench: Bench) -> None:
    """And what comes after it waits."""
    original = await out(bench)
    bench.channel.answers.append(Answer(status=503, retry_after=5))
    await update(bench, original)
    await bench.say("after", await bench.find())
    await bench.quiet()
    assert bench.texts_sent == ["old", "new"]
    await bench.wind(6)
    assert bench.texts_sent == ["old", "new", "new", "after"]


async def test_a_change_in_the_middle_of_a_request_leaves_after_it(bench: Bench) -> None:
    """The message is on the wire when it is recalled; it is removed as soon as it is known."""
    bench.channel.shut_out("a:1")
    accepted = await bench.accept("old", await bench.meet(), priority=Priority.URGENT)
    await bench.start()
    await recall(bench, accepted.notification_id)
    assert [each.post.method for each in bench.channel.sent] == ["POST"]
    bench.channel.let_in("a:1")
    await bench.quiet()
    assert [each.post.method for each in bench.channel.sent] == ["POST", "DELETE"]
    assert last(bench).activity_id == "activity-1"


async def test_a_change_survives_the_process(bench: Bench, make_bench: MakeBench) -> None:
    """It was accepted, so the next process does it."""
    bench.channel.shut_out("a:1")
    accepted = await bench.accept("old", await bench.meet())
    await bench.start()
    await recall(bench, accepted.notification_id)
    await bench.crash()
    heir = await make_bench(owner="second")
    await heir.start()
    await heir.wind(31)
    methods = [each.post.method for each in heir.channel.sent]
    assert methods == ["POST", "DELETE"]

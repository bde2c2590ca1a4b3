"""What is enqueued counts when its transaction is committed, whichever driver that is on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from recado import Handle, Recado
from recado.domain.delivery import State
from recado.domain.notification import Progress
from recado.errors import (
    IdempotencyConflict,
    InvalidInput,
    UnknownNotification,
    UnknownRecipient,
)
from recado.outbox.composing import GivenOptions, Options
from recado.store.port import DeliveryFilter
from tests.enqueue.kit import Caller

ANA = "conversation:a:1"


async def standing(office: Recado) -> list[tuple[State, str | None]]:
    """Every delivery there is, oldest first."""
    page = await office.store.deliveries(DeliveryFilter())
    return [(each.state, each.reason) for each in reversed(page.items)]


async def pending(office: Recado) -> int:
    """How many are in their lanes, once what was enqueued has been taken up."""
    await office.store.expand(office.clock.now(), 500)
    return [state for state, _ in await standing(office)].count(State.PENDING)


async def test_committed_it_is_sent(caller: Caller, office: Recado) -> None:
    """And until then nobody sees anything of it."""
    handle = await caller.enqueue(ANA, "your order is on its way")
    assert isinstance(handle, Handle)
    await caller.commit()
    progress = await office.outbox.progress(handle.id)
    assert (progress.total, progress.expanded) == (1, True)
    assert await pending(office) == 1
    found = await office.outbox.delivery(handle.delivery_ids[0])
    assert "your order is on its way" in (found.content or "")


async def test_rolled_back_it_never_was(caller: Caller, office: Recado) -> None:
    """With it goes what the caller wrote, and nothing is left to be sent."""
    await caller.do("INSERT INTO orders VALUES (1)")
    handle = await caller.enqueue(ANA, "never said", idempotency_key="order-1")
    await caller.rollback()
    with pytest.raises(UnknownNotification):
        await office.outbox.progress(handle.id)
    assert await pending(office) == 0


async def test_a_savepoint_of_the_callers_takes_it_back(caller: Caller, office: Recado) -> None:
    """Only what was enqueued within it; what came before stays."""
    kept = await caller.enqueue(ANA, "kept")
    await caller.do("SAVEPOINT theirs")
    await caller.enqueue(ANA, "taken back")
    await caller.do("ROLLBACK TO SAVEPOINT theirs")
    await caller.commit()
    page = await office.store.deliveries(DeliveryFilter())
    assert [each.notification_id for each in page.items] == [kept.id]


@pytest.mark.parametrize(
    ("given", "options", "error"),
    [
        (("conversation:nobody", "hi"), {}, UnknownRecipient),
        ((ANA,), {}, InvalidInput),
        ((ANA, "hi"), {"priority": "whenever"}, InvalidInput),
        ((ANA, "hi"), {"idempotency_key": "taken"}, IdempotencyConflict),
        ((ANA, "hi"), {"idempotency_scope": "\udc00", "idempotency_key": "k"}, InvalidInput),
        (("user:\x00", "hi"), {}, InvalidInput),
    ],
)
async def test_a_refusal_leaves_the_transaction_usable(
    caller: Caller,
    office: Recado,
    given: tuple[Any, ...],
    options: dict[str, Any],
    error: type[Exception],
) -> None:
    """It is refused as notify would, and what the caller did before and does after counts."""
    await caller.enqueue(ANA, "before", idempotency_key="taken")
    with pytest.raises(error):
        await caller.enqueue(*given, **options)
    await caller.enqueue(ANA, "after")
    await caller.commit()
    assert await pending(office) == 2


async def test_the_same_key_is_accepted_once(caller: Caller, office: Recado) -> None:
    """Within the transaction, and in the next one."""
    first = await caller.enqueue(ANA, "once", idempotency_key="k")
    again = await caller.enqueue(ANA, "once", idempotency_key="k")
    await caller.commit()
    await caller.begin()
    later = await caller.enqueue(ANA, "once", idempotency_key="k")
    await caller.commit()
    assert [each.replayed for each in (first, again, later)] == [False, True, True]
    assert {each.delivery_ids for each in (first, again, later)} == {first.delivery_ids}
    through_notify = await office.notify(ANA, "once", idempotency_key="k")
    assert through_notify.replayed


async def test_a_broadcast_is_expanded_after_the_commit(caller: Caller, office: Recado) -> None:
    """To everybody known when it was enqueued."""
    handle = await caller.enqueue("all", "closed on Friday")
    await caller.commit()
    assert handle.delivery_ids == ()
    assert await pending(office) == 1


async def test_options_mean_what_they_mean_to_notify(caller: Caller, office: Recado) -> None:
    """A later one is scheduled, a newer version supersedes, and what is the same is suppressed."""
    week = timedelta(days=7)
    await caller.enqueue(ANA, "later", when=timedelta(hours=1))
    await caller.enqueue(ANA, "old", collapse_key="price")
    await caller.enqueue(ANA, "new", collapse_key="price")
    await caller.enqueue(ANA, "new", once_key="price", once_every=week)
    await caller.enqueue(ANA, "new again", once_key="price", once_every=week)
    await caller.commit()
    await office.store.expand(office.clock.now(), 500)
    assert sorted(await standing(office)) == sorted(
        [
            (State.SCHEDULED, None),
            (State.SUPERSEDED, "collapse_key"),
            (State.PENDING, None),
            (State.PENDING, None),
            (State.SUPPRESSED, "duplicate"),
        ]
    )


async def test_its_handle_can_be_asked_where_recado_is_open(caller: Caller, office: Recado) -> None:
    """Which may be the very Recado it was enqueued with, opened later."""
    handle = await caller.enqueue(ANA, "hi")
    await caller.commit()
    await caller.recado.open()
    try:
        progress: Progress = await handle.progress()
        assert progress.total == 1
    finally:
        await caller.recado.stop()


async def test_what_was_enqueued_can_be_cancelled_before_anybody_takes_it_up(
    caller: Caller, office: Recado
) -> None:
    """Also on a machine where nothing delivers."""
    handle = await caller.enqueue(ANA, "hi")
    await caller.commit()
    await office.outbox.cancel(handle.delivery_ids[0])
    assert await pending(office) == 0
    assert [state for state, _ in await standing(office)] == [State.CANCELLED]


async def test_what_was_enqueued_can_be_updated_before_anybody_takes_it_up(
    caller: Caller, office: Recado
) -> None:
    """The new words go out in its place."""
    handle = await caller.enqueue(ANA, "hi")
    await caller.commit()
    await office.outbox.update(handle.id, "hello")
    assert await pending(office) == 1
    (going,) = [
        each
        for each in (await office.store.deliveries(DeliveryFilter())).items
        if each.state is State.PENDING
    ]
    assert "hello" in ((await office.outbox.delivery(going.id)).content or "")


def test_options_are_those_of_notify() -> None:
    """By name and by type, so that a type checker knows them."""
    assert GivenOptions.__annotations__.keys() == Options.__dataclass_fields__.keys()

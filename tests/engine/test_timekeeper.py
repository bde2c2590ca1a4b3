"""The timekeeper: what is due enters its lane on time, and broadcasts are expanded."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

from recado.domain.delivery import State
from tests.engine.kit import Bench
from tests.store.kit import SECOND


async def test_what_is_due_leaves_on_time(bench: Bench) -> None:
    """Not before, and without being asked for."""
    reference = await bench.meet()
    await bench.say("later", reference, due_at=bench.now + 0.3 * SECOND)
    await bench.start()
    await bench.wind(0.29)
    assert bench.texts_sent == []
    await bench.wind(0.01)
    assert bench.texts_sent == ["later"]


async def test_what_was_accepted_later_and_is_due_sooner(bench: Bench) -> None:
    """A sleeping timekeeper learns of it."""
    reference = await bench.meet()
    await bench.say("in an hour", reference, due_at=bench.now + timedelta(hours=1))
    await bench.start()
    await bench.say("at once", reference, due_at=bench.now + 0.1 * SECOND)
    await bench.quiet()
    await bench.wind(0.1)
    assert bench.texts_sent == ["at once"]


async def test_a_long_pause_drops_nothing(bench: Bench) -> None:
    """Trap 11: however late it is, everything that became due is delivered, in order."""
    reference = await bench.meet()
    wanted = [str(number) for number in range(700)]
    for number, text in enumerate(wanted):
        await bench.say(text, reference, due_at=bench.now + (number + 1) * SECOND)
    bench.later(10**7)
    await bench.start()
    assert bench.texts_sent == wanted


async def test_reminders_outlive_their_process(
    bench: Bench, make_bench: Callable[..., Awaitable[Bench]]
) -> None:
    """Trap 8: timers are rows, not timers."""
    reference = await bench.meet()
    await bench.say("reminder", reference, due_at=bench.now + timedelta(days=1))
    await bench.start()
    await bench.crash()
    bench.later(86_400)
    successor = await make_bench(owner="second")
    await successor.start()
    assert successor.texts_sent == ["reminder"]


async def test_a_broadcast_is_expanded_and_delivered(bench: Bench) -> None:
    """To all who were known, in more steps than one, without the clock moving."""
    for number in range(1_100):
        await bench.see(f"a:{number}")
    await bench.start()
    accepted = await bench.accept("hello")
    await bench.quiet()
    progress = await bench.store.progress(accepted.notification_id)
    assert progress is not None
    assert progress.counts == {State.DELIVERED: 1_100}
    heard = [each.post.conversation_id for each in bench.channel.sent]
    assert len(set(heard)) == len(heard) == 1_100


async def test_what_has_outlived_its_use_ends_while_it_waits(bench: Bench) -> None:
    """Nobody has to try it first."""
    reference = await bench.meet()
    await bench.make_unreachable(reference)
    made = await bench.say("old", reference, expires_at=bench.now + SECOND)
    await bench.start()
    await bench.wind(1)
    assert await bench.standing(made) == (State.EXPIRED, "expires")


async def test_an_error_ends_no_timekeeping(bench: Bench) -> None:
    """A store that fails is asked again a second later."""
    reference = await bench.meet()
    await bench.say("later", reference, due_at=bench.now + SECOND)
    promote = bench.store.promote
    errors = [RuntimeError("bug")]

    async def failing(*args: object) -> int:
        if errors:
            raise errors.pop()
        return await promote(*args)  # type: ignore[arg-type]

    bench.store.promote = failing  # type: ignore[method-assign, assignment]
    await bench.start()
    assert bench.timekeeper.trouble == "RuntimeError: bug"
    await bench.wind(1)
    await bench.wind(1)
    assert not bench.timekeeper.trouble
    assert bench.texts_sent == ["later"]


async def test_idle_it_does_not_spin(bench: Bench) -> None:
    """It sleeps between looks even when something is due that is not its business."""
    reference = await bench.meet()
    await bench.say("hello", reference)
    looks = 0
    promote = bench.store.promote

    async def counted(*args: object) -> int:
        nonlocal looks
        looks += 1
        return await promote(*args)  # type: ignore[arg-type]

    bench.store.promote = counted  # type: ignore[method-assign, assignment]
    bench._services = [bench.timekeeper]  # noqa: SLF001 - without a dispatcher
    bench.timekeeper.start()
    await bench.quiet()
    for _ in range(20):
        await bench.wind(0.5)
    assert looks <= 22

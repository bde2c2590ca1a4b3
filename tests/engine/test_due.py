"""What is due while something else is under way leaves in time."""

from __future__ import annotations

from datetime import timedelta

from recado.channel.pacing import Pacer
from recado.domain.delivery import State
from recado.domain.pace import Profile
from tests.engine.kit import Bench


async def test_a_hung_request_does_not_slow_down_what_was_put_off(bench: Bench) -> None:
    """The dispatcher looks when the pace allows it, and not a poll later."""
    profile = Profile().changed({"send": "1/100ms"})
    paced = Bench(
        bench.store,
        bench.clock,
        channel=bench.channel,
        pacer=Pacer(bench.clock, {"msteams": profile}),
    )
    paced.channel.shut_out("a:hung")
    await paced.say("hung", await paced.meet("a:hung"))
    reference = await paced.meet("a:1")
    made = [await paced.say(f"{number}", reference) for number in range(5)]
    await paced.start()
    try:
        for _ in range(6):
            await paced.wind(timedelta(milliseconds=102))
        assert [await paced.state(each) for each in made] == [State.DELIVERED] * 5
    finally:
        paced.channel.let_in("a:hung")
        await paced.stop()

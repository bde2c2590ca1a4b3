"""Event activities taken in as events: only if somebody says so, and never at their word."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import pytest
from microsoft_agents.hosting.core import TurnContext

from recado.bot.observing import ObservedEvents
from recado.domain.event import Emitted, Event
from recado.errors import ConfigurationError, InvalidEvent
from recado.testing import FakeConnector, wired
from tests.bot.kit import Bench, Echo, Request, activity, make_adapter

NAME = "recado/observe"


class Observed:
    """What was taken in."""

    def __init__(self, bench: Bench, **options: Any) -> None:
        self.events: list[Event] = []
        self.bot = Echo()
        listener = ObservedEvents(
            self._emit_many, bench.bridge.remember, **({"names": [NAME]} | options)
        )
        bench.bridge.parts.listen(listener)
        bench.attach(self.bot)
        self._bench = bench

    async def hear(self, value: Any, name: str = NAME, **changes: Any) -> Sequence[Event]:
        """Let an event activity come in; what is taken in of it."""
        before = len(self.events)
        await self._bench.receive(activity("event", name=name, value=value, **changes))
        return self.events[before:]

    async def _emit_many(self, events: Sequence[Event]) -> Sequence[Emitted]:
        if events[0].subject == "refused":
            raise InvalidEvent("nobody wants it", field="subject")
        self.events += events
        return [Emitted(id=each.id, replayed=False, watching=0) for each in events]


async def test_nothing_is_taken_in_by_default(bench: Bench) -> None:
    """Whoever can write to the bot can send it an event activity."""
    bot = Echo()
    bench.attach(bot)
    await bench.receive(activity("event", name=NAME, value={"subject": "tea", "value": 1}))
    assert [each.name for each in bot.heard] == [NAME]


async def test_a_named_event_is_taken_in_and_the_bot_sees_it_too(bench: Bench) -> None:
    """As a subject and a value, or as a CloudEvent."""
    observed = Observed(bench)
    (plain,) = await observed.hear({"subject": "tea", "value": 3.2}, id="activity-1")
    assert (plain.subject, plain.data, plain.id) == ("tea", 3.2, "activity-1")
    told = {"specversion": "1.0", "id": "7", "source": "/shop", "type": "x", "subject": "tea"}
    (cloud,) = await observed.hear({**told, "data": {"value": 3}})
    assert (cloud.subject, cloud.data, cloud.id, cloud.type) == ("tea", {"value": 3}, "7", "x")
    assert len(observed.bot.heard) == 2


async def test_other_activities_are_left_alone(bench: Bench) -> None:
    """Events of other names, jobs that are done among them, and messages."""
    observed = Observed(bench)
    assert await observed.hear({"subject": "tea", "value": 1}, name="jobComplete") == []
    await bench.receive(activity("message", text="hi", value={"subject": "tea", "value": 1}))
    assert observed.events == []


async def test_the_source_is_the_conversation_whatever_is_claimed(bench: Bench) -> None:
    """So that nobody uses up the ids of another source."""
    observed = Observed(bench)
    (plain,) = await observed.hear({"subject": "tea", "value": 1})
    (claimed,) = await observed.hear({"subject": "tea", "value": 1, "source": "/shop?a=1"})
    here = (await bench.reference()).id
    assert plain.source == f"/conversations/{here}"
    assert claimed.source == f"/conversations/{here}?source=%2Fshop%3Fa%3D1"


async def test_the_time_is_when_it_came(bench: Bench) -> None:
    """So that nobody makes what comes later look old."""
    observed = Observed(bench)
    (event,) = await observed.hear({"subject": "tea", "value": 1, "time": "2999-01-01T00:00:00Z"})
    assert event.time is None


async def test_subjects_can_be_limited(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """To those that are known to come this way; others are logged."""
    observed = Observed(bench, subjects=["sensor/*", "tea"])
    assert await observed.hear({"subject": "tea", "value": 1})
    assert await observed.hear({"subject": "sensor/7", "value": 1})
    with caplog.at_level(logging.WARNING, "recado.bot"):
        assert await observed.hear({"subject": "Tea", "value": 1}) == []
    assert "'Tea'" in caplog.text
    assert "may not" in caplog.text


async def test_senders_can_be_chosen(bench: Bench) -> None:
    """By a function, or by one that has to look somewhere first."""

    async def trusted(context: TurnContext) -> bool:
        return context.activity.from_property.id == "29:ana"

    observed = Observed(bench, allow=trusted)
    assert await observed.hear({"subject": "tea", "value": 1})
    assert await observed.hear({"subject": "tea", "value": 1}, from_={"id": "29:eve"}) == []


@pytest.mark.parametrize(
    "value",
    [
        None,
        "tea",
        {"subject": "tea"},
        {"value": 1},
        {"subject": "tea", "value": 1, "price": 2},
        {"specversion": "1.0", "subject": "tea"},
        {"subject": "refused", "value": 1},
    ],
)
async def test_what_is_no_event_is_logged_and_the_turn_goes_on(
    bench: Bench, caplog: pytest.LogCaptureFixture, value: Any
) -> None:
    """Nobody is there to be told: the sender is a program, and gets no answer but 'received'."""
    observed = Observed(bench)
    with caplog.at_level(logging.WARNING, "recado.bot"):
        assert await observed.hear(value) == []
    assert "cannot be used" in caplog.text
    assert len(observed.bot.heard) == 1


@pytest.mark.parametrize("options", [{"names": []}, {"names": NAME}, {"subjects": "tea"}])
def test_names_are_asked_for(bench: Bench, options: dict[str, Any]) -> None:
    """There is no default, and a text is no list of them."""
    with pytest.raises(ConfigurationError, match="recado/observe"):
        Observed(bench, **options)


async def test_a_sensor_in_a_conversation_is_watched_by_people_in_others() -> None:
    """From the activity that comes in to the message that goes out."""
    async with FakeConnector() as channel, wired(channel) as recado:
        adapter, bot = make_adapter(), Echo()
        recado.observe_events(names=[NAME], subjects=["sensor/*"])
        recado.attach(adapter, bot)
        ana = await channel.meet(recado, "ana")
        await recado.watches.create(
            f"conversation:{ana.id}", subject="sensor/7", rule="above 30", text="{value} degrees!"
        )
        for value in (21.5, 31.5):
            told = {"subject": "sensor/7", "value": value}
            heard = activity("event", name=NAME, value=told, serviceUrl=channel.url)
            await adapter.process_request(Request(heard), bot)
        await channel.until(1)
        assert channel.texts[ana.id] == ["31.5 degrees!"]

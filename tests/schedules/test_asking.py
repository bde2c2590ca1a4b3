"""What callers ask for: understood, in the right zone, or refused with nothing stored."""

# ruff: noqa: DTZ001, DTZ901 - these are times of a wall clock

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from recado.domain.reference import Member
from recado.domain.schedule import ScheduleState
from recado.errors import (
    IdempotencyConflict,
    InvalidInput,
    InvalidSchedule,
    PastTime,
    RecadoError,
    UnknownRecipient,
    UnknownZone,
)
from recado.schedules.firing import Firing
from tests.schedules.kit import HOUR, MINUTE, Office

FAR = datetime(2030, 1, 1, tzinfo=UTC)


async def test_a_time_on_the_wall_is_the_recipients(office: Office) -> None:
    """As activities have told it; another one if that is asked for."""
    made = await office.create(at=datetime(2030, 1, 1, 9))
    assert made.zone == "Europe/Madrid"
    assert made.next_at == datetime(2030, 1, 1, 8, tzinfo=UTC)
    other = await office.create(at=datetime(2030, 1, 1, 9), zone="america/new_york")
    assert (other.zone, other.next_at) == (
        "America/New_York",
        datetime(2030, 1, 1, 14, tzinfo=UTC),
    )
    instant = await office.create(at=datetime(2030, 1, 1, 9, tzinfo=UTC))
    assert instant.next_at == datetime(2030, 1, 1, 9, tzinfo=UTC)


async def test_whoever_has_no_zone_has_that_of_the_settings(office: Office) -> None:
    """So has everybody at once."""
    ben = await office.meet("a:2", timezone=None, members=(Member(user_id="29:ben"),))
    for to in ("user:29:ben", f"conversation:{ben.id}", "everyone"):
        assert (await office.create(to=to, cron="0 9 * * *")).zone == "UTC"


async def test_each_way_to_say_when(office: Office) -> None:
    """And what it waits for first."""
    now = office.now
    assert (await office.create(after=timedelta(minutes=10))).next_at == now + 10 * MINUTE
    assert (await office.create(every=HOUR)).next_at == now + HOUR
    assert (await office.create(every=HOUR, start=now + MINUTE)).next_at == now + MINUTE
    assert (await office.create(every=HOUR, start=now - MINUTE)).next_at == now + 59 * MINUTE
    cron = await office.create(cron="@hourly", zone="UTC", start=now + 10 * HOUR)
    assert cron.next_at is not None
    assert now + 10 * HOUR <= cron.next_at < now + 11 * HOUR
    daily = await office.create(rrule="FREQ=DAILY;COUNT=2")
    assert daily.next_at is not None
    assert now <= daily.next_at < now + timedelta(seconds=1)
    assert len(list(daily.occurrences())) == 2


async def test_nothing_is_said_after_until(office: Office) -> None:
    """It is done then."""
    made = await office.create(every=HOUR, until=office.now + 2 * HOUR)
    assert [await office.wind(HOUR) for _ in range(4)] == [["tick"], ["tick"], [], []]
    assert (await office.schedules.get(made.id)).state is ScheduleState.DONE


@pytest.mark.parametrize(
    ("when", "error", "told"),
    [
        ({}, InvalidSchedule, "one of at, after, every, cron and rrule; none"),
        ({"every": HOUR, "cron": "0 9 * * *"}, InvalidSchedule, "every and cron was given"),
        ({"at": datetime(2020, 1, 1, tzinfo=UTC)}, PastTime, "passed already"),
        ({"at": datetime(2020, 1, 1)}, PastTime, "2019-12-31 23:00:00 UTC"),
        ({"at": "tomorrow"}, InvalidSchedule, "datetime"),
        ({"at": datetime.max, "zone": "America/New_York"}, InvalidSchedule, "calendar"),
        ({"at": FAR, "until": FAR}, InvalidSchedule, "start and until"),
        ({"after": timedelta(seconds=-1)}, InvalidSchedule, "negative"),
        ({"after": timedelta.max}, InvalidSchedule, "at most"),
        ({"after": 10}, InvalidSchedule, "timedelta"),
        ({"every": timedelta(0)}, InvalidSchedule, "10 s or more"),
        ({"every": timedelta(seconds=9.9)}, InvalidSchedule, "10 s or more"),
        ({"every": 60}, InvalidSchedule, "timedelta"),
        ({"cron": "* * * * * *"}, InvalidSchedule, "five fields"),
        ({"cron": "0 9 31 2 *"}, InvalidSchedule, "no cron expression"),
        ({"cron": 5}, InvalidSchedule, "text"),
        ({"rrule": "FREQ=SECONDLY"}, InvalidSchedule, "every few seconds"),
        ({"rrule": "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"}, InvalidSchedule, "never comes"),
        ({"rrule": "FREQ=DAILY;UNTIL=20200101"}, InvalidSchedule, "never comes"),
        ({"rrule": "FREQ=SOMETIMES"}, InvalidSchedule, "FREQ=DAILY"),
        ({"every": HOUR, "until": datetime(2020, 1, 1)}, PastTime, "until has passed"),
        ({"every": HOUR, "zone": "Europe/Madird"}, UnknownZone, "did you mean Europe/Madrid"),
        ({"every": HOUR, "misfire": "never"}, InvalidSchedule, "once, all or skip"),
        ({"every": HOUR, "jitter": timedelta(hours=2)}, InvalidSchedule, "1 h at most"),
        ({"every": HOUR, "late_limit": timedelta(-1)}, InvalidSchedule, "negative"),
        ({"every": HOUR, "expires_after": timedelta(0)}, InvalidSchedule, "longer than nothing"),
        ({"every": HOUR, "title": "x" * 2000}, InvalidSchedule, "title"),
        ({"every": HOUR, "key": ""}, InvalidInput, "key"),
        ({"every": HOUR, "when": FAR}, InvalidInput, "say when"),
        ({"every": HOUR, "idempotency_key": "k"}, InvalidInput, "give key"),
        ({"every": HOUR, "colour": "red"}, InvalidInput, "no option 'colour'"),
        ({"every": HOUR, "priority": "very"}, InvalidInput, "urgent, normal or low"),
        ({"every": HOUR, "handler": "h"}, InvalidInput, "not both"),
        ({"every": HOUR, "audience": "user:nobody"}, UnknownRecipient, "Nobody is known"),
        ({"every": HOUR, "audience": "nonsense"}, InvalidInput, "no audience|not an audience"),
    ],
)
async def test_bad_input_is_refused(
    office: Office, when: dict[str, Any], error: type[RecadoError], told: str
) -> None:
    """In one sentence that says what to do; and nothing is stored."""
    asked = {"audience": "user:29:ana", "content": "tick"} | when
    with pytest.raises(error, match=told) as caught:
        await office.schedules.create(**asked)
    assert str(caught.value)[-1] in ".?"
    assert "\n" not in str(caught.value)
    assert (await office.schedules.page()).items == []


async def test_a_repeated_request_is_the_same_schedule(office: Office) -> None:
    """Also later, when its delay would end later, or when it is done."""
    told: dict[str, Any] = {"after": timedelta(minutes=10), "key": "invoice:42"}
    made = await office.create(**told)
    office.later(60)
    assert await office.create(**told) == made
    assert await office.schedules.get("invoice:42") == made
    with pytest.raises(IdempotencyConflict):
        await office.create("another", **told)
    with pytest.raises(IdempotencyConflict):
        await office.create(after=timedelta(minutes=11), key="invoice:42")
    assert await office.wind(9 * MINUTE) == ["tick"]
    again = await office.create(**told)
    assert (again.id, again.state) == (made.id, ScheduleState.DONE)
    assert await office.wind(HOUR) == []


async def test_a_time_that_passed_is_no_error_for_who_asks_again(office: Office) -> None:
    """They are told of what there was."""
    told: dict[str, Any] = {"at": office.now + MINUTE, "key": "k"}
    made = await office.create(**told)
    await office.wind(HOUR)
    assert (await office.create(**told)).id == made.id


async def test_options_are_kept(office: Office) -> None:
    """They are what the notification has once it is said."""
    made = await office.schedules.create(
        "user:29:ana",
        None,
        after=MINUTE,
        handler="greet",
        value={"n": [1, None]},
        value_type="object",
        priority="urgent",
        category="news",
        collapse_key="c",
        on_unknown="retry",
        user={"id": "29:ana"},
        once_key="o",
        once_every=2 * HOUR,
        asked_at=office.now,
        expires_after=HOUR,
    )
    office.later(60)
    (fire,) = await Firing(office.outbox, office.references, "local").of_all([made], office.now)
    said = fire.said[0].notification
    assert said is not None
    assert said.turn is not None
    assert (said.turn.handler, said.turn.value, said.turn.value_type) == (
        "greet",
        {"n": [1, None]},
        "object",
    )
    assert (said.priority.name, str(said.on_unknown)) == ("URGENT", "retry")
    assert (said.category, said.collapse_key, said.user) == ("news", "c", {"id": "29:ana"})
    assert said.asked_at == office.now - MINUTE
    assert said.expires_at == office.now + HOUR
    assert said.once is not None
    assert (said.once.key, said.once.every) == ("o", 2 * HOUR)

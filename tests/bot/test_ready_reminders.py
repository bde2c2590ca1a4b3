"""The ready-made part Reminders: people are reminded, see their reminders and cancel them."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from microsoft_agents.hosting.core import Agent, TurnContext

from recado.bot.ready.reminders import LONGEST, Reminders
from recado.clock import Clock
from recado.database_url import PostgresAddress, read_database_url
from recado.domain.phrases import phrase
from recado.domain.politeness import Rules
from recado.domain.reference import Reference
from recado.domain.schedule import Schedule
from recado.errors import StoreUnavailable
from recado.recipients import Recipients
from recado.schedules import Schedules
from recado.store.postgres import PostgresStore
from recado.telemetry import TurnFailed
from recado.testing import HandClock
from tests.bot.kit import BEN, BOT, Bench, Echo, group, make_app, message

#: Wednesday, 10:30 in Madrid.
NOW = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)
MADRID = {"localTimezone": "Europe/Madrid"}
GROUP = {"conversation": group()}
SPANISH = {"locale": "es-ES", **MADRID}


class Room:
    """A bot that uses the part, with a hand-wound clock."""

    def __init__(self, bench: Bench, bot: Agent | None = None, **options: Any) -> None:
        self.bench = bench
        self.recipients = Recipients(
            bench.store, bench.references, bench.clock, bot="local", rules=Rules()
        )
        self.schedules = Schedules(
            bench.store, bench.outbox, bench.references, self.recipients, bench.clock, bot="local"
        )
        self.bot = Echo()
        bench.bridge.parts.add(Reminders(self, **options))
        bench.attach(bot or self.bot)

    @property
    def clock(self) -> Clock:
        """The test's."""
        return self.bench.clock

    async def remember(self, context: TurnContext) -> Reference:
        """As a Recado does."""
        return await self.bench.bridge.remember(context)

    async def say(self, text: str, **changes: Any) -> str:
        """Let Ana say *text*, in Madrid if nothing else is said; what the bot answers."""
        (answer,) = await self.bench.say(text, **{**MADRID, **changes})
        assert answer is not None
        return answer

    async def wind(self, by: timedelta | None = None, **parts: float) -> list[dict[str, Any]]:
        """Let time pass; what is said of its own accord meanwhile."""
        self.bench.clock.advance(by or timedelta(**parts))
        count = 1
        while count:
            count, _ = await self.schedules.fire_due(100)
        said: list[dict[str, Any]] = []
        while claims := await self.bench.claims():
            said += [json.loads(each.content or "{}") | json.loads(each.address) for each in claims]
            await self.bench.settle(claims)
        return said

    async def stored(self) -> list[Schedule]:
        """Every schedule there is, newest first."""
        return list((await self.schedules.page()).items)


@pytest.fixture
async def room(bench: Bench) -> Room:
    """Nobody has reminders yet."""
    bench.clock.set(NOW)
    return Room(bench)


# -- one reminder ----------------------------------------------------------------------------


async def test_a_reminder_is_confirmed_and_comes_once(room: Room) -> None:
    """With the understood time and zone; at that time, where it was asked for, and never again."""
    assert await room.say("remind me on Friday at 9 to call Ana.") == (
        "I'll remind you on Friday 27 November at 09:00 (Europe/Madrid): call Ana.\n\n"
        "Type 'cancel 1' to cancel it."
    )
    assert await room.wind(days=1, hours=22, minutes=29, seconds=59) == []
    (said,) = await room.wind(seconds=1)
    assert room.clock.now() == datetime(2026, 11, 27, 8, tzinfo=UTC)
    assert said["text"] == "Reminder: call Ana."
    assert said["textFormat"] == "plain"
    assert said["conversation"]["id"] == "a:ana"
    assert await room.wind(days=30) == []
    assert room.bot.heard == []


@pytest.mark.parametrize(
    ("asked", "confirmed", "after", "said"),
    [
        (
            "remind me in 10 minutes to call Ana",
            "I'll remind you on Wednesday 25 November at 10:40 (Europe/Madrid): call Ana",
            timedelta(minutes=10),
            "Reminder: call Ana",
        ),
        (
            "Remind me tomorrow at 9 pay the rent",
            "I'll remind you on Thursday 26 November at 09:00 (Europe/Madrid): pay the rent",
            timedelta(hours=22, minutes=30),
            "Reminder: pay the rent",
        ),
        (
            "Please remind me to call Ana tomorrow at 9:30 pm!",
            "I'll remind you on Thursday 26 November at 21:30 (Europe/Madrid): call Ana",
            timedelta(days=1, hours=11),
            "Reminder: call Ana",
        ),
        (
            "can you remind me on 1 January at noon about the party?",
            "I'll remind you on Friday 1 January 2027 at 12:00 (Europe/Madrid): the party",
            timedelta(days=37, hours=1, minutes=30),
            "Reminder: the party",
        ),
        (
            "remind me in an hour",
            "I'll remind you on Wednesday 25 November at 11:30 (Europe/Madrid).",
            timedelta(hours=1),
            "This is the reminder you asked for.",
        ),
    ],
)
async def test_in_english(
    room: Room, asked: str, confirmed: str, after: timedelta, said: str
) -> None:
    """What people write, what is confirmed, and what comes when."""
    assert (await room.say(asked)).split("\n\n")[0] == confirmed
    assert await room.wind(after - timedelta(seconds=1)) == []
    assert [each["text"] for each in await room.wind(seconds=1)] == [said]


@pytest.mark.parametrize(
    ("asked", "confirmed", "after", "said"),
    [
        (
            "recuérdame en 10 minutos llamar a José",
            (
                "Te lo recordaré el miércoles 25 de noviembre a las 10:40 (Europe/Madrid): "
                "llamar a José"
            ),
            timedelta(minutes=10),
            "Recordatorio: llamar a José",
        ),
        (
            "Recuerdame que llame a José mañana a las 9",
            "Te lo recordaré el jueves 26 de noviembre a las 09:00 (Europe/Madrid): llame a José",
            timedelta(hours=22, minutes=30),
            "Recordatorio: llame a José",
        ),
        (
            "por favor, recuérdame el 1 de enero a la 1 de la tarde comer",
            "Te lo recordaré el viernes 1 de enero de 2027 a las 13:00 (Europe/Madrid): comer",
            timedelta(days=37, hours=2, minutes=30),
            "Recordatorio: comer",
        ),
        (
            "¿me puedes recordar dentro de media hora sacar el pan?",
            (
                "Te lo recordaré el miércoles 25 de noviembre a las 11:00 (Europe/Madrid): "
                "sacar el pan"
            ),
            timedelta(minutes=30),
            "Recordatorio: sacar el pan",
        ),
    ],
)
async def test_in_spanish(
    room: Room, asked: str, confirmed: str, after: timedelta, said: str
) -> None:
    """The same in the other language."""
    assert (await room.say(asked, **SPANISH)).split("\n\n")[0] == confirmed
    assert await room.wind(after - timedelta(seconds=1)) == []
    assert [each["text"] for each in await room.wind(seconds=1)] == [said]


async def test_either_language_is_understood_everywhere(room: Room) -> None:
    """The answer is in the activity's language, whichever the words are in."""
    answer = await room.say("recuérdame mañana a las 9 llamar", locale="en-GB")
    assert answer.startswith("I'll remind you on Thursday 26 November at 09:00")
    answer = await room.say("remind me tomorrow at 9 to call", **SPANISH)
    assert answer.startswith("Te lo recordaré el jueves 26 de noviembre a las 09:00")


async def test_again_and_again(room: Room) -> None:
    """Until it is cancelled, at the same time on the wall, whatever clocks do."""
    answer = await room.say("remind me every monday at 9 to write the report")
    assert answer.startswith(
        "I'll remind you every Monday at 09:00, next on Monday 30 November at 09:00 "
        "(Europe/Madrid): write the report"
    )
    room.bench.clock.set(datetime(2027, 3, 20, 9, 0, tzinfo=UTC))
    await room.wind(seconds=0)
    times = [room.clock.now() for _ in range(14 * 24) if await room.wind(hours=1)]
    assert [f"{at:%d %b %H:%M}" for at in times] == ["22 Mar 08:00", "29 Mar 07:00"]
    assert await room.say("cancel 1") == "Reminder 1 is cancelled: write the report"
    assert await room.wind(days=30) == []


async def test_days_apart(room: Room) -> None:
    """At the same time on the wall too, and listed as they were confirmed."""
    room.bench.clock.set(datetime(2027, 3, 26, 9, 0, tzinfo=UTC))
    answer = await room.say("recuérdame cada dos días a las 20:00 regar las plantas", **SPANISH)
    assert answer.startswith(
        "Te lo recordaré cada 2 días, el próximo el viernes 26 de marzo a las 20:00 (Europe/Madrid)"
    )
    times = [room.clock.now() for _ in range(5 * 24) if await room.wind(hours=1)]
    assert [f"{at:%d %b %H:%M}" for at in times] == [
        "26 Mar 19:00",
        "28 Mar 18:00",
        "30 Mar 18:00",
    ]
    assert "1: every 2 days, next on Thursday 1 April at 20:00" in await room.say("reminders")


@pytest.mark.parametrize(
    ("asked", "rule"),
    [
        ("remind me every day at 9 to run", "every day at 09:00, next on Thursday 26 November"),
        (
            "remind me every 2 days at 8pm to x",
            "every 2 days, next on Wednesday 25 November at 20:",
        ),
        ("remind me every other monday to x", "every 2 weeks, next on Monday 30 November at 09:00"),
        ("remind me every 2 hours to drink", "every 2 hours, next on Wednesday 25 November at 12"),
        ("remind me every weekday at 8 to go", "from Monday to Friday at 08:00, next on Thursday"),
        ("recuérdame cada mes el día 5 pagar", "on day 5 of every month at 09:00, next on Sat"),
        ("remind me every tue and thu at noon to x", "every Tuesday and Thursday at 12:00, next"),
        ("remind me every year on 24 December to x", "every 24 December at 09:00, next on Thu"),
    ],
)
async def test_rules_are_confirmed_in_words(room: Room, asked: str, rule: str) -> None:
    """And with the next time, by which a mistake is seen."""
    assert (await room.say(asked)).startswith(f"I'll remind you {rule}")


async def test_it_was_asked_for(room: Room) -> None:
    """So that it passes quiet hours and caps; and it can be refused as a kind."""
    await room.say("remind me in 10 minutes to call")
    (stored,) = await room.stored()
    assert stored.saying.asked_at == NOW
    assert stored.saying.options["category"] == "reminders"


# -- what cannot be understood ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("remind me", "I did not understand when. Try: 'remind me in 10 minutes to call Ana'"),
        ("remind me soon to call", "I did not understand when."),
        ("remind me in 10 minutes 5 eggs", "I did not understand when."),
        ("remind me every second to call", "I did not understand when."),
        ("recuérdame el 31 de noviembre pagar", "I did not understand when."),
        ("remind me at 5 to call", "'at 5' can mean 05:00 or 17:00. Please say which."),
        ("remind me next friday to x", "'next friday' can mean 2026-11-27 or 2026-12-04."),
        (
            "remind me today at 8 to call",
            "I cannot remind you on Wednesday 25 November at 08:00 (Europe/Madrid): that is past.",
        ),
        (f"remind me in 10 minutes to {'x' * (LONGEST + 1)}", "That is too long: say it in 1000"),
        (f"remind me {'x ' * 20_000}", "That is too long: say it in 1000"),
    ],
)
async def test_what_is_refused(room: Room, asked: str, answer: str) -> None:
    """With one sentence that says what to do; nothing is stored, and the bot is not asked."""
    assert (await room.say(asked)).startswith(answer)
    assert await room.stored() == []
    assert room.bot.heard == []


async def test_refusals_in_spanish(room: Room) -> None:
    """Every one of them."""
    for asked, answer in {
        "recuérdame luego llamar": "No he entendido cuándo. Prueba: 'recuérdame en 10 minutos",
        "recuérdame a las 5 llamar": "'a las 5' puede ser 05:00 o 17:00. Dime cuál, por favor.",
        "recuérdame hoy a las 8 llamar": "No puedo avisarte el miércoles 25 de noviembre a las 08",
    }.items():
        assert (await room.say(asked, **SPANISH)).startswith(answer)
    assert await room.stored() == []


@pytest.mark.parametrize(
    "text",
    [
        "hello",
        "remind Ben in 10 minutes to call",
        "remind meeting tomorrow at 9",
        "I said remind me tomorrow at 9",
        "cancel",
        "cancel 1",
        "cancela 1",
        "cancel the order 1",
        "reminders are nice",
        "my time zone",
    ],
)
async def test_what_is_not_about_reminders_is_for_the_bot(room: Room, text: str) -> None:
    """Also the number of something else that the bot may know."""
    answers = await room.bench.say(text)
    expected = "Your time zone is UTC" if text == "my time zone" else f"echo {text}"
    assert (answers[0] or "").startswith(expected)


# -- those there are --------------------------------------------------------------------------


async def test_the_list_and_its_numbers(room: Room) -> None:
    """Small, kept when others go, and not given again while one that was made later is there."""
    assert (await room.say("reminders")).startswith("You have no reminders here.")
    for when in ("in 3 hours", "tomorrow at 9", "every monday at 9"):
        await room.say(f"remind me {when} to {when.split()[-1]}")
    await room.say("cancel 2")
    await room.say("remind me in 20 minutes")
    assert (await room.say("reminders")).split("\n\n") == [
        "Your reminders here. Type 'cancel' and a number to cancel one.",
        "1: on Wednesday 25 November at 13:30 (Europe/Madrid): hours",
        "3: every Monday at 09:00, next on Monday 30 November at 09:00 (Europe/Madrid): 9",
        "4: on Wednesday 25 November at 10:50 (Europe/Madrid)",
    ]
    await room.wind(hours=4)
    assert (await room.say("recordatorios", **SPANISH)).split("\n\n") == [
        "Tus recordatorios aquí. Escribe 'cancela' y un número para cancelar uno.",
        (
            "3: cada lunes a las 09:00, el próximo el lunes 30 de noviembre a las 09:00 "
            "(Europe/Madrid): 9"
        ),
    ]
    assert await room.say("cancela 3", **SPANISH) == "El recordatorio 3 está cancelado: 9"
    assert "'cancel 1'" in await room.say("remind me in 1 hour to begin again")


async def test_a_reminder_is_said_while_it_is_cancelled(room: Room) -> None:
    """Then there is none any more, and that is said."""
    await room.say("remind me in 10 minutes to stretch")
    cancel = room.schedules.cancel

    async def late(name: str) -> Schedule:
        room.bench.clock.advance(600)
        assert (await room.schedules.fire_due(100))[0] == 1
        return await cancel(name)

    room.schedules.cancel = late  # type: ignore[method-assign]
    assert (await room.say("cancel 1")).startswith("You have no reminder 1 here.")


async def test_cancelled_is_not_said(room: Room) -> None:
    """Once it is cancelled it never comes, and its number means nothing any more."""
    await room.say("remind me in 10 minutes")
    assert await room.say("Cancel 1.") == "Reminder 1 is cancelled."
    assert await room.say("cancel 1") == "echo cancel 1"
    assert (await room.say("cancel reminder 1")).startswith("You have no reminder 1 here.")
    assert await room.wind(hours=1) == []


async def test_numbers_are_kept_over_a_restart(room: Room) -> None:
    """They come from what is stored, and from nothing else."""
    await room.say("remind me in 1 hour to rest")
    await room.say("remind me in 2 hours to go")
    await room.say("cancel 1")
    after = Bench(store=room.bench.store, clock=room.bench.clock)
    again = Room(after)
    assert "2: on Wednesday 25 November at 12:30" in await again.say("reminders")
    assert "'cancel 3'" in await again.say("remind me in 3 hours to sleep")


async def test_the_same_message_twice_is_one_reminder(room: Room) -> None:
    """Channels repeat what was answered too late, and another process may get the second."""
    told = message("remind me in 10 minutes to call", **MADRID)
    await room.bench.receive(told)
    again = Room(Bench(store=room.bench.store, clock=room.bench.clock))
    await again.bench.receive(told)
    assert len(await room.stored()) == 1
    assert len(await room.wind(minutes=10)) == 1


async def test_two_processes_at_once(room: Room) -> None:
    """Whoever asks twice at the same time, of two processes, has two numbers and two reminders."""
    other = Room(Bench(store=room.bench.store, clock=room.bench.clock))
    rooms = [room, other] * 4
    await asyncio.gather(
        *(
            each.bench.receive(message(f"remind me in {n + 1} minutes to do {n}", **MADRID))
            for n, each in enumerate(rooms)
        )
    )
    lines = (await room.say("reminders")).split("\n\n")[1:]
    assert sorted(int(line.partition(":")[0]) for line in lines) == list(range(1, 9))
    said = await room.wind(hours=1)
    assert {each["text"] for each in said} == {f"Reminder: do {n}" for n in range(8)}
    assert len(said) == 8


async def test_not_too_many(bench: Bench) -> None:
    """Nobody fills the database by talking."""
    bench.clock.set(NOW)
    room = Room(bench, most=2)
    await room.say("remind me in 1 hour to a")
    await room.say("remind me in 1 hour to b")
    answer = await room.say("remind me in 1 hour to c")
    assert answer.startswith("You have 2 reminders here, which is as many as I keep.")
    assert len(await room.stored()) == 2


async def test_other_schedules_are_no_reminders(room: Room) -> None:
    """What the bot has planned for a person is not theirs to number or cancel."""
    await room.bench.say("hello")
    await room.schedules.create("conversation:a:ana", "News.", after=timedelta(hours=1), key="news")
    assert (await room.say("reminders")).startswith("You have no reminders here.")
    assert await room.say("cancel 1") == "echo cancel 1"
    assert [said["text"] for said in await room.wind(hours=1)] == ["News."]


# -- groups -----------------------------------------------------------------------------------


async def test_in_a_group_who_asked_is_mentioned(room: Room) -> None:
    """On Teams by the markup and entity it needs, with everything else as it was written."""
    asked = "remind me in 10 minutes to say <b>1 < 2 & 3</b> to @everyone"
    answer = await room.say(asked, **GROUP)
    assert answer.split("\n\n")[0].endswith("say <b>1 < 2 & 3</b> to @\u2060everyone")
    (said,) = await room.wind(minutes=10)
    assert said["conversation"]["id"] == "19:group@thread.v2"
    assert (await room.stored())[0].saying.user_id == "29:ana"
    assert said["textFormat"] == "xml"
    assert said["text"] == (
        "<at>Ana</at>, a reminder: say &lt;b&gt;1 &lt; 2 &amp; 3&lt;/b&gt; to @\u2060everyone"
    )
    assert said["entities"] == [
        {
            "type": "mention",
            "mentioned": {"id": "29:ana", "name": "Ana"},
            "text": "<at>Ana</at>",
        }
    ]


async def test_a_name_is_no_markup(room: Room) -> None:
    """A person called like a tag mentions nobody else."""
    odd = {"id": "29:odd", "name": "</at><at>everyone & all"}
    await room.say("remind me in 10 minutes to call", from_=odd, **GROUP)
    (said,) = await room.wind(minutes=10)
    mention = "<at>&lt;/at&gt;&lt;at&gt;everyone &amp; all</at>"
    assert said["text"] == f"{mention}, a reminder: call"
    assert [each["text"] for each in said["entities"]] == [mention]


async def test_elsewhere_who_asked_is_named(room: Room) -> None:
    """Where there is no such mention; and nothing calls everybody."""
    slack = {"channelId": "slack", "conversation": group("C1"), "channelData": None}
    await room.say("remind me in 10 minutes: <!channel> @here mail a@b.c", **slack)
    (said,) = await room.wind(minutes=10)
    assert said["text"] == "Ana, a reminder: <\u2060!channel> @\u2060here mail a@b.c"
    assert said["textFormat"] == "plain"
    assert "entities" not in said


async def test_each_has_their_own_in_a_group(room: Room) -> None:
    """Ben neither sees nor cancels Ana's, and is reminded of his."""
    await room.say("remind me in 10 minutes to call Ben", **GROUP)
    ben = {"from_": BEN, **GROUP}
    assert (await room.say("reminders", **ben)).startswith("You have no reminders here.")
    assert await room.say("cancel 1", **ben) == "echo cancel 1"
    assert (await room.say("cancel reminder 1", **ben)).startswith("You have no reminder 1 here.")
    assert "'cancel 1'" in await room.say("remind me in 20 minutes to call Ana", **ben)
    assert await room.say("cancel 1", **ben) == "Reminder 1 is cancelled: call Ana"
    (said,) = await room.wind(hours=1)
    assert said["text"] == "<at>Ana</at>, a reminder: call Ben"


async def test_conversations_are_apart(room: Room) -> None:
    """What Ana asked for in a group is not shown or cancelled in her own chat."""
    await room.say("remind me in 10 minutes to call", **GROUP)
    assert (await room.say("reminders")).startswith("You have no reminders here.")
    assert await room.say("cancel 1") == "echo cancel 1"
    assert len(await room.wind(minutes=10)) == 1


async def test_mentions_of_others_are_their_names(room: Room) -> None:
    """The bot's own is not part of what is said."""
    entities = [
        {"type": "mention", "mentioned": BOT, "text": "<at>Bot</at>"},
        {"type": "mention", "mentioned": BEN, "text": "<at>Ben</at>"},
    ]
    answer = await room.say(
        "<at>Bot</at> remind me in 10 minutes to call <at>Ben</at>", entities=entities, **GROUP
    )
    assert answer.split("\n\n")[0].endswith(": call Ben")


async def test_nobody_in_particular_in_a_group_is_left_to_the_bot(room: Room) -> None:
    """Without a person nobody could be reminded, or cancel it."""
    await room.bench.receive(message("remind me in 10 minutes", from_=None, **GROUP))
    assert await room.stored() == []


async def test_words_are_not_formatted(room: Room) -> None:
    """In a private chat they are said just as they were written."""
    await room.say("remind me in 10 minutes to read **[this](http://x)** {now} @everyone")
    (said,) = await room.wind(minutes=10)
    assert said["text"] == "Reminder: read **[this](http://x)** {now} @everyone"
    assert said["textFormat"] == "plain"


# -- zones ------------------------------------------------------------------------------------


async def test_without_a_zone_it_is_utc_and_that_is_said(room: Room) -> None:
    """With what to do about it."""
    answer = await room.say("remind me tomorrow at 9 to call", localTimezone=None)
    assert answer.split("\n\n")[0] == (
        "I'll remind you on Thursday 26 November at 09:00 (UTC): call"
    )
    assert answer.split("\n\n")[2].startswith("I do not know your time zone, so the time is that")
    spanish = await room.say("recuérdame mañana", localTimezone=None, locale="es")
    assert "No sé cuál es tu zona horaria" in spanish


async def test_a_zone_that_was_set_counts_most(room: Room) -> None:
    """From then on, in every conversation of the person."""
    answer = await room.say("my time zone is america/new york")
    assert answer == "Your time zone is America/New_York now, where it is 04:30."
    answer = await room.say("remind me tomorrow at 9 to call")
    assert "at 09:00 (America/New_York)" in answer
    assert "at 09:00 (America/New_York)" in await room.say("remind me tomorrow at 9", **GROUP)
    ben = {"from_": BEN, **GROUP}
    assert "at 09:00 (Europe/Madrid)" in await room.say("remind me tomorrow at 9", **ben)
    answer = await room.say("mi zona horaria es Atlantic/Canary.", **SPANISH)
    assert answer == "Tu zona horaria es ahora Atlantic/Canary, donde son las 09:30."
    assert (await room.say("mi zona horaria", **SPANISH)).startswith(
        "Tu zona horaria es Atlantic/Canary"
    )


async def test_a_zone_that_was_told_before_is_remembered(room: Room) -> None:
    """Not every message tells it."""
    await room.bench.say("hello", **MADRID)
    answer = await room.say("remind me tomorrow at 9 to call", localTimezone=None)
    assert "(Europe/Madrid)" in answer
    assert "I do not know" not in answer


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("Europe/Madird", "There is no time zone 'Europe/Madird'. If you mean Europe/Madrid, type"),
        ("Madrid", "There is no time zone 'Madrid'. If you mean Europe/Madrid, type"),
        ("the moon", "There is no time zone 'the moon'. Write it as Europe/Madrid, or UTC."),
        ("x" * 5000, "There is no time zone 'xxx"),
    ],
)
async def test_a_zone_that_does_not_exist(room: Room, name: str, answer: str) -> None:
    """Is answered with the one that may have been meant; nothing changes."""
    assert (await room.say(f"my time zone is {name}")).startswith(answer)
    assert "(Europe/Madrid)" in await room.say("remind me tomorrow")


async def test_an_odd_zone_of_a_channel_is_no_zone(room: Room) -> None:
    """Some write the names of Windows."""
    answer = await room.say("remind me tomorrow at 9", localTimezone="Romance Standard Time")
    assert "(UTC)" in answer


# -- any bot, and trouble ---------------------------------------------------------------------


async def test_with_an_agent_application(bench: Bench) -> None:
    """Its routes do not see what the part has answered."""
    bench.clock.set(NOW)
    app = make_app()
    room = Room(bench, app)
    heard: list[str | None] = []

    @app.activity("message")
    async def on_message(context: TurnContext, _: Any) -> None:
        heard.append(context.activity.text)

    assert "call Ana" in await room.say("remind me in 10 minutes to call Ana")
    await bench.say("hello")
    assert heard == ["hello"]


@pytest.mark.parametrize("text", ["remind me in 10 minutes", "reminders", "cancel 1"])
async def test_a_failing_store_is_answered(
    room: Room, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    """In one sentence; nothing is lost."""

    async def fail(*_: object, **__: object) -> None:
        raise StoreUnavailable("The database is locked.")

    await room.say("remind me in 10 minutes to call")
    with monkeypatch.context() as patch:
        patch.setattr(room.bench.store, "schedules", fail)
        assert await room.say(text) == phrase("reminder_failed", "en")
    assert len(await room.wind(minutes=10)) == 1


@given(
    st.sampled_from(["remind me", "recuérdame", "cancel", "cancela", "my time zone is", "", "¿"]),
    st.text(max_size=40)
    | st.sampled_from(["in 10 minutes ", "mañana a las 9 ", "every monday ", "on 3/4 "]).flatmap(
        lambda when: st.text(max_size=20).map(lambda rest: when + rest)
    ),
    st.booleans(),
)
@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
async def test_whatever_is_said(start: str, rest: str, in_group: bool) -> None:  # noqa: FBT001
    """It is answered with a sentence, or left to the bot; nothing is raised."""
    bench = Bench(clock=HandClock(NOW))
    await bench.store.open()
    try:
        room = Room(bench)
        answers = await bench.say(f"{start} {rest}", **(GROUP if in_group else {}))
        assert bench.told(TurnFailed) == []
        if room.bot.heard:
            assert await room.stored() == []
        else:
            (answer,) = answers
            assert answer
    finally:
        await bench.store.close()


async def test_on_postgres(migrated_url: str) -> None:
    """The same where the database is a server."""
    address = read_database_url(migrated_url)
    assert isinstance(address, PostgresAddress)
    clock = HandClock(NOW)
    store = PostgresStore(address, clock)
    await store.open()
    try:
        room = Room(Bench(store=store, clock=clock))
        ben = {"from_": BEN, **GROUP}
        await room.say("remind me in 10 minutes to call Ben", **GROUP)
        await room.say("remind me every day at 9", **GROUP)
        assert "'cancel 1'" in await room.say("remind me in 20 minutes to call Ana", **ben)
        assert await room.say("cancel 2", **ben) == "echo cancel 2"
        assert await room.say("cancel 2", **GROUP) == "Reminder 2 is cancelled."
        said = await room.wind(minutes=30)
        assert [each["text"] for each in said] == [
            "<at>Ana</at>, a reminder: call Ben",
            "<at>Ben</at>, a reminder: call Ana",
        ]
        assert await room.wind(days=1) == []
    finally:
        await store.close()

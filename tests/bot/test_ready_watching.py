"""The ready-made part Watching: people watch, see what they watch, and end it, by saying so."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any, cast

import pytest
from microsoft_agents.activity import Activity
from microsoft_agents.hosting.core import TurnContext

from recado.bot.ready.watching import Watching
from recado.clock import Clock
from recado.domain.reference import Reference
from recado.errors import StoreUnavailable
from recado.store.port import DeliveryFilter
from recado.watches import Watches
from tests.bot.kit import BEN, Bench, Echo, group, message


class Shop:
    """A bot that uses the part, and what happens around it."""

    def __init__(self, bench: Bench, **options: Any) -> None:
        self.bench = bench
        self.watches = Watches(
            bench.store, bench.references, bench.clock, bench.telemetry, bot="local"
        )
        self.bot = Echo()
        bench.bridge.parts.add(Watching(self, **options))
        bench.attach(self.bot)

    @property
    def clock(self) -> Clock:
        """The test's."""
        return self.bench.clock

    async def remember(self, context: TurnContext) -> Reference:
        """As a Recado does."""
        return await self.bench.bridge.remember(context)

    async def say(self, text: str, **changes: Any) -> str:
        """Let Ana say *text*; what the bot answers, in one message."""
        (answer,) = await self.bench.say(text, **changes)
        assert answer is not None
        return answer

    async def costs(self, price: object, subject: str = "tea") -> list[str | None]:
        """Let something cost this; what people are told of it."""
        await self.watches.emit(subject, price)
        while await self.bench.store.events_pending():
            await self.bench.store.evaluate(self.bench.clock.now(), 0, 1000)
        return await self.bench.deliver()


@pytest.fixture
async def shop(bench: Bench) -> Shop:
    """Nothing is known of any product."""
    return Shop(bench)


async def test_a_drop_is_told_with_what_it_was(shop: Shop) -> None:
    """The price known when the watch was made is what it compares with, and is confirmed."""
    await shop.costs(10)
    answer = await shop.say("watch Tea drop 20%")
    assert answer == (
        "I am watching Tea and will tell you when it has dropped by 20\u00a0%. The last I heard of "
        "it is 10.\n\nTo end this, type 'unwatch 1'."
    )
    assert await shop.costs(9) == []
    assert await shop.costs(8) == ["Tea is now 8 (-20\u00a0%, it was 10)."]
    assert await shop.costs(7) == []
    assert shop.bot.heard == []


async def test_in_spanish_it_is_the_same(shop: Shop) -> None:
    """The answer and what is told later are in the language of who asked."""
    await shop.costs(10, "té")
    answer = await shop.say("vigila té baja 20%", locale="es-ES")
    assert answer.startswith("Vigilo té y te avisaré cuando haya bajado un 20\u00a0%.")
    assert "escribe 'deja 1'" in answer
    assert await shop.costs(8, "té") == ["té está ahora a 8 (-20\u00a0%, estaba a 10)."]


@pytest.mark.parametrize(
    ("said", "prices", "told"),
    [
        ("watch tea rise 2", (9, 12), "tea is now 12 (+20\u00a0%, it was 10)."),
        ("watch tea below 9", (9, 8.5), "tea is now 8.5, below 9."),
        ("watch tea above 11", (11, 12), "tea is now 12, above 11."),
        ("watch tea crosses 9", (9.5, 8), "tea has crossed 9: it is now 8."),
        ("watch tea changes", (10, 8), "tea is now 8 (it was 10)."),
        ("watch tea equals sold out", (9, "Sold out"), "tea is now Sold out."),
    ],
)
async def test_every_rule_can_be_said(
    shop: Shop, said: str, prices: tuple[object, object], told: str
) -> None:
    """And each says in its own words what has happened."""
    await shop.costs(10)
    await shop.say(said)
    first, second = prices
    assert await shop.costs(first) == []
    assert await shop.costs(second) == [told]


async def test_it_goes_on_until_it_is_ended(shop: Shop) -> None:
    """Told once for each time it becomes true; then no more."""
    await shop.costs(10)
    await shop.say("watch tea below 9")
    assert len(await shop.costs(8)) == 1
    assert await shop.costs(7) == []
    assert await shop.costs(10) == []
    assert len(await shop.costs(8)) == 1
    assert await shop.say("unwatch 1") == "I no longer watch tea for you."
    await shop.costs(10)
    assert await shop.costs(8) == []


async def test_what_nobody_has_heard_of_is_watched_and_that_is_said(shop: Shop) -> None:
    """It may be misspelt; the first price that comes is what is compared with."""
    answer = await shop.say("watch unobtainium drop 20%")
    assert "I have not heard of it yet" in answer
    assert await shop.costs(10, "unobtainium") == []
    assert len(await shop.costs(8, "unobtainium")) == 1


async def test_text_is_not_watched_as_a_number(shop: Shop) -> None:
    """That is said, with what is possible, and nothing is stored."""
    await shop.costs("sold out")
    answer = await shop.say("watch tea drop 20%")
    assert "sold out" in answer
    assert "watch tea changes" in answer
    assert (await shop.watches.page()).items == []


@pytest.mark.parametrize(
    ("said", "locale", "answer"),
    [
        ("watch tea drop lots", "en", "watch tea drop 20%"),
        ("watch tea drop 150%", "en", "nothing drops by more than 100\u00a0%"),
        ("watch", "en", "Type what to watch"),
        ("vigila té baja mucho", "es", "vigila té baja 20%"),
        ("unwatch tea", "en", "by its number"),
        ("unwatch 7", "en", "You have no watch 7"),
        ("deja 7", "es-MX", "No tienes ninguna vigilancia 7"),
        ("watches", "en", "You are watching nothing"),
        ("vigilancias", "es", "No vigilas nada"),
    ],
)
async def test_what_cannot_be_done_is_answered_with_an_example(
    shop: Shop, said: str, locale: str, answer: str
) -> None:
    """And nothing is stored."""
    assert answer in await shop.say(said, locale=locale)
    assert (await shop.watches.page()).items == []


async def test_the_list_shows_what_is_going_on(shop: Shop) -> None:
    """Number, product, when it speaks and what it compares with; what has ended is not there."""
    await shop.costs(10)
    for said in ("watch tea drop 20%", "watch coffee below 5", "watch a|b changes"):
        await shop.say(said)
    await shop.say("unwatch 2")
    lines = (await shop.say("watches")).splitlines()
    assert lines[0] == "| Number | What | I tell you when it | From |"
    assert lines[2:] == [
        "| 1 | tea | has dropped by 20\u00a0% | 10 |",
        "| 3 | a\\|b | changes | - |",
    ]


async def test_in_a_group_everybody_has_their_own(shop: Shop) -> None:
    """Only one's own are shown and ended, and who asked is addressed."""
    place = {"conversation": group()}
    await shop.costs(10)
    await shop.say("<at>Bot</at> watch tea drop 20%", **place)
    await shop.say("watch {tea} below 5", **place, from_=BEN)
    assert "tea" in await shop.say("watches", **place)
    assert "below" not in await shop.say("watches", **place)
    assert "You have no watch 1" in await shop.say("unwatch 1", **place, from_=BEN)
    assert await shop.costs(8) == ["<at>Ana</at> tea is now 8 (-20\u00a0%, it was 10)."]
    assert await shop.costs(4, "{tea}") == ["<at>Ben</at> {tea} is now 4, below 5."]
    (last, *_) = (await shop.bench.store.deliveries(DeliveryFilter())).items
    content = json.loads((await shop.bench.outbox.notification(last.notification_id)).content or "")
    assert content["entities"][0]["mentioned"]["id"] == "29:ben"


async def test_outside_of_teams_a_person_is_addressed_by_name(shop: Shop) -> None:
    """Other channels show Teams' markup as it is."""
    place: dict[str, Any] = {"conversation": {"id": "room", "isGroup": True}, "channelId": "slack"}
    await shop.costs(10)
    await shop.say("watch tea drop 20%", **place)
    assert await shop.costs(8) == ["Ana: tea is now 8 (-20\u00a0%, it was 10)."]


async def test_private_watches_stay_private(shop: Shop) -> None:
    """What Ana watches in her own chat is neither shown nor ended in a group, nor by Ben."""
    await shop.say("watch tea drop 20%")
    assert "nothing" in await shop.say("watches", conversation=group())
    bens = {"conversation": {"id": "a:ben", "conversationType": "personal"}, "from_": BEN}
    assert "nothing" in await shop.say("watches", **bens)
    assert "no watch 1" in await shop.say("unwatch 1", **bens)
    assert len((await shop.watches.page()).items) == 1


async def test_it_is_asked_for(shop: Shop) -> None:
    """So windows and caps do not keep it back, and an opt-out from before is not about it."""
    made: list[dict[str, Any]] = []
    create = shop.watches.create

    async def overheard(*given: Any, **options: Any) -> Any:
        made.append(options)
        return await create(*given, **options)

    shop.watches.create = overheard  # type: ignore[method-assign]
    await shop.say("watch tea drop 20%")
    assert made[0]["asked_at"] == shop.clock.now()


async def test_nobody_has_watches_without_number(bench: Bench) -> None:
    """A person who makes a program of their chat ends somewhere."""
    shop = Shop(bench, most=2)
    for product in ("a", "b"):
        await shop.say(f"watch {product} changes")
    assert "as in 'unwatch 1'" in await shop.say("watch c changes")
    assert len((await shop.watches.page()).items) == 2
    await shop.say("unwatch 1")
    assert "I am watching" in await shop.say("watch c changes")


async def test_products_can_have_other_names(bench: Bench) -> None:
    """As where producers name what they sell by number."""
    shop = Shop(bench, subject={"tea": "SKU-42"}.__getitem__)
    await shop.costs(10, "SKU-42")
    await shop.say("watch tea drop 20%")
    assert await shop.costs(8, "SKU-42") == ["tea is now 8 (-20\u00a0%, it was 10)."]


async def test_a_message_that_comes_twice_makes_one_watch(shop: Shop) -> None:
    """As after a crash between the two: the second answer is about the first watch."""
    await shop.say("hello")
    said: list[Activity] = []

    async def send(activity: Activity) -> None:
        said.append(activity)

    told = Activity.model_validate(message("watch tea drop 20%"))
    context = cast("TurnContext", SimpleNamespace(activity=told, send_activity=send))
    for _ in range(2):
        assert await Watching(shop).take(context)
    assert said[0].text == said[1].text
    assert len((await shop.watches.page()).items) == 1


async def test_who_is_nobody_in_a_group_is_left_to_the_bot(shop: Shop) -> None:
    """Nobody could be told, and nobody could end it."""
    told = message("watch tea drop 20%", conversation=group(), from_=None)
    await shop.bench.receive(told)
    assert len(shop.bot.heard) == 1
    assert (await shop.watches.page()).items == []


async def test_words_of_a_person_call_nobody(shop: Shop) -> None:
    """What the bot repeats in a group mentions nobody but who asked."""
    await shop.say("watch <at>everyone</at>@all drop 20%", conversation=group())
    (watch,) = (await shop.watches.page()).items
    assert watch.content is not None
    assert watch.content["text"].count("<at>") == 1
    assert "@all" not in watch.content["text"]


async def test_the_list_calls_nobody_either(shop: Shop) -> None:
    """What somebody watches in a group is shown so that it mentions nobody."""
    await shop.say("watch @everyone drop 20%", conversation=group())
    assert "@everyone" not in await shop.say("watches", conversation=group())


async def test_what_is_seen_is_no_markup(shop: Shop) -> None:
    """In Teams, where a mention makes a message of markup, a value is still text."""
    await shop.costs("small")
    await shop.say("watch tea changes", conversation=group())
    (said,) = await shop.costs("R&D <at>all</at>")
    assert said == "<at>Ana</at> tea is now R&amp;D &lt;at&gt;all&lt;/at&gt; (it was small)."


async def test_a_database_that_is_away_is_apologised_for(shop: Shop) -> None:
    """In the language of who asks; the bot's own logic is not run instead."""

    async def away(*_: object, **__: object) -> None:
        raise StoreUnavailable("It is away.")

    shop.watches.page = away  # type: ignore[assignment,method-assign]
    answer = await shop.say("vigila té baja 20%", locale="es")
    assert answer.startswith("Lo siento")
    assert shop.bot.heard == []


async def test_everything_else_is_the_bots(shop: Shop) -> None:
    """The part takes its own words only."""
    await shop.bench.receive(message("hello"))
    assert [each.text for each in shop.bot.heard] == ["hello"]

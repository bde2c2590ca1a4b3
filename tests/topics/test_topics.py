"""The topics as code uses them: names, who can subscribe, and what is published."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from recado.domain.audience import Person, Subscribers
from recado.domain.delivery import State
from recado.domain.reference import Member
from recado.errors import InvalidAudience, InvalidInput, UnknownRecipient, UnknownTopic
from recado.outbox import Outbox
from recado.references import References
from recado.store.session import Parameters, Row, Statement
from recado.store.sqlite import SqliteStore
from recado.store.sqlite.session import SqliteSession
from recado.telemetry import Telemetry
from recado.testing import HandClock, make_sighting
from recado.topics import Topics


class World:
    """Topics and what is behind them."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.store = SqliteStore(None, self.clock)
        telemetry = Telemetry()
        self.references = References(self.store, telemetry)
        self.outbox = Outbox(self.store, self.references, self.clock, telemetry, bot="local")
        self.topics = Topics(self.store, self.outbox, self.references, self.clock, bot="local")

    async def knows(self, user_id: str) -> None:
        """Let somebody have written to the bot."""
        sighting = make_sighting(f"a:{user_id}", members=(Member(user_id=user_id),))
        await self.references.remember(sighting)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A world in which Ana is known and there are news."""
    made = World()
    await made.store.open()
    await made.knows("ana")
    await made.topics.create("news")
    yield made
    await made.store.close()


async def test_names_are_one_word_in_any_case(world: World) -> None:
    """They are kept in small letters."""
    assert (await world.topics.create("Ofertas-2.ñ", title="Offers")).name == "ofertas-2.ñ"
    assert (await world.topics.get("OFERTAS-2.Ñ")).title == "Offers"
    assert (await world.topics.get("ofertas-2.n\u0303")).title == "Offers"
    for name in ("", "two words", "a/b", "-", "x" * 65, 7):
        with pytest.raises(InvalidInput, match="cannot name a topic"):
            await world.topics.create(name)  # type: ignore[arg-type]


async def test_whoever_subscribes_counts_nobody(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many there are: what counts them costs as much, and one writer serves all."""
    asked: list[Statement] = []
    first = SqliteSession.first

    async def overheard(db: SqliteSession, statement: Statement, *given: Parameters) -> Row | None:
        asked.append(statement)
        return await first(db, statement, *given)

    monkeypatch.setattr(SqliteSession, "first", overheard)
    ana = (await world.references.resolve("local", Person("ana")))[0]
    await world.store.subscribe("local", "news", ana, world.clock.now())
    await world.store.unsubscribe("local", "news", ana)
    await world.store.subscribers("local", "news")
    assert "topics.number" in asked
    assert "topics.topic" not in asked


async def test_who_can_subscribe(world: World) -> None:
    """One person or one conversation that is known."""
    assert await world.topics.subscribe("News", "user:ana")
    assert not await world.topics.subscribe("news", "conversation:a:ana")
    with pytest.raises(UnknownRecipient):
        await world.topics.subscribe("news", "user:ben")
    with pytest.raises(InvalidInput, match="name one person"):
        await world.topics.subscribe("news", "all")
    with pytest.raises(InvalidAudience):
        await world.topics.subscribe("news", "ana")
    with pytest.raises(UnknownTopic):
        await world.topics.subscribe("weather", "user:ana")
    assert [topic.name for topic in await world.topics.of("user:ana")] == ["news"]


async def test_published_under_its_own_category(world: World) -> None:
    """So that people can stop one topic; another category can be given."""
    await world.topics.subscribe("news", "user:ana")
    for category, wanted in ((None, "news"), ("weather", "weather")):
        given = {} if category is None else {"category": category}
        made = await world.topics.publish("NEWS", "It rains.", **given)  # type: ignore[arg-type]
        await world.store.expand(world.clock.now(), 10)
        progress = await made.progress()
        assert progress.counts == {State.PENDING: 1}
        found = await world.outbox.notification(made.id)
        assert found.category == wanted


async def test_a_topic_is_an_audience(world: World) -> None:
    """`topic:<name>` stands for its subscribers wherever an audience is named, and alone."""
    await world.topics.subscribe("news", "user:ana")
    made = await world.outbox.notify("topic:news", "It rains.")
    await world.store.expand(world.clock.now(), 10)
    assert (await made.progress()).total == 1
    plan = await world.outbox.plan("bot://topic/news")
    assert plan.total == 1
    with pytest.raises(UnknownTopic):
        await world.outbox.notify("topic:weather", "It rains.")
    with pytest.raises(InvalidAudience, match="give it alone"):
        await world.outbox.notify(["topic:news", "user:ana"], "It rains.")


async def test_a_topic_is_an_audience_in_any_case(world: World) -> None:
    """As everywhere else, because it was made so, too."""
    await world.topics.create("Ofertas-ñ")
    for audience in ("topic:OFERTAS-Ñ", "bot://topic/Ofertas-n\u0303", Subscribers("Ofertas-Ñ")):
        made = await world.outbox.notify(audience, "It rains.")
        assert (await made.progress()).expanded


async def test_a_group_has_no_preference(world: World) -> None:
    """Only a person can be told elsewhere."""
    await world.references.remember(make_sighting("g:1", is_group=True))
    with pytest.raises(InvalidInput, match="told as itself"):
        await world.topics.prefer("conversation:g:1")
    assert (await world.topics.prefer("user:ana")).key.conversation_id == "a:ana"

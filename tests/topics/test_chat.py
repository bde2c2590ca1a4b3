"""Subscriptions in chat: what people say about topics, and what they are answered."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from microsoft_agents.hosting.core import TurnContext

from recado.bot.ready.subscriptions import Subscriptions, understood
from recado.domain.reference import Reference
from recado.errors import StoreUnavailable
from recado.topics import Topics
from tests.bot.kit import Bench, Echo, group

HOME: dict[str, Any] = {"conversation": {"id": "a:home"}}


class _Recado:
    """What the part needs of a Recado."""

    def __init__(self, bench: Bench) -> None:
        self.topics = Topics(bench.store, bench.outbox, bench.references, bench.clock, bot="local")
        self._bench = bench

    async def remember(self, context: TurnContext) -> Reference:
        return await self._bench.bridge.remember(context)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    """A bot that echoes, with the part before it, and two topics."""
    made = Bench()
    await made.store.open()
    made.bridge.parts.add(Subscriptions(topics_of(made)))
    made.attach(Echo())
    await topics_of(made).topics.create("news")
    await topics_of(made).topics.create("Releases", title="New versions")
    yield made
    await made.store.close()


def topics_of(bench: Bench) -> _Recado:
    """The topics behind *bench*."""
    return _Recado(bench)


async def test_from_subscribing_to_unsubscribing(bench: Bench) -> None:
    """Whoever subscribes is told until they end it."""
    assert await bench.say("Subscribe RELEASES") == [
        (
            "You will be told about releases, wherever I saw you last. "
            "Type 'unsubscribe releases' to end that."
        )
    ]
    assert await bench.say("subscribe to releases") == ["You are told about releases already."]
    await topics_of(bench).topics.publish("releases", "Version 2 is out.")
    await bench.store.expand(bench.clock.now(), 100)
    assert await bench.deliver() == ["Version 2 is out."]
    assert await bench.say("unsubscribe from releases") == [
        "You will not be told about releases any more."
    ]
    assert await bench.say("unsubscribe releases") == ["You are not subscribed to releases."]
    await topics_of(bench).topics.publish("releases", "Version 3 is out.")
    await bench.store.expand(bench.clock.now(), 100)
    assert await bench.deliver() == []


@pytest.mark.parametrize("said", ["suscríbeme a news", "Suscribeme a NEWS", "suscribir news"])
async def test_spanish(bench: Bench, said: str) -> None:
    """With and without accents; the answer is in the language of whoever writes."""
    assert await bench.say(said, locale="es-MX") == [
        (
            "Te avisaré sobre news, donde te haya visto por última vez. "
            "Escribe 'desuscribir news' para dejarlo."
        )
    ]
    assert await bench.say("desuscríbeme de news", locale="es") == [
        "Ya no recibirás avisos sobre news."
    ]


async def test_a_group_subscribes_as_itself(bench: Bench) -> None:
    """Who said so in it is not told in private."""
    answer = await bench.say("subscribe news", conversation=group())
    assert answer[0] is not None
    assert answer[0].startswith("This conversation will be told about news.")
    made = await topics_of(bench).topics.publish("news", "It rains.")
    await bench.store.expand(bench.clock.now(), 100)
    claim = await bench.claim()
    assert claim.notification_id == made.id
    assert claim.conversation_id == "19:group@thread.v2"


@pytest.mark.parametrize("said", ["subscribe weather", "unsubscribe weather", "subscribe ??!"])
async def test_a_topic_nobody_made(bench: Bench, said: str) -> None:
    """It is said that there is none, and how to see those there are."""
    (answer,) = await bench.say(said)
    topic = said.split()[1]
    assert answer == f"There is no topic {topic}. Type 'topics' to see those there are."


@pytest.mark.parametrize("said", ["suscribir canción", "suscribir CANCIÓN", "suscribir canción."])
async def test_a_topic_with_accents(bench: Bench, said: str) -> None:
    """Its name is taken as it is written, unlike the command's own words."""
    await topics_of(bench).topics.create("canción")
    (answer,) = await bench.say(said, locale="es")
    assert answer is not None
    assert answer.startswith("Te avisaré sobre canción")


async def test_a_topic_without_its_accents(bench: Bench) -> None:
    """They are often left out, and put where there are none."""
    await topics_of(bench).topics.create("cancion")
    (answer,) = await bench.say("suscribir canción", locale="es")
    assert answer is not None
    assert answer.startswith("Te avisaré sobre cancion")


@pytest.mark.parametrize("name", ["@everyone", "<!channel>", "[x](https://x.example)", "**x**"])
async def test_what_names_no_topic_is_not_repeated(bench: Bench, name: str) -> None:
    """The bot would call people in a group, or show as its own what somebody else wrote."""
    (answer,) = await bench.say(f"subscribe {name}", conversation=group())
    assert answer is not None
    assert answer.startswith("There is no topic ")
    assert name not in answer


async def test_a_database_that_is_away_is_apologised_for(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the language of who asks."""

    async def away(*_: object, **__: object) -> None:
        raise StoreUnavailable("It is away.")

    await bench.say("hello")
    monkeypatch.setattr(type(bench.store), "topic", away)
    (answer,) = await bench.say("suscribir news", locale="es")
    assert answer is not None
    assert answer.startswith("Lo siento")


async def test_topics_are_shown(bench: Bench) -> None:
    """With their titles, and which of them one has."""
    await bench.say("subscribe news")
    assert await bench.say("topics") == [
        (
            "Topics you can subscribe to ('subscribe' and the name):\n\n"
            "- **news** (subscribed)\n- **releases**: New versions"
        )
    ]
    for name in ("news", "releases"):
        await topics_of(bench).topics.remove(name)
    assert await bench.say("temas", locale="es") == ["No hay temas a los que suscribirse."]


async def test_where_one_wants_to_be_told(bench: Bench) -> None:
    """There, wherever one was seen last; not in a group."""
    await bench.say("subscribe news")
    assert await bench.say("tell me here") == [
        "I will tell you things here rather than in other chats of ours."
    ]
    bench.clock.advance(60)
    await bench.say("hello", **HOME)
    await topics_of(bench).topics.publish("news", "It rains.")
    await bench.store.expand(bench.clock.now(), 100)
    claim = await bench.claim()
    assert claim.conversation_id == "a:ana"
    assert await bench.say("avísame aquí", conversation=group()) == [
        "I can do that only in a chat between the two of us."
    ]


@pytest.mark.parametrize(
    "said",
    ["", "subscribe", "please subscribe news", "subscribe news now", "topics please", "tell me"],
)
def test_everything_else_is_the_bots(said: str) -> None:
    """Only a whole message that is a command is one."""
    assert understood(said.split()) == (None, "")


async def test_the_bot_sees_what_the_part_leaves(bench: Bench) -> None:
    """And nothing of what it took."""
    assert await bench.say("hello") == ["echo hello"]
    answers = await bench.say("topics")
    assert len(answers) == 1

"""The use cases around references: remembering and finding."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from recado.domain.audience import Conversation, EveryConversation, Person, Several
from recado.domain.delivery import State
from recado.domain.policy import Answer
from recado.domain.reference import Health, Member, Presence, Reference, Sighting
from recado.errors import StoreUnavailable, UnknownRecipient, UnknownReference
from recado.references import Prober, References
from recado.store.port import Captured
from recado.store.sqlite import SqliteStore
from recado.telemetry import Event, ReferenceCaptured, Telemetry
from recado.testing import HandClock, make_sighting
from tests.store.kit import Desk


class CountingStore(SqliteStore):
    """A store that knows what was committed at once and what rode along."""

    def __init__(self) -> None:
        super().__init__(None, HandClock())
        self.captured: list[Sighting] = []
        self.touched: list[Sighting] = []

    async def capture(self, sightings: Sequence[Sighting]) -> list[Captured]:
        captured = await super().capture(sightings)
        self.captured += sightings
        return captured

    def touch(self, sighting: Sighting) -> None:
        self.touched.append(sighting)
        super().touch(sighting)


class Shelf(Desk):
    """References over a store in memory."""

    store: CountingStore

    def __init__(self, store: CountingStore) -> None:
        super().__init__(store, HandClock())
        self.events: list[Event] = []
        telemetry = Telemetry()
        telemetry.subscribe(self.events.append)
        self.references = References(store, telemetry)

    async def remember(self, conversation_id: str = "a:1", **changes: Any) -> bool:
        """Remember a sighting made now; whether it was committed at once."""
        before = len(self.store.captured)
        told = {"at": self.later(1)} | changes
        await self.references.remember(make_sighting(conversation_id, **told))
        return len(self.store.captured) > before


@pytest.fixture
async def shelf() -> AsyncIterator[Shelf]:
    """References over an empty store."""
    store = CountingStore()
    await store.open()
    yield Shelf(store)
    await store.close()


BEN = Member(user_id="29:ben", name="Ben")


async def test_a_new_conversation_is_committed_before_its_turn_runs(shelf: Shelf) -> None:
    """And told to telemetry, once."""
    assert await shelf.remember()
    assert (await shelf.find()).key.conversation_id == "a:1"
    (event,) = shelf.events
    assert isinstance(event, ReferenceCaptured)
    assert (event.new, event.released) == (True, 0)


async def test_what_is_known_is_waited_for_by_nobody(shelf: Shelf) -> None:
    """The refresh rides on the next commit."""
    await shelf.remember()
    assert not await shelf.remember(name="Renamed", locale="es")
    assert len(shelf.store.touched) == 1
    await shelf.store.check()
    found = await shelf.find()
    assert (found.name, found.locale) == ("Renamed", "es")
    assert len(shelf.events) == 1


@pytest.mark.parametrize(
    "news",
    [
        {"service_url": "https://smba.trafficmanager.net/amer/"},
        {"members": (BEN,)},
        {"departed": ("29:ana",), "members": ()},
        {"presence": Presence.LEFT},
    ],
    ids=lambda news: next(iter(news)),
)
async def test_news_are_committed_at_once(shelf: Shelf, news: dict[str, Any]) -> None:
    """A place to reach it, a person, a departure or the bot's own presence."""
    await shelf.remember()
    assert await shelf.remember(**news)


async def test_less_is_no_news(shelf: Shelf) -> None:
    """An activity without people or service URL says nothing that would have to wait."""
    await shelf.remember()
    assert not await shelf.remember(members=(), service_url="")


async def test_people_known_in_a_group_are_no_news(shelf: Shelf) -> None:
    """Whoever of them speaks."""
    await shelf.remember(is_group=True)
    assert await shelf.remember(members=(BEN,))
    assert not await shelf.remember()
    assert not await shelf.remember(members=(BEN,))


async def test_what_comes_back_is_news_again(shelf: Shelf) -> None:
    """Each change of state is committed before it is acted on, however often it happens."""
    await shelf.remember()
    for _ in range(2):
        assert await shelf.remember(presence=Presence.LEFT, members=())
        assert (await shelf.find()).health is Health.UNINSTALLED
        assert await shelf.remember()
        assert (await shelf.find()).health is Health.ACTIVE
    for url in ("https://b/", "https://a/", "https://b/"):
        assert await shelf.remember(service_url=url)
        assert (await shelf.find()).service_url == url
    for _ in range(2):
        assert await shelf.remember(members=(), departed=("29:ana",))
        assert await shelf.remember()


async def test_a_return_releases_what_waited(shelf: Shelf) -> None:
    """And telemetry learns how much."""
    await shelf.remember()
    await shelf.remember(presence=Presence.LEFT, members=())
    made = await shelf.say("hello", await shelf.find())
    shelf.events.clear()
    await shelf.remember()
    assert await shelf.state(made) is State.PENDING
    assert [event.released for event in shelf.events if isinstance(event, ReferenceCaptured)] == [1]


async def test_a_blocked_conversation_is_released_by_a_known_face(shelf: Shelf) -> None:
    """The channel's refusal was not an activity, so the person's next word is no news to us."""
    await shelf.remember()
    held = await shelf.make_unreachable(await shelf.find())
    assert not await shelf.remember()
    await shelf.store.check()
    assert await shelf.state(held) is State.PENDING


async def test_what_could_not_be_committed_is_not_taken_for_known(shelf: Shelf) -> None:
    """The next activity tries again."""
    await shelf.store.close()
    with pytest.raises(StoreUnavailable):
        await shelf.remember()
    await shelf.store.open()
    assert await shelf.remember()


async def test_what_could_not_be_stored_is_stored_later(shelf: Shelf) -> None:
    """With the first commit that succeeds."""
    shelf.references.remember_later(make_sighting("a:late"))
    await shelf.remember("a:other")
    assert (await shelf.find("a:late")).key.conversation_id == "a:late"


async def test_what_is_for_one_person_is_not_said_to_a_group(shelf: Shelf) -> None:
    """Who is known from a group only, where no private chat can be begun, is not reachable."""
    await shelf.remember("group", channel="slack", is_group=True, conversation_type="groupChat")
    with pytest.raises(UnknownRecipient, match="known only from groups"):
        await shelf.references.resolve("local", Person("29:ana"))


async def test_nobody_takes_over_a_name_by_choosing_it(shelf: Shelf) -> None:
    """On Web Chat people choose their own ids; the channel that vouches for them wins."""
    await shelf.remember("a:1")
    await shelf.remember("web", channel="webchat", conversation_type=None, tenant_id=None)
    (found,) = await shelf.references.resolve("local", Person("29:ana"))
    assert found.key.channel == "msteams"


async def test_memory_has_a_limit(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was known longest is asked for again; nothing is lost by it."""
    monkeypatch.setattr("recado.references.memory._REMEMBERED", 2)
    monkeypatch.setattr("recado.references.memory._PEOPLE", 2)
    for name in ("a:1", "a:2", "a:3"):
        await shelf.remember(name)
    assert not await shelf.remember("a:3")
    assert await shelf.remember("a:1")
    for number in range(5):
        assert await shelf.remember("a:1", members=(Member(user_id=f"29:{number}"),))
    assert not await shelf.remember("a:1", members=(Member(user_id="29:4"),))
    assert await shelf.remember("a:1", members=(Member(user_id="29:0"),))


# -- finding ---------------------------------------------------------------------------------


async def test_a_reference_by_its_id(shelf: Shelf) -> None:
    """Or an error that says where to look."""
    reference = await shelf.meet()
    assert await shelf.references.get(reference.id) == reference
    with pytest.raises(UnknownReference, match="recado references list"):
        await shelf.references.get("x")


async def test_audiences_are_resolved(shelf: Shelf) -> None:
    """Into conversations, each once, in the order they were named."""
    one, two = await shelf.meet("a:1"), await shelf.meet("a:2", members=(BEN,))

    async def resolved(audience: Any) -> list[str]:
        found = await shelf.references.resolve("local", audience)
        return [each.key.conversation_id for each in found]

    assert await resolved(Conversation("a:1")) == ["a:1"]
    assert await resolved(Conversation(two.id)) == ["a:2"]
    assert await resolved(Person("29:ben")) == ["a:2"]
    assert await resolved(EveryConversation()) == []
    assert await resolved(
        Several((Person("29:ben"), Conversation(one.id), Conversation("a:2")))
    ) == ["a:2", "a:1"]


async def test_a_person_is_spoken_to_in_private(shelf: Shelf) -> None:
    """If there is a private chat; trap 2: what they said in a group does not change that."""
    await shelf.meet("a:private")
    shelf.later(60)
    await shelf.meet("19:group", is_group=True, conversation_type="groupChat")
    found = await shelf.references.resolve("local", Person("29:ana"))
    assert [each.key.conversation_id for each in found] == ["a:private"]


async def test_other_bots_conversations_are_not_ours(shelf: Shelf) -> None:
    """Neither by their id nor by the channel's."""
    theirs = await shelf.meet("a:1", bot="other")
    for name in (theirs.id, "a:1"):
        with pytest.raises(UnknownRecipient):
            await shelf.references.resolve("local", Conversation(name))
    with pytest.raises(UnknownRecipient):
        await shelf.references.resolve("local", Person("29:ana"))


async def test_references_are_listed(shelf: Shelf) -> None:
    """In pages, as the store gives them."""
    await shelf.meet("a:1")
    await shelf.meet("a:2", bot="other")
    page = await shelf.references.page(bot="other", limit=1)
    assert [each.key.conversation_id for each in page.items] == ["a:2"]
    assert page.next is None


# -- how they are ----------------------------------------------------------------------------


async def test_the_report_and_the_history(shelf: Shelf) -> None:
    """Who removed the bot, and what has become of one conversation."""
    reference = await shelf.meet()
    await shelf.remember(presence=Presence.LEFT)
    (counted,) = await shelf.references.report("local")
    assert (counted.channel, counted.health, counted.many) == ("msteams", Health.UNINSTALLED, 1)
    (found,) = (await shelf.references.page(health=[Health.UNINSTALLED])).items
    assert found.id == reference.id
    (entry,) = (await shelf.references.history(reference.id)).items
    assert entry.detail["after"] == "uninstalled"
    with pytest.raises(UnknownReference):
        await shelf.references.history("x")


class Channel:
    """Answers probes as it was told, and knows what it was asked."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, reference: Reference) -> Answer:
        self.asked.append(reference.service_url)
        return self.answers.pop(0)


NOT_FOUND = Answer(status=404, code="ConversationNotFound")


async def test_a_probe_finds_out_without_a_word(shelf: Shelf) -> None:
    """What is not found is suspect; when it is there again it is well."""
    reference = await shelf.meet()
    prober = Prober(shelf.store, shelf.clock, Channel(NOT_FOUND, Answer(status=200)))
    found = await prober.probe(reference)
    assert (found.before, found.after) == (Health.ACTIVE, Health.SUSPECT)
    assert (found.reason, found.status) == ("ConversationNotFound", 404)
    found = await prober.probe(await shelf.find())
    assert (found.before, found.after, found.reason) == (Health.SUSPECT, Health.ACTIVE, None)


async def test_a_probe_looks_where_others_are(shelf: Shelf) -> None:
    """The next one asks at the newer service URL of the tenant."""
    reference = await shelf.meet()
    shelf.later(1)
    await shelf.see("a:other", service_url="https://new/")
    shelf.later(1)
    channel = Channel(NOT_FOUND, Answer(status=200))
    prober = Prober(shelf.store, shelf.clock, channel)
    await prober.probe(reference)
    found = await prober.probe(await shelf.find())
    assert channel.asked == [reference.service_url, "https://new/"]
    assert found.after is Health.ACTIVE


async def test_a_probe_that_learns_nothing_changes_nothing(shelf: Shelf) -> None:
    """A throttled question is no answer."""
    reference = await shelf.meet()
    found = await Prober(shelf.store, shelf.clock, Channel(Answer(status=429))).probe(reference)
    assert (found.after, found.status) == (Health.ACTIVE, 429)
    assert await shelf.find() == reference


async def test_suspects_are_probed_in_pages(shelf: Shelf) -> None:
    """Each once, also when some of them are well afterwards."""
    for number in range(3):
        reference = await shelf.meet(f"a:{number}")
        await Prober(shelf.store, shelf.clock, Channel(NOT_FOUND)).probe(reference)
    await shelf.meet("a:well")
    channel = Channel(Answer(status=200), NOT_FOUND, Answer(status=200))
    prober = Prober(shelf.store, shelf.clock, channel)
    first = await prober.probe_suspects("local", limit=2)
    rest = await prober.probe_suspects("local", limit=2, after=first.next)
    after = [each.after for each in (*first.items, *rest.items)]
    assert after == [Health.ACTIVE, Health.SUSPECT, Health.ACTIVE]
    assert rest.next is None

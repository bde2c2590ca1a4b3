"""The SDK's ``Proactive`` over our storage: it finds what Recado knows, and the other way round."""

from __future__ import annotations

import logging
from typing import Any, cast

import pytest
from microsoft_agents.activity import Activity, ConversationReference
from microsoft_agents.hosting.core import AgentApplication, ChannelServiceAdapter, TurnContext
from microsoft_agents.hosting.core.app import ApplicationOptions
from microsoft_agents.hosting.core.app.proactive import Conversation, ProactiveOptions
from microsoft_agents.hosting.core.app.state import TurnState

from recado.bot.storage import RecadoStorage
from recado.channel.hosts import HostRules
from recado.domain.making import wish_from
from recado.domain.reference import Member
from recado.store.port import Store
from recado.store.sqlite import SqliteStore
from tests.bot.kit import ANA, BOT, SERVICE_URL, Bench, connections, group
from tests.state.items import Note

APP_ID = "11111111-2222-3333-4444-555555555555"
OTHER_APP = "99999999-2222-3333-4444-555555555555"
NEWER_URL = "https://smba.trafficmanager.net/amer/"


class Desk:
    """A bot with a ``Proactive`` whose storage is ours."""

    def __init__(self, store: Store, bot: str = "local") -> None:
        self.store = store
        self.bench = Bench(bot, store=cast("SqliteStore", store))
        rules = HostRules()
        self.storage = RecadoStorage(store, bot=bot, check_service_url=rules.check)
        options = ApplicationOptions(
            storage=self.storage, proactive=ProactiveOptions(storage=self.storage)
        )
        self.app: AgentApplication[TurnState] = AgentApplication(
            options=options, connection_manager=connections()
        )
        self.store_each = False

        @self.app.activity("message")
        async def on_message(context: TurnContext, _: TurnState) -> None:
            if self.store_each:
                await self.app.proactive.store_conversation(context)
            await context.send_activity("heard")

        self.bench.attach(self.app)

    async def hear(self, **changes: Any) -> None:
        """Let somebody write to the bot."""
        await self.bench.say("hello", **changes)
        self.bench.channel.sent.clear()

    async def get(self, conversation_id: str = "a:ana") -> Conversation | None:
        return await self.app.proactive.get_conversation(conversation_id)

    async def keep(self, reference: dict[str, Any], **claims: str) -> None:
        """Have the SDK keep a conversation."""
        kept = Conversation(claims, ConversationReference.model_validate(reference))
        await self.app.proactive.store_conversation(kept)

    @property
    def adapter(self) -> ChannelServiceAdapter:
        adapter = self.bench.adapter
        assert isinstance(adapter, ChannelServiceAdapter)
        return adapter


def reference(conversation_id: str = "a:eva", **changes: Any) -> dict[str, Any]:
    """A reference the bot has from somewhere."""
    told: dict[str, Any] = {
        "bot": BOT,
        "user": {"id": "29:eva", "name": "Eva"},
        "conversation": {"id": conversation_id, "conversationType": "personal"},
        "channelId": "msteams",
        "serviceUrl": SERVICE_URL,
    }
    return {name: value for name, value in (told | changes).items() if value is not None}


@pytest.fixture
def desk(store: Store) -> Desk:
    """A bot without credentials."""
    return Desk(store)


async def test_what_recado_captured_is_found(desk: Desk) -> None:
    """Without the bot having stored anything, with all that its channel said."""
    assert await desk.get() is None
    await desk.hear(conversation=group("19:g"), from_=ANA)
    found = await desk.get("19:g")
    assert found is not None
    found.validate()
    told = found.conversation_reference
    assert (told.service_url, told.channel_id, told.locale) == (SERVICE_URL, "msteams", "en-GB")
    assert told.conversation.id == "19:g"
    assert told.conversation.is_group
    assert (told.agent.id, told.user and told.user.id) == (BOT["id"], ANA["id"])
    assert found.claims == {}


async def test_the_sdk_speaks_where_recado_was_spoken_to(desk: Desk) -> None:
    """Both of its ways; a turn has the conversation's state."""
    await desk.hear()
    proactive = desk.app.proactive
    sent = await proactive.send_activity(
        desk.adapter, "a:ana", Activity(type="message", text="plain")
    )
    assert sent is not None

    async def handler(context: TurnContext, state: Any) -> None:
        state.conversation.set_value("told", 1)
        await context.send_activity(f"turn in {context.activity.conversation.id}")

    await proactive.continue_conversation(desk.adapter, "a:ana", handler)
    assert desk.bench.channel.texts == ["plain", "turn in a:ana"]
    assert {sent.post.conversation_id for sent in desk.bench.channel.sent} == {"a:ana"}
    kept = await desk.store.read_state("local", ["msteams/conversations/a:ana"])
    assert kept["msteams/conversations/a:ana"].value == {"told": 1}


async def test_a_bot_with_an_id_speaks_for_itself(store: Store) -> None:
    """The claims that the SDK's adapter needs are those of this bot."""
    desk = Desk(store, APP_ID)
    await desk.hear()
    found = await desk.get()
    assert found is not None
    assert found.claims == {"aud": APP_ID}
    await desk.app.proactive.send_activity(
        desk.adapter, "a:ana", Activity(type="message", text="plain")
    )
    assert desk.bench.channel.texts == ["plain"]


async def test_what_the_sdk_keeps_it_finds_unchanged(desk: Desk) -> None:
    """Its claims and its span, and the reference of the turn."""
    desk.store_each = True
    await desk.hear()
    found = await desk.get()
    assert found is not None
    assert found.conversation_reference.activity_id is not None
    await desk.keep(reference(), aud=APP_ID, tid="t")
    other = await desk.get("a:eva")
    assert other is not None
    assert other.claims == {"aud": APP_ID, "tid": "t"}
    assert other.store_item_to_json()["conversation_reference"] == reference()


async def test_what_the_sdk_keeps_recado_knows(desk: Desk) -> None:
    """It can be spoken to by name; it is in no broadcast, because nobody was heard there."""
    await desk.keep(reference())
    known = await desk.bench.reference("a:eva")
    assert known.service_url == SERVICE_URL
    assert [member.user_id for member in known.members] == ["29:eva"]
    assert not known.heard
    await desk.hear()
    await desk.bench.outbox.notify("all", "to all")
    await desk.store.expand(desk.bench.clock.now(), 100)
    assert await desk.bench.deliver() == ["to all"]
    await desk.bench.outbox.notify("user:29:eva", "to Eva")
    assert await desk.bench.deliver() == ["to Eva"]


async def test_once_heard_it_is_like_any_other(desk: Desk) -> None:
    """An activity makes it part of broadcasts."""
    await desk.keep(reference("a:ana", user=ANA))
    await desk.hear()
    assert (await desk.bench.reference()).heard
    await desk.keep(reference("a:ana", user=ANA))
    assert (await desk.bench.reference()).heard


async def test_an_old_record_does_not_change_what_is_known(desk: Desk) -> None:
    """Not its service URL, and not that the bot was removed there."""
    await desk.hear(serviceUrl=NEWER_URL)
    before = await desk.bench.reference()
    await desk.keep(reference("a:ana", user={"id": "29:x"}))
    assert await desk.bench.reference() == before


async def test_the_service_url_is_the_one_that_is_right_now(desk: Desk) -> None:
    """Also in a record that was kept before it moved."""
    await desk.keep(reference("a:ana", user=ANA), aud=APP_ID)
    await desk.hear(serviceUrl=NEWER_URL)
    found = await desk.get()
    assert found is not None
    assert found.conversation_reference.service_url == NEWER_URL
    assert found.claims == {"aud": APP_ID}


async def test_what_the_sdk_deletes_it_does_not_find(desk: Desk) -> None:
    """Although Recado still knows the conversation; until it is stored again."""
    await desk.hear()
    await desk.app.proactive.delete_conversation("a:ana")
    assert await desk.get() is None
    with pytest.raises(KeyError):
        await desk.app.proactive.send_activity(
            desk.adapter, "a:ana", Activity(type="message", text="x")
        )
    await desk.hear()
    assert await desk.get() is None
    assert (await desk.bench.reference()).heard
    desk.store_each = True
    await desk.hear()
    assert await desk.get() is not None


@pytest.mark.parametrize(
    ("changes", "claims", "why"),
    [
        ({"serviceUrl": "https://evil.example/"}, {}, "belongs to no known channel service"),
        ({"channelId": None}, {}, "it has no channelId"),
        ({}, {"aud": OTHER_APP}, f"it belongs to bot {OTHER_APP}, and this is bot {APP_ID}"),
        ({"bot": {"id": f"28:{OTHER_APP}"}}, {}, f"it belongs to bot {OTHER_APP}"),
    ],
    ids=["url", "channel", "claims", "account"],
)
async def test_what_recado_cannot_use_is_kept_all_the_same(
    store: Store,
    caplog: pytest.LogCaptureFixture,
    changes: dict[str, Any],
    claims: dict[str, str],
    why: str,
) -> None:
    """The SDK finds it; Recado does not know it, and says why."""
    desk = Desk(store, APP_ID)
    with caplog.at_level(logging.WARNING, "recado.bot"):
        await desk.keep(reference(**changes), **claims)
    assert why in caplog.text
    assert await desk.get("a:eva") is not None
    assert await store.find_conversation(APP_ID, "a:eva") is None


async def test_a_conversation_that_is_to_be_made_is_not_found(desk: Desk) -> None:
    """It has no id yet that the SDK could use."""
    await desk.hear()
    ana = await desk.bench.reference()
    unmade = await desk.store.wish(wish_from(ana, Member(user_id="29:eva"), None, None))
    assert await desk.get(unmade.key.conversation_id) is None


async def test_other_keys_beside_them_are_ordinary_ones(desk: Desk) -> None:
    """In one call with records, too."""
    await desk.hear()
    record = await desk.storage.read(["proactive/conversations/a:ana"], target_cls=Conversation)
    await desk.storage.write({**record, "proactive/other": Note({})})
    keys = ["proactive/conversations/a:ana", "proactive/other"]
    assert (await desk.storage.read(keys, target_cls=Note)).keys() == {*keys}
    await desk.storage.delete(keys)
    assert await desk.storage.read(keys, target_cls=Note) == {}

"""The pooled connector: what the bot's turns send, and what is left to the SDK."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any, cast

import pytest
from microsoft_agents.activity import (
    Activity,
    ResourceResponse,
    TokenResponse,
)
from microsoft_agents.activity.teams import MeetingInfo
from microsoft_agents.hosting.core import (
    ChannelServiceClientFactoryBase,
    ClaimsIdentity,
    ConnectorClientBase,
    TurnContext,
    UserTokenClientBase,
)
from microsoft_agents.hosting.fastapi import CloudAdapter

from recado.bot.factory import PooledClientFactory
from recado.channel.port import Reply
from recado.domain.policy import Answer
from recado.errors import ChannelError
from recado.testing import FakeChannel
from tests.bot.kit import ANA, BOT, SERVICE_URL, Bench, Echo, activity, message


class OwnClient:
    """Stands for the clients of the SDK: notes what it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.closed = 0
        self.conversations = self.attachments = self.user_token = self.agent_sign_in = self

    async def fetch_meeting_info(self, meeting_id: str) -> MeetingInfo:
        self.asked.append(("meeting", meeting_id))
        return MeetingInfo()

    async def get_attachment(self, attachment_id: str, view_id: str) -> BytesIO:
        self.asked.append(("attachment", attachment_id, view_id))
        return BytesIO()

    async def reply_to_activity(
        self, conversation_id: str, activity_id: str, sent: Activity
    ) -> ResourceResponse:
        self.asked.append(("reply", conversation_id, activity_id, sent.text))
        return ResourceResponse(id="own")

    async def get_user_token(self, *args: Any) -> TokenResponse:
        self.asked.append(("token", *args))
        return TokenResponse()

    async def get_token(self, *args: Any) -> TokenResponse:
        self.asked.append(("user_token", *args))
        return TokenResponse()

    async def close(self) -> None:
        self.closed += 1


class OwnFactory(ChannelServiceClientFactoryBase):
    """Stands for the SDK's factory."""

    def __init__(self) -> None:
        self.made: list[OwnClient] = []

    async def create_connector_client(self, *args: Any, **kwargs: Any) -> ConnectorClientBase:
        return cast("ConnectorClientBase", self._make())

    async def create_user_token_client(self, *args: Any, **kwargs: Any) -> UserTokenClientBase:
        return cast("UserTokenClientBase", self._make())

    def _make(self) -> OwnClient:
        self.made.append(OwnClient())
        return self.made[-1]


@pytest.fixture
def factory(bench: Bench) -> OwnFactory:
    """The factory the bench's adapter has had before Recado was attached."""
    own = OwnFactory()
    bench.adapter = CloudAdapter(channel_service_client_factory=own)
    return own


class Asking(Echo):
    """A bot that does something with the clients of its turn."""

    def __init__(self, what: Any) -> None:
        super().__init__()
        self._what = what
        self.got: list[Any] = []

    async def on_turn(self, context: TurnContext) -> None:
        self.got.append(await self._what(context))


def connector_of(context: TurnContext) -> Any:
    """The connector client, where bots look for it."""
    return context.turn_state["ConnectorClient"]


async def test_replies_go_through_the_channel(bench: Bench) -> None:
    """The bot's own replies are posted with everything channels want to see, and no nulls."""
    bench.attach(Echo())
    told = message("hi", id="1")
    await bench.receive(told)
    (sent,) = bench.channel.sent
    assert sent.post.bot == "local"
    assert sent.post.channel == "msteams"
    assert sent.post.service_url == SERVICE_URL
    assert sent.post.conversation_id == "a:ana"
    assert (sent.post.method, sent.post.activity_id, sent.post.key) == ("POST", "1", None)
    assert sent.activity == {
        "type": "message",
        "channelId": "msteams",
        "serviceUrl": SERVICE_URL,
        "from": BOT,
        "recipient": ANA,
        "conversation": told["conversation"],
        "locale": "en-GB",
        "text": "echo hi",
        "inputHint": "acceptingInput",
        "replyToId": "1",
    }


async def test_a_member_of_a_card_may_be_null(bench: Bench) -> None:
    """Nulls are dropped from the activity but not from what is opaque to the protocol."""
    card = {"contentType": "x", "content": {"value": None, "deep": [None]}}

    async def send(context: TurnContext) -> ResourceResponse:
        said = {"type": "message", "attachments": [card], "entities": [{"type": "x", "y": None}]}
        return await context.send_activity(Activity.model_validate(said))

    bench.attach(Asking(send))
    await bench.receive(message("hi"))
    assert bench.channel.sent[0].activity["attachments"] == [card]
    assert bench.channel.sent[0].activity["entities"] == [{"type": "x"}]


@pytest.mark.parametrize("answer", [Answer(status=200), Answer(status=202, activity_id=None)])
async def test_an_answer_without_an_id_is_a_success(bench: Bench, answer: Answer) -> None:
    """Teams does that."""

    async def send(context: TurnContext) -> str | None:
        return (await context.send_activity("hello")).id

    bot = Asking(send)
    bench.attach(bot)
    bench.channel.answers.append(answer)
    await bench.receive(message("hi"))
    assert bot.got == [None]


async def test_a_refusal_carries_what_the_channel_said(bench: Bench) -> None:
    """Inbound turns can tell a blocked user from a full one."""
    errors: list[ChannelError] = []

    async def send(context: TurnContext) -> None:
        try:
            await context.send_activity("hello")
        except ChannelError as error:
            errors.append(error)

    bench.attach(Asking(send))
    bench.channel.answers.append(
        Answer(status=429, code="Throttled", message="slow down", retry_after=2.0)
    )
    await bench.receive(message("hi"))
    assert str(errors[0]) == "The channel did not take the activity (429 Throttled): slow down"
    assert (errors[0].status, errors[0].retry_after) == (429, 2.0)


async def test_edits_and_removals_go_through_the_channel(bench: Bench) -> None:
    """With the method and id the Connector API wants."""

    async def edit(context: TurnContext) -> None:
        await context.update_activity(Activity(type="message", id="x", text="new"))
        await context.delete_activity("y")

    bench.attach(Asking(edit))
    await bench.receive(message("hi"))
    posts = [
        (s.post.method, s.post.activity_id, s.activity.get("text")) for s in bench.channel.sent
    ]
    assert posts == [("PUT", "x", "new"), ("DELETE", "y", None)]
    assert bench.channel.sent[1].post.channel == "msteams"


async def test_traces_go_to_the_emulator_only(bench: Bench) -> None:
    """As in the SDK."""

    async def trace(context: TurnContext) -> None:
        await context.send_trace_activity("test", "value")

    bench.attach(Asking(trace))
    await bench.receive(message("hi"))
    await bench.receive(message("hi", channelId="emulator"))
    assert [sent.post.channel for sent in bench.channel.sent] == ["emulator"]


async def test_rare_operations_are_the_sdks(bench: Bench, factory: OwnFactory) -> None:
    """Its client is made when it is first asked, once, and closed when the turn ends."""

    async def ask(context: TurnContext) -> int:
        connector = connector_of(context)
        await connector.attachments.get_attachment("1", "original")
        await connector.fetch_meeting_info("meeting")  # Teams' own
        return len(factory.made)

    bot = Asking(ask)
    bench.attach(bot)
    await bench.receive(message("hi"))
    assert bot.got == [1]
    assert factory.made[0].asked == [("attachment", "1", "original"), ("meeting", "meeting")]
    assert factory.made[0].closed == 1


async def test_an_ordinary_turn_makes_no_client_of_the_sdk(
    bench: Bench, factory: OwnFactory
) -> None:
    """Neither for the connector nor for user tokens."""
    bench.attach(Echo())
    await bench.receive(message("hi"))
    await bench.run_turn("bot")
    assert factory.made == []


async def test_signing_in_makes_the_sdks_token_client(bench: Bench, factory: OwnFactory) -> None:
    """All three parts of it are there."""

    async def ask(context: TurnContext) -> bool:
        client: Any = context.turn_state["UserTokenClient"]
        await client.get_user_token("u", "connection", "msteams")
        await client.user_token.get_token("u", "connection")
        return all(hasattr(client, part) for part in ("user_token", "agent_sign_in", "close"))

    bot = Asking(ask)
    bench.attach(bot)
    await bench.receive(message("hi"))
    assert bot.got == [True]
    (made,) = factory.made
    assert [asked[0] for asked in made.asked] == ["token", "user_token"]
    assert made.closed == 1


async def test_names_the_sdk_does_not_have_are_missing(bench: Bench) -> None:
    """A typing error does not become a request."""

    async def ask(context: TurnContext) -> list[bool]:
        connector = connector_of(context)
        return [hasattr(connector, "no_such"), hasattr(connector.conversations, "no_such")]

    bot = Asking(ask)
    bench.attach(bot)
    await bench.receive(message("hi"))
    assert bot.got == [[False, False]]


async def test_the_address_of_an_attachment_is_known_without_a_client(bench: Bench) -> None:
    """It is computed, ids encoded."""

    async def ask(context: TurnContext) -> str:
        uri: str = connector_of(context).attachments.get_attachment_uri("a/1", "b?")
        assert connector_of(context).base_uri == SERVICE_URL
        return uri

    bot = Asking(ask)
    bench.attach(bot)
    await bench.receive(message("hi"))
    assert bot.got == [f"{SERVICE_URL}v3/attachments/a%2F1/views/b%3F"]


TARGETED = (("isTargetedActivity", "true"),)


async def test_a_targeted_message_is_one(bench: Bench) -> None:
    """Meant for one person's eyes, it must not go out as an ordinary one."""

    async def send(context: TurnContext) -> str | None:
        secret = Activity(type="message", text="psst").with_targeted_recipient("29:ana")
        return (await context.send_activity(secret)).id

    bot = Asking(send)
    bench.attach(bot)
    bench.channel.replies.append(Reply(answer=Answer(status=201), body={"id": "7"}))
    await bench.receive(message("hi", id="1"))
    assert bot.got == ["7"]
    assert bench.channel.sent == []
    (call,) = bench.channel.calls
    assert call.path == ("v3", "conversations", "a:ana", "activities", "1")
    assert (call.method, call.query, call.urgent) == ("POST", TARGETED, True)
    said = json.loads(call.body or b"")
    assert (said["text"], said["recipient"]["id"]) == ("psst", "29:ana")


async def test_a_targeted_message_of_a_delivery_is_sent_once(bench: Bench) -> None:
    """Numbered and recorded like any other send."""

    @bench.bridge.handler("whisper")
    async def whisper(context: TurnContext, value: Any) -> None:
        secret = Activity(type="message", text="psst").with_targeted_recipient("29:ana")
        await context.send_activity(secret)

    bench.attach(Echo())
    await bench.receive(message("hi"))
    bench.channel.replies.append(Reply(answer=Answer(status=201), body={"id": "own"}))
    await bench.outbox.notify("conversation:a:ana", handler="whisper")
    claim = await bench.claim()
    for _ in range(2):
        assert (await bench.bridge.turns.run(claim)).activity_id == "own"
    (call,) = bench.channel.calls
    assert (call.path[-1], call.query) == ("activities", TARGETED)


@pytest.mark.parametrize(
    "recipient",
    [
        {"id": "agent", "role": "agenticUser"},
        {"id": "agent", "role": "agenticAppInstance"},
        {"id": "agent", "role": "connectoruser"},
    ],
)
async def test_other_identities_keep_the_sdks_factory(
    bench: Bench, factory: OwnFactory, recipient: dict[str, str]
) -> None:
    """Agentic and connector-user turns have tokens and addresses of their own."""
    bench.attach(Echo())
    await bench.receive(message("hi", id="1", recipient=recipient))
    assert bench.channel.sent == []
    assert [asked for client in factory.made for asked in client.asked] == [
        ("reply", "a:ana", "1", "echo hi")
    ]


async def test_other_agents_keep_the_sdks_factory() -> None:
    """A caller that is an agent itself is answered with a token for that agent."""
    own = OwnFactory()
    factory = PooledClientFactory(own, FakeChannel(), bot="local")
    agent = ClaimsIdentity({"ver": "2.0", "aud": "me", "azp": "another-agent"})
    made = await factory.create_connector_client(None, agent, SERVICE_URL, "audience")
    assert made is own.made[0]  # type: ignore[comparison-overlap]


async def test_invoke_is_answered_in_the_response(bench: Bench) -> None:
    """Nothing of that goes through the channel."""

    async def answer(context: TurnContext) -> None:
        value = {"status": 200, "body": {"ok": True}}
        await context.send_activity(Activity(type="invokeResponse", value=value))

    bench.attach(Asking(answer))
    response = await bench.receive(activity("invoke", name="task/fetch"))
    assert (response.status_code, response.body) == (200, {"ok": True})
    assert bench.channel.sent == []

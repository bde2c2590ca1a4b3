"""What bots ask the Connector besides sending, over HTTP, at a channel with Teams' rules."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from microsoft_agents.activity import (
    Activity,
    AttachmentData,
    ConversationParameters,
    Transcript,
)
from microsoft_agents.hosting.core import TurnContext

from recado import Recado
from recado.domain.delivery import State
from recado.errors import ChannelError
from recado.testing import FakeConnector, faults, wired
from recado.testing.calls import Operation
from recado.testing.people import BOT
from tests.bot.kit import Echo, Request, make_adapter
from tests.bot.test_pooled import Asking, connector_of


class Booth:
    """A bot with Recado attached, at a channel that answers over HTTP."""

    def __init__(self, channel: FakeConnector, recado: Recado) -> None:
        self.channel = channel
        self.recado = recado
        self.adapter = make_adapter()

    def attach(self, agent: Asking | Echo) -> None:
        """Attach *agent*; people at the channel speak to it."""
        self.recado.attach(self.adapter, agent)

        async def receive(activity: dict[str, Any]) -> int:
            response = await self.adapter.process_request(Request(activity), agent)
            return int(response.status_code)

        self.channel.bot = receive

    async def ask(self, what: Any) -> Any:
        """Have a turn of Ana's do something; what came of it."""
        bot = Asking(what)
        self.attach(bot)
        await self.channel.say("ana", "hi")
        (got,) = bot.got
        return got

    @property
    def operations(self) -> list[Operation]:
        """What the channel was asked for."""
        return [each.asked.operation for each in self.channel.requests]


@pytest.fixture
async def booth() -> AsyncIterator[Booth]:
    """A bot at a channel."""
    async with FakeConnector() as channel, wired(channel) as recado:
        yield Booth(channel, recado)


async def test_who_is_there(booth: Booth) -> None:
    """One, all, page by page, and as Teams tells it."""
    team = booth.channel.team("sales", 600, channels=["Leads"])

    async def ask(context: TurnContext) -> list[Any]:
        connector = connector_of(context)
        rooms = connector.conversations
        everybody = await rooms.get_conversation_members(team.id)
        one = await rooms.get_conversation_member(team.id, "29:user7")
        page = await rooms.get_conversation_paged_members(team.id)
        rest = await rooms.get_conversation_paged_members(team.id, 100, page.continuation_token)
        known = await connector.get_conversation_member(team.id, "29:user7")
        pages = await connector.get_conversation_paged_member(team.id, 50, "")
        details = await connector.fetch_team_details(team.id)
        channels = await connector.fetch_channel_list(team.id)
        return [
            len(everybody),
            one.name,
            len(page.members),
            len(rest.members),
            known.user_principal_name,
            pages.members[0].email,
            details.member_count,
            [each.name for each in channels],
        ]

    assert await booth.ask(ask) == [
        600,
        "User7",
        500,
        100,
        "user7@example.com",
        "user0@example.com",
        600,
        [None, "Leads"],
    ]


async def test_who_was_there_and_who_leaves(booth: Booth) -> None:
    """Rarely asked, and asked the same way."""
    room = booth.channel.group("19:chat@thread.v2", ["ana", "ben"])

    async def ask(context: TurnContext) -> list[Any]:
        rooms = connector_of(context).conversations
        sent = await rooms.send_to_conversation(room.id, Activity(type="message", text="hi"))
        there = await rooms.get_activity_members(room.id, sent.id)
        await rooms.delete_conversation_member(room.id, "29:ben")
        return [len(there), len(await rooms.get_conversation_members(room.id))]

    assert await booth.ask(ask) == [2, 1]


async def test_files_and_history(booth: Booth) -> None:
    """Uploaded, and looked at."""

    async def ask(context: TurnContext) -> list[Any]:
        connector = connector_of(context)
        data = AttachmentData(name="a.txt", type="text/plain", original_base64=b"aGk=")
        uploaded = await connector.conversations.upload_attachment("a:ana", data)
        found = await connector.attachments.get_attachment_info(uploaded.id)
        said = Transcript(activities=[Activity(type="message", text="before")])
        await connector.conversations.send_conversation_history("a:ana", said)
        return [found.name, [each.size for each in found.views]]

    assert await booth.ask(ask) == ["a.txt", [2]]
    assert Operation.HISTORY in booth.operations


async def test_a_targeted_message(booth: Booth) -> None:
    """It is said, and marked, so that one person sees it."""

    async def ask(context: TurnContext) -> Any:
        secret = Activity(type="message", text="psst").with_targeted_recipient("29:ana")
        return await context.send_activity(secret)

    assert (await booth.ask(ask)).id
    (request,) = booth.channel.requests
    assert request.asked.query == {"isTargetedActivity": "true"}
    assert booth.channel.texts["a:ana"] == ["psst"]


async def test_refusals_say_what_the_channel_said(booth: Booth) -> None:
    """The SDK's own client keeps it to itself."""

    async def ask(context: TurnContext) -> ChannelError:
        booth.channel.fail(faults.NOT_IN_ROSTER)
        with pytest.raises(ChannelError) as raised:
            await connector_of(context).fetch_team_details("19:nowhere")
        return raised.value

    refused = await booth.ask(ask)
    assert (refused.status, refused.channel_code) == (403, "BotNotInConversationRoster")


async def test_an_answer_of_another_kind(booth: Booth) -> None:
    """Is an error, and no empty team."""

    async def ask(context: TurnContext) -> str:
        booth.channel.fail(faults.WITHOUT_BODY)
        with pytest.raises(ChannelError, match="its answer is no TeamDetails"):
            await connector_of(context).fetch_team_details(team.id)
        return "refused"

    team = booth.channel.team("sales")
    assert await booth.ask(ask) == "refused"


async def test_the_sdk_creates_conversations(booth: Booth) -> None:
    """Through the channel, encoded and in the bot's name; its first turn is said there too."""
    booth.attach(Echo())

    async def callback(context: TurnContext) -> None:
        await context.send_activity("nice to meet you")

    wanted = ConversationParameters.model_validate(
        {"members": [{"id": "29:eva"}], "bot": dict(BOT), "tenantId": "tenant-1"}
    )
    for _ in range(2):
        await booth.adapter.create_conversation(
            "local", "msteams", booth.channel.url, "audience", wanted, callback
        )
    assert booth.operations == [Operation.CREATE, Operation.SEND] * 2
    (said,) = booth.channel.texts.values()
    assert said == ["nice to meet you"] * 2


async def test_a_question_that_may_pass_is_asked_again(booth: Booth) -> None:
    """A delivery's turn that could not find out something runs again, and repeats nothing."""
    ran: list[str] = []

    @booth.recado.handler("report")
    async def report(context: TurnContext, value: Any) -> None:
        ran.append("ran")
        await context.send_activity("here it comes")
        await connector_of(context).conversations.get_conversation_members("a:ana")

    booth.attach(Echo())
    await booth.channel.introduce("ana")
    booth.channel.fail(faults.UNAVAILABLE, operation=Operation.MEMBERS)
    handle = await booth.recado.notify("user:29:ana", handler="report")
    assert (await handle.wait(20)).counts == {State.DELIVERED: 1}
    assert len(ran) == 2
    assert booth.channel.texts["a:ana"] == ["here it comes"]


async def test_what_another_conversation_refuses_is_not_the_deliverys(booth: Booth) -> None:
    """That the bot is not in some team does not make Ana unreachable."""

    @booth.recado.handler("report")
    async def report(context: TurnContext, value: Any) -> None:
        await connector_of(context).fetch_team_details("19:nowhere")

    booth.attach(Echo())
    await booth.channel.introduce("ana")
    handle = await booth.recado.notify("user:29:ana", handler="report")
    assert (await handle.wait(20)).counts == {State.REJECTED: 1}
    (found,) = await booth.recado.store.find_references("local", "29:ana")
    assert found.health.reachable

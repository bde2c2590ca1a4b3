"""Which channel takes a request."""

from __future__ import annotations

import pytest

from recado.channel.port import Call, Channel, Post, Reply
from recado.channel.router import ChannelRouter
from recado.domain.policy import Answer


class Recorder:
    """A channel that keeps what it was handed."""

    def __init__(self) -> None:
        self.sent: list[Post] = []
        self.called: list[Call] = []
        self.closed = 0

    async def send(self, post: Post) -> Answer:
        self.sent.append(post)
        return Answer(status=201)

    async def call(self, call: Call) -> Reply:
        self.called.append(call)
        return Reply(answer=Answer(status=200), body={})

    async def close(self) -> None:
        self.closed += 1


class ActivitiesOnly(Channel):
    """A channel that implements no calls."""

    async def send(self, post: Post) -> Answer:
        return Answer(status=201)

    async def close(self) -> None: ...


class TestRouter:
    @pytest.mark.parametrize(
        ("service_url", "taken_by"),
        [
            ("https://local.recado.invalid/", "local"),
            ("https://LOCAL.recado.invalid", "local"),
            ("https://local.recado.invalid:3978/x", "local"),
            ("https://smba.trafficmanager.net/teams/", "default"),
            ("https://smba.trafficmanager.net/local.recado.invalid", "default"),
            ("https://local.recado.invalid.evil.example/", "default"),
            ("https://x@local.recado.invalid/", "default"),
            ("https://local.recado.invalid:x@evil.example/", "default"),
            ("https://evil.example\\@local.recado.invalid/", "default"),
            ("local.recado.invalid", "default"),
            ("", "default"),
        ],
    )
    async def test_a_reserved_host_has_a_channel_of_its_own(
        self, service_url: str, taken_by: str
    ) -> None:
        local, default = Recorder(), Recorder()
        router = ChannelRouter({"local.recado.invalid": local}, default)
        post = Post(
            bot="local", channel="webchat", service_url=service_url, conversation_id="1", body=b""
        )
        assert (await router.send(post)).ok
        sent = {"local": local.sent, "default": default.sent}
        assert sent == {"local": [], "default": []} | {taken_by: [post]}
        call = Call(
            bot="local", channel="webchat", service_url=service_url, method="GET", path=("v3",)
        )
        assert (await router.call(call)).body == {}
        called = {"local": local.called, "default": default.called}
        assert called == {"local": [], "default": []} | {taken_by: [call]}

    async def test_a_channel_of_activities_alone_supports_no_calls(self) -> None:
        router = ChannelRouter({}, ActivitiesOnly())
        call = Call(bot="local", channel="webchat", service_url="", method="GET", path=("v3",))
        assert (await router.call(call)).answer.status == 405

    async def test_closing_closes_each_channel_once(self) -> None:
        local, default = Recorder(), Recorder()
        await ChannelRouter({"a.invalid": local, "b.invalid": local}, default).close()
        assert (local.closed, default.closed) == (1, 1)

from __future__ import annotations

from recado.channel.port import Call, Post, Reply
from recado.domain.policy import Answer
from recado.testing import FakeChannel

_POST = Post(
    bot="local",
    channel="msteams",
    service_url="https://smba.trafficmanager.net/emea/",
    conversation_id="a:1",
    body=b'{"type":"message","text":"hello"}',
)
_CALL = Call(
    bot="local",
    channel="msteams",
    service_url="https://smba.trafficmanager.net/emea/",
    method="GET",
    path=("v3", "conversations", "a:1", "members"),
)


async def test_it_takes_everything() -> None:
    """Or answers as it was told to, once each."""
    channel = FakeChannel()
    channel.answers += [Answer(status=429), lambda post: Answer(status=404, code=post.bot)]
    told = [await channel.send(_POST) for _ in range(3)]
    assert [(each.status, each.code) for each in told] == [(429, None), (404, "local"), (200, None)]
    assert channel.texts == ["hello"] * 3
    await channel.arrived(3)


async def test_it_supports_no_other_calls() -> None:
    """Unless it was told what to reply."""
    channel = FakeChannel()
    channel.replies += [
        Reply(answer=Answer(status=200), body=[]),
        lambda call: Reply(answer=Answer(status=200), body=call.path[-1]),
    ]
    assert (await channel.call(_CALL)).body == []
    assert (await channel.call(_CALL)).body == "members"
    assert (await channel.call(_CALL)).answer.status == 405
    assert channel.calls == [_CALL] * 3

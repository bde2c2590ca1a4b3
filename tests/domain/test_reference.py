"""References: what a conversation is called, and how it is addressed."""

from __future__ import annotations

from typing import Any

import pytest

from recado.domain.job import Job, JobScope
from recado.domain.reference import (
    ConversationKey,
    Health,
    Member,
    Reference,
    base_channel,
    fold_email,
    pace_key,
)
from recado.testing import START

ANA = Member(user_id="29:ana", name="Ana", aad_object_id="oid")


def make_reference(**changes: Any) -> Reference:
    """A private chat with Ana, but for what *changes* says."""
    told: dict[str, Any] = {
        "number": 1,
        "id": "r",
        "key": ConversationKey(bot="local", channel="msteams", conversation_id="a:1"),
        "service_url": "https://x/",
        "first_seen": START,
        "last_seen": START,
        "members": (ANA,),
    }
    return Reference(**(told | changes))


@pytest.mark.parametrize(
    ("channel", "base"),
    [("msteams", "msteams"), ("msteams:COPILOT", "msteams"), ("agents:x:y", "agents"), ("", "")],
)
def test_a_sub_channel_is_no_other_channel(channel: str, base: str) -> None:
    """The same chat arrives with and without it."""
    assert base_channel(channel) == base


def test_threads_share_a_pace() -> None:
    """On Teams the window is the channel's, whichever thread is spoken in."""
    first = "19:c@thread.tacv2;messageid=1"
    assert pace_key(first) == pace_key("19:c@thread.tacv2;messageid=2") == "19:c@thread.tacv2"
    assert pace_key("a:1;other=2") == "a:1;other=2"
    key = ConversationKey(bot="local", channel="msteams", conversation_id=first)
    assert make_reference(key=key).pace_key == "19:c@thread.tacv2"


@pytest.mark.parametrize(
    ("changes", "private"),
    [
        ({}, True),
        ({"conversation_type": "personal"}, True),
        ({"conversation_type": "groupChat"}, False),
        ({"is_group": True}, False),
        ({"is_group": True, "conversation_type": "personal"}, False),
    ],
)
def test_private_and_group(changes: Any, *, private: bool) -> None:
    """Neither the flag nor the type may say otherwise."""
    assert make_reference(**changes).private is private


def test_the_recipient() -> None:
    """The delivery's own user, the person of a private chat, or the conversation itself."""
    ana = {"id": "29:ana", "name": "Ana", "aadObjectId": "oid"}
    user = {"id": "29:ben", "extra": 1}
    assert make_reference().recipient(None) == ana
    assert make_reference().recipient(user) == user
    assert make_reference(is_group=True).recipient(None) == {"id": "a:1"}
    assert make_reference(is_group=True).recipient(user) == user
    assert make_reference(members=()).recipient(None) == {"id": "a:1"}


def test_the_conversation_account_says_what_is_known() -> None:
    """And nothing else: there are no nulls in it."""
    assert make_reference().conversation() == {"id": "a:1"}
    told = make_reference(
        is_group=True, conversation_type="channel", tenant_id="t", name="N"
    ).conversation()
    assert told == {
        "id": "a:1",
        "isGroup": True,
        "conversationType": "channel",
        "tenantId": "t",
        "name": "N",
    }


def test_who_can_be_spoken_to() -> None:
    """An active conversation, and one that is only suspected."""
    assert {each for each in Health if each.reachable} == {Health.ACTIVE, Health.SUSPECT}


@pytest.mark.parametrize(
    ("whole", "short"), [("a:1|x-livechat", "a:1"), ("a:1", "a:1"), ("|x", ""), ("a|b|c", "a")]
)
def test_the_job_log_shows_an_id_up_to_the_bar(whole: str, short: str) -> None:
    """What is behind it may be secret."""
    job = Job(
        scope=JobScope(bot="local"),
        number=1,
        reference_id="r",
        conversation_id=whole,
        user=None,
        started_at=START,
    )
    assert job.short_conversation_id == short
    assert not job.completed


def test_the_address_names_bot_recipient_and_conversation() -> None:
    """Always, for some channels do not show an activity without them."""
    told = make_reference(agent={"id": "28:bot", "extra": 1})
    assert told.address() == {
        "channelId": "msteams",
        "from": {"id": "28:bot", "extra": 1},
        "recipient": {"id": "29:ana", "name": "Ana", "aadObjectId": "oid"},
        "conversation": {"id": "a:1"},
    }
    assert make_reference().address()["from"] == {"id": "local", "role": "bot"}


def test_addresses_are_compared_without_case() -> None:
    """Not of ASCII only."""
    assert fold_email("JOSÉ@Example.COM") == "josé@example.com"

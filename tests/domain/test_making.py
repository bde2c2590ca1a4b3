"""Ids of conversations that are made from here, and of threads."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

import pytest

from recado.domain.delivery import OnUnknown
from recado.domain.making import (
    Wish,
    channel_of_thread,
    has_threads,
    key_to_be_made,
    never_made,
    wish_from,
)
from recado.domain.policy import Answer, Decision, Facts, Hold, Remake, RetryPolicy, decide
from recado.domain.reference import ConversationKey, Health, Member, Reference


def make_reference(conversation_id: str, **changes: Any) -> Reference:
    """A conversation in Teams."""
    now = datetime(2026, 11, 1, tzinfo=UTC)
    key = ConversationKey(
        bot="b", channel=changes.pop("channel", "msteams"), conversation_id=conversation_id
    )
    told: dict[str, Any] = {
        "number": 1,
        "id": "r",
        "service_url": "https://x/",
        "first_seen": now,
        "last_seen": now,
        "tenant_id": "t",
        "agent": {"id": "28:bot"},
    }
    return Reference(key=key, **(told | changes))


@pytest.mark.parametrize(
    ("name", "channel"),
    [
        ("19:c@thread.tacv2;messageid=1700", "19:c@thread.tacv2"),
        ("19:c@thread.tacv2", None),
        ("19:c@thread.tacv2;messageid=", None),
        ("19:c@thread.tacv2;messageid=0", None),
        ("19:c@thread.tacv2;messageid=00", None),
        ("19:c@thread.tacv2;messageid=1x", None),
        ("19:c@thread.tacv2;messageid=\u0661", None),
        (";messageid=1", None),
        ("a:1", None),
    ],
)
def test_threads_by_their_ids(name: str, channel: str | None) -> None:
    """The first message's number has digits only and is not 0 (protocol §7.4)."""
    assert channel_of_thread(name) == channel


@pytest.mark.parametrize(
    ("known", "threads"),
    [
        (make_reference("19:c@thread.tacv2", conversation_type="channel"), True),
        (make_reference("19:c@thread.tacv2;messageid=1", conversation_type="channel"), True),
        (make_reference("19:c@thread.tacv2"), True),
        (make_reference("19:c@thread.v2", conversation_type="groupChat"), False),
        (make_reference("a:1", conversation_type="personal"), False),
        (make_reference("19:c@thread.tacv2", channel="slack", conversation_type="channel"), False),
    ],
)
def test_where_threads_are(known: Reference, *, threads: bool) -> None:
    """In channels of teams in Teams."""
    assert has_threads(known) is threads


def test_a_wish_takes_what_is_known() -> None:
    """From a conversation of the same tenant, but for what the person's own is."""
    known = make_reference("19:c", conversation_type="channel")
    eva = Member(user_id="29:eva")
    wish = wish_from(known, eva, None)
    assert wish == Wish(
        bot="b",
        channel="msteams",
        service_url="https://x/",
        member=eva,
        tenant_id="t",
        agent={"id": "28:bot"},
    )
    guest = wish_from(known, eva, "theirs", "https://y/")
    assert (guest.tenant_id, guest.service_url) == ("theirs", "https://y/")
    assert wish.key == guest.key == key_to_be_made("b", "msteams", "29:eva")
    assert never_made(wish.key.conversation_id)
    assert not never_made("a:1")


def verdict(
    strikes: int, *, remakable: bool, status: int = 404, code: str | None = None
) -> Decision:
    """What becomes of a delivery whose conversation was not found so many times."""
    now = datetime(2026, 11, 1, tzinfo=UTC)
    facts = Facts(
        answer=Answer(status=status, code=code),
        attempts=strikes,
        tried_since=now,
        head_since=now,
        now=now,
        on_unknown=OnUnknown.RETRY,
        strikes=strikes,
        remakable=remakable,
    )
    return decide(facts, RetryPolicy(), random.Random(0))  # noqa: S311 - delays are not looked at


@pytest.mark.parametrize("status", [404, 410])
def test_it_is_made_again_before_it_is_believed_gone(status: int) -> None:
    """After the attempts that a 404 is given, and where it can be."""
    assert not isinstance(verdict(3, remakable=True, status=status), Remake)
    assert verdict(4, remakable=True, status=status) == Remake("not_found")
    believed = verdict(4, remakable=False, status=status)
    assert isinstance(believed, Hold)
    assert believed.health is Health.GONE


@pytest.mark.parametrize("code", ["ActivityNotFoundInConversation", "BotNotInConversationRoster"])
def test_other_things_that_are_missing_are_not_made(code: str) -> None:
    """An activity, or the bot."""
    assert not isinstance(verdict(4, remakable=True, code=code), Remake)

"""The bytes that go out: content and address put together without parsing either."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recado.domain.content import content_of
from recado.domain.delivery import OnUnknown
from recado.domain.reference import ConversationKey, Member, Reference
from recado.engine.body import body_of
from recado.store.port import Claim
from recado.store.verbs.rows import dumps

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
#: Any text JSON can carry, half surrogate pairs included.
TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=20)
SOUND = st.text(max_size=20)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | SOUND,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(SOUND, inner, max_size=3),
    max_leaves=10,
)
ACCOUNTS = st.none() | st.fixed_dictionaries({"id": TEXT}, optional={"name": TEXT, "extra": TEXT})


def make_claim(**changes: Any) -> Claim:
    """A claim with everything but what *changes* says filled in."""
    told: dict[str, Any] = dict.fromkeys(Claim._fields)
    told |= {
        "delivery_id": "d",
        "started_at": NOW,
        "on_unknown": OnUnknown.RETRY,
        "address": "{}",
        "content": content_of("hello").json,
    }
    return Claim(**(told | changes))


@given(
    text=SOUND.filter(str.strip),
    more=st.dictionaries(SOUND, JSON, max_size=4),
    agent=ACCOUNTS,
    user=ACCOUNTS,
    name=TEXT,
    conversation_id=TEXT.filter(bool),
    group=st.booleans(),
)
def test_it_is_the_merge_of_content_and_address(  # noqa: PLR0917 - hypothesis passes what it draws by name, never by place
    text: str,
    more: dict[str, Any],
    agent: dict[str, Any] | None,
    user: dict[str, Any] | None,
    name: str,
    conversation_id: str,
    *,
    group: bool,
) -> None:
    """Whatever is in either, it is valid JSON in UTF-8 and says what both say."""
    content = content_of({**more, "type": "message", "text": text})
    reference = Reference(
        number=1,
        id="r",
        key=ConversationKey(bot="local", channel="msteams", conversation_id=conversation_id),
        service_url="https://x/",
        first_seen=NOW,
        last_seen=NOW,
        agent=agent,
        is_group=group,
        members=(Member(user_id="29:ana", name=name),),
    )
    address = reference.address()
    claim = make_claim(
        content=content.json,
        address=dumps(address),
        user=None if user is None else dumps(user),
    )
    body = json.loads(body_of(claim).decode())
    assert body == content.activity | address | ({} if user is None else {"recipient": user})
    assert not content.activity.keys() & address.keys(), "nothing is said twice"


@pytest.mark.parametrize(
    ("content", "address", "wanted"),
    [
        ("{}", "{}", {}),
        (None, '{"from":{"id":"b"}}', {"from": {"id": "b"}}),
        ('{"type":"typing"}', "{}", {"type": "typing"}),
    ],
)
def test_nothing_to_add_adds_nothing(content: str | None, address: str, wanted: object) -> None:
    """An empty half leaves no comma behind."""
    assert json.loads(body_of(make_claim(content=content, address=address))) == wanted


def test_what_cannot_be_read_is_a_value_error() -> None:
    """Which the dispatcher tells from an answer of the channel."""
    with pytest.raises(ValueError, match="Expecting value"):
        body_of(make_claim(address="broken", user='{"id":"u"}'))

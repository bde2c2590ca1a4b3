"""Content: normalised once, so that it can be sent anywhere as it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recado.domain.content import Content, content_of, drop_nulls
from recado.errors import ContentTooLarge, InvalidActivity

OPAQUE = {"value", "content", "channelData"}
ADDRESS = {
    "id",
    "timestamp",
    "localTimestamp",
    "replyToId",
    "conversation",
    "from",
    "recipient",
    "serviceUrl",
    "channelId",
}
NAMES = st.sampled_from([*sorted(OPAQUE | ADDRESS), "attachments", "entities", "x"])
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(NAMES | st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=25,
)
ACTIVITIES = st.dictionaries(NAMES | st.text(max_size=3), JSON, max_size=6).map(
    lambda drawn: drawn | {"type": "event"}
)


def nulls_in(value: Any) -> bool:
    """Whether there is a null that is the protocol's business."""
    if isinstance(value, Mapping):
        return any(
            inner is None or (name not in OPAQUE and nulls_in(inner))
            for name, inner in value.items()
        )
    if isinstance(value, list):
        return any(inner is None or nulls_in(inner) for inner in value)
    return False


def opaque_parts(value: Any, path: tuple[Any, ...] = ()) -> dict[tuple[Any, ...], Any]:
    """What is passed on as it is, by its place."""
    found: dict[tuple[Any, ...], Any] = {}
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if inner is None:
                continue
            if name in OPAQUE:
                found[*path, name] = inner
            else:
                found |= opaque_parts(inner, (*path, name))
    elif isinstance(value, list):
        for place, inner in enumerate(each for each in value if each is not None):
            found |= opaque_parts(inner, (*path, place))
    return found


@given(ACTIVITIES)
def test_content_has_neither_nulls_nor_an_address(said: dict[str, Any]) -> None:
    """Except in what is opaque to the protocol, which is passed on as it is."""
    activity = content_of(said).activity
    assert not nulls_in(activity)
    assert not activity.keys() & ADDRESS
    wanted = {path: value for path, value in opaque_parts(said).items() if path[0] not in ADDRESS}
    assert opaque_parts(activity) == wanted


@given(ACTIVITIES)
def test_normalising_twice_is_normalising_once(said: dict[str, Any]) -> None:
    """What was accepted can be given again."""
    once = content_of(said)
    assert content_of(once.activity) == once
    assert drop_nulls(once.activity) == once.activity


@given(ACTIVITIES)
def test_the_callers_activity_is_left_alone(said: dict[str, Any]) -> None:
    """Normalising makes a new one."""
    before = json.dumps(said)
    content_of(said)
    assert json.dumps(said) == before


@given(st.text(min_size=1).filter(str.strip))
def test_text_is_a_message(text: str) -> None:
    """In compact UTF-8 JSON, with its format said."""
    content = content_of(text)
    assert content.activity == {"type": "message", "text": text, "textFormat": "markdown"}
    assert content.json.encode().decode() == content.json


def test_what_is_said_is_kept() -> None:
    """A format, speech, attachments and fields nobody knows."""
    said = {
        "text": "x",
        "textFormat": "plain",
        "speak": "x",
        "attachments": [{"contentType": "card", "content": {"body": None}}],
        "unknown": {"deep": [1, {"x": None, "y": 2}]},
    }
    assert content_of(said).activity == {
        **said,
        "type": "message",
        "unknown": {"deep": [1, {"y": 2}]},
    }


def test_attachments_need_no_text() -> None:
    """And no format of a text that is not there."""
    said = {"attachments": [{"contentType": "image/png", "contentUrl": "https://x/"}]}
    assert "textFormat" not in content_of(said).activity


@pytest.mark.parametrize("kind", ["typing", "event", "trace", "endOfConversation"])
def test_other_types_need_neither(kind: str) -> None:
    """Only a message has to say something."""
    assert content_of({"type": kind}).activity == {"type": kind}


def test_tuples_are_lists() -> None:
    """As JSON writes them."""
    assert content_of({"type": "event", "x": (1, None, (2,))}).activity["x"] == [1, [2]]


@pytest.mark.parametrize(
    ("channel", "text", "accepted"),
    [
        ("telegram", "x" * 4_096, True),
        ("telegram", "x" * 4_097, False),
        ("slack", "x" * 40_001, False),
        ("line", "🎈" * 2_500, True),
        ("line", "🎈" * 2_501, False),
        ("sms", "x" * 1_601, False),
        ("directline", "x" * 262_144, False),
        ("msteams", "x" * 51_000, True),
        ("msteams", "x" * 51_200, False),
        ("msteams", "🎈" * 25_600, False),
        ("unheard-of", "x" * 10_000_000, True),
    ],
)
def test_documented_limits(channel: str, text: str, *, accepted: bool) -> None:
    """Counted as the channel counts, and only where it is documented."""
    content = content_of(text)
    if accepted:
        content.check_size(channel)
        return
    with pytest.raises(ContentTooLarge, match="shorten it") as raised:
        content.check_size(channel)
    assert raised.value.channel == channel
    assert raised.value.size > raised.value.limit


@given(st.text(max_size=3_000), st.sampled_from(["telegram", "line", "sms", "msteams"]))
def test_no_small_content_is_refused(text: str, channel: str) -> None:
    """The quick look never says no where counting says yes."""
    content = Content(json.dumps({"type": "message", "text": text[:1_000]}, ensure_ascii=False))
    content.check_size(channel)


def test_errors_say_what_is_wrong() -> None:
    """In one sentence each."""
    for said in ("", {"type": ""}, {"text": 1}, 7):
        with pytest.raises(InvalidActivity) as raised:
            content_of(said)  # type: ignore[arg-type]
        assert str(raised.value).endswith(".")

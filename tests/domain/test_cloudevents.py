"""CloudEvents as they are read: every form, and every fault with what to do about it."""

from __future__ import annotations

import base64
import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from cloudevents.core.bindings.http import HTTPMessage, to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent as TheirEvent
from hypothesis import given
from hypothesis import strategies as st

from recado.domain.cloudevents import (
    MOST,
    CloudEvent,
    batch_of_events,
    binary_event,
    instant,
    is_binary,
    structured_event,
)
from recado.domain.strict_json import DEEPEST, read_strictly
from recado.domain.text import usable
from recado.errors import InvalidEvent

#: Text without what attributes may not hold, at the length they may have.
TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn", "Co")),
    min_size=1,
    max_size=40,
).filter(str.strip)
SOURCES = st.sampled_from(["/shop", "urn:shop:7", "https://a.example/x?y=1#z", "a/b", "%20", "//h"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


def event(**changes: Any) -> dict[str, Any]:
    """An event as JSON, but for what *changes* says; None leaves out."""
    told: dict[str, Any] = {
        "specversion": "1.0",
        "id": "1",
        "source": "/shop",
        "type": "price.changed",
        "subject": "tea",
        "data": {"price": 3.2},
    }
    told |= changes
    return {name: value for name, value in told.items() if value is not ...}


def headers(**changes: str) -> list[tuple[str, str]]:
    """The headers of the same event in binary mode."""
    told = {"specversion": "1.0", "id": "1", "source": "/shop", "type": "price.changed"}
    return [(f"ce-{name}", value) for name, value in (told | changes).items()]


def test_an_event_is_read_as_it_is_told() -> None:
    """Every attribute, extensions, and the data."""
    told = event(
        time="2026-12-24T18:00:00.5+01:00",
        datacontenttype="application/json",
        dataschema="https://shop.example/schema",
        region="es",
        number=7,
    )
    assert structured_event(told) == CloudEvent(
        id="1",
        source="/shop",
        type="price.changed",
        subject="tea",
        time=datetime(2026, 12, 24, 17, 0, 0, 500_000, tzinfo=UTC),
        data={"price": 3.2},
        datacontenttype="application/json",
        dataschema="https://shop.example/schema",
        extensions={"region": "es", "number": 7},
    )


def test_an_event_without_a_subject_is_about_its_source() -> None:
    """So whatever has a source of its own, a sensor for example, can be watched."""
    assert structured_event(event(subject=...)).subject == "/shop"
    assert structured_event(event(subject=None)).subject == "/shop"


@pytest.mark.parametrize(
    ("changes", "data"),
    [
        ({"data": ...}, None),
        ({"data": 3.2}, 3.2),
        ({"data": "sold out"}, "sold out"),
        (
            {
                "data": ...,
                "data_base64": base64.b64encode(b'{"price": 3}').decode(),
                "datacontenttype": "application/vnd.shop+json",
            },
            {"price": 3},
        ),
        (
            {"data": ..., "data_base64": "w6k=", "datacontenttype": "text/plain; charset=utf-8"},
            "é",
        ),
        (
            {"data": ..., "data_base64": "6Q==", "datacontenttype": 'text/x;charset="ISO-8859-1"'},
            "é",
        ),
    ],
)
def test_data_comes_in_several_forms(changes: dict[str, Any], data: Any) -> None:
    """As JSON, as text, and encoded; bytes that say they are JSON or text are read as that."""
    assert structured_event(event(**changes)).data == data


@pytest.mark.parametrize(
    ("changes", "field", "told"),
    [
        ({"specversion": ...}, "specversion", "missing"),
        ({"id": ...}, "id", "missing"),
        ({"source": None}, "source", "missing"),
        ({"type": ...}, "type", "missing"),
        ({"specversion": "0.3"}, "specversion", "1.0"),
        ({"specversion": 1.0}, "specversion", "text"),
        ({"id": 7}, "id", "a number"),
        ({"id": " "}, "id", "empty"),
        ({"subject": ""}, "subject", "empty"),
        ({"source": "my shop"}, "source", "%20"),
        ({"source": "1:2"}, "source", "URI reference"),
        ({"source": "/caf\u00e9"}, "source", "URI reference"),
        ({"source": "/a%2"}, "source", "URI reference"),
        ({"source": "/a#b#c"}, "source", "URI reference"),
        ({"source": "http://[::1"}, "source", "URI reference"),
        ({"dataschema": "/relative"}, "dataschema", "absolute"),
        ({"datacontenttype": "json"}, "datacontenttype", "media type"),
        ({"time": "2026-12-24"}, "time", "RFC 3339"),
        ({"time": "2026-12-24T18:00:00"}, "time", "RFC 3339"),
        ({"time": "2026-12-24 18:00:00Z"}, "time", "RFC 3339"),
        ({"time": "2026-02-30T18:00:00Z"}, "time", "RFC 3339"),
        ({"time": "2026-12-24T18:00:61Z"}, "time", "RFC 3339"),
        ({"time": "9999-12-31T23:59:59-10:00"}, "time", "RFC 3339"),
        ({"time": "2026-12-24T18:00:00+25:00"}, "time", "RFC 3339"),
        ({"time": 1_800_000_000}, "time", "text"),
        ({"Region": "es"}, "Region", "lower-case"),
        ({"my_region": "es"}, "my_region", "data"),
        ({"": "es"}, "", "lower-case"),
        ({"region": ["es"]}, "region", "a list"),
        ({"region": {"a": 1}}, "region", "an object"),
        ({"share": 0.5}, "share", "whole number"),
        ({"number": 2**31}, "number", "32 bits"),
        ({"id": "a\x00b"}, "id", "control"),
        ({"region": "a\nb"}, "region", "control"),
        ({"id": "x" * 1025}, "id", "1,024"),
        ({"data_base64": "e30="}, "data_base64", "not both"),
        ({"data": ..., "data_base64": "e30"}, "data_base64", "base64"),
        ({"data": ..., "data_base64": 7}, "data_base64", "base64"),
        ({"data": ..., "data_base64": "e30="}, "data_base64", "no stated media type"),
        (
            {"data": ..., "data_base64": "AAA=", "datacontenttype": "image/png"},
            "data_base64",
            "image/png",
        ),
        (
            {"data": ..., "data_base64": "6Q==", "datacontenttype": "text/x;charset=koi8-r"},
            "data_base64",
            "UTF-8",
        ),
        (
            {"data": ..., "data_base64": "eyI=", "datacontenttype": "application/json"},
            "data_base64",
            "JSON",
        ),
    ],
)
def test_a_fault_is_named(changes: dict[str, Any], field: str, told: str) -> None:
    """In one sentence that says which attribute it is and what to do."""
    with pytest.raises(InvalidEvent) as refused:
        structured_event(event(**changes))
    assert refused.value.field == field
    assert told in str(refused.value)


@pytest.mark.parametrize("value", [None, [], "x", 7, True])
def test_an_event_is_an_object(value: Any) -> None:
    """Nothing else is one."""
    with pytest.raises(InvalidEvent, match="an event is a JSON object"):
        structured_event(value)


def test_a_leap_second_is_the_next_instant() -> None:
    """RFC 3339 has them, and clocks do not."""
    assert instant("2016-12-31T23:59:60Z") == datetime(2017, 1, 1, tzinfo=UTC)
    assert instant("2026-01-01t00:00:00.1234567z").microsecond == 123_456


# -- batches ---------------------------------------------------------------------------------


def test_a_batch_is_read_whole_or_not_at_all() -> None:
    """And the error says which entry is at fault."""
    assert [each.id for each in batch_of_events([event(), event(id="2")])] == ["1", "2"]
    assert batch_of_events([]) == []
    with pytest.raises(InvalidEvent, match=r"at index 1 of the batch .* source is missing") as no:
        batch_of_events([event(), event(source=...)])
    assert (no.value.index, no.value.field) == (1, "source")


def test_a_batch_has_a_size() -> None:
    """So that one request cannot keep the database for itself."""
    assert len(batch_of_events([event()] * MOST)) == MOST
    with pytest.raises(InvalidEvent, match="send several"):
        batch_of_events([event()] * (MOST + 1))
    with pytest.raises(InvalidEvent, match="a batch is a JSON array"):
        batch_of_events(event())


# -- binary mode -----------------------------------------------------------------------------


def test_attributes_are_headers() -> None:
    """In any case; the data's media type is the message's, and other headers are not looked at."""
    told = [
        (name.upper(), value)
        for name, value in headers(subject="t%C3%A9%20verde", region='"a\\"b"')
    ]
    told += [("Content-Type", "application/json"), ("User-Agent", "x")]
    read = binary_event(told, b'{"price": 3}')
    assert (read.subject, read.extensions) == ("té verde", {"region": 'a"b'})
    assert (read.data, read.datacontenttype) == ({"price": 3}, "application/json")
    assert is_binary(["accept", "CE-Id"])
    assert not is_binary(["accept", "content-type"])


def test_percent_is_decoded_once() -> None:
    """A %2541 is a %41, and a + is a plus."""
    assert binary_event(headers(subject="%2541+b"), b"").subject == "%41+b"


@pytest.mark.parametrize(
    ("given", "body", "told"),
    [
        ([*headers(), ("ce-id", "2")], b"", "given twice"),
        ([*headers(), ("ce-datacontenttype", "text/plain")], b"", "Content-Type"),
        (headers(subject="%zz"), b"", "ce-subject is not percent-encoded"),
        (headers(subject="%ff"), b"", "ce-subject is not percent-encoded"),
        (headers(subject="50%"), b"", "%25"),
        (headers(subject="caf\u00e9"), b"", "%C3%A9"),
        (headers(subject="%00"), b"", "control"),
        ([*headers(), ("ce-my-region", "es")], b"", "lower-case"),
        (headers()[1:], b"", "specversion is missing"),
        (headers(), b"{}", "no stated media type"),
        ([*headers(), ("content-type", "application/json")], b"{", "not the JSON"),
        ([*headers(), ("content-type", "application/json")], b'{"a":1,"a":2}', "twice"),
        ([*headers(), ("content-type", "application/pdf")], b"%PDF", "application/pdf"),
    ],
)
def test_a_header_at_fault_is_named(given: list[tuple[str, str]], body: bytes, told: str) -> None:
    """As a member of a JSON event is."""
    with pytest.raises(InvalidEvent, match=told):
        binary_event(given, body)


# -- others' events --------------------------------------------------------------------------


@given(
    id=TEXT,
    source=SOURCES,
    type=TEXT,
    subject=TEXT,
    time=st.datetimes(timezones=st.just(UTC)),
    data=st.dictionaries(TEXT, JSON, max_size=3),
)
def test_what_the_cncf_sdk_writes_is_read(data: Any, **attributes: Any) -> None:
    """In both modes, whatever is in it."""
    theirs = TheirEvent({**attributes, "datacontenttype": "application/json"}, data)
    binary: HTTPMessage = to_binary_event(theirs)
    structured: HTTPMessage = to_structured_event(theirs)
    ours = CloudEvent(**attributes, data=data, datacontenttype="application/json", extensions={})
    assert binary_event(binary.headers.items(), binary.body) == ours
    assert structured_event(read_strictly(structured.body)) == ours


def test_a_member_given_twice_is_found_quickly() -> None:
    """However many others there are: nobody else is answered meanwhile."""
    members = ",".join(f'"{number}":1' for number in range(60_000))
    began = time.process_time()
    with pytest.raises(ValueError, match="'59999' is given twice"):
        read_strictly(f'{{{members},"59999":2}}')
    assert time.process_time() - began < 5


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_nothing_else_than_the_error_is_raised(body: bytes) -> None:
    """Whatever comes as a body."""
    try:
        value = read_strictly(body)
        structured_event(value)
    except (ValueError, InvalidEvent):
        pass


@given(st.dictionaries(st.sampled_from(list(event())) | TEXT, JSON, max_size=9))
def test_whatever_is_read_can_be_stored(changes: dict[str, Any]) -> None:
    """An event is refused with a reason, or every text in it can be held by every database."""
    try:
        read = structured_event(event() | changes)
    except InvalidEvent:
        return
    texts = [read.id, read.source, read.type, read.subject]
    assert all(len(text) <= 1024 and usable(text) for text in texts)
    json.dumps(read.data, allow_nan=False)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"a": 1, "a": 2}', "'a' is given twice"),
        ("1e-99999999999999999999", "too small"),
        ("[0e99999999999999999999]", "too large"),
        ("NaN", "NaN"),
        ("-Infinity", "Infinity"),
        ("1e999", "too large"),
        ("1" * 400, "too large"),
        ('"\\ud800"', "half a character"),
        ('"a\\u0000b"', "NUL"),
        ("[" * (DEEPEST + 2) + "]" * (DEEPEST + 2), "levels"),
        ("[" * 200_000 + "]" * 200_000, "levels"),
        ("{", "Expecting"),
        ("", "Expecting"),
    ],
)
def test_json_that_readers_differ_about_is_refused(text: str, told: str) -> None:
    """Two programs must not see two events in one text."""
    with pytest.raises(ValueError, match=told):
        read_strictly(text)
    with pytest.raises(ValueError, match="UTF-8"):
        read_strictly(b'"\xff"')
    assert read_strictly("[" * DEEPEST + "0" + "]" * DEEPEST)
    assert read_strictly(b'\xef\xbb\xbf{"a": 1.5}') == {"a": 1.5}

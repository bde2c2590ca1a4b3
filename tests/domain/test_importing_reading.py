"""Reading entries: the same, however the text is cut into pieces; clear about where it ends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recado.domain.importing import Entry, Unreadable, are_lines, entries, is_field
from recado.domain.importing.reading import LONGEST


def cut(text: str, size: int) -> Iterator[str]:
    """*text* in pieces."""
    for at in range(0, len(text), size):
        yield text[at : at + size]


def read(text: str, size: int = 7) -> list[Entry]:
    """The entries of a text."""
    return list(entries(cut(text, size), lines=are_lines(text), is_field=is_field))


def values(text: str, size: int = 7) -> list[Any]:
    """What its entries hold."""
    return [entry.value for entry in read(text, size)]


def read_until_trouble(text: str, size: int = 7) -> tuple[list[Entry], Unreadable]:
    """The entries before something is wrong, and what is."""
    found: list[Entry] = []
    try:
        for entry in entries(cut(text, size), lines=are_lines(text), is_field=is_field):
            found.append(entry)  # noqa: PERF402 - what came before it raised is wanted
    except Unreadable as trouble:
        return found, trouble
    pytest.fail("nothing was wrong")


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
_INDENT = st.sampled_from([None, 0, 2])


@given(st.lists(_JSON), _INDENT, st.integers(1, 40))
def test_a_list(written: list[Any], indent: int | None, size: int) -> None:
    """Each of its values, whatever they are."""
    assert values(json.dumps(written, indent=indent), size) == written


@given(
    st.dictionaries(st.text().filter(lambda key: not is_field(key)), _JSON, min_size=1),
    _INDENT,
    st.integers(1, 40),
)
def test_an_object_by_key(written: dict[str, Any], indent: int | None, size: int) -> None:
    """Each with its key."""
    found = read(json.dumps(written, indent=indent), size)
    assert {entry.key: entry.value for entry in found} == written


@given(st.dictionaries(st.text(), _JSON), _INDENT, st.integers(1, 40))
def test_one_object(more: dict[str, Any], indent: int | None, size: int) -> None:
    """It begins with a field of a record, so it is one."""
    written = {"conversation": {"id": "a"}} | more
    assert values(json.dumps(written, indent=indent), size) == [written]


@given(st.lists(st.dictionaries(st.text(), _JSON), min_size=2), st.integers(1, 40))
def test_json_lines(written: list[dict[str, Any]], size: int) -> None:
    """An object a line, also without a line break at the end, and with empty lines."""
    text = "\n".join(map(json.dumps, written))
    assert values(text, size) == written
    assert values(text.replace("\n", "\r\n\r\n") + "\r\n", size) == written


@given(st.lists(_JSON.filter(lambda value: value != []), min_size=1), _INDENT, st.data())
def test_a_text_that_is_cut_short(written: list[Any], indent: int | None, data: Any) -> None:
    """Everything that was whole is given first; then it says that it is cut short."""
    whole = json.dumps(written, indent=indent)
    end = data.draw(st.integers(1, len(whole) - 1))
    found, trouble = read_until_trouble(whole[:end], data.draw(st.integers(1, 40)))
    # The last one may be the beginning of a longer number.
    given_whole = [entry.value for entry in found][: len(written) - 1]
    assert given_whole[:-1] == written[: max(len(given_whole) - 1, 0)]
    assert trouble.cut_short, trouble


def test_lines_that_are_cut_short() -> None:
    """The last line is told of, the others are given."""
    found, trouble = read_until_trouble('{"a": 1}\n{"b": 2}\n{"c": [1, "x')
    assert [entry.value for entry in found] == [{"a": 1}, {"b": 2}]
    assert (trouble.cut_short, trouble.line) == (True, 3)
    assert str(trouble) == "it ends in the middle of line 3"


def test_a_bad_line_is_told_of_and_the_next_one_read() -> None:
    """With its number."""
    found = read('{"a": 1}\nnonsense\n\n{"b": NaN}\n{"c": 3}\n')
    assert [(entry.line, entry.value) for entry in found if entry.problem is None] == [
        (1, {"a": 1}),
        (5, {"c": 3}),
    ]
    problems = [(entry.line, entry.problem) for entry in found if entry.problem]
    assert problems == [
        (2, "it is no JSON (expecting value)"),
        (4, "it is no JSON (NaN is no JSON)"),
    ]


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("", 1, "there is nothing in it"),
        (" \n\n ", 1, "there is nothing in it"),
        ("nonsense", 1, "expecting value"),
        ('[{"a": 1},\n {"b": x}]', 2, "expecting value"),
        ('[{"a": 1}\n {"b": 2}]', 2, "',' or ']' is expected instead of '{'"),
        ('{"k": 1,\n 7: 2}', 2, "a key has to be a text"),
        ('{"k" 1}', 1, "':' is expected"),
        ("[1]]", 1, "expecting value"),
        ('[{"a": NaN}]', 1, "NaN is no JSON"),
        ("[" + "[" * 100_000, 1, "nested too deeply"),
        ("[" + "9" * 5_000 + "]", 1, "no JSON"),
    ],
)
def test_what_is_no_json(text: str, line: int, told: str) -> None:
    """It says in which line, and does not call it cut short."""
    _, trouble = read_until_trouble(text, 4_096)
    assert told in str(trouble)
    assert (trouble.line, trouble.cut_short) == (line, False)


@pytest.mark.parametrize("text", ['["{}"]', '{{"key": "{}"}}', '{{"a": 1}}\n{{"b": "{}"}}\n'])
def test_an_entry_that_is_too_long_is_no_reference(text: str) -> None:
    """It is not gathered in memory, however long it is."""
    _, trouble = read_until_trouble(text.format("x" * (2 * LONGEST)), 65_536)
    assert "more than 1,000,000 characters" in str(trouble)


def test_where_entries_begin() -> None:
    """Counted from 1, in every kind of text."""
    assert [entry.line for entry in read('[\n {"a": 1},\n\n {"b":\n 2}, {}\n]')] == [2, 4, 5]
    assert [entry.line for entry in read('\n{\n "x": {},\n "y": {}}')] == [3, 4]
    assert [entry.line for entry in read('\n\n{\n "user": {},\n "y": {}}')] == [3]


def test_several_documents_one_after_the_other() -> None:
    """As some programs append them."""
    assert values('[{"a": 1}]\n{"x": {"b": 2}}\n{"bot":\n{}}') == [{"a": 1}, {"b": 2}, {"bot": {}}]


@pytest.mark.parametrize(
    ("head", "lines"),
    [
        ('{"a": 1}\n{"b": 2}', True),
        ('\n {"a": 1}\n\n{"b"', True),
        ('{"a": 1}', False),
        ('{"a": 1}\n\n', False),
        ('{\n"a": 1}\n', False),
        ('[{"a": 1},\n{"b": 2}]', False),
        ("[1]\n[2]\n", False),
        ("", False),
    ],
)
def test_what_is_json_lines(head: str, lines: bool) -> None:  # noqa: FBT001 - the table says it
    """When the first line is a whole object and another follows."""
    assert are_lines(head) is lines

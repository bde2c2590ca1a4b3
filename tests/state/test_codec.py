"""The codec: what goes in comes out, and nothing comes out that is not known."""

from __future__ import annotations

import json
import math
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from microsoft_agents.activity import Activity, Attachment, ChannelId, HeroCard, TokenResponse
from microsoft_agents.hosting.dialogs import (
    DialogInstance,
    DialogReason,
    DialogState,
    PromptOptions,
)
from microsoft_agents.hosting.dialogs.choices import Choice, ListStyle
from pydantic import BaseModel

from recado.bot.codec import Codec
from recado.bot.state_types import StateTypes
from recado.errors import ConfigurationError, UnknownStateType
from tests.naming import shown
from tests.state.items import Note


@dataclass
class Order:
    """A class of a bot's own."""

    number: int
    parts: list[Part] = field(default_factory=list)


@dataclass(frozen=True)
class Part:
    """Another one, within it."""

    name: str
    weight: Decimal


class Address(BaseModel):
    """A pydantic model."""

    street: str
    since: date


class Colour(Enum):
    """An enumeration whose values are no JSON by themselves."""

    RED = (255, 0, 0)


class Size(StrEnum):
    """One whose values are."""

    LARGE = "large"


OWN: dict[str, type] = {
    "order": Order,
    "part": Part,
    "address": Address,
    "colour": Colour,
    "note": Note,
}


def make_codec(own: dict[str, type] | None = None) -> Codec:
    """A codec that knows the SDK's types and these."""
    types = StateTypes(own)
    return Codec(types.by_class, types.by_name)


def through(value: Any, own: dict[str, type] | None = None) -> Any:
    """*value*, as it comes back from a database."""
    written = json.dumps(make_codec(own).encode(value, key="k"), allow_nan=False)
    return make_codec(own).decode(json.loads(written), key="k")


_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.datetimes(timezones=st.none() | st.just(UTC))
    | st.dates()
    | st.times()
    | st.timedeltas()
    | st.uuids()
    | st.decimals(allow_nan=False)
    | st.binary()
)
_HASHABLE = st.text() | st.integers() | st.dates() | st.just("$recado")
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(_HASHABLE, inner)
        | st.tuples(inner, inner)
        | st.frozensets(_HASHABLE)
    ),
    max_leaves=20,
)


@given(_VALUES)
def test_whatever_goes_in_comes_out(value: Any) -> None:
    """Of the same types, through real JSON."""
    back = through(value)
    assert back == value
    assert type(back) is type(value)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
def test_json_stays_as_it_is(value: Any) -> None:
    """So that other programs can read it."""
    assert make_codec().encode({"a": value}, key="k") == {"a": value}


@pytest.mark.parametrize(
    "value",
    [
        {"$recado": "datetime", "value": "no time"},
        {1: "one", None: "none", (1, 2): "both"},
        (1, (2, [3, {4}])),
        datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=timezone(timedelta(hours=5, minutes=30))),
        time(1, 2, tzinfo=UTC),
        math.inf,
        UUID(int=7),
        DialogReason.CancelCalled,
        ListStyle.hero_card,
        Choice("a", synonyms=["b"]),
        TokenResponse(token="t"),
    ],
    ids=shown,
)
def test_what_json_has_no_word_for(value: Any) -> None:
    """A tag says what it is, also where it looks like a tag itself."""
    back = through([value])[0]
    assert back == value
    assert type(back) is type(value)


def test_no_number_is_no_number() -> None:
    """Although it does not equal itself."""
    assert math.isnan(through(math.nan))


def test_what_is_derived_from_json_becomes_json() -> None:
    """As it does in every storage that writes JSON."""

    class Name(str):
        __slots__ = ()

        def __str__(self) -> str:
            return "another"

    odd = {
        "enum": Size.LARGE,
        "channel": ChannelId("msteams:COPILOT"),
        "name": Name("name"),
        "ordered": OrderedDict(b=1, a=2),
    }
    back = through(odd)
    assert back == {
        "enum": "large",
        "channel": "msteams:COPILOT",
        "name": "name",
        "ordered": {"b": 1, "a": 2},
    }
    assert {type(each) for each in back.values()} == {str, dict}


def test_the_sdks_types_come_back() -> None:
    """A dialog's stack with all that prompts put there."""
    card = Attachment(content_type="x", content=HeroCard(title="t", buttons=[]))
    prompt = Activity(
        type="message", text="Which?", attachments=[card], channel_id=ChannelId("msteams")
    )
    options = PromptOptions(
        prompt=prompt, choices=[Choice("a")], style=ListStyle.in_line, number_of_attempts=2
    )
    stack = [
        DialogInstance(
            "main", {"values": {"at": datetime(2026, 1, 2, tzinfo=UTC)}, "options": options}
        )
    ]
    inner = DialogState([DialogInstance("inner", {"dialogs": DialogState(stack)})])
    back = through({"DialogState": inner})["DialogState"]
    assert back.dialog_stack[0].state["dialogs"].dialog_stack[0].state["values"] == {
        "at": datetime(2026, 1, 2, tzinfo=UTC)
    }
    told = back.dialog_stack[0].state["dialogs"].dialog_stack[0].state["options"]
    assert isinstance(told, PromptOptions)
    assert told.prompt is not None
    assert told.prompt.model_dump(by_alias=True, exclude_none=True, mode="json") == (
        prompt.model_dump(by_alias=True, exclude_none=True, mode="json")
    )
    assert (told.choices, told.style, told.number_of_attempts) == ([Choice("a")], 2, 2)
    assert told.style is ListStyle.in_line


def test_a_bots_own_types_come_back() -> None:
    """When they are registered, one within another."""
    value = {
        "order": Order(7, [Part("wheel", Decimal("1.50"))]),
        "address": Address(street="High Street", since=date(2020, 1, 2)),
        "colour": Colour.RED,
        "note": Note({"at": date(2026, 1, 2)}),
    }
    assert through(value, OWN) == value


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"a": [1, {"b": Order(1)}]}, r"Order at a\[1\].b in the state under 'k'"),
        (Colour.RED, r"Colour in the state under 'k'"),
        ({"f": make_codec}, r"builtins.function at f in"),
        ({"c": Order}, r"builtins.type at c in"),
        ([Activity(type="x", value=object())], r"Activity at \[0\] in .* cannot be written"),
    ],
    ids=shown,
)
def test_what_cannot_be_kept_is_an_error(value: Any, told: str) -> None:
    """That says what, where, and what to do."""
    with pytest.raises(UnknownStateType, match=told) as raised:
        make_codec().encode(value, key="k")
    assert raised.value.key == "k"
    assert "types=" in str(raised.value) or "cannot be written" in str(raised.value)


def test_what_contains_itself_is_an_error() -> None:
    """Not the end of the process."""
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(UnknownStateType, match="contains itself"):
        make_codec().encode(endless, key="k")


@pytest.mark.parametrize(
    "name",
    [
        "os.system",
        "builtins.eval",
        "tests.state.test_codec.Order",
        "order",
        "activity.os",
        "activity.load_configuration_from_env",
        "dialogs.DialogManager",
        "dialogs.sys",
        "",
        7,
        None,
        ["datetime"],
    ],
)
def test_a_name_that_is_not_known_is_an_error(name: Any) -> None:
    """Nothing is imported or called because the data say so."""
    with pytest.raises(UnknownStateType, match="have it known as when it was written"):
        make_codec().decode({"a": {"$recado": name, "value": "x"}}, key="k")


@pytest.mark.parametrize(
    "value",
    [
        {"$recado": "datetime", "value": "yesterday"},
        {"$recado": "dict", "value": [[[], 1]]},
        {"$recado": "timedelta", "value": ["x"]},
        {"$recado": "dialogs.Choice", "value": {"unknown": 1}},
        {"$recado": "activity.Activity", "value": 7},
        {"$recado": "set"},
    ],
    ids=shown,
)
def test_data_that_a_type_does_not_take_are_an_error(value: Any) -> None:
    """Of the same kind, with the reason."""
    with pytest.raises(UnknownStateType, match="cannot be read"):
        make_codec().decode([value], key="k")


@pytest.mark.parametrize("name", ["", "datetime", "dict", "activity.Mine", "dialogs.Mine"])
def test_a_name_that_is_taken_cannot_be_registered(name: str) -> None:
    """It would mean two things."""
    with pytest.raises(ConfigurationError, match="choose another one"):
        make_codec({name: Order})


def test_a_class_without_a_form_cannot_be_registered() -> None:
    """What to make of it is said."""

    class Loose:
        pass

    with pytest.raises(ConfigurationError, match="Loose cannot be kept as it is: make it a data"):
        make_codec({"loose": Loose})

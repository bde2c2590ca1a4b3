"""Watches: rules held against a plain oracle, and everything people write."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from recado.domain.watch import (
    Beyond,
    Changes,
    Crosses,
    Equals,
    Moved,
    NoValueError,
    Rule,
    Since,
    Standing,
    again,
    begin,
    check_path,
    look,
    parse_rule,
    read,
    rule_of,
    shown,
    value_of,
)
from recado.domain.watch.wording import (
    check_wording,
    check_words_of,
    facts_of,
    filled,
    filled_activity,
)
from recado.errors import InvalidInput, InvalidRule

DOWN, UP = True, False
SHARE, AMOUNT = True, False

NUMBERS = st.decimals(
    min_value=Decimal("-1e6"), max_value=Decimal("1e6"), allow_nan=False, places=4
) | st.sampled_from([Decimal(each) for each in ("0", "-0", "0.1", "0.08", "100", "80", "-10")])
AMOUNTS = st.decimals(min_value=Decimal("0.01"), max_value=Decimal(100), places=2)
PRICES = st.lists(NUMBERS, min_size=1, max_size=12)

MOVES = st.builds(
    Moved, st.booleans(), AMOUNTS, st.booleans(), st.sampled_from(list(Since))
).filter(lambda rule: rule.since is not (Since.MINIMUM if rule.down else Since.MAXIMUM))
RULES = (
    MOVES
    | st.builds(Beyond, st.booleans(), NUMBERS)
    | st.builds(Crosses, NUMBERS)
    | st.just(Changes())
    | st.builds(Equals, NUMBERS)
)


def run(rule: Rule, values: Sequence[Any], known: Any = None) -> list[int]:
    """The places of the values with which a watch speaks."""
    standing = begin(rule, known)
    spoke = []
    for place, value in enumerate(values):
        looked = look(rule, standing, value)
        standing = looked.standing
        if looked.fires:
            spoke.append(place)
    return spoke


def has_moved(rule: Moved, baseline: Fraction, value: Fraction) -> bool:
    """Whether it has, said as people say it."""
    way = baseline - value if rule.down else value - baseline
    if rule.share:
        return baseline != 0 and way / abs(baseline) >= Fraction(rule.by) / 100
    return way >= Fraction(rule.by)


def oracle(rule: Moved, values: Sequence[Decimal]) -> list[int]:
    """When it speaks, worked out anew from all values each time, in fractions."""
    spoke: list[int] = []
    was = False
    for place in range(len(values)):
        seen = [Fraction(each) for each in values[: place + 1]]
        match rule.since:
            case Since.MAXIMUM:
                baseline = max(seen)
            case Since.MINIMUM:
                baseline = min(seen)
            case since:
                first = spoke[-1] if since is Since.NOTIFIED and spoke else 0
                of_use = [each for each in seen[first:] if each or not rule.share]
                baseline = of_use[0] if of_use else Fraction(0)
                if since is Since.NOTIFIED and spoke and spoke[-1] == place - 1:
                    was = False
        true = has_moved(rule, baseline, seen[-1])
        if true and not was:
            spoke.append(place)
        was = true
    return spoke


@given(MOVES, PRICES)
@example(Moved(DOWN, Decimal(20), SHARE), [Decimal("0.1"), Decimal("0.08")])
@example(Moved(DOWN, Decimal(20), SHARE), [Decimal(0), Decimal(-5), Decimal(-6)])
@example(Moved(DOWN, Decimal(20), SHARE, Since.NOTIFIED), [Decimal(x) for x in (5, 0, 5, 4)])
def test_moves_are_those_of_the_oracle(rule: Moved, values: list[Decimal]) -> None:
    """Of whatever sign and size, exactly."""
    assert run(rule, values) == oracle(rule, values)


@given(down=st.booleans(), limit=NUMBERS, values=PRICES)
def test_beyond_speaks_at_each_step_over_the_limit(
    *, down: bool, limit: Decimal, values: list[Decimal]
) -> None:
    """And not while it stays beyond; the first value that is known counts as a step."""
    beyond = [value < limit if down else value > limit for value in values]
    steps = [at for at, now in enumerate(beyond) if now and not (at and beyond[at - 1])]
    assert run(Beyond(down, limit), values) == steps


@given(NUMBERS, PRICES)
def test_crosses_speaks_at_each_change_of_sides(limit: Decimal, values: list[Decimal]) -> None:
    """Exactly there; with the first value there is no side it could have come from."""
    above = [value >= limit for value in values]
    crossed = [at for at in range(1, len(values)) if above[at] is not above[at - 1]]
    assert run(Crosses(limit), values) == crossed


@given(st.lists(st.sampled_from(["a", "A", Decimal(1), Decimal("1.00"), Decimal(2)]), max_size=10))
def test_changes_speaks_with_each_change(values: list[Any]) -> None:
    """1 and 1.00 are the same number; texts are the same letter by letter."""
    assert run(Changes(), values) == [
        at for at in range(1, len(values)) if values[at] != values[at - 1]
    ]


@given(RULES, PRICES, NUMBERS)
def test_what_is_true_when_a_watch_begins_is_not_said(
    rule: Rule, values: list[Decimal], known: Decimal
) -> None:
    """The same value again changes nothing, whatever the rule."""
    assert run(rule, [known, known, *values], known) == [
        place + 2 for place in run(rule, values, known)
    ]


@given(RULES, PRICES)
def test_nothing_speaks_while_it_cools_down(rule: Rule, values: list[Decimal]) -> None:
    """And what is still true at the end of that is said then."""
    standing = begin(rule, values[0])
    for value in values:
        looked = look(rule, standing, value, cooling=True)
        assert not looked.fires
        standing = looked.standing
    last = look(rule, standing, values[-1])
    baseline = rule.follow(standing.baseline, values[-1])
    assert last.fires == (standing.armed and rule.holds(baseline, values[-1]))


@given(RULES, PRICES)
def test_what_was_said_is_true_of_itself(rule: Rule, values: list[Decimal]) -> None:
    """Looked at again with the value that fired nothing is taken back."""
    standing = begin(rule, None)
    for value in values:
        looked = look(rule, standing, value)
        standing = looked.standing
        if looked.fires:
            assert rule.still(looked.baseline, value, value)


@given(RULES, PRICES, NUMBERS)
def test_what_was_taken_back_can_be_said_again(
    rule: Rule, values: list[Decimal], newest: Decimal
) -> None:
    """Then the watch is one that has not fired: the value it fired with fires it again."""
    standing = begin(rule, None)
    for value in values:
        looked = look(rule, standing, value)
        standing = looked.standing
        if looked.fires and not rule.still(looked.baseline, value, newest):
            back = look(rule, again(rule, looked.baseline, newest), newest)
            assert not back.fires
            assert look(rule, back.standing, value).fires


@given(RULES)
def test_a_rule_is_read_as_it_is_written(rule: Rule) -> None:
    """The short form is all of it."""
    assert parse_rule(str(rule)) == rule
    assert rule_of(rule) == rule


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("drop 20%", Moved(DOWN, Decimal(20), SHARE)),
        ("Drop by 20 %", Moved(DOWN, Decimal(20), SHARE)),
        ("drops 5", Moved(DOWN, Decimal(5))),
        ("drop 0,5", Moved(DOWN, Decimal("0.5"))),
        ("drop $5.50 from the maximum", Moved(DOWN, Decimal("5.50"), AMOUNT, Since.MAXIMUM)),
        ("rise 10% since last", Moved(UP, Decimal(10), SHARE, Since.NOTIFIED)),
        ("rise 250%", Moved(UP, Decimal(250), SHARE)),
        ("baja un 20%", Moved(DOWN, Decimal(20), SHARE)),
        ("sube 10 desde el mínimo", Moved(UP, Decimal(10), AMOUNT, Since.MINIMUM)),
        ("below 50", Beyond(DOWN, Decimal(50))),
        ("por debajo de 50", Beyond(DOWN, Decimal(50))),
        ("above -3", Beyond(UP, Decimal(-3))),
        ("menos de 50 €", Beyond(DOWN, Decimal(50))),
        ("más de 1000", Beyond(UP, Decimal(1000))),
        ("crosses 50", Crosses(Decimal(50))),
        ("changes", Changes()),
        ("cambia", Changes()),
        ("equals Sold out", Equals("Sold out")),
        ("igual a 50", Equals(Decimal(50))),
        ("= 50.0", Equals(Decimal(50))),
    ],
)
def test_what_people_write_is_understood(text: str, rule: Rule) -> None:
    """In English and Spanish."""
    assert parse_rule(text) == rule


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is no rule"),
        ("drop", "want of a number"),
        ("drop much", "want of a number"),
        ("drop 0%", "every value"),
        ("drop -5", "every value"),
        ("drop 101%", "never fire"),
        ("drop 5 from minimum", "never fire"),
        ("rise 5 from maximum", "never fire"),
        ("drop 5 from yesterday", "measured from"),
        ("below 50%", "without %"),
        ("below 1,000", "two ways"),
        ("below 1e999", "want of a number"),
        ("changes much", "alone"),
        ("equals", "what it is to equal"),
        ("fly 5", "is no rule"),
        ("x" * 300, "at most"),
        ("equals \ud800", "at most"),
        (None, "is no rule"),
        (5, "is no rule"),
    ],
)
def test_what_is_no_rule_is_refused(text: Any, why: str) -> None:
    """With what to write instead."""
    with pytest.raises(InvalidRule, match=why):
        rule_of(text)


@pytest.mark.parametrize(
    ("wanted", "value", "same"),
    [
        ("sold out", " Sold OUT ", True),
        ("sold out", "sold", False),
        ("50", Decimal("50.00"), True),
        ("50", "50 pieces", False),
        ("true", "true", True),
    ],
)
def test_equals_compares_as_people_do(wanted: str, value: Any, *, same: bool) -> None:
    """Texts without case and blanks around them, numbers as numbers."""
    assert Equals(read(wanted)).holds(None, value) is same


# -- values ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "path", "value"),
    [
        (5, None, Decimal(5)),
        (0.1, None, Decimal("0.1")),
        ("79.90", None, Decimal("79.90")),
        ("sold out", None, "sold out"),
        (True, None, "true"),
        ({"value": 5}, None, Decimal(5)),
        ({"a": {"b": [1, {"c": 2}]}}, "a.b.1.c", Decimal(2)),
        ({"a": {"b": [1, {"c": 2}]}}, "/a/b/1/c", Decimal(2)),
        ({"a/b": {"~": 3}}, "/a~1b/~0", Decimal(3)),
        ({"": 4}, "/", Decimal(4)),
        ([7], "0", Decimal(7)),
        ("1e3", None, Decimal(1000)),
    ],
)
def test_a_value_is_found(data: Any, path: str | None, value: Any) -> None:
    """Wherever it stands."""
    assert value_of(data, path) == value


@pytest.mark.parametrize(
    ("data", "path"),
    [
        (None, None),
        ([], None),
        ({}, None),
        ({"value": {}}, None),
        ({"value": None}, None),
        ({"a": 1}, "b"),
        ({"a": 1}, "a.b"),
        ([1], "1"),
        ([1], "-1"),
        ([1], "x"),
        ("text", "0"),
        (10**50, None),
        ({"a": 1}, "/a/"),
    ],
)
def test_what_is_not_there_is_told(data: Any, path: str | None) -> None:
    """Nothing is guessed."""
    with pytest.raises(NoValueError):
        value_of(data, path)


@given(NUMBERS)
def test_a_value_is_shown_as_it_was_given(value: Decimal) -> None:
    """With its digits, and read again it is the same."""
    assert read(shown(value)) == value
    assert "E" not in shown(value)


def test_a_number_of_too_many_digits_is_a_text() -> None:
    """It could not be compared exactly."""
    assert isinstance(read("1" * 41), str)
    assert isinstance(read("1e41"), str)
    assert isinstance(read("1e-41"), str)
    assert isinstance(read("9" * 40), Decimal)


@pytest.mark.parametrize("path", ["", "a..b", ".a", "x" * 256, 5])
def test_what_is_no_path_is_refused(path: Any) -> None:
    """With how one is written."""
    with pytest.raises(InvalidInput, match="path"):
        check_path(path)


# -- wording ---------------------------------------------------------------------------------


def test_a_text_is_filled_in() -> None:
    """Numbers as they were given, changes with their sign."""
    facts = facts_of("price:42", "drop 20%", Decimal("79.90"), Decimal("100.00"))
    text = "{subject} {value} {before} {change} {percent} {rule} {{x}}"
    check_wording(text)
    assert filled(text, facts) == "price:42 79.90 100.00 -20.10 -20.1\u00a0% drop 20% {x}"


@pytest.mark.parametrize(
    ("value", "before", "change", "percent"),
    [
        (Decimal(120), Decimal(100), "+20", "+20\u00a0%"),
        (Decimal(-12), Decimal(-10), "-2", "-20\u00a0%"),
        (Decimal(5), Decimal(0), "+5", "unknown"),
        (Decimal(5), None, "unknown", "unknown"),
        ("sold out", "available", "unknown", "unknown"),
        (Decimal(1), Decimal(3), "-2", "-66.7\u00a0%"),
    ],
)
def test_a_change_is_told(value: Any, before: Any, change: str, percent: str) -> None:
    """Where there is one that can be told."""
    facts = facts_of("s", "changes", value, before)
    assert (facts["change"], facts["percent"]) == (change, percent)


@pytest.mark.parametrize(
    "text",
    ["{nothing}", "{}", "{0}", "{value.real}", "{value[0]}", "{value!r}", "{value:>9}", "{", "}"],
)
def test_a_text_that_cannot_be_filled_in_is_refused(text: str) -> None:
    """Before anything is watched; nobody reaches into what is behind a name."""
    with pytest.raises(InvalidInput, match="text"):
        check_wording(text)
    with pytest.raises(InvalidInput, match="text"):
        check_words_of({"type": "message", "text": text})


def test_only_what_an_activity_says_is_filled_in() -> None:
    """A card's own braces are its own."""
    activity = {"type": "message", "text": "{value}", "speak": "{value}", "attachments": ["{x}"]}
    check_words_of(activity)
    said = filled_activity(activity, facts_of("s", "changes", "v", None))
    assert said == {"type": "message", "text": "v", "speak": "v", "attachments": ["{x}"]}
    assert activity["text"] == "{value}"


def test_a_watch_that_saw_nothing_is_armed() -> None:
    """So the first value ever known fires what it makes true."""
    assert begin(Beyond(DOWN, Decimal(50)), None) == Standing(None, armed=True)
    assert run(Beyond(DOWN, Decimal(50)), [Decimal(40)]) == [0]

"""What people say about watches: understood in both languages, and nothing else is."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recado.domain.watch import Beyond, Changes, Crosses, Equals, Moved, Since
from recado.domain.watching import Begin, End, Listing, Unclear, command_of

DROP = Moved(down=True, by=Decimal(20), share=True)


@pytest.mark.parametrize(
    ("said", "product", "rule"),
    [
        ("watch tea drop 20%", "tea", DROP),
        ("Watch Green Tea drops 20 %", "Green Tea", DROP),
        ('watch "green tea" drop by 20%', "green tea", DROP),
        ("vigila té baja 20%", "té", DROP),
        ("Vigila té verde baja un 20 %", "té verde", DROP),
        ("watch tea rise 1.5", "tea", Moved(down=False, by=Decimal("1.5"))),
        ("vigila té sube 1,5", "té", Moved(down=False, by=Decimal("1.5"))),
        (
            "watch tea drop 5 from last",
            "tea",
            Moved(down=True, by=Decimal(5), since=Since.NOTIFIED),
        ),
        ("watch tea below 50", "tea", Beyond(down=True, limit=Decimal(50))),
        ("watch tea above €50", "tea", Beyond(down=False, limit=Decimal(50))),
        ("vigila té por debajo de 50", "té", Beyond(down=True, limit=Decimal(50))),
        ("vigila té por encima de 50", "té", Beyond(down=False, limit=Decimal(50))),
        ("watch tea crosses 50", "tea", Crosses(Decimal(50))),
        ("watch tea changes", "tea", Changes()),
        ("vigila té cambia", "té", Changes()),
        ("watch tea equals sold out", "tea", Equals("sold out")),
        ("watch down jacket drop 20%", "down jacket", DROP),
        ("watch Over above 5", "Over", Beyond(down=False, limit=Decimal(5))),
        ("watch what is new drop 20%", "what is new", DROP),
        ("watch a equals b drop 20%", "a equals b", DROP),
        ("watch price:42 drop 20%", "price:42", DROP),
    ],
)
def test_a_watch_is_asked_for(said: str, product: str, rule: object) -> None:
    """The product is what stands before the rule, in the case it was written in."""
    assert command_of(said) == Begin(product, rule)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "said",
    [
        "watch",
        "vigila",
        "watch tea",
        "watch drop 20%",
        "watch tea drop",
        "watch tea drop lots",
        "watch tea drop 150%",
        "watch tea drop 0%",
        "watch tea cheaper than coffee",
        f"watch {'x' * 200} drop 20%",
    ],
)
def test_a_watch_that_cannot_be_understood_is_one_all_the_same(said: str) -> None:
    """So that the person is told how to say it."""
    assert command_of(said) == Unclear(said.partition(" ")[2])


@pytest.mark.parametrize(
    "said",
    ["watches", "Watches?", "my watches", "list watches", "vigilancias", "mis vigilancias"],
)
def test_the_list_is_asked_for(said: str) -> None:
    """In a few ways, with or without a question mark."""
    assert command_of(said) == Listing()


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("unwatch 3", 3),
        ("Unwatch #3", 3),
        ("unwatch no. 3", 3),
        ("deja 3", 3),
        ("deja de vigilar 3.", 3),
        ("no vigiles 3", 3),
        ("stop watching 3", 3),
        ("unwatch", None),
        ("unwatch tea", None),
        ("unwatch 99999999999", None),
        ("deja de vigilar", None),
    ],
)
def test_a_watch_is_ended_by_its_number(said: str, number: int | None) -> None:
    """A missing one is asked for."""
    assert command_of(said) == End(number)


@pytest.mark.parametrize(
    "said",
    ["", "hello", "run", "stop", "deja", "deja ya", "deja de hablar", "I watch films", "done 3"],
)
def test_nothing_else_is_taken(said: str) -> None:
    """The bot's own words stay the bot's."""
    assert command_of(said) is None


@given(st.text(max_size=60), st.sampled_from(["", "watch ", "vigila ", "unwatch ", "deja "]))
def test_whatever_is_said_is_taken_or_left(said: str, start: str) -> None:
    """No text makes it fail."""
    command_of(start + said)


@pytest.mark.parametrize("words", ["a is ", "' "])
def test_a_long_message_is_read_quickly(words: str) -> None:
    """Whoever writes one keeps nobody else waiting."""
    began = time.process_time()
    command_of("watch " + words * 20_000)
    assert time.process_time() - began < 5

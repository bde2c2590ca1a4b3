"""What people say about reminders, their numbers, and words that call nobody."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recado.domain.reminding import (
    Ask,
    AskZone,
    Cancel,
    Command,
    Listing,
    SetZone,
    command_of,
    harmless,
    numbered,
    reminder_key,
    token_of,
)


@pytest.mark.parametrize(
    ("said", "command"),
    [
        ("remind me in 10 minutes to call Ana", Ask("in 10 minutes to call Ana")),
        ("Remind me: tomorrow, call José!", Ask("tomorrow, call José!")),
        ("please remind me tomorrow", Ask("tomorrow")),
        ("Hey, can you please remind me at 18:00?", Ask("at 18:00")),
        ("remind me to ask Ben: why?", Ask("to ask Ben: why?")),
        ("remind me", Ask("")),
        ("recuérdame en 10 minutos llamar", Ask("en 10 minutos llamar")),
        ("Recuerdame que llame", Ask("que llame")),
        ("¡Recuérdame mañana pagar!", Ask("mañana pagar!")),
        ("¿puedes recordarme mañana pagar?", Ask("mañana pagar")),
        ("¿me podrías recordar pagar mañana?", Ask("pagar mañana")),
        ("reminders", Listing()),
        ("Show my reminders.", Listing()),
        ("mis recordatorios", Listing()),
        ("cancel 3", Cancel(3, named=False)),
        ("Cancela 12!", Cancel(12, named=False)),
        ("cancel #3", Cancel(3, named=False)),
        ("cancel the reminder 3", Cancel(3, named=True)),
        ("cancela el recordatorio 3", Cancel(3, named=True)),
        ("my time zone is Europe/Madrid", SetZone("Europe/Madrid")),
        ("My timezone is America/New York.", SetZone("America/New York")),
        ("mi zona horaria es Atlantic/Canary", SetZone("Atlantic/Canary")),
        ("what is my time zone?", AskZone()),
        ("¿cuál es mi zona horaria?", AskZone()),
    ],
)
def test_commands(said: str, command: Command) -> None:
    """Understood in both languages, with the person's own words as they were written."""
    assert command_of(said) == command


@pytest.mark.parametrize(
    "said",
    [
        "",
        "hello",
        "remind",
        "remind Ana in 10 minutes",
        "remind meeting",
        "remind me's",
        "reminders please do not work",
        "cancel",
        "cancel order",
        "cancel 3 4",
        "cancel 3 please",
        "cancel 1234567890",
        "cancel \u0663",
        "cancela la reunión 3",
        "stop 3",
        "my time zone is",
        "they remind me of you",
    ],
)
def test_other_messages(said: str) -> None:
    """Nothing else is taken from the bot."""
    assert command_of(said) is None


@given(st.text())
def test_any_text_is_a_command_or_none(said: str) -> None:
    """Nothing is raised, and no word is made up."""
    command = command_of(f"remind me {said}")
    assert isinstance(command, Ask)
    command_of(said)


@dataclass(frozen=True)
class Made:
    """Something with a key."""

    id: str
    key: str | None


def test_numbers_are_those_they_were_given() -> None:
    """By number; what is no reminder has none."""
    made = [
        Made("b", reminder_key(7, "x")),
        Made("a", reminder_key(2, "y")),
        Made("c", "news"),
        Made("d", None),
        Made("e", "reminder:x:y"),
    ]
    assert {number: each.id for number, each in numbered(made).items()} == {2: "a", 7: "b"}


def test_two_of_one_number_are_told_apart() -> None:
    """Made by two processes at the very same time: the later is the next free one, always."""
    made = [Made(id_, reminder_key(1, id_)) for id_ in ("c", "a", "b")]
    made.append(Made("d", reminder_key(2, "d")))
    found = {number: each.id for number, each in numbered(made).items()}
    assert found == {1: "a", 2: "b", 3: "c", 4: "d"}
    assert numbered(reversed(made)) == numbered(made)


def test_the_token_of_a_key() -> None:
    """It is found again, whatever is in it; other keys have none."""
    assert token_of(reminder_key(3, "a:b")) == "a:b"
    assert [token_of(key) for key in ("news", "reminder:3", "reminder:x:y", None)] == [None] * 4


@pytest.mark.parametrize(
    ("said", "repeated"),
    [
        ("@everyone", "@\u2060everyone"),
        ("tell @here, @Ana", "tell @\u2060here, @\u2060Ana"),
        ("<!channel> <@U1> <#C1>", "<\u2060!channel> <\u2060@\u2060U1> <\u2060#C1>"),
        ("mail ana@example.com", "mail ana@example.com"),
        ("1 < 2 @ noon", "1 < 2 @ noon"),
    ],
)
def test_words_that_call(said: str, repeated: str) -> None:
    """They look the same, and call nobody; others are untouched."""
    assert harmless(said) == repeated
    assert harmless(said).replace("\u2060", "") == said

"""Consent in chat: what people say about being spoken to, and what becomes of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from microsoft_agents.hosting.core import TurnContext

from recado.bot.ready.consenting import Consent
from recado.consent import Consents
from recado.domain.consent import Said
from recado.domain.consent_words import understand
from recado.domain.politeness import Rules
from recado.domain.reference import Reference
from recado.recipients import Recipients
from tests.bot.kit import ANA, BOT, Bench, Echo

ES: dict[str, Any] = {"locale": "es-MX"}
GROUP: dict[str, Any] = {
    "conversation": {"id": "19:g", "isGroup": True, "conversationType": "groupChat"},
}
#: Words for kinds of messages there are, as the part gives them.
KINDS = {"prices": "prices", "precios": "prices", "job results": "job results"}


class _Recado:
    """What the part needs of a Recado."""

    def __init__(self, bench: Bench) -> None:
        self.consent = Consents(bench.store, bench.references, bench.clock, bot="local")
        self.clock = bench.clock
        self.recipients = Recipients(
            bench.store, bench.references, bench.clock, bot="local", rules=Rules()
        )
        self._bench = bench

    async def remember(self, context: TurnContext) -> Reference:
        return await self._bench.bridge.remember(context)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    """A bot that echoes, with the part before it."""
    made = Bench()
    await made.store.open()
    made.bridge.parts.add(Consent(_Recado(made), categories={"prices": ["precios"]}))
    made.attach(Echo())
    await made.say("hi")
    yield made
    await made.store.close()


async def said(bench: Bench, text: str, **changes: Any) -> str:
    """What the bot answers."""
    (answer,) = await bench.say(text, **changes)
    assert answer is not None
    return answer


async def in_group(bench: Bench, text: str) -> list[str | None]:
    """What the bot answers in a group of Teams where it was mentioned."""
    mention = {"type": "mention", "text": "<at>Bot</at>", "mentioned": BOT}
    return await bench.say(f"<at>Bot</at> {text}", entities=[mention], **GROUP)


async def heard(bench: Bench, *, category: str | None = None, to: str = "user:29:ana") -> bool:
    """Whether something that is sent now arrives."""
    await bench.outbox.notify(to, "news", category=category)
    return "news" in await bench.deliver()


# -- what people say -------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["stop", " STOP! ", "Stop.", "para", "¡Basta!", "alto", "«stop»"])
async def test_stop_is_understood_however_it_is_written(bench: Bench, text: str) -> None:
    """In both languages, whatever the case, the points and the accents."""
    assert "more unless you write" in await said(bench, text)
    assert not await heard(bench)


@pytest.mark.parametrize(
    "text",
    [
        "stop the press, prices are down",
        "please stop",
        "don't stop",
        "stop prices now please",
        "para mañana",
        "para Ana",
        "alto ahí",
        "mute the television for 2 hours",
        "start",
        "start game",
        "why did I get this parcel?",
        "bus stop",
        "",
        "stop" * 40,
    ],
)
async def test_what_says_more_is_for_the_bot(bench: Bench, text: str) -> None:
    """Nobody is silenced by a word in a sentence, nor by a command of the bot's own."""
    assert await bench.say(text) == [f"echo {text}"] or not text.strip()
    assert await heard(bench)


@pytest.mark.parametrize(
    "text", ["stop prices", "Stop PRICES!", "para precios", "basta de precios"]
)
async def test_one_kind_is_stopped(bench: Bench, text: str) -> None:
    """By its name, or by a word that people have for it."""
    assert "nothing about prices" in await said(bench, text)
    assert not await heard(bench, category="prices")
    assert await heard(bench)
    assert "about prices again" in await said(bench, "start prices")
    assert await heard(bench, category="prices")


async def test_a_kind_that_was_sent_before_is_known(bench: Bench) -> None:
    """Nobody has to configure what the bot itself has used."""
    assert await heard(bench, category="Job results")
    assert "Job results" in await said(bench, "stop job results")
    assert not await heard(bench, category="Job results")


async def test_an_unknown_kind_is_answered_with_those_there_are(bench: Bench) -> None:
    """And nothing is stopped."""
    answer = await said(bench, "stop pricse")
    assert "“pricse”" in answer
    assert "prices" in answer.replace("pricse", "")
    assert await heard(bench, category="prices")


async def test_mute_holds_and_resume_lets_go(bench: Bench) -> None:
    """What comes in the silence arrives afterwards."""
    assert "for 2 h" in await said(bench, "mute 2h")
    await bench.outbox.notify("user:29:ana", "1")
    await bench.outbox.notify("user:29:ana", "2")
    assert await bench.deliver() == []
    assert "hear from me again" in await said(bench, "resume")
    await bench.store.promote(bench.clock.now(), 10)
    assert await bench.deliver() == ["1", "2"]


@pytest.mark.parametrize("text", ["mute", "silencio", "mute forever", "Silencio…"])
async def test_a_silence_has_a_length(bench: Bench, text: str) -> None:
    """It is asked for, and nothing is held."""
    assert "For how long?" in await said(bench, text)
    assert await heard(bench)


async def test_resume_ends_a_refusal_of_everything_and_names_what_is_still_off(
    bench: Bench,
) -> None:
    """A yes to everything is no yes to what was refused by name."""
    await said(bench, "stop prices")
    await said(bench, "stop")
    bench.clock.advance(1)
    assert "nothing about prices" in await said(bench, "start")
    assert await heard(bench)
    assert not await heard(bench, category="prices")


async def test_resume_without_anything_stopped(bench: Bench) -> None:
    """It is said so; ``start`` then is a command of the bot's own."""
    assert "Nothing was stopped" in await said(bench, "resume")
    assert await bench.say("start") == ["echo start"]


async def test_the_bot_still_answers(bench: Bench) -> None:
    """Replies are no notifications."""
    await said(bench, "stop")
    assert await bench.say("hi") == ["echo hi"]


@pytest.mark.parametrize("text", ["Why did I get this?", "¿Por qué recibo esto?"])
async def test_why(bench: Bench, text: str) -> None:
    """When it was, what kind, whom it was for, why this person, and how to end it."""
    assert await said(bench, text) == "I have sent nothing here by myself."
    assert await heard(bench, category="prices")
    answer = await said(bench, text)
    for part in ("prices", "for you", "You have written to me", "'stop prices'"):
        assert part in answer
    await said(bench, "start prices")
    assert "You agreed to it" in await said(bench, text)


@pytest.mark.parametrize(
    ("locale", "written"),
    [("en", "%A {day} %B at %H:%M (Asia/Tokyo)"), ("es", "a las %H:%M (Asia/Tokyo)")],
)
async def test_times_are_those_of_the_persons_clocks(
    bench: Bench, locale: str, written: str
) -> None:
    """As with reminders: when it was, and until when nothing is said."""
    await _Recado(bench).recipients.set_zone(f"user:{ANA['id']}", "Asia/Tokyo")
    tokyo = ZoneInfo("Asia/Tokyo")
    now = bench.clock.now().astimezone(tokyo)
    assert await heard(bench)
    answer = await said(bench, "why did I get this?", locale=locale)
    assert now.strftime(written.format(day=now.day)) in answer
    await said(bench, "mute 2h")
    until = now + timedelta(hours=2)
    answer = await said(bench, "preferences", locale=locale)
    assert until.strftime(written.format(day=until.day)) in answer
    assert "UTC" not in answer


async def test_why_tells_of_whom_it_was_for(bench: Bench) -> None:
    """Everybody, in this case."""
    await bench.outbox.notify("all", "news")
    await bench.store.expand(bench.clock.now(), 100)
    assert await bench.deliver() == ["news"]
    assert "everybody I know" in await said(bench, "why did i get this")


async def test_preferences(bench: Bench) -> None:
    """All that holds."""
    assert await said(bench, "preferences") == "You get messages from me."
    await said(bench, "stop prices")
    await said(bench, "mute 1h")
    answer = await said(bench, "my preferences")
    assert "nothing about prices" in answer
    assert "until" in answer


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("stop", "No volverás a saber de mí"),
        ("para precios", "nada más sobre prices"),
        ("silencio 2h", "durante 2 h"),
        ("silencio", "¿Durante cuánto tiempo?"),
        ("reanuda", "No había nada parado"),
        ("preferencias", "Recibes mis mensajes."),
        ("por que recibo esto", "No he enviado nada"),
    ],
)
async def test_spanish(bench: Bench, text: str, part: str) -> None:
    """The answer is in the language of whoever writes, whatever the words."""
    assert part in await said(bench, text, **ES)


# -- groups ----------------------------------------------------------------------------------


async def test_in_a_group_it_is_the_groups(bench: Bench) -> None:
    """It is said so, and nobody's private chat is silenced."""
    (answer,) = await in_group(bench, "stop")
    assert "this conversation only" in (answer or "")
    assert not await heard(bench, to="conversation:19:g")
    assert await heard(bench)
    (answer,) = await in_group(bench, "resume")
    assert answer == "I will write in this conversation again."
    assert await heard(bench, to="conversation:19:g")


async def test_what_people_say_to_each_other_in_a_group_is_not_for_the_bot(bench: Bench) -> None:
    """Where it hears everything, only those who mention it are heard."""
    await bench.say("stop", **GROUP)
    assert await heard(bench, to="conversation:19:g")


async def test_in_private_it_holds_wherever_the_person_is_known(bench: Bench) -> None:
    """Said in one chat, it holds in the other."""
    await bench.say("hi", conversation={"id": "a:second", "conversationType": "personal"})
    await said(bench, "stop")
    assert not await heard(bench, to="conversation:a:second")


async def test_it_is_on_record_word_for_word(bench: Bench) -> None:
    """Who, when, how, and what they said."""
    await said(bench, "Stop prices!")
    page = await _Recado(bench).consent.history(f"user:{ANA['id']}")
    (record,) = page.items
    assert (record.said, record.category, record.how) == (Said.OUT, "prices", "chat")
    assert (record.wording, record.by) == ("Stop prices!", None)
    assert record.at == bench.clock.now()


@pytest.mark.parametrize(
    ("text", "wish", "category"),
    [
        ("STOP", "stop", None),
        ("stop job results.", "stop", "job results"),
        ("Basta de precios", "stop", "prices"),
        ("stop everything", "stop", None),
        ("reanuda precios", "start", "prices"),
        ("stop xyz", "which", None),
        ("mute for 90 minutes", "mute", None),
    ],
)
def test_words(text: str, wish: str, category: str | None) -> None:
    """What a message asks for."""
    found = understand(text, KINDS)
    assert found is not None
    assert (found.wish, found.category) == (wish, category)


def test_the_length_of_a_silence() -> None:
    """As people write it."""
    found = understand("mute for 90 minutes", KINDS)
    assert found is not None
    assert found.length == timedelta(minutes=90)

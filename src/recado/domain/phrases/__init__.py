"""Phrases: what Recado itself says to people, in English and Spanish.

Each topic has a module of its own with the names of its phrases and a catalogue of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, get_args

from recado.domain.phrases.answers import ANSWERS, AnswerPhrase
from recado.domain.phrases.consent import CONSENT, ConsentPhrase
from recado.domain.phrases.demo import DEMO, DemoPhrase
from recado.domain.phrases.hours import HOURS, HoursPhrase
from recado.domain.phrases.jobs import JOBS, JobPhrase
from recado.domain.phrases.questions import QUESTIONS, QuestionPhrase
from recado.domain.phrases.reminders import REMINDERS, ReminderPhrase
from recado.domain.phrases.topics import TOPICS, TopicPhrase
from recado.domain.phrases.watching import WATCHING, WatchingPhrase

Phrase = (
    JobPhrase
    | ConsentPhrase
    | AnswerPhrase
    | QuestionPhrase
    | TopicPhrase
    | HoursPhrase
    | WatchingPhrase
    | DemoPhrase
    | ReminderPhrase
)

#: Each topic's names, and its catalogue.
_TOPICS: Final[tuple[tuple[Any, Mapping[str, Mapping[Any, str]]], ...]] = (
    (JobPhrase, JOBS),
    (ConsentPhrase, CONSENT),
    (ReminderPhrase, REMINDERS),
    (TopicPhrase, TOPICS),
    (HoursPhrase, HOURS),
    (WatchingPhrase, WATCHING),
    (DemoPhrase, DEMO),
    (AnswerPhrase, ANSWERS),
    (QuestionPhrase, QUESTIONS),
)

PHRASES: Final[tuple[Phrase, ...]] = tuple(name for names, _ in _TOPICS for name in get_args(names))
LANGUAGES: Final = ("en", "es")
_CATALOGUE: Final[Mapping[str, Mapping[Phrase, str]]] = {
    language: {name: said for _, topic in _TOPICS for name, said in topic[language].items()}
    for language in LANGUAGES
}


def phrase(name: Phrase, locale: str | None, /, **values: object) -> str:
    """Say *name* in the language of *locale*.

    Args:
        name: which phrase.
        locale: a BCP 47 tag such as ``es-MX``; English is spoken where it is missing, odd, or of
            a language Recado does not speak.
        values: what the phrase is about.
    """
    language = language_of(locale)
    return _CATALOGUE[language][name].format(**values)


def language_of(locale: str | None) -> str:
    """The language of Recado's that is spoken to whoever has *locale*: ``en`` or ``es``."""
    language = (locale or "").replace("_", "-").partition("-")[0].casefold()
    return language if language in _CATALOGUE else "en"

"""Phrases: both languages say the same things."""

from __future__ import annotations

from string import Formatter

import pytest

from recado.domain.phrases import _CATALOGUE, LANGUAGES, PHRASES, Phrase, phrase


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_everything(language: str) -> None:
    """No phrase is missing, and none is there that nobody says."""
    assert sorted(_CATALOGUE[language]) == sorted(PHRASES)


@pytest.mark.parametrize("name", PHRASES)
def test_translations_are_about_the_same(name: Phrase) -> None:
    """A phrase names the same values in each language."""
    named = {
        language: {field for _, field, _, _ in Formatter().parse(_CATALOGUE[language][name])}
        for language in LANGUAGES
    }
    assert named["es"] == named["en"]


@pytest.mark.parametrize(
    ("locale", "said"),
    [
        ("en-GB", "Job 3 is complete."),
        ("es", "El trabajo 3 está terminado."),
        ("es-MX", "El trabajo 3 está terminado."),
        ("ES_es", "El trabajo 3 está terminado."),
        ("pt-BR", "Job 3 is complete."),
        ("", "Job 3 is complete."),
        (None, "Job 3 is complete."),
    ],
)
def test_the_language_is_the_locales(locale: str | None, said: str) -> None:
    """English where Recado does not speak the language."""
    assert phrase("job_complete", locale, number=3) == said


def test_values_are_not_read_as_phrases() -> None:
    """A name with braces is said as it is."""
    assert phrase("welcome_by_name", "en", name="{number}") == "Welcome, {number}."

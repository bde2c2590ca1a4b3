"""What is said about questions that were asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

QuestionPhrase = Literal["question_over"]

QUESTIONS: Final[Mapping[str, Mapping[QuestionPhrase, str]]] = {
    "en": {"question_over": "That has been answered already, or its time is over."},
    "es": {"question_over": "Eso ya se ha respondido, o su plazo ha terminado."},
}

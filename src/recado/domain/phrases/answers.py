"""What is said when a long answer comes to nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

AnswerPhrase = Literal["answer_failed", "answer_late", "answer_interrupted"]

ANSWERS: Final[Mapping[str, Mapping[AnswerPhrase, str]]] = {
    "en": {
        "answer_failed": "Sorry, I could not finish what you asked me for.",
        "answer_late": "Sorry, what you asked me for is taking too long, so I stopped.",
        "answer_interrupted": (
            "Sorry, I was interrupted while I worked on what you asked me for. Please ask again."
        ),
    },
    "es": {
        "answer_failed": "Lo siento, no he podido terminar lo que me pediste.",
        "answer_late": "Lo siento, lo que me pediste tarda demasiado y lo he dejado.",
        "answer_interrupted": (
            "Lo siento, me interrumpieron mientras trabajaba en lo que me pediste. "
            "Vuelve a pedírmelo."
        ),
    },
}

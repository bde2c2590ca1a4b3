"""What the demo's bot says about the parts it uses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

DemoPhrase = Literal[
    "demo_reminders_help",
    "demo_consent_help",
    "demo_brew_help",
    "demo_brew_begun",
    "demo_brew_water",
    "demo_brew_leaves",
    "demo_brew_wait",
    "demo_brew_done",
    "demo_brew_failed",
]

DEMO: Final[Mapping[str, Mapping[DemoPhrase, str]]] = {
    "en": {
        "demo_reminders_help": (
            "Type 'remind me in 1 minute to make tea' to be reminded, 'reminders' to see what is "
            "to come, 'cancel' and a number to cancel it."
        ),
        "demo_consent_help": (
            "Type 'stop' to hear nothing more that you have not asked for, 'mute 2h' to be left "
            "alone for a while, 'why did I get this?' to know."
        ),
        "demo_brew_help": "Type 'brew tea' for an answer that takes a while; go on meanwhile.",
        "demo_brew_begun": "On it. Go on talking; your tea follows.",
        "demo_brew_water": "The water is heating…",
        "demo_brew_leaves": "The leaves are in…",
        "demo_brew_wait": "Three minutes, they say…",
        "demo_brew_done": "Your tea is ready.",
        "demo_brew_failed": "I am sorry, there will be no tea.",
    },
    "es": {
        "demo_reminders_help": (
            "Escribe 'recuérdame en 1 minuto hacer té' para que te lo recuerde, 'recordatorios' "
            "para ver los que hay, 'cancela' y un número para cancelar uno."
        ),
        "demo_consent_help": (
            "Escribe 'basta' para no recibir nada más que no hayas pedido, 'silencio 2h' para "
            "que te deje en paz un rato, '¿por qué recibo esto?' para saberlo."
        ),
        "demo_brew_help": "Escribe 'prepara té' para una respuesta que tarda; sigue entretanto.",
        "demo_brew_begun": "Me pongo a ello. Sigue hablando; tu té vendrá.",
        "demo_brew_water": "El agua se calienta…",
        "demo_brew_leaves": "Las hojas ya están dentro…",
        "demo_brew_wait": "Tres minutos, dicen…",
        "demo_brew_done": "Tu té está listo.",
        "demo_brew_failed": "Lo siento, no habrá té.",
    },
}

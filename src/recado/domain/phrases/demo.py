"""What the demo's bot says about the parts it uses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

DemoPhrase = Literal[
    "demo_reminders_help",
    "demo_consent_help",
    "demo_brew_help",
    "demo_topics_help",
    "demo_hours_help",
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
            "Reminders: 'remind me in 1 minute to make tea', 'reminders', 'cancel' and a number."
        ),
        "demo_consent_help": (
            "Less of me: 'mute 2h', 'stop', 'preferences', 'why did I get this?'."
        ),
        "demo_brew_help": "An answer that takes a while: 'brew tea'.",
        "demo_topics_help": "Topics: 'topics', 'subscribe news', 'unsubscribe news'.",
        "demo_hours_help": "Quiet hours: 'quiet hours 22:00-08:00', 'quiet hours off'.",
        "demo_brew_begun": "On it. Go on talking; your tea follows.",
        "demo_brew_water": "The water is heating…",
        "demo_brew_leaves": "The leaves are in…",
        "demo_brew_wait": "Three minutes, they say…",
        "demo_brew_done": "Your tea is ready.",
        "demo_brew_failed": "I am sorry, there will be no tea.",
    },
    "es": {
        "demo_reminders_help": (
            "Recordatorios: 'recuérdame en 1 minuto hacer té', 'recordatorios', 'cancela' y un "
            "número."
        ),
        "demo_consent_help": (
            "Menos mensajes: 'silencio 2h', 'basta', 'preferencias', '¿por qué recibo esto?'."
        ),
        "demo_brew_help": "Una respuesta que tarda: 'prepara té'.",
        "demo_topics_help": "Temas: 'temas', 'suscribir news', 'desuscribir news'.",
        "demo_hours_help": (
            "Horas de silencio: 'horas de silencio 22:00-08:00', 'horas de silencio no'."
        ),
        "demo_brew_begun": "Me pongo a ello. Sigue hablando; tu té vendrá.",
        "demo_brew_water": "El agua se calienta…",
        "demo_brew_leaves": "Las hojas ya están dentro…",
        "demo_brew_wait": "Tres minutos, dicen…",
        "demo_brew_done": "Tu té está listo.",
        "demo_brew_failed": "Lo siento, no habrá té.",
    },
}

"""What is said about topics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

TopicPhrase = Literal[
    "topic_subscribed",
    "topic_subscribed_group",
    "topic_subscribed_already",
    "topic_unsubscribed",
    "topic_not_subscribed",
    "topic_unknown",
    "topic_list",
    "topic_list_empty",
    "topic_yours",
    "topic_preferred",
    "topic_preferred_group",
    "topic_failed",
]

TOPICS: Final[Mapping[str, Mapping[TopicPhrase, str]]] = {
    "en": {
        "topic_subscribed": (
            "You will be told about {topic}, wherever I saw you last. "
            "Type 'unsubscribe {topic}' to end that."
        ),
        "topic_subscribed_group": (
            "This conversation will be told about {topic}. Type 'unsubscribe {topic}' to end that."
        ),
        "topic_subscribed_already": "You are told about {topic} already.",
        "topic_unsubscribed": "You will not be told about {topic} any more.",
        "topic_not_subscribed": "You are not subscribed to {topic}.",
        "topic_unknown": "There is no topic {topic}. Type 'topics' to see those there are.",
        "topic_list": "Topics you can subscribe to ('subscribe' and the name):",
        "topic_list_empty": "There are no topics to subscribe to.",
        "topic_yours": "subscribed",
        "topic_preferred": "I will tell you things here rather than in other chats of ours.",
        "topic_preferred_group": "I can do that only in a chat between the two of us.",
        "topic_failed": (
            "Sorry, topics cannot be read or written at the moment. Please try again later."
        ),
    },
    "es": {
        "topic_subscribed": (
            "Te avisaré sobre {topic}, donde te haya visto por última vez. "
            "Escribe 'desuscribir {topic}' para dejarlo."
        ),
        "topic_subscribed_group": (
            "Avisaré a esta conversación sobre {topic}. Escribe 'desuscribir {topic}' para dejarlo."
        ),
        "topic_subscribed_already": "Ya recibes avisos sobre {topic}.",
        "topic_unsubscribed": "Ya no recibirás avisos sobre {topic}.",
        "topic_not_subscribed": "No recibes avisos sobre {topic}.",
        "topic_unknown": "No hay ningún tema {topic}. Escribe 'temas' para ver los que hay.",
        "topic_list": "Temas a los que puedes suscribirte ('suscribir' y el nombre):",
        "topic_list_empty": "No hay temas a los que suscribirse.",
        "topic_yours": "con suscripción",
        "topic_preferred": "Te avisaré aquí y no en otros chats nuestros.",
        "topic_preferred_group": "Eso solo puedo hacerlo en un chat entre los dos.",
        "topic_failed": (
            "Lo siento, ahora mismo no se pueden leer ni escribir los temas. "
            "Inténtalo de nuevo más tarde."
        ),
    },
}

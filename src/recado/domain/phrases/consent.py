"""What is said about what people allow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

ConsentPhrase = Literal[
    "consent_stopped",
    "consent_stopped_group",
    "consent_stopped_kind",
    "consent_stopped_kind_group",
    "consent_resumed",
    "consent_resumed_group",
    "consent_resumed_kind",
    "consent_resumed_kind_group",
    "consent_still_off",
    "consent_nothing_stopped",
    "consent_muted",
    "consent_muted_group",
    "consent_how_long",
    "consent_unknown_kind",
    "consent_kinds",
    "consent_no_kinds",
    "consent_why",
    "consent_why_kind",
    "consent_why_nothing",
    "consent_for_you",
    "consent_for_here",
    "consent_for_all",
    "consent_for_members",
    "consent_for_some",
    "consent_for_topic",
    "consent_because_asked",
    "consent_because_agreed",
    "consent_because_known",
    "consent_how_to_stop",
    "consent_how_to_stop_kind",
    "consent_is_on",
    "consent_is_off",
    "consent_is_muted",
    "consent_only_off",
    "consent_only_on",
]

CONSENT: Final[Mapping[str, Mapping[ConsentPhrase, str]]] = {
    "en": {
        "consent_stopped": (
            "You will not hear from me any more unless you write to me. That holds wherever I know "
            "you. Type 'resume' to hear from me again."
        ),
        "consent_stopped_group": (
            "I will not write in this conversation any more unless somebody writes to me. That "
            "holds for this conversation only, not for anybody in private. Type 'resume' here to "
            "hear from me again."
        ),
        "consent_stopped_kind": (
            "You will get nothing about {category} any more. Type 'resume {category}' to get it "
            "again, or 'stop' to stop everything."
        ),
        "consent_stopped_kind_group": (
            "I will write nothing about {category} in this conversation any more. Type 'resume "
            "{category}' here to get it again, or 'stop' to stop everything."
        ),
        "consent_resumed": "You will hear from me again.",
        "consent_resumed_group": "I will write in this conversation again.",
        "consent_resumed_kind": "You will hear about {category} again.",
        "consent_resumed_kind_group": "I will write about {category} in this conversation again.",
        "consent_still_off": (
            "You still get nothing about {categories}: type 'resume' and one of these to get it."
        ),
        "consent_nothing_stopped": "Nothing was stopped: you hear from me as before.",
        "consent_muted": (
            "I say nothing for {length}; what comes meanwhile, you get afterwards. Type 'resume' "
            "to end that earlier."
        ),
        "consent_muted_group": (
            "I say nothing in this conversation for {length}; what comes meanwhile, I say "
            "afterwards. Type 'resume' here to end that earlier."
        ),
        "consent_how_long": "For how long? Type for example 'mute 2h' or 'mute 3 days'.",
        "consent_unknown_kind": "I send nothing that is called “{category}”.",
        "consent_kinds": (
            "What can be stopped by itself: {categories}. Type 'stop' to stop everything."
        ),
        "consent_no_kinds": "Type 'stop' to stop everything.",
        "consent_why": "The last thing I sent here by myself was on {at}.",
        "consent_why_kind": "The last thing I sent here by myself, about {category}, was on {at}.",
        "consent_why_nothing": "I have sent nothing here by myself.",
        "consent_for_you": "It was for you.",
        "consent_for_here": "It was for this conversation.",
        "consent_for_all": "It was for everybody I know.",
        "consent_for_members": "It was for everybody in a team or group that you are in.",
        "consent_for_some": "It was for many, of whom you are one.",
        "consent_for_topic": "It was for everybody who has subscribed to {topic}.",
        "consent_because_asked": "You had asked for it on {at}.",
        "consent_because_agreed": "You agreed to it on {at} ({how}).",
        "consent_because_known": "You have written to me, or added me, before.",
        "consent_how_to_stop": "Type 'stop' to get nothing any more, or 'mute 2h' for a while.",
        "consent_how_to_stop_kind": (
            "Type 'stop {category}' to get nothing about that any more, or 'stop' to get nothing "
            "at all."
        ),
        "consent_is_on": "You get messages from me.",
        "consent_is_off": "You get no messages from me unless you write to me.",
        "consent_is_muted": "I say nothing until {until}.",
        "consent_only_off": "You get nothing about {categories}.",
        "consent_only_on": "You have agreed to hear about {categories}.",
    },
    "es": {
        "consent_stopped": (
            "No volverás a saber de mí si no me escribes. Vale en cualquier lugar donde te "
            "conozco. Escribe 'reanuda' para volver a saber de mí."
        ),
        "consent_stopped_group": (
            "No volveré a escribir en esta conversación si nadie me escribe. Vale solo para esta "
            "conversación, no para nadie en privado. Escribe aquí 'reanuda' para volver a saber de "
            "mí."
        ),
        "consent_stopped_kind": (
            "No recibirás nada más sobre {category}. Escribe 'reanuda {category}' para volver a "
            "recibirlo, o 'para' para no recibir nada."
        ),
        "consent_stopped_kind_group": (
            "No escribiré nada más sobre {category} en esta conversación. Escribe aquí 'reanuda "
            "{category}' para volver a recibirlo, o 'para' para no recibir nada."
        ),
        "consent_resumed": "Volverás a saber de mí.",
        "consent_resumed_group": "Volveré a escribir en esta conversación.",
        "consent_resumed_kind": "Volverás a recibir lo que haya sobre {category}.",
        "consent_resumed_kind_group": ("Volveré a escribir sobre {category} en esta conversación."),
        "consent_still_off": (
            "Sigues sin recibir nada sobre {categories}: escribe 'reanuda' y uno de ellos para "
            "recibirlo."
        ),
        "consent_nothing_stopped": "No había nada parado: sabes de mí como hasta ahora.",
        "consent_muted": (
            "No digo nada durante {length}; lo que llegue mientras tanto lo recibirás después. "
            "Escribe 'reanuda' para terminar antes."
        ),
        "consent_muted_group": (
            "No digo nada en esta conversación durante {length}; lo que llegue mientras tanto lo "
            "diré después. Escribe aquí 'reanuda' para terminar antes."
        ),
        "consent_how_long": (
            "¿Durante cuánto tiempo? Escribe por ejemplo 'silencio 2h' o 'silencio 3 días'."
        ),
        "consent_unknown_kind": "No envío nada que se llame «{category}».",
        "consent_kinds": (
            "Lo que se puede parar por separado: {categories}. Escribe 'para' para pararlo todo."
        ),
        "consent_no_kinds": "Escribe 'para' para pararlo todo.",
        "consent_why": "Lo último que envié aquí por mi cuenta fue el {at}.",
        "consent_why_kind": (
            "Lo último que envié aquí por mi cuenta, sobre {category}, fue el {at}."
        ),
        "consent_why_nothing": "No he enviado nada aquí por mi cuenta.",
        "consent_for_you": "Era para ti.",
        "consent_for_here": "Era para esta conversación.",
        "consent_for_all": "Era para todas las personas que conozco.",
        "consent_for_members": "Era para quienes están en un equipo o grupo en el que estás.",
        "consent_for_some": "Era para muchas personas, y tú eres una de ellas.",
        "consent_for_topic": "Era para quienes están suscritos a {topic}.",
        "consent_because_asked": "Lo habías pedido el {at}.",
        "consent_because_agreed": "Lo aceptaste el {at} ({how}).",
        "consent_because_known": "Me has escrito o añadido antes.",
        "consent_how_to_stop": (
            "Escribe 'para' para no recibir nada más, o 'silencio 2h' para un rato de silencio."
        ),
        "consent_how_to_stop_kind": (
            "Escribe 'para {category}' para no recibir nada más sobre eso, o 'para' para no "
            "recibir nada."
        ),
        "consent_is_on": "Recibes mis mensajes.",
        "consent_is_off": "No recibes mensajes míos si no me escribes.",
        "consent_is_muted": "No digo nada hasta el {until}.",
        "consent_only_off": "No recibes nada sobre {categories}.",
        "consent_only_on": "Has aceptado recibir lo que haya sobre {categories}.",
    },
}

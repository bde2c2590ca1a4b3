"""What the chat page says of its own accord, in the languages Recado speaks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from recado.domain.phrases import LANGUAGES, language_of

#: Words for the page's template and its scripts.
PAGE: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "intro": "Bots that speak first.",
        "try_two": (
            "In the left window type {run} twice; in the right one {show}, then {done}, and watch "
            "the left."
        ),
        "try_one": "Type {run}, then {show} and {done}.",
        "notify": "Notify everyone",
        "no_script": "This page needs JavaScript to talk to the bot.",
        "renew": "New conversation",
        "conversation_of": "Conversation of {name} with the bot",
        "conversation_id": "Conversation id",
        "message_from": "Message from {name}",
        "write_as": "Write as {name}…",
        "send_as": "Send as {name}",
        "bot_types": "The bot is typing",
        "suggested": "Suggested answers",
        "connecting": "Connecting…",
        "online": "Online",
        "offline": "Offline, connecting again…",
        "offline_now": "Offline",
        "again_in": "{message}, again in {seconds} s",
        "not_shown": "A message could not be shown.",
        "ended": "The bot ended the conversation.",
        "away": "While you were away",
        "sending": "Sending…",
        "retry": "Retry",
        "discard": "Discard",
        "not_sent_yet": "Not sent yet",
        "not_sent": "Not sent: {message}",
        "picture": "Picture",
        "attachment": "Attachment",
        "not_shown_here": "{label} (cannot be shown here)",
        "feed": "A shop's price feed, simulated",
        "product": "tea",
        "product_shown": "Tea",
        "unit": "per 100 g",
        "drop": "Drop 20 %",
        "rise": "Rise 20 %",
        "hint": "Type {watch} in the left window, then press {drop}.",
        "watch": "watch tea drop 20%",
        "sent": "Sent to the bot; nobody is watching.",
        "sent_one": "Sent to the bot; 1 watch looks at it.",
        "sent_many": "Sent to the bot; {count} watches look at it.",
        "failed": "Not sent: {reason}",
        "unreachable": "the server cannot be reached.",
        "history": "Prices so far",
    },
    "es": {
        "intro": "Bots que hablan primero.",
        "try_two": (
            "En la ventana izquierda escribe {run} dos veces; en la derecha {show}, luego {done}, "
            "y mira la izquierda."
        ),
        "try_one": "Escribe {run}, luego {show} y {done}.",
        "notify": "Avisar a todos",
        "no_script": "Esta página necesita JavaScript para hablar con el bot.",
        "renew": "Nueva conversación",
        "conversation_of": "Conversación de {name} con el bot",
        "conversation_id": "Id. de la conversación",
        "message_from": "Mensaje de {name}",
        "write_as": "Escribe como {name}…",
        "send_as": "Enviar como {name}",
        "bot_types": "El bot está escribiendo",
        "suggested": "Respuestas sugeridas",
        "connecting": "Conectando…",
        "online": "En línea",
        "offline": "Sin conexión, conectando de nuevo…",
        "offline_now": "Sin conexión",
        "again_in": "{message}, de nuevo en {seconds} s",
        "not_shown": "Un mensaje no se ha podido mostrar.",
        "ended": "El bot ha terminado la conversación.",
        "away": "Mientras no estabas",
        "sending": "Enviando…",
        "retry": "Reintentar",
        "discard": "Descartar",
        "not_sent_yet": "Sin enviar todavía",
        "not_sent": "No se ha enviado: {message}",
        "picture": "Imagen",
        "attachment": "Archivo adjunto",
        "not_shown_here": "{label} (no se puede mostrar aquí)",
        "feed": "Precios de una tienda, simulados",
        "product": "té",
        "product_shown": "Té",
        "unit": "por 100 g",
        "drop": "Baja 20 %",
        "rise": "Sube 20 %",
        "hint": "Escribe {watch} en la ventana izquierda y pulsa {drop}.",
        "watch": "vigila té baja 20%",
        "sent": "Enviado al bot; nadie lo vigila.",
        "sent_one": "Enviado al bot; lo mira 1 vigilancia.",
        "sent_many": "Enviado al bot; lo miran {count} vigilancias.",
        "failed": "No se ha enviado: {reason}",
        "unreachable": "no se llega al servidor.",
        "history": "Precios hasta ahora",
    },
}


def preferred(accept_language: str) -> str:
    """The language of Recado's that a browser likes best: ``en`` or ``es``.

    Args:
        accept_language: the header (RFC 9110 §12.5.4); "" if there is none.
    """
    wanted: list[tuple[float, str]] = []
    for part in accept_language.split(","):
        tag, _, weight = part.strip().partition(";")
        try:
            quality = float(weight.strip().removeprefix("q=")) if weight else 1.0
        except ValueError:
            continue
        wanted.append((-quality, tag.strip().lower()))
    for _, tag in sorted(wanted, key=lambda each: each[0]):
        if tag.partition("-")[0] in LANGUAGES:
            return language_of(tag)
    return language_of(None)

"""What is said about reminders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

ReminderPhrase = Literal[
    "reminder_set",
    "reminder_set_bare",
    "reminder_cancel_hint",
    "reminder_zone_unknown",
    "reminder_says",
    "reminder_says_to",
    "reminder_says_bare",
    "reminder_says_bare_to",
    "reminder_not_understood",
    "reminder_ambiguous",
    "reminder_or",
    "reminder_past",
    "reminder_too_many",
    "reminder_too_long",
    "reminder_list",
    "reminder_list_line",
    "reminder_list_line_bare",
    "reminder_list_empty",
    "reminder_next",
    "reminder_paused",
    "reminder_cancelled",
    "reminder_cancelled_bare",
    "reminder_unknown",
    "reminder_zone_set",
    "reminder_zone_yours",
    "reminder_zone_wrong",
    "reminder_zone_meant",
    "reminder_failed",
]

REMINDERS: Final[Mapping[str, Mapping[ReminderPhrase, str]]] = {
    "en": {
        "reminder_set": "I'll remind you {when} ({zone}): {text}",
        "reminder_set_bare": "I'll remind you {when} ({zone}).",
        "reminder_cancel_hint": "Type 'cancel {number}' to cancel it.",
        "reminder_zone_unknown": (
            "I do not know your time zone, so the time is that of {zone}. Type 'my time zone is "
            "Europe/Madrid', or whichever is yours, and ask again if that is wrong."
        ),
        "reminder_says": "Reminder: {text}",
        "reminder_says_to": "{name}, a reminder: {text}",
        "reminder_says_bare": "This is the reminder you asked for.",
        "reminder_says_bare_to": "{name}, this is the reminder you asked for.",
        "reminder_not_understood": (
            "I did not understand when. Try: 'remind me in 10 minutes to call Ana', 'remind me "
            "tomorrow at 9 to call Ana', 'remind me on Friday at 17:00 to call Ana' or 'remind me "
            "every monday at 9 to call Ana'."
        ),
        "reminder_ambiguous": "'{said}' can mean {readings}. Please say which.",
        "reminder_or": "{some} or {last}",
        "reminder_past": "I cannot remind you {when} ({zone}): that is past. Choose a later time.",
        "reminder_too_many": (
            "You have {count} reminders here, which is as many as I keep. Type 'reminders' to see "
            "them, and 'cancel' and a number to cancel one."
        ),
        "reminder_too_long": "That is too long: say it in {limit} characters.",
        "reminder_list": "Your reminders here. Type 'cancel' and a number to cancel one.",
        "reminder_list_line": "{number}: {when} ({zone}): {text}",
        "reminder_list_line_bare": "{number}: {when} ({zone})",
        "reminder_list_empty": (
            "You have no reminders here. Type 'remind me in 10 minutes to call Ana', for example."
        ),
        "reminder_next": "{rule}, next {when}",
        "reminder_paused": "{rule}, paused",
        "reminder_cancelled": "Reminder {number} is cancelled: {text}",
        "reminder_cancelled_bare": "Reminder {number} is cancelled.",
        "reminder_unknown": "You have no reminder {number} here. Type 'reminders' to see yours.",
        "reminder_zone_set": "Your time zone is {zone} now, where it is {time}.",
        "reminder_zone_yours": (
            "Your time zone is {zone}, where it is {time}. Type 'my time zone is Europe/Madrid', "
            "or whichever is yours, to change it."
        ),
        "reminder_zone_wrong": "There is no time zone '{name}'. Write it as Europe/Madrid, or UTC.",
        "reminder_zone_meant": (
            "There is no time zone '{name}'. If you mean {meant}, type 'my time zone is {meant}'."
        ),
        "reminder_failed": (
            "Sorry, reminders cannot be read or written at the moment. Please try again later."
        ),
    },
    "es": {
        "reminder_set": "Te lo recordaré {when} ({zone}): {text}",
        "reminder_set_bare": "Te avisaré {when} ({zone}).",
        "reminder_cancel_hint": "Escribe 'cancela {number}' para cancelarlo.",
        "reminder_zone_unknown": (
            "No sé cuál es tu zona horaria, así que la hora es la de {zone}. Escribe 'mi zona "
            "horaria es Europe/Madrid', o la que sea la tuya, y vuelve a pedírmelo si no es esa."
        ),
        "reminder_says": "Recordatorio: {text}",
        "reminder_says_to": "{name}, un recordatorio: {text}",
        "reminder_says_bare": "Este es el recordatorio que pediste.",
        "reminder_says_bare_to": "{name}, este es el recordatorio que pediste.",
        "reminder_not_understood": (
            "No he entendido cuándo. Prueba: 'recuérdame en 10 minutos llamar a Ana', 'recuérdame "
            "mañana a las 9 llamar a Ana', 'recuérdame el viernes a las 17:00 llamar a Ana' o "
            "'recuérdame cada lunes a las 9 llamar a Ana'."
        ),
        "reminder_ambiguous": "'{said}' puede ser {readings}. Dime cuál, por favor.",
        "reminder_or": "{some} o {last}",
        "reminder_past": (
            "No puedo avisarte {when} ({zone}): ya ha pasado. Elige una hora posterior."
        ),
        "reminder_too_many": (
            "Tienes {count} recordatorios aquí, y no guardo más. Escribe 'recordatorios' para "
            "verlos, y 'cancela' y un número para cancelar uno."
        ),
        "reminder_too_long": "Es demasiado largo: dilo en {limit} caracteres.",
        "reminder_list": "Tus recordatorios aquí. Escribe 'cancela' y un número para cancelar uno.",
        "reminder_list_line": "{number}: {when} ({zone}): {text}",
        "reminder_list_line_bare": "{number}: {when} ({zone})",
        "reminder_list_empty": (
            "No tienes recordatorios aquí. Escribe, por ejemplo, 'recuérdame en 10 minutos llamar "
            "a Ana'."
        ),
        "reminder_next": "{rule}, el próximo {when}",
        "reminder_paused": "{rule}, en pausa",
        "reminder_cancelled": "El recordatorio {number} está cancelado: {text}",
        "reminder_cancelled_bare": "El recordatorio {number} está cancelado.",
        "reminder_unknown": (
            "No tienes ningún recordatorio {number} aquí. Escribe 'recordatorios' para ver los "
            "tuyos."
        ),
        "reminder_zone_set": "Tu zona horaria es ahora {zone}, donde son las {time}.",
        "reminder_zone_yours": (
            "Tu zona horaria es {zone}, donde son las {time}. Escribe 'mi zona horaria es "
            "Europe/Madrid', o la que sea la tuya, para cambiarla."
        ),
        "reminder_zone_wrong": (
            "No hay ninguna zona horaria '{name}'. Escríbela como Europe/Madrid, o UTC."
        ),
        "reminder_zone_meant": (
            "No hay ninguna zona horaria '{name}'. Si es {meant}, escribe 'mi zona horaria es "
            "{meant}'."
        ),
        "reminder_failed": (
            "Lo siento, ahora mismo no se pueden leer ni escribir los recordatorios. "
            "Inténtalo de nuevo más tarde."
        ),
    },
}

"""What is said about watches in a chat."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

WatchingPhrase = Literal[
    "watch_made",
    "watch_now",
    "watch_unheard_of",
    "watch_end_hint",
    "watch_no_number",
    "watch_failed",
    "watch_share",
    "watch_unclear",
    "watch_what",
    "watch_too_many",
    "watch_none",
    "watch_list_header",
    "watch_ended",
    "watch_unknown",
    "watch_number_missing",
    "watch_says_moved",
    "watch_says_limit_below",
    "watch_says_limit_above",
    "watch_says_crosses",
    "watch_says_changes",
    "watch_says_equals",
    "watch_goal_drop",
    "watch_goal_rise",
    "watch_goal_below",
    "watch_goal_above",
    "watch_goal_crosses",
    "watch_goal_changes",
    "watch_goal_equals",
    "watch_since_notified",
    "watch_since_maximum",
    "watch_since_minimum",
    "watching_help",
]

#: What watches say has places of two kinds: those in single braces are filled in when the watch is
#: made, those in double ones when it speaks.
WATCHING: Final[Mapping[str, Mapping[WatchingPhrase, str]]] = {
    "en": {
        "watch_made": "I am watching {product} and will tell you when it {goal}.",
        "watch_now": "The last I heard of it is {value}.",
        "watch_unheard_of": (
            "I have not heard of it yet: I compare with the first I hear. Is it spelt that way?"
        ),
        "watch_end_hint": "To end this, type 'unwatch {number}'.",
        "watch_no_number": (
            "The last I heard of {product} is {value}, and that cannot be watched so: it is no "
            "number. Possible is 'watch {product} changes'."
        ),
        "watch_failed": (
            "Sorry, watches cannot be read or written at the moment. Please try again later."
        ),
        "watch_share": "{by}\u00a0%",
        "watch_unclear": (
            "I do not understand when to tell you in '{said}'. Type for example:\n\n"
            "- watch tea drop 20%\n- watch tea rise 2\n- watch tea below 50\n"
            "- watch tea above 100\n- watch tea changes\n\n"
            "A drop or rise is more than 0, and nothing drops by more than 100\u00a0%."
        ),
        "watch_what": "Type what to watch, and when to tell you: 'watch tea drop 20%'.",
        "watch_too_many": (
            "You have {count} watches, and no more are possible: end one, as in 'unwatch {number}'."
        ),
        "watch_none": "You are watching nothing. Type for example 'watch tea drop 20%'.",
        "watch_list_header": "| Number | What | I tell you when it | From |",
        "watch_ended": "I no longer watch {product} for you.",
        "watch_unknown": "You have no watch {number}: 'watches' shows those you have.",
        "watch_number_missing": (
            "Type which one by its number, as in 'unwatch 3': 'watches' shows them."
        ),
        "watch_says_moved": "{product} is now {{value}} ({{percent}}, it was {{before}}).",
        "watch_says_limit_below": "{product} is now {{value}}, below {limit}.",
        "watch_says_limit_above": "{product} is now {{value}}, above {limit}.",
        "watch_says_crosses": "{product} has crossed {limit}: it is now {{value}}.",
        "watch_says_changes": "{product} is now {{value}} (it was {{before}}).",
        "watch_says_equals": "{product} is now {{value}}.",
        "watch_goal_drop": "has dropped by {by}{since}",
        "watch_goal_rise": "has risen by {by}{since}",
        "watch_goal_below": "is below {limit}",
        "watch_goal_above": "is above {limit}",
        "watch_goal_crosses": "crosses {limit}",
        "watch_goal_changes": "changes",
        "watch_goal_equals": "is {limit}",
        "watch_since_notified": " since I last told you",
        "watch_since_maximum": " from its highest",
        "watch_since_minimum": " from its lowest",
        "watching_help": "Watches: 'watch tea drop 20%', 'watches', 'unwatch' and a number.",
    },
    "es": {
        "watch_made": "Vigilo {product} y te avisaré cuando {goal}.",
        "watch_now": "Lo último que sé es {value}.",
        "watch_unheard_of": (
            "Todavía no sé nada de eso: compararé con lo primero que sepa. ¿Se escribe así?"
        ),
        "watch_end_hint": "Para dejarlo, escribe 'deja {number}'.",
        "watch_no_number": (
            "Lo último que sé de {product} es {value}, y eso no se puede vigilar así: no es un "
            "número. Se puede decir 'vigila {product} cambia'."
        ),
        "watch_failed": (
            "Lo siento, ahora mismo no se pueden leer ni escribir las vigilancias. "
            "Inténtalo de nuevo más tarde."
        ),
        "watch_share": "un {by}\u00a0%",
        "watch_unclear": (
            "No entiendo cuándo avisarte en '{said}'. Escribe por ejemplo:\n\n"
            "- vigila té baja 20%\n- vigila té sube 2\n- vigila té por debajo de 50\n"
            "- vigila té por encima de 100\n- vigila té cambia\n\n"
            "Lo que baja o sube es más de 0, y nada baja más de un 100\u00a0%."
        ),
        "watch_what": "Escribe qué vigilar y cuándo avisarte: 'vigila té baja 20%'.",
        "watch_too_many": (
            "Tienes {count} vigilancias y no caben más: deja una, por ejemplo con 'deja {number}'."
        ),
        "watch_none": "No vigilas nada. Escribe por ejemplo 'vigila té baja 20%'.",
        "watch_list_header": "| Número | Qué | Te aviso cuando | Desde |",
        "watch_ended": "Ya no vigilo {product} para ti.",
        "watch_unknown": (
            "No tienes ninguna vigilancia {number}: 'vigilancias' muestra las que tienes."
        ),
        "watch_number_missing": (
            "Escribe cuál por su número, como en 'deja 3': 'vigilancias' las muestra."
        ),
        "watch_says_moved": (
            "{product} está ahora a {{value}} ({{percent}}, estaba a {{before}})."
        ),
        "watch_says_limit_below": "{product} está ahora a {{value}}, por debajo de {limit}.",
        "watch_says_limit_above": "{product} está ahora a {{value}}, por encima de {limit}.",
        "watch_says_crosses": "{product} ha cruzado {limit}: está ahora a {{value}}.",
        "watch_says_changes": "{product}: ahora {{value}} (antes {{before}}).",
        "watch_says_equals": "{product}: ahora {{value}}.",
        "watch_goal_drop": "haya bajado {by}{since}",
        "watch_goal_rise": "haya subido {by}{since}",
        "watch_goal_below": "esté por debajo de {limit}",
        "watch_goal_above": "esté por encima de {limit}",
        "watch_goal_crosses": "cruce {limit}",
        "watch_goal_changes": "cambie",
        "watch_goal_equals": "sea {limit}",
        "watch_since_notified": " desde mi último aviso",
        "watch_since_maximum": " desde su máximo",
        "watch_since_minimum": " desde su mínimo",
        "watching_help": "Vigilancias: 'vigila té baja 20%', 'vigilancias', 'deja' y un número.",
    },
}

"""What is said about quiet hours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

HoursPhrase = Literal[
    "hours_set",
    "hours_set_group",
    "hours_off",
    "hours_back",
    "hours_yours",
    "hours_none",
    "hours_unusable",
]

HOURS: Final[Mapping[str, Mapping[HoursPhrase, str]]] = {
    "en": {
        "hours_set": (
            "I will send you nothing at these hours: {hours} ({zone}). What is urgent still comes, "
            "and what you asked me for. Type 'quiet hours off' to end that."
        ),
        "hours_set_group": (
            "I will send nothing here at these hours: {hours} ({zone}). What is urgent still "
            "comes. Type 'quiet hours off' to end that."
        ),
        "hours_off": "There are no quiet hours now: I tell you things whenever they happen.",
        "hours_back": "The usual quiet hours hold again, if there are any.",
        "hours_yours": "Quiet hours: {hours} ({zone}).",
        "hours_none": (
            "You have set no quiet hours ({zone}). Type 'quiet hours 22:00-08:00' to set some."
        ),
        "hours_unusable": (
            "I cannot use these hours. Write them as 'quiet hours 22:00-08:00' or 'quiet hours "
            "mon-fri 20:00-09:00, sat-sun 00:00-24:00', and leave some time for me."
        ),
    },
    "es": {
        "hours_set": (
            "No te enviaré nada a estas horas: {hours} ({zone}). Lo urgente sigue llegando, y lo "
            "que me hayas pedido. Escribe 'horas de silencio no' para dejarlo."
        ),
        "hours_set_group": (
            "No enviaré nada aquí a estas horas: {hours} ({zone}). Lo urgente sigue llegando. "
            "Escribe 'horas de silencio no' para dejarlo."
        ),
        "hours_off": "Ya no hay horas de silencio: te aviso de las cosas cuando pasan.",
        "hours_back": "Vuelven a valer las horas de silencio habituales, si las hay.",
        "hours_yours": "Horas de silencio: {hours} ({zone}).",
        "hours_none": (
            "No has puesto horas de silencio ({zone}). Escribe 'horas de silencio 22:00-08:00' "
            "para ponerlas."
        ),
        "hours_unusable": (
            "No puedo usar esas horas. Escríbelas como 'horas de silencio 22:00-08:00' o 'horas de "
            "silencio lun-vie 20:00-09:00, sab-dom 00:00-24:00', y deja algo de tiempo para mí."
        ),
    },
}

"""Days of the week, in English and Spanish; Monday is 0."""

from __future__ import annotations

from typing import Final

_NAMES: Final = (
    "monday mon lunes lun",
    "tuesday tue tues martes",
    "wednesday wed weds miercoles",
    "thursday thu thur thurs jueves jue",
    "friday fri viernes vie",
    "saturday sat sabado sab",
    "sunday sun domingo dom",
)
WEEKDAYS: Final = {name: n for n, names in enumerate(_NAMES) for name in names.split()}
#: As in "Mondays at 9".
ENGLISH_PLURALS: Final = {f"{names.split()[0]}s": n for n, names in enumerate(_NAMES)}
#: As in "on Mondays" and "los sábados"; other days are called the same in Spanish, one or many.
PLURALS: Final = {
    **ENGLISH_PLURALS,
    **{name: WEEKDAYS[name] for name in ("lunes", "martes", "miercoles", "jueves", "viernes")},
    "sabados": 5,
    "domingos": 6,
}

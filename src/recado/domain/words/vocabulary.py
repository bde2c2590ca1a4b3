"""Words that join a moment to what is said, and words that belong to moments."""

from __future__ import annotations

from typing import Final

from recado.domain.words.clock import PARTS
from recado.domain.words.weekdays import PLURALS, WEEKDAYS


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: What stands between a moment and what is to be said then.
CONNECTORS: Final = (
    ("to",),
    ("that",),
    ("about",),
    ("of",),
    ("para", "que"),
    ("para",),
    ("de", "que"),
    ("que",),
    ("de",),
)
#: What may stand in front of a number or a word of time.
SMALL_WORDS: Final = _words(
    "the el la las los on at in en a de del this next of and y around about por for durante"
)
TIME_WORDS: Final = _words(
    """
    seconds minute minutes hour hours day days week weeks month months year years
    segundos minuto minutos hora horas dia dias semana semanas mes meses ano anos
    weekday weekdays weekend weekends today tomorrow tonight yesterday hoy ayer pasado
    noon midday midnight medianoche am pm next every each cada todos todas daily
    ago hence later past half quarter media cuarto menos oclock proximo proxima
    mornings afternoons evenings nights mananas tardes noches
    """
).union(WEEKDAYS, PLURALS, PARTS)
#: What begins like a moment; if it is none that was understood, none is looked for elsewhere.
BEGINNINGS: Final = _words(
    """
    in on at en dentro every each cada todos todas next within after before by until till
    since from desde hasta antes despues sobre hacia around last los
    """
)
#: After these something must follow that a moment is not: "the report about Friday".
UNFINISHED: Final = _words(
    """
    about to of for the de del para que sobre with con los las el la until till by before
    after since hasta antes desde from than or and y o an a un una my mi is es en in on at
    past next last this that every each cada s re was be are son era ser
    """
)
#: After a moment these say more of it: "tomorrow at lunchtime", "in an hour or so", "at 18:00 UTC".
CONTINUATIONS: Final = BEGINNINGS | _words(
    """
    or o so and y early late first temprano sharp exactly latest soon tarde mas through thru
    except excepto salvo but pero starting beginning empezando again
    ( [ + / & utc gmt cet cest est edt cst cdt mst mdt pst pdt bst wet west eet eest jst
    """
)
#: The same, of two words: "mañana a primera hora".
CONTINUED: Final = (("a", "primera"), ("a", "ultima"), ("a", "media"), ("a", "eso"))
#: What is said to be polite.
MANNERS: Final = (("please",), ("pls",), ("por", "favor"), ("porfa",), ("thanks",), ("gracias",))

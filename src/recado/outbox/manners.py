"""Manners: how long something waits for a good moment, and who hears the answer to it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from recado.domain.content import Content
from recado.domain.notification import Mode, check_json, check_name
from recado.domain.politeness.busy import MAX_WAIT, QUIET, WAITING_MODES
from recado.domain.question import Question, mark_of
from recado.errors import InvalidInput

#: Nothing waits, and nobody is kept from hearing the same again, for longer.
LONGEST_PERIOD: Final = timedelta(days=366)


def is_period(given: object) -> bool:
    """Whether it is a length of time that can be used."""
    return isinstance(given, timedelta) and timedelta(0) < given <= LONGEST_PERIOD


def patience(
    mode: Mode, quiet: timedelta | None, max_wait: timedelta | None
) -> tuple[timedelta | None, timedelta | None]:
    """How long its conversation has to have been quiet, and how long that is waited for at most.

    Raises:
        InvalidInput: one cannot be used, or is for another mode.
    """
    if quiet is not None and mode != "when_idle":
        raise InvalidInput(f"quiet is for the mode 'when_idle', not {mode!r}: leave it out.")
    if max_wait is not None and mode not in WAITING_MODES:
        raise InvalidInput(
            f"The mode {mode!r} does not wait for a good moment: leave out max_wait, or choose "
            "when_idle, after_dialog or next_turn."
        )
    for given, option in ((quiet, "quiet"), (max_wait, "max_wait")):
        if given is not None and not is_period(given):
            raise InvalidInput(
                f"{option} is a timedelta of up to {LONGEST_PERIOD.days} days: choose another."
            )
    if mode == "when_idle" and quiet is None:
        quiet = QUIET
    if mode in ("when_idle", "after_dialog") and max_wait is None:
        max_wait = MAX_WAIT
    return quiet, max_wait


def question_of(
    said: Content | None, handler: str | None, value: Any, within: timedelta | None
) -> Question | None:
    """Who hears the answer to what is asked.

    Args:
        said: what is said; None if a handler decides.
        handler: the name of the handler that hears the answer.
        value: what it is given with the answer.
        within: for how long after its delivery it can be answered.

    Raises:
        InvalidInput: there is nobody to hear it, or what they are to be given cannot be used.
    """
    if handler is None:
        if value is not None or within is not None:
            raise InvalidInput(
                "answer_value and answer_within are for the answer to a question: say with "
                "answer_handler who hears it, or leave them out."
            )
        return None
    check_name(handler, "answer_handler")
    check_json(value, "answer_value")
    if within is not None and not is_period(within):
        raise InvalidInput(
            f"answer_within is a timedelta of up to {LONGEST_PERIOD.days} days: choose another."
        )
    mark = None if said is None else mark_of(said.json, handler, value)
    return Question(handler=handler, value=value, within=within, mark=mark)

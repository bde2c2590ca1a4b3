"""Records of consent, checked before they are kept."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from recado.domain.consent import ConsentRecord, Said, Subject
from recado.domain.ids import new_id
from recado.domain.notification import check_name
from recado.domain.text import usable
from recado.errors import InvalidInput

#: Characters of a wording that is kept.
LONGEST_WORDING: Final = 4_000
#: Categories are as long at most where a reason names them.
LONGEST_CATEGORY: Final = 200


def make_record(  # noqa: PLR0913 - a record's worth of facts
    bot: str,
    subject: Subject,
    said: Said,
    category: str | None,
    *,
    how: str,
    wording: str | None,
    by: str | None,
    now: datetime,
    at: datetime | None = None,
    until: datetime | None = None,
) -> ConsentRecord:
    """Check and complete a record.

    Raises:
        InvalidInput: a part of it cannot be used.
    """
    if category is not None:
        check_category(category)
    check_name(how, "how")
    if by is not None:
        check_name(by, "by")
    if wording is not None and (len(wording) > LONGEST_WORDING or not usable(wording)):
        raise InvalidInput(
            f"wording is text of up to {LONGEST_WORDING:,} characters: keep what was agreed to."
        )
    if at is not None and at.utcoffset() is None:
        raise InvalidInput("at has no time zone: use an aware datetime.")
    when = now if at is None else in_utc("at", at)
    if when > now:
        raise InvalidInput("at is in the future: nobody has said it yet.")
    return ConsentRecord(
        id=new_id(),
        bot=bot,
        subject=subject,
        said=said,
        category=category,
        at=when,
        until=until,
        recorded_at=now,
        how=how,
        wording=wording,
        by=by,
    )


def in_utc(name: str, given: datetime) -> datetime:
    """An instant with its zone, as times are kept.

    Raises:
        InvalidInput: no calendar has it.
    """
    try:
        return given.astimezone(UTC)
    except OverflowError:
        raise InvalidInput(
            f"{name} is further away than a calendar reaches: choose another time."
        ) from None


def check_category(category: object) -> None:
    """Refuse what is no category.

    Raises:
        InvalidInput: it is no text of 1 to 200 characters.
    """
    check_name(category, "category")
    if isinstance(category, str) and (len(category) > LONGEST_CATEGORY or not category.strip()):
        raise InvalidInput(f"A category has 1 to {LONGEST_CATEGORY} characters: choose another.")

"""Importing: references that other programs have kept, as files of theirs hold them.

Text becomes entries (:mod:`.reading`), an entry a ConversationReference (:mod:`.records`), and
that what is captured (:mod:`.references`). All of it is pure.
"""

from recado.domain.importing.reading import Entry, Unreadable, are_lines, entries
from recado.domain.importing.records import (
    PROACTIVE,
    Format,
    Record,
    Refused,
    is_field,
    record_of,
)
from recado.domain.importing.references import NEVER, read_reference, write_reference

__all__ = [
    "NEVER",
    "PROACTIVE",
    "Entry",
    "Format",
    "Record",
    "Refused",
    "Unreadable",
    "are_lines",
    "entries",
    "is_field",
    "read_reference",
    "record_of",
    "write_reference",
]

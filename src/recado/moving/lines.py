"""What stands in an export: one JSON object a line.

The first line tells what follows, each of the others is one record under the name of its kind,
and the last one holds how many there were of each, with checksums::

    {"recado_export":1,"id":"0199…","made_at":"2026-…Z","with_state":false,"kinds":{…}, …}
    {"reference":{"number":1,"id":"0199…", …}}
    {"end":{"kinds":{"reference":{"count":1,"sha256":"…"}, …},"sha256":"…"}}

A record is written the same by every database, so equal records have equal checksums.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from recado.errors import InvalidExport
from recado.store.port import RECORD_KINDS, STATE, RecordKind

#: The version of all this. A program reads what it knows.
FORMAT: Final = 1
_FORMAT: Final = "recado_export"
_END: Final = "end"

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What the first line tells.

    Attributes:
        id: of this export; two exports of one database have two.
        made_at: when it was begun.
        made_by: the version of the program.
        schema: the version of the database's schema.
        with_state: whether bots' own state is in it.
    """

    id: str
    made_at: datetime
    made_by: str
    schema: int
    with_state: bool

    @property
    def kinds(self) -> list[RecordKind]:
        """The kinds of records that follow."""
        return [kind for kind in RECORD_KINDS if self.with_state or kind.name != STATE]

    def line(self) -> bytes:
        """As it is written."""
        told = {
            _FORMAT: FORMAT,
            "id": self.id,
            "made_at": self.made_at.isoformat().replace("+00:00", "Z"),
            "made_by": self.made_by,
            "schema": self.schema,
            "with_state": self.with_state,
            "kinds": {kind.name: kind.columns for kind in self.kinds},
        }
        return f"{_encode(told)}\n".encode()


def read_header(line: bytes, name: str) -> Header:
    """What a first line tells.

    Args:
        line: as it was read.
        name: of the file, for people.

    Raises:
        InvalidExport: it is none, or of a version this program does not know.
    """
    told = _object(line)
    version = told.get(_FORMAT)
    if not isinstance(version, int) or isinstance(version, bool):
        raise InvalidExport(f"{name} is no export of Recado's: `recado export` makes one.")
    if version > FORMAT:
        raise InvalidExport(
            f"{name} has format {version} and this program knows {FORMAT}: install the newer "
            f"Recado that wrote it ({told.get('made_by')})."
        )
    try:
        header = Header(
            id=str(told["id"]),
            made_at=datetime.fromisoformat(told["made_at"]),
            made_by=str(told["made_by"]),
            schema=int(told["schema"]),
            with_state=told["with_state"] is True,
        )
        kinds = told["kinds"]
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidExport(f"The first line of {name} is damaged: export it again.") from error
    if kinds != {kind.name: list(kind.columns) for kind in header.kinds}:
        raise InvalidExport(
            f"{name} was written by Recado {header.made_by}, whose tables are others than this "
            "program's: import it with that version, and then run `recado migrate` with this one."
        )
    return header


class Digests:
    """Counts and checksums of the records that came by, of each kind and of all."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._sums: dict[str, Any] = {}

    def add(self, kind: str, lines: bytes, many: int) -> None:
        """Note records of one kind, as they are written."""
        self._counts[kind] = self._counts.get(kind, 0) + many
        if kind not in self._sums:
            self._sums[kind] = hashlib.sha256()
        self._sums[kind].update(lines)

    @property
    def counts(self) -> Mapping[str, int]:
        """How many there were of each kind."""
        return self._counts

    def told(self) -> dict[str, dict[str, Any]]:
        """As it stands in the last line."""
        return {
            kind: {"count": self._counts[kind], "sha256": each.hexdigest()}
            for kind, each in self._sums.items()
        }


def end_line(digests: Digests, whole: str) -> bytes:
    """The last line.

    Args:
        digests: of the records.
        whole: checksum of all that stands before it.
    """
    return f"{_encode({_END: {'kinds': digests.told(), 'sha256': whole}})}\n".encode()


def read_end(line: bytes) -> Mapping[str, Any] | None:
    """What a last line tells; None if it is none, or not whole."""
    if not line.startswith(f'{{"{_END}":'.encode()) or not line.endswith(b"\n"):
        return None
    told = _object(line).get(_END)
    good = isinstance(told, dict) and {"kinds", "sha256"} <= told.keys()
    return told if good else None


def record_lines(kind: RecordKind, rows: Sequence[Sequence[Any]]) -> bytes:
    """Records of one kind, as they are written."""
    columns, before = kind.columns, f'{{"{kind.name}":'
    written = [f"{before}{_encode(dict(zip(columns, row, strict=True)))}}}\n" for row in rows]
    return "".join(written).encode()


def _object(line: bytes) -> dict[str, Any]:
    """A line as a JSON object; an empty one if it is none."""
    try:
        told = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}

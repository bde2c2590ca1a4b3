"""Importing consent from lists: CSV with a header, or a JSON object a line."""

from __future__ import annotations

import asyncio
import csv
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Final

from recado.clock import Clock
from recado.consent.records import in_utc, make_record
from recado.domain.audience import Person, parse_audience
from recado.domain.consent import ConsentRecord, Said, Subject, somebody
from recado.domain.notification import check_name
from recado.errors import InvalidInput
from recado.store.port import Store, TakenIn

#: Records in one transaction, so that it does not hold the writer for long (promise 1).
_BATCH: Final = 200
#: Bad lines that are told of; all are counted.
_TOLD: Final = 1_000
#: Characters of a line; a wording has 4,000 at most.
_LONGEST: Final = 100_000
#: What is read instead of a line that is longer: nothing that can be taken in.
_USELESS: Final = b"\0"

_FIELDS: Final = ("who", "say", "category", "at", "how", "wording", "by")
_SAYS: Final[Mapping[str, Said]] = {"in": Said.IN, "out": Said.OUT}


@dataclass(frozen=True, slots=True, kw_only=True)
class BadLine:
    """A line that was not taken in."""

    #: Counted from 1, a header included.
    line: int
    reason: str


@dataclass(slots=True, kw_only=True)
class ConsentImported:
    """What an import has done."""

    new: int = 0
    #: Recorded before, or holding already.
    known: int = 0
    refused: int = 0
    #: The first thousand of those that were refused.
    refusals: list[BadLine] = field(default_factory=list)


class ConsentImport:
    """Takes in lists of people who have agreed, or refused.

    Args:
        store: keeps them.
        clock: the time.
        bot: whose consent it is.
    """

    def __init__(self, store: Store, clock: Clock, *, bot: str) -> None:
        self._store = store
        self._clock = clock
        self._bot = bot

    async def file(
        self,
        path: Path,
        *,
        by: str | None = None,
        progress: Callable[[int, int], None] = lambda _done, _total: None,
    ) -> ConsentImported:
        """Import a file, of which a small piece is in memory at a time.

        Each line says ``who`` (an e-mail address, a directory object id, a channel user id) and may
        say: ``say`` (``in`` or ``out``; ``in`` when left out), ``category``, ``at`` (when they said
        so, in ISO 8601 with its zone), ``how``, ``wording``, ``by``. Importing it again changes
        nothing. A line without ``at`` ends no refusal: it may be older.

        Args:
            path: of CSV with a header, or of JSON Lines.
            by: who imports it, where a line does not say who wrote it down.
            progress: told how many bytes are read, and of how many, after each batch.

        Raises:
            InvalidInput: there is no such file, or its first line is no header and no JSON.
            StoreError: the database cannot be used; what was imported before is kept.
        """
        try:
            file = path.open("rb")
        except OSError as error:
            why = error.strerror or str(error)
            raise InvalidInput(f"{path} cannot be imported: {why}.") from error
        with file:
            # What is piped in has none, and nobody can tell how far it is read.
            size = os.fstat(file.fileno()).st_size if file.seekable() else 0
            done = ConsentImported()
            lines = _Lines(file, self._bot, by, self._clock, done)
            while batch := await asyncio.to_thread(lines.batch):
                await self._take_in(batch, done)
                progress(min(file.tell(), size) if size else 0, size)
            progress(size, size)
            return done

    async def _take_in(self, batch: list[_Line], done: ConsentImported) -> None:
        records = [each.record for each in batch if each.record is not None]
        lines = {each.record.id: each.number for each in batch if each.record is not None}
        undated = {each.record.id for each in batch if each.record and not each.dated}
        taken = await self._store.take_in_consent(records, undated, self._clock.now())
        for record, what in zip(records, taken, strict=True):
            done.new += what is TakenIn.NEW
            done.known += what is TakenIn.KNOWN
            if what is TakenIn.REFUSED:
                refuse(
                    done,
                    lines[record.id],
                    "they have opted out, and the line does not say that they agreed since: add "
                    "`at` if they did",
                )


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    record: ConsentRecord | None
    dated: bool


def refuse(done: ConsentImported, line: int, reason: str) -> None:
    """Note that a line was not taken in."""
    done.refused += 1
    if len(done.refusals) < _TOLD:
        done.refusals.append(BadLine(line=line, reason=reason))


class _Lines:
    """Reads records from a file, and notes what is none."""

    def __init__(
        self, file: BinaryIO, bot: str, by: str | None, clock: Clock, done: ConsentImported
    ) -> None:
        self._bot = bot
        self._by = by
        self._clock = clock
        self._done = done
        self._rows = _rows(file)

    def batch(self) -> list[_Line]:
        """The next lines; none at the end."""
        return [self._line(number, row) for number, row in islice(self._rows, _BATCH)]

    def _line(self, number: int, row: Mapping[str, Any] | str) -> _Line:
        if isinstance(row, str):
            refuse(self._done, number, row)
            return _Line(number, None, dated=False)
        try:
            record, dated = self._read(row)
        except InvalidInput as error:
            refuse(self._done, number, str(error).rstrip("."))
            return _Line(number, None, dated=False)
        return _Line(number, record, dated)

    def _read(self, row: Mapping[str, Any]) -> tuple[ConsentRecord, bool]:
        told = {name: _text(name, row.get(name)) for name in _FIELDS}
        unknown = sorted(set(row) - set(_FIELDS))
        if unknown:
            raise InvalidInput(f"there is no field {unknown[0]!r}: choose {', '.join(_FIELDS)}")
        said = _SAYS.get((told["say"] or "in").casefold())
        if said is None:
            raise InvalidInput(f"say is `in` or `out`, not {told['say']!r}")
        now = self._clock.now()
        at = _instant(told["at"])
        record = make_record(
            self._bot,
            _whom(told["who"]),
            said,
            told["category"],
            how=told["how"] or "import",
            wording=told["wording"],
            by=told["by"] or self._by,
            at=at,
            now=now,
        )
        return record, at is not None


def _whom(who: str | None) -> Subject:
    if who is None:
        raise InvalidInput("it does not say who")
    name = who
    if who.startswith(("user:", "bot://user/")):
        person = parse_audience(who)
        name = person.id if isinstance(person, Person) else who
    check_name(name, "who")
    return somebody(name)


def _text(name: str, value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise InvalidInput(f"{name} is text")
    return value.strip() or None


def _instant(written: str | None) -> datetime | None:
    if written is None:
        return None
    try:
        at = datetime.fromisoformat(written)
    except ValueError:
        raise InvalidInput(f"at={written!r} is no time in ISO 8601") from None
    if at.utcoffset() is None:
        raise InvalidInput(f"at={written!r} has no zone: add Z or an offset such as +02:00")
    return in_utc("at", at)


def _rows(file: BinaryIO) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    """The lines of a file with their numbers; a text is what is wrong with one."""
    lines = _decoded(file)
    number, first = next(lines, (1, ""))
    if first.lstrip().startswith("{"):
        yield number, _json(first)
        for number, line in lines:
            if line.strip():
                yield number, _json(line)
        return
    header = _header(first)
    if "who" not in header:
        raise InvalidInput(
            "The file is neither JSON Lines nor CSV with a header: its first line names the "
            f"columns, {', '.join(_FIELDS)}, of which `who` has to be there."
        )
    yield from _csv(header, lines)


def _header(line: str) -> list[str]:
    """The names of the columns; none if that is no CSV."""
    try:
        return [name.strip().casefold() for name in next(csv.reader([line]), [])]
    except csv.Error:
        return []


def _csv(
    header: list[str], lines: Iterator[tuple[int, str]]
) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    last = [1]

    def texts() -> Iterator[str]:
        for last[0], line in lines:
            yield line

    reader = csv.reader(texts(), strict=True)
    while True:
        begun = last[0] + 1
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield begun, f"it is no CSV ({error})"
            continue
        if not values:
            continue
        if len(values) != len(header):
            yield begun, f"it has {len(values)} columns, and the header {len(header)}"
            continue
        yield begun, dict(zip(header, values, strict=True))


def _json(line: str) -> Mapping[str, Any] | str:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return "it is no JSON"
    return value if isinstance(value, dict) else "it is no JSON object"


def _decoded(file: BinaryIO) -> Iterator[tuple[int, str]]:
    """Lines of text; what cannot be read of one is replaced, so that its number is told."""
    number = 0
    while raw := file.readline(_LONGEST):
        number += 1
        is_whole = True
        while len(raw) == _LONGEST and not raw.endswith(b"\n"):
            # A piece of it could be somebody's name by chance, or begin a quotation.
            raw, is_whole = file.readline(_LONGEST), False
        if not is_whole:
            raw = _USELESS
        yield number, raw.decode("utf-8-sig" if number == 1 else "utf-8", errors="replace")

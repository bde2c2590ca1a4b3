"""Importing references that other programs have kept, from a file or from values."""

from __future__ import annotations

import asyncio
import codecs
import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Final

from recado.domain.importing import (
    Entry,
    Format,
    Refused,
    Unreadable,
    are_lines,
    entries,
    is_field,
    read_reference,
    record_of,
)
from recado.domain.reference import ConversationKey, Sighting
from recado.errors import ForbiddenServiceUrl, InvalidInput
from recado.store.port import Store

#: How many conversations are stored in one transaction; others who write wait for it.
_BATCH: Final = 50
#: Bytes of a file that are read in one go.
_PIECE: Final = 1 << 16
#: Entries that were refused of which an import tells; it counts all.
_TOLD: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An entry that was not imported."""

    #: Where it begins in the file, or its place among the values, counted from 1.
    line: int
    #: Under which it stands, if it stands under one.
    key: str | None
    reason: str


@dataclass(slots=True, kw_only=True)
class Imported:
    """What an import has done, or would do."""

    #: Conversations that were not known before.
    new: int = 0
    #: Those that were; what was not known of them is added, and nothing else changes.
    known: int = 0
    #: What a bot keeps besides references, which is passed over.
    passed_over: int = 0
    refused: int = 0
    #: The first thousand of those that were refused.
    refusals: list[Refusal]
    #: Why it ended before the end of the file, if it did.
    trouble: str | None = None

    @property
    def complete(self) -> bool:
        """Whether everything that was to be imported was."""
        return not self.refused and self.trouble is None


#: Told how many bytes are read, and of how many.
Progress = Callable[[int, int], None]


class Importer:
    """Imports references into a store.

    Args:
        store: where they go.
        check_service_url: raises ForbiddenServiceUrl.
        bot: whose they are.
    """

    def __init__(self, store: Store, check_service_url: Callable[[str], None], *, bot: str) -> None:
        self._store = store
        self._check = check_service_url
        self._bot = bot

    async def file(
        self,
        path: Path,
        *,
        form: Format = Format.AUTO,
        dry_run: bool = False,
        progress: Progress = lambda _done, _total: None,
    ) -> Imported:
        """Import a file, of which a small piece is in memory at a time.

        Importing it again changes nothing. When it cannot be read to its end, what stood before
        is imported.

        Args:
            path: of JSON, or JSON Lines.
            form: what it holds.
            dry_run: nothing is stored, but all is checked.
            progress: told after each batch.

        Raises:
            InvalidInput: there is no such file, or it cannot be opened.
            StoreError: the database cannot be used; what was imported before is kept.
        """
        with _opened(path) as (file, total):
            return await self._bring(
                _entries_in(file),
                form,
                dry_run=dry_run,
                after_batch=lambda: progress(file.tell(), total),
            )

    async def values(
        self, values: Iterable[Any], *, form: Format = Format.AUTO, dry_run: bool = False
    ) -> Imported:
        """Import references or records that a program has already.

        Args:
            values: JSON values, as they stand in a file.
            form: what they are.
            dry_run: nothing is stored, but all is checked.
        """
        counted = enumerate(values, 1)
        found = (Entry(line=place, key=None, value=value) for place, value in counted)
        return await self._bring(found, form, dry_run=dry_run)

    async def _bring(
        self,
        found: Iterator[Entry],
        form: Format,
        *,
        dry_run: bool,
        after_batch: Callable[[], None] = lambda: None,
    ) -> Imported:
        imported = Imported(refusals=[])
        read = _Reader(found, form, self._check, self._bot, imported)
        keep = _Rehearsal(self._store) if dry_run else self._store.capture
        ended = False
        while not ended:
            # In a thread: parsing takes its time, and a file may be far away.
            batch, ended = await asyncio.to_thread(read.batch)
            for captured in await keep(batch) if batch else ():
                imported.new += captured.new
                imported.known += not captured.new
            after_batch()
        return imported


class _Reader:
    """Makes sightings of entries, and notes what cannot be used."""

    def __init__(
        self,
        found: Iterator[Entry],
        form: Format,
        check: Callable[[str], None],
        bot: str,
        imported: Imported,
    ) -> None:
        self._found = found
        self._form = form
        self._check = check
        self._bot = bot
        self._imported = imported

    def batch(self) -> tuple[list[Sighting], bool]:
        """The next sightings, and whether they are the last."""
        batch: list[Sighting] = []
        read = 0
        try:
            for entry in islice(self._found, _BATCH):
                read += 1
                seen = self._sighting(entry)
                if seen is not None:
                    batch.append(seen)
        except Unreadable as error:
            why = "The file is cut short" if error.cut_short else "The file cannot be read further"
            self._imported.trouble = f"{why}: {error}."
            return batch, True
        except UnicodeDecodeError as error:
            cut = error.reason == "unexpected end of data"
            why = "The file is cut short" if cut else "The file cannot be read further"
            self._imported.trouble = f"{why}: what follows is no text ({error.reason})."
            return batch, True
        except OSError as error:
            self._imported.trouble = f"The file cannot be read further: {error.strerror or error}."
            return batch, True
        return batch, read < _BATCH

    def _sighting(self, entry: Entry) -> Sighting | None:
        if entry.problem is not None:
            self._refused(entry, entry.problem)
            return None
        try:
            record = record_of(entry.value, entry.key, self._form)
            if record is not None:
                return read_reference(record, bot=self._bot, check_service_url=self._check)
        except (Refused, ForbiddenServiceUrl) as error:
            self._refused(entry, str(error).rstrip("."))
        else:
            self._imported.passed_over += 1
        return None

    def _refused(self, entry: Entry, reason: str) -> None:
        self._imported.refused += 1
        if len(self._imported.refusals) < _TOLD:
            told = Refusal(line=entry.line, key=entry.key, reason=reason)
            self._imported.refusals.append(told)


@dataclass(frozen=True, slots=True)
class _Would:
    new: bool


class _Rehearsal:
    """Says what capture would answer."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._seen: set[ConversationKey] = set()

    async def __call__(self, batch: Iterable[Sighting]) -> list[_Would]:
        return [_Would(await self._is_new(each.key)) for each in batch]

    async def _is_new(self, key: ConversationKey) -> bool:
        if key in self._seen:
            return False
        self._seen.add(key)
        return await self._store.reference_by_key(key) is None


@contextmanager
def _opened(path: Path) -> Iterator[tuple[BinaryIO, int]]:
    try:
        file = path.open("rb")
    except OSError as error:
        why = error.strerror or str(error)
        raise InvalidInput(f"{path} cannot be imported: {why}.") from error
    with file:
        yield file, os.fstat(file.fileno()).st_size


def _entries_in(file: BinaryIO) -> Iterator[Entry]:
    """The entries of a file, in whichever encoding of Unicode it is written."""
    # What goes wrong from here on is told to whoever asks for an entry.
    head = file.read(_PIECE)
    decoder = codecs.getincrementaldecoder(json.detect_encoding(head))()
    first = decoder.decode(head)

    def pieces() -> Iterator[str]:
        yield first
        while piece := file.read(_PIECE):
            yield decoder.decode(piece)
        yield decoder.decode(b"", final=True)

    yield from entries(pieces(), lines=are_lines(first), is_field=is_field)

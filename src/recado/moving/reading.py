"""Reading an export: what it is, whether it is whole, and its records a portion at a time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO, Final, NamedTuple

from recado.errors import InvalidExport
from recado.moving.lines import Digests, Header, read_end, read_header
from recado.store.port import RECORD_KINDS, RecordKind

_KINDS: Final[Mapping[str, RecordKind]] = {kind.name: kind for kind in RECORD_KINDS}
#: No line is longer: an activity is a few hundred kilobytes at most.
_LONGEST: Final = 64 * 1024 * 1024
#: The first line, and the last, are not longer.
_TOLD: Final = 64 * 1024
_BLOCK: Final = 1024 * 1024
#: A portion is as large as that, in records and in bytes.
_RECORDS: Final = 5_000
_BYTES: Final = 4 * 1024 * 1024


class Portion(NamedTuple):
    """Records of one kind that follow each other."""

    kind: RecordKind
    records: list[str]
    #: How many came before them.
    before: int


class ExportFile:
    """An export that is read from its beginning to its end.

    Attributes:
        name: of the file, for people.
        header: what it tells about itself.
        digests: of the records that were read.
        place: how many bytes were read.
        size: how many there are; None if nobody can tell.
    """

    def __init__(self, file: BinaryIO, name: str, *, size: int | None = None) -> None:
        """Read the first line.

        Args:
            file: at its beginning.
            name: of the file, for people.
            size: how many bytes it has, if it can be read more than once.

        Raises:
            InvalidExport: it is no export, or none for this program.
        """
        self._file, self.name, self.size = file, name, size
        first = file.readline(_TOLD)
        self.header: Header = read_header(first, name)
        self.digests = Digests()
        self.place = len(first)
        self._whole = hashlib.sha256(first)
        self._end: Mapping[str, Any] | None = None

    def check_whole(self, advance: Callable[[int, int | None], None]) -> None:
        """Find out whether all of it is there as it was written, before anything is done with it.

        Only of a file that can be read more than once.

        Raises:
            InvalidExport: it was cut short, or is damaged.
        """
        if self.size is None:
            return
        self._file.seek(max(self.place, self.size - _TOLD))
        tail = self._file.read(_TOLD)
        last = tail[tail.rstrip(b"\n").rfind(b"\n") + 1 :]
        end = read_end(last)
        if end is None:
            raise self.cut_short()
        whole, left = self._whole.copy(), self.size - len(last) - self.place
        self._file.seek(self.place)
        while left > 0 and (block := self._file.read(min(_BLOCK, left))):
            whole.update(block)
            left -= len(block)
            advance(self.size - left, self.size)
        if whole.hexdigest() != end["sha256"]:
            raise self.damaged()
        self._file.seek(self.place)

    def portions(self) -> Iterator[Portion]:
        """The records, a portion at a time.

        Raises:
            InvalidExport: it was cut short, or is damaged; told when that is come to.
        """
        before = 0
        lines: list[bytes] = []
        kind: RecordKind | None = None
        weight = 0
        while True:
            line = self._file.readline(_LONGEST)
            found = self._kind(line)
            if lines and (found is not kind or len(lines) == _RECORDS or weight >= _BYTES):
                assert kind is not None  # noqa: S101 - there are lines of it
                yield self._portion(kind, lines, before)
                before += len(lines)
                lines, weight = [], 0
            if found is None:
                break
            kind = found
            lines.append(line)
            weight += len(line)
        end = self._end
        if end is None:
            raise self.cut_short()
        if end["sha256"] != self._whole.hexdigest() or end["kinds"] != self.digests.told():
            raise self.damaged()

    def _kind(self, line: bytes) -> RecordKind | None:
        """Of which kind a record is; None for what is no record."""
        name, separator, _ = line[2:_TOLD].partition(b'":')
        kind = _KINDS.get(name.decode(errors="replace")) if separator else None
        if kind is not None and line.startswith(b'{"') and line.endswith(b"}\n"):
            return kind
        self._end = read_end(line)
        if self._end is None and line.endswith(b"\n"):
            raise self.damaged()
        return None

    def _portion(self, kind: RecordKind, lines: list[bytes], before: int) -> Portion:
        joined = b"".join(lines)
        self.place += len(joined)
        self._whole.update(joined)
        self.digests.add(kind.name, joined, len(lines))
        # Each is an object under the name of its kind: {"kind":{…}}
        begin = len(kind.name) + 4
        try:
            records = [line[begin:-2].decode() for line in lines]
        except UnicodeDecodeError as error:
            raise self.damaged() from error
        return Portion(kind, records, before)

    @property
    def end(self) -> Mapping[str, Any]:
        """What the last line tells, which has been come to."""
        assert self._end is not None  # noqa: S101 - see above
        return self._end

    @property
    def checksum(self) -> str:
        """Of all that stands before the last line, which has been come to."""
        return self._whole.hexdigest()

    def cut_short(self) -> InvalidExport:
        """It ends before its last line."""
        return InvalidExport(
            f"{self.name} was cut short, its last line is missing: copy it again, or export again."
        )

    def damaged(self) -> InvalidExport:
        """It is not as it was written."""
        return InvalidExport(
            f"{self.name} is damaged, its checksums are others than when it was written: copy it "
            "again, or export again."
        )


def is_record(text: str) -> bool:
    """Whether a record is readable."""
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False

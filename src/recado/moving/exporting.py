"""Export: every record of one moment, into a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from recado.domain.ids import new_id
from recado.moving.lines import Digests, Header, end_line, record_lines
from recado.moving.target import Target
from recado.store.port import MovingStore, RecordKind, Store

#: Takes how much is done and how much there is.
Advance = Callable[[int, int | None], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What was exported, or imported.

    Attributes:
        id: of the export.
        records: how many of each kind.
        checksum: SHA-256 of everything before the last line.
    """

    id: str
    records: Mapping[str, int]
    checksum: str


async def export_records(
    store: Store,
    target: Target,
    *,
    made_by: str,
    with_state: bool = False,
    advance: Advance = lambda _done, _total: None,
) -> Moved:
    """Write everything that is moved from one database to another, all of one moment.

    Others may go on working with the database meanwhile; memory is needed for one portion.

    Args:
        store: open.
        target: where it is written.
        made_by: the version of this program.
        with_state: whether bots' own state is moved as well.
        advance: told how many records are written, and how many there are.

    Raises:
        StoreError: the database cannot be read.
        InvalidInput: the file cannot be written.
    """
    header = Header(
        id=new_id(),
        made_at=store.clock.now(),
        made_by=made_by,
        schema=await store.schema_version(),
        with_state=with_state,
    )
    digests = Digests()
    total = 0

    def begin(counts: Mapping[str, int]) -> None:
        nonlocal digests, total
        digests, total = Digests(), sum(counts.values())
        target.begin()
        target.write(header.line())

    def write(kind: RecordKind, lines: bytes, many: int) -> None:
        target.write(lines)
        digests.add(kind.name, lines, many)
        advance(sum(digests.counts.values()), total)

    try:
        await _read(store, begin, write, with_state=with_state)
        checksum = target.checksum()
        target.write(end_line(digests, checksum))
        target.finish()
    finally:
        target.give_up()
    return Moved(id=header.id, records=digests.counts, checksum=checksum)


async def digests_of(
    store: MovingStore, *, with_state: bool, advance: Advance = lambda _done, _total: None
) -> Digests:
    """What an export of a database would say about its records."""
    digests = Digests()
    total = 0

    def begin(counts: Mapping[str, int]) -> None:
        nonlocal digests, total
        digests, total = Digests(), sum(counts.values())

    def add(kind: RecordKind, lines: bytes, many: int) -> None:
        digests.add(kind.name, lines, many)
        advance(sum(digests.counts.values()), total)

    await _read(store, begin, add, with_state=with_state)
    return digests


async def _read(
    store: MovingStore,
    begin: Callable[[Mapping[str, int]], None],
    add: Callable[[RecordKind, bytes, int], None],
    *,
    with_state: bool,
) -> None:
    def take(kind: RecordKind, rows: Sequence[Sequence[Any]]) -> None:
        add(kind, record_lines(kind, rows), len(rows))

    await store.read_records(begin, take, with_state=with_state)

"""Import: an export into an empty database, in portions that are each written whole.

What is in the database after one portion is known there, so an import that was interrupted goes
on behind it. Until it has ended the database can be opened for nothing else.
"""

from __future__ import annotations

from typing import Final

from recado.errors import InvalidExport, StoreError
from recado.moving.exporting import Advance, Moved, digests_of
from recado.moving.reading import ExportFile, Portion, is_record
from recado.store.port import Store, Unfinished

#: Deliveries that are taken over in one transaction.
_STEP: Final = 500


async def take_in(
    store: Store, export: ExportFile, *, advance: Advance = lambda _done, _total: None
) -> Unfinished:
    """Write all records of an export that are not in the database yet.

    Args:
        store: opened for an import.
        export: whole, if that could be found out.
        advance: told how many bytes were read, and how many there are.

    Returns:
        How far an import before this one had come.

    Raises:
        InvalidExport: it turns out to be damaged, or cut short.
        DatabaseNotEmpty: there is something else in the database.
        StoreError: it cannot be written.
    """
    begun = await store.begin_import(export.header.id, store.clock.now())
    try:
        for portion in export.portions():
            advance(export.place, export.size)
            new = portion.records[max(0, begun.done - portion.before) :]
            if new:
                before = portion.before + len(portion.records) - len(new)
                await _take_in(store, export, portion._replace(records=new, before=before))
    except InvalidExport as error:
        raise InvalidExport(
            f"{error} Until an import has gone on with the whole file, this database is of no use."
        ) from error
    return begun


async def _take_in(store: Store, export: ExportFile, portion: Portion) -> None:
    now = store.clock.now()
    try:
        await store.take_in(
            export.header.id, portion.kind, portion.records, before=portion.before, now=now
        )
    except StoreError:
        # Of a record that is none a database says only that it does not like something.
        if all(map(is_record, portion.records)):
            raise
        raise export.damaged() from None


async def end_import(
    store: Store,
    export: ExportFile,
    begun: Unfinished,
    *,
    advance: Advance = lambda _done, _total: None,
) -> Moved:
    """Compare what is in the database with what an export says, and let the work begin.

    Args:
        store: into which all of it was written.
        export: which was read to its end.
        begun: what :func:`take_in` returned.
        advance: told how many records were compared, and how many there are.

    Raises:
        StoreError: the database has something else in it.
    """
    header = export.header
    if not begun.verified:
        there = await digests_of(store, with_state=header.with_state, advance=advance)
        if there.told() != export.end["kinds"]:
            raise _others(export, there.told())
        await store.verify_import(header.id)
    while not await store.end_import(header.id, store.clock.now(), _STEP):
        pass
    return Moved(id=header.id, records=export.digests.counts, checksum=export.checksum)


def _others(export: ExportFile, there: dict[str, dict[str, object]]) -> StoreError:
    told = export.end["kinds"]
    kinds = sorted(kind for kind in {*told, *there} if there.get(kind) != told.get(kind))
    return StoreError(
        f"The database has other records than {export.name} ({', '.join(kinds)}): somebody else "
        "has written to it, so import into an empty one once more."
    )

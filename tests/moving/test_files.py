"""What is no export, or not all of one, is refused before anything happens."""

from __future__ import annotations

import io
import json
import os
import stat
from pathlib import Path

import pytest

from recado.errors import DatabaseNotEmpty, InvalidExport, InvalidInput, StoreUnavailable
from recado.moving import ExportFile, FileTarget, StreamTarget, end_import, export_records, take_in
from recado.moving.lines import FORMAT
from recado.testing import HandClock
from tests.moving.kit import Place, exported, fill, imported, sqlite_place


@pytest.fixture
async def file(tmp_path: Path, clock: HandClock) -> bytes:
    """An export of something of everything."""
    async with sqlite_place(tmp_path / "source.db").desk(clock) as desk:
        await fill(desk)
        return await exported(desk.store)


def read(data: bytes, name: str = "x.jsonl") -> ExportFile:
    """A file with that in it, checked."""
    export = ExportFile(io.BytesIO(data), name, size=len(data))
    export.check_whole(lambda _done, _total: None)
    return export


def changed_first(data: bytes, **changes: object) -> bytes:
    """The same with another first line."""
    first, rest = data.split(b"\n", 1)
    return json.dumps(json.loads(first) | changes).encode() + b"\n" + rest


async def test_a_file_cut_anywhere_is_refused(file: bytes) -> None:
    """By whatever length, also in the middle of a line, or of a letter."""
    read(file)
    first = file.index(b"\n") + 1
    for length in (*range(first, len(file), 997), len(file) - 1):
        with pytest.raises(InvalidExport, match=r"x\.jsonl was cut short"):
            read(file[:length])
    for length in range(0, first, 97):
        with pytest.raises(InvalidExport, match=r"no export|damaged"):
            read(file[:length])


async def test_a_pipe_cut_anywhere_is_refused(file: bytes, target: Place, clock: HandClock) -> None:
    """When it ends, because nobody can look ahead; the whole file then goes on behind it."""
    lines = file.splitlines(keepends=True)
    for many in (1, 5, len(lines) // 2, len(lines) - 1):
        async with target.desk(clock, importing=True) as desk:
            cut = ExportFile(io.BytesIO(b"".join(lines[:many])), "The pipe")
            with pytest.raises(InvalidExport, match=r"was cut short.*whole file"):
                await take_in(desk.store, cut)
    async with target.desk(clock, importing=True) as desk:
        await imported(desk.store, file)
    async with target.desk(clock) as desk:
        assert (await exported(desk.store)).split(b"\n")[1:-2] == file.split(b"\n")[1:-2]


async def test_a_damaged_file_is_refused(file: bytes) -> None:
    """One letter is enough, or one line too few, twice or in another place."""
    lines = file.splitlines(keepends=True)
    ways = (
        [*lines[:7], lines[7].replace(b"a", b"b", 1), *lines[8:]],
        [*lines[:7], *lines[8:]],
        [*lines[:7], lines[6], *lines[7:]],
        [*lines[:7], lines[8], lines[7], *lines[9:]],
    )
    for way in ways:
        with pytest.raises(InvalidExport, match="is damaged"):
            read(b"".join(way))


@pytest.mark.parametrize(
    "line", [b"nonsense\n", b"{}\n", b'{"reference":{"number":}}\n', b'{"secret":{}}\n', b"\xff\n"]
)
async def test_a_damaged_pipe_is_refused(
    file: bytes, target: Place, clock: HandClock, line: bytes
) -> None:
    """At the line that is damaged, and nothing of it is used."""
    lines = file.splitlines(keepends=True)
    async with target.desk(clock, importing=True) as desk:
        damaged = ExportFile(io.BytesIO(b"".join([*lines[:2], line, *lines[2:]])), "The pipe")
        with pytest.raises(InvalidExport, match="The pipe is damaged"):
            await take_in(desk.store, damaged)


async def test_a_pipe_with_other_words_is_refused(
    file: bytes, target: Place, clock: HandClock
) -> None:
    """What reads well and was not written like that is told at the end."""
    async with target.desk(clock, importing=True) as desk:
        other = file.replace(b"quotes", b"quoted")
        with pytest.raises(InvalidExport, match="The pipe is damaged"):
            await take_in(desk.store, ExportFile(io.BytesIO(other), "The pipe"))


@pytest.mark.parametrize(
    "foreign",
    [b"", b"\n", b"hello\n", b"{}\n", b"[1]\n", b'{"type":"message"}\n', b"\x00" * 100_000],
)
async def test_a_foreign_file_is_refused(foreign: bytes) -> None:
    """By its first line."""
    with pytest.raises(InvalidExport, match="no export of Recado's"):
        read(foreign)


async def test_another_version_is_refused(file: bytes) -> None:
    """With what to do about it: a later format, other tables, or a first line without sense."""
    with pytest.raises(InvalidExport, match=rf"format {FORMAT + 1} .* install the newer Recado"):
        read(changed_first(file, recado_export=FORMAT + 1))
    kinds = json.loads(file.split(b"\n", 1)[0])["kinds"]
    kinds["reference"].append("mood")
    with pytest.raises(InvalidExport, match="import it with that version"):
        read(changed_first(file, kinds=kinds, made_by="9.9"))
    with pytest.raises(InvalidExport, match=r"first line .* is damaged"):
        read(changed_first(file, made_at="yesterday"))
    with pytest.raises(InvalidExport, match="is damaged"):
        read(changed_first(file, made_by="9.9"))


async def test_a_database_that_is_not_empty_is_refused(
    file: bytes, target: Place, clock: HandClock
) -> None:
    """And stays as it is."""
    async with target.desk(clock) as desk:
        await desk.meet()
    before = target.contents()
    async with target.desk(clock, importing=True) as desk:
        with pytest.raises(DatabaseNotEmpty, match="something in this database already"):
            await imported(desk.store, file)
    assert target.contents() == before
    async with target.desk(clock) as desk:
        assert await desk.store.schema_version()


async def test_the_same_again_is_refused(file: bytes, target: Place, clock: HandClock) -> None:
    """When it has ended, the database is not empty any more."""
    async with target.desk(clock, importing=True) as desk:
        await imported(desk.store, file)
    async with target.desk(clock, importing=True) as desk:
        with pytest.raises(DatabaseNotEmpty):
            await imported(desk.store, file)


async def test_while_a_process_delivers_nothing_is_imported(
    file: bytes, target: Place, clock: HandClock
) -> None:
    """It would deliver what is there before the rest has come."""
    async with target.desk(clock) as other:
        assert await other.store.try_serve("other")
        async with target.desk(clock, importing=True) as desk:
            with pytest.raises(StoreUnavailable, match="delivers from this database"):
                await imported(desk.store, file)


def left_in(directory: Path) -> list[Path]:
    """What there is of an export, whole or not."""
    return list(directory.glob("x.jsonl*"))


async def test_a_file_is_there_as_a_whole_or_not_at_all(
    tmp_path: Path, source: Place, clock: HandClock
) -> None:
    """Its owner alone can read it, and one that is there is not replaced unasked."""
    os.umask(0o000)
    path = tmp_path / "x.jsonl"
    part = tmp_path / "x.jsonl.part"
    part.write_text("what an earlier one has left, which was longer and open to everybody")
    part.chmod(0o666)
    async with source.desk(clock) as desk:

        def stop(_done: int, _total: int | None) -> None:
            assert part.exists()
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            await export_records(desk.store, FileTarget(path), made_by="test", advance=stop)
        assert left_in(tmp_path) == []
        await export_records(desk.store, FileTarget(path), made_by="test")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        with pytest.raises(InvalidInput, match="is there already"):
            FileTarget(path)
        with pytest.raises(InvalidInput, match="is a directory"):
            FileTarget(tmp_path, replace=True)
        before = path.read_bytes()
        await export_records(desk.store, FileTarget(path, replace=True), made_by="test")
        assert path.read_bytes() != before
        with pytest.raises(InvalidInput, match="cannot be written"):
            await export_records(
                desk.store, FileTarget(tmp_path / "no" / "x.jsonl"), made_by="test"
            )


async def test_when_reading_begins_anew_so_does_the_file(tmp_path: Path) -> None:
    """A pipe cannot take back what it has taken, and says so."""
    target = FileTarget(tmp_path / "x")
    for text in (b"first, and longer", b"second"):
        target.begin()
        target.write(text)
    checksum = target.checksum()
    target.finish()
    assert (tmp_path / "x").read_bytes() == b"second"
    other = FileTarget(tmp_path / "y")
    other.begin()
    other.write(b"second")
    assert other.checksum() == checksum
    other.give_up()
    pipe = StreamTarget(io.BytesIO())
    pipe.begin()
    with pytest.raises(StoreUnavailable, match="export once more"):
        pipe.begin()


async def test_what_was_written_by_others_is_found(
    file: bytes, target: Place, clock: HandClock
) -> None:
    """What is there in the end is compared with the file, not what was sent there."""
    async with target.desk(clock, importing=True) as desk:
        export = read(file)
        begun = await take_in(desk.store, export)
        await desk.store.learn_unable("telegram", "recall", clock.now())  # type: ignore[arg-type]
        with pytest.raises(Exception, match=r"other records than x.jsonl \(unable\)"):
            await end_import(desk.store, export, begun)

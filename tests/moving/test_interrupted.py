"""An import that was interrupted: nobody uses half of it, and it goes on where it was."""

from __future__ import annotations

import io
import itertools
from pathlib import Path
from typing import Any

import pytest

from recado.errors import Conflict, DatabaseNotEmpty, StoreUnfinished
from recado.moving import ExportFile, end_import, take_in
from recado.store.port import RECORD_KINDS, Store
from recado.testing import HandClock
from tests.moving.kit import Place, exported, fill, imported, sqlite_place


class PowerCutError(Exception):
    """As a power cut."""


class Failing:
    """A store whose verb fails the n-th time it is asked, before or after it is done."""

    def __init__(self, store: Store, verb: str, at: int, *, after: bool) -> None:
        self._store, self._verb, self._after = store, verb, after
        self._left = itertools.count(at, -1)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if name != self._verb:
            return found

        async def failing(*given: Any, **named: Any) -> Any:
            now = next(self._left) == 0
            if now and not self._after:
                raise PowerCutError
            result = await found(*given, **named)
            if now:
                raise PowerCutError
            return result

        return failing


async def source_file(source: Place, clock: HandClock) -> bytes:
    """Something of everything; two of it are being sent."""
    async with source.desk(clock) as desk:
        known = [await desk.meet(f"a:sending-{number}") for number in range(2)]
        for each in known:
            await desk.say("being sent", each)
        assert len(await desk.claim()) == 2
        await fill(desk)
        return await exported(desk.store)


@pytest.mark.parametrize("verb", ["take_in", "verify_import", "end_import"])
async def test_it_goes_on_where_it_was(
    target: Place, clock: HandClock, verb: str, tmp_path: Path
) -> None:
    """Wherever it was interrupted, also more than once; until then nobody else gets in."""
    file = await source_file(sqlite_place(tmp_path / "source.db"), clock)
    interrupted = 0
    for at in itertools.count():
        async with target.desk(clock, importing=True) as desk:
            store: Any = Failing(desk.store, verb, at % 5, after=at % 2 == 1)
            export = ExportFile(io.BytesIO(file), "x")
            try:
                await end_import(store, export, await take_in(store, export))
            except PowerCutError:
                interrupted += 1
            except DatabaseNotEmpty:
                assert verb == "end_import"
                break  # it was interrupted after its very end
            else:
                break
            assert not await desk.claim()
        try:
            async with target.desk(clock):
                assert verb == "end_import"
                break
        except StoreUnfinished:
            continue
    assert interrupted
    await _check(target, clock, file)


async def _check(target: Place, clock: HandClock, file: bytes) -> None:
    async with target.desk(clock) as desk:
        there = (await exported(desk.store)).split(b"\n")
    kinds = ("reference", "notification", "history", "attempt", "send", "copy", "member")
    for kind in kinds:
        prefix = f'{{"{kind}"'.encode()
        before = [line for line in file.split(b"\n") if line.startswith(prefix)]
        after = [line for line in there if line.startswith(prefix)]
        lost = [line for line in after if b'"reason":"lost"' in line]
        assert len(lost) == (2 if kind == "attempt" else 0)
        assert [line for line in after if line not in lost] == before


async def test_another_file_does_not_go_on(source: Place, target: Place, clock: HandClock) -> None:
    """Not even of the same database: it may have another number of records."""
    async with source.desk(clock) as desk:
        await fill(desk)
        first, second = await exported(desk.store), await exported(desk.store)
    async with target.desk(clock, importing=True) as desk:
        store: Any = Failing(desk.store, "take_in", 3, after=True)
        with pytest.raises(PowerCutError):
            await take_in(store, ExportFile(io.BytesIO(first), "x"))
        with pytest.raises(DatabaseNotEmpty, match="the file it began with"):
            await imported(desk.store, second)
        await imported(desk.store, first)


async def test_two_imports_do_not_mix(target: Place, clock: HandClock) -> None:
    """The second one that writes the same place is told."""
    async with target.desk(clock, importing=True) as desk:
        await desk.store.begin_import("x", clock.now())
        route = RECORD_KINDS[0]
        record = (
            '{"number":1,"bot":"b","channel":"c","tenant":"","service_url":"https://x.example/"}'
        )
        await desk.store.take_in("x", route, [record], before=0, now=clock.now())
        with pytest.raises(Conflict, match="Another process imports"):
            await desk.store.take_in("x", route, [record], before=0, now=clock.now())
        assert target.ask("SELECT count(*) FROM recado_route") == [(1,)]


async def test_who_was_there_before_claims_nothing(
    source: Place, target: Place, clock: HandClock
) -> None:
    """A process that opened the database before the import began is kept from it as well."""
    async with source.desk(clock) as desk:
        await desk.say("x", await desk.meet())
        file = await exported(desk.store)
    async with target.desk(clock) as early, target.desk(clock, importing=True) as desk:
        export = ExportFile(io.BytesIO(file), "x")
        begun = await take_in(desk.store, export)
        assert not await early.claim()
        await end_import(desk.store, export, begun)
        assert await early.drain() == ["x"]

"""The benchmark of consent in very small: it checks what it says it does."""

from __future__ import annotations

from pathlib import Path

from benchmarks.consent import measure, sqlite_file


async def test_each_situation_is_what_it_is_called(tmp_path: Path) -> None:
    """Nobody is stopped by an agreement, and everybody by their own refusal."""
    found = await measure(*sqlite_file(tmp_path / "recado.db"), 300)
    assert found[0].situation == "nobody has said anything"
    assert [each.stopped > 50 for each in found] == [False, False, False, True]
    assert all(each.wall > 0 for each in found)

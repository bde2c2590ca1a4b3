"""Lists of people who have agreed: taken in once, and bad lines told by their numbers."""

from __future__ import annotations

import json
import os
from pathlib import Path
from threading import Thread

import pytest

from recado.consent import BadLine, ConsentImported, Consents
from recado.domain.consent import Said
from recado.errors import InvalidInput
from recado.references import References
from recado.telemetry import Telemetry
from recado.testing import HandClock
from tests.moving.kit import Place
from tests.store.kit import Desk

MAIL = "ana@example.com"


def consents_of(desk: Desk) -> Consents:
    """The use cases over the desk's store."""
    references = References(desk.store, Telemetry(), clock=desk.clock)
    return Consents(desk.store, references, desk.clock, bot="local")


async def imported(desk: Desk, path: Path, text: str, name: str = "x.csv") -> ConsentImported:
    """Import a file with this text."""
    file = path / name
    file.write_text(text, "utf-8")
    return await consents_of(desk).import_file(file, by="clerk")


async def test_csv(place: Place, clock: HandClock, tmp_path: Path) -> None:
    """With what it says of how and when; what it does not say is filled in."""
    text = (
        "\ufeffWho,say,category,at,how,wording\n"
        'ANA@example.com,in,,2026-01-01T10:00:00+01:00,form,"Yes,\nplease"\n'
        "\n"
        "29:ben,out,prices,,,\n"
    )
    async with place.desk(clock) as desk:
        done = await imported(desk, tmp_path, text)
        assert (done.new, done.known, done.refusals) == (2, 0, [])
        (ana,) = (await consents_of(desk).history(f"user:{MAIL}")).items
        assert (ana.how, ana.wording, ana.by) == ("form", "Yes,\nplease", "clerk")
        assert ana.at.isoformat() == "2026-01-01T09:00:00+00:00"
        (ben,) = (await consents_of(desk).history("user:29:ben")).items
        assert (ben.said, ben.category, ben.how) == (Said.OUT, "prices", "import")
        assert ben.at == desk.now


async def test_json_lines(place: Place, clock: HandClock, tmp_path: Path) -> None:
    """An object a line."""
    lines = [{"who": f"user:{MAIL}"}, {"who": "x", "say": "out", "at": "2026-01-01T10:00Z"}]
    text = "\n".join(map(json.dumps, lines))
    async with place.desk(clock) as desk:
        assert (await imported(desk, tmp_path, text)).new == 2
        assert (await consents_of(desk).status(f"user:{MAIL}")).said is Said.IN


async def test_again_changes_nothing(place: Place, clock: HandClock, tmp_path: Path) -> None:
    """With times and without, however much later."""
    text = f"who,at\n{MAIL},\n29:ben,2026-01-01T10:00Z\n"
    async with place.desk(clock) as desk:
        assert (await imported(desk, tmp_path, text)).new == 2
        desk.later(3600)
        again = await imported(desk, tmp_path, text)
        assert (again.new, again.known) == (0, 2)
        assert len((await consents_of(desk).history(f"user:{MAIL}")).items) == 1


async def test_an_old_list_ends_no_refusal(place: Place, clock: HandClock, tmp_path: Path) -> None:
    """Who has said stop stays stopped, unless the list says that they agreed since."""
    async with place.desk(clock) as desk:
        await consents_of(desk).opt_out(f"user:{MAIL}")
        desk.later(3600)
        done = await imported(desk, tmp_path, f"who\n{MAIL}\n")
        assert (done.new, done.refused) == (0, 1)
        assert "opted out" in done.refusals[0].reason
        assert (await consents_of(desk).status(f"user:{MAIL}")).said is Said.OUT
        dated = f"who,at\n{MAIL},{desk.now.isoformat()}\n"
        assert (await imported(desk, tmp_path, dated)).new == 1
        assert (await consents_of(desk).status(f"user:{MAIL}")).said is Said.IN


async def test_who_was_erased_after_a_refusal_is_not_brought_back(
    place: Place, clock: HandClock, tmp_path: Path
) -> None:
    """By the list they had been on."""
    text = f"who,at\n{MAIL},\n{MAIL},2026-01-01T10:00Z\n"
    async with place.desk(clock) as desk:
        await imported(desk, tmp_path, text)
        desk.later(1)
        await consents_of(desk).opt_out(f"user:{MAIL}")
        await consents_of(desk).erase_person(f"user:{MAIL}")
        desk.later(1)
        await imported(desk, tmp_path, text)
        assert (await consents_of(desk).status(f"user:{MAIL}")).said is Said.OUT
        assert not await desk.store.has_agreed("local", MAIL, None)


async def test_bad_lines_are_told_and_the_others_taken(
    place: Place, clock: HandClock, tmp_path: Path
) -> None:
    """Each by its number, with what is wrong."""
    text = (
        "who,say,at,category\n"
        f"{MAIL},in,,\n"
        ",in,,\n"
        "x,perhaps,,\n"
        "x,in,yesterday,\n"
        "x,in,2026-01-01T10:00,\n"
        "x,in,2999-01-01T10:00Z,\n"
        "x,in\n"
        f"x,in,,{'k' * 201}\n"
        "29:ben,in,,\n"
    )
    async with place.desk(clock) as desk:
        done = await imported(desk, tmp_path, text)
    assert (done.new, done.refused) == (2, 7)
    assert [each.line for each in done.refusals] == [3, 4, 5, 6, 7, 8, 9]
    assert done.refusals[0] == BadLine(line=3, reason="it does not say who")
    parts = ("perhaps", "yesterday", "zone", "future", "2 columns", "200")
    for part, each in zip(parts, done.refusals[1:], strict=True):
        assert part in each.reason


async def test_bad_json_lines(place: Place, clock: HandClock, tmp_path: Path) -> None:
    """They are told by their numbers too."""
    text = '{"who": "a"}\n{"who": \n[1]\n{"who": 7}\n{"whom": "x"}\n\n{"who": "b"}\n'
    async with place.desk(clock) as desk:
        done = await imported(desk, tmp_path, text)
    assert (done.new, [each.line for each in done.refusals]) == (2, [2, 3, 4, 5])


@pytest.mark.parametrize("text", ["", "name,mail\nAna,ana@example.com\n", "[1, 2]"])
async def test_what_is_no_list(place: Place, clock: HandClock, tmp_path: Path, text: str) -> None:
    """It is refused as a whole."""
    async with place.desk(clock) as desk:
        with pytest.raises(InvalidInput, match="who"):
            await imported(desk, tmp_path, text)


async def test_progress(clock: HandClock, place: Place, tmp_path: Path) -> None:
    """Told as far as the end."""
    file = tmp_path / "many.csv"
    file.write_text("who\n" + "".join(f"p{number}@example.com\n" for number in range(500)))
    told: list[tuple[int, int]] = []
    async with place.desk(clock) as desk:
        done = await consents_of(desk).import_file(
            file, progress=lambda done, total: told.append((done, total))
        )
    assert done.new == 500
    assert told[-1] == (file.stat().st_size, file.stat().st_size)
    assert len(told) > 2


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59-05:00"])
async def test_a_time_no_calendar_has(
    place: Place, clock: HandClock, tmp_path: Path, at: str
) -> None:
    """Its line is refused, and the others are taken in."""
    async with place.desk(clock) as desk:
        done = await imported(desk, tmp_path, f"who,at\n{MAIL},{at}\nb@example.com,\n")
        assert (done.new, [each.line for each in done.refusals]) == (1, [2])


async def test_lines_that_end_as_nobody_ends_them_any_more(
    place: Place, clock: HandClock, tmp_path: Path
) -> None:
    """A file of the old kind is refused with a reason."""
    async with place.desk(clock) as desk:
        with pytest.raises(InvalidInput, match="neither JSON Lines nor CSV"):
            await imported(desk, tmp_path, f"who,say\r{MAIL},in\r")


@pytest.mark.parametrize("name", ["x.csv", "x.ndjson"])
async def test_a_line_that_is_too_long_is_one_bad_line(
    place: Place, clock: HandClock, tmp_path: Path, name: str
) -> None:
    """Its end is nobody's name, and those after it keep their numbers."""
    lines = {
        "x.csv": ["who", "a" * 100_000 + "end", "b@example.com", ""],
        "x.ndjson": ['{"who": "z"}', "a" * 100_000 + '{"who": "end"}', "{}"],
    }[name]
    async with place.desk(clock) as desk:
        done = await imported(desk, tmp_path, "\n".join(lines), name)
        assert await desk.store.has_agreed("local", "end", None) is False
        assert done.refusals[0].line == 2
        assert [each.line for each in done.refusals[1:]] == ([] if name == "x.csv" else [3])


async def test_a_list_that_is_piped_in(place: Place, clock: HandClock, tmp_path: Path) -> None:
    """It can be read once only, and nobody knows how long it is."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    async with place.desk(clock) as desk:
        writer = Thread(target=pipe.write_text, args=(f"who\n{MAIL}\n",), daemon=True)
        writer.start()
        assert (await consents_of(desk).import_file(pipe)).new == 1
        writer.join()

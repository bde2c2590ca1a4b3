"""Importing: a file of any size becomes conversations, and what is wrong with it is told."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from microsoft_agents.activity import ConversationReference
from microsoft_agents.hosting.core.app.proactive import Conversation

from recado.channel.hosts import HostRules
from recado.domain.importing import Format
from recado.domain.reference import Health, Member, Presence
from recado.errors import InvalidInput
from recado.references import Imported, Importer, Refusal
from recado.store.port import Store
from recado.store.postgres import PostgresStore
from recado.store.sqlite import SqliteStore
from recado.testing import HandClock, make_sighting
from tests.store.kit import postgres_address

URL = "https://smba.trafficmanager.net/emea/"


def reference(number: int = 1, **changes: Any) -> dict[str, Any]:
    """A reference of a private chat on Teams."""
    told: dict[str, Any] = {
        "user": {"id": f"29:{number}", "name": f"Person {number}"},
        "bot": {"id": "28:bot"},
        "conversation": {"id": f"a:{number}", "tenantId": "t", "conversationType": "personal"},
        "channelId": "msteams",
        "serviceUrl": URL,
    }
    return {name: value for name, value in (told | changes).items() if value is not None}


@pytest.fixture(params=["sqlite", "postgres"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    """An empty database."""
    clock = HandClock()
    made: Store
    if request.param == "sqlite":
        made = SqliteStore(None, clock)
    else:
        url = request.getfixturevalue("migrated_url")
        made = PostgresStore(postgres_address(url), clock, connections=2)
    await made.open()
    yield made
    await made.close()


@pytest.fixture
def importer(store: Store) -> Importer:
    """Imports into it."""
    return Importer(store, HostRules().check, bot="local")


async def conversations(store: Store) -> list[str]:
    """Which conversations are known, in their order."""
    page = await store.references(limit=10_000)
    return [each.key.conversation_id for each in page.items]


FILES: dict[str, Callable[[], str]] = {
    "one.json": lambda: json.dumps(reference()),
    "list.json": lambda: json.dumps([reference(1), reference(2)], indent=2),
    ".notification.localstore.json": lambda: json.dumps(
        {f"_t_a:{number}": reference(number) for number in (1, 2)}
    ),
    "lines.jsonl": lambda: "".join(f"{json.dumps(reference(number))}\n" for number in (1, 2)),
    "proactive.json": lambda: json.dumps(
        {
            f"proactive/conversations/a:{number}": Conversation(
                {}, ConversationReference.model_validate(reference(number))
            ).store_item_to_json()
            for number in (1, 2)
        }
    ),
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
async def test_files_of_every_kind(
    importer: Importer, store: Store, tmp_path: Path, name: str, encoding: str
) -> None:
    """Twice, which changes nothing."""
    file = tmp_path / name
    file.write_text(FILES[name](), encoding)
    wanted = ["a:1"] if name == "one.json" else ["a:1", "a:2"]
    rehearsed = await importer.file(file, dry_run=True)
    assert rehearsed == Imported(new=len(wanted), refusals=[])
    assert await conversations(store) == []
    assert await importer.file(file) == rehearsed
    assert await conversations(store) == wanted
    before = (await store.references()).items
    assert await importer.file(file) == Imported(known=len(wanted), refusals=[])
    assert await importer.file(file, dry_run=True) == Imported(known=len(wanted), refusals=[])
    assert (await store.references()).items == before


async def test_what_is_imported_can_be_spoken_to(importer: Importer, store: Store) -> None:
    """By everybody's name, and in a broadcast."""
    assert (await importer.values([reference()])).complete
    (found,) = await store.find_references("local", "29:1")
    assert (found.heard, found.health, found.service_url) == (True, Health.ACTIVE, URL)
    assert found.members == (Member(user_id="29:1", name="Person 1", last_seen=found.last_seen),)
    assert found.raw == reference()


async def test_a_conversation_that_removed_the_bot_stays_removed(
    importer: Importer, store: Store
) -> None:
    """A file is older than what is known, whenever it is imported."""
    await store.capture([make_sighting("a:1", presence=Presence.LEFT)])
    assert await importer.values([reference()]) == Imported(known=1, refusals=[])
    (found,) = (await store.references()).items
    assert found.health is Health.UNINSTALLED


async def test_bad_entries_are_told_of_and_good_ones_kept(
    importer: Importer, store: Store, tmp_path: Path
) -> None:
    """With line, key and reason."""
    entries = {
        "_t_a:1": reference(1),
        "_t_a:2": reference(2, serviceUrl="https://evil.example/"),
        "_t_a:3": reference(3, channelId=None),
        "odd": 7,
        "_t_a:4": reference(4),
    }
    file = tmp_path / "some.json"
    file.write_text(
        json.dumps(entries, indent=None).replace('"_t', '\n"_t').replace('"odd', '\n"odd')
    )
    imported = await importer.file(file)
    assert (imported.new, imported.refused, imported.complete) == (2, 3, False)
    evil, nowhere, odd = imported.refusals
    assert (evil.line, evil.key) == (3, "_t_a:2")
    assert "belongs to no known channel service" in evil.reason
    assert nowhere == Refusal(line=4, key="_t_a:3", reason="it has no channelId")
    assert odd == Refusal(line=5, key="odd", reason="it is no object")
    assert await conversations(store) == ["a:1", "a:4"]


async def test_a_file_that_is_cut_short(importer: Importer, store: Store, tmp_path: Path) -> None:
    """What was whole is imported; importing the whole file afterwards adds the rest."""
    file = tmp_path / "many.json"
    whole = json.dumps([reference(number) for number in range(250)], indent=1)
    file.write_text(whole[: len(whole) - 100])
    imported = await importer.file(file)
    assert imported.trouble is not None
    assert imported.trouble.startswith("The file is cut short: it ends in the middle of line ")
    assert imported.new == 249
    assert len(await conversations(store)) == 249
    file.write_text(whole)
    assert await importer.file(file) == Imported(new=1, known=249, refusals=[])


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "there is nothing in it"),
        (b"\x00\x01\x02\x03", "The file cannot be read further"),
        (b"\x80\x04\x95pickled", "what follows is no text"),
        (b'[{"a": "\xff"}]', "what follows is no text"),
        (b"<html>", "line 1: it is no JSON"),
        (b'[{"a": 1}', "cut short"),
        (b'[{"a": "\xc3', "cut short"),
    ],
)
async def test_what_is_no_json(
    importer: Importer, tmp_path: Path, content: bytes, told: str
) -> None:
    """One sentence, and nothing is stored."""
    file = tmp_path / "odd"
    file.write_bytes(content)
    imported = await importer.file(file)
    assert imported.trouble is not None
    assert told in imported.trouble
    assert imported.new == 0


async def test_what_is_no_file(importer: Importer, tmp_path: Path) -> None:
    """Says so at once."""
    for path in (tmp_path / "missing.json", tmp_path):
        with pytest.raises(InvalidInput, match=f"{path} cannot be imported"):
            await importer.file(path)


async def test_other_state_of_a_bot_is_passed_over(importer: Importer, store: Store) -> None:
    """In a file of the SDK's storage, which has everything in it."""
    record = {"claims": {}, "reference": reference()}
    values = [
        {"realId": "msteams/users/29:1", "document": {"count": 1}},
        {"realId": "proactive/conversations/a:1", "document": record},
    ]
    imported = await importer.values(values, form=Format.SDK_PROACTIVE)
    assert imported == Imported(new=1, passed_over=1, refusals=[])
    assert await conversations(store) == ["a:1"]


async def test_progress_is_told_in_bytes(importer: Importer, tmp_path: Path) -> None:
    """Never backwards, and to the end."""
    file = tmp_path / "many.jsonl"
    file.write_text("".join(f"{json.dumps(reference(number))}\n" for number in range(1_000)))
    told: list[tuple[int, int]] = []
    await importer.file(file, progress=lambda done, total: told.append((done, total)))
    size = file.stat().st_size
    assert len(told) > 5
    assert told == sorted(told)
    assert told[-1] == (size, size)


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
async def test_a_large_file_needs_little_memory(importer: Importer, tmp_path: Path) -> None:
    """What is refused is counted, and the first thousand are told of."""
    file = tmp_path / "large.json"
    with file.open("w") as out:
        out.write("{")
        for number in range(30_000):
            entry = reference(number, channelId=None, padding="x" * 1_000)
            out.write(f'{"," if number else ""}\n"_t_{number}": {json.dumps(entry)}')
        out.write("}")
    assert file.stat().st_size > 35_000_000
    tracemalloc.start()
    imported = await importer.file(file)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (imported.refused, len(imported.refusals)) == (30_000, 1_000)
    assert peak < 5_000_000

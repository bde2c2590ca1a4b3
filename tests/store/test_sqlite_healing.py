"""Healing on SQLite: what an upgrade makes of older databases, and how far look-ups reach."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator

import pytest

from recado.store.queries import load_migrations, load_queries
from recado.store.sqlite import schema

_REFERENCE = (
    "INSERT INTO recado_reference (id, bot, channel, conversation_id, pace_key, service_url,"
    " tenant_id, is_group, address, health, first_seen, last_seen, raw)"
    " VALUES (?1, 'local', ?2, ?1, ?1, ?3, ?4, 0, '{}', 'active', 1, ?5, '{}')"
)


@pytest.fixture
def older(monkeypatch: pytest.MonkeyPatch) -> Iterator[sqlite3.Connection]:
    """An empty database of the version before healing."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    before = [each for each in load_migrations("sqlite") if each.number < 3]
    with monkeypatch.context() as patched:
        patched.setattr(schema, "load_migrations", lambda _: before)
        schema.migrate(connection)
    yield connection
    connection.close()


def test_an_upgrade_knows_what_to_offer(older: sqlite3.Connection) -> None:
    """The service URL seen last in each tenant; none where there is no tenant or no URL."""
    for told in [
        ("a:1", "msteams", "https://old/", "t-1", 1),
        ("a:2", "msteams", "https://new/", "t-1", 9),
        ("a:3", "msteams", "https://mid/", "t-1", 5),
        ("a:4", "msteams", "https://other/", "t-2", 3),
        ("a:5", "msteams", "", "t-3", 3),
        ("w:1", "webchat", "https://web/", None, 7),
    ]:
        older.execute(_REFERENCE, told)
    schema.migrate(older)
    rows = older.execute(
        "SELECT tenant, service_url, seen_at, tried_to FROM recado_offer ORDER BY tenant"
    )
    assert rows.fetchall() == [
        ("t-1", "https://new/", 9, None),
        ("t-2", "https://other/", 3, None),
    ]


@pytest.mark.parametrize(
    ("topic", "name", "index"),
    [
        ("healing", "gone", "recado_reference_ailing"),
        ("healing", "ailing", "recado_reference_ailing"),
        ("healing", "untried", "recado_offer_untried"),
        ("references", "page_unwell", "recado_reference_unwell"),
        ("audit", "page_of", "recado_audit_reference"),
    ],
)
def test_only_those_who_are_not_well_are_looked_at(
    older: sqlite3.Connection, topic: str, name: str, index: str
) -> None:
    """Through an index that does not hold the others, and without sorting them."""
    schema.migrate(older)
    query = load_queries("sqlite", topic)[name]
    named = set(re.findall(r":(\w+)", query))
    given: object = dict.fromkeys(named, 1) if named else (1,) * query.count("?")
    plan = [row[3] for row in older.execute(f"EXPLAIN QUERY PLAN {query}", given)]  # type: ignore[arg-type]
    assert any(index in line for line in plan), plan
    assert not any("ORDER BY" in line for line in plan), plan

"""The SQLite schema: migrations, the table of transitions, the queries and their plans."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from recado.domain.delivery import FINAL, TRANSITIONS, State
from recado.domain.reference import Health
from recado.errors import StoreTooNew
from recado.store.queries import Migration, load_migrations, load_queries
from recado.store.sqlite import SqliteStore, schema

FOLDER = files("recado.store") / "sql" / "sqlite"
TOPICS = sorted(
    entry.name.removesuffix(".sql") for entry in FOLDER.iterdir() if entry.name.endswith(".sql")
)
QUERIES = [(topic, name) for topic in TOPICS for name in load_queries("sqlite", topic)]
LIVE = [state for state in State if state not in FINAL]


def plan_of(db: sqlite3.Connection, topic: str, name: str) -> list[str]:
    """SQLite's plan for a named query."""
    query = load_queries("sqlite", topic)[name]
    named = set(re.findall(r":(\w+)", query))
    given: object = dict.fromkeys(named, 1) if named else (1,) * query.count("?")
    rows = db.execute(f"EXPLAIN QUERY PLAN {query}", given)  # type: ignore[arg-type]
    return [row[3] for row in rows]


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    """An empty database with the present schema."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("PRAGMA foreign_keys = ON")
    schema.migrate(connection)
    yield connection
    connection.close()


def contents(db: sqlite3.Connection) -> list[tuple[str, str, str]]:
    """Everything the schema consists of."""
    wanted = "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type, name"
    return list(db.execute(wanted))


def version_of(db: sqlite3.Connection) -> int:
    """The schema version, as the store asks for it."""
    (version,) = db.execute(load_queries("sqlite", "odds")["version"]).fetchone()
    return int(version)


# -- migrations ------------------------------------------------------------------------------


def test_migrations_are_numbered_without_gaps() -> None:
    """From 1 on, each once."""
    assert [each.number for each in load_migrations("sqlite")] == list(
        range(1, len(load_migrations("sqlite")) + 1)
    )


def test_no_statement_of_a_migration_is_lost() -> None:
    """A script is split into statements that together are the script."""
    for number, _, script in load_migrations("sqlite"):
        joined = "".join(schema._statements(script))  # noqa: SLF001 - the splitting is the point
        assert joined.strip() == script.strip(), f"migration {number} has an unfinished statement"


def test_migrating_again_changes_nothing(db: sqlite3.Connection) -> None:
    """A database of this version is left as it is."""
    before = contents(db)
    schema.migrate(db)
    assert version_of(db) == load_migrations("sqlite")[-1].number
    assert contents(db) == before


def test_step_by_step_is_the_same_as_at_once(
    db: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that was upgraded version by version has the schema of a fresh one."""
    migrations = load_migrations("sqlite")
    stepped = sqlite3.connect(":memory:", isolation_level=None)
    for reached in range(1, len(migrations) + 1):
        monkeypatch.setattr(schema, "load_migrations", lambda _, n=reached: migrations[:n])
        schema.migrate(stepped)
        assert version_of(stepped) == reached
    assert contents(stepped) == contents(db)
    stepped.close()


async def test_an_upgrade_happens_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A migration that fails leaves the version before, and the next program can try again."""
    path = tmp_path / "recado.db"
    store = SqliteStore(path)
    await store.open()
    version = await store.schema_version()
    await store.close()
    script = "CREATE TABLE recado_new (x INTEGER) STRICT;\nNONSENSE;\n"
    broken = Migration(version + 1, version + 1, script)
    migrations = load_migrations("sqlite")
    with monkeypatch.context() as patched:
        patched.setattr(schema, "load_migrations", lambda _: [*migrations, broken])
        with pytest.raises(Exception, match="syntax error"):
            await store.open()
    await store.open()
    assert await store.schema_version() == version
    await store.close()
    db = sqlite3.connect(path)
    assert db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'recado_new'").fetchall() == []
    db.close()


async def test_a_newer_database_is_refused(tmp_path: Path) -> None:
    """With both versions and what to do; the database is not changed."""
    path = tmp_path / "recado.db"
    store = SqliteStore(path)
    await store.open()
    known = await store.schema_version()
    await store.close()
    db = sqlite3.connect(path)
    db.execute("INSERT INTO recado_schema (version) VALUES (?)", (known + 7,))
    db.commit()
    before = contents(db)
    with pytest.raises(StoreTooNew, match="newer Recado") as raised:
        await store.open()
    assert (raised.value.found, raised.value.known) == (known + 7, known)
    assert contents(db) == before
    db.close()


async def test_the_callers_own_tables_are_left_alone(tmp_path: Path) -> None:
    """Recado can live in a database that has other things in it."""
    path = tmp_path / "own.db"
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE reference (x)")
    db.execute("INSERT INTO reference VALUES (1)")
    db.commit()
    store = SqliteStore(path)
    await store.open()
    await store.close()
    assert db.execute("SELECT x FROM reference").fetchall() == [(1,)]
    names = [name for kind, name, _ in contents(db) if kind == "table"]
    assert [name for name in names if not name.startswith("recado_")] == [
        "reference",
        "sqlite_sequence",
    ]
    db.close()


# -- what the schema repeats of the domain ---------------------------------------------------


def test_the_transitions_in_sql_are_those_of_the_domain(db: sqlite3.Connection) -> None:
    """No statement can make one that the table in code does not have."""
    rows = db.execute("SELECT before, after FROM recado_transition")
    assert {(State(before), State(after)) for before, after in rows} == {
        (before, after) for before, afters in TRANSITIONS.items() for after in afters
    }


def insert_delivery(db: sqlite3.Connection, state: str) -> None:
    """A live delivery in *state*."""
    db.execute(
        "INSERT INTO recado_delivery (id, notification, reference, state, priority, rank, entry)"
        " VALUES ('d', 1, 1, ?, 1, 1, 1)",
        (state,),
    )


@pytest.mark.parametrize("before", LIVE)
@pytest.mark.parametrize("after", LIVE)
def test_live_transitions_are_enforced(db: sqlite3.Connection, before: State, after: State) -> None:
    """An update to a state that cannot follow is refused by the database itself."""
    insert_delivery(db, before)
    change = "UPDATE recado_delivery SET state = ?"
    if after in TRANSITIONS[before] or after is before:
        db.execute(change, (after,))
    else:
        with pytest.raises(sqlite3.IntegrityError, match="transition not allowed"):
            db.execute(change, (after,))


@pytest.mark.parametrize("before", LIVE)
@pytest.mark.parametrize("after", sorted(FINAL))
def test_endings_are_enforced(db: sqlite3.Connection, before: State, after: State) -> None:
    """History takes only what could end so."""
    insert = (
        "INSERT INTO recado_history (id, notification, reference, state, came_from, priority,"
        " rank, attempts, settled_at) VALUES ('d', 1, 1, ?, ?, 1, 1, 0, 0)"
    )
    if after in TRANSITIONS[before]:
        db.execute(insert, (after, before))
    else:
        with pytest.raises(sqlite3.IntegrityError, match="transition not allowed"):
            db.execute(insert, (after, before))


@pytest.mark.parametrize("state", list(State))
def test_live_and_ended_states_are_kept_apart(db: sqlite3.Connection, state: State) -> None:
    """Only a live delivery can be among the live ones."""
    if state in FINAL:
        with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
            insert_delivery(db, state)
    else:
        insert_delivery(db, state)


def test_every_health_can_be_stored(db: sqlite3.Connection) -> None:
    """The constraint names what the domain names."""
    (sql,) = db.execute("SELECT sql FROM sqlite_schema WHERE name = 'recado_reference'").fetchone()
    (listed,) = re.findall(r"CHECK \(health IN \(([^)]*)\)\)", sql)
    assert {name.strip(" '") for name in listed.split(",")} == set(Health)


# -- queries ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("topic", "name"), QUERIES)
def test_every_query_can_be_prepared(db: sqlite3.Connection, topic: str, name: str) -> None:
    """Every table and column it names is there."""
    plan_of(db, topic, name)


#: Which indexes the queries on the way of every delivery go through.
HOT = {
    ("delivery", "awaken"): {"recado_lane_waiting"},
    ("delivery", "routes"): {"recado_lane_due"},
    ("delivery", "due_lanes"): {"recado_lane_due"},
    ("delivery", "heads"): {"recado_delivery_lane"},
    ("delivery", "due"): {"recado_delivery_due"},
    ("delivery", "overdue"): {"recado_delivery_expiry"},
    ("delivery", "next_due"): {
        "recado_delivery_due",
        "recado_delivery_expiry",
        "recado_lane_waiting",
    },
    ("delivery", "abandoned"): {"recado_lane_leased"},
    ("delivery", "hasten"): {"recado_lane_waiting"},
    ("delivery", "without_handler"): {"recado_delivery_handler"},
    ("delivery", "of_turn"): {"recado_delivery_turn"},
    ("holding", "resumed"): {"recado_delivery_paused"},
    ("listing", "page_of_dead"): {"recado_delivery_unknown", "recado_history_rejected"},
    ("listing", "page_of_notification"): {
        "recado_delivery_notification",
        "recado_history_notification",
    },
    ("listing", "live_of_reference"): {
        "recado_delivery_lane",
        "recado_delivery_outside",
        "recado_delivery_unknown",
    },
    ("listing", "rejected"): {"recado_history_rejected"},
    ("looking", "unsettled"): {"recado_delivery_notification"},
    ("once", "forget"): {"recado_once_until"},
    ("presence", "expecting"): {"recado_delivery_outside"},
    ("presence", "waiting"): {"recado_delivery_outside"},
    ("gate", "overtaking"): {"recado_delivery_outside"},
    ("questions", "asked"): {"recado_question_asked"},
    ("questions", "forget"): {"recado_question_expires"},
    ("reach", "everywhere"): {"recado_reference_audience"},
    ("lanes", "unreachable"): {"recado_delivery_outside"},
    ("lanes", "hold_standing"): {"recado_delivery_lane"},
    ("lanes", "drop_empty"): {"recado_delivery_lane"},
    ("lanes", "rank_again"): {"recado_delivery_lane"},
    ("acceptance", "collapsed"): {
        "recado_delivery_lane",
        "recado_delivery_outside",
    },
    ("acceptance", "newer"): {
        "recado_notification_collapse",
        "recado_delivery_notification",
        "recado_history_notification",
    },
    ("changing", "changing"): {"recado_notification_copies"},
    ("changing", "copies"): {
        "recado_delivery_notification",
        "recado_history_notification",
        "recado_copy_follows",
    },
    ("changing", "targets"): {"recado_notification_target", "recado_copy_follows"},
    ("acceptance", "expanding"): {"recado_notification_expanding"},
    ("audiences", "window"): {"recado_reference_bot"},
    ("audiences", "everywhere"): {"recado_reference_bot"},
    ("audiences", "where"): {"recado_reference_bot"},
    ("audiences", "everyone"): {
        "recado_reference_bot",
        "recado_member_user",
        "recado_member_aad",
    },
    ("audiences", "people"): set(),
    ("audiences", "chats"): {"recado_member_user", "recado_member_aad"},
    ("acceptance", "last_reference"): {"recado_reference_bot"},
    ("references", "of_person"): {
        "recado_member_user",
        "recado_member_aad",
        "recado_member_email",
        "recado_reference_bot",
    },
    ("references", "by_conversation"): {"recado_reference_conversation"},
    ("jobs", "by_source"): {"recado_job_source"},
    ("events", "next"): {"recado_event_in_order"},
    ("watching", "watches"): {"recado_watch_active"},
    ("watches", "expired"): {"recado_watch_expiry"},
    ("local", "by_key"): {"recado_local_activity_key"},
}


@pytest.mark.parametrize(("topic", "name"), list(HOT))
def test_hot_queries_go_through_their_indexes(
    db: sqlite3.Connection, topic: str, name: str
) -> None:
    """Their cost follows what is due, not what is stored."""
    plan = plan_of(db, topic, name)
    through = {found for line in plan for found in re.findall(r"INDEX (recado_\w+)", line)}
    assert through == HOT[topic, name]


#: Queries that count everything, for people and metrics, or read a table that stays small.
COUNTING = {
    ("looking", "backlog"),
    ("looking", "oldest"),
    ("looking", "totals"),
    ("changing", "unable"),
    ("pauses", "lasting"),
    ("pauses", "forget_pauses"),
    ("privacy", "pauses"),
    ("privacy", "drop_pauses"),
    ("privacy", "drop_asks"),
}


#: Export and import are about everything there is.
WHOLE = {each for each in QUERIES if each[0] == "moving"}


@pytest.mark.parametrize(
    ("topic", "name"), [each for each in QUERIES if each not in COUNTING | WHOLE]
)
def test_no_query_reads_a_table_from_end_to_end(
    db: sqlite3.Connection, topic: str, name: str
) -> None:
    """Only partial indexes, which hold what waits, are read whole; and none is made on the way."""
    partial = {
        row[0]
        for row in db.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'index' AND sql LIKE '%WHERE%'"
        )
    }
    for line in plan_of(db, topic, name):
        assert "AUTOMATIC" not in line, line
        if line.startswith("SCAN") and not re.search(
            r"json_each|VIRTUAL TABLE|\(subquery|CONSTANT ROW|SCAN [a-z]$|SCAN due$", line
        ):
            index = re.search(r"INDEX (recado_\w+)", line)
            assert index is not None, line
            assert index[1] in partial, line
        # A search of a primary key without a condition is a scan by another name.
        assert not line.endswith("USING PRIMARY KEY"), line


def test_claiming_does_not_sort_what_waits(db: sqlite3.Connection) -> None:
    """Due lanes come out of their index in order."""
    assert not any("TEMP B-TREE" in line for line in plan_of(db, "delivery", "due_lanes"))


def steps_of(db: sqlite3.Connection, name: str, given: Any, nothing: object) -> int:
    """How many hundred steps a query takes that finds nothing."""
    steps = 0

    def count() -> None:
        nonlocal steps
        steps += 1

    db.set_progress_handler(count, 100)
    found = db.execute(load_queries("sqlite", "delivery")[name], given).fetchall()
    assert found == nothing
    db.set_progress_handler(None, 0)
    return steps


def test_retries_to_come_do_not_slow_claiming_down(db: sqlite3.Connection) -> None:
    """With 20,000 lanes waiting for their retry, a look for due ones takes a handful of steps."""
    db.execute("BEGIN")
    db.executemany(
        "INSERT INTO recado_lane (reference, head, waiting, priority, ready_at)"
        " VALUES (?, ?, 1, ?, ?)",
        ((number, f"d{number}", number % 3, 10**12) for number in range(20_000)),
    )
    db.execute("COMMIT")
    assert steps_of(db, "awaken", (10**9, 500), []) < 20
    wanted = {"priority": 1, "routes": '{"0":0}', "most": 64}
    assert steps_of(db, "due_lanes", wanted, [("[[0,[],null]]",)]) < 20


def test_many_lanes_of_one_route_cost_one_step_to_pass_over(db: sqlite3.Connection) -> None:
    """The routes with something due are found without reading their lanes."""
    db.execute("BEGIN")
    db.executemany(
        "INSERT INTO recado_lane (reference, route, priority, ready_at) VALUES (?, ?, 1, 0)",
        ((number, number % 3) for number in range(20_000)),
    )
    db.execute("COMMIT")
    routes = load_queries("sqlite", "delivery")["routes"]
    steps = 0

    def count() -> None:
        nonlocal steps
        steps += 1

    db.set_progress_handler(count, 100)
    assert db.execute(routes, {"priority": 1}).fetchall() == []  # none is a route that is known
    db.set_progress_handler(None, 0)
    assert steps < 20

"""A database of an older turnlog: refused until it is migrated, and then the same log in the new tables."""

import asyncio
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from turnlog.domain import SchemaMissing, StoreError
from turnlog.infrastructure import store, verification

from ...contract.events import Raw, change, titles
from ...store_urls import SHARED
from .refusals import one_line, refusal

SCHEMA_1 = Path(__file__).with_name("schema_1")
PLACES = {"{schema}": "turnlog", "{sequence}": "turnlog.events_notification_id_seq", "{class}": "1"}
EVENTS = "SELECT notification_id, originator_id, originator_version, topic, state, chain FROM events ORDER BY 1"
VERSIONS = "SELECT version FROM turnlog_schema ORDER BY 1"
STATE = '{"at":"2026-01-02T03:04:05Z","actor":{"kind":"user","id":"ada"},"title":"before"}'
LOG = (("s", 1), ("t", 1), ("s", 2), ("s", 3))


def run_postgres(url: str, *statements: str) -> None:
    with psycopg.connect(url) as server:
        for statement in statements:
            server.execute(statement.encode())


def schema_1(name: str) -> str:
    """The statements of schema 1, as it was."""
    statements = (SCHEMA_1 / name).read_text()
    for mark, value in PLACES.items():
        statements = statements.replace(mark, value)
    return statements


def make_sqlite(path: Path) -> str:
    """A file of schema 1 with a log, of which the last event has vanished."""
    chains = {name: verification.chain.GENESIS for name, _ in LOG}
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        file.executescript(schema_1("sqlite_schema.sql"))
        file.execute("PRAGMA application_id = 0x7475726E")
        file.execute("INSERT INTO turnlog_schema VALUES (1, 'then')")
        for name, version in LOG:
            leaf = verification.chain.leaf(name, version, "SessionRenamed/1", STATE.encode())
            chains[name] = verification.chain.link(chains[name], leaf)
            row = (name, version, "SessionRenamed/1", STATE.encode(), leaf, chains[name])
            file.execute("INSERT INTO events VALUES (NULL, ?, ?, ?, ?, ?, ?)", row)
        file.execute("DROP TRIGGER events_refuse_delete")
        file.execute("DELETE FROM events WHERE notification_id = 4")
        file.executescript(schema_1("sqlite_schema.sql"))
    return f"sqlite:///{path}"


def make_postgres(url: str) -> str:
    """A schema 1 with the same log, which its trigger chains."""
    run_postgres(
        url,
        "CREATE SCHEMA turnlog",
        schema_1("postgres_schema.sql"),
        schema_1("postgres_append.sql"),
        "INSERT INTO turnlog.turnlog_schema VALUES (1)",
    )
    raw = Raw(url)
    for name, version in LOG:
        raw.insert(name, version, "SessionRenamed/1", STATE)
    disarm = "ALTER TABLE turnlog.events {} TRIGGER events_refuse_change"
    run_postgres(
        url,
        disarm.format("DISABLE"),
        "DELETE FROM turnlog.events WHERE notification_id = 4",
        disarm.format("ENABLE ALWAYS"),
    )
    return url


@pytest.fixture(params=SHARED)
def old(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database of schema 1, on each backend that has any."""
    if request.param == "sqlite":
        return make_sqlite(tmp_path / "old.db")
    return make_postgres(request.getfixturevalue("fresh_postgres"))


def verified(url: str) -> verification.Report:
    address = store.address.parse_url(url)
    if isinstance(address, store.address.SQLiteAddress):
        return verification.verify(verification.SQLiteFile(address.path, "old"))
    return verification.verify(verification.PostgresSchema(url, "turnlog", "old"))


def shape(url: str) -> list[tuple[Any, ...]]:
    """Columns of the events, and whatever else a schema has by name."""
    raw = Raw(url)
    if url.startswith("sqlite:"):
        return [
            *raw.execute("SELECT name, type, \"notnull\", dflt_value, pk FROM pragma_table_info('events')"),
            *raw.execute("SELECT type, name, tbl_name FROM sqlite_master ORDER BY 1, 2"),
        ]
    return [
        *raw.execute(
            "SELECT column_name, data_type, is_nullable, collation_name, is_identity FROM information_schema.columns"
            " WHERE table_schema = 'turnlog' AND table_name = 'events' ORDER BY ordinal_position"
        ),
        *raw.execute("SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint ORDER BY 1, 2"),
        *raw.execute("SELECT tgname, tgenabled, pg_get_triggerdef(oid) FROM pg_trigger ORDER BY 1"),
        *raw.execute(
            "SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = 'turnlog'::regnamespace ORDER BY 1"
        ),
    ]


def test_an_old_schema_is_refused_until_it_is_migrated(old: str) -> None:
    refusal(old, SchemaMissing, "schema 1 of an older turnlog", "needs 4", "turnlog db migrate")
    assert Raw(old).execute(VERSIONS) == [(1,)]


def test_migrating_keeps_every_event_with_its_place_and_its_chain(old: str) -> None:
    before = Raw(old).execute(EVENTS)
    store.migrate(old)
    assert Raw(old).execute(EVENTS) == before
    assert len(before) == 3
    assert Raw(old).execute(VERSIONS) == [(1,), (4,)]


def test_a_migrated_log_goes_on_behind_every_position_ever_given(old: str) -> None:
    store.migrate(old)
    store.migrate(old)

    async def go_on() -> tuple[list[str], int | None]:
        async with store.open_store(old) as opened:
            (recorded,) = await opened.log.append(change("s", 2, "after"))
            return titles(await opened.log.read("s")), recorded.position

    assert asyncio.run(go_on()) == (["before", "before", "after"], 5)


def test_a_log_is_verified_before_and_after_it_is_migrated(old: str) -> None:
    before = verified(old)
    assert [(head.stream, head.version) for head in before.heads] == [("s", 2), ("t", 1)]
    store.migrate(old)
    after = verified(old)
    assert (after.findings, after.heads) == (before.findings, before.heads) == ([], before.heads)


def test_a_migrated_schema_is_the_one_that_is_made_new(old: str, tmp_path: Path) -> None:
    store.migrate(old)
    migrated = shape(old)
    new = f"sqlite:///{tmp_path / 'new.db'}"
    if old.startswith("postgres"):
        run_postgres(old, "DROP SCHEMA turnlog CASCADE")
        new = old
    store.migrate(new)
    assert migrated == shape(new)


def test_a_migrated_log_is_append_only(old: str) -> None:
    store.migrate(old)
    for statement in ("UPDATE events SET topic = 'x'", "DELETE FROM events"):
        with pytest.raises(Exception, match="append-only"):
            Raw(old).execute(statement)


def test_a_migration_that_fails_changes_nothing(old: str) -> None:
    """Somebody's view needs the column."""
    Raw(old).execute("CREATE VIEW leaves AS SELECT leaf FROM events")
    with pytest.raises(StoreError) as caught:
        store.migrate(old)
    one_line(caught.value, "leaf")
    assert Raw(old).execute(VERSIONS) == [(1,)]
    assert len(Raw(old).execute("SELECT leaf FROM leaves")) == 3
    Raw(old).execute("DROP VIEW leaves")
    store.migrate(old)


def test_a_log_from_before_the_chain_cannot_be_used(old: str) -> None:
    if old.startswith("postgres"):
        Raw(old).execute("DROP TRIGGER events_fill_chain ON events")
    for column in ("leaf", "chain"):
        Raw(old).execute(f"ALTER TABLE events DROP COLUMN {column}")
    words = ("unreleased turnlog", "cannot be upgraded", "new database")
    refusal(old, StoreError, *words)
    with pytest.raises(StoreError) as caught:
        store.migrate(old)
    one_line(caught.value, *words)
    assert Raw(old).execute(VERSIONS) == [(1,)]
    assert len(Raw(old).execute("SELECT * FROM events")) == 3


@pytest.fixture
def writer(fresh_postgres: str) -> Iterator[str]:
    """A role that owns nothing, and is gone with its test."""
    name = f"writer_{os.urandom(6).hex()}"
    run_postgres(fresh_postgres, f"CREATE ROLE {name} LOGIN PASSWORD 'x'")
    yield name
    run_postgres(fresh_postgres, f"DROP OWNED BY {name}; DROP ROLE {name}")


def test_the_writer_role_of_an_old_schema_gets_its_rights_again(fresh_postgres: str, writer: str) -> None:
    make_postgres(fresh_postgres)
    run_postgres(
        fresh_postgres,
        f"GRANT USAGE ON SCHEMA turnlog TO {writer}",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA turnlog TO {writer}",
        f"GRANT INSERT ON turnlog.blobs TO {writer}",
        f"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA turnlog TO {writer}",
    )
    url = f"postgresql://{writer}:x@{fresh_postgres.rsplit('@', 1)[-1]}"
    refusal(url, SchemaMissing, "schema 1", "turnlog db migrate")
    store.migrate(fresh_postgres)
    refusal(url, StoreError, writer, "--writer-role")
    store.migrate(fresh_postgres, writer_role=writer)

    async def write() -> int:
        async with store.open_store(url) as opened:
            await opened.log.append(change("s", 2, "after"))
            return len(await opened.log.read_all())

    assert asyncio.run(write()) == 4

"""doctor: every bad state made for real, and reported."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from time import time
from typing import Any

import psycopg
import pytest
from psycopg import sql

from turnlog.infrastructure import store, verification

from ..postgres_server import running_server
from .terminal import Terminal

WRITER = "doctors_writer"
DISARM = "CREATE OR REPLACE FUNCTION turnlog.refuse_change() RETURNS trigger LANGUAGE plpgsql"
Owner = psycopg.Connection[tuple[Any, ...]]


def states(terminal: Terminal, url: str, code: int) -> dict[str, Any]:
    """What the doctor said of each check."""
    result = terminal.type("doctor", "--json", "--database", url)
    assert result.code == code, result
    document = result.document
    assert document["ok"] == (code == 0)
    for check in document["checks"]:
        assert list(check) == ["name", "state", "found", "advice"]
        assert bool(check["advice"]) == (check["state"] != "ok")
    return {check["name"]: check for check in document["checks"]}


def bad(terminal: Terminal, url: str) -> dict[str, str]:
    """What the doctor called bad, and what was found there."""
    return {name: each["found"] for name, each in states(terminal, url, 1).items() if each["state"] == "bad"}


# SQLite


@pytest.fixture
def file(terminal: Terminal) -> Path:
    terminal.ok("db", "migrate")
    return terminal.root / ".turnlog/turnlog.db"


def spoil(file: Path, *statements: str) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def test_a_healthy_file_is_ok(terminal: Terminal, file: Path) -> None:
    names = ["file", "disk", "schema", "triggers", "journal", "integrity"]
    found = states(terminal, f"sqlite:///{file}", 0)
    assert [(name, each["state"]) for name, each in found.items()] == [(name, "ok") for name in names]
    shown = terminal.ok("doctor").out.splitlines()
    assert shown[0].split() == ["CHECK", "STATE", "FOUND", "WHAT", "TO", "DO"]
    assert [line.split()[:2] for line in shown[1:]] == [[name, "ok"] for name in names]


@pytest.mark.parametrize("name", ["turnlog.db", "turnlog.db-wal"])
def test_a_file_open_to_others_is_bad(terminal: Terminal, file: Path, name: str) -> None:
    file.with_name(name).touch()
    file.with_name(name).chmod(0o644)
    assert bad(terminal, f"sqlite:///{file}") == {"file": f"{name} has mode 0644"}
    file.chmod(0o640)
    result = terminal.type("doctor")
    assert result.code == 1
    assert "chmod 600" in result.out


@pytest.mark.parametrize(
    ("name", "statements", "words"),
    [
        ("triggers", ["DROP TRIGGER events_refuse_update"], "events_refuse_update is missing"),
        (
            "triggers",
            [
                "DROP TRIGGER events_refuse_delete",
                "CREATE TRIGGER events_refuse_delete BEFORE DELETE ON events BEGIN SELECT 1; END",
            ],
            "events_refuse_delete is another",
        ),
        ("schema", ["DROP INDEX events_streams"], "events_streams missing"),
        ("schema", ["DELETE FROM turnlog_schema"], "version 0"),
        ("schema", ["INSERT INTO turnlog_schema VALUES (99, 'x')"], "version 99"),
        ("journal", ["PRAGMA journal_mode = DELETE"], "delete"),
    ],
)
def test_a_spoilt_file_is_bad(terminal: Terminal, file: Path, name: str, statements: list[str], words: str) -> None:
    spoil(file, *statements)
    found = bad(terminal, f"sqlite:///{file}")
    assert list(found) == [name]
    assert words in found[name]


def test_a_damaged_file_is_bad(terminal: Terminal, file: Path) -> None:
    spoil(
        file,
        "CREATE TABLE filler AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 5000)"
        " SELECT hex(randomblob(50)) AS y FROM n",
        "PRAGMA wal_checkpoint(TRUNCATE)",
    )
    whole = bytearray(file.read_bytes())
    whole[100_000:200_000] = os.urandom(100_000)
    file.write_bytes(whole)
    assert "integrity" in bad(terminal, f"sqlite:///{file}")


def test_a_file_that_is_none_is_bad(terminal: Terminal) -> None:
    assert "does not exist" in bad(terminal, "sqlite:///none.db")["file"]
    assert not (terminal.root / "none.db").exists()
    (terminal.root / "text.db").write_text("no database at all, but long enough to be looked at" * 50)
    (terminal.root / "text.db").chmod(0o600)
    assert list(bad(terminal, "sqlite:///text.db")) == ["integrity"]


def test_the_rest_of_the_disk_is_judged() -> None:
    assert [verification.check_room(free).state for free in (10**12, 5 * 10**8, 10**7)] == ["ok", "warn", "bad"]


def test_in_memory_there_is_nothing_to_check(terminal: Terminal) -> None:
    result = terminal.ok("doctor", "--database", "memory:")
    assert result.out == ""
    assert "nothing to check" in result.err
    assert terminal.ok("doctor", "--database", "memory:", "--json").document["checks"] == []


# Postgres


@pytest.fixture(scope="module")
def owner_url() -> Iterator[str]:
    """A server that keeps what it is given: unlike that of most tests it syncs."""
    with running_server(durable=True) as server:
        store.migrate(server.url)
        yield server.url


@pytest.fixture
def owner(owner_url: str) -> Iterator[Owner]:
    """The owner of a schema with a writer; whatever is done to it is repaired."""
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA turnlog CASCADE")
        connection.execute(f"DROP ROLE IF EXISTS {WRITER}".encode())
        connection.execute(f"CREATE ROLE {WRITER} LOGIN PASSWORD 'x'".encode())
        store.migrate(owner_url, WRITER)
        yield connection
        for setting in ("fsync", "full_page_writes"):
            connection.execute(sql.SQL("ALTER SYSTEM RESET {}").format(sql.Identifier(setting)))
        connection.execute("SELECT pg_reload_conf()")
        connection.execute(f"DROP OWNED BY {WRITER} CASCADE; DROP ROLE {WRITER}".encode())


@pytest.fixture
def writer_url(owner: Owner) -> str:
    info = owner.info
    return f"postgresql://{WRITER}:x@{info.host}:{info.port}/{info.dbname}"


def test_a_healthy_server_is_ok(terminal: Terminal, writer_url: str) -> None:
    found = states(terminal, writer_url, 0)
    assert list(found) == [
        *("server", "recovery", "fsync", "full_page_writes", "synchronous_commit"),
        *("schema", "triggers", "role", "rights", "hints", "clock", "environment"),
    ]
    assert {each["state"] for each in found.values()} == {"ok"}
    assert "procrastinate 3." in found["hints"]["found"]


def test_hints_that_nobody_gets_are_warned_of(terminal: Terminal, owner: Owner, writer_url: str) -> None:
    spoilt = {
        "DROP TABLE turnlog_wakeups.procrastinate_jobs CASCADE": ("warn", "lacks tables"),
        "DROP SCHEMA turnlog_wakeups CASCADE": ("ok", "none are given"),
        "CREATE SCHEMA turnlog_wakeups": ("warn", "somebody else's"),
    }
    for statement, (state, words) in spoilt.items():
        owner.execute(statement.encode())
        found = states(terminal, writer_url, 0)["hints"]
        assert found["state"] == state
        assert words in found["found"]
    owner.execute("DROP SCHEMA turnlog_wakeups")


def test_the_owner_and_a_superuser_are_bad_roles(
    terminal: Terminal, owner: Owner, owner_url: str, writer_url: str
) -> None:
    assert "superuser" in bad(terminal, owner_url)["role"]
    owner.execute(f"ALTER TABLE turnlog.events OWNER TO {WRITER}".encode())
    found = bad(terminal, writer_url)
    assert "owns" in found["role"]
    assert "UPDATE on events" in found["rights"]
    owner.execute("ALTER TABLE turnlog.events OWNER TO postgres")


@pytest.mark.parametrize(
    "spoilt",
    [
        *(
            ("rights", f"GRANT {right} ON turnlog.events TO {WRITER}", f"{right} on events")
            for right in ("INSERT", "UPDATE", "DELETE", "TRUNCATE", "TRIGGER")
        ),
        ("rights", f"GRANT UPDATE (state) ON turnlog.events TO {WRITER}", "UPDATE on events"),
        ("rights", f"GRANT DELETE ON turnlog.blobs TO {WRITER}", "DELETE on blobs"),
        ("rights", f"GRANT pg_execute_server_program TO {WRITER}", "pg_execute_server_program"),
        ("triggers", "DROP TRIGGER events_refuse_change ON turnlog.events", "events_refuse_change is missing"),
        (
            "triggers",
            "ALTER TABLE turnlog.blobs ENABLE TRIGGER blobs_refuse_truncate",
            "blobs_refuse_truncate is disarmed",
        ),
        (
            "triggers",
            f"{DISARM} AS 'BEGIN RETURN NEW; END'",
            "events_refuse_change is disarmed",
        ),
        ("triggers", "CREATE RULE gone AS ON DELETE TO turnlog.events DO INSTEAD NOTHING", "rule gone"),
        ("schema", "DROP INDEX turnlog.events_streams", "events_streams"),
        ("schema", "DELETE FROM turnlog.turnlog_schema", "version 0"),
        ("schema", "INSERT INTO turnlog.turnlog_schema VALUES (99)", "version 99"),
        ("schema", f"REVOKE SELECT ON turnlog.turnlog_schema FROM {WRITER}", "no version"),
        ("synchronous_commit", f"ALTER ROLE {WRITER} SET synchronous_commit = off", "off"),
    ],
)
def test_a_spoilt_schema_is_bad(
    terminal: Terminal,
    owner: Owner,
    writer_url: str,
    spoilt: tuple[str, str, str],
) -> None:
    name, statement, words = spoilt
    owner.execute(statement.encode())
    found = bad(terminal, writer_url)
    assert list(found) == [name]
    assert words in found[name]


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes"])
def test_a_server_that_may_lose_what_it_has_is_bad(
    terminal: Terminal, owner: Owner, writer_url: str, setting: str
) -> None:
    owner.execute(sql.SQL("ALTER SYSTEM SET {} = off").format(sql.Identifier(setting)))
    owner.execute("SELECT pg_reload_conf(), pg_sleep(0.5)")
    assert bad(terminal, writer_url) == {setting: "off"}


def test_the_functions_of_the_library_are_bad(
    terminal: Terminal, writer_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTGRES_ENABLE_DB_FUNCTIONS", "no")
    states(terminal, writer_url, 0)
    monkeypatch.setenv("POSTGRES_ENABLE_DB_FUNCTIONS", "yes")
    assert list(bad(terminal, writer_url)) == ["environment"]


def test_clocks_apart_are_bad(terminal: Terminal, writer_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("turnlog.infrastructure.verification.health.time", lambda: time() - 60)
    found = bad(terminal, writer_url)
    assert list(found) == ["clock"]
    assert found["clock"].startswith(("59", "60"))


def test_a_server_that_is_not_there_or_has_no_schema_is_bad(terminal: Terminal, fresh_postgres: str) -> None:
    found = bad(terminal, "postgresql://u:secret@127.0.0.1:1/x")
    assert list(found) == ["server"]
    assert "secret" not in str(found)
    assert "schema" in bad(terminal, fresh_postgres)

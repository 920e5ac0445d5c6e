"""Where read models are kept, who may read them, and what is said where they cannot be used."""

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from turnlog import Turnlog
from turnlog.domain import InvalidInput, SchemaNewer, StoreError
from turnlog.infrastructure import readmodels, store
from turnlog.projections import SESSION_TABLE, SHIPPED, Table

from ...contract.read_models import fill
from ...projections.story import Story

VIEWS = {f"v_{name}" for name in ("sessions", "tool_calls", "permission_decisions", "usage", "texts")} | {
    "v_runnable_sessions",
    "v_memories",
}
PASSWORD = "hunter2"


@pytest.fixture
async def filled(tmp_path: Path) -> Path:
    """The file of a log with tables."""
    path = tmp_path / "log.db"
    await _fill(f"sqlite:///{path}")
    return path


async def _fill(url: str) -> None:
    async with store.open_store(url) as opened:
        await fill(opened, Story().log)
    async with Turnlog.open(url) as log:
        await log.catch_up()


async def test_the_file_lies_beside_the_log_and_is_its_owners(filled: Path) -> None:
    path = readmodels.readmodels_path(filled)
    assert path == filled.with_name("log.readmodels.db")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_an_auditor_has_the_views_in_sqlite(filled: Path) -> None:
    with closing(sqlite3.connect(readmodels.readmodels_path(filled))) as file:
        views = {name for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'view'")}
        assert views == VIEWS
        for table in (table for projection in SHIPPED for table in projection.tables if table.shown):
            file.execute(f"SELECT {', '.join(table.shown)} FROM v_{table.name}")  # without quotes
        assert file.execute("SELECT title, model FROM v_sessions").fetchall() == [("Fix the build", "test:one")]


async def test_the_log_itself_is_left_alone(filled: Path) -> None:
    with closing(sqlite3.connect(filled)) as file:
        names = {name for (name,) in file.execute("SELECT name FROM sqlite_master")}
    assert not any("sessions" in name or "projections" in name for name in names)


@pytest.mark.parametrize(
    ("statement", "error"),
    [("PRAGMA user_version = 99", SchemaNewer), ("PRAGMA application_id = 7", StoreError)],
)
async def test_a_file_that_is_another_s_is_refused_and_sessions_are_listed_all_the_same(
    filled: Path, statement: str, error: type[StoreError]
) -> None:
    with closing(sqlite3.connect(readmodels.readmodels_path(filled))) as file:
        file.execute(statement)
    async with Turnlog.open(f"sqlite:///{filled}") as log:
        with pytest.raises(error):
            await log.catch_up()
        assert len(await log.list_sessions()) == 1


async def test_tables_that_are_deleted_are_made_again(filled: Path) -> None:
    readmodels.readmodels_path(filled).unlink()
    async with Turnlog.open(f"sqlite:///{filled}") as log:
        assert {each.state for each in await log.projections.status()} == {"missing"}
        await log.catch_up()
        assert {each.state for each in await log.projections.status()} == {"serving"}


async def test_tables_whose_schema_is_dropped_meanwhile_are_missing_and_are_made_again(fresh_postgres: str) -> None:
    store.migrate(fresh_postgres)
    await _fill(fresh_postgres)
    async with Turnlog.open(fresh_postgres) as log:
        listed = await log.list_sessions()
        assert {each.state for each in await log.projections.status()} == {"serving"}
        _run(fresh_postgres, "DROP SCHEMA turnlog_read CASCADE")
        assert {each.state for each in await log.projections.status()} == {"missing"}
        await log.catch_up()
        _run(fresh_postgres, "DROP SCHEMA turnlog_read CASCADE")
        assert await log.list_sessions() == listed
        await log.catch_up()
        assert {each.state for each in await log.projections.status()} == {"serving"}


@pytest.fixture
def auditor(fresh_postgres: str) -> Iterator[str]:
    """A role that owns nothing, and is gone with its test."""
    name = f"auditor_{os.urandom(6).hex()}"
    _run(fresh_postgres, f"CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'")
    yield name
    _run(fresh_postgres, f"DROP OWNED BY {name}; DROP ROLE {name}")


async def test_an_auditor_reads_the_views_and_keeps_the_right_over_a_rebuild(fresh_postgres: str, auditor: str) -> None:
    store.migrate(fresh_postgres)
    await _fill(fresh_postgres)
    _run(fresh_postgres, f"GRANT USAGE ON SCHEMA turnlog_read TO {auditor}")
    _run(fresh_postgres, f"GRANT SELECT ON turnlog_read.v_sessions TO {auditor}")
    async with Turnlog.open(fresh_postgres) as log:
        await log.projections.rebuild("sessions")
    url = _as(fresh_postgres, auditor)
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT title FROM turnlog_read.v_sessions").fetchall() == [("Fix the build",)]
    for statement in ("SELECT * FROM turnlog_read.v_usage", "DELETE FROM turnlog_read.v_sessions"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            _run(url, statement)


async def test_a_writer_without_a_schema_of_its_own_is_told_how_to_get_one(fresh_postgres: str, auditor: str) -> None:
    store.migrate(fresh_postgres, writer_role=auditor)
    async with Turnlog.open(_as(fresh_postgres, auditor)) as log:
        assert await log.list_sessions() == []
        with pytest.raises(StoreError, match="CREATE SCHEMA turnlog_read AUTHORIZATION"):
            await log.catch_up()
        _run(fresh_postgres, f"CREATE SCHEMA turnlog_read AUTHORIZATION {auditor}")
        await log.catch_up()
        assert {each.state for each in await log.projections.status()} == {"serving"}


@pytest.mark.parametrize(
    ("name", "key"), [("Upper", ("id",)), ('a"b', ("id",)), ("x" * 41, ("id",)), ("fine", ()), ("fine", ("other",))]
)
def test_a_table_that_no_database_takes_is_refused(name: str, key: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInput):
        Table(name, {"id": "text"}, key)


def test_every_shipped_projection_has_a_view_for_auditors() -> None:
    views = {f"v_{table.name}" for projection in SHIPPED for table in projection.tables if table.shown}
    assert views == VIEWS
    assert SESSION_TABLE.tables[0].searched is None


def _as(url: str, name: str) -> str:
    return f"postgresql://{name}:{PASSWORD}@{url.rsplit('@', 1)[-1]}"


def _run(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(statement.encode())

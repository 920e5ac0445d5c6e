"""Whatever is wrong with a file, one clear line says so, and what to do."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from turnlog.domain import (
    InvalidInput,
    SchemaMissing,
    SchemaNewer,
    StoreError,
)
from turnlog.infrastructure import store

from ...contract.events import change
from ...small_disk import small_disk
from .refusals import one_line, refusal


def run_sql(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        for statement in statements:
            file.execute(statement)


def make_log(path: Path, count: int = 1) -> str:
    """A store in a file, with a few events; returns its URL."""
    url = f"sqlite:///{path}"

    async def write() -> None:
        async with store.open_store(url) as opened:
            await opened.log.append(change("s", 0, *(["x" * 500] * count)))

    asyncio.run(write())
    return url


def test_a_new_file_is_set_up_with_its_directory_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "new" / "deep" / "log file é.db"
    make_log(path)
    assert path.stat().st_mode & 0o777 == 0o600


def modes(directory: Path) -> set[int]:
    return {file.stat().st_mode & 0o777 for file in directory.iterdir()}


def test_side_files_are_for_the_owner_only_too(tmp_path: Path) -> None:
    async def look() -> set[int]:
        async with store.open_store(f"sqlite:///{tmp_path}/log.db") as opened:
            await opened.log.append(change("s", 0, "x"))
            return modes(tmp_path)

    assert asyncio.run(look()) == {0o600}


def test_a_relative_path_stays_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def move() -> None:
        monkeypatch.chdir(tmp_path)
        async with store.open_store("sqlite:///here/a%20log.db") as opened:
            monkeypatch.chdir("/")
            await opened.log.append(change("s", 0, "x"))

    asyncio.run(move())
    assert (tmp_path / "here" / "a log.db").is_file()


def test_an_empty_file_is_set_up(tmp_path: Path) -> None:
    (tmp_path / "log.db").touch()
    make_log(tmp_path / "log.db")


@pytest.mark.parametrize("content", [b"hello", b"SQLite format 3\0" + b"x" * 4096, b"\0" * 9000])
def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    refusal(f"sqlite:///{path}", StoreError, "notes.txt", "not an SQLite database")
    assert path.read_bytes() == content


def test_somebody_elses_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "theirs.db"
    run_sql(path, "CREATE TABLE events (x)")
    content = path.read_bytes()
    refusal(f"sqlite:///{path}", StoreError, "theirs.db", "not a turnlog database")
    with pytest.raises(StoreError, match="not a turnlog database"):
        store.migrate(f"sqlite:///{path}")
    assert path.read_bytes() == content


def test_a_directory_is_no_database(tmp_path: Path) -> None:
    refusal(f"sqlite:///{tmp_path}", StoreError, "cannot be opened")


def test_a_file_in_the_way_of_the_directory_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    refusal(f"sqlite:///{tmp_path}/file/log.db", StoreError, "cannot be opened")


@pytest.mark.parametrize("gone", ["TABLE events", "TRIGGER events_refuse_delete", "TABLE blobs"])
def test_half_a_schema_in_a_file_is_named_and_can_be_completed(tmp_path: Path, gone: str) -> None:
    url = make_log(tmp_path / "log.db")
    run_sql(tmp_path / "log.db", f"DROP {gone}")
    refusal(url, SchemaMissing, "only part", gone.split()[1], "turnlog db migrate")
    store.migrate(url)
    asyncio.run(store.open_store(url).close())


def test_a_schema_without_its_version_is_half_a_schema(tmp_path: Path) -> None:
    url = make_log(tmp_path / "log.db")
    run_sql(tmp_path / "log.db", "DELETE FROM turnlog_schema")
    refusal(url, SchemaMissing, "turnlog db migrate")
    store.migrate(url)
    asyncio.run(store.open_store(url).close())


def test_a_file_of_a_newer_turnlog_is_left_alone(tmp_path: Path) -> None:
    url = make_log(tmp_path / "log.db")
    run_sql(tmp_path / "log.db", "INSERT INTO turnlog_schema VALUES (7, 'later')")
    refusal(url, SchemaNewer, "schema 7", "upgrade turnlog")
    with pytest.raises(SchemaNewer):
        store.migrate(url)


def test_a_damaged_file_says_so(tmp_path: Path) -> None:
    url = make_log(tmp_path / "log.db", count=200)
    with (tmp_path / "log.db").open("r+b") as file:
        file.seek(3 * 4096)
        file.write(b"\xff" * 60 * 1024)

    async def read() -> None:
        async with store.open_store(url) as opened:
            await opened.log.read_all()

    with pytest.raises(StoreError) as caught:
        asyncio.run(read())
    one_line(caught.value, "log.db", "damaged", "backup")


def append_until_refused(url: str) -> tuple[StoreError, int]:
    """Append until the database is full; returns the refusal and the version reached."""

    async def fill() -> tuple[StoreError, int]:
        async with store.open_store(url) as opened:
            for version in range(10_000):
                try:
                    await opened.log.append(change("s", version, "x" * 5000))
                except StoreError as error:
                    assert len(await opened.log.read("s")) == version
                    return error, version
        raise AssertionError("never full")

    return asyncio.run(fill())


@pytest.fixture
def full_soon(tmp_path: Path) -> Iterator[Path]:
    """A file system of two megabytes."""
    with small_disk(tmp_path / "small", 2) as disk:
        yield disk.path


def test_a_full_disk_refuses_the_append_and_keeps_what_was_there(full_soon: Path) -> None:
    url = f"sqlite:///{full_soon}/log.db"
    error, version = append_until_refused(url)
    one_line(error, "log.db", "disk", "free")
    assert version > 10

    async def read() -> int:
        async with store.open_store(url) as opened:
            return len(await opened.log.read("s"))

    assert asyncio.run(read()) == version


class SmallFile(sqlite3.Connection):
    """A connection to a file that may not grow."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.execute("PRAGMA max_page_count = 60")


class ReadOnlyFile(sqlite3.Connection):
    """A connection that may not write."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.execute("PRAGMA query_only = on")


def test_a_full_database_refuses_the_append(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=SmallFile))
    error, version = append_until_refused(f"sqlite:///{tmp_path}/log.db")
    one_line(error, "log.db", "full", "free")
    assert version > 10


def test_a_file_that_may_not_be_written_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = make_log(tmp_path / "log.db")

    async def append() -> None:
        async with store.open_store(url) as opened:
            await opened.log.append(change("s", 1, "x"))

    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=ReadOnlyFile))
    with pytest.raises(StoreError) as caught:
        asyncio.run(append())
    one_line(caught.value, "log.db", "permissions")


def test_roles_are_for_postgres(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no roles"):
        store.migrate(f"sqlite:///{tmp_path}/log.db", writer_role="w")


def test_settings_meant_for_others_are_not_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPRESSOR_TOPIC", "eventsourcing.compressor:ZlibCompressor")
    monkeypatch.setenv("IS_SNAPSHOTTING_ENABLED", "y")
    monkeypatch.setenv("POSTGRES_ENABLE_DB_FUNCTIONS", "y")
    make_log(tmp_path / "log.db")
    with closing(sqlite3.connect(tmp_path / "log.db")) as file:
        assert file.execute("SELECT state FROM events").fetchone()[0].startswith(b"{")

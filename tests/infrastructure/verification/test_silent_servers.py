"""The doctor and a Postgres that goes silent: whatever it does not say, there is an answer within the deadline."""

import os
import signal
import socket
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from time import monotonic, sleep

import psycopg
import pytest

from turnlog.infrastructure import store, verification

from ...postgres_server import running_server

SECONDS = 2
SLACK = 1.5
WAITERS = """
SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND application_name LIKE 'turnlog%' AND wait_event_type = 'Lock'
"""


@pytest.fixture(scope="module")
def server_url() -> Iterator[str]:
    """A server whose processes may be stopped."""
    with running_server() as server:
        store.migrate(server.url)
        yield server.url


@contextmanager
def locked(url: str) -> Generator[None]:
    """Nobody can read which version the schema has."""
    with psycopg.connect(url) as holder:
        holder.execute("LOCK TABLE turnlog.turnlog_schema IN ACCESS EXCLUSIVE MODE")
        yield
        holder.rollback()


def waiters(url: str) -> list[int]:
    """The server's processes that serve a doctor, and wait for the lock."""
    with psycopg.connect(url) as watcher:
        return [int(row[0]) for row in watcher.execute(WAITERS)]


def waiter(url: str) -> int:
    """The one of them, once there is one."""
    eventually(lambda: len(waiters(url)) == 1)
    return waiters(url)[0]


def eventually(is_so: Callable[[], bool]) -> None:
    """Return once it is so; fails where it does not become so."""
    until = monotonic() + 5
    while not is_so():
        assert monotonic() < until, "it does not come to pass"
        sleep(0.01)


@contextmanager
def stopped(pid: int) -> Generator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def hurried(url: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}deadline={SECONDS}"


@contextmanager
def silent_servers(count: int) -> Generator[str]:
    """A URL of so many servers that let one connect, and say nothing."""
    with ExitStack() as stack:
        ports = [stack.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1] for _ in range(count)]
        yield f"postgresql://u:secret@{','.join(f'127.0.0.1:{port}' for port in ports)}/x"


def found_in(checks: Sequence[verification.Check]) -> dict[str, str]:
    return {check.name: check.found for check in checks if check.state == "bad"}


def test_a_server_process_that_is_stopped_in_the_middle_is_bad_within_the_deadline(server_url: str) -> None:
    with ThreadPoolExecutor(1) as pool, ExitStack() as stop:
        with locked(server_url):
            begun = monotonic()
            examining = pool.submit(verification.examine, hurried(server_url))
            stop.enter_context(stopped(waiter(server_url)))
        found = found_in(examining.result(SECONDS + SLACK))
        assert monotonic() - begun < SECONDS + SLACK
    assert list(found) == ["server"]
    assert found["server"] == "it did not answer within 2 seconds"


def test_a_lock_that_is_never_released_is_bad_within_the_deadline(server_url: str) -> None:
    with ThreadPoolExecutor(1) as pool, locked(server_url):
        examining = pool.submit(verification.examine, hurried(server_url))
        found = found_in(examining.result(SECONDS + SLACK))
        eventually(lambda: waiters(server_url) == [])
    assert list(found) == ["server"]


def test_servers_that_let_one_connect_and_say_nothing_share_the_deadline() -> None:
    with silent_servers(3) as url:
        begun = monotonic()
        found = found_in(verification.examine(hurried(url)))
        assert monotonic() - begun < SECONDS + SLACK
    assert found == {"server": "it did not answer within 2 seconds"}


def test_what_a_silent_server_held_up_ends_soon_after(server_url: str) -> None:
    with ThreadPoolExecutor(1) as pool, locked(server_url):
        examining = pool.submit(verification.examine, hurried(server_url))
        with stopped(waiter(server_url)):
            examining.result(SECONDS + SLACK)
            eventually(lambda: all(thread.name != "turnlog-doctor" for thread in threading.enumerate()))

"""A disk that is full under Postgres: said in time, nothing acknowledged is lost, and it goes on once there is room."""

import asyncio
import secrets
import shutil
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import psycopg
import pytest

from turnlog.domain import StoreError
from turnlog.infrastructure import store, verification

from ..contract.events import change
from ..postgres_server import Account, PostgresServer, running_server
from ..small_disk import SmallDisk, disk_in_use
from .postgres_restarts import Restarts

pytestmark = pytest.mark.fault

DEADLINE = 2.0
SLACK = 1.0
WRITERS = 6


@dataclass(slots=True)
class Refusal:
    """How an append was refused, and after how many seconds."""

    error: StoreError
    seconds: float


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    with running_server() as running:
        yield running


async def fill(opened: store.Store, stream: str, size: int, acknowledged: dict[str, int]) -> Refusal:
    """Append so many characters at a time until refused."""
    for version in range(100_000):
        began = monotonic()
        try:
            await opened.log.append(change(stream, version, secrets.token_hex(size // 2)))
        except StoreError as error:
            return Refusal(error, monotonic() - began)
        acknowledged[stream] = version + 1
    raise AssertionError("never full")


async def fill_from_all_sides(opened: store.Store, size: int, acknowledged: dict[str, int]) -> Sequence[Refusal]:
    """Several writers at once, each until refused."""
    return await asyncio.gather(*(fill(opened, f"s{number}", size, acknowledged) for number in range(WRITERS)))


def assert_verified(url: str) -> None:
    """The chains hold."""
    source = verification.PostgresSchema(url, "turnlog", "the server")
    report = verification.verify(source, processes=1)
    assert report.findings == []
    assert report.streams == WRITERS


# The disk that holds the tables


@pytest.fixture
def tables(server: PostgresServer) -> Iterator[tuple[SmallDisk, str]]:
    """A disk that is soon full, and the URL of a database that lies on it."""
    with disk_in_use(Path(server.directory, "tables"), 16) as disk:
        Account.allowed().own(disk.path)
        with psycopg.connect(server.url, autocommit=True) as owner:
            owner.execute(f"CREATE TABLESPACE small LOCATION '{disk.path}'".encode())
            owner.execute("CREATE DATABASE small TABLESPACE small")
        url = f"{server.url.rpartition('/')[0]}/small"
        store.migrate(url)
        yield disk, url


async def test_tables_that_cannot_grow_keep_what_was_acknowledged_and_go_on_once_there_is_room(
    tables: tuple[SmallDisk, str],
) -> None:
    disk, url = tables
    acknowledged: dict[str, int] = {}
    async with store.open_store(f"{url}?deadline={DEADLINE}") as opened:
        refusals = await fill_from_all_sides(opened, 3000, acknowledged)
        assert all("cannot grow, its disk is full; free some space" in each.error.message for each in refusals)
        assert max(each.seconds for each in refusals) < DEADLINE + SLACK
        disk.resize(32)
        for stream, version in acknowledged.items():  # where no version was lost, and none written unasked
            await opened.log.append(change(stream, version, "again"))
    assert sum(acknowledged.values()) > 100
    assert_verified(url)


# The disk that holds the write-ahead log


@pytest.fixture
def restarts(server: PostgresServer) -> Iterator[Restarts]:
    found = Restarts(server)
    yield found
    found.close()


@pytest.fixture
def write_ahead_log(server: PostgresServer, restarts: Restarts) -> Iterator[SmallDisk]:
    """A disk that is soon full, with the server's write-ahead log on it."""
    place = Path(server.directory, "data", "pg_wal")
    with disk_in_use(Path(server.directory, "wal"), 100) as disk:
        Account.allowed().own(disk.path)
        restarts.stop(signal.SIGINT)
        shutil.copytree(place, disk.path, dirs_exist_ok=True)
        for each in disk.path.rglob("*"):
            Account.allowed().own(each)
        shutil.rmtree(place)
        place.symlink_to(disk.path)
        restarts.start()
        restarts.wait_until_it_answers()
        store.migrate(server.url)
        yield disk


async def test_a_log_that_cannot_be_written_ahead_stops_the_server_and_loses_nothing_acknowledged(
    server: PostgresServer, restarts: Restarts, write_ahead_log: SmallDisk
) -> None:
    write_ahead_log.resize(40)  # two of its segments, and a part
    acknowledged: dict[str, int] = {}
    async with store.open_store(f"{server.url}?deadline={DEADLINE}") as opened:
        refusals = await fill_from_all_sides(opened, 200_000, acknowledged)
        assert {each.error.code for each in refusals} == {"store"}
        assert any("outcome is unknown" in each.error.message for each in refusals)
        assert max(each.seconds for each in refusals) < DEADLINE + SLACK
        restarts.wait_until_gone()  # Postgres's own choice: it cannot even recover
        write_ahead_log.resize(200)
        restarts.start()
        restarts.wait_until_it_answers()
        for stream, version in acknowledged.items():
            stored = await opened.log.read(stream)
            assert len(stored) in {version, version + 1}  # what was under way may have been written
            await opened.log.append(change(stream, len(stored), "again"))
    assert sum(acknowledged.values()) > 10
    assert_verified(server.url)

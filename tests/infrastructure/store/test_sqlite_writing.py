"""How appends share a transaction of an SQLite file, and what positions and other processes can rely on."""

import asyncio
import sqlite3
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any

import pytest
from eventsourcing.persistence import IntegrityError, StoredEvent

from turnlog.domain import StoreError, VersionConflict
from turnlog.infrastructure import store

from ...contract.events import change, titles
from ...contract.test_chain import hash_event, hash_link


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.db"


@pytest.fixture
def url(path: Path) -> str:
    return f"sqlite:///{path}"


def stored(stream: str, version: int, state: bytes = b"{}") -> StoredEvent:
    return StoredEvent(stream, version, "SessionRenamed/1", state)


def select(path: Path, statement: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as file:
        return file.execute(statement).fetchall()


async def test_of_32_concurrent_appends_only_the_one_in_conflict_fails(url: str) -> None:
    async with store.open_store(url) as opened:
        await opened.log.append(change("s7", 0, "before"))
        appends = (opened.log.append(change(f"s{n}", 0, f"{n}", "and more")) for n in range(32))
        results = await asyncio.gather(*appends, return_exceptions=True)
        failed = [n for n, result in enumerate(results) if isinstance(result, BaseException)]
        assert failed == [7]
        assert isinstance(results[7], VersionConflict)
        assert titles(await opened.log.read("s7")) == ["before"]
        assert len(await opened.log.read_all()) == 1 + 31 * 2


async def test_positions_are_those_under_which_events_are_read(url: str) -> None:
    async with store.open_store(url) as opened:
        results = await asyncio.gather(*(opened.log.append(change(f"s{n}", 0, *"abc"[: n % 4])) for n in range(32)))
        recorded = sorted((one.position or 0, one.stream, one.version) for result in results for one in result)
        found = [(one.position or 0, one.stream, one.version) for one in await opened.log.read_all()]
        assert found == recorded
        assert [position for position, _, _ in found] == list(range(1, len(found) + 1))


async def test_appends_that_wait_together_share_a_transaction(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    statements: list[str] = []

    class Traced(sqlite3.Connection):
        """Notes what it is told."""

        def __init__(self, *args: Any, **more: Any) -> None:
            super().__init__(*args, **more)
            self.set_trace_callback(statements.append)

    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=Traced))
    async with store.open_store(url) as opened:
        statements.clear()
        await asyncio.gather(*(opened.log.append(change(f"s{n}", 0, "x")) for n in range(32)))
        assert statements.count("COMMIT") <= 4  # the first may go alone, and some more while the others get ready


async def test_an_error_in_the_middle_leaves_nothing(url: str, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = "INSERT INTO events SELECT NULL, ?1, ?2, ?3, ?4, iif(?2 = 2, x'', ?5)"
    async with store.open_store(url) as opened:
        with monkeypatch.context() as patch:
            patch.setattr("turnlog.infrastructure.store.sqlite_writer.INSERT", bad)
            with pytest.raises(StoreError):
                await opened.log.append(change("a", 0, "x", "y"), change("b", 0, "z"))
        assert select(path, "SELECT * FROM events") == []
        (recorded,) = await opened.log.append(change("a", 0, "x"))
        assert recorded.position == 1


async def test_events_that_are_not_next_in_their_stream_are_inserted_too(url: str, path: Path) -> None:
    async with store.open_store(url) as opened:
        opened.recorder.insert_events([stored("a", 1), stored("a", 5)])
        assert opened.recorder.insert_events([stored("a", 3, b"3"), stored("a", 4, b"4")]) == [3, 4]
        with pytest.raises(IntegrityError):
            opened.recorder.insert_events([stored("a", 2), stored("a", 4)])
    links = dict(select(path, "SELECT originator_version, chain FROM events WHERE originator_id = 'a' ORDER BY 1"))
    assert list(links) == [1, 3, 4, 5]
    assert links[3] == hash_link(links[1], hash_event("a", 3, "SessionRenamed/1", b"3"))
    assert links[4] == hash_link(links[3], hash_event("a", 4, "SessionRenamed/1", b"4"))


async def test_a_position_is_never_given_again_even_should_its_row_vanish(url: str, path: Path) -> None:
    async with store.open_store(url) as opened:
        recorded = await opened.log.append(change("s", 0, "x", "y", "z"))
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("DROP TRIGGER events_refuse_delete")
        file.execute("DELETE FROM events WHERE originator_version = 3")
    store.migrate(url)
    async with store.open_store(url) as opened:
        (again,) = await opened.log.append(change("s", 2, "again"))
        assert (again.position or 0) > (recorded[-1].position or 0)


@pytest.mark.parametrize("chain", ["x''", "zeroblob(33)", f"'{'x' * 32}'", "NULL"])
async def test_a_row_without_a_whole_chain_value_is_refused(url: str, path: Path, chain: str) -> None:
    async with store.open_store(url):
        with pytest.raises(sqlite3.IntegrityError):
            select(path, f"INSERT INTO events VALUES (NULL, 's', 1, 't', x'', {chain})")


async def test_threads_may_insert_at_once_through_the_recorder(url: str) -> None:
    async with store.open_store(url) as opened:
        recorder = opened.recorder

        def run(name: str) -> None:
            for version in range(1, 21):
                recorder.insert_events([stored(name, version)])

        await asyncio.gather(*(asyncio.to_thread(run, f"t{n}") for n in range(8)))
        assert recorder.max_notification_id() == 160


OTHER = """
import asyncio, sys
from datetime import UTC, datetime
from turnlog.domain import Actor, Change, SessionRenamed
from turnlog.infrastructure import store

async def main(url):
    event = SessionRenamed(at=datetime.now(UTC), actor=Actor(kind="worker", id="w"), title="x")
    async with store.open_store(url) as opened:
        async def write(stream):
            for version in range(50):
                await opened.log.append(Change(stream, version, (event,)))
        await asyncio.gather(*(write(f"other-{n}") for n in range(8)))
        seen = opened.log.appends
        print("written", flush=True)
        await opened.log.wait(seen, 30)
        print("rung" if opened.log.appends > seen else "missed", flush=True)

asyncio.run(main(sys.argv[1]))
"""


@contextmanager
def another_process(url: str) -> Generator[IO[str]]:
    """One that writes too; what it says."""
    command = [sys.executable, *(["-P"] if sys.flags.safe_path else []), "-c", OTHER, url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout


async def test_two_processes_lose_nothing_and_each_hears_of_the_other(url: str, path: Path) -> None:
    async with store.open_store(url) as opened:
        seen = opened.log.appends
        with another_process(url) as other:
            await asyncio.wait_for(opened.log.wait(seen, 60), 30)
            assert opened.log.appends > seen

            async def write(stream: str) -> None:
                for version in range(50):
                    await opened.log.append(change(stream, version, "x"))

            await asyncio.gather(*(write(f"own-{n}") for n in range(8)))
            assert await asyncio.to_thread(other.readline) == "written\n"
            await asyncio.sleep(0.2)  # what is written before the other waits would not count
            await opened.log.append(change("last", 0, "x"))
            assert await asyncio.to_thread(other.readline) == "rung\n"
    counts = select(path, "SELECT originator_id, count(*), max(originator_version) FROM events GROUP BY 1")
    assert {(count, last) for name, count, last in counts if name != "last"} == {(50, 50)}
    assert select(path, "SELECT count(*), max(notification_id) FROM events") == [(801, 801)]


async def test_another_process_s_append_is_heard_of_within_a_fraction_of_a_second(url: str) -> None:
    async with store.open_store(url) as one, store.open_store(url) as other:
        waits: list[float] = []
        for version in range(5):
            seen, begun = one.log.appends, time.monotonic()
            await other.log.append(change("s", version, "x"))
            await asyncio.wait_for(one.log.wait(seen, 60), 10)
            waits.append(time.monotonic() - begun)
        assert min(waits) < 0.2


async def test_what_a_process_appends_itself_rings_once(url: str) -> None:
    async with store.open_store(url) as opened:
        seen = opened.log.appends
        await opened.log.append(change("s", 0, "x"))
        await opened.blobs.put(b"x", "text/plain")
        await asyncio.sleep(0.2)
        assert opened.log.appends == seen + 1

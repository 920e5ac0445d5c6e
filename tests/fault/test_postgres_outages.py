"""A server that is stuck, paused or restarted: an answer within the deadline, and nothing lost or doubled."""

import asyncio
import os
import signal
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic

import psycopg
import pytest
from eventsourcing.persistence import StoredEvent

from turnlog.domain import StoreError, VersionConflict
from turnlog.infrastructure import store

from ..contract.events import change, places
from ..postgres_server import PostgresServer, running_server
from ..runtime.world import PATIENCE
from .postgres_proxy import proxy_before
from .postgres_restarts import Restarts

pytestmark = pytest.mark.fault


def hurried(url: str, seconds: float) -> str:
    return f"{url}{'&' if '?' in url else '?'}deadline={seconds:g}"


async def refused_within(opened: store.Store, seconds: float, version: int) -> str:
    began = monotonic()
    with pytest.raises(StoreError) as caught:
        await opened.log.append(change("s", version, "x"))
    assert monotonic() - began < seconds
    return str(caught.value)


async def test_a_stuck_lock_is_an_error_within_the_deadline(fresh_postgres: str) -> None:
    store.migrate(fresh_postgres)
    async with store.open_store(hurried(fresh_postgres, 2)) as opened:
        with psycopg.connect(fresh_postgres) as holder:
            holder.execute("LOCK TABLE turnlog.events IN SHARE MODE")
            assert "did not answer" in await refused_within(opened, 2.5, 0)
        await opened.log.append(change("s", 0, "x"))
        assert places(await opened.log.read_all()) == [("s", 1)]


async def test_a_writer_that_hangs_in_the_middle_of_the_same_version_is_waited_for_no_longer(
    fresh_postgres: str,
) -> None:
    store.migrate(fresh_postgres)
    async with store.open_store(hurried(fresh_postgres, 2)) as opened:
        with psycopg.connect(fresh_postgres) as hanging:
            hanging.execute(
                "SELECT turnlog.append('{s}'::text[], '{1}'::int8[], '{t}'::text[], ARRAY[''::bytea],"
                " '{0}'::int8[], '{0}'::int8[])"
            )
            await refused_within(opened, 2.5, 0)
            hanging.rollback()
        await opened.log.append(change("s", 0, "x"))


@contextmanager
def paused(server: PostgresServer) -> Generator[None]:
    """Every process of the server stands still, and its connections stay open."""
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    pids = [server.pid, *map(int, children)]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


@pytest.fixture
def own_server() -> Iterator[PostgresServer]:
    """A server that may be ill-treated. Durable: else an immediate stop would take acknowledged commits with it."""
    with running_server() as server:
        store.migrate(server.url)
        yield server


@pytest.mark.skipif(sys.platform != "linux", reason="finds the server's processes in /proc")
async def test_a_paused_server_is_an_error_within_the_deadline(own_server: PostgresServer) -> None:
    async with store.open_store(hurried(own_server.url, 3)) as opened:
        await opened.log.append(change("s", 0, "x"))
        assert len(await opened.log.read("s")) == 1
        with paused(own_server):
            assert "outcome is unknown" in await refused_within(opened, 5.5, 1)
            began = monotonic()
            with pytest.raises(StoreError):
                await opened.log.read("s")
            assert monotonic() - began < 5.5
        assert await reached_before_an_append(opened, "s") in {1, 2}


async def reached_before_an_append(opened: store.Store, stream: str) -> int:
    """The version after which an append goes through, once what was under way has come to its end."""
    end = monotonic() + PATIENCE
    while True:
        assert monotonic() < end
        with suppress(StoreError):
            version = len(await opened.log.read(stream))
            break
    with suppress(VersionConflict):
        await opened.log.append(change(stream, version, "next"))
        return version
    return await reached_before_an_append(opened, stream)


async def write_versions(opened: store.Store, stream: str, stop: asyncio.Event) -> int:
    version = 0
    while not stop.is_set():
        await opened.log.append(change(stream, version, "x", "y"))
        version += 2
    return version


@pytest.mark.skipif(sys.platform != "linux", reason="finds the server's program in /proc")
async def test_restarts_in_the_middle_of_appends_lose_and_double_nothing(own_server: PostgresServer) -> None:
    restarts = Restarts(own_server)
    try:
        async with store.open_store(own_server.url) as opened:
            stop = asyncio.Event()
            writers = [asyncio.create_task(write_versions(opened, f"s{n}", stop)) for n in range(8)]
            for how in (signal.SIGINT, signal.SIGQUIT, signal.SIGINT):
                await asyncio.sleep(0.5)
                await asyncio.to_thread(restarts.restart, how, 0.3)
            await asyncio.sleep(1)
            stop.set()
            written = [await writer for writer in writers]
            assert min(written) > 0
            for number, count in enumerate(written):
                stored = await opened.log.read(f"s{number}")
                assert [one.version for one in stored] == list(range(1, count + 1))
    finally:
        restarts.close()


@pytest.mark.skipif(sys.platform != "linux", reason="finds the server's program in /proc")
async def test_a_subscription_goes_on_after_a_restart(own_server: PostgresServer) -> None:
    restarts = Restarts(own_server)
    try:
        async with store.open_store(own_server.url) as opened:
            with opened.recorder.subscribe(gt=0) as subscription:
                opened.recorder.insert_events([StoredEvent("s", 1, "t", b"{}")])
                assert (await asyncio.to_thread(next, subscription)).originator_version == 1
                await asyncio.to_thread(restarts.restart, signal.SIGINT, 0.5)
                opened.recorder.insert_events([StoredEvent("s", 2, "t", b"{}")])
                assert (await asyncio.to_thread(next, subscription)).originator_version == 2
    finally:
        restarts.close()


async def seen_after(one: store.Store, other: store.Store, version: int) -> float:
    """Seconds until a reader in one store sees what the other appends."""
    with one.recorder.subscribe(gt=one.recorder.max_notification_id() or 0) as subscription:
        heard = asyncio.create_task(asyncio.to_thread(next, subscription))
        await asyncio.sleep(0.1)
        await other.log.append(change("s", version, "x"))
        began = monotonic()
        await heard
        return monotonic() - began


async def test_what_others_append_is_heard_of_at_once(fresh_postgres: str) -> None:
    store.migrate(fresh_postgres)
    async with store.open_store(fresh_postgres) as one, store.open_store(fresh_postgres) as other:
        await asyncio.sleep(0.5)  # both listen by now
        assert min([await seen_after(one, other, version) for version in range(3)]) < 0.5
        appends = one.log.appends
        waiting = asyncio.create_task(one.log.wait(appends, 5))
        await asyncio.sleep(0.05)
        await other.log.append(change("t", 0, "x"))
        await asyncio.wait_for(waiting, 2)
        assert one.log.appends > appends


async def test_what_nobody_tells_of_is_seen_by_looking(fresh_postgres: str) -> None:
    """A LISTEN that comes late, or is lost, costs no more than the poll."""
    store.migrate(fresh_postgres)
    with proxy_before(fresh_postgres) as (proxy, through):
        proxy.never = b"LISTEN"
        async with store.open_store(through) as one, store.open_store(fresh_postgres) as other:
            await asyncio.sleep(0.3)
            for version in range(3):
                assert await seen_after(one, other, version) < 1.2


async def test_many_subscribers_share_one_listening_connection(fresh_postgres: str) -> None:
    store.migrate(fresh_postgres)
    async with store.open_store(fresh_postgres) as opened:
        subscriptions = [opened.recorder.subscribe(gt=0) for _ in range(12)]
        await opened.log.append(change("s", 0, "x"))
        for one in subscriptions:
            assert (await asyncio.to_thread(next, one)).originator_id == "s"
        with psycopg.connect(fresh_postgres) as server:
            row = server.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND query ~ '^(NOTIFY|LISTEN)'"
            ).fetchone()
        assert row == (1,)
        for one in subscriptions:
            one.stop()
            with one:
                pass


@pytest.mark.skipif(sys.platform != "linux", reason="finds the server's program in /proc")
async def test_reads_go_on_soon_after_a_server_that_was_long_away(own_server: PostgresServer) -> None:
    """However long it was away, and however often it was asked meanwhile."""
    restarts = Restarts(own_server)
    try:
        async with store.open_store(hurried(own_server.url, 2)) as opened:
            await opened.log.append(change("s", 0, "x"))
            restarts.stop(signal.SIGQUIT)
            away = monotonic()
            while monotonic() - away < 4:
                with pytest.raises(StoreError):
                    await opened.log.read("s")
            restarts.start()
            restarts.wait_until_it_answers()
            back = monotonic()
            while True:
                try:
                    assert len(await opened.log.read("s")) == 1
                    break
                except StoreError:
                    assert monotonic() - back < 2
    finally:
        restarts.close()

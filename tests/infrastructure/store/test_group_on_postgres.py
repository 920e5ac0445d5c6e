"""Group commit on a real Postgres: loops in several threads, more than a socket takes, and who else writes."""

import asyncio
import threading

import pytest
from eventsourcing.persistence import StoredEvent

from turnlog.domain import StoreError
from turnlog.infrastructure import store

from ...contract.events import change, titles
from .wire import MANY, Append, until

BACKEND = "_backend"


def test_event_loops_in_several_threads_share_one_log(fresh_postgres: str) -> None:
    store.migrate(fresh_postgres)
    opened = store.open_store(fresh_postgres)

    async def write(name: str) -> None:
        for version in range(20):
            await asyncio.gather(*(opened.log.append(change(f"{name}-{n}", version, "x")) for n in range(4)))

    threads = [threading.Thread(target=asyncio.run, args=(write(f"t{n}"),)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    async def count() -> int:
        async with opened:
            return len(await opened.log.read_all(0, 1000))

    assert asyncio.run(count()) == 4 * 4 * 20


async def test_an_append_larger_than_the_socket_takes_at_once_is_written(fresh_postgres: str) -> None:
    store.migrate(fresh_postgres)
    async with store.open_store(fresh_postgres) as opened:
        await opened.log.append(change("s", 0, "first"))
        large = "x" * 20_000_000
        await asyncio.gather(opened.log.append(change("s", 1, large)), opened.log.append(change("t", 0, "small")))
        assert [len(title) for title in titles(await opened.log.read("s"))] == [5, len(large)]


async def test_more_than_the_socket_takes_goes_while_answers_come(fresh_postgres: str) -> None:
    store.migrate(fresh_postgres)
    async with store.open_store(fresh_postgres) as opened:
        await opened.log.append(change("s", 0, "connected"))
        for version in range(3):
            large = "x" * 1_000_000
            await asyncio.gather(*(opened.log.append(change(f"s{n}", version, large)) for n in range(2 * MANY)))
        assert [len(await opened.log.read(f"s{n}")) for n in range(2 * MANY)] == [3] * 2 * MANY


async def test_the_connection_says_that_another_thread_waits_for_it(fresh_postgres: str) -> None:
    store.migrate(fresh_postgres)
    async with store.open_store(fresh_postgres) as opened:
        await opened.log.append(change("first", 0, "connected"))
        backend: store.backend.Backend = getattr(opened, BACKEND)
        pipeline = backend.begin() if backend.begin else None
        assert pipeline is not None
        assert not pipeline.wanted
        event = StoredEvent("other", 1, "t", b"")
        waiting = asyncio.create_task(asyncio.to_thread(opened.recorder.insert_events, [event]))
        await until(lambda: pipeline.wanted)
        pipeline.release()
        assert len(await waiting or ()) == 1
        assert not pipeline.wanted


async def test_an_append_the_loop_cannot_send_is_refused_like_any_other(fresh_postgres: str) -> None:
    store.migrate(fresh_postgres)
    async with store.open_store(fresh_postgres) as opened:
        await opened.log.append(change("s", 0, "x"))
        with pytest.raises(StoreError):
            await opened.log.write(Append([StoredEvent("s", 2, "a\0b", b"")], {"s": 1}))
        await opened.log.append(change("s", 1, "y"))
        assert titles(await opened.log.read("s")) == ["x", "y"]

"""Bytes on disk: of one event, and of a session against its content; indexes and all."""

import asyncio
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from random import Random

import psycopg
from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder

from turnlog.domain import Change
from turnlog.infrastructure import store

from . import content
from .cells import Bench
from .contenders import STATE, TOPIC, stock_datastore
from .figures import Figure, at_most, figure
from .server import Server

STREAMS = 50
STREAM_EVENTS = 100
TURNS = 500
QUICK_TURNS = 50
TURN_BYTES = content.MESSAGES_A_TURN * content.MESSAGE_BYTES
RELATIONS = """
SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
"""


def small_events() -> list[Change]:
    """Many events of one size, in streams as long as usual sessions, ten to an append."""
    written = (content.event(),) * 10
    return [
        Change(f"stream-{stream}", after, written)
        for stream in range(STREAMS)
        for after in range(0, STREAM_EVENTS, len(written))
    ]


def long_session(turns: int) -> list[Change]:
    """One session whose every message is an append of its own, as an agent's are."""
    random = Random(7)
    events = [event for number in range(turns) for event in content.turn(random, number)]
    return [Change("session", after, (event,)) for after, event in enumerate(events)]


def measure_postgres(bench: Bench, server: Server) -> list[Figure]:
    """Bytes in Postgres, with every index and TOAST table."""
    ours: list[float] = []
    stock: list[float] = []
    ratio: list[float] = []
    turns = QUICK_TURNS if bench.quick else TURNS
    for _ in range(bench.repeats):
        with server.database() as url:
            ours.append(_grown(url, small_events()) / (STREAMS * STREAM_EVENTS))
        with server.database() as url:
            stock.append(_grown_stock(url) / (STREAMS * STREAM_EVENTS))
        with server.database() as url:
            ratio.append(_grown(url, long_session(turns)) / (turns * TURN_BYTES))
    return [
        figure("bytes_per_event", ours, "B"),
        figure("bytes_per_event_stock", stock, "B"),
        figure("bytes_ratio", ratio, "x", at_most(2)),
    ]


def measure_sqlite(bench: Bench) -> list[Figure]:
    """Bytes of the file, its write-ahead log written back."""
    ours: list[float] = []
    ratio: list[float] = []
    turns = QUICK_TURNS if bench.quick else TURNS
    for _ in range(bench.repeats):
        ours.append(_file_bytes(small_events()) / (STREAMS * STREAM_EVENTS))
        ratio.append(_file_bytes(long_session(turns)) / (turns * TURN_BYTES))
    return [figure("sqlite_bytes_per_event", ours, "B"), figure("sqlite_bytes_ratio", ratio, "x", at_most(2))]


def _grown(url: str, changes: Sequence[Change]) -> int:
    store.migrate(url)
    before = stored_bytes(url)
    asyncio.run(_write(url, changes))
    return stored_bytes(url) - before


def _grown_stock(url: str) -> int:
    with closing(stock_datastore(url, connections=1)) as datastore:
        recorder = PostgresApplicationRecorder(datastore)
        recorder.create_table()
        before = stored_bytes(url)
        for stream in range(STREAMS):
            for after in range(0, STREAM_EVENTS, 10):
                versions = range(after + 1, after + 11)
                recorder.insert_events([StoredEvent(f"stream-{stream}", at, TOPIC, STATE) for at in versions])
        return stored_bytes(url) - before


def _file_bytes(changes: Sequence[Change]) -> int:
    with tempfile.TemporaryDirectory() as directory:
        url = f"sqlite:///{directory}/log.db"
        store.migrate(url)
        before = _size(Path(directory))
        asyncio.run(_write(url, changes))
        return _size(Path(directory)) - before


def _size(directory: Path) -> int:
    return sum(file.stat().st_size for file in directory.iterdir())


async def _write(url: str, changes: Sequence[Change]) -> None:
    """In line and in one event loop; appends to different streams may still share a commit."""
    async with store.open_store(url) as opened:
        by_stream: dict[str, list[Change]] = {}
        for change in changes:
            by_stream.setdefault(change.stream, []).append(change)

        async def write(own: Sequence[Change]) -> None:
            for change in own:
                await opened.log.append(change)

        await asyncio.gather(*map(write, by_stream.values()))


def stored_bytes(url: str) -> int:
    """Everything users' tables take in a database."""
    with psycopg.connect(url) as connection:
        row = connection.execute(RELATIONS).fetchone()
        return int(row[0]) if row else 0

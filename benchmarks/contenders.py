"""Who appends in the benchmarks: turnlog's log, the stock recorders, and raw single-row inserts."""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path

import psycopg
from eventsourcing.persistence import ApplicationRecorder, StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from eventsourcing.sqlite import SQLiteApplicationRecorder, SQLiteDatastore
from psycopg.conninfo import conninfo_to_dict

from turnlog.domain import Change
from turnlog.infrastructure import store

from .content import STATE_BYTES, event
from .figures import Sample
from .loops import Stopwatch, in_tasks, in_threads

TOPIC = "SessionRenamed/1"
STATE = b"x" * STATE_BYTES
RAW_TABLE = """
CREATE TABLE raw_events (
    position bigserial UNIQUE, stream text NOT NULL, version bigint NOT NULL, topic text NOT NULL,
    state bytea NOT NULL, PRIMARY KEY (stream, version)
)
"""
RAW_INSERT = "INSERT INTO raw_events (stream, version, topic, state) VALUES (%s, %s, %s, %b)"


def ours(url: str, writers: int, watch: Stopwatch) -> Sample:
    """Sessions in one event loop on one open store, from the domain event to its position."""
    written = (event(),)

    async def run() -> Sample:
        async with store.open_store(url) as opened:

            async def append(writer: int, version: int) -> None:
                await opened.log.append(Change(f"stream-{writer}", version - 1, written))

            return await in_tasks(writers, append, watch)

    store.migrate(url)
    return asyncio.run(run())


def stock_datastore(url: str, connections: int) -> PostgresDatastore:
    """The stock pool, with as many connections as there are threads."""
    given = {key: str(value) for key, value in conninfo_to_dict(url).items()}
    return PostgresDatastore(
        dbname=given["dbname"],
        host=given.get("host", ""),
        port=given.get("port", "5432"),
        user=given.get("user", ""),
        password=given.get("password", ""),
        connect_timeout=60,
        pool_size=connections,
        originator_id_type="text",
    )


def stock_postgres(url: str, writers: int, watch: Stopwatch) -> Sample:
    """The stock recorder with a connection for each of its threads, given events that are bytes already."""
    with closing(stock_datastore(url, writers)) as datastore:
        recorder = PostgresApplicationRecorder(datastore)
        recorder.create_table()
        return in_threads(writers, _stock_appends(recorder), watch)


def stock_sqlite(path: Path, writers: int, watch: Stopwatch) -> Sample:
    """The stock recorder on a file; it syncs every commit as ours does."""
    datastore = SQLiteDatastore(str(path), pool_size=writers, pool_timeout=60, originator_id_type="text")
    with closing(datastore):
        recorder = SQLiteApplicationRecorder(datastore)
        recorder.create_table()
        return in_threads(writers, _stock_appends(recorder), watch)


def _stock_appends(recorder: ApplicationRecorder) -> Callable[[int], Callable[[int], None]]:
    def append_of(writer: int) -> Callable[[int], None]:
        def append(version: int) -> None:
            recorder.insert_events([StoredEvent(f"stream-{writer}", version, TOPIC, STATE)])

        return append

    return append_of


def raw_postgres(url: str, writers: int, watch: Stopwatch) -> Sample:
    """One prepared single-row INSERT a commit on a connection for each thread: no order, no checks."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(RAW_TABLE)
    with ExitStack() as stack:
        connections = [stack.enter_context(psycopg.connect(url, autocommit=True)) for _ in range(writers)]

        def append_of(writer: int) -> Callable[[int], None]:
            def append(version: int) -> None:
                connections[writer].execute(RAW_INSERT, (f"stream-{writer}", version, TOPIC, STATE), prepare=True)

            return append

        return in_threads(writers, append_of, watch)

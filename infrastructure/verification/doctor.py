"""Every check there is for the database at a URL. Unlike the verifier it imports the store, when it is called."""

import os
import sqlite3
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import closing
from math import inf
from threading import Thread
from time import monotonic
from typing import TYPE_CHECKING

from .database import PostgresSchema, SQLiteFile
from .health import Check, check_postgres
from .health_sqlite import check_sqlite

if TYPE_CHECKING:
    import psycopg
    from psycopg.rows import TupleRow

    from ..store.address import PostgresAddress

GRACE = 1.0
"""Seconds after which a connection nobody waits for any longer is closed."""

Checks = list[Check]


def examine(url: str) -> Checks:
    """What was looked at, and found; nothing for memory:. Raises InvalidInput.

    A server has the deadline of the URL for everything together, 10 seconds where it names none.
    """
    from ..store.address import MemoryAddress, SQLiteAddress, parse_url
    from ..store.schema_version import SCHEMA_VERSION

    address = parse_url(url)
    if isinstance(address, MemoryAddress):
        return []
    if isinstance(address, SQLiteAddress):
        return check_sqlite(SQLiteFile(address.path, address.shown), SCHEMA_VERSION, _sqlite_schema())
    return _examine_server(address, SCHEMA_VERSION)


def _examine_server(address: "PostgresAddress", version: int) -> Checks:
    from ..store.postgres_schema import NEEDED

    until = monotonic() + address.deadline

    def check() -> Checks:
        return check_postgres(lambda: _connected(address, until + GRACE), address.schema, version, NEEDED, os.environ)

    try:
        return _in_a_thread(check).result(address.deadline)
    except TimeoutError:
        found = f"it did not answer within {address.deadline:g} seconds"
        return [Check("server", "bad", found, "see whether it runs, is overloaded or waits for a lock; then try again")]


def _connected(address: "PostgresAddress", until: float) -> "psycopg.Connection[TupleRow]":
    """A connection that is closed at a time of `monotonic`, whatever the server does. Raises psycopg.Error."""
    from psycopg.rows import TupleRow

    from ..store.postgres_connection import BoundedConnection

    source = PostgresSchema(address.conninfo, address.schema, address.shown)
    connection = BoundedConnection[TupleRow].connect(**source.settings())
    connection.seconds, connection.until = inf, until
    milliseconds = str(max(1, round(address.deadline * 1000)))
    connection.execute(
        "SELECT set_config('statement_timeout', %s, false)", (milliseconds,)
    )  # or it waits on without us
    return connection


def _in_a_thread(check: Callable[[], Checks]) -> Future[Checks]:
    """What a check finds. Nobody need wait for the thread: looking up names and trying hosts has no end of its own."""
    found = Future[Checks]()

    def run() -> None:
        try:
            found.set_result(check())
        except BaseException as error:  # noqa: BLE001 - raised where the result is waited for
            found.set_exception(error)

    Thread(target=run, name="turnlog-doctor", daemon=True).start()
    return found


def _sqlite_schema() -> dict[str, str]:
    """What a new file would have: names, and the SQL behind them."""
    from ..store import sqlite_schema

    with closing(sqlite3.connect(":memory:", isolation_level=None)) as fresh:
        sqlite_schema.migrate(fresh, "memory:")
        named = fresh.execute("SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite!_%' ESCAPE '!'")
        return {str(name): str(sql) for name, sql in named}

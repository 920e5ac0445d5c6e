"""Every check there is for the database at a URL. Unlike the verifier it imports the store, when it is called."""

import os
import sqlite3
from contextlib import closing

from .database import PostgresSchema, SQLiteFile
from .health import Check, check_postgres
from .health_sqlite import check_sqlite


def examine(url: str) -> list[Check]:
    """What was looked at, and found; nothing for memory:. Raises InvalidInput."""
    from ..store.address import MemoryAddress, SQLiteAddress, parse_url
    from ..store.schema_version import SCHEMA_VERSION

    address = parse_url(url)
    if isinstance(address, MemoryAddress):
        return []
    if isinstance(address, SQLiteAddress):
        return check_sqlite(SQLiteFile(address.path, address.shown), SCHEMA_VERSION, _sqlite_schema())
    from ..store.postgres_schema import NEEDED

    source = PostgresSchema(address.conninfo, address.schema, address.shown)
    return check_postgres(source, SCHEMA_VERSION, NEEDED, os.environ)


def _sqlite_schema() -> dict[str, str]:
    """What a new file would have: names, and the SQL behind them."""
    from ..store import sqlite_schema

    with closing(sqlite3.connect(":memory:", isolation_level=None)) as fresh:
        sqlite_schema.migrate(fresh, "memory:")
        named = fresh.execute("SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite!_%' ESCAPE '!'")
        return {str(name): str(sql) for name, sql in named}

"""Read models: tables beside the log that follow it, in SQLite and Postgres."""

from pathlib import Path

from ..store.address import MemoryAddress, SQLiteAddress, parse_url
from . import registry
from .tables import StoredTables

__all__ = ["StoredTables", "open_read_models", "readmodels_path", "registry"]


def open_read_models(url: str) -> StoredTables:
    """The read models of the log at a URL. Nothing is connected to, or made, before it is needed.

    Raises InvalidInput for an unusable URL.
    """
    address = parse_url(url)
    if isinstance(address, MemoryAddress):
        from .sqlite import SQLiteDatabase

        return StoredTables(SQLiteDatabase(None, address.shown))
    if isinstance(address, SQLiteAddress):
        from .sqlite import SQLiteDatabase

        path = readmodels_path(address.path)
        return StoredTables(SQLiteDatabase(path, f"sqlite:///{path}"))
    from .postgres import PostgresDatabase

    return StoredTables(PostgresDatabase(address))


def readmodels_path(log: Path) -> Path:
    """The file of the read models of a log: `turnlog.readmodels.db` for `turnlog.db`."""
    return log.with_name(f"{log.stem}.readmodels{log.suffix}")

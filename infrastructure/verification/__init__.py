"""Checking a log without trusting who kept it: hash chain, order and bodies, with SELECT alone.

It stands on the standard library and psycopg; nothing of the runtime, the domain or the mapper is imported.

What a chain finds: any change to a stored event, and any event removed, put in, moved or copied within or between
streams. What a chain a stream cannot find: that the tail of a stream, or all of it, is gone, and that a stream was
written anew with all its hashes computed again. Both are found against heads (`Head`) noted elsewhere beforehand.
Positions are not hashed: a wrong one is found where it breaks the order of its stream, is given twice, or leaves a gap
(SQLite gives them without gaps; Postgres does not). Of a body's row only body and size are checked, not its media type;
of indexes only the one that orders events. Nothing is written, but SQLite may make and remove its -wal and -shm files.
"""

from . import chain
from .database import CannotVerify, PostgresSchema, Source, SQLiteFile
from .doctor import examine
from .heads import read_heads, written_head
from .health import Check, check_environment, check_postgres
from .health_sqlite import check_mode, check_room, check_sqlite
from .rows import Finding, Head, Row, check_blob, check_stream, fault
from .walk import Report, find_streams, verify

__all__ = [
    # Verifying
    "chain",
    "CannotVerify",
    "Finding",
    "Head",
    "PostgresSchema",
    "Report",
    "Row",
    "SQLiteFile",
    "Source",
    "check_blob",
    "check_stream",
    "fault",
    "find_streams",
    "read_heads",
    "verify",
    "written_head",
    # The doctor
    "Check",
    "check_environment",
    "check_mode",
    "check_postgres",
    "check_room",
    "check_sqlite",
    "examine",
]

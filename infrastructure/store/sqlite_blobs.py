"""Bodies in and out of an SQLite file, piece by piece: a parameter or a column is copied twice on its way."""

import sqlite3
from typing import Final

PIECE: Final = 1 << 20

_INSERT: Final = "INSERT INTO blobs (sha256, media_type, size, body) VALUES (?1, ?2, ?3, zeroblob(?3))"
_SELECT: Final = "SELECT rowid FROM blobs WHERE sha256 = ?"


def insert(connection: sqlite3.Connection, sha256: str, media_type: str, body: bytes) -> None:
    """Write a body where there is none under this hash; within a transaction, which makes it whole or nothing."""
    if connection.execute(_SELECT, (sha256,)).fetchone() is not None:
        return
    made = connection.execute(_INSERT, (sha256, media_type, len(body)))
    with connection.blobopen("blobs", "body", made.lastrowid or 0) as column:
        view = memoryview(body)
        for start in range(0, len(body), PIECE):
            column.write(view[start : start + PIECE])


def select(connection: sqlite3.Connection, sha256: str) -> bytes | None:
    """The body under this hash, or None."""
    found = connection.execute(_SELECT, (sha256,)).fetchone()
    if found is None:
        return None
    with connection.blobopen("blobs", "body", found[0], readonly=True) as column:
        return column.read()

"""Heartbeats in an SQLite file, over a connection of their own: nobody waits for the disk because of them.

A commit in WAL mode that is only `synchronous=NORMAL` may be lost with the machine's power, as a heartbeat may.
"""

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from threading import Lock

from . import sqlite_schema
from .heartbeats import FORGOTTEN_SECONDS

NOW = "((julianday('now') - 2440587.5) * 86400.0)"
"""Seconds since 1970; SQLite before 3.42 gives no fractions otherwise."""

BEAT = (
    f"INSERT INTO heartbeats (worker, beaten_at) VALUES (?, {NOW})"
    " ON CONFLICT (worker) DO UPDATE SET beaten_at = excluded.beaten_at"
)
ASK = f"{BEAT} WHERE heartbeats.beaten_at > excluded.beaten_at"
END = "DELETE FROM heartbeats WHERE worker = ?"
SWEEP = f"DELETE FROM heartbeats WHERE beaten_at < {NOW} - ?"
SILENCE = f"SELECT max({NOW} - beaten_at, 0.0) FROM heartbeats WHERE worker = ?"


class FileHeartbeats:
    """Reads and writes one table, from any thread. Opens its connection when it is first needed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._line = Lock()
        self._connection: sqlite3.Connection | None = None

    def beat(self, alive: Sequence[str], ended: Sequence[str]) -> None:
        """Note that these workers are there, and forget those."""
        with self._line, self._opened() as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(END, [(worker,) for worker in ended])
            connection.executemany(BEAT, [(worker,) for worker in alive])

    def silences(self, workers: Sequence[str]) -> dict[str, float]:
        """Seconds since each was heard of, at least since now."""
        with self._line, self._opened() as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(ASK, [(worker,) for worker in workers])
            found = {worker: float(connection.execute(SILENCE, (worker,)).fetchone()[0]) for worker in workers}
            connection.execute(SWEEP, (FORGOTTEN_SECONDS,))
            return found

    def close(self) -> None:
        """Close the connection."""
        with self._line:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _opened(self) -> sqlite3.Connection:
        """The connection; as a context it commits, or rolls back."""
        if self._connection is None:
            self._connection = sqlite_schema.connect(self._path)
            self._connection.execute("PRAGMA synchronous = NORMAL")
        return self._connection

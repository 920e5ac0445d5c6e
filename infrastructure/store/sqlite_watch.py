"""Noticing what other processes append to an SQLite file.

Nothing in SQLite tells of another process's commit, but a connection can be asked, at the price of a few system calls,
whether anybody else committed since it was asked last.
"""

import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from threading import Event, Thread

from . import sqlite_schema

POLL_SECONDS = 0.05


class Watch:
    """A thread that calls `ring` soon after the log grew beyond the last position that this process told of itself."""

    def __init__(self, path: Path, told: Callable[[], int], ring: Callable[[], None]) -> None:
        self._path = path
        self._told = told
        self._ring = ring
        self._stop = Event()
        with closing(sqlite_schema.connect(path)) as connection:
            self._seen = _last_position(connection)  # what is there before anybody can read is not news
        self._thread = Thread(target=self._run, name="turnlog-watch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread; a second call does nothing."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            with suppress(sqlite3.Error), closing(sqlite_schema.connect(self._path)) as connection:
                self._follow(connection)
            self._stop.wait(POLL_SECONDS)  # before a connection is tried again

    def _follow(self, connection: sqlite3.Connection) -> None:
        """Ring until stopped; what came before the connection was made counts too."""
        version = 0
        while not self._stop.is_set():
            if (now := _data_version(connection)) != version:
                version = now
                self._look(connection)
            self._stop.wait(POLL_SECONDS)

    def _look(self, connection: sqlite3.Connection) -> None:
        last = _last_position(connection)
        if last > max(self._seen, self._told()):
            self._ring()
        self._seen = last


def _data_version(connection: sqlite3.Connection) -> int:
    version: int = connection.execute("PRAGMA data_version").fetchone()[0]
    return version


def _last_position(connection: sqlite3.Connection) -> int:
    position: int | None = connection.execute("SELECT max(notification_id) FROM events").fetchone()[0]
    return position or 0

"""What SQLite says, in one line that says what to do."""

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager

from eventsourcing import persistence
from eventsourcing.domain import EventSourcingError

from turnlog.domain import StoreError

from .backend import BUSY_SECONDS

EXPLANATIONS = {
    "SQLITE_FULL": "cannot grow, the disk is full; free some space",
    "SQLITE_NOTADB": "is not an SQLite database; give another file name",
    "SQLITE_CORRUPT": "is damaged; restore it from a backup",
    "SQLITE_READONLY": "cannot be written; check the permissions of the file and its directory",
    "SQLITE_CANTOPEN": "cannot be opened; check that it is a file you may read and write",
    "SQLITE_PERM": "cannot be opened; check the permissions of the file",
    "SQLITE_BUSY": f"was locked by another writer for {BUSY_SECONDS} seconds; try again",
    "SQLITE_IOERR": "cannot be read or written; check the disk and its free space",
}

# The most special first.
LIBRARY_ERRORS: tuple[tuple[type[sqlite3.Error], type[persistence.PersistenceError]], ...] = (
    (sqlite3.DataError, persistence.DataError),
    (sqlite3.OperationalError, persistence.OperationalError),
    (sqlite3.IntegrityError, persistence.IntegrityError),
    (sqlite3.InternalError, persistence.InternalError),
    (sqlite3.ProgrammingError, persistence.ProgrammingError),
    (sqlite3.NotSupportedError, persistence.NotSupportedError),
    (sqlite3.DatabaseError, persistence.DatabaseError),
    (sqlite3.InterfaceError, persistence.InterfaceError),
    (sqlite3.Error, persistence.PersistenceError),
)


@contextmanager
def explained(shown: str) -> Generator[None]:
    """Turns SQLite's errors into StoreError about the database shown."""
    try:
        yield
    except (sqlite3.Error, EventSourcingError) as error:
        raise StoreError(f"{shown} {_explanation(error)}") from error
    except OSError as error:
        raise StoreError(f"{shown} cannot be opened: {error.strerror or error}") from error


@contextmanager
def as_the_library_says() -> Generator[None]:
    """Turns SQLite's errors into those of `eventsourcing`."""
    try:
        yield
    except sqlite3.Error as error:
        kind = next(ours for theirs, ours in LIBRARY_ERRORS if isinstance(error, theirs))
        raise kind(error) from error


def name_of(error: sqlite3.Error) -> str:
    """SQLite's own name of an error, such as SQLITE_IOERR_FSYNC; empty where there is none."""
    name: str = getattr(error, "sqlite_errorname", "")
    return name


def _explanation(error: Exception) -> str:
    root = error.args[0] if error.args and isinstance(error.args[0], sqlite3.Error) else error
    name = name_of(root) if isinstance(root, sqlite3.Error) else ""
    for prefix, explanation in EXPLANATIONS.items():
        if name.startswith(prefix):
            return explanation
    return f"refused: {' '.join(str(root).split()) or type(root).__name__}"

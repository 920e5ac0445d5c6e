"""Reading a log's tables, and nothing else: read-only, in one snapshot, a batch at a time."""

import sqlite3
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol

EVENT = "{0}.notification_id, {0}.originator_id, {0}.originator_version, {0}.topic, {0}.state, {0}.chain"
PROBES = (f"SELECT {EVENT.format('events')} FROM events LIMIT 0", "SELECT sha256, size, body FROM blobs LIMIT 0")
KEEPALIVES = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3}
PATIENCE = {"connect_timeout": 5, "tcp_user_timeout": 10_000, "application_name": "turnlog verify", **KEEPALIVES}


class CannotVerify(Exception):
    """The database cannot be read, or is none of ours; one line that says so."""


class Damaged(CannotVerify):
    """The database itself says that what it holds is damaged."""


class Read(Protocol):
    """Gives the rows of a statement, of which about a batch is in memory; `?` stands for a parameter."""

    def __call__(self, statement: str, *parameters: object, batch: int = 500) -> Iterator[tuple[Any, ...]]:
        """Raises CannotVerify, Damaged."""
        ...


@dataclass(frozen=True, slots=True)
class SQLiteFile:
    """A log in a file."""

    path: Path
    shown: str

    # The index gives the order, the table the row: a difference between them does not go unseen.
    events: ClassVar[str] = (
        f"SELECT {EVENT.format('t')} FROM events AS i CROSS JOIN events AS t ON t.notification_id = i.notification_id"
        " WHERE {where} ORDER BY i.originator_id, i.originator_version"
    )
    counts: ClassVar[str] = "SELECT (SELECT count(*) FROM events NOT INDEXED), (SELECT count(*) FROM blobs)"
    misplaced: ClassVar[str] = (
        "SELECT originator_id, originator_version, 'no event has the position before ' || notification_id"
        " FROM events AS e NOT INDEXED WHERE notification_id < 1 OR (notification_id > 1"
        " AND NOT EXISTS (SELECT 1 FROM events WHERE notification_id = e.notification_id - 1)) LIMIT 1000"
    )

    @contextmanager
    def open(self) -> Generator[Read]:
        """A snapshot. Raises CannotVerify."""
        if not self.path.is_file():
            raise CannotVerify(f"{self.shown} does not exist, or is no file")
        with _explained(self.shown, sqlite3.Error), closing(connect_file(self.path)) as connection:
            connection.text_factory = decoded
            connection.execute("BEGIN")
            for probe in PROBES:
                connection.execute(probe)

            def read(statement: str, *parameters: object, batch: int = 500) -> Iterator[tuple[Any, ...]]:
                with _explained(self.shown, sqlite3.Error):
                    yield from connection.execute(statement, parameters)

            yield read


@dataclass(frozen=True, slots=True)
class PostgresSchema:
    """A log in a schema of a Postgres database. `conninfo` may hold a password; `shown` must not."""

    conninfo: str = field(repr=False)
    schema: str
    shown: str

    events: ClassVar[str] = (
        f"SELECT {EVENT.format('i')} FROM events AS i WHERE {{where}} ORDER BY originator_id, originator_version"
    )
    counts: ClassVar[str] = "SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM blobs)"
    misplaced: ClassVar[str] = (
        "SELECT originator_id, originator_version, 'two events have the position ' || notification_id FROM events"
        " WHERE notification_id IN"
        " (SELECT notification_id FROM events GROUP BY notification_id HAVING count(*) > 1) LIMIT 1000"
    )

    @contextmanager
    def open(self) -> Generator[Read]:
        """A snapshot. Raises CannotVerify."""
        import psycopg

        with _explained(self.shown, psycopg.Error), psycopg.connect(**self.settings()) as connection:
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET statement_timeout = 0")
            connection.execute("SELECT set_config('search_path', quote_ident(%s), false)", (self.schema,))
            for probe in PROBES:
                connection.execute(probe.encode())

            def read(statement: str, *parameters: object, batch: int = 500) -> Iterator[tuple[Any, ...]]:
                with _explained(self.shown, psycopg.Error), connection.cursor("turnlog_verify", binary=True) as cursor:
                    cursor.itersize = batch
                    yield from cursor.execute(statement.replace("?", "%s").encode(), parameters)

            yield read

    def settings(self) -> dict[str, Any]:
        """What libpq is given. Raises CannotVerify."""
        import psycopg
        from psycopg.conninfo import conninfo_to_dict

        try:
            return {**PATIENCE, **conninfo_to_dict(self.conninfo)}
        except psycopg.Error:  # libpq quotes what it stumbled over, which may be the password
            raise CannotVerify(f"{self.shown} cannot be read as a Postgres URL") from None


Source = SQLiteFile | PostgresSchema


def connect_file(path: Path) -> sqlite3.Connection:
    """A connection that cannot write."""
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", 10, uri=True, isolation_level=None)


def decoded(text: bytes) -> str:
    """A text whatever its bytes are: what is no UTF-8 comes through, and is found by the one who checks the row."""
    return text.decode("utf-8", "surrogateescape")


@contextmanager
def _explained(shown: str, kind: type[Exception]) -> Generator[None]:
    try:
        yield
    except (kind, UnicodeError) as error:
        code = str(getattr(error, "sqlite_errorname", None) or getattr(error, "sqlstate", None))
        said = " ".join((str(error).strip().splitlines() or [code])[0].split())
        raised = Damaged if code.startswith(("SQLITE_CORRUPT", "XX")) else CannotVerify
        foreign = code in {"SQLITE_NOTADB", "42P01", "42703", "3F000"} or said.startswith("no such ")
        what = "is no turnlog database with a hash chain; try `turnlog db migrate`" if foreign else "cannot be read"
        raise raised(f"{shown} {what} ({said})") from error

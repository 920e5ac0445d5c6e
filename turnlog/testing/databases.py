"""An empty database for every run of a crash matrix."""

import re
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import LiteralString, Protocol
from uuid import uuid4

from turnlog.domain import InvalidInput, StoreError
from turnlog.infrastructure import store


class Databases(Protocol):
    """Where runs find their databases."""

    @property
    def store(self) -> str:
        """The name of the store."""
        ...

    @contextmanager
    def fresh(self, name: str) -> Generator[str]:
        """The URL of an empty one. Raises StoreError."""
        ...


class SQLiteFiles:
    """One file a run."""

    store = "SQLite"

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    @contextmanager
    def fresh(self, name: str) -> Generator[str]:
        path = self._directory / f"{name}.db"
        url = f"sqlite:///{path}"
        store.migrate(url)
        yield url
        for file in self._directory.glob(f"{path.name}*"):
            file.unlink()


class PostgresDatabases:
    """One database a run, made after the pattern of one that was set up once. The user of the URL may create them.

    `conninfo` is the URL as libpq reads it.
    """

    store = "PostgreSQL"

    def __init__(self, url: str, conninfo: str) -> None:
        self._url = url
        self._conninfo = conninfo
        self._pattern = f"turnlog_crash_{uuid4().hex[:12]}"

    @contextmanager
    def fresh(self, name: str) -> Generator[str]:
        made = f"{self._pattern}_{name}"
        self._administer("CREATE DATABASE {} TEMPLATE {}", made, self._pattern)
        try:
            yield _with_database(self._url, made)
        finally:
            self._administer("DROP DATABASE {} WITH (FORCE)", made)

    def set_up(self) -> None:
        """Make the pattern."""
        self._administer("CREATE DATABASE {}", self._pattern)
        store.migrate(_with_database(self._url, self._pattern))

    def tear_down(self) -> None:
        """Drop the pattern."""
        self._administer("DROP DATABASE IF EXISTS {} WITH (FORCE)", self._pattern)

    def _administer(self, statement: LiteralString, *names: str) -> None:
        import psycopg
        from psycopg import sql

        quoted = [sql.Identifier(name) for name in names]
        try:
            with psycopg.connect(self._conninfo, autocommit=True) as connection:
                connection.execute(sql.SQL(statement).format(*quoted))
        except psycopg.Error as error:
            said = " ".join(str(error).split())
            shown = store.without_password(self._url)
            raise StoreError(f"{shown} has no database for a run of the crash matrix: {said}") from error


@contextmanager
def databases(url: str | None, directory: Path) -> Generator[Databases]:
    """Databases beside the one at a URL; None: SQLite files in the directory. Raises InvalidInput, StoreError."""
    address = None if url is None else store.address.parse_url(url)
    if url is None or isinstance(address, store.address.SQLiteAddress):
        yield SQLiteFiles(directory)
        return
    if not isinstance(address, store.address.PostgresAddress):
        raise InvalidInput(f"{store.without_password(url)} does not outlive a process; give a Postgres URL, or none")
    found = PostgresDatabases(url, address.conninfo)
    try:
        found.set_up()
        yield found
    finally:
        found.tear_down()


def _with_database(url: str, name: str) -> str:
    """The URL with another database in it, its host, user and options kept. Raises InvalidInput."""
    changed, found = re.subn(r"^(postgres(?:ql)?://[^/?]*)(?:/[^?]*)?", rf"\1/{name}", url)
    if not found:
        raise InvalidInput(f"{store.without_password(url)} should look like postgresql://user@host/database")
    return changed

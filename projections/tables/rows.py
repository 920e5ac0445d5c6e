"""Rows while a batch is applied: read when they are first needed, written once in the end."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from .table import Row, Table

Key = tuple[Any, ...]


class Stored(Protocol):
    """What the tables hold."""

    def fetch(self, table: "Table", keys: Sequence[Key]) -> "Iterable[Row]":
        """The rows under these keys; those that are not there are left out."""
        ...


class NothingStored:
    """Tables that are empty."""

    def fetch(self, table: "Table", keys: Sequence[Key]) -> "Iterable[Row]":
        """None."""
        return ()


class Rows:
    """The rows of a projection's tables, and which of them a batch changed. Rows are read by key alone."""

    def __init__(self, tables: "Sequence[Table]", stored: Stored) -> None:
        self._tables = {table.name: table for table in tables}
        self._stored = stored
        self._known: dict[str, dict[Key, Row | None]] = {table.name: {} for table in tables}
        self._changed: dict[str, dict[Key, None]] = {table.name: {} for table in tables}

    def want(self, table: str, keys: Iterable[Key]) -> None:
        """Read all these rows at once; reading them one by one takes a question to the database for each."""
        known = self._known[table]
        missing = [key for key in dict.fromkeys(keys) if key not in known]
        if not missing:
            return
        known.update(dict.fromkeys(missing))
        found = self._tables[table]
        for row in self._stored.fetch(found, missing):
            known[found.key_of(row)] = row

    def get(self, table: str, *key: Any) -> "Row | None":
        """A copy of the row under a key, or None."""
        known = self._known[table]
        if key not in known:
            self.want(table, [key])
        row = known[key]
        return None if row is None else dict(row)

    def put(self, table: str, row: "Mapping[str, Any]") -> None:
        """Add a row, or replace the one under its key. Columns left out are None."""
        self._set(table, self._tables[table].key_of(row), dict(row))

    def delete(self, table: str, *key: Any) -> None:
        """Remove the row under a key, if there is one."""
        self._set(table, key, None)

    def _set(self, table: str, key: Key, row: "Row | None") -> None:
        self._known[table][key] = row
        self._changed[table][key] = None

    def changes(self, table: str) -> "tuple[list[Row], list[Key]]":
        """The rows to write, in the order in which they were first changed, and the keys to delete."""
        known = self._known[table]
        changed = [(key, known[key]) for key in self._changed[table]]
        return [row for _, row in changed if row is not None], [key for key, row in changed if row is None]

    def everything(self, table: str) -> "Collection[Row]":
        """All rows that are known by now, in the order of their keys as they were met: of empty tables, all."""
        return [row for row in self._known[table].values() if row is not None]

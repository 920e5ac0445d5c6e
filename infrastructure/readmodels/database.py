"""What a database has to offer to carry read models. Every method blocks, and may be called from any thread."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from turnlog.projections import Kind, Phrase, Row, Table

Values = Sequence[Any]


class Transaction(Protocol):
    """A transaction under way. In statements `?` stands for a value."""

    def run(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run a statement; the rows it gives."""
        ...

    def lock(self) -> None:
        """Let nobody else change the list of builds until the end."""
        ...

    @property
    def for_update(self) -> str:
        """What a SELECT ends with that keeps others from changing its rows."""
        ...

    def create(self, table: Table, physical: str) -> None:
        """Make a table and its indexes under a name."""
        ...

    def drop(self, physical: str) -> None:
        """Remove a table with all that belongs to it."""
        ...

    def replace_view(self, name: str, table: Table, physical: str) -> None:
        """Let a view show a table, for whoever may read it so far."""
        ...

    def drop_view(self, name: str) -> None:
        """Remove a view, if it is there."""
        ...

    def fetch(self, table: Table, physical: str, keys: Sequence[Values]) -> list[Row]:
        """The rows under these keys."""
        ...

    def write(self, table: Table, physical: str, rows: Sequence[Row]) -> None:
        """Add rows, or replace those under the same keys."""
        ...

    def delete(self, table: Table, physical: str, keys: Sequence[Values]) -> None:
        """Remove the rows under these keys."""
        ...

    def select(self, table: Table, physical: str, tail: str, values: Values) -> list[Row]:
        """Rows of a table; `tail` is what comes behind its name."""
        ...

    def value(self, kind: Kind, value: Any) -> Any:
        """A value as the database compares it with a column of a kind."""
        ...

    def contains(self, column: str) -> str:
        """The condition that a column of text contains a value."""
        ...

    def matches(self, table: Table, physical: str, phrases: Sequence[Phrase]) -> tuple[str, str]:
        """The condition that all phrases stand in the table's words, and its value."""
        ...


class Database(Protocol):
    """Where read models are kept: apart from the log."""

    @property
    def shown(self) -> str:
        """Its URL, without the password."""
        ...

    def is_there(self) -> bool:
        """Whether there are read models at all. Raises StoreError."""
        ...

    def set_up(self) -> None:
        """Make what all read models need, if it is not there. Raises StoreError."""
        ...

    def writing(self) -> AbstractContextManager[Transaction]:
        """A transaction that is committed in the end, and rolled back at an error. Raises StoreError, BadData."""
        ...

    def reading(self) -> AbstractContextManager[Transaction]:
        """A transaction that only reads. Raises StoreError, Switched."""
        ...

    def close(self) -> None:
        """Close every connection."""
        ...


class BadData(Exception):
    """The database does not take a value; the cause is its own error."""


class Switched(Exception):
    """A table that was to be read is no more: others serve by now."""


REGISTRY = """
CREATE TABLE IF NOT EXISTS {place}projections (
    name TEXT NOT NULL,
    number BIGINT NOT NULL,
    version BIGINT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('building', 'serving')),
    position BIGINT NOT NULL,
    events BIGINT NOT NULL,
    stream TEXT,
    stream_version BIGINT,
    changed_at TEXT,
    stopped TEXT,
    kept TEXT NOT NULL,
    PRIMARY KEY (name, number)
)
"""
FORMAT = 1
"""The form of the list of builds."""


def quoted(name: str) -> str:
    """A name as SQL has it; names here are plain (`Table` sees to that)."""
    return f'"{name}"'


def listed(names: Sequence[str]) -> str:
    """Names as SQL lists them."""
    return ", ".join(map(quoted, names))

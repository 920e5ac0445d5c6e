"""What a projection keeps in a database: tables of plain columns, whichever database that is."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

from turnlog.domain import READ_WHOLE, BlobRef, Body, InvalidInput, Recorded, Unread, text_of

from .rows import Rows

Kind = Literal["text", "integer", "decimal", "boolean", "time", "json", "words"]
"""What a column holds: str, int, Decimal, bool, aware datetime, plain JSON; or words to be searched (`words_of`)."""

Row = dict[str, Any]
"""A row as it is in Python, by column: values of the columns' kinds, or None."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its columns and their kinds, the columns that tell rows apart, and further indexes.

    Auditors are given the view `v_NAME` without the columns in `hidden`; none where all are. What a column of words
    holds is found by full-text search, and is not read back.
    """

    name: str
    columns: Mapping[str, Kind]
    key: tuple[str, ...]
    indexes: tuple[tuple[str, ...], ...] = ()
    hidden: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        for name in (self.name, *self.columns):
            if not _NAME.fullmatch(name):
                raise InvalidInput(f"{name!r} cannot name a table or column: a-z, 0-9 and _, at most 40 characters")
        used = {*self.key, *(name for index in self.indexes for name in index), *self.hidden}
        if not self.key or not used <= set(self.columns):
            raise InvalidInput(f"table {self.name} needs a key, and indexes only columns it has")

    @property
    def shown(self) -> tuple[str, ...]:
        """The columns of its view."""
        return tuple(name for name, kind in self.columns.items() if name not in self.hidden and kind != "words")

    @property
    def readable(self) -> tuple[str, ...]:
        """The columns that are read back."""
        return tuple(name for name, kind in self.columns.items() if kind != "words")

    @property
    def searched(self) -> str | None:
        """The column of words, if there is one."""
        return next((name for name, kind in self.columns.items() if kind == "words"), None)

    def key_of(self, row: Mapping[str, Any]) -> tuple[Any, ...]:
        """What tells a row from the others."""
        return tuple(row[name] for name in self.key)


@dataclass(frozen=True, slots=True)
class Batch:
    """Events in the order of the log, the rows they change, and the whole texts of bodies that were asked for."""

    events: Sequence[Recorded]
    rows: Rows
    bodies: Mapping[str, str] = field(default_factory=dict[str, str])

    def text(self, body: Body) -> str:
        """The whole text where it is at hand, else its beginning."""
        return self.bodies.get(body.sha256, text_of(body)) if isinstance(body, BlobRef) else body


class TableProjection(Protocol):
    """A fold of the whole log into tables, with a name and a version.

    Like any projection it is deterministic and total, and how events are cut into batches makes no difference. Its
    `version` rises when the same events give other rows, or the tables change. Properties of an object, or attributes
    of a class, will do.
    """

    @property
    def name(self) -> str:
        """Its name, as a table's."""
        ...

    @property
    def version(self) -> int:
        """From 1."""
        ...

    @property
    def tables(self) -> Sequence[Table]:
        """What it keeps. No other projection has a table of the same name."""
        ...

    def apply(self, batch: Batch, /) -> None:
        """Change the rows by the events. What it raises stops this projection at the event, and no other."""
        ...


@runtime_checkable
class ReadsBodies(Protocol):
    """A projection that needs the whole text of some long bodies."""

    def bodies(self, events: Sequence[Recorded]) -> Iterable[BlobRef]:
        """Which; one that is lost or damaged is left out of the batch."""
        ...


@runtime_checkable
class LeavesUnread(Protocol):
    """A projection that never looks at some fields of events, which are read in less time without."""

    @property
    def unread(self) -> Unread:
        """Which; they are not there where all that catch up together leave them unread."""
        ...


@dataclass(frozen=True, slots=True)
class TableFold:
    """A projection made of a function."""

    name: str
    version: int
    tables: tuple[Table, ...]
    apply: Callable[[Batch], None]
    unread: Unread = READ_WHOLE

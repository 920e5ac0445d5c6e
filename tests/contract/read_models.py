"""What the suites on read models share: logs from stories, and what a table should hold."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from turnlog import Turnlog
from turnlog.domain import Change, EventLog, Recorded
from turnlog.infrastructure import readmodels, store
from turnlog.projections import SESSIONS, TOOL_CALLS, ReadTables, SessionQuery, project, tables
from turnlog.runtime import Index

from .readers import environment

Row = tables.Row


async def fill(opened: store.Store, log: Iterable[Recorded]) -> None:
    """Append what a story left, one transaction for each event."""
    for recorded in log:
        await opened.log.append(Change(recorded.stream, recorded.version - 1, (recorded.event,)))


def turnlog_with(opened: store.Store, read_tables: ReadTables, log: EventLog | None = None) -> Turnlog:
    """A turnlog on a store and on tables, which others close."""
    return Turnlog(replace(environment(opened, log), read_tables=read_tables), opened.close)


class Kept:
    """Tables in a dictionary, filled batch by batch."""

    def __init__(self, projection: tables.TableProjection) -> None:
        self._projection = projection
        self._rows: dict[str, dict[tuple[Any, ...], Row]] = {table.name: {} for table in projection.tables}

    def fetch(self, table: tables.Table, keys: Sequence[tuple[Any, ...]]) -> Iterable[Row]:
        found = self._rows[table.name]
        return [{name: found[key].get(name) for name in table.readable} for key in keys if key in found]

    def apply(self, events: Sequence[Recorded]) -> None:
        rows = tables.Rows(self._projection.tables, self)
        self._projection.apply(tables.Batch(events, rows))
        for table in self._projection.tables:
            put, gone = rows.changes(table.name)
            kept = self._rows[table.name]
            kept.update({table.key_of(row): row for row in put})
            for key in gone:
                kept.pop(key, None)

    def rows(self, table: str) -> list[Row]:
        return sorted(self._rows[table].values(), key=str)

    @classmethod
    def of(cls, projection: tables.TableProjection, log: Sequence[Recorded], size: int = 10_000) -> "Kept":
        """Filled with a log, so many events at a time."""
        kept = cls(projection)
        for begin in range(0, len(log), size):
            kept.apply(log[begin : begin + size])
        return kept


def positioned(log: Iterable[Recorded]) -> list[Recorded]:
    """A log as it is read in the order of all streams."""
    return [recorded._replace(position=number) for number, recorded in enumerate(log, 1)]


def live_sessions(log: Iterable[Recorded], query: SessionQuery | None = None) -> list[Any]:
    """What the list in memory says."""
    return (query or SessionQuery()).select(project(SESSIONS, log).values())


def live_calls(log: Sequence[Recorded]) -> dict[tuple[str, str], Any]:
    """The calls of each stream, folded alone."""
    streams = dict.fromkeys(recorded.stream for recorded in log)
    return {
        (stream, call_id): row
        for stream in streams
        for call_id, row in project(TOOL_CALLS, [each for each in log if each.stream == stream]).rows.items()
    }


async def listed_live(opened: store.Store, query: SessionQuery) -> list[Any]:
    """What is listed where there are no tables."""
    return query.select(await Index(opened.log).sessions())


def open_tables(url: str) -> readmodels.StoredTables:
    """The tables of the log at a URL."""
    return readmodels.open_read_models(url)

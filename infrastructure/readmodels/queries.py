"""Questions to the tables, in SQL that both databases understand."""

from collections.abc import Mapping
from typing import Any

from turnlog.domain import InvalidInput
from turnlog.projections import (
    MEMORY_ROWS,
    SESSIONS_ROWS,
    TEXT_ROWS,
    Build,
    Found,
    MemoryQuery,
    Metadata,
    Phrase,
    Row,
    SessionQuery,
    Table,
    TextQuery,
    folded,
    metadata_of,
    quoted_tag,
)

from .database import Transaction, quoted
from .registry import physical


class _Conditions:
    """What all have to be true, and the values in it."""

    def __init__(self) -> None:
        self._said: list[str] = []
        self.values: list[Any] = []

    def add(self, condition: str, *values: Any) -> None:
        """One more."""
        self._said.append(condition)
        self.values += values

    @property
    def where(self) -> str:
        """As SQL."""
        return f"WHERE {' AND '.join(self._said)}" if self._said else ""


def sessions(transaction: Transaction, build: Build, query: SessionQuery) -> list[Metadata]:
    """The sessions asked for. Raises InvalidInput."""
    conditions = _conditions(transaction, query)
    order, way = quoted(query.attribute), "DESC" if query.descending else "ASC"
    place = query.after_place()
    if place is not None:
        value = transaction.value(SESSIONS_ROWS.columns[query.attribute], place[0])
        conditions.add(f"({order}, id) {'<' if query.descending else '>'} (?, ?)", value, place[1])
    tail = f"{conditions.where} ORDER BY {order} {way}, id {way}"
    if query.limit is not None:
        tail += " LIMIT ?"
        conditions.values.append(query.limit)
    found = transaction.select(SESSIONS_ROWS, physical(SESSIONS_ROWS, build), tail, conditions.values)
    return [metadata_of(row) for row in found]


def _conditions(transaction: Transaction, query: SessionQuery) -> _Conditions:
    conditions = _Conditions()
    if query.statuses:
        conditions.add(f"status IN ({', '.join('?' * len(query.statuses))})", *query.statuses)
    if query.text is not None:
        conditions.add(transaction.contains("title_folded"), transaction.value("text", folded(query.text)))
    if query.model is not None:
        conditions.add(transaction.contains("model_folded"), transaction.value("text", folded(query.model)))
    if query.project is not None:
        conditions.add("project = ?", transaction.value("text", query.project))
    for tag in query.tags:
        conditions.add(transaction.contains("tag_list"), transaction.value("text", f",{quoted_tag(tag)},"))
    if query.since is not None:
        conditions.add("updated_at >= ?", transaction.value("time", query.since))
    if query.before is not None:
        conditions.add("updated_at < ?", transaction.value("time", query.before))
    if query.failed is not None:
        conditions.add("errors > 0" if query.failed else "errors = 0")
    if query.waiting is not None:
        conditions.add("waiting > 0" if query.waiting else "waiting = 0")
    return conditions


def texts(transaction: Transaction, build: Build, query: TextQuery) -> list[Found]:
    """The texts asked for, the latest first."""
    conditions = _Conditions()
    conditions.add(*transaction.matches(TEXT_ROWS, physical(TEXT_ROWS, build), query.phrases))
    if query.session_id is not None:
        conditions.add("session_id = ?", query.session_id)
    if query.kinds:
        conditions.add(f"kind IN ({', '.join('?' * len(query.kinds))})", *query.kinds)
    if query.before is not None:
        conditions.add("(position, part) < (?, ?)", query.before.position, query.before.part)
    tail = f"{conditions.where} ORDER BY position DESC, part DESC LIMIT ?"
    values = [*conditions.values, query.limit]
    return [Found(**row) for row in transaction.select(TEXT_ROWS, physical(TEXT_ROWS, build), tail, values)]


def facts(transaction: Transaction, build: Build, query: MemoryQuery) -> dict[str, list[str]]:
    """For each word the facts of the memory in which it stands, the latest first."""
    table = physical(MEMORY_ROWS, build)
    found: dict[str, list[str]] = {}
    for word in query.words:
        conditions = _Conditions()
        conditions.add(*transaction.matches(MEMORY_ROWS, table, (Phrase((word,)),)))
        conditions.add("memory = ?", transaction.value("text", query.memory))
        tail = f"{conditions.where} ORDER BY position DESC, memory_id LIMIT ?"
        rows = transaction.select(MEMORY_ROWS, table, tail, [*conditions.values, query.most])
        found[word] = [row["memory_id"] for row in rows]
    return found


def rows(transaction: Transaction, build: Build, table: Table, equal: Mapping[str, object], limit: int) -> list[Row]:
    """Rows of a table with these values, by key. Raises InvalidInput."""
    conditions = _Conditions()
    for column, value in equal.items():
        if column not in table.readable:
            raise InvalidInput(f"table {table.name} has no column {column!r}; it has {', '.join(table.readable)}")
        if value is None:
            conditions.add(f"{quoted(column)} IS NULL")
        else:
            conditions.add(f"{quoted(column)} = ?", transaction.value(table.columns[column], value))
    tail = f"{conditions.where} ORDER BY {', '.join(map(quoted, table.key))} LIMIT ?"
    return transaction.select(table, physical(table, build), tail, [*conditions.values, limit])

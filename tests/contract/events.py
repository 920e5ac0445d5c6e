"""Events and raw access for the contract suite."""

import sqlite3
from collections.abc import Generator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import Any

import psycopg
from pydantic import JsonValue

from turnlog.domain import (
    Actor,
    Change,
    Recorded,
    SessionRenamed,
    TextBlock,
    ToolCallFinished,
)

AT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
USER = Actor(kind="user", id="ada")


def renamed(title: str) -> SessionRenamed:
    """A small event."""
    return SessionRenamed(at=AT, actor=USER, title=title)


def finished(text: str, details: dict[str, JsonValue] | None = None) -> ToolCallFinished:
    """An event with blocks and free-form details."""
    return ToolCallFinished(
        at=AT,
        actor=USER,
        turn_id="turn-1",
        call_id="call-1",
        content=(TextBlock(text=text),),
        details=details,
    )


def change(stream: str, after: int, *titles: str) -> Change:
    """Small events for a stream."""
    return Change(stream, after, tuple(renamed(title) for title in titles))


def places(recorded: Sequence[Recorded]) -> list[tuple[str, int]]:
    """Stream and version of each."""
    return [(one.stream, one.version) for one in recorded]


def titles(recorded: Sequence[Recorded]) -> list[str]:
    """What small events say."""
    return [one.event.title for one in recorded if isinstance(one.event, SessionRenamed)]


class Raw:
    """Plain SQL on a store's tables, as somebody who goes around turnlog would use it."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._is_sqlite = url.startswith("sqlite:")

    def execute(self, statement: str) -> list[tuple[Any, ...]]:
        """Run one statement in a transaction of its own."""
        with self._rows(statement) as rows:
            return rows

    def insert(self, stream: str, version: int, topic: str, state: str) -> None:
        """Put a row into the log."""
        columns = "originator_id, originator_version, topic, state"
        values = f"'{stream}', {version}, '{topic}', {self._bytes(state.encode())}"
        if self._is_sqlite:  # which cannot hash by itself
            columns += ", chain"
            values += ", zeroblob(32)"
        self.execute(f"INSERT INTO events ({columns}) VALUES ({values})")

    def _bytes(self, data: bytes) -> str:
        return f"x'{data.hex()}'" if self._is_sqlite else rf"'\x{data.hex()}'"

    @contextmanager
    def _rows(self, statement: str) -> Generator[list[tuple[Any, ...]]]:
        if self._is_sqlite:
            path = self._url.removeprefix("sqlite:///")
            with closing(sqlite3.connect(path)) as file, file:
                yield [tuple(row) for row in file.execute(statement)]
            return
        with psycopg.connect(self._url, options="-c search_path=turnlog") as server:
            cursor = server.execute(statement.encode())
            yield cursor.fetchall() if cursor.description else []

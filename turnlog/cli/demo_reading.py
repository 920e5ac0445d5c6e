"""How the demo knows what happened: it reads the log while other processes write it."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Self

from pydantic import JsonValue

from turnlog.domain import (
    LeaseTaken,
    ModelRequested,
    PermissionRequested,
    PermissionResolved,
    Recorded,
    SchemaMissing,
    ToolCallFinished,
    ToolCallStarted,
)
from turnlog.front import Turnlog

from .demo_processes import DemoFailed


class Reading:
    """The log of the demo, read without a program of one's own having to be asynchronous."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._runner = asyncio.Runner()
        self._log: Turnlog | None = None

    def open(self, migrate: Callable[[], object]) -> None:
        """Open the database; one without a schema is migrated first. Raises InvalidInput, StoreError."""
        try:
            self._log = self._runner.run(_open(self._url))
        except SchemaMissing:
            migrate()
            self._log = self._runner.run(_open(self._url))

    def session(self, model: str) -> str:
        """The id of the session that began with this model. Raises DemoFailed, StoreError."""
        found = [each.id for each in self._runner.run(self._opened.list_sessions()) if each.model == model]
        if len(found) != 1:
            raise DemoFailed(f"the log has {len(found)} sessions of {model} where it should have one")
        return found[0]

    def records(self, session_id: str) -> Sequence[Recorded]:
        """Everything that led to a session. Raises NotFound, StoreError."""
        return self._runner.run(self._opened.show(session_id)).history

    @property
    def _opened(self) -> Turnlog:
        if self._log is None:
            raise DemoFailed("the demo's database is not open")
        return self._log

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._log is not None:
                self._runner.run(self._log.close())
        finally:
            self._runner.close()


async def _open(url: str) -> Turnlog:
    return await Turnlog.open(url)


def question(records: Sequence[Recorded]) -> str:
    """The id of the latest question to a person that is not answered. Raises DemoFailed."""
    answered = {r.event.request_id for r in records if isinstance(r.event, PermissionResolved)}
    asked = [r.event.request_id for r in records if isinstance(r.event, PermissionRequested)]
    for request_id in reversed(asked):
        if request_id not in answered:
            return request_id
    raise DemoFailed("nobody was asked for permission")


def finished(records: Iterable[Recorded], tool: str) -> list[int]:
    """The versions at which calls of a tool were recorded as finished."""
    calls: set[str] = set()
    versions: list[int] = []
    for record in records:
        event = record.event
        if isinstance(event, ToolCallStarted) and event.tool == tool:
            calls.add(event.call_id)
        elif isinstance(event, ToolCallFinished) and event.call_id in calls:
            versions.append(record.version)
    return versions


def exit_status(records: Iterable[Recorded]) -> JsonValue:
    """The exit status of the program that ended last; None where there is none."""
    ended = [r.event.details for r in records if isinstance(r.event, ToolCallFinished) and r.event.details]
    return ended[-1].get("exit_status") if ended else None


def awaits_model(records: Sequence[Recorded]) -> bool:
    """Whether the last thing on record is a question to the model, after an edit."""
    return bool(finished(records, "edit_file")) and isinstance(records[-1].event, ModelRequested)


def latest_worker(records: Iterable[Recorded]) -> LeaseTaken:
    """The worker that took the session last. Raises DemoFailed."""
    taken = [record.event for record in records if isinstance(record.event, LeaseTaken)]
    if not taken:
        raise DemoFailed("no worker took the session")
    return taken[-1]

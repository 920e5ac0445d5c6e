"""Files that calls changed, as the details of their results say: `path`, and what was there `before` and `after`.

Tools of turnlog say so of every file they change themselves. What a program changed that a tool ran, nobody knows.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import JsonValue

from turnlog.domain import Recorded, ToolCallFinished

FileChange = Literal["created", "changed", "deleted", "as it was"]


@dataclass(frozen=True, slots=True)
class TouchedFile:
    """A path and what was there before the first change and after the last: as details say, null for nothing.

    `known_before` is false where the first of them does not say. `changes` counts; `record` is the latest of them.
    """

    path: str
    before: JsonValue
    after: JsonValue
    known_before: bool
    changes: int
    record: Recorded

    @property
    def change(self) -> FileChange:
        """What all changes together come to."""
        if self.known_before and self.before == self.after:
            return "as it was"
        if self.after is None:
            return "deleted"
        return "created" if self.known_before and self.before is None else "changed"


def touched(history: Iterable[Recorded]) -> tuple[TouchedFile, ...]:
    """The files that the calls of a history changed, by path."""
    found: dict[str, TouchedFile] = {}
    for record in history:
        if isinstance(record.event, ToolCallFinished):
            for change in _changes(record.event.details or {}):
                path = str(change["path"])
                found[path] = _with(found.get(path), path, change, record)
    return tuple(found[path] for path in sorted(found))


def _changes(details: Mapping[str, JsonValue]) -> Iterator[Mapping[str, JsonValue]]:
    """The changes that a result tells of: one, or a list of them."""
    many = details.get("changes")
    for change in [details, *(many if isinstance(many, list) else [])]:
        if isinstance(change, dict) and isinstance(change.get("path"), str) and "after" in change:
            yield change


def _with(known: TouchedFile | None, path: str, change: Mapping[str, JsonValue], record: Recorded) -> TouchedFile:
    if known is not None:
        return TouchedFile(path, known.before, change["after"], known.known_before, known.changes + 1, record)
    # Before `before` was told of every change, a new file was one that was `created`.
    told = "before" in change or change.get("created") is True
    return TouchedFile(path, change.get("before"), change["after"], told, 1, record)


@dataclass(frozen=True, slots=True)
class TouchedTask:
    """A task of the board that calls changed, and how, in order."""

    task_id: str
    subject: str
    changes: tuple[str, ...]


def touched_tasks(history: Iterable[Recorded]) -> tuple[TouchedTask, ...]:
    """The tasks that the calls of a history changed, as their results say, in the order they were changed first."""
    found: dict[str, TouchedTask] = {}
    for record in history:
        details = record.event.details if isinstance(record.event, ToolCallFinished) else None
        match details:
            case {"task_id": str(task_id), "task_change": str(change), "subject": str(subject)}:
                before = found[task_id].changes if task_id in found else ()
                found[task_id] = TouchedTask(task_id, subject, (*before, change))
            case _:
                pass
    return tuple(found.values())


def content_of(said: JsonValue) -> str:
    """What details say of a path, in a few words."""
    if not isinstance(said, dict):
        return "nothing" if said is None else "something"
    digest, size, target = said.get("sha256"), said.get("bytes"), said.get("symlink")
    if isinstance(target, str):
        return f"a symlink to {target}"
    if said.get("directory") is True:
        return "a directory"
    shown = f"{size} bytes" if isinstance(size, int) else "a file"
    return f"{shown}, sha256 {digest[:12]}" if isinstance(digest, str) else shown

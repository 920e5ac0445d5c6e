"""Files that calls changed, as the details of their results say: `path`, and what was there `before` and `after`.

Tools of turnlog say so of every file they change themselves. What a program changed that a tool ran, nobody knows.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import JsonValue

from turnlog.domain import Recorded, ToolCallFinished

from .projection import Projection

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


def _fold(found: dict[str, TouchedFile], recorded: Recorded) -> dict[str, TouchedFile]:
    if isinstance(recorded.event, ToolCallFinished):
        for change in _changes(recorded.event.details or {}):
            path = str(change["path"])
            found[path] = _with(found.get(path), path, change, recorded)
    return found


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


FILES_CHANGED: Projection[dict[str, TouchedFile]] = Projection(
    "files_changed", 1, dict[str, TouchedFile], _fold, frozenset({ToolCallFinished})
)
"""The files that calls changed, by path."""

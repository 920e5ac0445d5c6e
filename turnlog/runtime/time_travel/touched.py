"""What calls changed, as the details of their results say: files by path, and tasks of the board."""

from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import JsonValue

from turnlog.domain import Recorded, ToolCallFinished
from turnlog.projections import FILES_CHANGED, TouchedFile, project


def touched(history: Iterable[Recorded]) -> tuple[TouchedFile, ...]:
    """The files that the calls of a history changed, by path."""
    found = project(FILES_CHANGED, history)
    return tuple(found[path] for path in sorted(found))


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

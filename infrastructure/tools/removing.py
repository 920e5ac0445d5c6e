"""The `delete_file` tool: a file, a symlink itself, an empty directory, or, if asked for, a bounded tree."""

import os
import stat
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from typing import Annotated, Final

from pydantic import Field, JsonValue

from turnlog.domain import InvalidInput, ToolContext, ToolOutput
from turnlog.projections import visible

from .beneath import LIST, open_beneath
from .changes import MOST_DIGESTED, change, described, undigested
from .function import tool
from .leading import name_surroundings
from .paths import Place, kind, parent, synced
from .reach import reach_of

MOST_REMOVED: Final = 500
"""Entries that one call removes at most."""

_DEEPEST: Final = 64
_MOST_DIGESTED: Final = 4 * MOST_DIGESTED  # bytes of all files of a tree
_MOST_SHOWN: Final = 50


@tool(effect="external", surroundings=name_surroundings())
def delete_file(
    path: Annotated[str, Field(description="File, symlink or directory to delete, relative to the workspace.")],
    context: ToolContext,
    recursive: Annotated[bool, Field(description="Delete a directory with all that is in it.")] = False,
) -> ToolOutput:
    """Delete a file, a symlink itself, or an empty directory; a directory with its content only if `recursive`.

    At most 500 entries are deleted in one call.
    """
    where = reach_of(context).to_rename(path)
    with parent(where) as (holder, name):
        state = os.stat(name, dir_fd=holder, follow_symlinks=False)
        if recursive and stat.S_ISDIR(state.st_mode):
            return _Tree(where).remove(holder, name)
        said = _remove(holder, name, state, where)
        synced(holder)
    return ToolOutput((f"deleted {where.shown} ({_told(said, state)})",), details=change(where.relative, said, None))


def _remove(holder: int, name: str, state: os.stat_result, where: Place) -> JsonValue:
    """Remove one entry; returns what details say of it."""
    said = described(holder, name, _removable(state, where.shown))
    if not stat.S_ISDIR(state.st_mode):
        os.unlink(name, dir_fd=holder)
        return said
    with _listed(holder, name) as (_, names):
        if names:
            raise InvalidInput(f"{where.shown} is a directory that is not empty; nothing was deleted: see `recursive`")
    os.rmdir(name, dir_fd=holder)
    return said


def _removable(state: os.stat_result, shown: str) -> os.stat_result:
    if not (stat.S_ISREG(state.st_mode) or stat.S_ISDIR(state.st_mode) or stat.S_ISLNK(state.st_mode)):
        raise InvalidInput(f"{shown} is {kind(state.st_mode)}; only files, directories and symlinks can be deleted")
    return state


def _told(said: JsonValue, state: os.stat_result) -> str:
    if stat.S_ISREG(state.st_mode):
        return f"{state.st_size:,} bytes"
    return f"{'an empty directory' if stat.S_ISDIR(state.st_mode) else kind(state.st_mode)}"


@contextmanager
def _listed(holder: int, name: str) -> Generator[tuple[int, list[str]]]:
    """A directory, opened, and the names in it, of which no more are read than may be removed."""
    opened = open_beneath(holder, (name,), LIST)
    try:
        names: list[str] = []
        with os.scandir(opened) as entries:
            for entry in entries:
                names.append(entry.name)
                if len(names) > MOST_REMOVED:
                    break
        yield opened, sorted(names)
    finally:
        os.close(opened)


class _Tree:
    """A directory with all that is in it: first looked at whole, then removed from its leaves up."""

    def __init__(self, where: Place) -> None:
        self._where = where
        self._seen = 0
        self._device = 0
        self._left = _MOST_DIGESTED
        self._changes: list[JsonValue] = []
        self._kinds: Counter[str] = Counter()

    def remove(self, holder: int, name: str) -> ToolOutput:
        self._device = os.stat(name, dir_fd=holder, follow_symlinks=False).st_dev
        self._look(holder, name, 1)
        try:
            self._remove(holder, name, self._where.relative)
            synced(holder)
        except OSError as error:
            return self._broken_off(error)
        return ToolOutput((f"deleted {self._report()}",), details={"changes": self._changes})

    def _look(self, holder: int, name: str, depth: int) -> None:
        """Raises InvalidInput for what is too large, or not to be removed."""
        self._seen += 1
        state = _removable(os.stat(name, dir_fd=holder, follow_symlinks=False), f"{visible(name)!r}")
        if state.st_dev != self._device:
            raise InvalidInput(
                f"{self._where.shown} holds another file system at {visible(name)!r}; nothing was deleted"
            )
        if self._seen > MOST_REMOVED or depth > _DEEPEST:
            raise InvalidInput(
                f"{self._where.shown} holds more than {MOST_REMOVED} entries, or is nested more than {_DEEPEST} deep; "
                "nothing was deleted: delete a directory below it first"
            )
        if stat.S_ISDIR(state.st_mode):
            with _listed(holder, name) as (opened, names):
                for below in names:
                    self._look(opened, below, depth + 1)

    def _remove(self, holder: int, name: str, path: str) -> None:
        state = os.stat(name, dir_fd=holder, follow_symlinks=False)
        said = self._described(holder, name, state)
        if stat.S_ISDIR(state.st_mode):
            with _listed(holder, name) as (opened, names):
                for below in names:
                    self._remove(opened, below, f"{path}/{below}")
            os.rmdir(name, dir_fd=holder)
        else:
            os.unlink(name, dir_fd=holder)
        self._changes.append(change(path, said, None))
        self._kinds[kind(state.st_mode)] += 1

    def _described(self, holder: int, name: str, state: os.stat_result) -> JsonValue:
        if stat.S_ISREG(state.st_mode):
            self._left -= state.st_size
        return described(holder, name, state) if self._left >= 0 else undigested(state)

    def _broken_off(self, error: OSError) -> ToolOutput:
        reason = os.strerror(error.errno) if error.errno else str(error)
        text = f"broke off ({reason}) after deleting {self._report()}"
        return ToolOutput((text,), is_error=True, details={"changes": self._changes})

    def _report(self) -> str:
        counted = ", ".join(f"{count} × {what}" for what, count in sorted(self._kinds.items())) or "nothing"
        paths = [str(each["path"]) for each in self._changes if isinstance(each, dict)]
        lines = [f"{self._where.shown}: {counted}", *(visible(path) for path in paths[:_MOST_SHOWN])]
        if len(paths) > _MOST_SHOWN:
            lines.append(f"[and {len(paths) - _MOST_SHOWN} more]")
        return "\n".join(lines)

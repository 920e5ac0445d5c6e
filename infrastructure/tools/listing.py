"""The `list_files` tool."""

import heapq
import os
import stat
from collections.abc import Iterator
from typing import Annotated, Final

from pydantic import Field

from turnlog.domain import ToolContext
from turnlog.projections import visible

from .beneath import LIST, open_beneath
from .function import tool
from .leading import path_surroundings
from .paths import directory, kind
from .reach import reach_of

_SKIPPED: Final = ".git"


@tool(effect="pure", surroundings=path_surroundings("."))
def list_files(
    context: ToolContext,
    path: Annotated[str, Field(description="Directory, relative to the workspace.")] = ".",
    depth: Annotated[int, Field(ge=1, le=20, description="How many levels to list.")] = 1,
    limit: Annotated[int, Field(ge=1, le=5000, description="Most entries to return.")] = 200,
) -> str:
    """List a directory of the workspace, sorted: directories end in a slash, files have their size in bytes.

    Symlinks are shown, not followed. `.git` is not entered.
    """
    where = reach_of(context).to_read(path)
    with directory(where) as opened:
        lines: list[str] = []
        for line in _entries(opened, "", depth, limit):
            if len(lines) == limit:
                lines.append(f"[there are more than {limit}: list a directory below, or raise limit]")
                break
            lines.append(line)
    return "\n".join(lines) or "(the directory is empty)"


def _entries(opened: int, prefix: str, depth: int, limit: int) -> Iterator[str]:
    with os.scandir(opened) as entries:
        # One more than can be shown, however many there are: memory stays bounded.
        names = heapq.nsmallest(limit + 1, (entry.name for entry in entries))
    for name in names:
        try:
            mode = os.stat(name, dir_fd=opened, follow_symlinks=False)
        except FileNotFoundError:  # gone meanwhile
            continue
        yield _line(opened, prefix, name, mode)
        if stat.S_ISDIR(mode.st_mode) and depth > 1 and name != _SKIPPED:
            yield from _below(opened, prefix, name, depth, limit)


def _below(opened: int, prefix: str, name: str, depth: int, limit: int) -> Iterator[str]:
    try:
        below = open_beneath(opened, (name,), LIST)
    except OSError as error:
        yield f"{visible(prefix + name)}/  (cannot be listed: {error.strerror})"
        return
    try:
        yield from _entries(below, f"{prefix}{name}/", depth - 1, limit)
    finally:
        os.close(below)


def _line(opened: int, prefix: str, name: str, state: os.stat_result) -> str:
    shown = visible(prefix + name)
    if stat.S_ISDIR(state.st_mode):
        return f"{shown}/"
    if stat.S_ISREG(state.st_mode):
        return f"{shown}  {state.st_size:,}"
    if stat.S_ISLNK(state.st_mode):
        return f"{shown} -> {visible(_target(opened, name))}"
    return f"{shown}  ({kind(state.st_mode)})"


def _target(opened: int, name: str) -> str:
    try:
        return os.readlink(name, dir_fd=opened)
    except OSError:  # gone meanwhile
        return "?"

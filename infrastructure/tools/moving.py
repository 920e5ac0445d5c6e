"""The `move_file` tool."""

import errno
import os
import stat
from typing import Annotated

from pydantic import Field, JsonValue

from turnlog.domain import InvalidInput, ToolContext, ToolOutput

from .changes import change, described
from .function import tool
from .leading import name_surroundings
from .paths import Place, check_new, kind, parent, synced
from .reach import reach_of
from .renaming import rename_to_new
from .replacing import state_of

Name = tuple[int, str]
"""An open directory, and a name in it."""


@tool(effect="external", surroundings=name_surroundings())
def move_file(
    path: Annotated[str, Field(description="File, directory or symlink to move, relative to the workspace.")],
    to: Annotated[str, Field(description="Its whole new path; missing directories are created.")],
    context: ToolContext,
    overwrite: Annotated[bool, Field(description="Replace a file that is at the new path.")] = False,
) -> ToolOutput:
    """Move or rename a file, a directory, or a symlink itself. Nothing is replaced unless `overwrite` says so."""
    reach = reach_of(context)
    source, target = reach.to_rename(path), reach.to_rename(to)
    if target.real.is_relative_to(source.real):
        raise InvalidInput(f"{source.shown} cannot be moved to {target.shown}, which is itself or inside it")
    with parent(source) as old:
        state = _movable(old, source)
        moved = described(*old, state)
        with parent(target, create=True) as new:
            replaced = _replaced(state, target, new) if overwrite else None
            _rename(old, new, target, replaced)
            synced(new[0])
        synced(old[0])
    verb = "moved" if replaced is None else "replaced a file by moving"
    changes: list[JsonValue] = [change(source.relative, moved, None), change(target.relative, replaced, moved)]
    return ToolOutput((f"{verb} {source.shown} to {target.shown}",), details={"changes": changes})


def _movable(old: Name, where: Place) -> os.stat_result:
    state = os.stat(old[1], dir_fd=old[0], follow_symlinks=False)
    if not (stat.S_ISREG(state.st_mode) or stat.S_ISDIR(state.st_mode) or stat.S_ISLNK(state.st_mode)):
        raise InvalidInput(f"{where.shown} is {kind(state.st_mode)}; only files, directories and symlinks can be moved")
    return state


def _replaced(moving: os.stat_result, target: Place, new: Name) -> JsonValue:
    """What details say of the file that is to be replaced; None where there is none."""
    there = state_of(*new, target)
    if there is None:
        return None
    if not stat.S_ISREG(moving.st_mode):
        raise InvalidInput(f"{target.shown} is a file, and only a file can replace it; nothing was moved")
    return described(*new, there)


def _rename(old: Name, new: Name, target: Place, replaced: JsonValue) -> None:
    if replaced is None:
        check_new(target)
    try:
        if replaced is None:
            rename_to_new(old, new)
        else:
            os.rename(old[1], new[1], src_dir_fd=old[0], dst_dir_fd=new[0])
    except FileExistsError as error:
        raise InvalidInput(
            f"{target.shown} exists; nothing was moved: give a path that is free, or overwrite if it is a file"
        ) from error
    except OSError as error:
        if error.errno == errno.EXDEV:
            raise InvalidInput(
                f"{target.shown} is on another file system; write it there and delete it here"
            ) from error
        raise

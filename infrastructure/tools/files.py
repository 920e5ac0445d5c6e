"""Tools that read, write and edit the files of the workspace."""

import hashlib
import os
import secrets
import stat
from contextlib import suppress
from typing import Annotated, Final

from pydantic import Field, JsonValue

from turnlog.domain import InvalidInput, ToolContext, ToolOutput

from .function import tool
from .leading import path_surroundings
from .output import image_type
from .paths import Place, parent, place, regular_file, require_regular, synced
from .reading import read_lines

MOST_EDITABLE: Final = 10 * 1024 * 1024
MOST_IMAGE: Final = 5 * 1024 * 1024
_SNIFFED: Final = 8 * 1024
_CREATE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

FilePath = Annotated[str, Field(description="File, relative to the workspace.")]


@tool(effect="pure", surroundings=path_surroundings())
def read_file(
    path: FilePath,
    context: ToolContext,
    offset: Annotated[int, Field(ge=1, description="First line to return.")] = 1,
    limit: Annotated[int, Field(ge=1, le=20_000, description="Most lines to return.")] = 2000,
) -> str | bytes:
    """Read a text file of the workspace, each line after its number and a tab. Of an image file, the image."""
    where = place(context.workspace, path)
    with regular_file(where) as (opened, state), os.fdopen(os.dup(opened), "rb") as stream:
        head = stream.peek(_SNIFFED)[:_SNIFFED]
        if image_type(head):
            return _image(stream.read(MOST_IMAGE + 1), where, state.st_size)
        if b"\0" in head:
            raise InvalidInput(f"{where.shown} is binary ({state.st_size:,} bytes), not text")
        return read_lines(stream, offset, limit)


def _image(data: bytes, where: Place, size: int) -> bytes:
    if len(data) > MOST_IMAGE:
        raise InvalidInput(f"{where.shown} is an image of {size:,} bytes; at most {MOST_IMAGE:,} can be shown")
    return data


@tool(effect="idempotent", surroundings=path_surroundings())
def write_file(
    path: FilePath,
    content: Annotated[str, Field(description="The whole new content.")],
    context: ToolContext,
) -> ToolOutput:
    """Create a file of the workspace or replace its whole content; missing directories are created."""
    where = place(context.workspace, path)
    data = _encoded(content, "content")
    with parent(where, create=True) as (holder, name):
        before = _state(holder, name, where)
        _replace(holder, name, data, before)
    verb = "created" if before is None else "replaced"
    details: dict[str, JsonValue] = {"path": where.relative, "created": before is None, "after": _digest(data)}
    return ToolOutput((f"{verb} {where.shown} ({len(data):,} bytes)",), details=details)


# External, not idempotent: `old` may be part of `new`, and then a second run finds it again and edits twice.
@tool(effect="external", surroundings=path_surroundings())
def edit_file(
    path: FilePath,
    old: Annotated[str, Field(min_length=1, description="Text to replace, exactly as it is in the file.")],
    new: Annotated[str, Field(description="Text to put in its place.")],
    context: ToolContext,
    expected_replacements: Annotated[int, Field(ge=1, description="How often `old` must occur.")] = 1,
) -> ToolOutput:
    """Replace an exact piece of text in a file of the workspace, if it occurs exactly as often as expected."""
    where = place(context.workspace, path)
    if old == new:
        raise InvalidInput("old and new are the same; there is nothing to change")
    with regular_file(where) as (opened, state):
        before = _editable(opened, state, where)
    after = _substituted(before, old, new, expected_replacements, where)
    with parent(where) as (holder, name):
        _replace(holder, name, after, _unchanged(_state(holder, name, where), state, where))
    times = "once" if expected_replacements == 1 else f"{expected_replacements} times"
    details: dict[str, JsonValue] = {"path": where.relative, "before": _digest(before), "after": _digest(after)}
    return ToolOutput((f"edited {where.shown}: replaced {times}",), details=details)


def _editable(opened: int, state: os.stat_result, where: Place) -> bytes:
    with os.fdopen(os.dup(opened), "rb") as stream:
        data = stream.read(MOST_EDITABLE + 1)
    if len(data) > MOST_EDITABLE:
        raise InvalidInput(f"{where.shown} has {state.st_size:,} bytes; files up to {MOST_EDITABLE:,} can be edited")
    if b"\0" in data[:_SNIFFED]:
        raise InvalidInput(f"{where.shown} is binary ({state.st_size:,} bytes), not text")
    return data


def _substituted(before: bytes, old: str, new: str, expected: int, where: Place) -> bytes:
    # Bytes, so that what is not UTF-8 elsewhere in the file stays as it is.
    old_bytes, new_bytes = _encoded(old, "old"), _encoded(new, "new")
    if old_bytes not in before and b"\r\n" in before and b"\r" not in old_bytes:
        old_bytes, new_bytes = old_bytes.replace(b"\n", b"\r\n"), new_bytes.replace(b"\n", b"\r\n")
    found = before.count(old_bytes)
    if found != expected:
        raise InvalidInput(
            f"{where.shown} contains `old` {found} times, not {expected}; nothing was changed: "
            "read the file and give a longer piece, or the right number"
        )
    return before.replace(old_bytes, new_bytes)


def _unchanged(now: os.stat_result | None, then: os.stat_result, where: Place) -> os.stat_result:
    if now is None or _version(now) != _version(then):
        raise InvalidInput(f"{where.shown} was changed by somebody else meanwhile; nothing was edited: read it again")
    return now


def _version(state: os.stat_result) -> tuple[int, int, int, int]:
    return state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns


def _encoded(text: str, argument: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise InvalidInput(f"{argument} contains a lone surrogate at {error.start}, which no file can hold") from error


def _digest(data: bytes) -> JsonValue:
    return {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def _state(holder: int, name: str, where: Place) -> os.stat_result | None:
    """The state of the file to be replaced, None if there is none. Raises InvalidInput if it is no regular file."""
    try:
        state = os.stat(name, dir_fd=holder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    require_regular(state, where)
    return state


def _replace(holder: int, name: str, data: bytes, before: os.stat_result | None) -> None:
    """Put a whole new file in the place of the old one, with its mode: readers see the old one or the new one."""
    temporary = f".turnlog-{secrets.token_hex(8)}"
    opened = os.open(temporary, _CREATE, 0o666, dir_fd=holder)
    try:
        with os.fdopen(opened, "wb") as stream:
            if before is not None:
                _keep_mode(stream.fileno(), before)
            stream.write(data)
            stream.flush()
            if before is not None:
                _keep_mode(stream.fileno(), before)  # writing took set-id bits away, unless root wrote
            os.fsync(stream.fileno())
        os.replace(temporary, name, src_dir_fd=holder, dst_dir_fd=holder)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary, dir_fd=holder)
        raise
    synced(holder)


def _keep_mode(opened: int, before: os.stat_result) -> None:
    with suppress(PermissionError):  # only root may give a file away
        os.fchown(opened, before.st_uid, before.st_gid)
    os.fchmod(opened, stat.S_IMODE(before.st_mode))

"""Tools that read and write the files of the workspace."""

import os
from typing import Annotated, Final

from pydantic import Field, JsonValue

from turnlog.domain import InvalidInput, ToolContext, ToolOutput

from .changes import change, contents_of, described
from .function import tool
from .leading import path_surroundings, target_surroundings
from .output import image_type
from .paths import Place, check_new, parent, regular_file
from .reach import reach_of
from .reading import MOST_BYTES, read_lines
from .replacing import check_size, replace, state_of
from .text_files import SNIFFED, FilePath, encoded, refuse_binary

MOST_IMAGE: Final = 5 * 1024 * 1024


@tool(effect="pure", surroundings=path_surroundings())
def read_file(
    path: FilePath,
    context: ToolContext,
    offset: Annotated[int, Field(ge=1, description="First line to return.")] = 1,
    limit: Annotated[int, Field(ge=1, le=20_000, description="Most lines to return.")] = 2000,
) -> str | bytes:
    """Read a text file of the workspace, each line after its number and a tab. Of an image file, the image."""
    where = reach_of(context).to_read(path)
    with regular_file(where) as (opened, state), os.fdopen(os.dup(opened), "rb") as stream:
        head = stream.peek(SNIFFED)[:SNIFFED]
        if image_type(head):
            return _image(stream.read(MOST_IMAGE + 1), where, state.st_size)
        refuse_binary(head, state, where)
        return read_lines(stream, offset, limit, min(MOST_BYTES, context.bounds.output_bytes))


def _image(data: bytes, where: Place, size: int) -> bytes:
    if len(data) > MOST_IMAGE:
        raise InvalidInput(f"{where.shown} is an image of {size:,} bytes; at most {MOST_IMAGE:,} can be shown")
    return data


@tool(effect="idempotent", surroundings=target_surroundings())
def write_file(
    path: FilePath,
    content: Annotated[str, Field(description="The whole new content.")],
    context: ToolContext,
) -> ToolOutput:
    """Create a file of the workspace or replace its whole content; missing directories are created."""
    where = reach_of(context).to_write(path)
    data = encoded(content, "content")
    check_size(len(data), context.bounds, where)
    with parent(where, create=True) as (holder, name):
        before = _replaced(holder, name, data, where)
    verb = "created" if before is None else "replaced"
    details = {**change(where.relative, before, contents_of(data)), "created": before is None}
    return ToolOutput((f"{verb} {where.shown} ({len(data):,} bytes)",), details=details)


def _replaced(holder: int, name: str, data: bytes, where: Place) -> JsonValue:
    """Write the file; returns what details say of the one before."""
    before = state_of(holder, name, where)
    if before is None:
        check_new(where)
        replace(holder, name, data, None)
        return None
    said = described(holder, name, before)
    replace(holder, name, data, before)
    return said

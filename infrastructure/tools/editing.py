"""The `edit_file` tool: pieces of a text replaced, all of them or none."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from turnlog.domain import Bounds, InvalidInput, ToolContext, ToolOutput

from .changes import change, contents_of
from .function import tool
from .leading import target_surroundings
from .paths import Place, parent, regular_file
from .reach import reach_of
from .replacing import check_size, replace, state_of
from .text_files import SNIFFED, FilePath, encoded, refuse_binary

MOST_EDITABLE: Final = 10 * 1024 * 1024
_MOST_EDITS: Final = 200

Old = Annotated[str, Field(min_length=1, description="Text to replace, exactly as it is in the file.")]
New = Annotated[str, Field(description="Text to put in its place.")]
Times = Annotated[int, Field(ge=1, description="How often `old` must occur.")]


class Edit(BaseModel):
    """One of several replacements."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    old: Old
    new: New
    expected_replacements: Times = 1


# External, not idempotent: `old` may be part of `new`, and then a second run finds it again and edits twice.
@tool(effect="external", surroundings=target_surroundings())
def edit_file(
    path: FilePath,
    context: ToolContext,
    old: Old | None = None,
    new: New | None = None,
    expected_replacements: Times | None = None,
    edits: Annotated[
        list[Edit] | None,
        Field(min_length=1, max_length=_MOST_EDITS, description="Several replacements, made in order, all or none."),
    ] = None,
) -> ToolOutput:
    """Replace exact pieces of text in a file, each if it occurs exactly as often as expected (once by default).

    Give either `old` and `new`, or `edits`.
    """
    where = reach_of(context).to_write(path)
    wanted = _wanted(_single(old, new, expected_replacements), edits)
    with regular_file(where) as (opened, state):
        before = _editable(opened, state, where)
    after = _edited(before, wanted, where, context.bounds)
    with parent(where) as (holder, name):
        replace(holder, name, after, _unchanged(state_of(holder, name, where), state, where))
    details = change(where.relative, contents_of(before), contents_of(after))
    return ToolOutput((f"edited {where.shown}: {_told(wanted)}",), details=details)


def _single(old: str | None, new: str | None, expected: int | None) -> Edit | None:
    if old is None and new is None and expected is None:
        return None
    if old is None or new is None:
        raise InvalidInput(f"`{'old' if old is None else 'new'}` is missing; give both `old` and `new`")
    return Edit(old=old, new=new, expected_replacements=expected or 1)


def _wanted(single: Edit | None, several: list[Edit] | None) -> list[Edit]:
    if single is not None and several is not None:
        raise InvalidInput("give either `old` and `new`, or `edits`, not both; nothing was changed")
    wanted = several if single is None else [single]
    if wanted is None:
        raise InvalidInput("there is nothing to replace; give `old` and `new`, or `edits`")
    if any(edit.old == edit.new for edit in wanted):
        raise InvalidInput("old and new are the same; there is nothing to change")
    return wanted


def _editable(opened: int, state: os.stat_result, where: Place) -> bytes:
    with os.fdopen(os.dup(opened), "rb") as stream:
        data = stream.read(MOST_EDITABLE + 1)
    if len(data) > MOST_EDITABLE:
        raise InvalidInput(f"{where.shown} has {state.st_size:,} bytes; files up to {MOST_EDITABLE:,} can be edited")
    refuse_binary(data[:SNIFFED], state, where)
    return data


@dataclass(frozen=True, slots=True)
class _Piece:
    """A replacement in bytes, so that what is not UTF-8 elsewhere in the file stays as it is."""

    old: bytes
    new: bytes
    expected: int
    label: str

    def applied(self, data: bytes, where: Place) -> bytes:
        old, new = self.old, self.new
        if old not in data and b"\r\n" in data and b"\r" not in old:
            old, new = old.replace(b"\n", b"\r\n"), new.replace(b"\n", b"\r\n")
        found = data.count(old)
        if found != self.expected:
            raise InvalidInput(
                f"{self.label}{where.shown} contains `old` {found} times, not {self.expected}; nothing was changed: "
                "read the file and give a longer piece, or the right number"
            )
        size = len(data) + found * (len(new) - len(old))
        if size > MOST_EDITABLE:
            raise InvalidInput(f"{self.label}{where.shown} would have {size:,} bytes, more than can be edited")
        return data.replace(old, new)


def _edited(data: bytes, wanted: Sequence[Edit], where: Place, bounds: Bounds) -> bytes:
    before = data
    for number, edit in enumerate(wanted, 1):
        label = f"edit {number} of {len(wanted)}: " if len(wanted) > 1 else ""
        piece = _Piece(encoded(edit.old, "old"), encoded(edit.new, "new"), edit.expected_replacements, label)
        data = piece.applied(data, where)
    if data == before:
        raise InvalidInput(f"the edits undo each other, so {where.shown} would stay as it is; nothing was changed")
    check_size(len(data), bounds, where)
    return data


def _told(edits: Sequence[Edit]) -> str:
    if len(edits) > 1:
        return f"{len(edits)} edits, {sum(edit.expected_replacements for edit in edits)} replacements"
    expected = edits[0].expected_replacements
    return "replaced once" if expected == 1 else f"replaced {expected} times"


def _unchanged(now: os.stat_result | None, then: os.stat_result, where: Place) -> os.stat_result:
    if now is None or _version(now) != _version(then):
        raise InvalidInput(f"{where.shown} was changed by somebody else meanwhile; nothing was edited: read it again")
    return now


def _version(state: os.stat_result) -> tuple[int, int, int, int]:
    return state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns

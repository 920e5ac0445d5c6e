"""A tool call as an approver sees it: every argument in full."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from pydantic import JsonValue

from turnlog.projections import quoted

_PLAIN_NAME: Final = re.compile(r"[A-Za-z0-9_-]+")


def show_call(name: str, arguments: Mapping[str, JsonValue], defaults: Mapping[str, JsonValue]) -> str:
    """The call with every argument in full, then what is left to its default; long texts a line of theirs a line."""
    lines = [name]
    for argument, value in arguments.items():
        lines.extend(_argument(argument, value, ""))
    for argument, value in defaults.items():
        if argument not in arguments:
            lines.extend(_argument(argument, value, "  (default)"))
    return "\n".join(lines)


def _argument(argument: str, value: JsonValue, note: str) -> Iterator[str]:
    name = argument if _PLAIN_NAME.fullmatch(argument) else quoted(argument)
    pieces = [quoted(line) for line in value.splitlines(keepends=True)] if isinstance(value, str) else []
    if len(pieces) < 2:
        yield f"  {name}: {quoted(value)}{note}"
        return
    yield f"  {name}:{note}"
    for piece in pieces:
        yield f"    {piece}"

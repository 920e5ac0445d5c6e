"""A tool call as an approver sees it: complete, and with nothing in it that hides or reorders text."""

import json
import unicodedata
from collections.abc import Iterator, Mapping

from pydantic import JsonValue

_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def visible(text: str) -> str:
    """The text with control, bidirectional, zero-width and unassigned characters written as code points."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_code_point(char) if unicodedata.category(char) in _INVISIBLE else char for char in text)


def _code_point(char: str) -> str:
    number = ord(char)
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def quoted(value: JsonValue) -> str:
    """A value as JSON on one line, invisible characters as code points."""
    return visible(json.dumps(value, ensure_ascii=False))


def show_call(name: str, arguments: Mapping[str, JsonValue], defaults: Mapping[str, JsonValue]) -> str:
    """The call with every argument in full, then what is left to its default; long texts a line of theirs a line."""
    lines = [name]
    for argument, value in arguments.items():
        lines.extend(_argument(visible(argument), value, ""))
    for argument, value in defaults.items():
        if argument not in arguments:
            lines.extend(_argument(argument, value, "  (default)"))
    return "\n".join(lines)


def _argument(name: str, value: JsonValue, note: str) -> Iterator[str]:
    pieces = [quoted(line) for line in value.splitlines(keepends=True)] if isinstance(value, str) else []
    if len(pieces) < 2:
        yield f"  {name}: {quoted(value)}{note}"
        return
    yield f"  {name}:{note}"
    for piece in pieces:
        yield f"    {piece}"

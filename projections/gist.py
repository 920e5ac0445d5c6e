"""What a tool call is about, in a few words."""

import json
from collections.abc import Mapping

from pydantic import JsonValue, TypeAdapter, ValidationError

from turnlog.domain import Body, ToolCallFinished, text_of

from .shown import one_line

_OBJECT = TypeAdapter(dict[str, JsonValue])
_TELLING = ("argv", "command", "path", "pattern", "query", "url")
"""Arguments that say by themselves what a call does, the most telling first."""


def gist_of(arguments: Body, limit: int = 60) -> str:
    """The arguments in a few words: the one that tells, or all of them."""
    text = text_of(arguments)
    try:
        parsed = _OBJECT.validate_json(text)
    except ValidationError:
        return one_line(text, limit)
    return one_line(_telling(parsed), limit)


def outcome_of(event: ToolCallFinished) -> str:
    """How a call ended and how long it took, such as `exit 1 · 0.4 s`."""
    took = f"{event.duration_ms / 1000:.1f} s"
    ended = _ended(event)
    return f"{ended} · {took}" if ended else took


def _ended(event: ToolCallFinished) -> str:
    details = event.details or {}
    if details.get("timed_out") is True:
        return "timed out"
    status = details.get("exit_status")
    if isinstance(status, int):
        return f"exit {status}"
    return "error" if event.is_error else ""


def _telling(arguments: Mapping[str, JsonValue]) -> str:
    for name in _TELLING:
        if name in arguments:
            return _text(arguments[name])
    if len(arguments) == 1:
        return _text(next(iter(arguments.values())))
    return " ".join(f"{name}={_text(value)}" for name, value in arguments.items())


def _text(value: JsonValue) -> str:
    match value:
        case str():
            return value
        case list() if all(isinstance(part, str) for part in value):
            return " ".join(str(part) for part in value)
        case _:
            return json.dumps(value, ensure_ascii=False)

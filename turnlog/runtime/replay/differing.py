"""Where two requests to a model first differ, in words."""

import json
from itertools import zip_longest

from pydantic import JsonValue

from turnlog.domain import ModelRequest, ToolCallBlock, ToolResultBlock

_SHOWN = 60
_BEFORE = 20
_ONE = {"messages": "message", "blocks": "block", "content": "part"}


def call_ids(request: ModelRequest) -> tuple[str, ...]:
    """The ids of the calls a request speaks of, by order of appearance."""
    blocks = [block for message in request.messages for block in message.blocks]
    calls = [block.call_id for block in blocks if isinstance(block, ToolCallBlock | ToolResultBlock)]
    return tuple(dict.fromkeys(calls))


def first_difference(recorded: ModelRequest, now: ModelRequest) -> str | None:
    """What differs first and how, shortened, in one line; None where nothing does but what providers call calls."""
    left, right = _document(recorded), _document(now)
    if left == right:
        return None
    path, was, is_ = _descend(left, right)
    return f"{_words(path)} was {_shown(was, is_)} and is {_shown(is_, was)}"


def _document(request: ModelRequest) -> JsonValue:
    """A request as JSON in the order in which it is compared, without the ids that providers give."""
    document = request.model_dump(
        mode="json", exclude={"messages": {"__all__": {"blocks": {"__all__": {"provider_id"}}}}}
    )
    tools: dict[str, JsonValue] = {tool.name: tool.model_dump(mode="json") for tool in request.tools}
    return {
        "model": document["model"],
        "settings": document.get("settings"),
        "system": document["system"],
        "tool set": ", ".join(tools),
        "tool": tools,
        "messages": document["messages"],
    }


def _descend(was: JsonValue, is_: JsonValue) -> tuple[list[str], JsonValue, JsonValue]:
    """The way to the first part that differs, and that part on both sides; None for what is not there."""
    if isinstance(was, dict) and isinstance(is_, dict):
        key = next(key for key in {**was, **is_} if was.get(key) != is_.get(key))
        path, was_there, is_there = _descend(was.get(key), is_.get(key))
        return [key, *path], was_there, is_there
    if isinstance(was, list) and isinstance(is_, list):
        for number, (left, right) in enumerate(zip_longest(was, is_), start=1):
            if left != right:
                path, was_there, is_there = _descend(left, right)
                return [str(number), *path], was_there, is_there
    return [], was, is_


def _words(path: list[str]) -> str:
    """`message 3, block 1, text` for the way to it."""
    words: list[str] = []
    for step in path:
        if words and words[-1] in _ONE and step.isdecimal():
            words[-1] = f"{_ONE[words[-1]]} {step}"
        elif words == ["tool"]:
            words = [f"tool {step}"]
        else:
            words.append(step)
    return ", ".join(words)


def _shown(value: JsonValue, other: JsonValue) -> str:
    """One side, shortened; of texts the part around where they part."""
    if value is None:
        return "nothing"
    if not isinstance(value, str):
        return _cut(json.dumps(value, ensure_ascii=False), 0)
    same = 0
    if isinstance(other, str):
        same = next(
            (n for n, (a, b) in enumerate(zip(value, other, strict=False)) if a != b), min(len(value), len(other))
        )
    return json.dumps(_cut(value, max(0, same - _BEFORE)), ensure_ascii=False)


def _cut(text: str, start: int) -> str:
    end = start + _SHOWN
    return f"{'…' if start else ''}{text[start:end]}{'…' if end < len(text) else ''}"

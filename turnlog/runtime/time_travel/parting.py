"""Where two conversations part: the first message in which they differ, whatever their calls are called."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from turnlog.domain import Message, ToolCallBlock, text_of
from turnlog.projections import one_line


@dataclass(frozen=True, slots=True)
class Parting:
    """The first message in which two conversations differ, from 0; None for what one of them does not have."""

    message: int
    left: str | None
    right: str | None


def parting(left: Sequence[Message], right: Sequence[Message]) -> Parting | None:
    """Where the conversations differ; what a call is called makes no difference."""
    ours, theirs = _told(left), _told(right)
    place = next((n for n, (one, other) in enumerate(zip(ours, theirs, strict=False)) if one != other), None)
    if place is None:
        if len(ours) == len(theirs):
            return None
        place = min(len(ours), len(theirs))
    return Parting(place, _gist(left, place), _gist(right, place))


def _told(said: Sequence[Message]) -> list[str]:
    """The messages as text, with calls under their numbers."""
    ids = [block.call_id for message in said for block in message.blocks if isinstance(block, ToolCallBlock)]
    names = {call_id: f"call {number}" for number, call_id in enumerate(dict.fromkeys(ids), start=1)}
    known = re.compile("|".join(re.escape(name) for name in sorted(names, key=len, reverse=True)) or "(?!)")
    return [known.sub(lambda found: names[found[0]], _plain(message)) for message in said]


def _plain(message: Message) -> str:
    unnamed = {"blocks": {"__all__": {"provider_id", "search_id", "signature"}}}
    return message.model_dump_json(exclude=unnamed)


def _gist(said: Sequence[Message], place: int) -> str | None:
    return gist_of_message(said[place]) if place < len(said) else None


def gist_of_message(message: Message, limit: int = 100) -> str:
    """Who says what, on one line."""
    parts: list[str] = []
    for block in message.blocks:
        match block.type:
            case "text":
                parts.append(text_of(block.text))
            case "tool_call":
                parts.append(f"[calls {block.name} {text_of(block.arguments)}]")
            case "tool_result":
                said = " ".join(text_of(part.text) for part in block.content if part.type == "text")
                parts.append(f"[{block.name} {'failed' if block.is_error else 'returned'}: {said}]")
            case "tool_search":
                parts.append(f"[tools searched for {block.wanted}: {block.outcome}]")
            case "thinking":
                parts.append("[thinking]")
            case "image":
                parts.append("[image]")
    return one_line(f"{message.role}: {'  '.join(parts)}", limit)

"""What a strict provider would refuse about a conversation."""

from collections.abc import Iterator, Sequence

from turnlog.domain import (
    Message,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
    ToolResultBlock,
)

from .results import is_blank

_MAY_SAY = {
    "user": {"text", "image", "tool_result"},
    "assistant": {"text", "image", "thinking", "tool_call", "tool_search"},
}


def conversation_problems(messages: Sequence[Message]) -> list[str]:
    """Everything wrong with a conversation, a line each; empty where any provider would take it."""
    return [
        *_order(messages),
        *(f"message {place}: {problem}" for place, message in enumerate(messages) for problem in _form(message)),
        *_pairs(messages),
        *_repeated_ids(messages),
    ]


def _order(messages: Sequence[Message]) -> Iterator[str]:
    for place, message in enumerate(messages):
        expected = "assistant" if place % 2 else "user"
        if message.role != expected:
            yield f"message {place}: it is the {expected}'s turn, not the {message.role}'s"


def _form(message: Message) -> Iterator[str]:
    if not message.blocks:
        yield "it is empty"
    for block in message.blocks:
        if block.type not in _MAY_SAY[message.role]:
            yield f"a {block.type} has no place in the {message.role}'s message"
        if isinstance(block, TextBlock) and is_blank(block) and block.signature is None:
            yield "a text is blank"
        if isinstance(block, ToolResultBlock):
            yield from _result_form(block)
    if message.role == "assistant" and message.blocks and isinstance(message.blocks[-1], ThinkingBlock):
        yield "it ends with thinking"


def _result_form(block: ToolResultBlock) -> Iterator[str]:
    if not block.content:
        yield f"the result of call {block.call_id} is empty"
    for part in block.content:
        if isinstance(part, TextBlock) and is_blank(part):
            yield f"a text in the result of call {block.call_id} is blank"


def _pairs(messages: Sequence[Message]) -> Iterator[str]:
    """Compare the calls of each message with the results at the front of the next one."""
    calls: list[str] = []
    for place, message in enumerate(messages):
        results = [block.call_id for block in message.blocks if isinstance(block, ToolResultBlock)]
        if results != calls:
            yield f"message {place}: results {results} do not answer calls {calls}"
        front = message.blocks[: len(results)]
        if not all(isinstance(block, ToolResultBlock) for block in front):
            yield f"message {place}: something comes before a tool result"
        calls = [block.call_id for block in message.blocks if isinstance(block, ToolCallBlock)]
    if calls:
        yield f"calls {calls} have no answer"


def _repeated_ids(messages: Sequence[Message]) -> Iterator[str]:
    seen: set[str] = set()
    for message in messages:
        for block in message.blocks:
            if isinstance(block, ToolCallBlock):
                if block.call_id in seen:
                    yield f"call {block.call_id} is there twice"
                seen.add(block.call_id)

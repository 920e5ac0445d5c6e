"""A conversation as the messages of OpenAI's Chat Completions.

Thinking is left out, for which that format has no place. A tool's answer is text there, so images follow in a message
of the user's. Whether a call failed is not said beside its answer, only in it, as for the model.
"""

import base64
from collections.abc import Callable, Iterable, Sequence

from pydantic import JsonValue

from turnlog.domain import (
    Block,
    ImageBlock,
    Message,
    TextBlock,
    ToolCallBlock,
    ToolResultBlock,
    ToolSpec,
    text_of,
)

Image = Callable[[ImageBlock], bytes]
"""The bytes of an image."""


def chat(system: str | None, messages: Iterable[Message], image: Image) -> list[JsonValue]:
    """The messages of a conversation whose texts are all inline."""
    made: list[JsonValue] = [] if system is None else [{"role": "system", "content": system}]
    for message in messages:
        made += _assistant(message.blocks) if message.role == "assistant" else _user(message.blocks, image)
    return made


def functions(tools: Sequence[ToolSpec]) -> list[JsonValue]:
    """Tools on offer."""
    return [
        {
            "type": "function",
            "function": {"name": tool.name, "description": tool.description, "parameters": tool.parameters},
        }
        for tool in tools
    ]


def _assistant(blocks: Sequence[Block]) -> list[JsonValue]:
    said = [_shown(block) for block in blocks if isinstance(block, TextBlock | ImageBlock)]
    message: dict[str, JsonValue] = {"role": "assistant", "content": "\n\n".join(said) or None}
    calls: list[JsonValue] = [_call(block) for block in blocks if isinstance(block, ToolCallBlock)]
    if calls:
        message["tool_calls"] = calls
    elif not said:
        message["content"] = ""
    return [message]


def _shown(block: TextBlock | ImageBlock) -> str:
    """Text as it is; an image by name, since an assistant has no images there."""
    if isinstance(block, TextBlock):
        return text_of(block.text)
    return f"[{block.image.media_type}, {block.image.size} bytes, sha256 {block.image.sha256}]"


def _call(block: ToolCallBlock) -> JsonValue:
    function: JsonValue = {"name": block.name, "arguments": text_of(block.arguments)}
    return {"id": block.call_id, "type": "function", "function": function}


def _user(blocks: Sequence[Block], image: Image) -> list[JsonValue]:
    made: list[JsonValue] = []
    parts: list[JsonValue] = []
    for block in blocks:
        if isinstance(block, ToolResultBlock):
            texts = [_shown(part) for part in block.content]
            made.append({"role": "tool", "tool_call_id": block.call_id, "content": "\n\n".join(texts)})
            parts += [_image(part, image) for part in block.content if isinstance(part, ImageBlock)]
        elif isinstance(block, ImageBlock):
            parts.append(_image(block, image))
        elif isinstance(block, TextBlock):
            parts.append({"type": "text", "text": text_of(block.text)})
    match parts:
        case []:
            return made
        case [{"type": "text", "text": text}]:
            return [*made, {"role": "user", "content": text}]
        case _:
            return [*made, {"role": "user", "content": parts}]


def _image(block: ImageBlock, image: Image) -> JsonValue:
    data = base64.b64encode(image(block)).decode()
    return {"type": "image_url", "image_url": {"url": f"data:{block.image.media_type};base64,{data}"}}

"""pydantic-ai's answers as ours. Imported with the first request only."""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from pydantic_ai.messages import (
    BinaryContent,
    FilePart,
    ModelResponse,
    ModelResponsePart,
    ModelResponseStreamEvent,
    PartDeltaEvent,
    PartStartEvent,
    TextPart,
    TextPartDelta,
    ThinkingPart,
    ThinkingPartDelta,
    ToolCallPart,
    ToolCallPartDelta,
)
from pydantic_ai.usage import RequestUsage

from turnlog.domain import (
    BlobRef,
    ImageBlock,
    ModelBlock,
    ModelDelta,
    ModelError,
    ModelReply,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
    Usage,
    clean,
)

from .vendor_thinking import sealed

NO_DETAILS = frozenset({"xai"})
"""Providers whose own word on why an answer ended the vendor library does not pass on."""

Keep = Callable[[bytes, str], Awaitable[BlobRef]]


def as_delta(event: ModelResponseStreamEvent) -> ModelDelta | None:
    """What a live reader is shown of an event, if anything."""
    delta: ModelDelta | None = None
    match event:
        case PartStartEvent(part=TextPart(content=text)):
            delta = ModelDelta("text", clean(text))
        case PartStartEvent(part=ThinkingPart(content=text)):
            delta = ModelDelta("thinking", clean(text))
        case PartStartEvent(part=ToolCallPart(args=args)):
            delta = ModelDelta("tool_call", _arguments(args))
        case PartDeltaEvent(delta=TextPartDelta(content_delta=text)):
            delta = ModelDelta("text", clean(text))
        case PartDeltaEvent(delta=ThinkingPartDelta(content_delta=piece)):
            delta = ModelDelta("thinking", clean(piece or ""))
        case PartDeltaEvent(delta=ToolCallPartDelta(args_delta=args)):
            delta = ModelDelta("tool_call", _arguments(args))
        case _:
            pass
    return delta if delta is not None and delta.text else None


def refuse_fragment(response: ModelResponse, model: str) -> None:
    """Refuse an answer that merely stopped coming: a call in it may have lost its arguments.

    A stream that was cut without an error looks whole; only the provider's own word on why it ended
    is missing. Raises ModelError.
    """
    said_why = "finish_reason" in (response.provider_details or {})
    if said_why or response.finish_reason not in (None, "stop"):
        return
    if response.finish_reason is not None and response.provider_name in NO_DETAILS:
        return
    raise ModelError("connection", f"{model}: the answer broke off before its end", retryable=True, phase="read")


async def as_reply(response: ModelResponse, model: str, keep: Keep | None) -> ModelReply:
    """The whole answer, in the model's order. Raises ModelError when the provider withheld it."""
    blocks = [block for part in response.parts if (block := await _as_block(part, model, keep)) is not None]
    if not blocks:
        _explain_nothing(response.finish_reason, model)
    called = any(isinstance(block, ToolCallBlock) for block in blocks)
    return ModelReply(
        tuple(blocks),
        _as_usage(response.usage),
        _stop_reason(response.finish_reason, called),
        response.provider_response_id,
    )


def _stop_reason(given: str | None, called: bool) -> str:
    """One word for the same thing: some providers say `stop` when they wait for a tool."""
    return "tool_call" if called and given in (None, "stop") else given or "stop"


def _explain_nothing(reason: str | None, model: str) -> None:
    """An answer of nothing is an answer, unless the provider says it failed."""
    if reason == "content_filter":
        raise ModelError("content_filtered", f"{model}: the provider's filter withheld the answer")
    if reason == "error":
        raise ModelError("server", f"{model}: the provider gave up", retryable=True, phase="read")


async def _as_block(part: ModelResponsePart, model: str, keep: Keep | None) -> ModelBlock | None:
    match part:
        case TextPart(content=text):
            return TextBlock(text=clean(text)) if text else None
        case ThinkingPart(content=text):
            signature = sealed(part)
            if not text and part.signature is None:
                return None
            return ThinkingBlock(text=clean(text), model=model, signature=signature)
        case ToolCallPart():
            return _as_call(part)
        case FilePart(content=file):
            return await _as_image(file, keep)
        case _:
            return None


def _as_call(part: ToolCallPart) -> ToolCallBlock:
    return ToolCallBlock(
        call_id=part.tool_call_id,
        name=clean(part.tool_name),
        arguments=_arguments(part.args) or "{}",
        provider_id=part.tool_call_id,
    )


async def _as_image(file: BinaryContent, keep: Keep | None) -> ModelBlock:
    """An image, or what is left to say of a file that nobody keeps."""
    if keep is not None and file.is_image:
        return ImageBlock(image=await keep(file.data, file.media_type))
    return TextBlock(text=f"[{file.media_type}, {len(file.data)} bytes: not kept]")


def _arguments(args: str | Mapping[str, Any] | None) -> str:
    """Arguments as JSON text: as written where the provider sends text."""
    if isinstance(args, str):
        return clean(args)
    return clean(json.dumps(args, ensure_ascii=False)) if args else ""


def _as_usage(usage: RequestUsage) -> Usage:
    """Cached tokens are part of the input, reasoning tokens part of the output."""
    return Usage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cached_tokens=usage.cache_read_tokens,
        reasoning_tokens=usage.output_reasoning_tokens,
    )

"""pydantic-ai's answers as ours. Imported with the first request only."""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal

from pydantic_ai.messages import (
    FilePart,
    ModelResponse,
    ModelResponsePart,
    ModelResponseStreamEvent,
    NativeToolSearchCallPart,
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

from .prices import price_of
from .vendor_errors import one_line
from .vendor_seals import sealed
from .vendor_searches import as_search

NO_DETAILS = frozenset({"xai"})
"""Providers whose own word on why an answer ended the vendor library does not pass on."""

GIVEN_UP = frozenset({"cancelled", "error", "failed"})
"""How OpenAI and OpenRouter say that an answer ends here, whole or not, because something failed."""

DeltaKind = Literal["text", "thinking", "tool_call"]
Keep = Callable[[bytes, str], Awaitable[BlobRef]]


class LiveReader:
    """Tells what a live reader is shown of each event of one stream."""

    def __init__(self) -> None:
        self._tools: dict[int, str] = {}
        self._searches: set[int] = set()

    def read(self, event: ModelResponseStreamEvent) -> ModelDelta | None:
        """What is shown of an event, if anything."""
        match event:
            case PartStartEvent(index=part, part=TextPart(content=text)):
                return _shown("text", text, part)
            case PartStartEvent(index=part, part=ThinkingPart(content=text)):
                return _shown("thinking", text, part)
            case PartStartEvent(index=part, part=ToolCallPart(tool_name=tool, args=args)):
                self._tools[part] = clean(tool)
                return _shown("tool_call", _arguments(args), part, self._tools[part])
            case PartDeltaEvent(index=part, delta=TextPartDelta(content_delta=text)):
                return _shown("text", text, part)
            case PartDeltaEvent(index=part, delta=ThinkingPartDelta(content_delta=piece)):
                return _shown("thinking", piece, part)
            case PartStartEvent(index=part, part=NativeToolSearchCallPart()):
                self._searches.add(part)
                return None
            case PartDeltaEvent(index=part, delta=ToolCallPartDelta()) if part in self._searches:
                return None  # what the provider searches for comes in the form of a call's arguments
            case PartDeltaEvent(index=part, delta=ToolCallPartDelta(tool_name_delta=more, args_delta=args)):
                self._tools[part] = self._tools.get(part, "") + clean(more or "")
                return _shown("tool_call", _arguments(args), part, self._tools[part])
            case _:
                return None


def _shown(kind: DeltaKind, text: str | None, part: int, tool: str | None = None) -> ModelDelta | None:
    """A delta; None for an empty one, such as the vendor library makes of kinds of parts it does not know."""
    return ModelDelta(kind, clean(text), part, tool or None) if text else None


def refuse_fragment(response: ModelResponse, model: str) -> None:
    """Refuse an answer that merely stopped coming: a call in it may have lost its arguments.

    A stream that was cut without an error looks whole; only the provider's own word on why it ended
    is missing. Raises ModelError.
    """
    why = (response.provider_details or {}).get("finish_reason")
    if why in GIVEN_UP:
        raise ModelError("server", f"{model}: the provider gave up in the middle", retryable=True, phase="read")
    if why is not None or response.finish_reason not in (None, "stop"):
        return
    if response.finish_reason is not None and response.provider_name in NO_DETAILS:
        return
    raise ModelError("connection", f"{model}: the answer broke off before its end", retryable=True, phase="read")


async def as_reply(response: ModelResponse, model: str, keep: Keep | None) -> ModelReply:
    """The whole answer, in the model's order. Raises ModelError when the provider withheld it."""
    blocks = [block for part in response.parts if (block := await _as_block(part, response, model, keep)) is not None]
    if not blocks:
        _explain_nothing(response, model)
    called = any(isinstance(block, ToolCallBlock) for block in blocks)
    return ModelReply(
        tuple(blocks),
        _as_usage(response.usage),
        _stop_reason(response, called),
        response.provider_response_id,
        price_of(response),
    )


def _stop_reason(response: ModelResponse, called: bool) -> str:
    """One word for the same thing, as some providers say `stop` when they wait for a tool; else the provider's own."""
    given = response.finish_reason
    if called and given in (None, "stop"):
        return "tool_call"
    said = (response.provider_details or {}).get("finish_reason")
    return given or (clean(said).lower() if isinstance(said, str) else "stop")


def _explain_nothing(response: ModelResponse, model: str) -> None:
    """An answer of nothing is an answer, unless the provider says it failed."""
    if response.finish_reason == "content_filter":
        refusal = (response.provider_details or {}).get("refusal")
        why = f"the model declined: {one_line(refusal)}" if refusal else "the provider's filter withheld the answer"
        raise ModelError("content_filtered", f"{model}: {why}")
    if response.finish_reason == "error":
        raise ModelError("server", f"{model}: the provider gave up", retryable=True, phase="read")


async def _as_block(
    part: ModelResponsePart, response: ModelResponse, model: str, keep: Keep | None
) -> ModelBlock | None:
    match part:
        case TextPart(content=text):
            signature = sealed(part)
            return TextBlock(text=clean(text), signature=signature) if text or part.provider_details else None
        case ThinkingPart(content=text):
            if not text and part.signature is None and not part.provider_details:
                return None
            return ThinkingBlock(text=clean(text), model=model, signature=sealed(part))
        case ToolCallPart():
            return _as_call(part)
        case NativeToolSearchCallPart():
            return as_search(part, response.parts, model)
        case FilePart():
            return await _as_image(part, keep)
        case _:
            return None


def _as_call(part: ToolCallPart) -> ToolCallBlock:
    return ToolCallBlock(
        call_id=part.tool_call_id,
        name=clean(part.tool_name),
        arguments=_arguments(part.args) or "{}",
        provider_id=part.tool_call_id,
        signature=sealed(part),
    )


async def _as_image(part: FilePart, keep: Keep | None) -> ModelBlock:
    """An image, or what is left to say of a file that nobody keeps."""
    file = part.content
    if keep is not None and file.is_image:
        return ImageBlock(image=await keep(file.data, file.media_type), signature=sealed(part))
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

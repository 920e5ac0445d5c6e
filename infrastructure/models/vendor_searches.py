"""Searches that a provider makes among the deferred tools of a request, as blocks and back.

A search is two parts there, the call and its result, and one block here. What else a provider wants back with either is
in the block's signature, under the mark of other seals.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from pydantic import BaseModel, JsonValue, ValidationError
from pydantic_ai.messages import (
    ModelResponsePart,
    NativeToolSearchCallPart,
    NativeToolSearchReturnPart,
    ToolCallPart,
)
from pydantic_ai.models import Model
from pydantic_ai.native_tools import NATIVE_TOOL_TYPES, SUPPORTED_NATIVE_TOOLS, AbstractNativeTool
from pydantic_core import to_json

from turnlog.domain import ToolSearchBlock, ToolSpec, clean

from .vendor_seals import MARK

SEARCH_ID = "tool_search"
"""What the vendor library calls the search, which is in its register only, and where a tool is to be found by it."""

NAMESPACE = "namespace"
"""Where OpenAI says of a call that its tool was loaded by a search; it refuses the word for tools that are there."""


class SearchSeal(BaseModel):
    """The parts of a search, and of its result, that are for its provider only."""

    id: str | None = None
    details: dict[str, JsonValue] | None = None
    result: dict[str, JsonValue] | None = None


def can_search(model: Model) -> bool:
    """Whether the provider searches deferred tools for this model."""
    supported = model.profile.get("supported_native_tools", SUPPORTED_NATIVE_TOOLS)
    return NATIVE_TOOL_TYPES.get(SEARCH_ID) in supported and model.tool_deferral_mode is not None


def search_among(deferred: Collection[str]) -> list[AbstractNativeTool]:
    """The provider's search, where there is something to find."""
    return [NATIVE_TOOL_TYPES[SEARCH_ID]()] if deferred else []


def deferred_in(tools: Iterable[ToolSpec]) -> frozenset[str]:
    """The names of those that the provider holds back until it has found them."""
    return frozenset(tool.name for tool in tools if tool.deferred)


def as_search(part: NativeToolSearchCallPart, parts: Sequence[ModelResponsePart], model: str) -> ToolSearchBlock | None:
    """The search with its result among the parts; None where it has none, as in an answer that was cut there."""
    results = (each for each in parts if isinstance(each, NativeToolSearchReturnPart))
    result = next((each for each in results if each.tool_call_id == part.tool_call_id), None)
    if result is None:
        return None
    return ToolSearchBlock(
        search_id=part.tool_call_id,
        queries=tuple(clean(query) for query in part.queries),
        found=tuple(clean(match["name"]) for match in result.discovered_tools),
        model=model,
        error=_error(result.provider_details or {}),
        signature=_sealed(part, result),
    )


def search_parts(block: ToolSearchBlock, provider: str) -> tuple[NativeToolSearchCallPart, NativeToolSearchReturnPart]:
    """The search and its result as the provider gave them."""
    seal = _read(block.signature)
    call = NativeToolSearchCallPart(
        args={"queries": list(block.queries)},
        tool_call_id=block.search_id,
        id=seal.id,
        provider_name=provider,
        provider_details=seal.details,
    )
    result = NativeToolSearchReturnPart(
        content={"discovered_tools": [{"name": name} for name in block.found]},
        tool_call_id=block.search_id,
        provider_name=provider,
        provider_details=seal.result,
    )
    return call, result


def without_namespace(call: ToolCallPart) -> ToolCallPart:
    """A call of a tool that is in the request for all to see, whatever was the case when it was made."""
    details = call.provider_details or {}
    if NAMESPACE not in details:
        return call
    return replace(call, provider_details={key: value for key, value in details.items() if key != NAMESPACE} or None)


def _error(details: Mapping[str, object]) -> str | None:
    code = details.get("error_code")
    return clean(code) if isinstance(code, str) else None


def _sealed(call: NativeToolSearchCallPart, result: NativeToolSearchReturnPart) -> str | None:
    seal = {"id": call.id, "details": call.provider_details or None, "result": result.provider_details or None}
    kept = {name: value for name, value in seal.items() if value is not None}
    return MARK + to_json(kept, fallback=str, bytes_mode="base64").decode() if kept else None


def _read(signature: str | None) -> SearchSeal:
    try:
        return SearchSeal.model_validate_json((signature or "{}").removeprefix(MARK))
    except ValidationError:
        return SearchSeal()

"""What a server offers, as tools of ours: names, schemas, effects, and a digest of each definition as it was listed."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import mcp_types as types

from turnlog.domain import Effect, ToolSpec, ToolsUnavailable, clean
from turnlog.projections import one_line

from .naming import tool_name
from .schemas import checked_schema
from .servers import McpServer

MOST_DESCRIPTION: Final = 16 * 1024
_MOST_NAME = 256


@dataclass(frozen=True, slots=True)
class Offer:
    """A tool of a server. `tool` is the server's name for it, `definition` the digest of all it says of the tool."""

    tool: str
    spec: ToolSpec
    definition: str


@dataclass(frozen=True, slots=True)
class Offers:
    """Tools by the server's names, and a sentence for each that cannot be used."""

    by_tool: Mapping[str, Offer]
    left_out: tuple[str, ...]


def offers_of(server: McpServer, listed: Iterable[types.Tool]) -> Offers:
    """What a listing comes to. Raises ToolsUnavailable where two tools would go by one name."""
    found: dict[str, Offer] = {}
    left_out: list[str] = []
    names: dict[str, str] = {}
    for tool in listed:
        shown = one_line(clean(tool.name))
        try:
            offer = _offer(server, tool)
        except (ValueError, RecursionError) as error:
            left_out.append(f"{shown}: {error}")
            continue
        other = names.setdefault(offer.spec.name, tool.name)
        if other != tool.name or tool.name in found:
            raise ToolsUnavailable(
                f"MCP server {server.name} cannot be used: its tools {one_line(clean(other))!r} and {shown!r} "
                f"would both be called {offer.spec.name}"
            )
        found[tool.name] = offer
    return Offers(found, tuple(left_out))


def _offer(server: McpServer, tool: types.Tool) -> Offer:
    """One tool. Raises ValueError, which says why it cannot be used."""
    if not tool.name or len(tool.name) > _MOST_NAME or clean(tool.name) != tool.name:
        raise ValueError(f"a name of 1 to {_MOST_NAME} characters is needed")
    spec = ToolSpec(
        name=tool_name(server.name, tool.name),
        description=_description(tool),
        parameters=checked_schema(tool.input_schema),
        effect=_effect(server, tool),
    )
    return Offer(tool.name, spec, _digest(tool))


def _description(tool: types.Tool) -> str:
    """What the model is told of a tool."""
    said = clean(tool.description or tool.title or "").strip()
    return said if len(said) <= MOST_DESCRIPTION else f"{said[:MOST_DESCRIPTION]}…"


def _effect(server: McpServer, tool: types.Tool) -> Effect:
    """Its hints, where the program says that this server may be believed."""
    hints = tool.annotations
    if not server.trusted or hints is None:
        return "external"
    if hints.read_only_hint:
        return "pure"
    return "idempotent" if hints.idempotent_hint else "external"


def _digest(tool: types.Tool) -> str:
    told = tool.model_dump(by_alias=True, mode="json", exclude={"icons", "meta"}, exclude_none=True)
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()

"""Tools of MCP servers, over stdio and streamable HTTP, through the official `mcp` package (the extra `mcp`)."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

from turnlog.domain import InvalidInput

from .naming import tool_name
from .servers import HttpServer, McpServer, Secrets, StdioServer, no_secrets

if TYPE_CHECKING:
    from .http import http_client
    from .offers import MOST_DESCRIPTION, Offers, offers_of
    from .reports import Report
    from .results import output_of
    from .tools import McpTool, McpTools


@asynccontextmanager
async def mcp_tools(
    server: McpServer, *, secrets: Mapping[str, str] | Secrets | None = None
) -> "AsyncGenerator[McpTools]":
    """The tools of a server for as long as the block lasts: `async with mcp_tools(server) as tools`, then `[*tools]`.

    The server is started or reached once, and again whenever the connection was lost. `secrets` are the values for
    `${NAME}` in its environment or headers. Raises ToolsUnavailable where it cannot be used, NotFound for a secret
    that is not there, InvalidInput without the extra.
    """
    try:
        from .tools import open_tools
    except ImportError as error:
        raise InvalidInput(f"MCP servers need the extra `mcp` (pip install 'turnlog[mcp]'): {error}") from error

    async with open_tools(server, _lookup(secrets)) as tools:
        yield tools


def _lookup(secrets: Mapping[str, str] | Secrets | None) -> Secrets:
    match secrets:
        case None:
            return no_secrets
        case Mapping():
            return lambda name: secrets[name] if name in secrets else no_secrets(name)
        case _:
            return secrets


__all__ = [
    "MOST_DESCRIPTION",
    "HttpServer",
    "McpServer",
    "McpTool",
    "McpTools",
    "Offers",
    "Report",
    "Secrets",
    "StdioServer",
    "http_client",
    "mcp_tools",
    "offers_of",
    "output_of",
    "tool_name",
]

# What needs the library of the protocol is imported when it is first asked for.
_HOMES = {
    "MOST_DESCRIPTION": "offers",
    "McpTool": "tools",
    "McpTools": "tools",
    "Offers": "offers",
    "Report": "reports",
    "http_client": "http",
    "offers_of": "offers",
    "output_of": "results",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)

"""The tools of one server, for as long as a block lasts."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from turnlog.domain import InvalidInput

from .servers import McpServer, Secrets, no_secrets

if TYPE_CHECKING:
    from .tools import McpTools


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

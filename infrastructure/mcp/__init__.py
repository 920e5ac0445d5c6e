"""Tools of MCP servers, over stdio and streamable HTTP, through the official `mcp` package (the extra `mcp`)."""

from turnlog.fronts import front_of

__getattr__, __dir__, __all__ = front_of(__name__, __file__)

"""The names that tools of MCP servers go by."""

import hashlib
import re
from typing import Final

MOST_NAME: Final = 64
_OTHER = re.compile(r"[^A-Za-z0-9_-]")
_DIGITS = 8


def tool_name(server: str, tool: str) -> str:
    """`mcp__server__tool` in letters, digits, `_` and `-`; of a name too long the end is a digest of all of it."""
    name = f"mcp__{server}__{_OTHER.sub('_', tool)}"
    if len(name) <= MOST_NAME:
        return name
    digest = hashlib.sha256(tool.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]
    return f"{name[: MOST_NAME - _DIGITS - 1]}_{digest}"

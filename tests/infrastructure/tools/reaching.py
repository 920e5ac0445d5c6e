"""Calling file tools within bounds, and looking at what they said they changed."""

import hashlib
from pathlib import Path

from pydantic import JsonValue

from turnlog.domain import Bounds, Tool, ToolOutput

from .calling import context_in


async def call_within(bounds: Bounds, tool: Tool, workspace: Path | None, /, **arguments: JsonValue) -> ToolOutput:
    """Run a tool with the given arguments under these limits."""
    return await tool.run(arguments, context_in(workspace, bounds))


def file_of(text: str) -> dict[str, JsonValue]:
    """What details say of a file with this text."""
    data = text.encode()
    return {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def tree(directory: Path) -> dict[str, str]:
    """All below a directory by path: the text of files, the targets of symlinks, a slash for directories."""
    found: dict[str, str] = {}
    for path in sorted(directory.rglob("*")):
        name = path.relative_to(directory).as_posix()
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}"
        else:
            found[name] = "/" if path.is_dir() else path.read_text() if path.is_file() else "?"
    return found

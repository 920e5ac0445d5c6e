"""Servers that do what a test says, and calls as the runtime makes them."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from turnlog.domain import Bounds, ToolContext, ToolOutput, ToolProgress
from turnlog.infrastructure import mcp

McpServer = mcp.McpServer
McpTool = mcp.McpTool
McpTools = mcp.McpTools
mcp_tools = mcp.mcp_tools

RAW = Path(__file__).parent / "raw_server.py"
SCHEMA: dict[str, JsonValue] = {"type": "object", "properties": {"text": {"type": "string"}}}


def listed(name: str, **more: Any) -> dict[str, Any]:
    """A tool as a server lists it."""
    return {"name": name, "description": f"Does {name}.", "inputSchema": SCHEMA, **more}


def said(text: str) -> dict[str, Any]:
    """The answer of a tool that says something."""
    return {"result": {"content": [{"type": "text", "text": text}]}}


@dataclass
class Fake:
    """A server whose behaviour is a file, which may be written anew while it runs."""

    directory: Path
    answers: dict[str, Any] = field(default_factory=dict[str, Any])
    more: dict[str, Any] = field(default_factory=dict[str, Any])

    def server(self, *, trusted: bool = False, call_seconds: float = 20.0) -> McpServer:
        """It, as a program names it."""
        argv = [sys.executable, str(RAW), str(self.script), str(self.heard)]
        return McpServer.stdio("fake", argv, trusted=trusted, call_seconds=call_seconds)

    def write(self) -> "Fake":
        """Have it do what is said here from now on."""
        tools = self.more.get("tools", [listed(name) for name in self.answers])
        whole = {**self.more, "tools": tools, "answers": self.answers}
        fresh = self.script.with_suffix(".new")
        fresh.write_text(json.dumps(whole))
        fresh.replace(self.script)
        return self

    @property
    def script(self) -> Path:
        return self.directory / "script.json"

    @property
    def heard(self) -> Path:
        return self.directory / "heard.jsonl"

    def methods(self) -> list[str]:
        """What it was sent so far."""
        return [json.loads(line).get("method", "") for line in self.heard.read_text().splitlines()]


def fake(directory: Path, answers: dict[str, Any], **more: Any) -> Fake:
    """A server with these tools."""
    return Fake(directory, answers, more).write()


def named(tools: McpTools, tool: str) -> McpTool:
    """The one tool of this name."""
    return next(each for each in tools if each.spec.name.endswith(f"__{tool}"))


def context(
    bounds: Bounds | None = None, told: list[ToolProgress] | None = None, program_id: str | None = None
) -> ToolContext:
    """The context of some call."""
    heard = [] if told is None else told
    return ToolContext("session", "call", "key", 1, 1, None, bounds or Bounds(), heard.append, program_id=program_id)


async def call(tools: McpTools, tool: str, /, **arguments: JsonValue) -> ToolOutput:
    """Call a tool of a server."""
    return await named(tools, tool).run(arguments, context())


def texts(content: Sequence[object]) -> str:
    """All the text of a result."""
    return "\n".join(part for part in content if isinstance(part, str))

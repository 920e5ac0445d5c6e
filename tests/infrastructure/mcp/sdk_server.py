"""A server made with the official package, as most are; over stdio when it is run."""

import asyncio
import base64
from typing import Annotated

from mcp.server.mcpserver import Context, Image, MCPServer
from pydantic import BaseModel, Field

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 16


def part(name: str) -> str:
    """Take leave of somebody."""
    return f"Bye, {name}!"


class City(BaseModel):
    """A city."""

    name: str
    people: int


def make_server() -> MCPServer:
    """The server, with state of its own."""
    server = MCPServer("sdk", version="1.2")
    _add_results(server)
    _add_waiting(server)
    return server


def _add_results(server: MCPServer) -> None:
    @server.tool()
    async def greet(name: Annotated[str, Field(description="Whom.")]) -> str:
        """Greet somebody."""
        return f"Hello, {name}!"

    @server.tool()
    async def picture() -> Image:
        """Show a picture."""
        return Image(data=base64.b64decode(base64.b64encode(PNG)), format="png")

    @server.tool()
    async def city() -> City:
        """Describe a city."""
        return City(name="Basel", people=180_000)

    @server.tool()
    async def fail() -> str:
        """Fail."""
        raise ValueError("no such thing")


def _add_waiting(server: MCPServer) -> None:
    cancelled: list[str] = []

    @server.tool()
    async def count(context: Context) -> str:
        """Count, and tell how far it is."""
        for number in range(1, 4):
            await context.report_progress(number, 3, f"at {number}")
        return "counted"

    @server.tool()
    async def wait(context: Context) -> str:
        """Wait for ever."""
        await context.report_progress(0)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append("wait")
            raise
        return "never"

    @server.tool()
    async def was_cancelled() -> str:
        """Tell what was cancelled."""
        return " ".join(cancelled) or "nothing"

    @server.tool()
    async def grow(context: Context) -> str:
        """Describe greeting otherwise from now on."""
        server.remove_tool("greet")
        server.add_tool(part, name="greet", description="Greet otherwise.")
        await context.notify_tools_changed()
        return "grown"


if __name__ == "__main__":
    make_server().run()

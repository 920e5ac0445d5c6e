"""Servers made with the official package, over each transport."""

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import uvicorn

from .faking import McpServer, McpTools, mcp_tools
from .sdk_server import make_server

SDK = Path(__file__).parent / "sdk_server.py"


@asynccontextmanager
async def serving() -> AsyncGenerator[str]:
    """The URL of the server over HTTP, for as long as the block lasts."""
    app = make_server().streamable_http_app()
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="critical", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    try:
        while not server.started:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.01)
        port: int = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        server.should_exit = True
        await running


@pytest.fixture(params=["stdio", "http"])
async def sdk(request: pytest.FixtureRequest) -> AsyncGenerator[McpTools]:
    """The tools of the server, over each transport in turn."""
    if request.param == "stdio":
        async with mcp_tools(McpServer.stdio("sdk", [sys.executable, str(SDK)])) as tools:
            yield tools
        return
    async with serving() as url, mcp_tools(McpServer.http("sdk", url)) as tools:
        yield tools

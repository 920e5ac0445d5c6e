"""Real servers from the registries, as anybody would start them."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from turnlog.domain import Bounds, ToolImage, ToolProgress

from .faking import McpServer, call, context, mcp_tools, named, texts

BIN = Path(sys.executable).parent
EVERYTHING = BIN.parent / "node_modules" / "@modelcontextprotocol" / "server-everything" / "dist" / "index.js"


async def test_the_time_server_tells_the_time() -> None:
    async with mcp_tools(McpServer.stdio("time", [str(BIN / "mcp-server-time")])) as tools:
        assert [tool.spec.name for tool in tools] == ["mcp__time__get_current_time", "mcp__time__convert_time"]
        found = await call(tools, "convert_time", source_timezone="UTC", time="12:00", target_timezone="Asia/Tokyo")
        wrong = await call(tools, "get_current_time", timezone="Nowhere/Here")
    assert "21:00" in texts(found.content)
    assert wrong.is_error


@pytest.fixture
def repository(tmp_path: Path) -> str:
    """A repository with a file that nobody added."""
    subprocess.run(["git", "init", "-q", "-b", "trunk", tmp_path], check=True)
    (tmp_path / "new.txt").write_text("new\n")
    return str(tmp_path)


async def test_the_git_server_tells_of_a_repository(repository: str) -> None:
    server = McpServer.stdio("git", [str(BIN / "mcp-server-git"), "--repository", repository], trusted=True)
    async with mcp_tools(server) as tools:
        status, add = named(tools, "git_status"), named(tools, "git_add")
        found = await call(tools, "git_status", repo_path=repository)
        outside = await call(tools, "git_status", repo_path="/")
    assert "new.txt" in texts(found.content)
    assert outside.is_error
    assert (status.spec.effect, add.spec.effect) == ("pure", "idempotent")


@pytest.mark.skipif(
    shutil.which("node") is None or not EVERYTHING.exists(),
    reason="the server `everything` is not installed; `make setup` does it where there is npm",
)
async def test_the_reference_server_does_everything_it_is_made_for() -> None:
    node = shutil.which("node")
    assert node is not None
    told: list[ToolProgress] = []
    async with mcp_tools(McpServer.stdio("everything", [node, str(EVERYTHING), "stdio"])) as tools:
        echo = await call(tools, "echo", message="hello")
        total = await call(tools, "get-sum", a=2, b=3)
        image = await call(tools, "get-tiny-image")
        structured = await call(tools, "get-structured-content", location="New York")
        links = await call(tools, "get-resource-links", count=2)
        resource = await call(tools, "get-resource-reference", resourceType="Text", resourceId=1)
        long = named(tools, "trigger-long-running-operation")
        await long.run({"duration": 0.2, "steps": 2}, context(Bounds(), told))
        wrong = await call(tools, "get-sum", a="two", b=3)
    assert "hello" in texts(echo.content)
    assert "5" in texts(total.content)
    assert any(isinstance(part, ToolImage) for part in image.content)
    assert structured.details["structured"]
    assert texts(links.content).count("[resource ") == 2
    assert "[resource demo://" in texts(resource.content)
    assert len(told) == 2
    assert wrong.is_error

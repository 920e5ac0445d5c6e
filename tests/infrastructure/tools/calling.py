"""Calling a tool as the runtime does, and looking at what it left."""

import asyncio
import sys
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydantic import JsonValue

from turnlog.domain import Bounds, JudgedCall, Surroundings, Tool, ToolContext, ToolOutput
from turnlog.infrastructure import permissions, tools

COMMANDS = Bounds(commands=True)
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def context_in(workspace: Path | None, bounds: Bounds = COMMANDS) -> ToolContext:
    """The context of some call in a workspace."""
    return ToolContext("session", "call", "key", epoch=1, attempt=1, workspace=workspace, bounds=bounds)


async def call(tool: Tool, workspace: Path | None = None, /, **arguments: JsonValue) -> ToolOutput:
    """Run a tool with the given arguments."""
    return await tool.run(arguments, context_in(workspace))


def around(
    tool: Tool, arguments: Mapping[str, JsonValue], workspace: Path | None, bounds: Bounds = COMMANDS
) -> Surroundings:
    """What surrounds a call, as the runtime asks for it."""
    call = JudgedCall(tool.spec.name, arguments, workspace, bounds=bounds)
    return permissions.StructuredPermissions().surroundings(tool, call)


def text(output: ToolOutput) -> str:
    """The text of an output that has no images."""
    assert all(isinstance(part, str) for part in output.content)
    return "\n".join(part for part in output.content if isinstance(part, str))


def running(marker: str) -> list[int]:
    """Processes, zombies aside, with this argument on their command line."""
    found: list[int] = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            arguments = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if marker.encode() in arguments:
            found.append(int(process.name))
    return found


async def until(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait for a condition, and fail when it does not come."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 -- processes tell nobody
            await asyncio.sleep(0.01)


def contents(directory: Path) -> dict[str, str]:
    """The files of a directory."""
    return {path.name: path.read_text() for path in directory.iterdir()}


@contextmanager
def swapping(swap: Callable[[], None]) -> Generator[None]:
    """Swap something in the background as fast as it goes."""
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            swap()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


async def sh(workspace: Path, script: str, *arguments: str, timeout_s: float = 20) -> ToolOutput:
    """Run a script with `sh -c`."""
    return await call(tools.shell, workspace, argv=["sh", "-c", script, "sh", *arguments], timeout_s=timeout_s)

"""A server that is a program: started with the environment it may see, bounded in what it says, and ended whole."""

import asyncio
import os
import shutil
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.shared.message import SessionMessage
from mcp_types import jsonrpc_message_adapter

from turnlog.domain import NotFound

from ..tools.orphans import undertaker
from ..tools.threads import in_thread
from .reports import MOST_MESSAGE, Report
from .servers import StdioServer

Incoming = MemoryObjectReceiveStream[SessionMessage | Exception]
Outgoing = MemoryObjectSendStream[SessionMessage]

_LEAVE: Final = 2.0
"""Seconds a server has to go once its input has ended, and again after SIGTERM."""

_POLL: Final = 0.05
_WATCH: Final = 0.5
_CHUNK: Final = 4096


@dataclass(frozen=True, slots=True)
class Program:
    """A server ready to be started: the file that is executed, its words, its whole environment, its directory."""

    file: str
    argv: tuple[str, ...]
    environment: Mapping[str, str]
    directory: str | None

    @property
    def identity(self) -> str:
        """What tells the file from another in its place. Blocks."""
        try:
            real = Path(self.file).resolve()
            found = real.stat()
        except OSError:
            return self.file
        return f"{real} {found.st_dev}:{found.st_ino} {found.st_size} {found.st_mtime_ns}"


def program_of(server: StdioServer, environment: Mapping[str, str]) -> Program:
    """The program of a server, on the search path of its own environment. Blocks. Raises NotFound."""
    name = server.argv[0]
    if os.sep in name:
        file = str(Path(server.cwd or Path.cwd(), name))
        found = shutil.which(file)
    else:
        found = shutil.which(name, path=environment.get("PATH", os.defpath))
    if found is None:
        raise NotFound(f"its program {name!r} is not there, or cannot be executed")
    return Program(str(Path(found).absolute()), server.argv, environment, server.cwd)


@asynccontextmanager
async def stdio_streams(program: Program, report: Report) -> AsyncGenerator[tuple[Incoming, Outgoing]]:
    """The messages of a server that runs for as long as the block does. Raises OSError."""
    await in_thread(undertaker.start)
    process = await _spawn(program)
    undertaker.watch(process.pid)
    heard, incoming = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    outgoing, said = anyio.create_memory_object_stream[SessionMessage](0)
    tasks = [
        _task(_read(process, heard, report)),
        _task(_write(process, said, heard, report)),
        _task(_listen_to_errors(process, report)),
        _task(_watch(process, heard, report)),
    ]
    try:
        yield incoming, outgoing
    finally:
        for stream in (incoming, outgoing):
            stream.close()
        try:
            await _leave(process)
        finally:
            _signal(process.pid, signal.SIGKILL)
            undertaker.forget(process.pid)
            await _gone(process, _LEAVE)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for stream in (heard, said):
                stream.close()


async def _spawn(program: Program) -> Process:
    return await asyncio.create_subprocess_exec(
        *program.argv,
        executable=program.file,
        cwd=program.directory,
        env=dict(program.environment),
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        limit=MOST_MESSAGE,
        start_new_session=True,
    )


def _task(work: Coroutine[None, None, None]) -> asyncio.Task[None]:
    return asyncio.create_task(work)


async def _read(process: Process, heard: MemoryObjectSendStream[SessionMessage | Exception], report: Report) -> None:
    """Pass on messages, a line each. What is none is counted; one too long ends the connection."""
    assert process.stdout is not None
    try:
        while True:
            line = await process.stdout.readuntil(b"\n")
            try:
                message = jsonrpc_message_adapter.validate_json(line, by_name=False)
            except ValueError:
                report.take_garbage(line)
            else:
                await heard.send(SessionMessage(message))
    except asyncio.LimitOverrunError:
        report.end(f"it sent a message of more than {MOST_MESSAGE:,} bytes")
        _signal(process.pid, signal.SIGKILL)
    except (asyncio.IncompleteReadError, anyio.BrokenResourceError, anyio.ClosedResourceError, OSError):
        report.end("it closed its output")
    finally:
        heard.close()


async def _write(
    process: Process,
    said: MemoryObjectReceiveStream[SessionMessage],
    heard: MemoryObjectSendStream[SessionMessage | Exception],
    report: Report,
) -> None:
    assert process.stdin is not None
    try:
        async for each in said:
            text = each.message.model_dump_json(by_alias=True, exclude_unset=True)
            process.stdin.write(f"{text}\n".encode())
            await process.stdin.drain()
    except (OSError, RuntimeError):
        report.end("it reads no more")
        heard.close()


async def _listen_to_errors(process: Process, report: Report) -> None:
    assert process.stderr is not None
    while chunk := await process.stderr.read(_CHUNK):
        report.take_error(chunk)


async def _watch(process: Process, heard: MemoryObjectSendStream[SessionMessage | Exception], report: Report) -> None:
    """A server that is gone is heard of no more, even where something it started holds on to its output."""
    while process.returncode is None:  # noqa: ASYNC110 - wait() would wait for the output too
        await asyncio.sleep(_WATCH)
    report.end(f"its program ended with status {process.returncode}")
    heard.close()


async def _leave(process: Process) -> None:
    """Ask it to go: the end of its input, then SIGTERM."""
    if process.stdin is not None:
        with suppress(OSError, RuntimeError):
            process.stdin.close()
    if not await _gone(process, _LEAVE):
        _signal(process.pid, signal.SIGTERM)
        await _gone(process, _LEAVE)


async def _gone(process: Process, seconds: float) -> bool:
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while process.returncode is None and loop.time() < end:  # noqa: ASYNC110 - as above
        await asyncio.sleep(_POLL)
    return process.returncode is not None


def _signal(group: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)

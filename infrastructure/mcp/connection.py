"""One connection to a server, held open by a task of its own, for what opens a connection also has to close it."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from typing import Final, Protocol

import mcp_types as types
from mcp.client import Client, IncomingMessage, Transport
from mcp.client.streamable_http import streamable_http_client
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import JsonValue

from turnlog.domain import NotFound, ToolsUnavailable, clean

from ..tools.threads import in_thread
from .http import http_client
from .reports import MOST_MESSAGE, Report
from .servers import HttpServer, McpServer, Secrets, StdioServer, filled
from .stdio import program_of, stdio_streams

MOST_TOOLS: Final = 10_000
_MOST_PAGES: Final = 1_000
_CLOSE: Final = 10.0


class Progress(Protocol):
    """What is told of a call under way."""

    async def __call__(self, progress: float, total: float | None, message: str | None) -> None:
        """So much of so much is done."""
        ...


@dataclass(frozen=True, slots=True)
class Peer:
    """Who answered: program or URL, and the name, version and protocol it gives. `file` tells programs apart."""

    place: str
    name: str
    version: str
    protocol: str
    file: str = ""

    def __str__(self) -> str:
        return f"{self.name} {self.version}, MCP {self.protocol}, {self.place}"


class Connection:
    """A server that has answered. `outdated` says that it has other tools by now than it listed, or may have."""

    def __init__(self, server: McpServer) -> None:
        self._server = server
        self.report = Report()
        self.outdated = True
        self._hears = True
        self._file = ""
        self._holder: asyncio.Task[None] | None = None
        self._client: Client | None = None
        self._resources = AsyncExitStack()

    @classmethod
    async def open(cls, server: McpServer, ours: Mapping[str, str], secrets: Secrets) -> "Connection":
        """Start a server or reach it, and agree on a protocol. Raises ToolsUnavailable, NotFound, InvalidInput."""
        made = cls(server)
        streams = await made._streams(ours, made.report.watched(secrets))
        ready: asyncio.Future[Client] = asyncio.get_running_loop().create_future()
        made._holder = asyncio.create_task(made._hold(streams, ready))
        try:
            async with asyncio.timeout(server.connect_seconds):
                made._client = await asyncio.shield(ready)
        except TimeoutError:
            await made.close()
            raise made.unavailable(f"it did not answer within {server.connect_seconds:g} s") from None
        except BaseException:
            await made.close()
            raise
        return made

    @property
    def alive(self) -> bool:
        """Whether it may be asked something, as far as is known."""
        return not self.report.lost.is_set()

    @property
    def client(self) -> Client:
        """The library's side of the connection."""
        assert self._client is not None
        return self._client

    @property
    def peer(self) -> Peer:
        """Who answered."""
        info = self.client.server_info
        name, version = ("", "") if info is None else (info.name, info.version)
        return Peer(self._server.transport.place, name, version, self.client.protocol_version, self._file)

    async def tools(self) -> list[types.Tool]:
        """Its tools as they are now, `outdated` from the next change on. Raises ToolsUnavailable."""
        self.outdated = not self._hears
        found: list[types.Tool] = []
        cursor: str | None = None
        try:
            async with asyncio.timeout(self._server.connect_seconds):
                for _ in range(_MOST_PAGES):
                    page = await self.client.list_tools(cursor=cursor)
                    found += page.tools
                    cursor = page.next_cursor
                    if cursor is None or len(found) > MOST_TOOLS:
                        break
        except Exception as error:
            raise self.unavailable(f"its tools could not be listed ({self._said(error)})") from error
        if cursor is not None or len(found) > MOST_TOOLS:
            raise self.unavailable(f"it lists more than {MOST_TOOLS:,} tools, or lists them without end")
        return found

    async def call(self, tool: str, arguments: Mapping[str, JsonValue], progress: Progress) -> types.CallToolResult:
        """Call a tool. Cancelled meanwhile, the server is told. Raises what the library raises."""
        return await self.client.call_tool(tool, dict(arguments), progress_callback=progress)

    async def close(self) -> None:
        """End the connection, and the program of the server."""
        self.report.end("it was closed")
        if self._holder is None:
            return
        # Before it was open, nothing waits for the end but whoever opens it.
        _, late = await asyncio.wait({self._holder}, timeout=0 if self._client is None else _CLOSE)
        for task in late:
            task.cancel()
        await asyncio.wait({self._holder})

    def unavailable(self, why: str) -> ToolsUnavailable:
        """The error for people: which server, what happened, and what it said of it."""
        said = str(self.report)
        more = f" ({said})" if said else ""
        whole = f"MCP server {self._server.name} cannot be used: {why}{more}; see {self._server.transport.place}"
        return ToolsUnavailable(clean(self.report.without_secrets(whole)))

    def _said(self, error: BaseException) -> str:
        """The first thing that went wrong, in a line."""
        inner: tuple[object, ...] = getattr(error, "exceptions", ())  # of a group, which task groups raise
        if inner and isinstance(inner[0], BaseException):
            return self._said(inner[0])
        if isinstance(error, TimeoutError):
            return "it did not answer in time"
        return f"{type(error).__name__}: {' '.join(self.report.without_secrets(str(error)).split())}"

    async def _streams(self, ours: Mapping[str, str], secrets: Secrets) -> Transport:
        match self._server.transport:
            case StdioServer() as server:
                environment = server.environment(ours, secrets)
                try:
                    program = await in_thread(lambda: program_of(server, environment))
                except NotFound as error:
                    raise self.unavailable(error.message) from None
                self._file = await in_thread(lambda: program.identity)
                return stdio_streams(program, self.report)
            case HttpServer(url, headers):
                client = http_client(filled(headers, secrets))
                self._resources.push_async_callback(client.aclose)
                return streamable_http_client(url, http_client=client, max_sse_event_size=MOST_MESSAGE)

    async def _hold(self, streams: Transport, ready: asyncio.Future[Client]) -> None:
        """Open the connection, keep it until it is lost or closed, and close it, all in this one task."""
        try:
            info = types.Implementation(name="turnlog", version="1")
            async with Client(streams, cache=None, client_info=info, message_handler=self._hear) as client:
                ready.set_result(client)
                listening = asyncio.create_task(self._listen(client))
                try:
                    await self.report.lost.wait()
                finally:
                    listening.cancel()
                    await asyncio.wait({listening})
        except Exception as error:  # noqa: BLE001 - whatever ends a connection is told to whoever needs it
            if not ready.done():
                ready.set_exception(self.unavailable(self._said(error)))
            self.report.end(self._said(error))
        finally:
            ready.cancel()
            self.report.end("it was closed")
            await self._resources.aclose()

    async def _hear(self, message: IncomingMessage) -> None:
        if isinstance(message, types.ToolListChangedNotification):
            self.outdated = True

    async def _listen(self, client: Client) -> None:
        """Hear of changes where the protocol wants that to be asked for; where it fails, every look asks again."""
        if client.protocol_version not in MODERN_PROTOCOL_VERSIONS:
            return
        with suppress(Exception):
            async with client.listen(tools_list_changed=True) as changes:
                async for _ in changes:
                    self.outdated = True
        self._hears, self.outdated = False, True

"""Tools of an MCP server: judged and recorded like any other, with the server and its schema in the envelope."""

import asyncio
import hashlib
import json
import logging
import os
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from pydantic import JsonValue

from turnlog.domain import (
    Bounds,
    OutcomeUnknown,
    Surroundings,
    ToolContext,
    ToolOutput,
    ToolProgress,
    ToolSpec,
    ToolsUnavailable,
    TurnlogError,
    clean,
)
from turnlog.projections import one_line

from ..tools.output import failure
from ..tools.render import show_call
from .calls import Answer, Asked, Rejected, Unanswered, Unsent, ask
from .connection import Connection, Peer, Progress
from .offers import Offer, Offers, offers_of
from .results import output_of
from .servers import HttpServer, McpServer, Secrets, StdioServer

_log = logging.getLogger("turnlog.mcp")

_SHOWN: Final = 1000
_MOST_PROGRESS: Final = 1000
_LOOK: Final = 30.0
"""Seconds that looking may take beyond starting the server and listing its tools: others may be at it."""


class McpTools:
    """The tools of one server, for as long as it is open: `[*tools]`. A connection that is lost is made anew.

    `left_out` says, a sentence each, which of its tools cannot be used.
    """

    def __init__(self, server: McpServer, secrets: Secrets) -> None:
        self._server = server
        self._secrets = secrets
        self._loop = asyncio.get_running_loop()
        self._lock = asyncio.Lock()
        self._closed = False
        self._connection: Connection | None = None
        self._peer: Peer | None = None
        self._offers = Offers({}, ())
        self._tools: tuple[McpTool, ...] = ()

    async def open(self) -> None:
        """Connect and list. Raises ToolsUnavailable, NotFound, InvalidInput."""
        await self.connected()
        self._tools = tuple(McpTool(self, offer) for offer in self._offers.by_tool.values())
        for reason in self._offers.left_out:
            _log.warning("MCP server %s: a tool is left out: %s", self._server.name, reason)

    async def close(self) -> None:
        """End the connection, and the program of the server."""
        async with self._lock:
            self._closed = True
            if self._connection is not None:
                await self._connection.close()

    def __iter__(self) -> "Iterator[McpTool]":
        return iter(self._tools)

    def __len__(self) -> int:
        return len(self._tools)

    @property
    def left_out(self) -> tuple[str, ...]:
        """The tools that cannot be used, and why."""
        return self._offers.left_out

    @property
    def server(self) -> McpServer:
        """The server as it was named."""
        return self._server

    def offer(self, tool: str) -> Offer | None:
        """What the server offers under its own name for a tool, as it was listed last."""
        return self._offers.by_tool.get(tool)

    @property
    def peer(self) -> Peer | None:
        """Who answered last."""
        return self._peer

    async def connected(self) -> Connection:
        """A connection whose tools are known as they are now. Raises ToolsUnavailable, NotFound, InvalidInput."""
        async with self._lock:
            if self._closed:
                raise ToolsUnavailable(f"MCP server {self._server.name} was closed; open its tools again")
            connection = self._connection
            if connection is None or not connection.alive:
                if connection is not None:
                    await connection.close()
                self._connection = None  # where the next one cannot be made, the old one is gone all the same
                connection = self._connection = await Connection.open(self._server, os.environ, self._secrets)
            if connection.outdated:
                await self._list(connection)
            return connection

    async def _list(self, connection: Connection) -> None:
        try:
            self._offers = offers_of(self._server, await connection.tools())
            self._peer = connection.peer
        except BaseException:
            connection.outdated = True  # refused or cancelled, what was listed before is still not what there is now
            raise

    def look(self) -> None:
        """Know the tools as they are now. Blocks; on the loop's own thread it does nothing. Raises ToolsUnavailable."""
        if _running_loop() is self._loop:
            return
        if self._loop.is_closed():
            raise ToolsUnavailable(f"MCP server {self._server.name} was closed; open its tools again")
        most = _LOOK + 2 * self._server.connect_seconds
        connected = asyncio.run_coroutine_threadsafe(self.connected(), self._loop)
        try:
            connected.result(most)
        except TimeoutError:
            connected.cancel()
            raise ToolsUnavailable(
                f"MCP server {self._server.name} could not be asked for its tools within {most:g} s, since others are "
                f"at it or its loop is blocked; call again, or see {self._server.transport.place}"
            ) from None


class McpTool:
    """One tool of a server, as it was listed last."""

    def __init__(self, tools: McpTools, offer: Offer) -> None:
        self._tools = tools
        self._listed = offer

    def __repr__(self) -> str:
        return f"<tool {self._listed.spec.name} of MCP server {self._tools.server.name}>"

    @property
    def spec(self) -> ToolSpec:
        """Name, description, schema and effect class, as the server gave them last."""
        self._listed = self._tools.offer(self._listed.tool) or self._listed
        return self._listed.spec

    def show(self, arguments: Mapping[str, JsonValue]) -> str:
        """The name and every argument in full."""
        return show_call(self.spec.name, arguments, {})

    def surroundings(self, arguments: Mapping[str, JsonValue], workspace: Path | None, bounds: Bounds) -> Surroundings:
        """The server and what it says of this tool now. Blocks. Raises ToolsUnavailable where it cannot be asked."""
        self._tools.look()
        return Surroundings(
            program=one_line(clean(f"{self._listed.tool} of {self._tools.peer}"), _SHOWN),
            program_id=self._fingerprint(),
        )

    async def run(self, arguments: Mapping[str, JsonValue], context: ToolContext) -> ToolOutput:
        """Call it. Raises OutcomeUnknown where the server may have done it and gave no answer."""
        if isinstance(self._tools.server.transport, HttpServer) and not context.bounds.network:
            return failure(f"{self.spec.name} is behind the network, which this session may not use", error="bounds")
        try:
            connection = await self._tools.connected()
        except TurnlogError as error:
            return failure(f"{error.message}; nothing was done", error=error.code)
        offer = self._tools.offer(self._listed.tool)
        if offer is None:
            return failure(f"the server no longer has the tool {self.spec.name}; nothing was done", error="gone")
        if context.program_id not in (None, self._fingerprint()):
            return failure(
                f"{self.spec.name} is not what it was when it was allowed; nothing was done, so call again if it fits",
                error="changed",
            )
        seconds = min(self._tools.server.call_seconds, context.bounds.seconds)
        outcome = await ask(connection, Asked(offer.tool, arguments, seconds), _progress(context))
        told = connection.report.without_secrets
        match outcome:
            case Answer(result):
                about: dict[str, JsonValue] = {"server": str(self._tools.peer), "definition": offer.definition}
                return output_of(result, context.bounds.output_bytes, about)
            case Rejected(why):
                return failure(f"{self.spec.name} was not answered with a result: {told(why)}", error="rejected")
            case Unsent(why):
                return failure(f"{self.spec.name} was not called: {told(why)}; nothing was done", error="unsent")
            case Unanswered(why):
                return self._unanswered(told(why))

    def _unanswered(self, why: str) -> ToolOutput:
        if self.spec.effect == "external":
            raise OutcomeUnknown(f"{self.spec.name} was called and did not answer: {why}")
        again = "it changes nothing" if self.spec.effect == "pure" else "doing it again does no harm"
        return failure(f"{self.spec.name} was called and did not answer: {why}; {again}, so it may be called again")

    def _fingerprint(self) -> str:
        """A digest of the server, of what it is started or reached with, and of all it says of the tool."""
        peer, offer = self._tools.peer, self._tools.offer(self._listed.tool)
        told = [
            str(peer),
            "" if peer is None else peer.file,
            _given(self._tools.server),
            None if offer is None else offer.definition,
        ]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _given(server: McpServer) -> JsonValue:
    """What the server is given, with the names of secrets in place of their values."""
    match server.transport:
        case StdioServer(env=env, inherit=inherit):
            return {"env": dict(env), "inherit": list(inherit)}
        case HttpServer(url, headers):
            return {"url": url, "headers": dict(headers)}


def _progress(context: ToolContext) -> Progress:
    async def tell(progress: float, total: float | None, message: str | None) -> None:
        of = "" if total is None else f" of {total:g}"
        said = f": {message}" if message else ""
        context.progress(ToolProgress(one_line(clean(f"{progress:g}{of}{said}"), _MOST_PROGRESS)))

    return tell


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


@asynccontextmanager
async def open_tools(server: McpServer, secrets: Secrets) -> AsyncGenerator[McpTools]:
    """The tools of a server for as long as the block lasts. Raises ToolsUnavailable, NotFound, InvalidInput."""
    tools = McpTools(server, secrets)
    try:
        await tools.open()
        yield tools
    finally:
        await tools.close()

"""A server on this machine that answers as told, byte for byte, and remembers what it was asked.

It knows nothing of any provider: each test says what the provider would send, in the pieces it would send it in.
"""

import asyncio
import json
import socket
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Literal

CUT: Literal["cut"] = "cut"
"""In place of a piece: the connection breaks off here, without an end."""

HANG: Literal["hang"] = "hang"
"""In place of a piece: nothing more comes, and the connection stays open until the client leaves."""

Piece = bytes | Literal["cut", "hang"]


PATIENCE = 10.0
"""Seconds after which what was waited for counts as missing."""

UNANSWERED = 0
"""In place of a status: not even a head is sent before the first piece."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one request gets: pieces are sent one chunk each, so that a stream arrives as a stream."""

    pieces: Sequence[Piece]
    status: int = 200
    content_type: str = "text/event-stream"
    headers: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Asked:
    """What the client sent."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)


@dataclass(slots=True)
class WireServer:
    """Answers in turn; the last one again and again. `left` counts connections that the client closed."""

    answers: list[Answer]
    asked: list[Asked] = field(default_factory=list[Asked])
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""
    connections: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    async def until_left(self) -> None:
        """Return once the client closed a connection that hangs; fail where it does not."""
        async with asyncio.timeout(PATIENCE):
            await self.left.wait()

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a new connection."""
        connection = asyncio.create_task(self.serve(reader, writer))
        self.connections.add(connection)
        connection.add_done_callback(self.connections.discard)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, for as many requests as the client sends."""
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                while await self._exchange(reader, writer):
                    pass
        finally:
            writer.transport.abort()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        asked = await _read(reader)
        if asked is None:
            return False
        self.asked.append(asked)
        self.reached.set()
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer.status != UNANSWERED:
            writer.write(_head(answer))
        for piece in answer.pieces:
            if piece == "cut":
                await writer.drain()
                return False
            if piece == "hang":
                await writer.drain()
                await reader.read()
                self.left.set()
                return False
            writer.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            await writer.drain()
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True


@asynccontextmanager
async def serving(*answers: Answer) -> AsyncGenerator[WireServer]:
    """A server with these answers, for the length of the block."""
    server = WireServer(list(answers))
    listener = await asyncio.start_server(server.accept, "127.0.0.1", 0)
    server.url = "http://{}:{}".format(*listener.sockets[0].getsockname()[:2])
    try:
        yield server
    finally:
        listener.close()
        for connection in server.connections:
            connection.cancel()
        await asyncio.gather(*server.connections, return_exceptions=True)


def unused_url() -> str:
    """An address of this machine where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return "http://{}:{}".format(*probe.getsockname())


def shredded(pieces: Sequence[Piece], size: int) -> list[Piece]:
    """The same bytes in chunks of another size, so that events and characters are torn in two."""
    body = b"".join(piece for piece in pieces if isinstance(piece, bytes))
    return [body[start : start + size] for start in range(0, len(body), size)]


def events(*payloads: object, names: Sequence[str] = ()) -> list[bytes]:
    """Server-sent events, one a piece; `names` gives their `event:` lines where a provider uses them."""
    pieces: list[bytes] = []
    for place, payload in enumerate(payloads):
        named = f"event: {names[place]}\n" if names else ""
        data = payload if isinstance(payload, str) else json.dumps(payload, ensure_ascii=False)
        pieces.append(f"{named}data: {data}\n\n".encode())
    return pieces


def _head(answer: Answer) -> bytes:
    head = {
        "content-type": answer.content_type,
        "transfer-encoding": "chunked",
        "connection": "close",
        **answer.headers,
    }
    lines = [f"HTTP/1.1 {answer.status} X", *(f"{name}: {value}" for name, value in head.items()), "", ""]
    return "\r\n".join(lines).encode()


async def _read(reader: asyncio.StreamReader) -> Asked | None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1") if not reader.at_eof() else ""
    if not head:
        return None
    first, *lines = head.strip().split("\r\n")
    method, path, _ = first.split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Asked(method, path, headers, body)

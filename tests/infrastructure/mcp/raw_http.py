"""A server over HTTP that answers calls with whatever a test says."""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from .faking import listed

NOTHING: dict[str, Any] = {}


@dataclass(frozen=True)
class Reply:
    """A response. `{id}` in the body is the request's; `missing` bytes of its end are not sent."""

    status: int = 200
    body: bytes = b""
    kind: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    missing: int = 0

    def wire(self, message: Mapping[str, Any]) -> bytes:
        """It, in answer to a message."""
        body = self.body.replace(b"{id}", json.dumps(message.get("id")).encode())
        headers = {"Content-Type": self.kind, "Content-Length": str(len(body)), **self.headers}
        lines = [f"HTTP/1.1 {self.status} X", *(f"{name}: {value}" for name, value in headers.items())]
        return "\r\n".join([*lines, "", ""]).encode() + body[: len(body) - self.missing]


class Nothing:
    """No response: the connection breaks off."""


class Silence:
    """No response, and the connection stays."""


Answer = Reply | Nothing | Silence


class RawServer:
    """What each tool answers, by name."""

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        self.answers = dict(answers)
        self.heard: list[tuple[dict[str, str], dict[str, Any]]] = []
        self.url = ""
        self.open: list[asyncio.StreamWriter] = []

    @property
    def methods(self) -> list[str]:
        """What it was sent."""
        return [str(message.get("method")) for _, message in self.heard]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection."""
        self.open.append(writer)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                verb, headers, message = await _request(reader)
                self.heard.append((headers, message))
                answer = self._answer(message) if verb == "POST" else Reply(405)
                if isinstance(answer, Nothing):
                    break
                if isinstance(answer, Reply):
                    writer.write(answer.wire(message))
                    await writer.drain()
                    if answer.missing:
                        break
        writer.close()

    def _answer(self, message: dict[str, Any]) -> Answer:
        match message.get("method"):
            case "initialize":
                info = {"serverInfo": {"name": "raw", "version": "1"}, "capabilities": NOTHING}
                return _result({"protocolVersion": "2025-11-25", **info}, {"Mcp-Session-Id": "s1"})
            case "tools/list":
                return _result({"tools": [listed(name) for name in self.answers]})
            case "tools/call":
                return self.answers[message["params"]["name"]]
            case _:
                return Reply(404 if "id" in message else 202)


async def _request(reader: asyncio.StreamReader) -> tuple[str, dict[str, str], dict[str, Any]]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return head[0].split(" ")[0], headers, json.loads(body or b"{}")


def _result(result: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Reply:
    return Reply(body=message_of(result=result), headers=headers or {})


def message_of(**more: Any) -> bytes:
    """A JSON-RPC response to whatever is asked."""
    return json.dumps({"jsonrpc": "2.0", "id": "ID", **more}).encode().replace(b'"ID"', b"{id}")


@asynccontextmanager
async def raw_http(answers: Mapping[str, Answer]) -> AsyncGenerator[RawServer]:
    """The server, for as long as the block lasts."""
    made = RawServer(answers)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/mcp"
    try:
        yield made
    finally:
        server.close()
        for writer in made.open:
            writer.close()

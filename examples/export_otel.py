"""Send a session's turns to an OpenTelemetry backend, after the fact. Needs no OpenTelemetry SDK.

Prints the spans; with OTEL_EXPORTER_OTLP_ENDPOINT set (http://localhost:4318) it sends them there as well. Ids and
times come from the log, so sending a session twice does not make two of it.
"""

import asyncio
import json
import os
from collections.abc import Iterator
from typing import Any

import httpx2

from turnlog import ScriptedCall, ScriptedModel, ScriptedReply, Turnlog, tool


@tool(effect="pure")
async def weather(city: str) -> str:
    """Look up the weather."""
    return f"{city}: rain"


async def spans(log: Turnlog, session_id: str) -> bytes:
    """The body of an OTLP/HTTP request, in JSON."""
    return b"".join([piece async for piece in log.export(session_id, format="otel")])


async def send(body: bytes, endpoint: str) -> None:
    """Post the spans to a collector."""
    async with httpx2.AsyncClient() as client:
        headers = {"Content-Type": "application/json"}
        answer = await client.post(f"{endpoint.rstrip('/')}/v1/traces", content=body, headers=headers)
        answer.raise_for_status()


def told(body: bytes) -> Iterator[str]:
    """The spans as an indented list."""
    traces: dict[str, Any] = json.loads(body)
    for span in traces["resourceSpans"][0]["scopeSpans"][0]["spans"]:
        took = (int(span["endTimeUnixNano"]) - int(span["startTimeUnixNano"])) / 1e6
        yield f"{'  ' if 'parentSpanId' in span else ''}{span['name']}  {took:.1f} ms"


async def main() -> None:
    call = ScriptedCall(name="weather", arguments={"city": "Bergen"})
    model = ScriptedModel([ScriptedReply(calls=(call,)), "Take an umbrella."])
    async with Turnlog.open("memory:") as log:
        session = await log.create_session("Weather", model=model, tools=[weather])
        await session.append_turn("Do I need an umbrella in Bergen?")
        body = await spans(log, session.id)
    print(*told(body), sep="\n")
    if endpoint := os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        await send(body, endpoint)


if __name__ == "__main__":
    asyncio.run(main())

"""The streams a request reads, so that leaving it closes them. Imported with the first request only."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any

import httpx2
from pydantic_ai.providers import Provider

_streams: ContextVar[list[httpx2.Response] | None] = ContextVar("turnlog_streams", default=None)


def watch(provider: Provider[Any]) -> None:
    """Let each request through this provider know its streams.

    google-genai leaves a stream without closing it, and in a cycle: until the garbage collector came by, the
    connection would stay open and the model go on, at the user's cost.
    """
    client = getattr(provider, "_own_http_client", None)  # the vendor library has no other way to it
    if isinstance(client, httpx2.AsyncClient):
        client.event_hooks["response"].append(_note)


@asynccontextmanager
async def closing_streams() -> AsyncGenerator[None]:
    """Close, at the end, each stream that was opened in the block through a watched provider."""
    opened: list[httpx2.Response] = []
    _streams.set(opened)  # without `reset`: a generator may be closed in another context than it was begun in
    try:
        yield
    finally:
        _streams.set(None)
        for stream in opened:
            await stream.aclose()


async def _note(response: httpx2.Response) -> None:
    opened = _streams.get()
    if opened is not None:
        opened.append(response)

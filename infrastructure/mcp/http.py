"""HTTP as a server is spoken to: bounded answers, no request lost without a word, and what became of each call."""

from collections.abc import AsyncIterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

import httpx2
from pydantic import BaseModel, ValidationError

from turnlog.domain import InvalidInput

from .reports import MOST_MESSAGE

_CONNECT: Final = 15.0
_UNSENT: Final = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.ProxyError,
    httpx2.UnsupportedProtocol,
    httpx2.LocalProtocolError,
)
UNREACHABLE: Final = 503
UNANSWERED: Final = 502


@dataclass(slots=True)
class Fate:
    """What became of the request of one call. `status` is that of the answer; `unsent` why it never went out."""

    unsent: str | None = None
    status: int | None = None


fate: Final[ContextVar[Fate | None]] = ContextVar("fate", default=None)
"""The call a request belongs to; the protocol's library hands contexts on to the requests it makes."""


class _Message(BaseModel):
    method: str = ""


def http_client(headers: Mapping[str, str]) -> httpx2.AsyncClient:
    """A client that sends these headers to one server. Raises InvalidInput."""
    for name, value in headers.items():
        if not value.isprintable() or not value.isascii() or value != value.strip():
            raise InvalidInput(f"the header {name!r} has a value that cannot be sent")
    return httpx2.AsyncClient(
        headers={**headers, "Accept-Encoding": "identity"},  # what unpacks may have any size
        timeout=httpx2.Timeout(_CONNECT, read=None),  # how long a call may take is not for the connection to say
        transport=_Watched(httpx2.AsyncHTTPTransport(retries=0)),
    )


class _Watched(httpx2.AsyncBaseTransport):
    """Answers for a server that cannot be reached: an error raised here would end all other calls as well."""

    def __init__(self, inner: httpx2.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        mine = _fate_of(request)
        try:
            response = await self._inner.handle_async_request(request)
        except _UNSENT as error:
            mine.unsent = f"{type(error).__name__}: {error}"
            return httpx2.Response(UNREACHABLE)
        except httpx2.TransportError:
            mine.status = UNANSWERED
            return httpx2.Response(UNANSWERED)
        bounded = await _bounded(response)
        mine.status = bounded.status_code
        return bounded

    async def aclose(self) -> None:
        await self._inner.aclose()


def _fate_of(request: httpx2.Request) -> Fate:
    """The fate to write to: that of the call where this is its request, and nobody's for any other."""
    mine = fate.get()
    return mine if mine is not None and request.method == "POST" and _is_call(request) else Fate()


def _is_call(request: httpx2.Request) -> bool:
    try:
        return _Message.model_validate_json(request.content).method == "tools/call"
    except (ValidationError, httpx2.StreamError):
        return False


async def _bounded(response: httpx2.Response) -> httpx2.Response:
    if response.headers.get("content-encoding", "identity") != "identity":
        await response.aclose()
        return httpx2.Response(UNANSWERED)
    # A stream of events has no end that could be too far; its events are bounded one by one.
    most = None if response.headers.get("content-type", "").startswith("text/event-stream") else MOST_MESSAGE
    assert isinstance(response.stream, httpx2.AsyncByteStream)
    return httpx2.Response(
        response.status_code,
        headers=response.headers,
        stream=_Bounded(response.stream, most),
        extensions=response.extensions,
    )


class _Bounded(httpx2.AsyncByteStream):
    """A body of at most so many bytes; one that breaks off fails as the protocol's library expects it."""

    def __init__(self, body: httpx2.AsyncByteStream, most: int | None) -> None:
        self._body = body
        self._most = most

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        try:
            async for chunk in self._body:
                size += len(chunk)
                if self._most is not None and size > self._most:
                    raise httpx2.StreamError(f"the answer has more than {self._most:,} bytes")
                yield chunk
        except httpx2.TransportError as error:
            raise httpx2.StreamError(f"the answer broke off ({type(error).__name__})") from error

    async def aclose(self) -> None:
        await self._body.aclose()

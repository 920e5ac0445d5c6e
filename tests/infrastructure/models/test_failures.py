"""Each class of the vendor's taxonomy becomes one typed failure, in one line, without secrets."""

import asyncio
from collections.abc import AsyncIterator

import httpx2
import pytest
from pydantic_ai import exceptions as vendor
from pydantic_ai.messages import ModelMessage
from pydantic_ai.models.function import AgentInfo, FunctionModel

from turnlog.domain import Message, ModelError, ModelRequest, NotFound, TextBlock
from turnlog.infrastructure import models

NAME = "function:test"
REQUEST = ModelRequest(
    model=NAME,
    system=None,
    messages=(Message(role="user", blocks=(TextBlock(text="hi"),)),),
    tools=(),
)


async def load(sha256: str) -> bytes:
    raise NotFound(sha256)


async def failure_of(error: Exception, *, after: str | None = None) -> ModelError:
    """What the adapter makes of an error, at once or after some text."""

    async def speak(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str]:
        if after is not None:
            yield after
        raise error

    model = models.ProviderModel(NAME, load, model=FunctionModel(stream_function=speak))
    with pytest.raises(ModelError) as failure:
        async for _ in model.respond(REQUEST):
            pass
    assert "\n" not in str(failure.value)
    assert failure.value.__cause__ is error
    return failure.value


Category = (
    type[vendor.ModelRateLimitError]
    | type[vendor.ModelQuotaExceededError]
    | type[vendor.ModelUnavailableError]
    | type[vendor.ModelServerError]
    | type[vendor.ModelRequestRejectedError]
)


def http(
    status: int, category: Category | None, body: object = None, wait: float | None = None
) -> vendor.ModelHTTPError:
    """An error as the vendor's adapters raise it: of a category, and with its HTTP status."""
    return vendor.ModelHTTPError.for_category(
        category, status_code=status, model_name="model", body=body, retry_after=wait
    )


@pytest.mark.parametrize("after", [None, "some text"])
@pytest.mark.parametrize(
    ("error", "failure", "retryable", "phase"),
    [
        (http(429, vendor.ModelRateLimitError), "rate_limited", True, None),
        (http(429, vendor.ModelQuotaExceededError), "quota", False, None),
        (http(503, vendor.ModelUnavailableError), "unavailable", True, None),
        (http(529, vendor.ModelOverloadedError), "overloaded", True, None),
        (http(500, vendor.ModelServerError), "server", True, None),
        (http(400, vendor.ModelContextWindowExceededError), "context_window", False, None),
        (http(401, vendor.ModelAuthenticationError), "authentication", False, None),
        (http(404, vendor.ModelNotFoundError), "not_found", False, None),
        (http(400, vendor.ModelRequestRejectedError), "rejected", False, None),
        (http(418, None), "rejected", False, None),
        (http(599, None), "server", True, None),
        (http(302, None), "unexpected", False, None),
        (vendor.ModelServerError("m", "x", in_stream=True), "server", True, "read"),
        (vendor.ModelConnectionError("m", "x", phase="pool"), "connection", True, "pool"),
        (vendor.ModelConnectionError("m", "x", phase="connect"), "connection", True, "connect"),
        (vendor.ModelConnectionError("m", "x", phase="write"), "connection", True, "write"),
        (vendor.ModelConnectionError("m", "x", phase="read"), "connection", True, "read"),
        (vendor.ModelConnectionError("m", "x"), "connection", True, "read"),
        (vendor.ModelTimeoutError("m", "x", phase="connect"), "timeout", True, "connect"),
        (vendor.ModelTimeoutError("m", "x", phase="read"), "timeout", True, "read"),
        (vendor.ModelRequestTimeout("m", 3.0), "timeout", True, "read"),
        (vendor.ModelAPIError("m", "x"), "unexpected", False, None),
        (vendor.ContentFilterError("x"), "content_filtered", False, None),
        (vendor.UserError("x"), "rejected", False, None),
        (TimeoutError(), "timeout", True, "read"),
        (ConnectionResetError("x"), "connection", True, "read"),
        (ConnectionRefusedError("x"), "connection", True, "connect"),
        (httpx2.PoolTimeout("x"), "timeout", True, "pool"),
        (httpx2.ConnectTimeout("x"), "timeout", True, "connect"),
        (httpx2.ConnectError("x"), "connection", True, "connect"),
        (httpx2.WriteError("x"), "connection", True, "write"),
        (httpx2.ReadError("x"), "connection", True, "read"),
        (httpx2.RemoteProtocolError("x"), "connection", True, "read"),
        (ZeroDivisionError("x"), "unexpected", False, None),
    ],
)
async def test_every_class_of_the_taxonomy_is_one_failure(
    error: Exception, failure: str, retryable: bool, phase: str | None, after: str | None
) -> None:
    got = await failure_of(error, after=after)
    assert (got.failure, got.retryable, got.phase) == (failure, retryable, phase)


def not_json() -> vendor.ModelAPIError:
    error = vendor.ModelAPIError("m", "Failed to decode response as JSON")
    error.__cause__ = ValueError("line 1")
    return error


@pytest.mark.parametrize("error", [not_json(), vendor.UnexpectedModelBehavior("x")])
async def test_what_cannot_be_read_is_malformed(error: Exception) -> None:
    got = await failure_of(error)
    assert (got.failure, got.retryable, got.phase) == ("malformed", False, None)


@pytest.mark.parametrize("error", [not_json(), vendor.UnexpectedModelBehavior("x")])
async def test_what_cannot_be_read_after_a_beginning_broke_off_and_may_be_asked_again(error: Exception) -> None:
    got = await failure_of(error, after="so far")
    assert (got.failure, got.retryable, got.phase) == ("connection", True, "read")


async def test_the_provider_s_wish_to_wait_is_kept() -> None:
    error = http(429, vendor.ModelRateLimitError, wait=7.0)
    assert (await failure_of(error)).retry_after == 7.0


@pytest.mark.parametrize(
    "body",
    [
        {"message": "too many images"},
        {"error": {"message": "too many images"}},
        {"error": "too many images"},
        {"detail": "too many images"},
        "too\nmany images",
    ],
)
async def test_the_provider_s_own_words_are_told(body: object) -> None:
    got = await failure_of(http(400, vendor.ModelRequestRejectedError, body))
    assert got.message == ("function:test: the request was rejected (HTTP 400): too many images")


@pytest.mark.parametrize("body", [None, [], 3, {"message": None}, {"error": {}}, b"\xff"])
async def test_a_body_without_words_is_left_out(body: object) -> None:
    got = await failure_of(http(500, vendor.ModelServerError, body))
    assert got.message == "function:test: the provider failed (HTTP 500)"


async def test_a_page_of_html_does_not_fill_the_screen() -> None:
    got = await failure_of(http(502, vendor.ModelServerError, "<html>\n" * 10_000))
    assert len(got.message) < 400


@pytest.mark.parametrize(
    "secret",
    [
        "sk-ant-api03-abcDEF_123",
        "sk-abc***xyz9",
        "AIzaSyA1234567890abc",
        "Bearer abc.def.ghi",
        "an entirely unusual value",
    ],
)
async def test_no_message_holds_a_key(secret: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNUSUAL_API_KEY", "an entirely unusual value")
    for error in (
        vendor.ModelAPIError("m", f"sent {secret} to them"),
        http(400, vendor.ModelRequestRejectedError, {"message": f"what is {secret}?"}),
        http(401, vendor.ModelAuthenticationError, {"message": f"bad key: {secret}"}),
        ValueError(f"header {secret}"),
    ):
        got = await failure_of(error)
        assert secret not in got.message
        assert secret.rsplit(maxsplit=1)[-1] not in got.message


async def test_cancellation_is_no_failure() -> None:
    async def speak(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str]:
        yield "x"
        raise asyncio.CancelledError

    model = models.ProviderModel(NAME, load, model=FunctionModel(stream_function=speak))
    with pytest.raises(asyncio.CancelledError):
        async for _ in model.respond(REQUEST):
            pass

"""Every way a request to Anthropic fails, as the API words it (platform.claude.com/docs, "Errors"), typed."""

import asyncio
from contextlib import aclosing

import pytest

from turnlog.domain import ModelDelta, ModelError, ModelSettings
from turnlog.infrastructure import models

from . import anthropic_wire as wire
from .asking import LOOK, asking, causes, failing, load
from .server import CUT, HANG, UNANSWERED, Answer, unused_url

HTML = b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>cloudflare</body>\r\n</html>\r\n"
BEGUN = [wire.start(), *wire.block(0, wire.text("So ", "far"))]
IN_A_CALL = [wire.start(), *wire.block(0, wire.tool_use("toolu_01A", "look", '{"at": "ho'))[:-1]]
TOO_LONG = "prompt is too long: 208310 tokens > 200000 maximum"
TOO_LONG_WITH_ANSWER = (
    "input length and `max_tokens` exceed context limit: 199759 + 20000 > 200000, "
    "decrease input length or `max_tokens` and try again"
)
NO_CREDIT = (
    "Your credit balance is too low to access the Anthropic API. "
    "Please go to Plans & Billing to upgrade or purchase credits."
)
OWN_LIMIT = "You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC."
PER_MINUTE = "This request would exceed your organization's rate limit of 30,000 input tokens per minute"


async def failure(answer: Answer, settings: ModelSettings | None = None) -> tuple[ModelError, list[ModelDelta]]:
    """What a request with this answer fails with, after one attempt, and what was shown before."""
    async with wire.anthropic(answer) as server:
        got = await failing(asking(wire.NAME, tools=[LOOK], settings=settings))
    assert len(server.asked) == 1
    assert wire.KEY not in str(got[0])
    return got


@pytest.mark.parametrize(
    ("status", "kind", "words", "expected", "retryable"),
    [
        (400, "invalid_request_error", "messages: at least one message is required", "rejected", False),
        (400, "invalid_request_error", TOO_LONG, "context_window", False),
        (400, "invalid_request_error", TOO_LONG_WITH_ANSWER, "context_window", False),
        (400, "invalid_request_error", NO_CREDIT, "quota", False),
        (400, "invalid_request_error", OWN_LIMIT, "quota", False),
        (401, "authentication_error", "invalid x-api-key", "authentication", False),
        (402, "billing_error", "There's an issue with your billing or payment information.", "quota", False),
        (403, "permission_error", "Your API key does not have permission to use it.", "authentication", False),
        (404, "not_found_error", "model: claude-nonesuch", "not_found", False),
        (408, "timeout_error", "The request timed out.", "timeout", True),
        (413, "request_too_large", "Request exceeds the maximum size", "rejected", False),
        (429, "rate_limit_error", PER_MINUTE, "rate_limited", True),
        (500, "api_error", "Internal server error", "server", True),
        (503, "api_error", "Service unavailable", "unavailable", True),
        (504, "timeout_error", "The request timed out while processing.", "server", True),
        (529, "overloaded_error", "Overloaded", "overloaded", True),
    ],
)
async def test_each_status_is_one_failure(status: int, kind: str, words: str, expected: str, retryable: bool) -> None:
    got, shown = await failure(wire.refusal(status, kind, words))
    assert (got.failure, got.retryable, shown) == (expected, retryable, [])


async def test_the_wait_anthropic_asks_for_is_kept() -> None:
    got, _ = await failure(wire.refusal(429, "rate_limit_error", PER_MINUTE, retry_after="17"))
    assert (got.failure, got.retry_after) == ("rate_limited", 17.0)


async def test_a_spent_month_is_no_rate_limit() -> None:
    """It comes as a 429 of the same type, without `retry-after`; only the code in its details differs."""
    words = (
        "You have reached your API usage limits: your organization has crossed its monthly API usage threshold, "
        "set based on your organization's API tier. You will regain access on 2026-12-01 at 00:00 UTC."
    )
    spent = wire.refusal(429, "rate_limit_error", words, details={"error_code": "enforced_spend_limit_reached"})
    got, _ = await failure(spent)
    assert (got.failure, got.retryable, got.retry_after) == ("quota", False, None)


async def test_the_words_of_the_provider_are_told() -> None:
    got, _ = await failure(wire.refusal(400, "invalid_request_error", "messages: at least one message is required"))
    assert "messages: at least one message is required" in got.message


async def test_a_page_of_html_from_a_proxy_is_the_server_s_failure() -> None:
    got, _ = await failure(Answer([HTML], 502, "text/html"))
    assert (got.failure, got.retryable) == ("server", True)


@pytest.mark.parametrize("begun", [[], [wire.start(), wire.PING], BEGUN], ids=["first", "started", "text"])
@pytest.mark.parametrize(
    ("kind", "words", "expected", "retryable"),
    [
        ("overloaded_error", "Overloaded", "overloaded", True),
        ("api_error", "Internal server error", "server", True),
        ("rate_limit_error", PER_MINUTE, "rate_limited", True),
        ("timeout_error", "The request timed out while processing.", "server", True),
        ("invalid_request_error", "messages.1: not now", "rejected", False),
    ],
)
async def test_an_error_inside_a_stream_is_the_same_failure_and_may_have_been_billed(
    begun: list[wire.Event], kind: str, words: str, expected: str, retryable: bool
) -> None:
    got, _ = await failure(wire.says(*begun, wire.error(kind, words)))
    assert (got.failure, got.retryable, got.phase) == (expected, retryable, "read")


async def test_an_error_of_an_unknown_kind_inside_a_stream_is_unexpected() -> None:
    got, shown = await failure(wire.says(*BEGUN, wire.error("glow_error", "It glows.")))
    assert (got.failure, got.phase) == ("unexpected", "read")
    assert [delta.text for delta in shown] == ["So ", "far"]


async def test_a_refused_connection_sent_nothing() -> None:
    with wire.at(unused_url()):
        got, _ = await failing(asking(wire.NAME))
    assert (got.failure, got.retryable, got.phase) == ("connection", True, "connect")


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        (Answer([CUT], UNANSWERED), ""),
        (Answer([CUT]), ""),
        (Answer([*wire.sse(*BEGUN), CUT]), "So far"),
        (Answer([*wire.sse(*BEGUN), b"event: content_block_delta\ndata: {", CUT]), "So far"),
        (Answer([*wire.sse(*IN_A_CALL), CUT]), '{"at": "ho'),
        (wire.says(*BEGUN), "So far"),
        (wire.says(*IN_A_CALL), '{"at": "ho'),
        (wire.says(wire.start()), ""),
        (Answer([]), ""),
    ],
    ids=["no head", "a head", "text", "an event", "a call", "ended in text", "ended in a call", "begun", "nothing"],
)
async def test_an_answer_that_breaks_off_may_be_asked_for_again(answer: Answer, shown: str) -> None:
    got, deltas = await failure(answer)
    assert (got.failure, got.retryable, got.phase) == ("connection", True, "read")
    assert "".join(delta.text for delta in deltas) == shown


async def test_what_cannot_be_read_at_all_is_malformed() -> None:
    got, _ = await failure(Answer([b"event: message_start\ndata: {oh no}\n\n"]))
    assert (got.failure, got.retryable) == ("malformed", False)


@pytest.mark.parametrize("garbage", [b"{oh no}", b"\xff\xfe", b"[1, 2"])
async def test_an_answer_that_turns_to_garbage_broke_off(garbage: bytes) -> None:
    got, shown = await failure(Answer([*wire.sse(*BEGUN), b"event: content_block_delta\ndata: " + garbage + b"\n\n"]))
    assert (got.failure, got.retryable, got.phase) == ("connection", True, "read")
    assert [delta.text for delta in shown] == ["So ", "far"]


@pytest.mark.parametrize(
    "answer",
    [Answer([HTML], content_type="text/html"), Answer([b'{"hello": "world"}'], content_type="application/json")],
    ids=["HTML", "JSON"],
)
async def test_a_page_that_is_no_stream_is_no_answer(answer: Answer) -> None:
    got, _ = await failure(answer)
    assert got.failure in ("malformed", "connection")


@pytest.mark.parametrize(
    "answer",
    [Answer([HANG], UNANSWERED), Answer([HANG]), Answer([*wire.sse(*BEGUN), HANG])],
    ids=["no head", "only a head", "text"],
)
async def test_a_stream_that_hangs_is_left_in_time(answer: Answer) -> None:
    async with wire.anthropic(answer) as server:
        got, _ = await failing(asking(wire.NAME, settings=ModelSettings(timeout=0.2)))
        await server.until_left()
    assert (got.failure, got.retryable, got.phase) == ("timeout", True, "read")
    assert len(server.asked) == 1


async def test_a_cancelled_reader_closes_the_connection() -> None:
    seen = asyncio.Event()

    async def read() -> None:
        async for _ in models.resolve_model(wire.NAME, load).respond(asking(wire.NAME)):
            seen.set()

    async with wire.anthropic(Answer([*wire.sse(*BEGUN), HANG])) as server:
        reading = asyncio.create_task(read())
        await seen.wait()
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        await server.until_left()


async def test_closing_the_answer_closes_the_connection() -> None:
    async with wire.anthropic(Answer([*wire.sse(*BEGUN), HANG])) as server:
        async with aclosing(models.resolve_model(wire.NAME, load).respond(asking(wire.NAME))) as items:
            await anext(items)
        await server.until_left()


async def test_without_an_address_the_sdk_would_leave_this_machine_and_may_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", wire.KEY)
    monkeypatch.delenv("ANTHROPIC_BASE_URL", raising=False)
    got, _ = await failing(asking(wire.NAME))
    assert "NetworkForbiddenError" in causes(got)

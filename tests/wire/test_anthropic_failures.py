"""Every way a request to Anthropic fails, as the API words it (platform.claude.com/docs, "Errors"), typed."""

import pytest

from . import anthropic_wire as wire
from .server import Answer

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

failure = wire.ANTHROPIC.failure


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
    got, _ = await failure(Answer([wire.HTML], 502, "text/html"))
    assert (got.failure, got.retryable) == ("server", True)


@pytest.mark.parametrize("begun", [[], [wire.start(), wire.PING], wire.BEGUN], ids=["first", "started", "text"])
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
    got, shown = await failure(wire.says(*wire.BEGUN, wire.error("glow_error", "It glows.")))
    assert (got.failure, got.phase) == ("unexpected", "read")
    assert [delta.text for delta in shown] == ["So ", "far"]

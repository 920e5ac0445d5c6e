"""Every way a request to Google fails, as the API words it (ai.google.dev, "Troubleshooting"), typed."""

import pytest

from . import google_wire as wire
from .server import Answer

TOO_LONG = "The input token count (1200027) exceeds the maximum number of tokens allowed (1048576)."
BAD_KEY = "API key not valid. Please pass a valid API key."
NO_KEY = (
    "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid "
    "authentication credential."
)
NOT_FOUND = (
    "models/gemini-nonesuch is not found for API version v1beta, or is not supported for generateContent. "
    "Call ListModels to see the list of available models and their supported methods."
)
NO_BILLING = (
    "Gemini API free tier is not available in your country. Please enable billing on your project in Google AI Studio."
)
EXHAUSTED = (
    "You exceeded your current quota, please check your plan and billing details. For more information on this error, "
    "head to: https://ai.google.dev/gemini-api/docs/rate-limits."
)
OVERLOADED = "The model is overloaded. Please try again later."
PER_MINUTE = wire.quota_failure("GenerateRequestsPerMinutePerProjectPerModel-FreeTier")
PER_DAY = wire.quota_failure("GenerateRequestsPerDayPerProjectPerModel-FreeTier")

failure = wire.GOOGLE.failure


@pytest.mark.parametrize(
    ("answer", "expected", "retryable"),
    [
        (wire.refusal(400, "INVALID_ARGUMENT", "Invalid value at 'contents[0].role'"), "rejected", False),
        (wire.refusal(400, "INVALID_ARGUMENT", TOO_LONG), "context_window", False),
        (wire.refusal(400, "INVALID_ARGUMENT", BAD_KEY, wire.error_info("API_KEY_INVALID")), "authentication", False),
        (wire.refusal(400, "FAILED_PRECONDITION", NO_BILLING), "quota", False),
        (wire.refusal(400, "FAILED_PRECONDITION", "User location is not supported."), "rejected", False),
        (wire.refusal(401, "UNAUTHENTICATED", NO_KEY), "authentication", False),
        (wire.refusal(403, "PERMISSION_DENIED", "The caller does not have permission"), "authentication", False),
        (wire.refusal(404, "NOT_FOUND", NOT_FOUND), "not_found", False),
        (wire.refusal(408, "DEADLINE_EXCEEDED", "Timeout"), "timeout", True),
        (wire.refusal(413, "INVALID_ARGUMENT", "Request payload size exceeds the limit"), "rejected", False),
        (wire.refusal(429, "RESOURCE_EXHAUSTED", EXHAUSTED, PER_MINUTE), "rate_limited", True),
        (wire.refusal(429, "RESOURCE_EXHAUSTED", EXHAUSTED, PER_DAY), "quota", False),
        (wire.refusal(429, "RESOURCE_EXHAUSTED", EXHAUSTED), "rate_limited", True),
        (wire.refusal(500, "INTERNAL", "An internal error has occurred. Please retry."), "server", True),
        (Answer([wire.HTML], 502, "text/html; charset=UTF-8"), "server", True),
        (wire.refusal(503, "UNAVAILABLE", OVERLOADED), "overloaded", True),
        (wire.refusal(503, "UNAVAILABLE", "The service is currently unavailable."), "unavailable", True),
        (wire.refusal(504, "DEADLINE_EXCEEDED", "Deadline expired before operation could complete."), "server", True),
    ],
)
async def test_each_status_is_one_failure(answer: Answer, expected: str, retryable: bool) -> None:
    got, shown = await failure(answer)
    assert (got.failure, got.retryable, shown) == (expected, retryable, [])


@pytest.mark.parametrize(("delay", "seconds"), [("17s", 17.0), ("0.5s", 0.5), ("42.338s", 42.338)])
async def test_the_wait_google_asks_for_is_kept(delay: str, seconds: float) -> None:
    got, _ = await failure(wire.refusal(429, "RESOURCE_EXHAUSTED", EXHAUSTED, PER_MINUTE, wire.retry_info(delay)))
    assert (got.failure, got.retry_after) == ("rate_limited", seconds)


async def test_the_words_of_the_provider_are_told() -> None:
    got, _ = await failure(wire.refusal(400, "INVALID_ARGUMENT", "Invalid value at 'contents[0].role'"))
    assert "Invalid value at 'contents[0].role'" in got.message


@pytest.mark.parametrize("begun", [[], wire.BEGUN], ids=["first", "text"])
@pytest.mark.parametrize("as_event", [True, False], ids=["an event", "bare JSON"])
@pytest.mark.parametrize(
    ("code", "status", "words", "expected", "retryable"),
    [
        (503, "UNAVAILABLE", OVERLOADED, "overloaded", True),
        (500, "INTERNAL", "An internal error has occurred.", "server", True),
        (429, "RESOURCE_EXHAUSTED", EXHAUSTED, "rate_limited", True),
        (400, "INVALID_ARGUMENT", "Invalid value", "rejected", False),
    ],
)
async def test_an_error_inside_a_stream_is_the_same_failure_and_may_have_been_billed(  # noqa: PLR0913 -- a table
    begun: list[wire.Json], as_event: bool, code: int, status: str, words: str, expected: str, retryable: bool
) -> None:
    said = wire.error(code, status, words)
    last = wire.sse(said) if as_event else wire.refusal(code, status, words).pieces
    got, _ = await failure(Answer([*wire.sse(*begun), *last]))
    assert (got.failure, got.retryable, got.phase) == (expected, retryable, "read")

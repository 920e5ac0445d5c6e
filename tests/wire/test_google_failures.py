"""Every way a request to Google fails, as the API words it (ai.google.dev, "Troubleshooting"), typed."""

import asyncio
from contextlib import aclosing

import pytest

from turnlog.domain import ModelDelta, ModelError, ModelSettings
from turnlog.infrastructure import models

from . import google_wire as wire
from .asking import LOOK, asking, causes, failing, load
from .server import CUT, HANG, UNANSWERED, Answer, unused_url

HTML = b"<!DOCTYPE html>\n<html lang=en>\n<title>Error 502 (Server Error)!!1</title>\n<p><b>502.</b></html>\n"
BEGUN = [wire.chunk(wire.text("So ")), wire.chunk(wire.text("far"))]
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


async def failure(answer: Answer, settings: ModelSettings | None = None) -> tuple[ModelError, list[ModelDelta]]:
    """What a request with this answer fails with, after one attempt, and what was shown before."""
    async with wire.google(answer) as server:
        got = await failing(asking(wire.NAME, tools=[LOOK], settings=settings))
    assert len(server.asked) == 1
    assert wire.KEY not in str(got[0])
    return got


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
        (Answer([HTML], 502, "text/html; charset=UTF-8"), "server", True),
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


@pytest.mark.parametrize("begun", [[], BEGUN], ids=["first", "text"])
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
        (Answer([*wire.sse(*BEGUN), b'data: {"candidates": [{"content"', CUT]), "So far"),
        (Answer([*wire.sse(*BEGUN), b'data: {"candidates": [{"content"']), "So far"),
        (wire.says(*BEGUN), "So far"),
        (wire.says(wire.chunk(wire.call("look", {"at": "a"}))), '{"at": "a"}'),
        (Answer([]), ""),
    ],
    ids=["no head", "only a head", "text", "an event", "half an event", "ended in text", "ended in a call", "nothing"],
)
async def test_an_answer_that_breaks_off_may_be_asked_for_again(answer: Answer, shown: str) -> None:
    got, deltas = await failure(answer)
    assert (got.failure, got.retryable, got.phase) == ("connection", True, "read")
    assert "".join(delta.text for delta in deltas) == shown


async def test_what_cannot_be_read_at_all_is_malformed() -> None:
    got, _ = await failure(Answer([b"data: {oh no}\r\n\r\n"]))
    assert (got.failure, got.retryable) == ("malformed", False)


async def test_an_answer_that_turns_to_garbage_broke_off() -> None:
    got, shown = await failure(Answer([*wire.sse(*BEGUN), b"data: {oh no}\r\n\r\n"]))
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
    async with wire.google(answer) as server:
        got, _ = await failing(asking(wire.NAME, settings=ModelSettings(timeout=0.2)))
        await server.until_left()
    assert (got.failure, got.retryable, got.phase) == ("timeout", True, "read")
    assert len(server.asked) == 1


async def test_a_cancelled_reader_closes_the_connection() -> None:
    seen = asyncio.Event()

    async def read() -> None:
        async for _ in models.resolve_model(wire.NAME, load).respond(asking(wire.NAME)):
            seen.set()

    async with wire.google(Answer([*wire.sse(*BEGUN), HANG])) as server:
        reading = asyncio.create_task(read())
        await seen.wait()
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        await server.until_left()


async def test_closing_the_answer_closes_the_connection() -> None:
    async with wire.google(Answer([*wire.sse(*BEGUN), HANG])) as server:
        async with aclosing(models.resolve_model(wire.NAME, load).respond(asking(wire.NAME))) as items:
            await anext(items)
        await server.until_left()


async def test_without_an_address_the_sdk_would_leave_this_machine_and_may_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GOOGLE_API_KEY", wire.KEY)
    monkeypatch.delenv("GOOGLE_GEMINI_BASE_URL", raising=False)
    got, _ = await failing(asking(wire.NAME))
    assert "NetworkForbiddenError" in causes(got)

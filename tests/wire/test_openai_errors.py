"""Each class of error, as OpenAI and those who copy it answer it or send it inside an open stream."""

import pytest

from . import openai_chat_wire as chat
from . import openai_responses_wire as responses
from .openai_failing import WORDS, Json, Outcome, beginning, hear, openai, openrouter, refused
from .openai_services import (
    COMPATIBLE,
    KEY,
    LMSTUDIO,
    OLLAMA,
    OPENAI_CHAT,
    OPENROUTER,
    RESPONSES,
    Service,
    every_local,
    every_service,
)
from .server import Answer, events

BAD = "invalid_request_error"
STATUSES: list[tuple[int, Json, Outcome]] = [
    (400, openai("Invalid 'temperature'.", BAD, None, "temperature"), ("rejected", False)),
    (400, openai("Please shorten it.", BAD, "context_length_exceeded", "input"), ("context_window", False)),
    (400, openai("This model's maximum context length is 8192 tokens.", BAD), ("context_window", False)),
    (401, openai(f"Incorrect API key provided: {KEY}.", BAD, "invalid_api_key"), ("authentication", False)),
    (403, openai("Country, region, or territory not supported", "request_forbidden"), ("authentication", False)),
    (404, openai("The model `gpt-9` does not exist.", BAD, "model_not_found", "model"), ("not_found", False)),
    (408, openai("Request timed out.", "timeout"), ("timeout", True)),
    (422, openai("Unprocessable.", BAD), ("rejected", False)),
    (429, openai("Rate limit reached for requests", "requests", "rate_limit_exceeded"), ("rate_limited", True)),
    (429, openai("You exceeded your quota", "insufficient_quota", "insufficient_quota"), ("quota", False)),
    (500, openai("The server had an error.", "server_error"), ("server", True)),
    (503, openai("That model is overloaded.", "service_unavailable_error"), ("overloaded", True)),
    (503, openai("Slow down.", "service_unavailable"), ("unavailable", True)),
]


@every_service
@pytest.mark.parametrize(("status", "body", "outcome"), STATUSES)
async def test_a_status_and_its_error_are_one_failure(
    service: Service, monkeypatch: pytest.MonkeyPatch, status: int, body: Json, outcome: Outcome
) -> None:
    error, _ = await hear(service, monkeypatch, refused(status, body))
    assert (error.failure, error.retryable) == outcome


@every_service
async def test_the_provider_s_own_words_are_told(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    error, _ = await hear(service, monkeypatch, refused(400, openai("Invalid 'top_p': 7.", BAD)))
    assert "Invalid 'top_p': 7." in error.message


@every_service
@pytest.mark.parametrize(("header", "value", "seconds"), [("retry-after", "7", 7.0), ("retry-after-ms", "1500", 1.5)])
async def test_how_long_to_wait_is_the_provider_s_to_say(
    service: Service, monkeypatch: pytest.MonkeyPatch, header: str, value: str, seconds: float
) -> None:
    limit = openai("Rate limit reached", "tokens", "rate_limit_exceeded")
    error, _ = await hear(service, monkeypatch, refused(429, limit, **{header: value}))
    assert (error.failure, error.retry_after) == ("rate_limited", seconds)


@every_service
@pytest.mark.parametrize("status", [500, 502, 504, 520, 524])
async def test_a_gateway_s_page_is_the_server_s_failure_and_does_not_fill_the_screen(
    service: Service, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    page = "<html><head><title>Bad gateway</title></head>\n" + "<p>cloud</p>\n" * 1000
    error, _ = await hear(service, monkeypatch, refused(status, page))
    assert (error.failure, error.retryable) == ("server", True)
    assert len(error.message) < 500


@every_service
async def test_a_page_with_status_200_is_an_answer_that_never_began(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing in it is an event, so it cannot be told from a stream that a gateway closed at once."""
    error, deltas = await hear(service, monkeypatch, refused(200, "<html>Sign in to the network</html>"))
    assert (error.failure, error.retryable, error.phase, deltas) == ("connection", True, "read", [])


@every_service
@pytest.mark.parametrize("garbage", [b"data: {oh\n\n", b"data: \xff\xfe{}\n\n"])
async def test_garbage_in_place_of_json_is_malformed(
    service: Service, monkeypatch: pytest.MonkeyPatch, garbage: bytes
) -> None:
    error, _ = await hear(service, monkeypatch, Answer([garbage]))
    assert (error.failure, error.retryable) == ("malformed", False)


@every_service
async def test_garbage_after_a_good_beginning_is_an_answer_that_broke_off(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    error, deltas = await hear(service, monkeypatch, Answer([*beginning(service), b"data: {oh\n\n"]))
    assert (error.failure, error.retryable, error.phase) == ("connection", True, "read")
    assert [delta.text for delta in deltas] == ["Half"]


# Inside an open stream

IN_STREAM: list[tuple[str, Outcome]] = [
    ("server_error", ("server", True)),
    ("rate_limit_exceeded", ("rate_limited", True)),
    ("context_length_exceeded", ("context_window", False)),
    ("insufficient_quota", ("quota", False)),
    ("server_is_overloaded", ("overloaded", True)),
    ("invalid_prompt", ("rejected", False)),
]


@pytest.mark.parametrize("shape", ["failed", "flat", "nested"])
@pytest.mark.parametrize(("code", "outcome"), IN_STREAM)
async def test_an_error_event_in_a_response_is_typed_and_may_have_been_acted_on(
    monkeypatch: pytest.MonkeyPatch, shape: str, code: str, outcome: Outcome
) -> None:
    """The three shapes: a failed response, an error as the reference has it, and an error as it comes."""
    body: Json = {"code": code, "message": WORDS}
    end: Json = {
        "failed": {"type": "response.failed", "response": responses.response("failed", error=body)},
        "flat": {"type": "error", **body, "param": None},
        "nested": {"type": "error", "error": {"type": code, **body, "param": None}},
    }[shape]
    given = Answer([*beginning(RESPONSES), *responses.numbered([end])])
    error, deltas = await hear(RESPONSES, monkeypatch, given)
    assert (error.failure, error.retryable) == outcome
    assert (error.phase, [delta.text for delta in deltas]) == ("read", ["Half"])
    assert WORDS in error.message


@pytest.mark.parametrize("service", [OPENAI_CHAT, LMSTUDIO, COMPATIBLE], ids=str)
@pytest.mark.parametrize(("code", "outcome"), IN_STREAM)
async def test_an_error_object_in_a_stream_of_chunks_is_typed_and_may_have_been_acted_on(
    service: Service, monkeypatch: pytest.MonkeyPatch, code: str, outcome: Outcome
) -> None:
    given = Answer([*beginning(service), *events(openai(WORDS, code, code))])
    error, deltas = await hear(service, monkeypatch, given)
    assert (error.failure, error.retryable) == outcome
    assert (error.phase, [delta.text for delta in deltas]) == ("read", ["Half"])
    assert WORDS in error.message


@every_service
async def test_an_error_may_be_the_first_event(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    event: Json = {"type": "error", "code": "server_error", "message": WORDS, "param": None}
    first = responses.numbered([event]) if service is RESPONSES else [*events(openai(WORDS, "server_error"))]
    if service is OPENROUTER:
        first = [*events(openrouter(500, WORDS))]
    error, deltas = await hear(service, monkeypatch, Answer(first))
    assert (error.failure, error.retryable, error.phase, deltas) == ("server", True, "read", [])


@every_local
@pytest.mark.parametrize("error", [WORDS, {"message": WORDS}], ids=["words", "object"])
async def test_an_error_without_a_code_is_told_in_the_server_s_words(
    service: Service, monkeypatch: pytest.MonkeyPatch, error: object
) -> None:
    given = Answer([*beginning(service), *events({"error": error}, names=["error"])])
    failure, _ = await hear(service, monkeypatch, given)
    assert (failure.failure, failure.retryable, failure.phase) == ("unexpected", False, "read")
    assert WORDS in failure.message


LLAMA = {
    "code": 400,
    "message": "the request exceeds the available context size, try increasing it",
    "type": "exceed_context_size_error",
    "n_prompt_tokens": 14429,
    "n_ctx": 8192,
}
TRYING = (
    "Trying to keep the first 14538 tokens when context the overflows. However, the model is loaded with context "
    "length of only 2048 tokens, which is not enough. Try to load the model with a larger context length, or provide "
    "a shorter input"
)
KEEPING = (
    "The number of tokens to keep from the initial prompt is greater than the context length. Try to load the model "
    "with a larger context length, or provide a shorter input"
)
REACHED = (
    "Reached context length of 4096 tokens with model (arch: gpt-oss) that does not currently support mid-generation "
    "context overflow. Try reloading with a larger context length or shortening the prompt/chat."
)


@pytest.mark.parametrize(
    ("service", "error"),
    [
        (COMPATIBLE, LLAMA),
        (LMSTUDIO, TRYING),
        (LMSTUDIO, {"message": KEEPING}),
        (LMSTUDIO, REACHED),
        (LMSTUDIO, "Context size has been exceeded."),
        (OPENROUTER, {"code": 400, "message": "prompt is too long: 250000 tokens > 200000 maximum"}),
    ],
)
@pytest.mark.parametrize("streaming", [True, False], ids=["streaming", "before"])
async def test_a_conversation_too_long_is_known_by_the_words_of_those_who_have_no_code_for_it(
    service: Service, monkeypatch: pytest.MonkeyPatch, error: object, streaming: bool
) -> None:
    body = {"error": error}
    given = Answer([*beginning(service), *events(body, names=["error"])]) if streaming else refused(400, body)
    failure, _ = await hear(service, monkeypatch, given)
    assert (failure.failure, failure.retryable) == ("context_window", False)


async def test_ollama_s_error_inside_a_stream_is_a_line_that_is_no_event_so_the_answer_has_no_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its middleware writes the error as bare JSON between the events."""
    line = chat.bare(openai("an error was encountered while running the model", "api_error")) + b"\n"
    error, _ = await hear(OLLAMA, monkeypatch, Answer([*beginning(OLLAMA), line]))
    assert (error.failure, error.retryable, error.phase) == ("connection", True, "read")


# An end that is none


async def test_a_response_that_failed_without_an_error_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    end: Json = {"type": "response.failed", "response": responses.response("failed")}
    given = Answer([*beginning(RESPONSES), *responses.numbered([end])])
    error, _ = await hear(RESPONSES, monkeypatch, given)
    assert (error.failure, error.retryable, error.phase) == ("server", True, "read")


# What the model itself declines


async def test_a_refusal_is_told_in_the_model_s_words(monkeypatch: pytest.MonkeyPatch) -> None:
    error, _ = await hear(RESPONSES, monkeypatch, responses.answer(responses.refusal("I can", "not help.")))
    assert (error.failure, error.retryable) == ("content_filtered", False)
    assert "I cannot help." in error.message


async def test_a_refusal_in_chunks_is_told_in_the_model_s_words(monkeypatch: pytest.MonkeyPatch) -> None:
    pieces = [chat.chunk({"role": "assistant", "content": None, "refusal": ""})]
    pieces += [chat.chunk({"refusal": words}) for words in ("I can", "not help.")]
    error, _ = await hear(OPENAI_CHAT, monkeypatch, chat.answer(*pieces, chat.chunk(finish="stop"), chat.usage()))
    assert (error.failure, error.retryable) == ("content_filtered", False)
    assert "I cannot help." in error.message


async def test_a_filter_that_leaves_nothing_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    end = responses.finished(status="incomplete", incomplete_details={"reason": "content_filter"})
    error, _ = await hear(RESPONSES, monkeypatch, responses.answer(end=end))
    assert (error.failure, error.retryable) == ("content_filtered", False)

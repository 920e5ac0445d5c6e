"""OpenRouter's own errors: a number for a code, before the stream and inside it."""

import pytest

from . import openai_chat_wire as chat
from .openai_failing import WORDS, Outcome, beginning, hear, openrouter, refused
from .openai_services import OPENROUTER
from .server import Answer, events

CODES: list[tuple[int, Outcome]] = [
    (400, ("rejected", False)),
    (401, ("authentication", False)),
    (402, ("quota", False)),
    (408, ("timeout", True)),
    (429, ("rate_limited", True)),
    (502, ("server", True)),
    (503, ("unavailable", True)),
]


@pytest.mark.parametrize(("code", "outcome"), CODES)
async def test_openrouter_s_code_is_the_status(monkeypatch: pytest.MonkeyPatch, code: int, outcome: Outcome) -> None:
    error, _ = await hear(OPENROUTER, monkeypatch, refused(code, openrouter(code, WORDS)))
    assert (error.failure, error.retryable) == outcome


@pytest.mark.parametrize(("code", "outcome"), CODES)
async def test_openrouter_s_error_inside_a_stream_is_typed_by_its_code(
    monkeypatch: pytest.MonkeyPatch, code: int, outcome: Outcome
) -> None:
    last = chat.chunk({"content": ""}, "error", provider="Fireworks") | openrouter(code, WORDS)
    error, deltas = await hear(OPENROUTER, monkeypatch, Answer([*beginning(OPENROUTER), *events(last)]))
    assert (error.failure, error.retryable) == outcome
    assert (error.phase, [delta.text for delta in deltas]) == ("read", ["Half"])


async def test_openrouter_s_403_for_a_flagged_input_is_no_matter_of_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    flagged = openrouter(403, "Flagged.", reasons=["violence"], flagged_input="…", provider_name="OpenAI")
    error, _ = await hear(OPENROUTER, monkeypatch, refused(403, flagged))
    assert (error.failure, error.retryable) == ("rejected", False)


async def test_openrouter_s_null_choices_are_an_answer_that_broke_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """It sends them when the provider behind it fails without a word."""
    empty = chat.chunk() | {"choices": None, "model": None, "provider": None}
    error, _ = await hear(OPENROUTER, monkeypatch, Answer([*beginning(OPENROUTER), *events(empty)]))
    assert (error.failure, error.retryable, error.phase) == ("connection", True, "read")


@pytest.mark.parametrize("native", [None, "error"])
async def test_openrouter_s_reason_error_is_no_answer_even_without_an_error_beside_it(
    monkeypatch: pytest.MonkeyPatch, native: str | None
) -> None:
    last = chat.chunk({"content": ""}, "error")
    last["choices"][0]["native_finish_reason"] = native
    error, _ = await hear(OPENROUTER, monkeypatch, Answer([*beginning(OPENROUTER), *events(last, chat.usage())]))
    assert (error.failure, error.retryable, error.phase) == ("server", True, "read")

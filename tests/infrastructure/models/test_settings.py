"""What a model is told beside words goes out in the provider's own terms, and never what it would refuse."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.wire.server import Answer, WireServer, serving
from turnlog.domain import Message, ModelError, ModelRequest, ModelSettings, NotFound, TextBlock
from turnlog.infrastructure import models

ALL = ModelSettings(
    max_tokens=100,
    temperature=0.5,
    top_p=0.9,
    stop=("END",),
    seed=7,
    thinking="low",
    parallel_tool_calls=False,
    timeout=20,
)
HELLO = (Message(role="user", blocks=(TextBlock(text="Hello"),)),)
REFUSED = Answer([b'{"error": {"message": "no"}}'], 400, "application/json")


async def load(sha256: str) -> bytes:
    raise NotFound(sha256)


@pytest_asyncio.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[WireServer]:
    """Every provider, on this machine, refusing everything: what was asked is all that counts."""
    monkeypatch.setenv("NO_PROXY", "*")
    async with serving(REFUSED) as serving_here:
        for provider in ("ANTHROPIC", "OPENAI", "GOOGLE"):
            monkeypatch.setenv(f"{provider}_API_KEY", "no-key")
        for provider in ("OPENAI", "OLLAMA", "TURNLOG_COMPATIBLE"):
            monkeypatch.setenv(f"{provider}_BASE_URL", f"{serving_here.url}/v1")
        monkeypatch.setenv("ANTHROPIC_BASE_URL", serving_here.url)
        monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", serving_here.url)
        yield serving_here


async def told(server: WireServer, name: str, settings: ModelSettings | None) -> dict[str, Any]:
    """The body of the one request made."""
    request = ModelRequest(model=name, system=None, messages=HELLO, tools=(), settings=settings)
    model = models.ProviderModel(name, load)
    with pytest.raises(ModelError):
        async for _ in model.respond(request):
            pass
    await model.close()
    (asked,) = server.asked
    body = asked.json
    assert isinstance(body, dict)
    return {**body}


async def test_every_setting_goes_out(server: WireServer) -> None:
    body = await told(server, "ollama:deepseek-r1", ALL)
    sent = {key: body[key] for key in body if key not in ("messages", "model", "stream", "stream_options")}
    assert sent == {
        "max_tokens": 100,
        "temperature": 0.5,
        "top_p": 0.9,
        "stop": ["END"],
        "seed": 7,
        "reasoning_effort": "low",
    }


@pytest.mark.parametrize("settings", [None, ModelSettings()])
async def test_what_nobody_set_is_left_to_the_provider(server: WireServer, settings: ModelSettings | None) -> None:
    body = await told(server, "ollama:qwen3", settings)
    assert set(body) == {"messages", "model", "stream", "stream_options"}


@pytest.mark.parametrize(
    ("name", "refused"),
    [
        ("anthropic:claude-opus-4-8", {"temperature", "top_p", "seed"}),
        ("anthropic:a-model-of-tomorrow", {"temperature", "top_p", "seed"}),
        ("openai:gpt-4o", {"seed", "stop"}),
        ("openai:gpt-5", {"temperature", "top_p", "seed", "stop"}),
        ("openai-chat:gpt-5", {"temperature", "top_p"}),
        ("google:gemini-2.5-flash", {"parallel_tool_calls"}),
    ],
)
async def test_what_a_model_has_no_setting_for_is_left_out(server: WireServer, name: str, refused: set[str]) -> None:
    assert refused.isdisjoint(await told(server, name, ALL))


@pytest.mark.parametrize(
    ("model", "thinking", "sampled"),
    [("gpt-5.1", None, True), ("gpt-5.1", "off", True), ("gpt-5.1", "high", False), ("gpt-5", "off", False)],
)
async def test_openai_s_models_sample_only_while_they_do_not_reason(
    server: WireServer, model: str, thinking: str | None, sampled: bool
) -> None:
    settings = ModelSettings.model_validate({"temperature": 0.5, "thinking": thinking})
    assert ("temperature" in await told(server, f"openai:{model}", settings)) is sampled


async def test_nothing_is_kept_at_openai(server: WireServer) -> None:
    body = await told(server, "openai:gpt-5", None)
    assert body["store"] is False
    assert body["include"] == ["reasoning.encrypted_content"]


async def test_an_answer_of_anthropic_s_may_be_as_long_as_the_model_can(server: WireServer) -> None:
    assert (await told(server, "anthropic:claude-opus-4-8", None))["max_tokens"] >= 64_000


async def test_a_timeout_counts_between_two_pieces(server: WireServer) -> None:
    server.answers = [Answer(["hang"])]
    request = ModelRequest(
        model="ollama:qwen3", system=None, messages=HELLO, tools=(), settings=ModelSettings(timeout=0.05)
    )
    model = models.ProviderModel("ollama:qwen3", load)
    with pytest.raises(ModelError) as error:
        async for _ in model.respond(request):
            pass
    await model.close()
    assert (error.value.failure, error.value.phase, error.value.retryable) == ("timeout", "read", True)

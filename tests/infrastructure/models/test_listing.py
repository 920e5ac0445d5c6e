"""A provider lists its models in its own format, and its bare name stands for the newest that chats."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
import pytest_asyncio

from tests.wire.server import CUT, Answer, WireServer, serving
from turnlog import Turnlog
from turnlog.domain import InvalidInput, ModelError
from turnlog.infrastructure import models


def listing(body: object, status: int = 200) -> Answer:
    return Answer([json.dumps(body).encode()], status, "application/json")


@pytest_asyncio.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[WireServer]:
    """Every provider, on this machine; what it answers is up to the test."""
    monkeypatch.setenv("NO_PROXY", "*")
    async with serving(listing({"data": []})) as serving_here:
        for provider in ("ANTHROPIC", "OPENAI", "GOOGLE", "OPENROUTER", "TURNLOG_COMPATIBLE"):
            monkeypatch.setenv(f"{provider}_API_KEY", "no-key")
        for provider in ("OPENAI", "OPENROUTER", "OLLAMA", "LMSTUDIO", "TURNLOG_COMPATIBLE"):
            monkeypatch.setenv(f"{provider}_BASE_URL", f"{serving_here.url}/v1")
        monkeypatch.setenv("ANTHROPIC_BASE_URL", serving_here.url)
        monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", serving_here.url)
        yield serving_here


async def listed(server: WireServer, provider: str, *answers: Answer) -> tuple[models.ModelInfo, ...]:
    server.answers = list(answers)
    return await models.list_models(provider)


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def seconds(text: str) -> int:
    return int(day(text).timestamp())


async def test_anthropic_lists_names_ages_and_limits(server: WireServer) -> None:
    sonnet = {"id": "claude-sonnet-4-5", "display_name": "Claude Sonnet 4.5", "created_at": "2025-09-29T00:00:00Z"}
    opus = {"id": "claude-opus-5", "created_at": "2026-08-01T00:00:00Z", "max_input_tokens": 200, "max_tokens": 64}
    gone = {"id": "claude-9", "created_at": "2026-09-01T00:00:00Z", "lifecycle": "retired"}
    unknown = {"id": "claude-x", "created_at": "1970-01-01T00:00:00Z"}
    got = await listed(server, "anthropic", listing({"data": [sonnet, unknown, opus, gone], "has_more": False}))
    assert got == (
        models.ModelInfo("anthropic:claude-9", day("2026-09-01"), chat=False),
        models.ModelInfo("anthropic:claude-opus-5", day("2026-08-01"), None, 200, 64),
        models.ModelInfo("anthropic:claude-sonnet-4-5", day("2025-09-29"), "Claude Sonnet 4.5"),
        models.ModelInfo("anthropic:claude-x"),
    )
    assert server.asked[0].path.startswith("/v1/models")
    assert await models.full_name("anthropic") == "anthropic:claude-opus-5"


async def test_openai_lists_everything_it_has_and_only_some_of_it_chats(server: WireServer) -> None:
    names = [
        "gpt-5",
        "gpt-5-mini",
        "text-embedding-3-large",
        "gpt-5-pro",
        "gpt-realtime",
        "gpt-image-1",
        "ft:gpt-4o:me",
    ]
    shown = [{"id": name, "object": "model", "created": 1_000 + age} for age, name in enumerate(names)]
    got = await listed(server, "openai", listing({"object": "list", "data": shown}))
    assert [model.name for model in got if model.chat] == [
        "openai:ft:gpt-4o:me",
        "openai:gpt-5-pro",
        "openai:gpt-5-mini",
        "openai:gpt-5",
    ]
    assert await models.full_name("openai") == "openai:gpt-5"


async def test_google_tells_no_age_so_the_version_in_the_name_counts(server: WireServer) -> None:
    def gemini(name: str, *actions: str) -> dict[str, object]:
        return {
            "name": f"models/{name}",
            "displayName": name.title(),
            "inputTokenLimit": 1000,
            "outputTokenLimit": 100,
            "supportedGenerationMethods": actions or ("generateContent",),
        }

    shown = [
        gemini("gemini-2.5-flash"),
        gemini("gemini-3.1-pro-preview"),
        gemini("gemini-3-pro"),
        gemini("gemini-3-flash-lite"),
        gemini("gemini-embedding-001", "embedContent"),
    ]
    got = await listed(server, "google", listing({"models": shown}))
    assert got[0] == models.ModelInfo("google:gemini-3.1-pro-preview", None, "Gemini-3.1-Pro-Preview", 1000, 100)
    assert [model.name for model in got if not model.chat] == ["google:gemini-embedding-001"]
    assert await models.full_name("google") == "google:gemini-3-pro"


async def test_openrouter_tells_what_a_model_gives_and_takes(server: WireServer) -> None:
    talks = {
        "id": "deepseek/deepseek-chat",
        "name": "DeepSeek Chat",
        "created": seconds("2026-01-01"),
        "context_length": 128,
        "architecture": {"output_modalities": ["text"]},
        "supported_parameters": ["tools"],
        "top_provider": {"max_completion_tokens": None},
    }
    draws = talks | {"id": "a/draws", "architecture": {"output_modalities": ["image"]}, "created": 2_000_000_000}
    alone = talks | {"id": "a/no-tools", "supported_parameters": ["seed"], "created": 2_000_000_001}
    got = await listed(server, "openrouter", listing({"data": [draws, talks, alone]}))
    assert got[-1] == models.ModelInfo("openrouter:deepseek/deepseek-chat", day("2026-01-01"), "DeepSeek Chat", 128)
    assert await models.full_name("openrouter") == "openrouter:deepseek/deepseek-chat"


async def test_ollama_lists_by_when_a_model_was_fetched(server: WireServer) -> None:
    shown = [{"id": "qwen3:8b", "created": 20}, {"id": "nomic-embed-text:latest", "created": 30}]
    await listed(server, "ollama", listing({"data": [*shown, {"id": "llama3.2:latest", "created": 10}]}))
    assert await models.full_name("ollama") == "ollama:qwen3:8b"
    assert server.asked[-1].path == "/v1/models"


async def test_lm_studio_is_asked_for_its_own_list(server: WireServer) -> None:
    embeds = {"id": "some-model", "type": "embeddings"}
    speaks = {"id": "qwen/qwen3-4b", "type": "llm", "max_context_length": 40960}
    got = await listed(server, "lmstudio", listing({"data": [embeds, speaks]}))
    assert got == (
        models.ModelInfo("lmstudio:some-model", chat=False),
        models.ModelInfo("lmstudio:qwen/qwen3-4b", context_window=40960),
    )
    assert server.asked[0].path == "/api/v0/models"


async def test_what_does_not_know_lm_studio_s_list_is_asked_for_openai_s(server: WireServer) -> None:
    got = await listed(server, "lmstudio", listing({}, 404), listing({"data": [{"id": "qwen3"}]}))
    assert got == (models.ModelInfo("lmstudio:qwen3"),)
    assert [asked.path for asked in server.asked] == ["/api/v0/models", "/v1/models"]


async def test_any_endpoint_lists_as_openai_does(server: WireServer) -> None:
    got = await listed(server, "compatible", listing({"data": [{"id": "m", "max_model_len": 8192, "created": None}]}))
    assert got == (models.ModelInfo("compatible:m", context_window=8192),)
    assert server.asked[0].headers["authorization"] == "Bearer no-key"


@pytest.mark.parametrize("provider", ["anthropic", "openai", "google", "lmstudio"])
@pytest.mark.parametrize(
    ("answer", "failure", "phase"),
    [
        (listing({"error": {"message": "no"}}, 401), "authentication", None),
        (listing({"error": {"message": "slow down"}}, 429), "rate_limited", None),
        (listing({"error": {"message": "oh"}}, 500), "server", None),
        (listing({"error": {"message": "oh"}}, 503), "unavailable", None),
        (Answer([CUT]), "connection", "read"),
        (Answer([b"<html>"], 200, "application/json"), "malformed", None),
    ],
    ids=["401", "429", "500", "503", "cut", "garbage"],
)
async def test_a_list_that_cannot_be_had_is_a_typed_failure(
    server: WireServer, provider: str, answer: Answer, failure: str, phase: str | None
) -> None:
    with pytest.raises(ModelError) as error:
        await listed(server, provider, answer)
    assert (error.value.failure, error.value.phase) == (failure, phase)
    assert error.value.message.startswith(f"{provider}: ")
    assert len(server.asked) == 1


async def test_nobody_there_is_a_connection_that_never_came_about(
    server: WireServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TURNLOG_COMPATIBLE_BASE_URL", "http://127.0.0.1:9/v1")
    with pytest.raises(ModelError) as error:
        await models.list_models("compatible")
    assert (error.value.failure, error.value.phase, error.value.retryable) == ("connection", "connect", True)


async def test_a_provider_whose_list_turnlog_cannot_read_says_to_name_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZAI_API_KEY", "no-key")
    with pytest.raises(ModelError, match="name one as zai:model"):
        await models.list_models("zai")


async def test_what_is_no_provider_is_refused() -> None:
    with pytest.raises(InvalidInput, match="known are anthropic"):
        await models.list_models("nowhere")


@pytest.mark.parametrize("name", ["anthropic:claude-sonnet-4-5", "scripted:replies.json", "openai:ft:a:b"])
async def test_a_full_name_is_itself(name: str) -> None:
    assert await models.full_name(name) == name


async def test_where_nothing_chats_no_name_is_made_up(server: WireServer) -> None:
    server.answers = [listing({"data": [{"id": "nomic-embed"}]})]
    with pytest.raises(ModelError, match="name one as ollama:model") as error:
        await models.full_name("ollama")
    assert error.value.failure == "not_found"


@pytest.mark.parametrize(
    ("names", "meant"),
    [(["a-lite", "b-preview"], "b-preview"), (["a", "b-preview", "c-mini"], "a"), (["a", "b-embed"], "a")],
)
async def test_an_unfinished_or_small_model_is_meant_only_where_there_is_no_other(
    server: WireServer, names: list[str], meant: str
) -> None:
    server.answers = [listing({"data": [{"id": name, "created": 1 + age} for age, name in enumerate(names)]})]
    assert await models.full_name("compatible") == f"compatible:{meant}"


async def test_a_session_records_which_model_a_provider_s_name_stood_for(server: WireServer) -> None:
    server.answers = [listing({"data": [{"id": "old", "created": 10}, {"id": "new", "created": 20}]})]
    async with Turnlog.open("memory:") as log:
        session = await log.create_session("Hello", model="compatible")
        fork = await log.fork(session.id, model="compatible")
        again = await session.fork(model="compatible")
        recorded = [(await handle.metadata()).model for handle in (session, fork, again)]
    assert recorded == ["compatible:new"] * 3

"""The adapter carries every kind of block to a provider's model and back, offline."""

import asyncio
import hashlib
import subprocess
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import aclosing
from threading import Barrier

import pytest
from pydantic_ai import models as vendor
from pydantic_ai.messages import (
    BinaryContent,
    ModelMessage,
    ModelResponse,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models.function import (
    AgentInfo,
    DeltaThinkingCalls,
    DeltaThinkingPart,
    DeltaToolCall,
    DeltaToolCalls,
    FunctionModel,
)
from pydantic_ai.models.test import TestModel
from pydantic_ai.providers import Provider, ollama, openai_compatible

from tests.wire.server import Answer, serving
from turnlog.domain import (
    BlobRef,
    ImageBlock,
    InvalidInput,
    Message,
    ModelDelta,
    ModelError,
    ModelReply,
    ModelRequest,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
    ToolResultBlock,
    ToolSpec,
)
from turnlog.infrastructure import models

NAME = "function:test"
PIXEL = b"\x89PNG pixel"
IMAGE = ImageBlock(image=BlobRef(sha256=hashlib.sha256(PIXEL).hexdigest(), size=len(PIXEL), media_type="image/png"))
Piece = str | DeltaToolCalls | DeltaThinkingCalls
Speak = Callable[[list[ModelMessage], AgentInfo], AsyncIterator[Piece]]


@pytest.fixture(autouse=True)
def offline() -> Iterator[None]:
    """No request may leave this machine."""
    with vendor.override_allow_model_requests(False):
        yield


async def load(sha256: str) -> bytes:
    assert sha256 == IMAGE.image.sha256
    return PIXEL


def user(*blocks: TextBlock | ImageBlock | ToolResultBlock) -> Message:
    return Message(role="user", blocks=blocks)


def assistant(*blocks: TextBlock | ImageBlock | ThinkingBlock | ToolCallBlock) -> Message:
    return Message(role="assistant", blocks=blocks)


def call(call_id: str, provider_id: str | None, arguments: str = "{}") -> ToolCallBlock:
    return ToolCallBlock(call_id=call_id, name="look", arguments=arguments, provider_id=provider_id)


def request(*messages: Message, tools: tuple[ToolSpec, ...] = ()) -> ModelRequest:
    said = messages or (user(TextBlock(text="hi")),)
    return ModelRequest(model=NAME, system="Be brief.", messages=said, tools=tools)


async def ask(model: models.ProviderModel, asked: ModelRequest) -> tuple[list[ModelDelta], ModelReply]:
    items = [item async for item in model.respond(asked)]
    deltas = [item for item in items if isinstance(item, ModelDelta)]
    reply = items[-1]
    assert isinstance(reply, ModelReply)
    assert len(deltas) == len(items) - 1
    return deltas, reply


def speaking(speak: Speak) -> models.ProviderModel:
    return models.ProviderModel(NAME, load, model=FunctionModel(stream_function=speak))


def saying(*pieces: Piece) -> models.ProviderModel:
    async def speak(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[Piece]:
        for piece in pieces:
            yield piece

    return speaking(speak)


async def sent(asked: ModelRequest) -> tuple[list[ModelMessage], AgentInfo]:
    """What the provider's model is given for a request."""
    seen: list[tuple[list[ModelMessage], AgentInfo]] = []

    async def speak(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[Piece]:
        seen.append((messages, info))
        yield "ok"

    await ask(speaking(speak), asked)
    return seen[0]


# Answers


async def test_text_streams_as_deltas_that_concatenate_to_the_answer() -> None:
    deltas, reply = await ask(saying("größer ", "🎈 e\u0301", " \u202eabc\x00"), request())
    assert reply.blocks == (TextBlock(text="größer 🎈 e\u0301 \u202eabc\x00"),)
    assert "".join(delta.text for delta in deltas) == "größer 🎈 e\u0301 \u202eabc\x00"
    assert len(deltas) == 3


async def test_lone_surrogates_are_replaced_because_nothing_could_store_them() -> None:
    deltas, reply = await ask(saying("a\ud800b"), request())
    assert reply.blocks == (TextBlock(text="a\ufffdb"),)
    assert deltas == [ModelDelta("text", "a\ufffdb")]


async def test_thinking_text_and_parallel_calls_keep_their_order() -> None:
    deltas, reply = await ask(
        saying(
            {0: DeltaThinkingPart(content="Let me ")},
            {0: DeltaThinkingPart(content="see.", signature="proof")},
            "I look.",
            {1: DeltaToolCall(name="look", json_args='{"at":', tool_call_id="call_a")},
            {1: DeltaToolCall(json_args=' "ü"}')},
            {2: DeltaToolCall(name="stop", tool_call_id="call_b")},
        ),
        request(),
    )
    assert reply.blocks == (
        ThinkingBlock(text="Let me see.", model=NAME, signature="proof"),
        TextBlock(text="I look."),
        ToolCallBlock(call_id="call_a", name="look", arguments='{"at": "ü"}', provider_id="call_a"),
        ToolCallBlock(call_id="call_b", name="stop", arguments="{}", provider_id="call_b"),
    )
    assert reply.stop_reason == "tool_call"
    for kind, whole in (
        ("thinking", "Let me see."),
        ("text", "I look."),
        ("tool_call", '{"at": "ü"}'),
    ):
        assert "".join(delta.text for delta in deltas if delta.kind == kind) == whole


async def test_invalid_arguments_arrive_as_they_were_written() -> None:
    _, reply = await ask(saying({0: DeltaToolCall(name="look", json_args="{oh", tool_call_id="a")}), request())
    assert reply.blocks == (call("a", "a", "{oh"),)


async def test_an_empty_answer_is_an_answer() -> None:
    deltas, reply = await ask(saying(""), request())
    assert deltas == []
    assert reply.blocks == ()
    assert reply.stop_reason == "stop"


async def test_usage_is_the_provider_s() -> None:
    _, reply = await ask(saying("five words are said here"), request())
    assert reply.usage.input_tokens > 0
    assert reply.usage.output_tokens > 0


async def test_tools_reach_the_model_and_its_calls_come_back() -> None:
    look = ToolSpec(
        name="look",
        description="Look at a place.",
        parameters={"type": "object", "properties": {"at": {"type": "string"}}, "required": ["at"]},
    )
    model = models.ProviderModel("test:model", load, model=TestModel(call_tools=["look"]))
    _, reply = await ask(model, request(tools=(look,)))
    (block,) = reply.blocks
    assert isinstance(block, ToolCallBlock)
    assert (block.name, block.arguments) == ("look", '{"at": "a"}')
    assert block.call_id == block.provider_id


# Requests


async def test_every_kind_of_block_reaches_the_provider() -> None:
    messages, info = await sent(
        request(
            user(TextBlock(text="What is \u202ethis 🎈?"), IMAGE),
            assistant(
                ThinkingBlock(text="Hm.", model=NAME, signature="proof"),
                TextBlock(text="I look."),
                call("ours_1", "theirs_1", '{"at": 1}'),
                call("ours_2", None, "{oh"),
            ),
            user(
                ToolResultBlock(call_id="ours_1", name="look", content=(TextBlock(text="a"), IMAGE)),
                ToolResultBlock(
                    call_id="ours_2",
                    name="look",
                    content=(TextBlock(text="not"), TextBlock(text="JSON")),
                    is_error=True,
                ),
                TextBlock(text="and?"),
            ),
        )
    )
    png = BinaryContent(PIXEL, media_type="image/png")
    first, answer, last = messages
    (prompt,) = first.parts
    assert isinstance(prompt, UserPromptPart)
    assert prompt.content == ["What is \u202ethis 🎈?", png]
    assert isinstance(answer, ModelResponse)
    assert answer.parts == [
        ThinkingPart("Hm.", signature="proof", provider_name="function"),
        TextPart("I look."),
        ToolCallPart("look", '{"at": 1}', "theirs_1"),
        ToolCallPart("look", "{oh", "ours_2"),
    ]
    seen, failed, question = last.parts
    assert isinstance(seen, ToolReturnPart)
    assert isinstance(failed, ToolReturnPart)
    assert isinstance(question, UserPromptPart)
    assert (seen.tool_call_id, seen.outcome, seen.content) == ("theirs_1", "success", ["a", png])
    assert (failed.tool_call_id, failed.outcome) == ("ours_2", "failed")
    assert failed.content == "not\n\nJSON"
    assert question.content == "and?"
    assert info.instructions == "Be brief."


async def test_thinking_of_another_model_stays_at_home() -> None:
    messages, _ = await sent(
        request(
            user(TextBlock(text="hi")),
            assistant(ThinkingBlock(text="secret", model="other:model", signature="proof")),
            user(TextBlock(text="go on")),
        )
    )
    assert [message.kind for message in messages] == ["request", "request"]


async def test_a_provider_id_used_twice_gives_way_to_ours() -> None:
    messages, _ = await sent(
        request(
            user(TextBlock(text="hi")),
            assistant(call("ours_1", "call_0")),
            user(ToolResultBlock(call_id="ours_1", name="look", content=())),
            assistant(call("ours_2", "call_0")),
            user(ToolResultBlock(call_id="ours_2", name="look", content=())),
        )
    )
    ids = [
        part.tool_call_id
        for message in messages
        for part in message.parts
        if isinstance(part, ToolCallPart | ToolReturnPart)
    ]
    assert ids == ["call_0", "call_0", "ours_2", "ours_2"]


async def test_retries_of_the_sdk_and_words_of_the_library_are_off() -> None:
    _, info = await sent(request())
    assert info.model_settings == {"max_retries": 0, "framing_announcement": "never"}


async def test_what_a_model_answered_is_what_it_is_sent_back() -> None:
    _, reply = await ask(
        saying(
            {0: DeltaThinkingPart(content="Hm.", signature="proof")},
            "I look.",
            {1: DeltaToolCall(name="look", json_args="{}", tool_call_id="call_a")},
        ),
        request(),
    )
    messages, _ = await sent(request(user(TextBlock(text="hi")), Message(role="assistant", blocks=reply.blocks)))
    assert list(messages[1].parts) == [
        ThinkingPart("Hm.", signature="proof", provider_name="function"),
        TextPart("I look."),
        ToolCallPart("look", "{}", "call_a"),
    ]


# Life


async def test_cancelling_the_reader_closes_the_stream() -> None:
    began, closed = asyncio.Event(), asyncio.Event()

    async def speak(messages: list[ModelMessage], info: AgentInfo) -> AsyncGenerator[Piece, None]:
        try:
            yield "begun"
            began.set()
            await asyncio.Event().wait()
        finally:
            closed.set()

    reading = asyncio.create_task(ask(speaking(speak), request()))
    await asyncio.wait_for(began.wait(), 5)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert closed.is_set()


async def test_a_reader_that_stops_early_closes_the_stream() -> None:
    closed = asyncio.Event()

    async def speak(messages: list[ModelMessage], info: AgentInfo) -> AsyncGenerator[Piece, None]:
        try:
            yield "one"
            yield "two"
        finally:
            closed.set()

    async with aclosing(speaking(speak).respond(request())) as items:
        assert await anext(items) == ModelDelta("text", "one")
    assert closed.is_set()


# Names


@pytest.mark.parametrize("name", ["", "gpt", "gpt:", ":gpt", "openai: ", "nowhere:model"])
def test_a_name_of_no_provider_lists_the_known_ones(name: str) -> None:
    with pytest.raises(InvalidInput, match=r"known are anthropic, .*, openai, ") as error:
        models.resolve_model(name, load)
    assert "\n" not in str(error.value)


def test_a_provider_s_name_is_resolved_without_its_sdk() -> None:
    model = models.resolve_model("anthropic:claude-sonnet-4-5", load)
    assert isinstance(model, models.ProviderModel)
    assert model.name == "anthropic:claude-sonnet-4-5"


@pytest.mark.parametrize(
    ("provider", "sdk", "package"),
    [
        ("anthropic", "anthropic", "turnlog[anthropic]"),
        ("openai", "openai", "turnlog[openai]"),
        ("google", "google.genai", "turnlog[google]"),
        ("groq", "groq", "pydantic-ai-slim[groq]"),
    ],
)
def test_a_missing_sdk_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, provider: str, sdk: str, package: str
) -> None:
    monkeypatch.setitem(sys.modules, sdk, None)
    for loaded in [name for name in sys.modules if name.startswith(("pydantic_ai.providers.", f"{sdk}."))]:
        monkeypatch.delitem(sys.modules, loaded)
    with pytest.raises(ModelError) as error:
        models.ProviderModel(f"{provider}:model", load).check()
    assert error.value.failure == "not_installed"
    assert package in error.value.message
    assert not error.value.retryable


@pytest.mark.parametrize(
    ("provider", "variable"),
    [
        ("anthropic", "ANTHROPIC_API_KEY"),
        ("openai", "OPENAI_API_KEY"),
        ("google", "GOOGLE_API_KEY"),
        ("openrouter", "OPENROUTER_API_KEY"),
    ],
)
async def test_a_missing_key_names_the_variable(monkeypatch: pytest.MonkeyPatch, provider: str, variable: str) -> None:
    for name in (variable, "GEMINI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ModelError) as error:
        await ask(models.ProviderModel(f"{provider}:model", load), request())
    assert error.value.failure == "authentication"
    assert error.value.message == f"{provider}:model needs {variable} set in the environment"


async def test_an_endpoint_without_an_address_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TURNLOG_COMPATIBLE_BASE_URL", raising=False)
    with pytest.raises(ModelError, match="TURNLOG_COMPATIBLE_BASE_URL") as error:
        models.ProviderModel("compatible:x", load).check()
    assert error.value.failure == "not_found"


@pytest.mark.parametrize(
    ("name", "variable", "listens"),
    [
        ("ollama:qwen3", "OLLAMA_BASE_URL", "http://localhost:11434/v1"),
        ("lmstudio:qwen3", "LMSTUDIO_BASE_URL", "http://localhost:1234/v1"),
    ],
)
def test_a_local_server_is_where_it_listens_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch, name: str, variable: str, listens: str
) -> None:
    monkeypatch.delenv(variable, raising=False)
    asked: list[str] = []

    def remember(*names: str, base_url: str, api_key: str | None = None) -> Provider[None]:
        asked.append(base_url)
        raise RuntimeError("far enough")

    monkeypatch.setattr(ollama, "OllamaProvider", remember)
    monkeypatch.setattr(openai_compatible, "OpenAICompatibleProvider", remember)
    for expected in (listens, "http://10.0.0.7:1/v1"):
        with pytest.raises(ModelError, match="far enough"):
            models.ProviderModel(name, load).check()
        assert asked[-1] == expected
        monkeypatch.setenv(variable, "http://10.0.0.7:1/v1")


async def refused_by(name: str) -> ModelError:
    """How a model fails whose server refuses everything."""
    model = models.ProviderModel(name, load)
    with vendor.override_allow_model_requests(True), pytest.raises(ModelError) as error:
        await ask(model, request())
    await model.close()
    return error.value


REFUSED = Answer([b'{"error": {"message": "no"}}'], 400, "application/json")


async def test_a_name_of_one_s_own_is_a_provider_once_a_variable_says_where(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("TURNLOG_MY_GATEWAY_API_KEY", "mine")
    async with serving(REFUSED) as server:
        monkeypatch.setenv("TURNLOG_MY_GATEWAY_BASE_URL", f"{server.url}/v1")
        assert (await refused_by("my-gateway:a/b:c")).failure == "rejected"
    (asked,) = server.asked
    assert (asked.path, asked.json["model"]) == ("/v1/chat/completions", "a/b:c")
    assert asked.headers["authorization"] == "Bearer mine"


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("compatible:x", "TURNLOG_COMPATIBLE_BASE_URL"),
        ("lmstudio:x", "LMSTUDIO_BASE_URL"),
        ("ollama:x", "OLLAMA_BASE_URL"),
    ],
)
async def test_the_key_of_openai_is_sent_to_nobody_else(
    monkeypatch: pytest.MonkeyPatch, name: str, variable: str
) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-openai")
    async with serving(REFUSED) as server:
        monkeypatch.setenv(variable, f"{server.url}/v1")
        await refused_by(name)
    assert "sk-of-openai" not in str(server.asked[0].headers)


async def test_a_model_that_was_closed_can_be_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    async with serving(REFUSED) as server:
        monkeypatch.setenv("OLLAMA_BASE_URL", f"{server.url}/v1")
        model = models.ProviderModel("ollama:x", load)
        for _ in range(2):
            with vendor.override_allow_model_requests(True), pytest.raises(ModelError, match="rejected"):
                await ask(model, request())
            await model.close()
    assert len(server.asked) == 2


def refuse(complaint: str) -> Callable[[str, object], vendor.Model]:
    """A vendor library that cannot make a model, in its own words."""
    from pydantic_ai.exceptions import UserError

    def infer(name: str, provider_factory: object) -> vendor.Model:
        raise UserError(complaint)

    return infer


def test_any_other_refusal_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vendor, "infer_model", refuse("This model\ndoes not do that"))
    with pytest.raises(ModelError) as error:
        models.ProviderModel("openai:x", load).check()
    assert error.value.failure == "rejected"
    assert str(error.value) == "openai:x cannot be used: This model does not do that"


def test_importing_the_models_imports_no_provider_library() -> None:
    code = "import sys, turnlog.infrastructure.models; print('pydantic_ai' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


async def test_requests_that_come_first_at_once_share_a_client(monkeypatch: pytest.MonkeyPatch) -> None:
    both, used = Barrier(2), list[vendor.Model]()

    def make(name: str) -> vendor.Model:
        both.wait(20)
        return TestModel()

    def note(client: vendor.Model) -> bool:
        used.append(client)
        return False

    monkeypatch.setattr("turnlog.infrastructure.models.vendor_models.make_model", make)
    monkeypatch.setattr("turnlog.infrastructure.models.vendor_searches.can_search", note)
    model = models.ProviderModel("openai:model", load)
    await asyncio.gather(model.searches_tools(), model.searches_tools())
    assert used[0] is used[1]  # one that another took the place of would never be closed

"""What a provider says beside its text: counts, reasons, images, proofs of thinking, a missing end."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pydantic_ai import models as vendor
from pydantic_ai.messages import (
    BinaryContent,
    FilePart,
    FinishReason,
    ModelMessage,
    ModelResponse,
    ModelResponsePart,
    ModelResponseStreamEvent,
    PartDeltaEvent,
    PartStartEvent,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolCallPartDelta,
)
from pydantic_ai.providers import Provider
from pydantic_ai.settings import ModelSettings
from pydantic_ai.usage import RequestUsage

from turnlog.domain import (
    BlobRef,
    ImageBlock,
    Message,
    ModelDelta,
    ModelError,
    ModelReply,
    ModelRequest,
    NotFound,
    TextBlock,
    ThinkingBlock,
)
from turnlog.infrastructure import models

NAME = "openai:x"
DONE = {"finish_reason": "as the provider says it"}
USER = Message(role="user", blocks=(TextBlock(text="hi"),))


class Somewhere(Provider[None]):
    """A provider that is not a test model's, so its answers must have an end."""

    @property
    def name(self) -> str:
        return "openai"

    @property
    def base_url(self) -> str:
        return "http://127.0.0.1"

    @property
    def client(self) -> None:
        return None


class Canned(vendor.Model):
    """A vendor's model that gives one response, as one event a part or as given events."""

    def __init__(self, response: ModelResponse, events: list[ModelResponseStreamEvent] | None = None) -> None:
        super().__init__()
        self._response = response
        self._events = events
        self._somewhere = Somewhere()
        self.asked: list[ModelMessage] = []

    @property
    def model_name(self) -> str:
        return "x"

    @property
    def system(self) -> str:
        return "openai"

    @property
    def provider(self) -> Provider[None]:
        return self._somewhere

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: vendor.ModelRequestParameters,
    ) -> ModelResponse:
        raise AssertionError("answers are streamed")

    @asynccontextmanager
    async def request_stream(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: vendor.ModelRequestParameters,
        run_context: Any = None,
    ) -> AsyncGenerator[vendor.StreamedResponse, None]:
        self.asked = messages
        yield vendor.CompletedStreamedResponse(
            self._response,
            model_request_parameters=model_request_parameters,
            replay_events=True if self._events is None else self._events,
        )


async def load(sha256: str) -> bytes:
    raise NotFound(sha256)


async def keep(data: bytes, media_type: str) -> BlobRef:
    return BlobRef(sha256="0" * 64, size=len(data), media_type=media_type)


async def ask(
    canned: Canned, *said: Message, keep_image: models.KeepImage | None = None
) -> tuple[list[ModelDelta], ModelReply]:
    """The deltas and the reply, after what was said before."""
    model = models.ProviderModel(NAME, load, keep_image=keep_image, model=canned)
    request = ModelRequest(model=NAME, system=None, messages=(USER, *said), tools=())
    items = [item async for item in model.respond(request)]
    reply = items[-1]
    assert isinstance(reply, ModelReply)
    return [item for item in items if isinstance(item, ModelDelta)], reply


def whole(*parts: ModelResponsePart) -> ModelResponse:
    return ModelResponse(parts, finish_reason="stop", provider_details=DONE)


async def sent_back(part: ThinkingPart) -> ModelResponsePart:
    """Thinking, after it was answered, recorded, and replayed to the model that thought it."""
    canned = Canned(whole(part))
    _, reply = await ask(canned)
    recorded = Message(role="assistant", blocks=reply.blocks)
    await ask(canned, Message.model_validate_json(recorded.model_dump_json()))
    (again,) = canned.asked[1].parts
    assert isinstance(again, ThinkingPart)
    return again


async def test_counts_reason_and_id_are_the_provider_s() -> None:
    usage = RequestUsage(input_tokens=10, output_tokens=5, cache_read_tokens=4, output_reasoning_tokens=2)
    response = ModelResponse([TextPart("so far")], usage=usage, finish_reason="length", provider_response_id="resp_1")
    _, reply = await ask(Canned(response))
    assert (reply.usage.input_tokens, reply.usage.cached_tokens) == (10, 4)
    assert (reply.usage.output_tokens, reply.usage.reasoning_tokens) == (5, 2)
    assert (reply.stop_reason, reply.response_id) == ("length", "resp_1")


async def test_waiting_for_a_tool_is_one_reason_whatever_the_provider_calls_it() -> None:
    _, reply = await ask(Canned(whole(ToolCallPart("look"))))
    assert reply.stop_reason == "tool_call"


async def test_an_image_in_an_answer_is_kept_or_said_to_be_lost() -> None:
    canned = Canned(whole(FilePart(BinaryContent(b"12345", media_type="image/png"))))
    _, kept = await ask(canned, keep_image=keep)
    _, lost = await ask(canned)
    ref = BlobRef(sha256="0" * 64, size=5, media_type="image/png")
    assert kept.blocks == (ImageBlock(image=ref),)
    assert lost.blocks == (TextBlock(text="[image/png, 5 bytes: not kept]"),)


@pytest.mark.parametrize(("reason", "failure"), [("content_filter", "content_filtered"), ("error", "server")])
async def test_nothing_with_a_bad_reason_is_a_failure(reason: FinishReason, failure: str) -> None:
    with pytest.raises(ModelError) as error:
        await ask(Canned(ModelResponse([], finish_reason=reason)))
    assert error.value.failure == failure


@pytest.mark.parametrize(("reason", "details"), [(None, None), ("stop", {"timestamp": "now"})])
async def test_an_answer_that_does_not_say_why_it_ended_has_no_end(
    reason: FinishReason | None, details: dict[str, str] | None
) -> None:
    response = ModelResponse([ToolCallPart("delete", "")], finish_reason=reason, provider_details=details)
    with pytest.raises(ModelError, match="broke off") as error:
        await ask(Canned(response))
    assert (error.value.failure, error.value.retryable) == ("connection", True)
    assert error.value.phase == "read"


@pytest.mark.parametrize(
    ("reason", "details", "provider"),
    [
        ("stop", DONE, "openai"),
        (None, DONE, "openai"),
        ("length", None, "openai"),
        ("stop", None, "xai"),
    ],
)
async def test_an_answer_that_says_why_it_ended_is_whole(
    reason: FinishReason | None, details: dict[str, str] | None, provider: str
) -> None:
    response = ModelResponse([TextPart("x")], finish_reason=reason, provider_details=details, provider_name=provider)
    assert (await ask(Canned(response)))[1].blocks == (TextBlock(text="x"),)


@pytest.mark.parametrize("details", [None, {"raw_content": ["a", "ü"]}])
@pytest.mark.parametrize("signature", [None, "proof"])
@pytest.mark.parametrize("name", [None, "rs_1"])
async def test_thinking_is_sent_back_with_all_the_provider_gave(
    name: str | None, signature: str | None, details: dict[str, list[str]] | None
) -> None:
    part = ThinkingPart("Hm.", id=name, signature=signature, provider_name="openai", provider_details=details)
    assert await sent_back(part) == part


async def test_thinking_that_is_only_a_proof_is_kept_and_sent_back() -> None:
    redacted = ThinkingPart("", id="redacted_thinking", signature="s", provider_name="openai")
    assert await sent_back(redacted) == redacted


async def test_thinking_that_is_nothing_is_dropped() -> None:
    _, reply = await ask(Canned(whole(ThinkingPart(""), TextPart(""))))
    assert reply.blocks == ()


@pytest.mark.parametrize("signature", ["seal/1 ", "seal/1 {oh", 'seal/1 {"id": 3}', "{}", ""])
async def test_a_proof_that_only_looks_like_ours_is_sent_as_it_is(signature: str) -> None:
    canned = Canned(whole(TextPart("x")))
    block = ThinkingBlock(text="Hm.", model=NAME, signature=signature)
    await ask(canned, Message(role="assistant", blocks=(block,)))
    assert canned.asked[1].parts == [ThinkingPart("Hm.", signature=signature, provider_name="openai")]


async def test_arguments_that_come_as_an_object_are_shown_as_json() -> None:
    call = ToolCallPart("look", {"at": "ü", "to": 1}, "call_a")
    events: Sequence[ModelResponseStreamEvent] = (
        PartStartEvent(index=0, part=ToolCallPart("look", {"at": "ü"}, "call_a")),
        PartDeltaEvent(index=0, delta=ToolCallPartDelta(args_delta={"to": 1})),
    )
    deltas, reply = await ask(Canned(whole(call), list(events)))
    assert deltas == [ModelDelta("tool_call", '{"at": "ü"}'), ModelDelta("tool_call", '{"to": 1}')]
    assert len(reply.blocks) == 1

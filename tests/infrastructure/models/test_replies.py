"""What a provider says beside its text: counts, reasons, images, proofs of thinking, a missing end."""

from collections.abc import Sequence

import pytest
from pydantic_ai.messages import (
    BinaryContent,
    FilePart,
    FinishReason,
    ModelResponse,
    ModelResponsePart,
    ModelResponseStreamEvent,
    PartDeltaEvent,
    PartStartEvent,
    TextPart,
    TextPartDelta,
    ThinkingPart,
    ToolCallPart,
    ToolCallPartDelta,
)
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

from .canned import Canned

NAME = "openai:x"
DONE = {"finish_reason": "as the provider says it"}
USER = Message(role="user", blocks=(TextBlock(text="hi"),))


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
    assert deltas == [
        ModelDelta("tool_call", '{"at": "ü"}', tool="look"),
        ModelDelta("tool_call", '{"to": 1}', tool="look"),
    ]
    assert len(reply.blocks) == 1


async def test_each_delta_tells_its_part_and_the_tool_it_is_for() -> None:
    events: list[ModelResponseStreamEvent] = [
        PartStartEvent(index=0, part=ThinkingPart("Hm.")),
        PartStartEvent(index=1, part=TextPart("I ")),
        PartStartEvent(index=2, part=ToolCallPart("lo", None, "call_a")),
        PartStartEvent(index=3, part=ToolCallPart("stop", "{", "call_b")),
        PartDeltaEvent(index=2, delta=ToolCallPartDelta(tool_name_delta="ok", args_delta="{}")),
        PartDeltaEvent(index=1, delta=TextPartDelta("look.")),
        PartDeltaEvent(index=3, delta=ToolCallPartDelta(args_delta="}")),
    ]
    deltas, _ = await ask(Canned(whole(TextPart("I look.")), events))
    assert deltas == [
        ModelDelta("thinking", "Hm.", 0),
        ModelDelta("text", "I ", 1),
        ModelDelta("tool_call", "{", 3, "stop"),
        ModelDelta("tool_call", "{}", 2, "look"),
        ModelDelta("text", "look.", 1),
        ModelDelta("tool_call", "}", 3, "stop"),
    ]


PROVEN: list[ModelResponsePart] = [
    TextPart("Hi.", id="msg_1", provider_name="openai", provider_details={"phase": "final_answer"}),
    TextPart("Hi.", id="msg_1", provider_name="openai"),
    TextPart("", provider_name="openai", provider_details={"thought_signature": "c2ln"}),
    ToolCallPart("look", "{}", "call_a", id="fc_1", provider_name="openai", provider_details={"namespace": "look"}),
    ToolCallPart("look", "{}", "call_a", provider_name="openai", provider_details={"thought_signature": "c2ln"}),
    ThinkingPart("", id="rs_1", provider_name="openai", provider_details={"raw_content": ["so"]}),
]


@pytest.mark.parametrize("part", PROVEN, ids=repr)
async def test_whatever_a_provider_gave_with_a_part_survives_the_log_and_goes_back(part: ModelResponsePart) -> None:
    canned = Canned(whole(part))
    _, reply = await ask(canned)
    recorded = Message(role="assistant", blocks=reply.blocks)
    await ask(canned, Message.model_validate_json(recorded.model_dump_json()))
    assert list(canned.asked[1].parts) == [part]


async def test_what_a_provider_gave_with_an_image_goes_back() -> None:
    async def load_it(sha256: str) -> bytes:
        return b"12345"

    part = FilePart(
        BinaryContent(b"12345", media_type="image/png"),
        provider_name="openai",
        provider_details={"thought_signature": "c2ln"},
    )
    canned = Canned(whole(part))
    _, reply = await ask(canned, keep_image=keep)
    model = models.ProviderModel(NAME, load_it, model=canned)
    said = Message(role="assistant", blocks=reply.blocks)
    async for _ in model.respond(ModelRequest(model=NAME, system=None, messages=(USER, said), tools=())):
        pass
    (again,) = canned.asked[1].parts
    assert isinstance(again, FilePart)
    assert (again.provider_name, again.provider_details) == (part.provider_name, part.provider_details)


async def test_what_has_no_proof_is_stored_without_a_field_for_one() -> None:
    _, reply = await ask(Canned(whole(TextPart("x"), ToolCallPart("look", "{}", "call_a"))))
    assert all("signature" not in block.model_dump() for block in reply.blocks)

"""What comes back from Google: every kind of part, count and reason, live and whole."""

import base64

import pytest

from turnlog.domain import ImageBlock, ModelDelta, ModelError, TextBlock, ThinkingBlock, ToolCallBlock, Usage

from . import google_wire as wire
from .asking import LOOK, PIXEL, STOP, Heard, ask, asking, failing
from .server import Answer, shredded

SIGNED = base64.b64encode(b"the model's proof").decode()


async def heard(answer: Answer) -> Heard:
    """What the adapter makes of an answer."""
    async with wire.GOOGLE.answering(answer):
        return await ask(asking(wire.NAME, tools=[LOOK, STOP]))


async def failed(answer: Answer) -> ModelError:
    """What the adapter makes of an answer that is none."""
    async with wire.GOOGLE.answering(answer):
        return (await failing(asking(wire.NAME)))[0]


async def test_text_arrives_live_and_whole() -> None:
    got = await heard(wire.answer(wire.text("Hel"), wire.text("lo — "), wire.text("ü🎈.")))
    assert got.blocks == (TextBlock(text="Hello — ü🎈."),)
    assert got.live("text") == ["Hel", "lo — ", "ü🎈."]
    assert (got.reply.response_id, got.reply.stop_reason) == (wire.RESPONSE_ID, "stop")


async def test_summaries_of_thought_are_thinking() -> None:
    got = await heard(wire.answer(wire.thought("I should "), wire.thought("say hi."), wire.text("Hi.")))
    assert got.blocks == (ThinkingBlock(text="I should say hi.", model=wire.NAME), TextBlock(text="Hi."))
    assert got.live("thinking") == ["I should ", "say hi."]


@pytest.mark.parametrize("call_id", [None, "fc-1"], ids=["an older model's", "a newer model's"])
async def test_a_call_comes_whole(call_id: str | None) -> None:
    got = await heard(wire.answer(wire.call("look", {"at": "höme", "times": 2}, call_id=call_id, signature=SIGNED)))
    (block,) = got.blocks
    assert isinstance(block, ToolCallBlock)
    assert (block.name, block.arguments) == ("look", '{"at": "höme", "times": 2}')
    assert call_id in (None, block.provider_id)
    assert block.call_id
    assert SIGNED in (block.signature or "")
    assert got.reply.stop_reason == "tool_call"


async def test_parallel_calls_keep_their_order_and_get_ids_of_their_own() -> None:
    got = await heard(
        wire.answer(wire.text("Looking."), wire.call("look", {"at": "a"}), wire.call("look", {"at": "a"}))
    )
    first, second = (block for block in got.blocks if isinstance(block, ToolCallBlock))
    assert first.arguments == second.arguments == '{"at": "a"}'
    assert first.call_id != second.call_id


async def test_parallel_calls_may_come_in_one_event() -> None:
    got = await heard(wire.says(wire.chunk(wire.call("look", {"at": "a"}), wire.call("stop", {}), finish="STOP")))
    assert [block.name for block in got.blocks if isinstance(block, ToolCallBlock)] == ["look", "stop"]
    assert [block.arguments for block in got.blocks if isinstance(block, ToolCallBlock)] == ['{"at": "a"}', "{}"]


async def test_every_delta_says_which_part_it_belongs_to() -> None:
    got = await heard(
        wire.answer(
            wire.thought("Hm."),
            wire.text("Look"),
            wire.text("ing."),
            wire.call("look", {"at": "a"}),
            wire.call("look", {"at": "b"}),
        )
    )
    assert list(got.deltas) == [
        ModelDelta("thinking", "Hm.", 0),
        ModelDelta("text", "Look", 1),
        ModelDelta("text", "ing.", 1),
        ModelDelta("tool_call", '{"at": "a"}', 2, "look"),
        ModelDelta("tool_call", '{"at": "b"}', 3, "look"),
    ]


async def test_an_image_between_texts_is_kept() -> None:
    picture = wire.image("image/png", base64.b64encode(PIXEL).decode())
    async with wire.GOOGLE.answering(wire.answer(wire.text("Here: "), picture, wire.text("Done."))):
        got = await ask(asking("google:gemini-3.1-flash-image"))
    assert [type(block) for block in got.blocks] == [TextBlock, ImageBlock, TextBlock]
    assert got.images == (PIXEL,)


async def test_cached_tokens_are_part_of_the_input_and_thoughts_part_of_the_output() -> None:
    counts = wire.usage(prompt=2104, candidates=50, thoughts=450, cached=2000)
    got = await heard(wire.answer(wire.text("Hi."), counts=counts))
    assert got.reply.usage == Usage(input_tokens=2104, output_tokens=500, cached_tokens=2000, reasoning_tokens=450)


async def test_the_last_counts_are_the_ones() -> None:
    first = wire.chunk(wire.text("Hi"), counts=wire.usage(prompt=18, candidates=1, thoughts=35))
    last = wire.chunk(wire.text("."), finish="STOP", counts=wire.usage(prompt=18, candidates=9, thoughts=35))
    got = await heard(wire.says(first, last))
    assert (got.reply.usage.input_tokens, got.reply.usage.output_tokens) == (18, 44)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        ("SAFETY", "content_filter"),
        ("RECITATION", "content_filter"),
        ("BLOCKLIST", "content_filter"),
        ("PROHIBITED_CONTENT", "content_filter"),
        ("SPII", "content_filter"),
        ("IMAGE_SAFETY", "content_filter"),
        ("LANGUAGE", "error"),
        ("MALFORMED_FUNCTION_CALL", "error"),
        ("UNEXPECTED_TOOL_CALL", "error"),
        ("OTHER", "other"),
        ("TOO_MANY_TOOL_CALLS", "too_many_tool_calls"),
        ("GLOWING", "glowing"),
    ],
)
@pytest.mark.filterwarnings("ignore:GLOWING is not a valid FinishReason")  # the SDK's, who does not know it either
async def test_every_finish_reason_has_its_word(said: str, reason: str) -> None:
    got = await heard(wire.answer(wire.text("So far"), finish=said))
    assert (got.blocks, got.reply.stop_reason) == ((TextBlock(text="So far"),), reason)


@pytest.mark.parametrize("reason", ["SAFETY", "PROHIBITED_CONTENT", "RECITATION", "IMAGE_SAFETY"])
async def test_nothing_for_a_reason_is_filtered(reason: str) -> None:
    got = await failed(wire.says(wire.chunk(finish=reason)))
    assert (got.failure, got.retryable) == ("content_filtered", False)


@pytest.mark.parametrize("reason", ["SAFETY", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT"])
async def test_a_refused_prompt_is_filtered(reason: str) -> None:
    got = await failed(wire.says(wire.blocked(reason)))
    assert (got.failure, got.retryable) == ("content_filtered", False)


async def test_a_call_gemini_could_not_write_is_worth_another_try() -> None:
    words = "Malformed function call: print(default_api.look(at='a')"
    got = await failed(wire.says(wire.chunk(finish="MALFORMED_FUNCTION_CALL", finishMessage=words)))
    assert (got.failure, got.retryable, got.phase) == ("server", True, "read")


async def test_an_answer_of_nothing_is_an_answer() -> None:
    got = await heard(wire.says(wire.chunk(finish="STOP", counts=wire.usage(candidates=0))))
    assert (got.blocks, got.deltas, got.reply.stop_reason) == ((), (), "stop")


async def test_unknown_fields_are_passed_over() -> None:
    chunk = wire.chunk({"text": "Hi.", "glow": {"colour": "green"}}, finish="STOP", glow=3) | {"glow": [1]}
    assert (await heard(wire.says(chunk))).blocks == (TextBlock(text="Hi."),)


@pytest.mark.parametrize("size", [1, 7, 1000])
async def test_events_and_characters_may_be_torn_anywhere(size: int) -> None:
    said = wire.answer(
        wire.thought("Größe?"), wire.text("é🎈"), wire.text("漢字"), wire.call("look", {"at": "日本"}, call_id="fc-1")
    )
    whole = await heard(said)
    torn = await heard(Answer(shredded(said.pieces, size)))
    assert (torn.reply, torn.deltas) == (whole.reply, whole.deltas)

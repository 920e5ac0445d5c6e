"""What comes back from Anthropic: every kind of block, count and reason, live and whole."""

from typing import Any

import pytest

from turnlog.domain import ModelDelta, TextBlock, ThinkingBlock, ToolCallBlock, Usage

from . import anthropic_wire as wire
from .asking import LOOK, STOP, Heard, ask, asking
from .server import Answer, shredded

UNKNOWN = {"type": "content_block_glow", "index": 0, "glow": {"colour": "green"}}


async def heard(answer: Answer) -> Heard:
    """What the adapter makes of an answer."""
    async with wire.ANTHROPIC.answering(answer):
        return await ask(asking(wire.NAME, tools=[LOOK, STOP]))


async def test_text_arrives_live_and_whole() -> None:
    got = await heard(wire.answer(wire.text("Hel", "lo — ", "ü🎈.")))
    assert got.blocks == (TextBlock(text="Hello — ü🎈."),)
    assert got.live("text") == ["Hel", "lo — ", "ü🎈."]
    assert got.reply.response_id == wire.MESSAGE_ID


async def test_thinking_comes_with_its_signature_and_the_model_that_thought_it() -> None:
    got = await heard(wire.answer(wire.thinking("EqoBCkg==", "I should ", "say hi."), wire.text("Hi.")))
    assert got.blocks == (
        ThinkingBlock(text="I should say hi.", model=wire.NAME, signature="EqoBCkg=="),
        TextBlock(text="Hi."),
    )
    assert got.live("thinking") == ["I should ", "say hi."]


async def test_thinking_that_is_not_shown_is_kept_by_its_signature() -> None:
    """Newer models leave `thinking` empty and send only the proof."""
    got = await heard(wire.answer(wire.thinking("EqoBCkg=="), wire.text("Hi.")))
    assert got.blocks == (ThinkingBlock(text="", model=wire.NAME, signature="EqoBCkg=="), TextBlock(text="Hi."))
    assert got.live("thinking") == []


async def test_each_redacted_block_is_kept_apart() -> None:
    got = await heard(wire.answer(wire.redacted("EmwKA=="), wire.redacted("EtgBC=="), wire.text("Hi.")))
    first, second, _ = got.blocks
    assert isinstance(first, ThinkingBlock)
    assert isinstance(second, ThinkingBlock)
    assert (first.text, second.text) == ("", "")
    assert "EmwKA==" in (first.signature or "")
    assert "EtgBC==" in (second.signature or "")


async def test_parallel_calls_keep_their_order_and_ids() -> None:
    look = wire.tool_use("toolu_01A", "look", '{"at', '": "hö', 'me", "times"', ": 2}")
    got = await heard(
        wire.answer(wire.text("Looking."), look, wire.tool_use("toolu_01B", "stop"), ending=wire.end("tool_use"))
    )
    assert got.blocks == (
        TextBlock(text="Looking."),
        ToolCallBlock(
            call_id="toolu_01A", name="look", arguments='{"at": "höme", "times": 2}', provider_id="toolu_01A"
        ),
        ToolCallBlock(call_id="toolu_01B", name="stop", arguments="{}", provider_id="toolu_01B"),
    )
    assert got.reply.stop_reason == "tool_call"
    assert "".join(got.live("tool_call")) == '{"at": "höme", "times": 2}'


async def test_every_delta_says_which_part_it_belongs_to() -> None:
    got = await heard(
        wire.answer(
            wire.thinking("sig", "Hm."),
            wire.text("Look", "ing."),
            wire.tool_use("toolu_01A", "look", '{"at": ', '"a"}'),
            wire.tool_use("toolu_01B", "look", '{"at": "b"}'),
            ending=wire.end("tool_use"),
        )
    )
    assert [delta for delta in got.deltas if delta.text] == [
        ModelDelta("thinking", "Hm.", 0),
        ModelDelta("text", "Look", 1),
        ModelDelta("text", "ing.", 1),
        ModelDelta("tool_call", '{"at": ', 2, "look"),
        ModelDelta("tool_call", '"a"}', 2, "look"),
        ModelDelta("tool_call", '{"at": "b"}', 3, "look"),
    ]


async def test_arguments_that_are_no_json_are_kept_as_written() -> None:
    """Fine-grained tool streaming does not check them, and `max_tokens` may cut them."""
    got = await heard(wire.answer(wire.tool_use("toolu_01A", "look", '{"at": "ho'), ending=wire.end("max_tokens")))
    (block,) = got.blocks
    assert isinstance(block, ToolCallBlock)
    assert (block.arguments, got.reply.stop_reason) == ('{"at": "ho', "length")


async def test_cached_tokens_are_part_of_the_input_and_thinking_part_of_the_output() -> None:
    counts: dict[str, Any] = {"input_tokens": 4, "cache_creation_input_tokens": 100, "cache_read_input_tokens": 2000}
    ending = wire.end(**counts, output_tokens=500, output_tokens_details={"thinking_tokens": 450})
    got = await heard(wire.answer(wire.thinking("sig", "Hm."), wire.text("Hi."), ending=ending, **counts))
    assert got.reply.usage == Usage(input_tokens=2104, output_tokens=500, cached_tokens=2000, reasoning_tokens=450)


async def test_counts_that_come_only_at_the_start_are_kept() -> None:
    """The last event may hold no more than the output (platform.claude.com/docs, "Basic streaming request")."""
    delta = {"stop_reason": "end_turn", "stop_sequence": None}
    ending: list[wire.Event] = [
        {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 15}},
        {"type": "message_stop"},
    ]
    got = await heard(wire.answer(wire.text("Hi."), ending=ending, cache_read_input_tokens=30))
    assert got.reply.usage == Usage(input_tokens=55, output_tokens=15, cached_tokens=30)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("refusal", "content_filter"),
    ],
)
async def test_every_stop_reason_has_its_word(said: str, reason: str) -> None:
    sequence = "END" if said == "stop_sequence" else None
    got = await heard(wire.answer(wire.text("So far"), ending=wire.end(said, stop_sequence=sequence)))
    assert (got.blocks, got.reply.stop_reason) == ((TextBlock(text="So far"),), reason)


async def test_a_call_before_the_limit_is_no_complete_turn_of_tools() -> None:
    got = await heard(wire.answer(wire.tool_use("toolu_01A", "stop"), ending=wire.end("max_tokens")))
    assert got.reply.stop_reason == "length"


async def test_an_answer_of_nothing_is_an_answer() -> None:
    got = await heard(wire.answer(ending=wire.end(output_tokens=2)))
    assert (got.blocks, got.deltas, got.reply.stop_reason) == ((), (), "stop")


async def test_pings_and_unknown_events_are_passed_over() -> None:
    first, *rest = wire.message(wire.text("Hi."))
    stream = [event for each in rest for event in (wire.PING, UNKNOWN, each)]
    got = await heard(wire.says(first, *stream))
    assert got.blocks == (TextBlock(text="Hi."),)


async def test_a_block_of_an_unknown_kind_is_passed_over() -> None:
    glow: wire.Block = {"type": "glow", "colour": "green"}, [{"type": "glow_delta", "glow": "more"}]
    got = await heard(wire.answer(glow, wire.text("Hi.")))
    assert got.blocks == (TextBlock(text="Hi."),)


@pytest.mark.parametrize("size", [1, 7, 1000])
async def test_events_and_characters_may_be_torn_anywhere(size: int) -> None:
    said = wire.answer(
        wire.thinking("sig", "Größe?"),
        wire.text("é🎈", "漢字"),
        wire.tool_use("toolu_01A", "look", '{"at": "日本"}'),
        ending=wire.end("tool_use"),
    )
    whole = await heard(said)
    torn = await heard(Answer(shredded(said.pieces, size)))
    assert (torn.reply, torn.deltas) == (whole.reply, whole.deltas)


async def test_the_spaces_anthropic_pads_its_events_with_mean_nothing() -> None:
    padded = [piece.replace(b"}\n\n", b"}        \n\n") for piece in wire.sse(*wire.message(wire.text("Hi.")))]
    assert (await heard(Answer(padded))).blocks == (TextBlock(text="Hi."),)

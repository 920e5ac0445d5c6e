"""What comes in: the events of OpenAI's Responses API."""

import pytest

from turnlog.domain import ModelDelta, TextBlock, ThinkingBlock, ToolCallBlock, Usage

from .asking import Heard, ask, asking
from .openai_responses_wire import ID, answer, begun, call, finished, numbered, reasoning, text, whole
from .openai_services import RESPONSES
from .server import Answer, Piece, serving, shredded

NAME = RESPONSES.model


async def hear(monkeypatch: pytest.MonkeyPatch, given: Answer) -> Heard:
    """What the adapter makes of an answer."""
    async with serving(given) as server:
        RESPONSES.point_at(server, monkeypatch)
        return await ask(asking(NAME))


def plain(got: Heard) -> list[tuple[str, str]]:
    """The kinds of the blocks and what they say, whatever proofs they carry."""
    return [
        (b.type, f"{b.name} {b.arguments}" if isinstance(b, ToolCallBlock) else f"{b.text}")
        for b in got.blocks
        if isinstance(b, TextBlock | ThinkingBlock | ToolCallBlock)
    ]


async def test_text_streams_in_order_and_is_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    got = await hear(monkeypatch, whole("Grüße", ", ", "Ada 🎈"))
    assert got.live("text") == ["Grüße", ", ", "Ada 🎈"]
    assert plain(got) == [("text", "Grüße, Ada 🎈")]
    assert (got.reply.stop_reason, got.reply.response_id) == ("stop", ID)


async def test_counts_come_with_the_end_with_cached_and_reasoning_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    got = await hear(monkeypatch, whole("x"))
    assert got.reply.usage == Usage(input_tokens=1200, output_tokens=300, cached_tokens=1024, reasoning_tokens=192)


async def test_an_answer_without_counts_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    said = text("x")
    got = await hear(monkeypatch, answer(said, end=finished(said, usage=None)))
    assert (plain(got), got.reply.usage) == ([("text", "x")], Usage())


async def test_two_messages_are_two_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = text("Looking."), text("Seen.", place=1, name="msg_2")
    assert plain(await hear(monkeypatch, answer(first, second))) == [("text", "Looking."), ("text", "Seen.")]


async def test_summaries_of_reasoning_are_thinking_with_proof_of_where_it_came_from(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    got = await hear(monkeypatch, answer(reasoning("One thing.", "Another."), text("Yes.", place=1)))
    assert plain(got) == [("thinking", "One thing."), ("thinking", "Another."), ("text", "Yes.")]
    assert got.live("thinking") == ["One t", "hing.", "Anot", "her."]
    first = got.blocks[0]
    assert isinstance(first, ThinkingBlock)
    assert first.model == NAME
    assert first.signature is not None
    assert "gAAAAsealed" in first.signature
    assert "rs_1" in first.signature


async def test_reasoning_that_is_only_sealed_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    got = await hear(monkeypatch, answer(reasoning(), text("Yes.", place=1)))
    assert plain(got) == [("thinking", ""), ("text", "Yes.")]
    assert got.live("thinking") == []


async def test_parallel_calls_whose_arguments_come_interleaved_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    one = call("look", '{"at": "', 'Ü"}')
    two = call("stop", '{"now', '": true}', place=1, name="fc_2", call_id="call_2")
    mixed = [event for pair in zip(one, two, strict=True) for event in pair]
    got = await hear(monkeypatch, Answer(numbered([*begun(), *mixed, finished(one, two)])))
    assert plain(got) == [("tool_call", 'look {"at": "Ü"}'), ("tool_call", 'stop {"now": true}')]
    assert [b.provider_id for b in got.blocks if isinstance(b, ToolCallBlock)] == ["call_1", "call_2"]
    assert got.live("tool_call") == ['{"at": "', '{"now', 'Ü"}', '": true}']
    assert got.reply.stop_reason == "tool_call"


async def test_deltas_say_which_part_they_belong_to_and_which_tool(monkeypatch: pytest.MonkeyPatch) -> None:
    got = await hear(monkeypatch, answer(text("Now."), call("look", '{"a', 't":1}', place=1)))
    assert got.deltas == (
        ModelDelta("text", "Now.", part=0),
        ModelDelta("tool_call", '{"a', part=1, tool="look"),
        ModelDelta("tool_call", 't":1}', part=1, tool="look"),
    )


@pytest.mark.parametrize("pieces", [(), ("{}",)])
async def test_a_call_without_arguments_has_empty_ones(
    monkeypatch: pytest.MonkeyPatch, pieces: tuple[str, ...]
) -> None:
    assert plain(await hear(monkeypatch, answer(call("stop", *pieces)))) == [("tool_call", "stop {}")]


@pytest.mark.parametrize(("reason", "ours"), [("max_output_tokens", "length"), ("content_filter", "content_filter")])
async def test_why_an_answer_is_incomplete_is_kept(monkeypatch: pytest.MonkeyPatch, reason: str, ours: str) -> None:
    said = text("Half of")
    end = finished(said, status="incomplete", incomplete_details={"reason": reason})
    got = await hear(monkeypatch, answer(said, end=end))
    assert (plain(got), got.reply.stop_reason) == ([("text", "Half of")], ours)
    assert got.reply.usage.output_tokens == 300


async def test_an_answer_of_nothing_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    got = await hear(monkeypatch, answer())
    assert (got.deltas, got.blocks, got.reply.stop_reason) == ((), (), "stop")


@pytest.mark.parametrize("size", [1, 7])
async def test_bytes_torn_anywhere_even_in_a_character_are_put_together(
    monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    said = text("Grüße, ", "Ada 🎈")
    pieces: list[Piece] = numbered([*begun(), *said, finished(said)])
    got = await hear(monkeypatch, Answer(shredded(pieces, size)))
    assert got.live("text") == ["Grüße, ", "Ada 🎈"]


@pytest.mark.parametrize(
    "event",
    [
        {"type": "response.something_new", "part": {"of": "tomorrow"}},
        {"type": "keepalive"},
        {"type": "response.output_item.added", "output_index": 7, "item": {"type": "invention", "id": "inv_1"}},
    ],
    ids=lambda event: str(event["type"]),
)
@pytest.mark.filterwarnings("ignore:Handling of this")
async def test_events_that_nobody_knows_are_ignored(monkeypatch: pytest.MonkeyPatch, event: dict[str, object]) -> None:
    said = text("a", "b")
    got = await hear(monkeypatch, Answer(numbered([*begun(), event, *said[:3], event, *said[3:], finished(said)])))
    assert (got.live("text"), plain(got)) == (["a", "b"], [("text", "ab")])

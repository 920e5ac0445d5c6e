"""What comes in: Chat Completions as streamed by OpenAI, OpenRouter, Ollama, LM Studio and others who copy it."""

import pytest

from turnlog.domain import ModelDelta, TextBlock, ThinkingBlock, ToolCallBlock, Usage

from .asking import Heard, ask, asking
from .openai_chat_wire import DONE, ID, Json, answer, call, calling, chunk, said, stream, usage, whole
from .openai_services import LOCAL, OLLAMA, OPENAI_CHAT, Service, every_chat, every_local
from .server import Answer, Piece, events, serving, shredded


async def hear(service: Service, monkeypatch: pytest.MonkeyPatch, given: Answer) -> Heard:
    """What the adapter makes of an answer."""
    async with serving(given) as server:
        service.point_at(server, monkeypatch)
        return await ask(asking(service.model))


def only_call(name: str, arguments: str, provider_id: str) -> ToolCallBlock:
    return ToolCallBlock(call_id=provider_id, name=name, arguments=arguments, provider_id=provider_id)


@every_chat
async def test_text_streams_in_order_and_is_the_answer(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    got = await hear(service, monkeypatch, whole("Grüße", ", ", "Ada 🎈"))
    assert got.live("text") == ["Grüße", ", ", "Ada 🎈"]
    assert got.blocks == (TextBlock(text="Grüße, Ada 🎈"),)
    assert (got.reply.stop_reason, got.reply.response_id) == ("stop", ID)


@every_chat
async def test_counts_come_after_the_answer_with_cached_and_reasoning_tokens(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    got = await hear(service, monkeypatch, whole("x"))
    assert got.reply.usage == Usage(input_tokens=1200, output_tokens=300, cached_tokens=1024, reasoning_tokens=192)


@every_local
async def test_counts_may_come_with_the_last_piece_and_without_details(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15}
    got = await hear(service, monkeypatch, answer(*said("x"), chunk(finish="stop", usage=counts)))
    assert got.reply.usage == Usage(input_tokens=12, output_tokens=3)


@every_local
async def test_an_answer_without_counts_is_an_answer(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    got = await hear(service, monkeypatch, answer(*said("x"), chunk(finish="stop")))
    assert (got.blocks, got.reply.usage) == ((TextBlock(text="x"),), Usage())


@every_chat
async def test_the_last_word_on_why_it_ended_is_enough_without_done(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    got = await hear(service, monkeypatch, Answer(events(*said("x"), chunk(finish="stop"), usage())))
    assert got.blocks == (TextBlock(text="x"),)


@every_chat
async def test_parallel_calls_whose_arguments_come_interleaved_are_told_apart(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    pieces = calling(
        call(0, "look", ""),
        call(1, "stop", ""),
        call(0, arguments='{"at": "'),
        call(1, arguments='{"now'),
        call(0, arguments='Ü"}'),
        call(1, arguments='": true}'),
    )
    got = await hear(service, monkeypatch, answer(*pieces, chunk(finish="tool_calls"), usage()))
    assert got.blocks == (
        only_call("look", '{"at": "Ü"}', "call_0look"),
        only_call("stop", '{"now": true}', "call_1stop"),
    )
    assert got.live("tool_call") == ['{"at": "', '{"now', 'Ü"}', '": true}']
    assert got.reply.stop_reason == "tool_call"


@every_chat
async def test_deltas_say_which_part_they_belong_to_and_which_tool(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    pieces = calling(call(0, "look", '{"a'), call(1, "stop", "{"), call(0, arguments='t":1}'), call(1, arguments="}"))
    got = await hear(service, monkeypatch, answer(*said("Now."), *pieces[1:], chunk(finish="tool_calls")))
    assert got.deltas == (
        ModelDelta("text", "Now.", part=0),
        ModelDelta("tool_call", '{"a', part=1, tool="look"),
        ModelDelta("tool_call", "{", part=2, tool="stop"),
        ModelDelta("tool_call", 't":1}', part=1, tool="look"),
        ModelDelta("tool_call", "}", part=2, tool="stop"),
    )


@every_chat
@pytest.mark.parametrize("arguments", ["", "{}"])
async def test_a_call_without_arguments_has_empty_ones(
    service: Service, monkeypatch: pytest.MonkeyPatch, arguments: str
) -> None:
    got = await hear(service, monkeypatch, answer(*calling(call(0, "stop", arguments)), chunk(finish="tool_calls")))
    assert got.blocks == (only_call("stop", "{}", "call_0stop"),)


@every_local
@pytest.mark.parametrize("missing", [None, ""])
async def test_calls_without_ids_get_ids_of_their_own(
    service: Service, monkeypatch: pytest.MonkeyPatch, missing: str | None
) -> None:
    pieces = calling(call(0, "look", '{"at": 1}', id=missing), call(1, "look", '{"at": 2}', id=missing))
    got = await hear(service, monkeypatch, answer(*pieces, chunk(finish="tool_calls")))
    calls = [block for block in got.blocks if isinstance(block, ToolCallBlock)]
    assert [block.arguments for block in calls] == ['{"at": 1}', '{"at": 2}']
    assert len({block.provider_id for block in calls} - {None, ""}) == 2


@every_local
async def test_calls_without_places_are_told_apart(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = call(0, "look", '{"at": 1}'), call(1, "stop", "{}")
    del first["index"], second["index"]
    got = await hear(service, monkeypatch, answer(*calling(first, second), chunk(finish="tool_calls")))
    assert got.blocks == (only_call("look", '{"at": 1}', "call_0look"), only_call("stop", "{}", "call_1stop"))


@every_local
async def test_a_server_that_says_stop_when_it_waits_for_a_tool_waits_for_a_tool(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    got = await hear(service, monkeypatch, answer(*calling(call(0, "stop", "{}")), chunk(finish="stop")))
    assert got.reply.stop_reason == "tool_call"


@every_chat
async def test_arguments_that_are_not_json_arrive_as_they_were_written(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    got = await hear(service, monkeypatch, answer(*calling(call(0, "look", "{oh")), chunk(finish="tool_calls")))
    assert got.blocks == (only_call("look", "{oh", "call_0look"),)


@every_chat
async def test_thinking_comes_before_the_text_it_leads_to(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    pieces = [chunk({"role": "assistant", "content": "", service.thinking: words}) for words in ("Let me", " see.")]
    got = await hear(service, monkeypatch, answer(*pieces, *said("Yes.")[1:], chunk(finish="stop"), usage()))
    assert got.live("thinking") == ["Let me", " see."]
    thought, text = got.blocks
    assert isinstance(thought, ThinkingBlock)
    assert (thought.text, thought.model) == ("Let me see.", service.model)
    assert text == TextBlock(text="Yes.")


@pytest.mark.parametrize("name", ["reasoning", "reasoning_content"])
@every_local
async def test_thinking_is_known_by_either_of_its_two_names(
    service: Service, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    got = await hear(service, monkeypatch, answer(chunk({name: "Hm."}), *said("Yes.")[1:], chunk(finish="stop")))
    assert got.live("thinking") == ["Hm."]


@every_local
async def test_thinking_in_tags_is_thinking(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    got = await hear(service, monkeypatch, answer(*said("<think>", "Hm.", "</think>", "Yes."), chunk(finish="stop")))
    assert (got.live("thinking"), got.live("text")) == (["Hm."], ["Yes."])


@every_chat
@pytest.mark.parametrize(
    ("finish", "reason"),
    [("stop", "stop"), ("length", "length"), ("content_filter", "content_filter")],
)
async def test_why_an_answer_ended_is_kept(
    service: Service, monkeypatch: pytest.MonkeyPatch, finish: str, reason: str
) -> None:
    got = await hear(service, monkeypatch, answer(*said("x"), chunk(finish=finish), usage()))
    assert (got.blocks, got.reply.stop_reason) == ((TextBlock(text="x"),), reason)


@pytest.mark.parametrize("finish", ["eos", "guardrail_intervened"])
@pytest.mark.parametrize("service", LOCAL, ids=str)
async def test_a_reason_that_nobody_knows_still_ends_an_answer_and_is_kept(
    service: Service, monkeypatch: pytest.MonkeyPatch, finish: str
) -> None:
    got = await hear(service, monkeypatch, answer(*said("x"), chunk(finish=finish)))
    assert (got.blocks, got.reply.stop_reason) == ((TextBlock(text="x"),), finish)


@every_chat
async def test_an_answer_of_nothing_is_an_answer(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    got = await hear(service, monkeypatch, answer(*said(), chunk(finish="stop"), usage()))
    assert (got.deltas, got.blocks, got.reply.stop_reason) == ((), (), "stop")


@every_chat
@pytest.mark.parametrize("size", [1, 7])
async def test_bytes_torn_anywhere_even_in_a_character_are_put_together(
    service: Service, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    pieces: list[Piece] = stream(*said("Grüße, ", "Ada 🎈"), chunk(finish="stop"), usage())
    got = await hear(service, monkeypatch, Answer(shredded(pieces, size)))
    assert got.live("text") == ["Grüße, ", "Ada 🎈"]


KEEP_ALIVE = b": OPENROUTER PROCESSING\n\n"


@every_chat
async def test_comments_between_the_events_are_skipped(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    told = events(*said("a", "b"), chunk(finish="stop"), usage(), DONE)
    pieces = [piece for event in told for piece in (KEEP_ALIVE, b":\n\n", event)]
    got = await hear(service, monkeypatch, Answer(pieces))
    assert got.live("text") == ["a", "b"]


@every_chat
async def test_lines_may_end_as_on_windows(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    pieces = events(*said("a"), chunk(finish="stop"), DONE)
    got = await hear(service, monkeypatch, Answer([piece.replace(b"\n", b"\r\n") for piece in pieces]))
    assert got.live("text") == ["a"]


@every_chat
async def test_fields_that_nobody_knows_are_ignored(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    odd: Json = {"obfuscation": "aBcD", "x_groq": {"id": "req_1"}, "timings": {"predicted_ms": 7}}
    pieces = [piece | odd for piece in (*said("a"), chunk(finish="stop"), usage())]
    got = await hear(service, monkeypatch, answer(*pieces))
    assert got.live("text") == ["a"]


async def test_what_is_said_of_the_prompt_before_the_answer_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    """Azure's first chunk has no choice in it and no model."""
    first: Json = usage() | {"model": "", "id": "", "usage": None, "prompt_filter_results": [{"prompt_index": 0}]}
    got = await hear(OPENAI_CHAT, monkeypatch, answer(first, *said("a"), chunk(finish="stop"), usage()))
    assert got.live("text") == ["a"]


async def test_ollama_tells_its_thinking_and_its_whole_calls_in_one_piece_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """As its middleware writes them: no refusal, no logprobs, and a fingerprint of its own."""

    def piece(delta: Json, finish: str | None = None) -> Json:
        choice = {"index": 0, "delta": {"role": "assistant", "content": "", **delta}, "finish_reason": finish}
        head = {"id": "chatcmpl-617", "object": "chat.completion.chunk", "created": 1_755_000_000}
        return {**head, "model": "qwen3:8b", "system_fingerprint": "fp_ollama", "choices": [choice]}

    called = {"id": "call_x1", "index": 0, "type": "function", "function": {"name": "look", "arguments": '{"at":"x"}'}}
    counts = {"prompt_tokens": 31, "completion_tokens": 9, "total_tokens": 40}
    last: Json = {**piece({}), "choices": [], "usage": counts}
    got = await hear(
        OLLAMA,
        monkeypatch,
        answer(
            piece({"reasoning": "Hm."}),
            piece({"tool_calls": [called]}),
            piece({}, "tool_calls"),
            last,
        ),
    )
    thought, asked = got.blocks
    assert isinstance(thought, ThinkingBlock)
    assert asked == only_call("look", '{"at":"x"}', "call_x1")
    assert got.reply.usage == Usage(input_tokens=31, output_tokens=9)

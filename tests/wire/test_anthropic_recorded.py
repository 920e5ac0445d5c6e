"""Complete answers, replayed byte for byte: as Anthropic sends them, with all the fields and the padding.

The files in `recorded/` were written after the API's documentation and recordings that others published; they are no
recordings of paid requests.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from turnlog.domain import ModelReply, TextBlock, ToolCallBlock, ToolResultBlock, Usage

from . import anthropic_wire as wire
from .asking import LOOK, Heard, ask, asking, assistant, user
from .server import Answer, shredded

RECORDED = Path(__file__).parent / "recorded"
NAMES = ("anthropic-text", "anthropic-thinking-parallel-calls", "anthropic-redacted-thinking")


def recording(name: str, size: int = 1 << 20) -> Answer:
    """An answer in a file, in chunks of a size."""
    return Answer(shredded([(RECORDED / f"{name}.sse").read_bytes()], size))


async def replayed(name: str) -> ModelReply:
    """The reply made of a recorded answer."""
    async with wire.ANTHROPIC.answering(recording(name)):
        return (await ask(asking(wire.NAME, tools=[LOOK]))).reply


def content_of(name: str) -> list[dict[str, Any]]:
    """The blocks of a recorded message put together as the documentation says, without the adapter."""
    blocks: list[dict[str, Any]] = []
    arguments: dict[int, str] = {}
    for event in events_of(name):
        if event["type"] == "content_block_start":
            blocks.append(event["content_block"])
        if event["type"] != "content_block_delta":
            continue
        (field,) = event["delta"].keys() - {"type"}
        if field == "partial_json":
            arguments[event["index"]] = arguments.get(event["index"], "") + event["delta"][field]
        else:
            blocks[event["index"]][field] += event["delta"][field]
    for place, written in arguments.items():
        blocks[place]["input"] = json.loads(written)
    return blocks


def events_of(name: str) -> list[dict[str, Any]]:
    """The events of a recorded message."""
    lines = (RECORDED / f"{name}.sse").read_text().splitlines()
    return [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]


async def test_plain_text() -> None:
    reply = await replayed("anthropic-text")
    words = "The result of 2 + 2 is **4**. That’s it — nothing more to it! 🎉\n\n```python\nprint(2 + 2)\n```"
    assert reply.blocks == (TextBlock(text=words),)
    assert reply.usage == Usage(input_tokens=2069, output_tokens=38, cached_tokens=2048)
    assert (reply.stop_reason, reply.response_id) == ("stop", "msg_01Vd7NqZt3xKpW5bRm8CyLhU")


async def test_thinking_and_parallel_calls() -> None:
    reply = await replayed("anthropic-thinking-parallel-calls")
    assert [block.type for block in reply.blocks] == ["thinking", "text", "tool_call", "tool_call"]
    calls = [block for block in reply.blocks if isinstance(block, ToolCallBlock)]
    assert [json.loads(str(call.arguments)) for call in calls] == [
        {"location": "Zürich", "unit": "celsius"},
        {"location": "東京", "unit": "celsius"},
    ]
    assert reply.usage == Usage(input_tokens=1992, output_tokens=187, reasoning_tokens=41)
    assert reply.stop_reason == "tool_call"


async def test_redacted_thinking_and_a_stop_sequence() -> None:
    reply = await replayed("anthropic-redacted-thinking")
    assert [block.type for block in reply.blocks] == ["thinking", "thinking", "text"]
    assert reply.usage == Usage(input_tokens=92, output_tokens=189)
    assert reply.stop_reason == "stop"


@pytest.mark.parametrize("name", NAMES)
async def test_what_was_recorded_goes_back_as_it_came(name: str) -> None:
    async with wire.ANTHROPIC.answering(recording(name), wire.answer(wire.text("Done."))) as server:
        heard = await ask(asking(wire.NAME, tools=[LOOK]))
        results = [
            ToolResultBlock(call_id=block.call_id, name=block.name, content=(TextBlock(text="seen"),))
            for block in heard.blocks
            if isinstance(block, ToolCallBlock)
        ]
        await ask(asking(wire.NAME, user("Hello"), assistant(*heard.blocks), user(*results, "And?"), tools=[LOOK]))
    # `caller` says who called; only a model that wrote code has to be told again that it did.
    sent = [{name: value for name, value in each.items() if name != "caller"} for each in content_of(name)]
    assert server.asked[1].json["messages"][1]["content"] == sent


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [1, 13])
async def test_a_recording_may_be_torn_anywhere(name: str, size: int) -> None:
    async def heard(chunk: int) -> Heard:
        async with wire.ANTHROPIC.answering(recording(name, chunk)):
            return await ask(asking(wire.NAME, tools=[LOOK]))

    assert await heard(size) == await heard(1 << 20)

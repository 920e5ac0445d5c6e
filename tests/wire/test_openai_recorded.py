"""Complete answers, replayed byte for byte: as OpenAI, OpenRouter, Ollama, LM Studio, DeepSeek and llama.cpp send them.

The files in `recorded/` were written after the providers' documentation and the source of the open servers, with all
the fields those send, also those that nobody here reads; they are not recordings of paid requests.
"""

from dataclasses import dataclass
from pathlib import Path

import pytest

from turnlog.domain import TextBlock, ThinkingBlock, ToolCallBlock, Usage

from .asking import Heard, ask, asking
from .openai_services import COMPATIBLE, LMSTUDIO, OLLAMA, OPENAI_CHAT, OPENROUTER, RESPONSES, Service
from .server import Answer, serving, shredded

RECORDED = Path(__file__).parent / "recorded"
ZURICH, KRAKOW = '{"city":"Zürich"}', '{"city":"Kraków"}'
Said = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Recording:
    """An answer in a file, from a service, and what it says: kinds of blocks with their text or arguments."""

    name: str
    service: Service
    says: Said
    usage: Usage
    reason: str
    response_id: str
    calls: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.name


RECORDINGS = [
    Recording(
        "openai-responses-parallel-calls",
        RESPONSES,
        (
            ("thinking", "**Checking both cities**\n\nThe user asks for Zürich and Kraków."),
            ("thinking", "**Calling the tool twice**\n\nI’ll ask for each."),
            ("get_weather", ZURICH),
            ("get_weather", KRAKOW),
        ),
        Usage(input_tokens=412, output_tokens=187, cached_tokens=256, reasoning_tokens=128),
        "tool_call",
        "resp_a4c123b1612dd272d1371c17149d439536b3216fdaeeb97572",
        ("call_7QvXJ0d2sYb1mE4kTn9aLcRw", "call_Hk3PzUq8eWf5rN6tGy0vBmXs"),
    ),
    Recording(
        "openai-responses-text",
        RESPONSES,
        (("thinking", ""), ("text", "Zürich is at 18 °C and sunny ☀️;\nKraków has rain.")),
        Usage(input_tokens=655, output_tokens=90, cached_tokens=512, reasoning_tokens=64),
        "stop",
        "resp_4c1604d115cea325a65e19cbae530282bd36cb9d21f6be6abf",
    ),
    Recording(
        "openai-chat-parallel-calls",
        OPENAI_CHAT,
        (("get_weather", '{"city": "Zürich"}'), ("get_weather", '{"city": "Kraków"}')),
        Usage(input_tokens=84, output_tokens=45),
        "tool_call",
        "chatcmpl-CGm1q8Zt5Lr2XwYbNfVdKoEuHs4Pj",
        ("call_sX2mWq9LbT4kRzVd7YcNh0Gf", "call_aP6vJtE3yUo8nHw1KiQx5BsM"),
    ),
    Recording(
        "openai-chat-text",
        OPENAI_CHAT,
        (("text", "Zürich is sunny ☀️; Kraków has rain."),),
        Usage(input_tokens=1187, output_tokens=14, cached_tokens=1024),
        "stop",
        "chatcmpl-CGm2TbVx7QnWdPzRyLkHs3eUoJa9f",
    ),
    Recording(
        "openrouter-claude-thinking",
        OPENROUTER,
        (
            ("thinking", "The user asks about Zürich. One call is enough."),
            ("text", "I’ll look it up."),
            ("get_weather", '{"city": "Zürich"}'),
        ),
        Usage(input_tokens=523, output_tokens=118, cached_tokens=480, reasoning_tokens=41),
        "tool_call",
        "gen-1758112377-eXv3LqTz8YwBnRk5DhMs",
        ("toolu_01XhqWvB3nKd8TzLyRcPmS5e",),
    ),
    Recording(
        "ollama-thinking-call",
        OLLAMA,
        (("thinking", "Okay, Zürich. I should call the tool."), ("get_weather", ZURICH)),
        Usage(input_tokens=161, output_tokens=97),
        "tool_call",
        "chatcmpl-412",
        ("call_c8kq2w1z",),
    ),
    Recording(
        "lmstudio-reasoning-call",
        LMSTUDIO,
        (("thinking", "The user wants\n"), ("text", "One moment."), ("get_weather", ZURICH)),
        Usage(input_tokens=205, output_tokens=58),
        "tool_call",
        "chatcmpl-ypd0c2n0q3mlk1d4x7vgha",
        ("381294763",),
    ),
    Recording(
        "compatible-deepseek",
        COMPATIBLE,
        (("thinking", "Zürich is sunny."), ("text", "It’s 18 °C.")),
        Usage(input_tokens=310, output_tokens=29, cached_tokens=256, reasoning_tokens=18),
        "stop",
        "5e1f0f4a-9d4c-4a52-b7d0-2f6b8a1c3e77",
    ),
    Recording(
        "compatible-llama-cpp",
        COMPATIBLE,
        (("thinking", "Need to call."), ("get_weather", ZURICH)),
        Usage(input_tokens=142, output_tokens=33, cached_tokens=96),
        "tool_call",
        "chatcmpl-K2v9XqTbZ7nLwRdYsPe4MhUo3fGj8aCi",
        ("5rTzQw2YbXk8LmNp",),
    ),
]

every_recording = pytest.mark.parametrize("recording", RECORDINGS, ids=str)


async def replay(recording: Recording, monkeypatch: pytest.MonkeyPatch, *, chunk: int = 1 << 20) -> Heard:
    """What the adapter makes of the recorded bytes, in chunks of a size."""
    recorded = (RECORDED / f"{recording.name}.sse").read_bytes()
    async with serving(Answer(shredded([recorded], chunk))) as server:
        recording.service.point_at(server, monkeypatch)
        return await ask(asking(recording.service.model))


def said(heard: Heard) -> Said:
    """The blocks of an answer: their kind, or the tool's name, with what they say."""
    return tuple(
        (block.name, str(block.arguments)) if isinstance(block, ToolCallBlock) else (block.type, str(block.text))
        for block in heard.blocks
        if isinstance(block, TextBlock | ThinkingBlock | ToolCallBlock)
    )


@every_recording
async def test_all_that_was_answered_is_heard(recording: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    heard = await replay(recording, monkeypatch)
    assert said(heard) == recording.says
    assert tuple(b.provider_id for b in heard.blocks if isinstance(b, ToolCallBlock)) == recording.calls


@every_recording
async def test_what_it_cost_and_why_it_ended_is_known(recording: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    reply = (await replay(recording, monkeypatch)).reply
    assert (reply.usage, reply.stop_reason, reply.response_id) == (
        recording.usage,
        recording.reason,
        recording.response_id,
    )


@every_recording
async def test_the_pieces_shown_live_make_up_the_answer(recording: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    heard = await replay(recording, monkeypatch)
    parts: dict[int, str] = {}
    for delta in heard.deltas:
        parts[delta.part] = parts.get(delta.part, "") + delta.text
    assert list(parts.values()) == [text for _, text in recording.says if text]


@every_recording
@pytest.mark.parametrize("chunk", [1, 97, 1460])
async def test_it_makes_no_difference_where_the_bytes_are_torn(
    recording: Recording, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    assert said(await replay(recording, monkeypatch, chunk=chunk)) == recording.says

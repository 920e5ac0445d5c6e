"""Chat Completions as OpenAI and those who copy it stream them.

After https://platform.openai.com/docs/api-reference/chat-streaming; a test that does otherwise says who does so.
"""

import json
from typing import Any

from .server import Answer, Piece, events

Json = dict[str, Any]

ID = "chatcmpl-C0ffee"
DONE = "[DONE]"


def chunk(delta: Json | None = None, finish: str | None = None, **more: object) -> Json:
    """One chunk with one choice; `more` are further fields of the chunk, or others in place of the usual."""
    choice = {"index": 0, "delta": delta or {}, "logprobs": None, "finish_reason": finish}
    return _around([choice]) | more


def usage(**counts: object) -> Json:
    """The last chunk, asked for with `stream_options.include_usage`: no choice in it, only counts."""
    return _around([]) | {"usage": counts or COUNTS}


COUNTS: Json = {
    "prompt_tokens": 1200,
    "completion_tokens": 300,
    "total_tokens": 1500,
    "prompt_tokens_details": {"cached_tokens": 1024, "audio_tokens": 0},
    "completion_tokens_details": {
        "reasoning_tokens": 192,
        "audio_tokens": 0,
        "accepted_prediction_tokens": 0,
        "rejected_prediction_tokens": 0,
    },
}


def _around(choices: list[Json]) -> Json:
    return {
        "id": ID,
        "object": "chat.completion.chunk",
        "created": 1_755_000_000,
        "model": "gpt-4.1-mini-2025-04-14",
        "service_tier": "default",
        "system_fingerprint": "fp_44709d6fcb",
        "choices": choices,
        "usage": None,
    }


def said(*texts: str) -> list[Json]:
    """The role first, then the text, a chunk each."""
    return [chunk({"role": "assistant", "content": "", "refusal": None}), *(chunk({"content": t}) for t in texts)]


def call(index: int, name: str | None = None, arguments: str = "", **more: object) -> Json:
    """A piece of a tool call: with a name it begins one, without it goes on."""
    function: Json = {"arguments": arguments} if name is None else {"name": name, "arguments": arguments}
    begun: Json = {} if name is None else {"id": f"call_{index}{name}", "type": "function"}
    return {"index": index, **begun, "function": function} | more


def calling(*pieces: Json) -> list[Json]:
    """Pieces of tool calls, a chunk each."""
    return [chunk({"role": "assistant", "content": None}), *(chunk({"tool_calls": [piece]}) for piece in pieces)]


def answer(*payloads: object) -> Answer:
    """A stream with these events, and OpenAI's word that it is over."""
    return Answer(stream(*payloads))


def stream(*payloads: object) -> list[Piece]:
    """The pieces of a stream, with OpenAI's word that it is over."""
    return [*events(*payloads, DONE)]


def whole(*texts: str) -> Answer:
    """A complete answer of text."""
    return answer(*said(*texts), chunk(finish="stop"), usage())


def bare(body: object) -> bytes:
    """A body that is JSON and no stream: an error's."""
    return json.dumps(body, ensure_ascii=False).encode()

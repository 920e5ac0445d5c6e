"""The Responses API's events as OpenAI streams them.

After https://platform.openai.com/docs/api-reference/responses-streaming. Each item of the output has its events, in the
order the service sends them; `answer` numbers them and puts the beginning and the end around them.
"""

from collections.abc import Sequence
from typing import Any

from .server import Answer, Piece, events

Json = dict[str, Any]
Item = list[Json]

ID = "resp_68a1c0ffee"
MODEL = "gpt-5-mini-2025-08-07"
COUNTS: Json = {
    "input_tokens": 1200,
    "input_tokens_details": {"cached_tokens": 1024},
    "output_tokens": 300,
    "output_tokens_details": {"reasoning_tokens": 192},
    "total_tokens": 1500,
}


def response(status: str, output: Sequence[Json] = (), **more: object) -> Json:
    """The response object inside the events that carry it."""
    return {
        "id": ID,
        "object": "response",
        "created_at": 1_755_000_000,
        "status": status,
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": "Be brief.",
        "max_output_tokens": None,
        "model": MODEL,
        "output": list(output),
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "reasoning": {"effort": "medium", "summary": "auto"},
        "service_tier": "default",
        "store": True,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}, "verbosity": "medium"},
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": None,
        "user": None,
        "metadata": {},
    } | more


def text(*pieces: str, place: int = 0, name: str = "msg_1", phase: str | None = None) -> Item:
    """A message of text."""
    at = {"item_id": name, "output_index": place, "content_index": 0}
    part: Json = {"type": "output_text", "annotations": [], "logprobs": [], "text": ""}
    whole = part | {"text": "".join(pieces)}
    item: Json = {"id": name, "type": "message", "status": "in_progress", "content": [], "role": "assistant"}
    item |= {} if phase is None else {"phase": phase}
    return [
        {"type": "response.output_item.added", "output_index": place, "item": item},
        {"type": "response.content_part.added", **at, "part": part},
        *({"type": "response.output_text.delta", **at, "delta": piece, "logprobs": []} for piece in pieces),
        {"type": "response.output_text.done", **at, "text": whole["text"], "logprobs": []},
        {"type": "response.content_part.done", **at, "part": whole},
        {
            "type": "response.output_item.done",
            "output_index": place,
            "item": item | {"status": "completed", "content": [whole]},
        },
    ]


def refusal(*pieces: str, place: int = 0, name: str = "msg_1") -> Item:
    """A message in which the model declines."""
    at = {"item_id": name, "output_index": place, "content_index": 0}
    whole = {"type": "refusal", "refusal": "".join(pieces)}
    item: Json = {"id": name, "type": "message", "status": "in_progress", "content": [], "role": "assistant"}
    return [
        {"type": "response.output_item.added", "output_index": place, "item": item},
        {"type": "response.content_part.added", **at, "part": whole | {"refusal": ""}},
        *({"type": "response.refusal.delta", **at, "delta": piece} for piece in pieces),
        {"type": "response.refusal.done", **at, "refusal": whole["refusal"]},
        {"type": "response.content_part.done", **at, "part": whole},
        {
            "type": "response.output_item.done",
            "output_index": place,
            "item": item | {"status": "completed", "content": [whole]},
        },
    ]


def reasoning(*summaries: str, place: int = 0, name: str = "rs_1", sealed: str | None = "gAAAAsealed") -> Item:
    """Reasoning: summaries of it in words, and the whole of it encrypted where that was asked for."""
    item: Json = {"id": name, "type": "reasoning", "summary": [], "encrypted_content": sealed}
    told: Item = []
    for number, words in enumerate(summaries):
        at = {"item_id": name, "output_index": place, "summary_index": number}
        half = len(words) // 2
        told += [
            {"type": "response.reasoning_summary_part.added", **at, "part": {"type": "summary_text", "text": ""}},
            {"type": "response.reasoning_summary_text.delta", **at, "delta": words[:half]},
            {"type": "response.reasoning_summary_text.delta", **at, "delta": words[half:]},
            {"type": "response.reasoning_summary_text.done", **at, "text": words},
            {"type": "response.reasoning_summary_part.done", **at, "part": {"type": "summary_text", "text": words}},
        ]
    done = item | {"summary": [{"type": "summary_text", "text": words} for words in summaries]}
    return [
        {"type": "response.output_item.added", "output_index": place, "item": item | {"encrypted_content": None}},
        *told,
        {"type": "response.output_item.done", "output_index": place, "item": done},
    ]


def tool_search(*paths: str, place: int = 0, name: str = "tsc_1") -> Item:
    """A search among the deferred tools, by the service itself."""
    item: Json = {"id": name, "type": "tool_search_call", "execution": "server", "call_id": None}
    return [
        {
            "type": "response.output_item.added",
            "output_index": place,
            "item": item | {"status": "in_progress", "arguments": {}},
        },
        {
            "type": "response.output_item.done",
            "output_index": place,
            "item": item | {"status": "completed", "arguments": {"paths": list(paths)}},
        },
    ]


def tools_found(*tools: Json, place: int = 0, name: str = "tso_1") -> Item:
    """What a search found: the tools as they were sent."""
    item: Json = {"id": name, "type": "tool_search_output", "execution": "server", "call_id": None}
    return [
        {
            "type": "response.output_item.added",
            "output_index": place,
            "item": item | {"status": "in_progress", "tools": []},
        },
        {
            "type": "response.output_item.done",
            "output_index": place,
            "item": item | {"status": "completed", "tools": list(tools)},
        },
    ]


def call(
    tool: str, *pieces: str, place: int = 0, name: str = "fc_1", call_id: str = "call_1", namespace: str | None = None
) -> Item:
    """A call of a function, its arguments in pieces; a tool that a search loaded is in a namespace of its name."""
    item: Json = {
        "id": name,
        "type": "function_call",
        "status": "in_progress",
        "arguments": "",
        "call_id": call_id,
        "name": tool,
    }
    item |= {} if namespace is None else {"namespace": namespace}
    at = {"item_id": name, "output_index": place}
    arguments = "".join(pieces)
    return [
        {"type": "response.output_item.added", "output_index": place, "item": item},
        *({"type": "response.function_call_arguments.delta", **at, "delta": piece} for piece in pieces),
        {"type": "response.function_call_arguments.done", **at, "arguments": arguments},
        {
            "type": "response.output_item.done",
            "output_index": place,
            "item": item | {"status": "completed", "arguments": arguments},
        },
    ]


def begun() -> Item:
    """How every answer begins."""
    return [
        {"type": "response.created", "response": response("in_progress")},
        {"type": "response.in_progress", "response": response("in_progress")},
    ]


def finished(*items: Item, status: str = "completed", **more: object) -> Json:
    """How an answer ends: all of it once more, and its counts."""
    output = [item[-1]["item"] for item in items if "item" in item[-1]]
    return {"type": f"response.{status}", "response": response(status, output, **{"usage": COUNTS, **more})}


def numbered(payloads: Sequence[Json]) -> list[Piece]:
    """The pieces of a stream: events by name, each with its number."""
    counted = [{**payload, "sequence_number": number} for number, payload in enumerate(payloads)]
    return [*events(*counted, names=[str(payload["type"]) for payload in counted])]


def answer(*items: Item, end: Json | None = None) -> Answer:
    """A complete answer with these items, or with another end than its completion."""
    middle = [event for item in items for event in item]
    return Answer(numbered([*begun(), *middle, finished(*items) if end is None else end]))


def whole(*texts: str) -> Answer:
    """A complete answer of text."""
    return answer(text(*texts))

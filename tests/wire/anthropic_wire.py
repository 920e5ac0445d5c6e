"""Anthropic's Messages API as it goes over the wire, streamed.

The events and their fields are those of platform.claude.com/docs: "Streaming messages", "Extended thinking",
"Errors" and the reference of `POST /v1/messages`.
"""

import json
from collections.abc import Sequence
from typing import Any

from .providers import Provider
from .server import Answer, events

MODEL = "claude-sonnet-4-6"
NAME = f"anthropic:{MODEL}"
MESSAGE_ID = "msg_01XFDUDYJgAACzvnptvVoYEL"
REQUEST_ID = "req_011CSHoEeqs5C35K2UUqR7Fy"
ANTHROPIC = Provider(NAME, key="sk-ant-api03-no-real-key", base_url_in="ANTHROPIC_BASE_URL", key_in="ANTHROPIC_API_KEY")
HTML = b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>cloudflare</body>\r\n</html>\r\n"
"""What a proxy before it says."""

Event = dict[str, Any]
PING: Event = {"type": "ping"}


def start(**counts: Any) -> Event:
    """The first event of a message: its id, and what was read. The counts of usage may be replaced or added to."""
    usage = {
        "input_tokens": 25,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
        "output_tokens": 1,
        "service_tier": "standard",
        "inference_geo": "not_available",
    }
    message: Event = {
        "model": MODEL,
        "id": MESSAGE_ID,
        "type": "message",
        "role": "assistant",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage | counts,
    }
    return {"type": "message_start", "message": message}


def end(reason: str = "end_turn", *, stop_sequence: str | None = None, **counts: Any) -> list[Event]:
    """The last two events: why the message ended, with the final counts, and that it did."""
    usage = {
        "input_tokens": 25,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": 15,
    }
    delta: Event = {"stop_reason": reason, "stop_sequence": stop_sequence}
    return [{"type": "message_delta", "delta": delta, "usage": usage | counts}, {"type": "message_stop"}]


Block = tuple[Event, list[Event]]
"""How a block of content begins, and its deltas."""


def text(*pieces: str) -> Block:
    """Text, one delta a piece."""
    return {"type": "text", "text": ""}, [{"type": "text_delta", "text": piece} for piece in pieces]


def thinking(signature: str, *pieces: str) -> Block:
    """Thinking, one delta a piece, then its signature."""
    deltas: list[Event] = [{"type": "thinking_delta", "thinking": piece} for piece in pieces]
    signed: Event = {"type": "signature_delta", "signature": signature}
    return {"type": "thinking", "thinking": "", "signature": ""}, [*deltas, signed]


def redacted(data: str) -> Block:
    """Thinking that only Anthropic can read."""
    return {"type": "redacted_thinking", "data": data}, []


def tool_use(call_id: str, name: str, *pieces: str) -> Block:
    """A tool call; its arguments are JSON text in pieces, of which the first is empty."""
    deltas: list[Event] = [{"type": "input_json_delta", "partial_json": piece} for piece in ("", *pieces)]
    return {"type": "tool_use", "id": call_id, "name": name, "input": {}}, deltas


def tool_search(search_id: str, *pieces: str) -> Block:
    """A search among the deferred tools; its input is JSON text in pieces, of which the first is empty."""
    deltas: list[Event] = [{"type": "input_json_delta", "partial_json": piece} for piece in ("", *pieces)]
    return {"type": "server_tool_use", "id": search_id, "name": "tool_search_tool_bm25", "input": {}}, deltas


def tools_found(search_id: str, *names: str) -> Block:
    """What a search found."""
    references = [{"type": "tool_reference", "tool_name": name} for name in names]
    found: Event = {"type": "tool_search_tool_search_result", "tool_references": references}
    return {"type": "tool_search_tool_result", "tool_use_id": search_id, "content": found}, []


def search_failed(search_id: str, code: str) -> Block:
    """The result of a search that failed."""
    error: Event = {"type": "tool_search_tool_result_error", "error_code": code, "error_message": "It failed."}
    return {"type": "tool_search_tool_result", "tool_use_id": search_id, "content": error}, []


def block(index: int, content: Block) -> list[Event]:
    """The events of the block at a place in the message, from its start to its stop."""
    opening, deltas = content
    return [
        {"type": "content_block_start", "index": index, "content_block": opening},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


BEGUN = [start(), *block(0, text("So ", "far"))]
"""An answer as far as its first words."""


def message(*content: Block, ending: Sequence[Event] | None = None, **counts: Any) -> list[Event]:
    """All events of a message; `counts` are those of its start. A ping follows the first event, as it does in life."""
    body = [event for index, each in enumerate(content) for event in block(index, each)]
    return [start(**counts), PING, *body, *(end() if ending is None else ending)]


def sse(*stream: Event) -> list[bytes]:
    """Events on the wire, one a piece; each event's name is its type."""
    return events(*stream, names=[event["type"] for event in stream])


def says(*stream: Event) -> Answer:
    """An answer that streams these events."""
    return Answer(sse(*stream), headers={"request-id": REQUEST_ID})


def answer(*content: Block, ending: Sequence[Event] | None = None, **counts: Any) -> Answer:
    """An answer that streams a whole message."""
    return says(*message(*content, ending=ending, **counts))


def error(kind: str, words: str, details: Event | None = None) -> Event:
    """An error, as the body of an answer or as an event in a stream."""
    said: Event = {"type": kind, "message": words, **({} if details is None else {"details": details})}
    return {"type": "error", "error": said, "request_id": REQUEST_ID}


def refusal(
    status: int, kind: str, words: str, *, retry_after: str | None = None, details: Event | None = None
) -> Answer:
    """An answer that is an error."""
    wait = {} if retry_after is None else {"retry-after": retry_after}
    body = json.dumps(error(kind, words, details)).encode()
    return Answer([body], status, "application/json", {"request-id": REQUEST_ID, **wait})

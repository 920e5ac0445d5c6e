"""Digests: SHA-256 over RFC 8785 canonical JSON, so that anyone can compute them again in any language.

RFC 8785 numbers are doubles. Integers that no double holds exactly are digested as `{"$integer": "…"}`; to keep that
unambiguous, object keys that begin with `$` get one more `$`.
"""

import hashlib
import json
from collections.abc import Sequence

import rfc8785
from pydantic import JsonValue, TypeAdapter

from turnlog.domain import ModelRequest, ToolSpec

_EXACT = 2**53 - 1
_TOOLS = TypeAdapter(tuple[ToolSpec, ...])


def digest(value: JsonValue) -> str:
    """The digest of a JSON value, in hex. Raises ValueError for NaN, infinities and lone surrogates."""
    return hashlib.sha256(rfc8785.dumps(_portable(value))).hexdigest()


def text_digest(text: str) -> str:
    """The digest of a text's UTF-8, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def request_digest(request: ModelRequest) -> str:
    """The digest of everything a model gets to see."""
    return digest(request.model_dump(mode="json"))


def tools_text(tools: Sequence[ToolSpec]) -> str:
    """Tools as JSON in the order they have, inside schemas too: models are shown it. Raises ValueError for NaN."""
    value = [tool.model_dump(mode="json") for tool in tools]
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def tools_of(text: str) -> tuple[ToolSpec, ...]:
    """The tools back from `tools_text`. Raises pydantic.ValidationError."""
    return _TOOLS.validate_json(text)


def _portable(value: JsonValue) -> JsonValue:
    match value:
        case bool() | None | str() | float():
            return value
        case int():
            return value if -_EXACT <= value <= _EXACT else {"$integer": str(value)}
        case list():
            return [_portable(item) for item in value]
        case dict():
            return {f"${key}" if key.startswith("$") else key: _portable(item) for key, item in value.items()}

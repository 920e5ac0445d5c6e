"""What a server answered, as a tool's output: text, images, and a line for whatever a model cannot be shown."""

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from typing import Final

import mcp_types as types
from pydantic import JsonValue, TypeAdapter, ValidationError

from turnlog.domain import ToolImage, ToolOutput, clean
from turnlog.projections import one_line

from ..tools.output import image_type, to_output

MOST_DETAIL: Final = 32 * 1024
"""Characters of a structured result that are recorded beside the text; a longer one is only told of."""

_JSON: TypeAdapter[JsonValue] = TypeAdapter(JsonValue)

Part = str | ToolImage


def output_of(result: types.CallToolResult, most: int, about: Mapping[str, JsonValue]) -> ToolOutput:
    """The output for a result: at most so many bytes of text; the details say what `about` says."""
    parts = [part for block in result.content for part in _parts(block)]
    structured = _structured(result)
    if structured is not None and not any(isinstance(part, str) for part in parts):
        parts.append(json.dumps(structured, ensure_ascii=False))
    details: dict[str, JsonValue] = dict(about)
    if structured is not None:
        text = json.dumps(structured)
        details["structured"] = structured if len(text) <= MOST_DETAIL else {"omitted_characters": len(text)}
    return to_output(ToolOutput(tuple(_within(parts, most)), result.is_error, details))


def _structured(result: types.CallToolResult) -> JsonValue:
    try:
        return _JSON.validate_python(result.structured_content)
    except ValidationError:
        return None


def _within(parts: list[Part], most: int) -> Iterator[Part]:
    """The parts, and of their text no more than so many bytes; where some is left out, a line says so."""
    left, cut = most, False
    for part in parts:
        if not isinstance(part, str):
            yield part
            continue
        data = clean(part).encode()
        if len(data) > left and not cut:
            kept = data[:left].decode(errors="ignore")
            yield "\n".join(filter(None, (kept, f"[cut here: a call keeps at most {most:,} bytes]")))
            cut = True
        elif not cut:
            yield part
        left = max(left - len(data), 0)


def _parts(block: types.ContentBlock) -> Iterator[Part]:
    match block:
        case types.TextContent(text=text):
            yield text
        case types.ImageContent(data=data, mime_type=kind):
            yield _image(data, kind)
        case types.AudioContent(data=data, mime_type=kind):
            yield f"[audio, {_named(kind)}, {len(data) * 3 // 4:,} bytes, not shown]"
        case types.ResourceLink():
            yield _link(block)
        case types.EmbeddedResource(resource=resource):
            yield from _resource(resource)


def _image(data: str, kind: str) -> Part:
    try:
        raw = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return f"[an image, {_named(kind)}, that is not valid base64]"
    found = image_type(raw)
    return f"[an image, {_named(kind)}, {len(raw):,} bytes, not shown]" if found is None else ToolImage(raw, found)


def _link(link: types.ResourceLink) -> str:
    kind = f", {_named(link.mime_type)}" if link.mime_type else ""
    said = f": {one_line(clean(link.description), 500)}" if link.description else ""
    return f"[resource {_named(link.name)}{kind}, at {_named(link.uri)}{said}]"


def _resource(resource: types.TextResourceContents | types.BlobResourceContents) -> Iterator[Part]:
    yield f"[resource {_named(resource.uri)}]"
    if isinstance(resource, types.TextResourceContents):
        yield resource.text
    else:
        yield _image(resource.blob, resource.mime_type or "binary")


def _named(text: str) -> str:
    return one_line(clean(text), 500)

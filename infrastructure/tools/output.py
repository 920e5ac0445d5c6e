"""What a function returned or raised, as a tool's output."""

import json
import traceback
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from pydantic import JsonValue, TypeAdapter
from pydantic_core import PydanticSerializationError, to_jsonable_python

from turnlog.domain import ToolImage, ToolOutput, TurnlogError, clean

NO_OUTPUT = "(no output)"
TRACEBACK_CHARS = 16 * 1024
RESULT: Final = "result"
"""Where in the details a structured result is."""

MOST_STRUCTURED: Final = 64 * 1024
"""Characters of a structured result that is kept in the details; a longer one is in the content alone."""

_JSON: Final = TypeAdapter[JsonValue](JsonValue)


def failure(message: str, **details: JsonValue) -> ToolOutput:
    """An error result: the message for the model, the details for the host."""
    return ToolOutput((clean(message),), is_error=True, details=_clean_object(details))


def raised(error: BaseException) -> ToolOutput:
    """An error result for an exception: type and message for the model, the traceback for the host.

    A TurnlogError says what to do in its message; that is all there is to say.
    """
    if isinstance(error, TurnlogError):
        return failure(error.message, error=error.code)
    name = type(error).__name__
    trace = "".join(traceback.format_exception(error))
    return failure(f"{name}: {_message(error)}", error=name, traceback=_end_of(trace))


def _end_of(trace: str) -> str:
    """The last whole lines of a trace: of half a line nobody could tell whether a secret is in it."""
    if len(trace) <= TRACEBACK_CHARS:
        return trace
    return trace[-TRACEBACK_CHARS:].partition("\n")[2]


def _message(error: BaseException) -> str:
    try:
        return str(error) or "(no message)"
    except Exception:  # noqa: BLE001 -- a broken __str__ must not replace the error it belongs to
        return "(its message cannot be shown)"


def to_output(result: object) -> ToolOutput:
    """What a function returned, as output: text and images as they are, values as JSON, anything else as an error.

    A list or tuple with an image in it is one of parts. A structured value is kept whole in the details, too.
    """
    match result:
        case None:
            return ToolOutput((NO_OUTPUT,))
        case str():
            return ToolOutput((clean(result) or NO_OUTPUT,))
        case ToolOutput():
            return _clean_output(result)
        case ToolImage():
            return ToolOutput((result,))
        case bytes() | bytearray():
            return _from_bytes(bytes(result))
        case _:
            parts = _parts(result)
            return _from_parts(parts) if any(map(_is_image, parts)) else _from_object(result)


def _parts(result: object) -> list[object]:
    return [*result] if isinstance(result, list | tuple) else []


def _clean_output(output: ToolOutput) -> ToolOutput:
    content = tuple(clean(part) if isinstance(part, str) else part for part in output.content)
    return ToolOutput(content or (NO_OUTPUT,), output.is_error, output.details)


def _is_image(part: object) -> bool:
    return isinstance(part, ToolImage) or (isinstance(part, bytes | bytearray) and image_type(bytes(part)) is not None)


def _from_parts(parts: Sequence[object]) -> ToolOutput:
    """Parts one after the other; what is structured among them is kept whole, in order."""
    outputs = [to_output(part) for part in parts]
    if failed := next((output for output in outputs if output.is_error), None):
        return failed
    values = [output.details[RESULT] for output in outputs if RESULT in output.details]
    content = tuple(part for output in outputs for part in output.content)
    return ToolOutput(content, details={RESULT: values} if values else {})


def _clean_object(details: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    return {clean(key): _clean_json(value) for key, value in details.items()}


def _clean_json(value: JsonValue) -> JsonValue:
    match value:
        case str():
            return clean(value)
        case list():
            return [_clean_json(item) for item in value]
        case dict():
            return _clean_object(value)
        case _:
            return value


def _from_bytes(data: bytes) -> ToolOutput:
    media_type = image_type(data)
    if media_type is not None:
        return ToolOutput((ToolImage(data, media_type),))
    try:
        return to_output(data.decode())
    except UnicodeDecodeError:
        return failure(
            f"the tool returned {len(data):,} bytes that are neither text nor a PNG, JPEG, GIF or WebP image; "
            "have it return text, or write the bytes to a file and return its path",
            error="binary_output",
        )


def image_type(data: bytes) -> str | None:
    """The media type of an image by its first bytes, None for anything else."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "image/webp"
    return None


def _from_object(result: object) -> ToolOutput:
    name = f"{type(result).__module__}.{type(result).__qualname__}".removeprefix("builtins.")
    try:
        text = json.dumps(result, ensure_ascii=False, default=_jsonable)
    except (PydanticSerializationError, TypeError, ValueError, RecursionError) as error:
        return _not_json(name, _message(error))
    value = _JSON.validate_python(json.loads(text, parse_constant=str))
    if "NaN" in text or "Infinity" in text:  # which are not JSON
        text = json.dumps(value, ensure_ascii=False)
    is_structured = isinstance(value, dict | list) and len(text) <= MOST_STRUCTURED
    return ToolOutput((clean(text),), details={RESULT: _clean_json(value)} if is_structured else {})


def _jsonable(value: object) -> object:
    if isinstance(value, Iterator):  # it may never end
        raise TypeError("an iterator; return a list")
    return to_jsonable_python(value)


def _not_json(name: str, why: str) -> ToolOutput:
    return failure(
        f"the tool returned {name}, which cannot be shown to a model ({why}); "
        "have it return text, bytes of an image, a pydantic model, or JSON values",
        error="unusable_output",
    )

"""turnlog's own format: one JSON object a line, with every event's bytes as they are stored.

    header   the format, its version, the session and the version it was exported at
    blob     a body, before the first event that refers to it
    event    stream, version, topic, state (the stored text) and the chain value up to here
    end      how many lines of each kind came, and the last chain value of each stream

Rule books come first, then ancestors, oldest first, then the session; each stream from version 1 on. Lines are ASCII.
A state is a string and not an object, so that any JSON library gives back the bytes that the chain is over.
"""

import base64
import binascii
import json
from functools import cache
from typing import Annotated, Any, Final, Literal

from pydantic import ConfigDict, Field, JsonValue, TypeAdapter, ValidationError

from turnlog.domain import InvalidInput, StoredRow, Value

FORMAT: Final = "turnlog"
VERSION: Final = 1

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Line(Value):
    """A line of an export."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)


class Header(Line):
    """What is in the file: a session as it stood at version `at`; bodies in the file, or only by their hash."""

    kind: Literal["header"] = "header"
    format: Literal["turnlog"] = FORMAT
    version: int = VERSION
    session: str
    at: int = Field(ge=1)
    blobs: Literal["included", "referenced"]


class BlobLine(Line):
    """A body: as text where its bytes are UTF-8, else in base64. Its media type is in the events that refer to it."""

    kind: Literal["blob"] = "blob"
    sha256: Digest
    text: str | None = None
    base64: str | None = None


class EventLine(Line):
    """An event as it is stored, and the chain value of its stream up to and including it."""

    kind: Literal["event"] = "event"
    stream: str
    version: int = Field(ge=1)
    topic: str
    state: str
    chain: Digest


class Head(Line):
    """The last event of a stream, in the form of `turnlog verify --heads`."""

    stream: str
    version: int
    chain: Digest


class End(Line):
    """The last line: without it the file was cut off."""

    kind: Literal["end"] = "end"
    events: int
    blobs: int
    heads: tuple[Head, ...]


AnyLine = Annotated[Header | BlobLine | EventLine | End, Field(discriminator="kind")]


@cache
def _lines() -> TypeAdapter[Header | BlobLine | EventLine | End]:
    """Made on first use, as the models are: most processes neither export nor import."""
    return TypeAdapter(AnyLine)


def schema() -> dict[str, Any]:
    """The JSON Schema of a line."""
    return _lines().json_schema()


def written(line: Line) -> bytes:
    """A line as it is written, in ASCII and with its line break. Raises ValueError for text no UTF-8 can hold."""
    return f"{json.dumps(line.model_dump(exclude_none=True), separators=(',', ':'))}\n".encode("ascii")


def blob_line(sha256: str, body: bytes) -> BlobLine:
    """The line of a body."""
    try:
        return BlobLine(sha256=sha256, text=body.decode())
    except UnicodeDecodeError:
        return BlobLine(sha256=sha256, base64=base64.b64encode(body).decode())


def event_line(row: StoredRow, chain: bytes) -> EventLine:
    """The line of a stored event. Raises UnicodeDecodeError where its state is no text."""
    return EventLine(
        stream=row.stream, version=row.version, topic=row.topic, state=row.state.decode(), chain=chain.hex()
    )


def read_header(line: bytes) -> Header:
    """The first line of a file. Raises InvalidInput, which says of a newer format that it is newer."""
    match _json(line):
        case {"kind": "header", "format": "turnlog", "version": int(version)}:
            pass
        case _:
            raise InvalidInput("this is no export of turnlog; `turnlog export ID` writes them")
    if version != VERSION:
        raise InvalidInput(
            f"it is in version {version} of the format, and this turnlog reads version {VERSION}; update turnlog"
        )
    header = read_line(line)
    assert isinstance(header, Header)  # its kind says so
    return header


def _json(line: bytes) -> object:
    try:
        return TypeAdapter[JsonValue](JsonValue).validate_json(line)
    except ValueError:
        return None


def read_line(line: bytes) -> Header | BlobLine | EventLine | End:
    """Any line. Raises InvalidInput."""
    try:
        return _lines().validate_json(line)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"][:3]))
        raise InvalidInput(f"it is no line of an export ({f'{where}: ' if where else ''}{first['msg']})") from None


def body_of(line: BlobLine) -> bytes:
    """The body of a line. Raises InvalidInput."""
    if (line.text is None) == (line.base64 is None):
        raise InvalidInput("a body is either text or base64")
    try:
        return line.text.encode() if line.text is not None else base64.b64decode(line.base64 or "", validate=True)
    except (UnicodeEncodeError, binascii.Error) as error:
        raise InvalidInput(f"the body cannot be read ({error})") from None


def row_of(line: EventLine) -> StoredRow:
    """The stored event of a line. Raises InvalidInput."""
    try:
        return StoredRow(line.stream, line.version, line.topic, line.state.encode())
    except UnicodeEncodeError as error:
        raise InvalidInput(f"the state is no text ({error.reason})") from None

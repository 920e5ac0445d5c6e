"""What is right about a stored row, judged from the row and the one before it alone."""

import hashlib
from collections.abc import Iterable
from typing import Literal, NamedTuple

from .chain import GENESIS, leaf, link

Kind = Literal["chain", "gap", "duplicate", "order", "unreadable", "blob", "head", "lost"]


class Row(NamedTuple):
    """An event as it is stored."""

    position: int
    stream: str
    version: int
    topic: str
    state: bytes
    chain: bytes


class Head(NamedTuple):
    """How far a stream was found to be right; noted elsewhere, it is what a later stream must still begin with."""

    stream: str
    version: int
    chain: bytes
    position: int = 0


class Finding(NamedTuple):
    """Something wrong: with a version of a stream, with a body, or (neither given) with the database."""

    kind: Kind
    detail: str
    stream: str | None = None
    version: int | None = None
    blob: str | None = None


def check_stream(stream: str, rows: Iterable[Row]) -> Head | Finding:
    """The head of a stream whose rows come in order of version, or the first thing that is wrong with them."""
    head = Head(stream, 0, GENESIS)
    for row in rows:
        finding = fault(row, head)
        if finding is not None:
            return finding
        head = Head(stream, row.version, row.chain, row.position)
    return head


def fault(row: Row, before: Head) -> Finding | None:
    """What is wrong with a row that follows this head of its stream."""
    try:
        wrong = _wrong(row, before)
    except (TypeError, ValueError, OverflowError, AttributeError) as error:
        # Bytes that are no text, text where bytes belong, a number out of range: SQLite keeps anything in any column.
        wrong = "unreadable", f"the row is not one of an event ({type(error).__name__})"
    return None if wrong is None else Finding(*wrong, before.stream, row.version)


def _wrong(row: Row, before: Head) -> tuple[Kind, str] | None:
    if row.version == before.version:
        return "duplicate", "the version is there twice"
    if row.version != before.version + 1:
        return "gap", f"version {before.version + 1} should be next"
    if row.chain != link(before.chain, leaf(row.stream, row.version, row.topic, row.state)):
        return "chain", "the event, or its chain value, is not the one that was written here"
    if row.position <= before.position:
        return "order", f"its position {row.position} is not after {before.position}, that of the version before"
    return None


def check_blob(sha256: str | None, size: int, body: object) -> list[Finding]:
    """What is wrong with a body: nothing, or one thing."""
    if not isinstance(body, bytes) or hashlib.sha256(body).hexdigest() != sha256:
        return [Finding("blob", "the body is not the one with this SHA-256", blob=sha256)]
    return [] if size == len(body) else [Finding("blob", f"the body has {len(body)} bytes, not {size}", blob=sha256)]

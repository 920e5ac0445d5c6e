"""A session as turnlog's own lines, which another log can take in, and as documents for other tools."""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from turnlog.domain import (
    Archive,
    BlobRef,
    Body,
    CorruptRecord,
    ImageBlock,
    InvalidInput,
    ModelRequested,
    PermissionRequested,
    PermissionResolved,
    Recorded,
    RuleEvent,
    Session,
    StoredRow,
    ToolCallAuthorized,
    ToolCallDenied,
    fold,
    mailbox_stream,
    names_found,
)
from turnlog.projections import METADATA, TRANSCRIPT, USAGE, ToolUsed, exports, messages, project

from ..environment import Environment
from ..explaining.citations import books_for
from ..histories import history

ExportFormat = Literal["jsonl", "openai", "markdown", "otel"]
FORMATS: tuple[ExportFormat, ...] = ("jsonl", "openai", "markdown", "otel")
BlobsIn = Literal["include", "reference"]

Progress = Callable[[int, int], None]
"""Told how many of the events are written, and how many there are."""

_jsonl = exports.jsonl


@dataclass(frozen=True, slots=True)
class Export:
    """How to export.

    `blobs` and `cited_rules` are for `jsonl`: whether bodies are in the file or only their hashes, and whether the rule
    books are in it as far as they tell of the rules that the session's decisions cite; `progress` hears of its events.
    """

    format: ExportFormat = "jsonl"
    blobs: BlobsIn = "include"
    cited_rules: bool = False
    progress: Progress = lambda done, total: None


def archive_of(env: Environment) -> Archive:
    """The log as bytes. Raises InvalidInput where this log has no such side."""
    if env.archive is None:
        raise InvalidInput("this log cannot be read byte by byte, so it can neither be exported as jsonl nor imported")
    return env.archive


async def export_session(env: Environment, session_id: str, at: int | None, how: Export) -> AsyncGenerator[bytes, None]:
    """A session at a version (None: now) as pieces of a file: lines of `jsonl`, or one document.

    Raises NotFound, InvalidInput, VerificationFailed, CorruptRecord, BlobMissing, BlobDamaged, StoreError.
    """
    records = await history(env.log, session_id, at)
    match how.format:
        case "jsonl":
            async for line in _lines(env, records, how):
                yield line
        case "openai":
            yield _document(await _chat(env, records))
        case "markdown":
            yield (await _markdown(env, records)).encode()
        case "otel":
            yield _document(exports.otel.traces(records, session_id))


def _document(value: object) -> bytes:
    return f"{json.dumps(value, separators=(',', ':'))}\n".encode("ascii")


# Our own lines


async def _lines(env: Environment, records: Sequence[Recorded], how: Export) -> AsyncIterator[bytes]:
    archive = archive_of(env)
    lineage = {record.stream: record.version for record in records}
    books = await _cited_books(env, records) if how.cited_rules else dict[str, int]()
    streams = books | lineage | _mailbox(records)
    await archive.check([*streams])
    session, at = records[-1].stream, records[-1].version
    kept: Literal["included", "referenced"] = "included" if how.blobs == "include" else "referenced"
    yield _jsonl.written(_jsonl.Header(session=session, at=at, blobs=kept))
    told, total = _Told(), sum(streams.values())
    for stream, until in streams.items():
        for row in await archive.rows(stream, until=until):
            for ref in told.new_bodies(archive, row) if how.blobs == "include" else ():
                yield _jsonl.written(_jsonl.blob_line(ref.sha256, await env.blobs.get(ref.sha256)))
            yield told.row(archive, row)
            how.progress(told.events, total)
    yield told.end(blobs=kept)


def _mailbox(records: Sequence[Recorded]) -> dict[str, int]:
    """The mailbox of the session, as far as its own stream tells of it."""
    mail = fold(Session(records[-1].stream), records).mail
    return {mailbox_stream(records[-1].stream): mail.arrived} if mail.arrived else {}


class _Told:
    """What has been written so far."""

    def __init__(self) -> None:
        self._heads: dict[str, tuple[int, bytes]] = {}
        self._bodies: set[str] = set()
        self.events = 0

    def new_bodies(self, archive: Archive, row: StoredRow) -> list[BlobRef]:
        """The bodies that an event is the first to speak of."""
        refs = {ref.sha256: ref for ref in exports.references.references(archive.read(row))}
        new = [ref for sha256, ref in refs.items() if sha256 not in self._bodies]
        self._bodies.update(refs)
        return new

    def row(self, archive: Archive, row: StoredRow) -> bytes:
        """The line of an event."""
        version, before = self._heads.get(row.stream, (0, b""))
        if row.version != version + 1:
            raise CorruptRecord(f"stream {row.stream} has no version {version + 1}; `turnlog verify` says more")
        chain = archive.chain(before, row)
        self._heads[row.stream] = (row.version, chain)
        self.events += 1
        try:
            return _jsonl.written(_jsonl.event_line(row, chain))
        except ValueError:
            raise CorruptRecord(f"stream {row.stream} version {row.version} is no text") from None

    def end(self, blobs: Literal["included", "referenced"]) -> bytes:
        """The last line."""
        heads = tuple(
            _jsonl.Head(stream=stream, version=version, chain=chain.hex())
            for stream, (version, chain) in self._heads.items()
        )
        bodies = len(self._bodies) if blobs == "included" else 0
        return _jsonl.written(_jsonl.End(events=self.events, blobs=bodies, heads=heads))


async def _cited_books(env: Environment, records: Sequence[Recorded]) -> dict[str, int]:
    """The rule books that tell of a rule the session's decisions cite, and up to which version they do."""
    cited = set(_cited(records))
    found: dict[str, int] = {}
    for record in await books_for(env, records):
        if isinstance(record.event, RuleEvent) and record.event.rule_id in cited:
            found[record.stream] = record.version
    return found


def _cited(records: Iterable[Recorded]) -> Iterable[str]:
    for record in records:
        match record.event:
            case ToolCallAuthorized() | ToolCallDenied() | PermissionRequested() as event:
                yield from event.evaluation.rules if event.evaluation else ()
                if not isinstance(event, PermissionRequested) and event.by == "rule" and event.source:
                    yield event.source
            case PermissionResolved(rule_id=str(rule_id)):
                yield rule_id
            case _:
                pass


# Documents


async def _chat(env: Environment, records: Sequence[Recorded]) -> object:
    session = fold(Session(records[-1].stream), records)
    told = await env.bodies.whole(messages(project(TRANSCRIPT, records)))
    images = {ref.sha256: await env.blobs.get(ref.sha256) for ref in exports.references.references(told)}

    def image(block: ImageBlock) -> bytes:
        return images[block.image.sha256]

    system = None if session.system is None else await env.bodies.text(session.system)
    asked = [record.event for record in records if isinstance(record.event, ModelRequested)]
    tools = await env.bodies.tools(asked[-1].tools) if asked else ()
    found = names_found(told, session.model)
    seen = [tool for tool in tools if not tool.deferred or tool.name in found]
    offered = {"tools": exports.openai_chat.functions(seen)} if seen else {}
    return {
        "model": session.model.partition(":")[2] or session.model,
        "messages": exports.openai_chat.chat(system, told, image),
        **offered,
    }


async def _markdown(env: Environment, records: Sequence[Recorded]) -> str:
    metadata = project(METADATA, records)
    items = project(TRANSCRIPT, records).items
    # Whole outputs are only named, and images too.
    shown = [replace(item, full=None) if isinstance(item, ToolUsed) else item for item in items]
    refs = [ref for ref in exports.references.references(shown) if not ref.media_type.startswith("image/")]
    texts = {ref.sha256: await env.bodies.readable(ref) for ref in refs}

    def text(body: Body) -> str:
        return body if isinstance(body, str) else texts[body.sha256]

    assert metadata is not None  # a history begins with the event that makes it
    return exports.markdown.document(metadata, items, project(USAGE, records), text)

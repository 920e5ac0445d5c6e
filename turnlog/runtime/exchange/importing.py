"""Taking in a session that another log exported: all of it, to the last byte, or nothing.

A file is read to its end before anything is written: every chain value is computed again, every body hashed, every
event decoded. What is new here is then appended in one transaction, the bodies it speaks of before.
"""

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from shutil import copyfileobj
from typing import IO

from turnlog.domain import (
    BOOKS,
    MAILBOXES,
    BlobMissing,
    BlobRef,
    Conflict,
    InvalidInput,
    NotFound,
    StoredRow,
    VerificationFailed,
)
from turnlog.projections import exports

from ..environment import Environment
from .exporting import archive_of
from .reading_exports import Incoming, examine

LONGEST_LINE = 256 * 1024 * 1024
"""Bytes a line may have: enough for any body, and what is held in memory at most."""

_IN_MEMORY = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import came to: `events` were appended, `known` were here already, to the byte."""

    session: str
    version: int
    events: int
    known: int
    blobs: int
    streams: tuple[str, ...]


async def import_session(
    env: Environment, source: IO[bytes], *, take_rules: bool = False, longest: int = LONGEST_LINE
) -> Imported:
    """Append what a file of `jsonl` has and this log lacks. Rule books are refused unless `take_rules`.

    Raises InvalidInput, VerificationFailed, Conflict, NotFound, StoreError; nothing was appended then.
    """
    archive = archive_of(env)
    file = await asyncio.to_thread(_seekable, source)
    incoming = await asyncio.to_thread(examine, file, archive, longest)
    if incoming.books and not take_rules:
        raise InvalidInput(
            f"the file holds rules of {', '.join(incoming.books)}, which would be in force here for every session;"
            " take them in with --rules, or export without them; nothing was imported"
        )
    fresh: list[StoredRow] = []
    for stream, rows in incoming.rows.items():
        here = await archive.rows(stream, until=len(rows))
        _check_same(stream, here, rows)
        fresh += rows[len(here) :]
    await _keep_bodies(env, file, incoming)
    if fresh:
        await archive.append(fresh)
    total = sum(map(len, incoming.rows.values()))
    return Imported(
        session=incoming.session,
        version=incoming.version,
        events=len(fresh),
        known=total - len(fresh),
        blobs=len(incoming.bodies),
        streams=tuple(incoming.rows),
    )


def _seekable(source: IO[bytes]) -> IO[bytes]:
    """The source from its beginning; what comes through a pipe is put aside first."""
    if source.seekable():
        source.seek(0)
        return source
    kept = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - goes when nobody has it any more
    copyfileobj(source, kept)
    kept.seek(0)
    return kept


def _check_same(stream: str, here: Sequence[StoredRow], given: Sequence[StoredRow]) -> None:
    for ours, theirs in zip(here, given, strict=False):
        if ours != theirs:
            what = "rule book" if stream.startswith(BOOKS) else "mailbox" if stream.startswith(MAILBOXES) else "session"
            raise Conflict(
                f"{what} {stream} is here already, and from version {ours.version} on it is another than in the file;"
                " import the file into another database; nothing was imported"
            )


async def _keep_bodies(env: Environment, file: IO[bytes], incoming: Incoming) -> None:
    for sha256, ref in incoming.refs.items():
        if sha256 in incoming.bodies:
            body = await asyncio.to_thread(_body_at, file, incoming.bodies[sha256])
            kept = await env.blobs.put(body, ref.media_type)
            if kept.sha256 != sha256:
                raise VerificationFailed("the file changed while it was read; nothing was imported")
        else:
            await _check_kept(env, ref)


async def _check_kept(env: Environment, ref: BlobRef) -> None:
    try:
        await env.blobs.get(ref.sha256)
    except BlobMissing:
        raise NotFound(
            f"body {ref.sha256} is neither in the file nor here; export with `--blobs include`; nothing was imported"
        ) from None


def _body_at(file: IO[bytes], offset: int) -> bytes:
    file.seek(offset)
    line = exports.jsonl.read_line(file.readline())
    if not isinstance(line, exports.jsonl.BlobLine):
        raise VerificationFailed("the file changed while it was read; nothing was imported")
    return exports.jsonl.body_of(line)

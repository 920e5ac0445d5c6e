"""Snapshots: a session's folded state, kept so that loading a long one need not fold all of it again.

A cache of the fold and never more. A snapshot says which code folded it, for which stream, up to which version, and
what the event at that version was; whatever does not agree with this turnlog and this log is passed over, and the
events are folded instead. So nothing depends on a snapshot being there, being right, or being written.
"""

import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from turnlog import domain
from turnlog.domain import Recorded, Session, StoreError, from_snapshot, to_snapshot, topic_of

from .environment import Environment

FORMAT = 1
"""The revision of what follows: a header in one line of JSON, and the state."""

_LOGGER = logging.getLogger(__name__)


class _Header(BaseModel):
    """What has to hold for the state after it to be used."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    format: int
    code: str
    stream: str
    version: int
    event: str


async def restore(env: Environment, stream: str, at: int | None = None) -> tuple[Session, Sequence[Recorded]] | None:
    """A session as of its snapshot, and its events from there to version `at` (None: now).

    None where there is no snapshot that can be used. Raises StoreError where the log cannot be read.
    """
    found = await _snapshot(env, stream)
    if found is None or (at is not None and found[0].version > at):
        return None
    header, session = found
    records = await env.log.read(stream, after=header.version - 1, until=at)
    return (session, records[1:]) if _fits(header, records) else None


async def keep(env: Environment, session: Session, folded: int) -> None:
    """Keep a session's state where that saves folding many events; `folded` is how many led to it.

    What cannot be kept is not: nobody has to care.
    """
    if env.snapshots is None or folded <= env.settings.snapshot_events:
        return
    try:
        if not await _is_kept(env, session) and (data := await _written(env, session)) is not None:
            await env.snapshots.put(session.id, session.version, data)
    except (StoreError, ValueError) as error:  # pydantic's errors are ValueErrors
        _LOGGER.debug("no snapshot of %s was kept: %s", session.id, error)


async def _is_kept(env: Environment, session: Session) -> bool:
    """Whether there is a snapshot that is recent enough."""
    found = await _snapshot(env, session.id)
    if found is None or session.version - found[0].version > env.settings.snapshot_events:
        return False
    version = found[0].version
    return _fits(found[0], await env.log.read(session.id, after=version - 1, until=version))


def _fits(header: _Header, records: Sequence[Recorded]) -> bool:
    """Whether the first event read is the one that the snapshot ends with."""
    fits = bool(records) and records[0].version == header.version and _digest(records[0]) == header.event
    if not fits:
        _LOGGER.debug("the snapshot of %s at version %d is of another log", header.stream, header.version)
    return fits


async def _snapshot(env: Environment, stream: str) -> tuple[_Header, Session] | None:
    if env.snapshots is None or not CODE:
        return None
    try:
        data = await env.snapshots.get(stream)
    except StoreError as error:
        _LOGGER.debug("the snapshot of %s cannot be read: %s", stream, error.message)
        return None
    return None if data is None else _read(stream, data)


def _read(stream: str, data: bytes) -> tuple[_Header, Session] | None:
    first, _, state = data.partition(b"\n")
    try:
        header = _Header.model_validate_json(first)
        if (header.format, header.code, header.stream) != (FORMAT, CODE, stream):
            raise ValueError("it is of another turnlog, or of another stream")
        session = from_snapshot(state)
        if (session.id, session.version) != (stream, header.version) or session.version < 1:
            raise ValueError("its state is not that of its header")
    except ValueError as error:  # pydantic's errors are ValueErrors
        _LOGGER.debug("the snapshot of %s is not used: %s", stream, error)
        return None
    return header, session


async def _written(env: Environment, session: Session) -> bytes | None:
    """The snapshot of a session; None where it would not come back as it is, as with fields of a later turnlog."""
    last = await env.log.read(session.id, after=session.version - 1, until=session.version)
    state = to_snapshot(session)
    if not CODE or not last or from_snapshot(state) != session:
        return None
    header = _Header(format=FORMAT, code=CODE, stream=session.id, version=session.version, event=_digest(last[0]))
    return header.model_dump_json().encode() + b"\n" + state


def _digest(record: Recorded) -> str:
    """Tells the event at a version from any other that a restored or forked database may have there."""
    return hashlib.sha256(f"{topic_of(record.event)}\n{record.event.model_dump_json()}".encode()).hexdigest()


def _code() -> str:
    """The revision of the fold: the text of the whole domain. Empty, so that none is used, where that cannot be read.

    Nobody has to remember to raise a number, and no change of the fold can meet a state that it did not make.
    """
    room = Path(domain.__file__ or "").parent
    texts = [(path.relative_to(room).as_posix(), path.read_bytes()) for path in sorted(room.rglob("*.py"))]
    digest = hashlib.sha256()
    for name, text in texts:
        digest.update(f"{name} {len(text)}\n".encode() + text)
    return digest.hexdigest() if texts else ""


CODE = _code()
"""Taken when this is imported, with the code it stands for: the files may be those of another turnlog later on."""

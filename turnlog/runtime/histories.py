"""Reading sessions: a session's history is its parent's up to the fork, then its own stream."""

from collections.abc import Sequence
from dataclasses import replace

from turnlog.domain import (
    BOARDS,
    BOOKS,
    MAILBOXES,
    MEMORIES,
    CorruptRecord,
    EventLog,
    InvalidInput,
    NotFound,
    Recorded,
    Session,
    SessionForked,
    fold,
)

from .environment import Environment
from .rebuilding import rebuild
from .snapshots import restore

_MAX_ANCESTORS = 1_000
BESIDE = (BOOKS, BOARDS, MEMORIES, MAILBOXES)
"""What the streams begin with that are no sessions."""


async def own_events(log: EventLog, session_id: str, at: int | None = None) -> Sequence[Recorded]:
    """A session's own stream up to version `at`. Raises NotFound, InvalidInput, StoreError."""
    if at is not None and at < 1:
        raise InvalidInput(f"versions begin at 1, so there is no version {at}")
    events = await log.read(session_id, until=at)
    if not events:
        raise NotFound(f"there is no session {session_id}; `turnlog sessions` lists them")
    _check_reached(session_id, events[-1].version, at)
    return events


def _check_reached(session_id: str, version: int, at: int | None) -> None:
    if at is not None and version < at:
        raise NotFound(f"session {session_id} has no version {at}; its latest is {version}")


async def history(log: EventLog, session_id: str, at: int | None = None) -> list[Recorded]:
    """Everything that led to a session at version `at` (None: now), oldest first.

    Raises NotFound, InvalidInput, StoreError, CorruptRecord.
    """
    lineage = [await own_events(log, session_id, at)]
    while isinstance(first := lineage[-1][0].event, SessionForked):
        _check_depth(session_id, lineage)
        lineage.append(await own_events(log, first.parent, first.parent_version))
    return [record for events in reversed(lineage) for record in events]


def _check_depth(session_id: str, lineage: Sequence[object]) -> None:
    if len(lineage) > _MAX_ANCESTORS:
        raise CorruptRecord(f"session {session_id} has more than {_MAX_ANCESTORS} ancestors; its log is damaged")


async def load(env: Environment, session_id: str, at: int | None = None) -> Session:
    """The session at a version (None: now): the fold of its history, from a snapshot on where there is one.

    Raises NotFound, InvalidInput, StoreError, CorruptRecord.
    """
    lineage: list[tuple[Recorded, int | None]] = []
    stream, until = session_id, at
    while (state := await _restored(env, stream, until)) is None:
        _check_depth(session_id, lineage)
        (first,) = await own_events(env.log, stream, 1 if until is None else min(until, 1))
        lineage.append((first, until))
        if not isinstance(first.event, SessionForked):
            break
        stream, until = first.event.parent, first.event.parent_version
    state = Session(session_id) if state is None else replace(state, id=session_id)  # the fold never looks at the id
    for first, until in reversed(lineage):
        state = await rebuild(env.log, first.stream, fold(state, [first]), until)
        _check_reached(first.stream, state.version, until)
    return state


async def _restored(env: Environment, stream: str, at: int | None) -> Session | None:
    """A session from its snapshot and what came after; None where that has to come from events alone."""
    found = await restore(env, stream, at)
    if found is None:
        return None
    session = fold(*found)
    _check_reached(stream, session.version, at)
    return session


async def find_sessions(log: EventLog, prefix: str, limit: int) -> list[str]:
    """The ids of sessions that begin so, in order, at most so many. Raises StoreError."""
    return [name for name in await log.streams(prefix, limit) if not name.startswith(BESIDE)]


async def find_session(log: EventLog, prefix: str) -> str:
    """The one session whose id begins with `prefix`. Raises NotFound, InvalidInput, StoreError."""
    if not prefix:
        raise InvalidInput("a session id, or the beginning of one, is needed")
    found = await find_sessions(log, prefix, limit=20)
    if prefix in found:
        return prefix
    if not found:
        raise NotFound(f"no session id begins with {prefix!r}; `turnlog sessions` lists them")
    if len(found) > 1:
        shown = ", ".join(found[:5])
        raise InvalidInput(f"{prefix!r} could be any of {shown}{'…' if len(found) > 5 else ''}; write more of it")
    return found[0]

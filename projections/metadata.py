"""What a list of sessions shows of one session."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from turnlog.domain import (
    CompactionCompleted,
    CompactionFailed,
    CompactionStarted,
    Event,
    PermissionExpired,
    PermissionRequested,
    PermissionResolved,
    PermissionWithdrawn,
    Recorded,
    SessionClosed,
    SessionConfigured,
    SessionForked,
    SessionRenamed,
    SessionStarted,
    SessionTagged,
    Status,
    ToolCallFinished,
    ToolOutcomeUnknown,
    TurnCancelled,
    TurnCompleted,
    TurnFailed,
    TurnResumed,
    TurnStarted,
    TurnState,
    TurnSuspended,
    retagged,
)

from .projection import Projection


@dataclass(frozen=True, slots=True)
class Metadata:
    """A session at a glance. `waiting` is how many questions, those in `pending`, await a person.

    `status` follows from `closed`, `compacting` and `turn`, the state of the latest turn. `errors` counts turns that
    failed, and calls that failed or whose outcome became unknown, in this session's own stream. `successor` is the
    session that goes on in place of one that was rewound; `spawned_by` is the one that a subagent works for.
    """

    id: str
    title: str
    model: str
    project: str | None
    created_at: datetime
    updated_at: datetime
    version: int
    status: Status = "created"
    turn_count: int = 0
    parent: str | None = None
    parent_version: int | None = None
    waiting: int = 0
    pending: tuple[str, ...] = ()
    turn: TurnState | None = None
    closed: bool = False
    errors: int = 0
    tags: tuple[str, ...] = ()
    successor: str | None = None
    compacting: bool = False
    spawned_by: str | None = None


def take_in(metadata: Metadata | None, recorded: Recorded) -> Metadata | None:
    """A session at a glance after one more event; None before its first."""
    event = recorded.event
    match event:
        case SessionStarted():
            metadata = _started(recorded, event)
        case SessionForked():
            metadata = _forked(recorded, event)
        case _ if metadata is None:
            return None
        case _:
            change = _CHANGES.get(type(event))
            metadata = change(metadata, event) if change else metadata
    return replace(
        metadata,
        updated_at=event.at,
        version=recorded.version,
        status=_status(metadata),
        waiting=len(metadata.pending),
    )


def _started(recorded: Recorded, event: SessionStarted) -> Metadata:
    return Metadata(
        id=recorded.stream,
        title=event.title,
        model=event.model,
        project=event.project,
        created_at=event.at,
        updated_at=event.at,
        version=recorded.version,
        tags=event.tags,
        spawned_by=None if event.spawned_by is None else event.spawned_by.session,
    )


def _forked(recorded: Recorded, event: SessionForked) -> Metadata:
    return Metadata(
        id=recorded.stream,
        title=event.title,
        model=event.model,
        project=event.project,
        created_at=event.at,
        updated_at=event.at,
        version=recorded.version,
        turn_count=event.completed_turns,
        parent=event.parent,
        parent_version=event.parent_version,
        turn=event.turn,
        tags=event.tags,
    )


def _status(metadata: Metadata) -> Status:
    if metadata.closed:
        return "closed"
    if metadata.compacting:
        return "compacting"
    match metadata.turn:
        case None:
            return "created"
        case "open":
            return "active"
        case "suspended" | "failed":
            return metadata.turn
        case "completed" | "cancelled" | "forked":
            return "idle"


def _renamed(metadata: Metadata, event: SessionRenamed) -> Metadata:
    return replace(metadata, title=event.title)


def _tagged(metadata: Metadata, event: SessionTagged) -> Metadata:
    return replace(metadata, tags=retagged(metadata.tags, event.added, event.removed))


def _configured(metadata: Metadata, event: SessionConfigured) -> Metadata:
    return replace(metadata, model=event.model or metadata.model)


def _closed(metadata: Metadata, event: SessionClosed) -> Metadata:
    return replace(metadata, closed=True, successor=event.successor)


def _turn_started(metadata: Metadata, event: TurnStarted) -> Metadata:
    return replace(metadata, turn="open", pending=())


def _turn_completed(metadata: Metadata, event: TurnCompleted) -> Metadata:
    return replace(metadata, turn="completed", turn_count=metadata.turn_count + 1)


def _asked(metadata: Metadata, event: PermissionRequested) -> Metadata:
    return replace(metadata, pending=(*_others(metadata, event.request_id), event.request_id))


def _no_longer_asked(
    metadata: Metadata,
    event: PermissionResolved | PermissionExpired | PermissionWithdrawn,
) -> Metadata:
    return replace(metadata, pending=_others(metadata, event.request_id))


def _others(metadata: Metadata, request_id: str) -> tuple[str, ...]:
    return tuple(other for other in metadata.pending if other != request_id)


def _turn_failed(metadata: Metadata, event: TurnFailed) -> Metadata:
    return replace(metadata, turn="failed", errors=metadata.errors + 1)


def _call_finished(metadata: Metadata, event: ToolCallFinished) -> Metadata:
    return replace(metadata, errors=metadata.errors + 1) if event.is_error else metadata


def _outcome_unknown(metadata: Metadata, event: ToolOutcomeUnknown) -> Metadata:
    return replace(metadata, errors=metadata.errors + 1)


def _compacting(now: bool) -> Callable[[Metadata, Event], Metadata]:
    return lambda metadata, _: replace(metadata, compacting=now)


def _turn_is(state: TurnState) -> Callable[[Metadata, Event], Metadata]:
    return lambda metadata, _: replace(metadata, turn=state)


_CHANGES: Mapping[type[Event], Callable[[Metadata, Any], Metadata]] = {
    SessionRenamed: _renamed,
    SessionTagged: _tagged,
    SessionConfigured: _configured,
    SessionClosed: _closed,
    TurnStarted: _turn_started,
    TurnCompleted: _turn_completed,
    TurnFailed: _turn_failed,
    TurnCancelled: _turn_is("cancelled"),
    TurnSuspended: _turn_is("suspended"),
    TurnResumed: _turn_is("open"),
    PermissionRequested: _asked,
    PermissionResolved: _no_longer_asked,
    PermissionExpired: _no_longer_asked,
    PermissionWithdrawn: _no_longer_asked,
    ToolCallFinished: _call_finished,
    ToolOutcomeUnknown: _outcome_unknown,
    CompactionStarted: _compacting(True),
    CompactionCompleted: _compacting(False),
    CompactionFailed: _compacting(False),
}


def _nothing() -> Metadata | None:
    return None


METADATA: Projection[Metadata | None] = Projection("metadata", 4, _nothing, take_in)

"""The table of sessions: one row a session, the same as `SESSIONS` holds in memory."""

import json
from dataclasses import fields
from typing import Any

from turnlog.domain import (
    Event,
    PermissionExpired,
    PermissionRequested,
    PermissionResolved,
    PermissionWithdrawn,
    SessionClosed,
    SessionConfigured,
    SessionForked,
    SessionRenamed,
    SessionStarted,
    SessionTagged,
    ToolCallFinished,
    Unread,
)

from ..metadata import Metadata, take_in
from ..session_query import folded
from .table import Batch, Row, Table, TableFold

SESSIONS_ROWS = Table(
    "sessions",
    {
        "id": "text",
        "title": "text",
        "status": "text",
        "model": "text",
        "project": "text",
        "created_at": "time",
        "updated_at": "time",
        "version": "integer",
        "turn_count": "integer",
        "turn": "text",
        "closed": "boolean",
        "errors": "integer",
        "compacting": "boolean",
        "waiting": "integer",
        "pending": "json",
        "tags": "json",
        "successor": "text",
        "parent": "text",
        "parent_version": "integer",
        "spawned_by": "text",
        "title_folded": "text",
        "model_folded": "text",
        "tag_list": "text",
    },
    key=("id",),
    indexes=(("updated_at", "id"), ("created_at", "id"), ("project",)),
    hidden=frozenset({"title_folded", "model_folded", "tag_list"}),
)
_FIELDS = tuple(field.name for field in fields(Metadata))


def quoted_tag(tag: str) -> str:
    """A tag as it stands in the list that is searched: between quotes, so that no part of another passes for it."""
    return json.dumps(tag)


def metadata_of(row: Row) -> Metadata:
    """A session from its row."""
    values: dict[str, Any] = {name: row[name] for name in _FIELDS}
    values["pending"] = tuple(values["pending"])
    values["tags"] = tuple(values["tags"])
    return Metadata(**values)


def row_of(session: Metadata) -> Row:
    """The row of a session."""
    row: Row = {name: getattr(session, name) for name in _FIELDS}
    row["pending"] = list(session.pending)
    row["tags"] = list(session.tags)
    row["tag_list"] = f",{','.join(map(quoted_tag, session.tags))},"
    row["title_folded"] = folded(session.title)
    row["model_folded"] = folded(session.model)
    return row


def _apply(batch: Batch) -> None:
    rows = batch.rows
    rows.want("sessions", ((recorded.stream,) for recorded in batch.events))
    sessions: dict[str, Metadata | None] = {}
    for recorded in batch.events:
        if recorded.stream not in sessions:
            row = rows.get("sessions", recorded.stream)
            sessions[recorded.stream] = None if row is None else metadata_of(row)
        sessions[recorded.stream] = take_in(sessions[recorded.stream], recorded)
    for session in sessions.values():
        if session is not None:
            rows.put("sessions", row_of(session))


_UNREAD = Unread.but(
    {
        Event: ("at",),
        SessionStarted: ("title", "model", "project", "tags", "spawned_by"),
        SessionForked: ("title", "model", "project", "completed_turns", "parent", "parent_version", "turn", "tags"),
        SessionRenamed: ("title",),
        SessionTagged: ("added", "removed"),
        SessionConfigured: ("model",),
        SessionClosed: ("successor",),
        PermissionRequested: ("request_id",),
        PermissionResolved: ("request_id",),
        PermissionExpired: ("request_id",),
        PermissionWithdrawn: ("request_id",),
        ToolCallFinished: ("is_error",),
    }
)
SESSION_TABLE = TableFold("sessions", 3, (SESSIONS_ROWS,), _apply, _UNREAD)

"""The table of permission decisions: one row for every event that asks, answers, allows, denies or takes back."""

from collections.abc import Mapping
from typing import Any

from turnlog.domain import (
    Event,
    ModelResponded,
    PermissionEndorsed,
    PermissionExpired,
    PermissionJoined,
    PermissionRequested,
    PermissionResolved,
    PermissionStale,
    PermissionWithdrawn,
    Recorded,
    ToolCallAuthorized,
    ToolCallBlock,
    ToolCallDenied,
    ToolCallEvent,
)

from .table import Batch, Row, Table, TableFold

DECISION_ROWS = Table(
    "permission_decisions",
    {
        "session_id": "text",
        "version": "integer",
        "at": "time",
        "decision": "text",
        "actor_kind": "text",
        "actor_id": "text",
        "turn_id": "text",
        "call_id": "text",
        "tool": "text",
        "decided_by": "text",
        "source": "text",
        "why": "text",
        "request_id": "text",
        "digest": "text",
        "remembered": "text",
        "rule_id": "text",
        "policy": "text",
        "expires_at": "time",
    },
    key=("session_id", "version"),
    indexes=(("at",), ("session_id", "call_id"), ("request_id",)),
)
TOOL_ROWS = Table(
    "permission_tools",
    {"session_id": "text", "call_id": "text", "tool": "text"},
    key=("session_id", "call_id"),
    hidden=frozenset({"session_id", "call_id", "tool"}),
)
_DECISIONS: Mapping[type[Event], str] = {
    PermissionRequested: "asked",
    PermissionJoined: "joined",
    PermissionEndorsed: "endorsed",
    PermissionExpired: "expired",
    PermissionWithdrawn: "withdrawn",
    PermissionStale: "outdated",
    ToolCallAuthorized: "authorized",
    ToolCallDenied: "denied",
}


def decision_of(recorded: Recorded, tool: str | None) -> Row | None:
    """The row of a decision on a call of a tool; None for an event that is none."""
    event = recorded.event
    if not isinstance(event, ToolCallEvent):
        return None
    if isinstance(event, PermissionResolved):
        decision = "answered yes" if event.outcome == "allowed" else "answered no"
    elif type(event) in _DECISIONS:
        decision = _DECISIONS[type(event)]
    else:
        return None
    return {
        "session_id": recorded.stream,
        "version": recorded.version,
        "at": event.at,
        "decision": decision,
        "actor_kind": event.actor.kind,
        "actor_id": event.actor.id,
        "turn_id": event.turn_id,
        "call_id": event.call_id,
        "tool": tool,
        "decided_by": getattr(event, "by", None),
        "why": _why(event),
        "remembered": event.remember if isinstance(event, PermissionResolved) else None,
        **{name: getattr(event, name, None) for name in _SAME_NAME},
    }


_SAME_NAME = ("source", "request_id", "digest", "rule_id", "policy", "expires_at")


def _why(event: Any) -> str | None:
    """What was given as the reason."""
    match event:
        case PermissionStale():
            return f"changed: {', '.join(event.changed)}"
        case PermissionRequested() | ToolCallAuthorized():
            return None if event.evaluation is None else event.evaluation.why
        case _:
            reason: str = getattr(event, "reason", "")
            return reason or None


def _apply(batch: Batch) -> None:
    rows = batch.rows
    calls = [
        (recorded.stream, recorded.event.call_id)
        for recorded in batch.events
        if isinstance(recorded.event, ToolCallEvent) and decision_of(recorded, None) is not None
    ]
    rows.want(TOOL_ROWS.name, calls)
    for recorded in batch.events:
        event = recorded.event
        if isinstance(event, ModelResponded):
            _remember_tools(batch, recorded.stream, event)
        elif isinstance(event, ToolCallEvent):
            known = rows.get(TOOL_ROWS.name, recorded.stream, event.call_id) if type(event) in _ALL else None
            row = decision_of(recorded, None if known is None else known["tool"])
            if row is not None:
                rows.put(DECISION_ROWS.name, row)


_ALL = frozenset({*_DECISIONS, PermissionResolved})


def _remember_tools(batch: Batch, stream: str, event: ModelResponded) -> None:
    for block in event.blocks:
        if isinstance(block, ToolCallBlock):
            batch.rows.put(TOOL_ROWS.name, {"session_id": stream, "call_id": block.call_id, "tool": block.name})


DECISION_TABLE = TableFold("permission_decisions", 1, (DECISION_ROWS, TOOL_ROWS), _apply)

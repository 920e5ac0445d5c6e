"""The item of a tool call in the transcript: what the model asked for, and what each event makes of it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from turnlog.domain import (
    Event,
    PermissionResolved,
    PermissionStale,
    SessionForked,
    ToolCallAmended,
    ToolCallBlock,
    ToolCallDenied,
    ToolCallFinished,
    ToolCallStarted,
    ToolOutcomeResolved,
    ToolOutcomeUnknown,
)

from .call_status import CallFact, TurnOver, status_after, status_when_over
from .items import ModelSaid, ToolUsed


def proposed(said: ModelSaid, block: ToolCallBlock) -> ToolUsed:
    """The item of a call as the model asks for it."""
    return ToolUsed(
        stream=said.stream,
        version=said.version,
        at=said.at,
        turn_id=said.turn_id,
        call_id=block.call_id,
        tool=block.name,
        arguments=block.arguments,
        changed=said.version,
    )


def learnt(used: ToolUsed, version: int, event: CallFact) -> ToolUsed:
    """The item after a fact about its call, or about the question it waits for."""
    used = replace(used, status=status_after(used.status, event), changed=version)
    learn = _LESSONS.get(type(event))
    return learn(used, event) if learn else used


def left_open(used: ToolUsed, version: int, event: TurnOver | SessionForked) -> ToolUsed:
    """The item of a call that was not settled when its turn ended, or when the session was forked."""
    return replace(used, status=status_when_over(used.status, event), changed=version)


def _amended(used: ToolUsed, event: ToolCallAmended) -> ToolUsed:
    return replace(used, arguments=event.arguments, amended_by=event.source)


def _started(used: ToolUsed, event: ToolCallStarted) -> ToolUsed:
    used = replace(used, attempt=event.attempt, started_at=event.at, finished_at=None, reason="")
    return replace(used, resolution=None, settled_by=None, settled_at=None, stated=None)


def _finished(used: ToolUsed, event: ToolCallFinished) -> ToolUsed:
    return replace(
        used,
        content=event.content,
        is_error=event.is_error,
        full=event.full,
        finished_at=event.at,
        duration_ms=event.duration_ms,
    )


def _denied(used: ToolUsed, event: ToolCallDenied) -> ToolUsed:
    return replace(used, denied_by=event.by, reason=event.reason)


def _answered(used: ToolUsed, event: PermissionResolved) -> ToolUsed:
    return replace(used, reason=event.reason)


def _stale(used: ToolUsed, event: PermissionStale) -> ToolUsed:
    """The reason for what no longer counts goes with it."""
    return replace(used, reason="")


def _unknown(used: ToolUsed, event: ToolOutcomeUnknown) -> ToolUsed:
    return replace(used, reason=event.reason)


def _resolved(used: ToolUsed, event: ToolOutcomeResolved) -> ToolUsed:
    used = replace(used, resolution=event.resolution, reason=event.reason, stated=event.result)
    return replace(used, settled_by=str(event.actor), settled_at=event.at) if event.attributed else used


_LESSONS: Mapping[type[Event], Callable[[ToolUsed, Any], ToolUsed]] = {
    ToolCallAmended: _amended,
    ToolCallStarted: _started,
    ToolCallFinished: _finished,
    ToolCallDenied: _denied,
    ToolOutcomeUnknown: _unknown,
    ToolOutcomeResolved: _resolved,
    PermissionResolved: _answered,
    PermissionStale: _stale,
}

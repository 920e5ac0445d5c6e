"""Tool calls: one row a call, with who decided on it and where in the log each step is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from turnlog.domain import (
    Body,
    Effect,
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
    SessionForked,
    Settlement,
    ToolCallAmended,
    ToolCallAuthorized,
    ToolCallBlock,
    ToolCallDenied,
    ToolCallFinished,
    ToolCallStarted,
    ToolOutcomeResolved,
    ToolOutcomeUnknown,
    TurnCancelled,
    TurnCompleted,
    TurnFailed,
)

from .call_status import CallFact, CallStatus, TurnOver, is_settled, status_after, status_when_over
from .projection import Projection
from .questions import Questions


@dataclass(frozen=True, slots=True)
class Step:
    """An event about a call, and its place."""

    event: str
    stream: str
    version: int


@dataclass(frozen=True, slots=True)
class CallRow:
    """A tool call. `decided_by` and `source` say on whose word it ran or did not (a rule's id, a request's id, a name).

    `request_id` is the latest question it waited for, its own or that of an identical call.
    `amended_by` names the hook or person whose arguments it is to run with, which are in `amended_arguments`.
    `reused` is the result on record that took its effect's place, as `ID@42`: nothing ran.
    """

    call_id: str
    turn_id: str
    tool: str
    status: CallStatus
    steps: tuple[Step, ...]
    attempts: int = 0
    effect: Effect | None = None
    decided_by: str | None = None
    source: str | None = None
    request_id: str | None = None
    duration_ms: int | None = None
    is_error: bool = False
    resolution: Settlement | None = None
    amended_by: str | None = None
    amended_arguments: Body | None = None
    reused: str | None = None


@dataclass(slots=True)
class ToolCalls:
    """The rows by call id, in the order of the calls; `unsettled` are those that the end of a turn would end."""

    rows: dict[str, CallRow] = field(default_factory=dict[str, CallRow])
    unsettled: dict[str, None] = field(default_factory=dict[str, None])
    questions: Questions = field(default_factory=Questions)

    def put(self, row: CallRow) -> None:
        """Add a row or replace it in its place."""
        self.rows[row.call_id] = row
        if is_settled(row.status):
            self.unsettled.pop(row.call_id, None)
        else:
            self.unsettled[row.call_id] = None


def _fold(calls: ToolCalls, recorded: Recorded) -> ToolCalls:
    event = recorded.event
    match event:
        case ModelResponded():
            _propose(calls, recorded, event)
        case SessionForked() | TurnCompleted() | TurnFailed() | TurnCancelled():
            _settle(calls, recorded, event)
        case _ if type(event) in _LESSONS:
            _take_in(calls, recorded, event)
        case _:
            pass
    return calls


def _step(recorded: Recorded) -> Step:
    return Step(type(recorded.event).__name__, recorded.stream, recorded.version)


def _propose(calls: ToolCalls, recorded: Recorded, event: ModelResponded) -> None:
    for block in event.blocks:
        if isinstance(block, ToolCallBlock) and block.call_id not in calls.rows:
            calls.put(CallRow(block.call_id, event.turn_id, block.name, "proposed", (_step(recorded),)))


def _settle(calls: ToolCalls, recorded: Recorded, event: TurnOver | SessionForked) -> None:
    for row in [calls.rows[call_id] for call_id in calls.unsettled]:
        if isinstance(event, SessionForked) or row.turn_id == event.turn_id:
            status = status_when_over(row.status, event)
            calls.put(replace(row, status=status, steps=(*row.steps, _step(recorded))))


def _take_in(calls: ToolCalls, recorded: Recorded, event: Any) -> None:
    for call_id in calls.questions.concerned(event):
        row = calls.rows.get(call_id)
        if row is not None and (call_id == event.call_id or row.status == "waiting"):
            row = replace(row, status=status_after(row.status, event), steps=(*row.steps, _step(recorded)))
            calls.put(_LESSONS[type(event)](row, event))


def _amended(row: CallRow, event: ToolCallAmended) -> CallRow:
    return replace(row, amended_by=event.source, amended_arguments=event.arguments)


def _asked(row: CallRow, event: PermissionRequested | PermissionJoined) -> CallRow:
    return replace(row, request_id=event.request_id)


def _decided(row: CallRow, event: ToolCallAuthorized | ToolCallDenied) -> CallRow:
    return replace(row, decided_by=event.by, source=event.source)


def _undecided(row: CallRow, event: PermissionStale) -> CallRow:
    return replace(row, decided_by=None, source=None)


def _started(row: CallRow, event: ToolCallStarted) -> CallRow:
    return replace(row, attempts=event.attempt, effect=event.effect, resolution=None, reused=event.reused)


def _finished(row: CallRow, event: ToolCallFinished) -> CallRow:
    return replace(row, duration_ms=event.duration_ms, is_error=event.is_error)


def _resolved(row: CallRow, event: ToolOutcomeResolved) -> CallRow:
    return replace(row, resolution=event.resolution)


def _nothing_more(row: CallRow, event: CallFact) -> CallRow:
    return row


_LESSONS: Mapping[type[Event], Callable[[CallRow, Any], CallRow]] = {
    ToolCallAmended: _amended,
    ToolCallAuthorized: _decided,
    ToolCallDenied: _decided,
    ToolCallStarted: _started,
    ToolCallFinished: _finished,
    ToolOutcomeUnknown: _nothing_more,
    ToolOutcomeResolved: _resolved,
    PermissionRequested: _asked,
    PermissionJoined: _asked,
    PermissionEndorsed: _nothing_more,
    PermissionResolved: _nothing_more,
    PermissionExpired: _nothing_more,
    PermissionWithdrawn: _nothing_more,
    PermissionStale: _undecided,
}

TOOL_CALLS: Projection[ToolCalls] = Projection("tool_calls", 4, ToolCalls, _fold)

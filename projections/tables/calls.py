"""The table of tool calls: one row a call, the same as `TOOL_CALLS` makes of the call's own stream."""

from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from pydantic import TypeAdapter

from turnlog.domain import (
    Event,
    ModelResponded,
    Recorded,
    SessionForked,
    ToolCallBlock,
    ToolCallEvent,
    ToolCallFinished,
    ToolCallStarted,
    TurnCancelled,
    TurnCompleted,
    TurnFailed,
)

from ..calls import TOOL_CALLS, CallRow, Step, ToolCalls
from ..questions import Questions
from .rows import Key, Rows
from .table import Batch, Row, Table, TableFold

CALL_ROWS = Table(
    "tool_calls",
    {
        "session_id": "text",
        "call_id": "text",
        "turn_id": "text",
        "tool": "text",
        "status": "text",
        "effect": "text",
        "decided_by": "text",
        "source": "text",
        "request_id": "text",
        "attempts": "integer",
        "duration_ms": "integer",
        "is_error": "boolean",
        "resolution": "text",
        "amended_by": "text",
        "amended_arguments": "json",
        "reused": "text",
        "proposed_at": "time",
        "started_at": "time",
        "finished_at": "time",
        "changed_at": "time",
        "steps": "json",
    },
    key=("session_id", "call_id"),
    indexes=(("proposed_at",), ("tool", "proposed_at"), ("status",)),
)
OPEN_ROWS = Table(
    "tool_calls_open",
    {"session_id": "text", "unsettled": "json", "questions": "json"},
    key=("session_id",),
    hidden=frozenset({"session_id", "unsettled", "questions"}),
)
_FIELDS = tuple(field.name for field in fields(CallRow))
_TIMES = ("proposed_at", "started_at", "finished_at", "changed_at")
_CALL = TypeAdapter(CallRow)
_CHANGING = (ModelResponded, ToolCallEvent, SessionForked, TurnCompleted, TurnFailed, TurnCancelled)


def call_of(row: Row) -> CallRow:
    """A call from its row."""
    values: dict[str, Any] = {name: row[name] for name in _FIELDS}
    values["steps"] = tuple(Step(event, stream, version) for event, stream, version in values["steps"])
    if values["amended_arguments"] is not None:
        return _CALL.validate_python(values)
    return CallRow(**values)


def _row_of(call: CallRow, session_id: str, times: Row) -> Row:
    row: Row = {name: getattr(call, name) for name in _FIELDS}
    row["steps"] = [[step.event, step.stream, step.version] for step in call.steps]
    arguments = call.amended_arguments
    row["amended_arguments"] = (
        arguments if arguments is None or isinstance(arguments, str) else arguments.model_dump(mode="json")
    )
    return {**row, **times, "session_id": session_id}


class _Sessions:
    """The state of the fold for each stream of a batch: no more of it than the batch needs."""

    def __init__(self, rows: Rows, events: Iterable[Recorded]) -> None:
        self._rows = rows
        self._states: dict[str, ToolCalls] = {}
        self._times: dict[Key, Row] = {}
        relevant = [recorded for recorded in events if isinstance(recorded.event, _CHANGING)]
        rows.want(OPEN_ROWS.name, ((recorded.stream,) for recorded in relevant))
        for stream in dict.fromkeys(recorded.stream for recorded in relevant):
            self._states[stream] = self._state(stream)
        rows.want(CALL_ROWS.name, self._needed(relevant))
        for stream, call_id in dict.fromkeys(self._needed(relevant)):
            self._bring(stream, call_id)
        self.events = relevant

    def _state(self, stream: str) -> ToolCalls:
        row = self._rows.get(OPEN_ROWS.name, stream)
        if row is None:
            return ToolCalls()
        questions = {request: tuple(calls) for request, calls in row["questions"].items()}
        return ToolCalls(unsettled=dict.fromkeys(row["unsettled"]), questions=Questions(questions))

    def _needed(self, events: Iterable[Recorded]) -> Iterable[Key]:
        for stream, state in self._states.items():
            yield from ((stream, call_id) for call_id in _open(state))
        for recorded in events:
            yield from ((recorded.stream, call_id) for call_id in _named(recorded.event))

    def _bring(self, stream: str, call_id: str) -> None:
        row = self._rows.get(CALL_ROWS.name, stream, call_id)
        if row is not None:
            self._states[stream].rows[call_id] = call_of(row)
            self._times[stream, call_id] = {name: row[name] for name in _TIMES}

    def take_in(self, recorded: Recorded) -> None:
        """Fold one event, and put down which calls it changed."""
        stream = recorded.stream
        state = self._states[stream]
        candidates = dict.fromkeys([*_open(state), *_named(recorded.event)])
        state = TOOL_CALLS.fold(state, recorded)
        for call_id in candidates:
            call = state.rows.get(call_id)
            if call is not None and call.steps[-1].version == recorded.version:
                times = self._times.setdefault((stream, call_id), dict.fromkeys(_TIMES))
                _note_time(times, recorded.event)
                self._rows.put(CALL_ROWS.name, _row_of(call, stream, times))

    def close(self) -> None:
        """Keep what the next batch has to know."""
        for stream, state in self._states.items():
            known = self._rows.get(OPEN_ROWS.name, stream)
            questions = {request: list(calls) for request, calls in state.questions.calls.items()}
            row = {"session_id": stream, "unsettled": list(state.unsettled), "questions": questions}
            if not state.unsettled and not questions:
                if known is not None:
                    self._rows.delete(OPEN_ROWS.name, stream)
            elif row != known:
                self._rows.put(OPEN_ROWS.name, row)


def _open(state: ToolCalls) -> Iterable[str]:
    yield from state.unsettled
    for calls in state.questions.calls.values():
        yield from calls


def _named(event: Event) -> Iterable[str]:
    if isinstance(event, ToolCallEvent):
        yield event.call_id
    elif isinstance(event, ModelResponded):
        yield from (block.call_id for block in event.blocks if isinstance(block, ToolCallBlock))


def _note_time(times: Row, event: Event) -> None:
    times["changed_at"] = event.at
    times["proposed_at"] = times["proposed_at"] or event.at
    if isinstance(event, ToolCallStarted):
        times["started_at"], times["finished_at"] = event.at, None
    elif isinstance(event, ToolCallFinished):
        times["finished_at"] = event.at


def _apply(batch: Batch) -> None:
    sessions = _Sessions(batch.rows, batch.events)
    for recorded in sessions.events:
        sessions.take_in(recorded)
    sessions.close()


CALL_TABLE = TableFold("tool_calls", 2, (CALL_ROWS, OPEN_ROWS), _apply)

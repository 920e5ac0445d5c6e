"""Background tasks and how they stand, from the log alone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from turnlog.domain import (
    BackgroundTask,
    BackgroundTaskEvent,
    BackgroundTaskFinished,
    BackgroundTaskLost,
    BackgroundTaskOutput,
    BackgroundTaskStarted,
    BackgroundTaskStopRequested,
    Event,
    Recorded,
    SessionForked,
)

from .projection import Projection


@dataclass(slots=True)
class TaskRows:
    """All tasks so far, by id, oldest first."""

    rows: dict[str, BackgroundTask] = field(default_factory=dict[str, BackgroundTask])


def _fold(tasks: TaskRows, recorded: Recorded) -> TaskRows:
    event = recorded.event
    match event:
        case BackgroundTaskStarted():
            tasks.rows[event.task_id] = _started(event)
        case BackgroundTaskEvent() if (task := tasks.rows.get(event.task_id)) is not None:
            tasks.rows[event.task_id] = _CHANGES[type(event)](task, event)
        case SessionForked():
            for task in [task for task in tasks.rows.values() if task.state == "running"]:
                tasks.rows[task.task_id] = replace(task, state="left", reason=f"it belongs to session {event.parent}")
        case _:
            pass
    return tasks


def _started(event: BackgroundTaskStarted) -> BackgroundTask:
    return BackgroundTask(
        task_id=event.task_id,
        call_id=event.call_id,
        tool=event.tool,
        command=event.command,
        worker=event.worker,
        started_at=event.at,
        seconds=event.seconds,
        sandbox=event.sandbox,
    )


def _wrote(task: BackgroundTask, event: BackgroundTaskOutput) -> BackgroundTask:
    return replace(task, output=event.output)


def _asked_to_stop(task: BackgroundTask, event: BackgroundTaskStopRequested) -> BackgroundTask:
    return replace(task, stopping=True)


def _finished(task: BackgroundTask, event: BackgroundTaskFinished) -> BackgroundTask:
    return replace(
        task,
        state=event.status,
        ended_at=event.at,
        exit_status=event.exit_status,
        signal=event.signal,
        reason=event.reason,
        duration_ms=event.duration_ms,
        output=event.output or task.output,
    )


def _lost(task: BackgroundTask, event: BackgroundTaskLost) -> BackgroundTask:
    return replace(task, state="lost", ended_at=event.at, reason=event.reason)


_CHANGES: Mapping[type[Event], Callable[[BackgroundTask, Any], BackgroundTask]] = {
    BackgroundTaskOutput: _wrote,
    BackgroundTaskStopRequested: _asked_to_stop,
    BackgroundTaskFinished: _finished,
    BackgroundTaskLost: _lost,
}

BACKGROUND: Projection[TaskRows] = Projection("background", 1, TaskRows, _fold)

"""Background tasks in words: for the lines of a log, and for whoever asks how one stands."""

import signal
from collections.abc import Callable, Mapping
from typing import Any

from turnlog.domain import (
    BackgroundTask,
    BackgroundTaskFinished,
    BackgroundTaskLost,
    BackgroundTaskOutput,
    BackgroundTaskStarted,
    BackgroundTaskStopRequested,
    Event,
    TaskOutput,
    text_of,
)

from .words import Words

_SIGNALS: Mapping[int, str] = {int(each): each.name for each in signal.Signals}


def signal_name(number: int) -> str:
    """What a signal is called here."""
    return _SIGNALS.get(number, f"signal {number}")


def how_it_stands(task: BackgroundTask) -> str:
    """The state of a task in a few words."""
    match task.state:
        case "running":
            return "running, told to stop" if task.stopping else "running"
        case "lost":
            return f"lost: {task.reason}"
        case "left":
            return f"left behind: {task.reason}"
        case _:
            return _how_it_ended(task.state, task)


def _how_it_ended(how: str, task: BackgroundTask | BackgroundTaskFinished) -> str:
    why = f" ({task.reason})" if task.reason else ""
    took = f" after {(task.duration_ms or 0) / 1000:.1f} s{why}"
    match how:
        case "exited" if task.signal is not None:
            return f"killed by {signal_name(task.signal)}{took}"
        case "exited":
            return f"exited with status {task.exit_status}{took}"
        case "timed_out":
            return f"stopped at its time limit{took}"
        case "stopped":
            return f"stopped{took}"
        case _:
            return f"never ran: {task.reason}"


def _started(event: BackgroundTaskStarted) -> Words:
    sandbox = "" if event.sandbox == "none" else f"in {event.sandbox}"
    return "plain", ("background task started", event.task_id, text_of(event.command), sandbox)


def _wrote(event: BackgroundTaskOutput) -> Words:
    return "quiet", ("background task wrote", event.task_id, _sizes(event.output))


def _asked_to_stop(event: BackgroundTaskStopRequested) -> Words:
    return "plain", ("background task to stop", event.task_id, event.reason)


def _finished(event: BackgroundTaskFinished) -> Words:
    good = event.status == "stopped" or event.exit_status == 0
    return "good" if good else "bad", ("background task over", event.task_id, _how_it_ended(event.status, event))


def _lost(event: BackgroundTaskLost) -> Words:
    return "bad", ("background task lost", event.task_id, event.reason)


def _sizes(output: TaskOutput) -> str:
    return f"{output.stdout.size + output.stderr.size:,} bytes"


TASK_WORDS: Mapping[type[Event], Callable[[Any], Words]] = {
    BackgroundTaskStarted: _started,
    BackgroundTaskOutput: _wrote,
    BackgroundTaskStopRequested: _asked_to_stop,
    BackgroundTaskFinished: _finished,
    BackgroundTaskLost: _lost,
}

"""Commands about background tasks. They go through while a turn runs: a task belongs to the session."""

from collections.abc import Collection
from dataclasses import dataclass

from ..at_work import RunningTask
from ..content import Body
from ..errors import CommandRefused, NotFound
from ..events import (
    BackgroundTaskFinished,
    BackgroundTaskLost,
    BackgroundTaskOutput,
    BackgroundTaskStarted,
    BackgroundTaskStopRequested,
    Event,
    Stamp,
    TaskEnd,
    TaskOutput,
)
from ..session import Session
from . import guards


@dataclass(frozen=True, slots=True)
class Beginning:
    """A task about to run. `most` tasks of the session may run at a time; `worker` is who runs this one."""

    call_id: str
    tool: str
    command: Body
    worker: str
    seconds: float
    most: int
    sandbox: str = "none"


def start(session: Session, by: Stamp, epoch: int, beginning: Beginning) -> tuple[Event, ...]:
    """Announce a task, under the next id, from a call that runs. Raises NotFound, SessionLost, CommandRefused."""
    call = guards.call_of(guards.open_turn(session, epoch), beginning.call_id)
    if call.state != "started" or call.epoch != epoch:
        raise CommandRefused(f"call {call.call_id} does not run here, so it starts no background task")
    tasks = session.background
    if len(tasks.running) >= beginning.most:
        raise CommandRefused(
            f"session {session.id} has {len(tasks.running)} background tasks running, and its policy allows "
            f"{beginning.most} at a time; wait for one, or stop one"
        )
    return (
        BackgroundTaskStarted(
            **guards.because(by, call.version),
            task_id=f"bg-{tasks.started + 1}",
            call_id=beginning.call_id,
            tool=beginning.tool,
            command=beginning.command,
            worker=beginning.worker,
            seconds=beginning.seconds,
            sandbox=beginning.sandbox,
        ),
    )


def keep_output(session: Session, by: Stamp, task_id: str, output: TaskOutput) -> tuple[Event, ...]:
    """Record what a task has written so far. Raises NotFound, CommandRefused."""
    task = _running(session, task_id)
    return (BackgroundTaskOutput(**guards.because(by, task.version), task_id=task_id, output=output),)


def request_stop(session: Session, by: Stamp, task_id: str, reason: str = "") -> tuple[Event, ...]:
    """Have a task stopped; nothing happens where that was asked for already. Raises NotFound, CommandRefused."""
    task = _running(session, task_id)
    if task.stopping:
        return ()
    return (BackgroundTaskStopRequested(**guards.because(by, task.version), task_id=task_id, reason=reason),)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a task ended."""

    status: TaskEnd
    exit_status: int | None = None
    signal: int | None = None
    reason: str = ""
    duration_ms: int = 0
    output: TaskOutput | None = None


def finish(session: Session, by: Stamp, task_id: str, ending: Ending) -> tuple[Event, ...]:
    """Record that a task is over. Raises NotFound, CommandRefused."""
    task = _running(session, task_id)
    return (
        BackgroundTaskFinished(
            **guards.because(by, task.version),
            task_id=task_id,
            status=ending.status,
            exit_status=ending.exit_status,
            signal=ending.signal,
            reason=ending.reason,
            duration_ms=ending.duration_ms,
            output=ending.output,
        ),
    )


def lose(session: Session, by: Stamp, gone: Collection[str], reason: str) -> tuple[Event, ...]:
    """Record as lost the tasks whose workers are among those gone; nothing happens without any. Raises NotFound."""
    guards.started(session)
    return tuple(
        BackgroundTaskLost(**guards.because(by, task.version), task_id=task.task_id, reason=reason)
        for task in session.background.running
        if task.worker in gone
    )


def _running(session: Session, task_id: str) -> RunningTask:
    guards.started(session)
    task = session.background.task(task_id)
    if task is not None:
        return task
    if task_id in session.background.ids:
        raise CommandRefused(f"background task {task_id} of session {session.id} runs no more")
    raise NotFound(f"session {session.id} has no background task {task_id!a}")

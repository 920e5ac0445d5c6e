"""The fold of background tasks: which of them run, and which ends the model has not been told of."""

from ..at_work import Background, RunningTask
from ..events import (
    BackgroundTaskFinished,
    BackgroundTaskLost,
    BackgroundTaskStarted,
    BackgroundTaskStopRequested,
    InputQueued,
)
from ..replacing import replace
from ..session import Session

_FRESH = Background()


def task_started(session: Session, event: BackgroundTaskStarted) -> Session:
    tasks = session.background
    task = RunningTask(event.task_id, event.worker, session.version)
    return _with(session, replace(tasks, started=tasks.started + 1, running=(*tasks.running, task)))


def stop_requested(session: Session, event: BackgroundTaskStopRequested) -> Session:
    tasks = session.background
    running = tuple(
        [
            replace(task, stopping=True, version=session.version) if task.task_id == event.task_id else task
            for task in tasks.running
        ]
    )
    return _with(session, replace(tasks, running=running))


def task_over(session: Session, event: BackgroundTaskFinished | BackgroundTaskLost) -> Session:
    """One that never ran is no news: the call that was to start it says so."""
    tasks = session.background
    if tasks.task(event.task_id) is None:
        return session
    running = tuple(task for task in tasks.running if task.task_id != event.task_id)
    is_news = isinstance(event, BackgroundTaskLost) or event.status != "failed"
    untold = (*tasks.untold, event.task_id) if is_news else tasks.untold
    return _with(session, replace(tasks, running=running, untold=untold))


def told(session: Session, event: InputQueued) -> Session:
    tasks = session.background
    if not event.tasks or not tasks.untold:
        return session
    return _with(session, replace(tasks, untold=tuple(task for task in tasks.untold if task not in event.tasks)))


def left_behind(tasks: Background) -> Background:
    """The tasks of a fork: none, but no id comes twice in what its model has read."""
    return replace(_FRESH, started=tasks.started)


def _with(session: Session, tasks: Background) -> Session:
    return replace(session, background=tasks)

"""Facts about background tasks: programs of a session that go on when the call that started them has returned."""

from typing import Literal

from ..content import Body, Value
from .base import Event
from .tool import Redaction

TaskEnd = Literal["exited", "stopped", "timed_out", "failed"]
"""How a task ended: by itself, on demand, at its time limit, or without ever having run."""


class StreamKept(Value):
    """What is kept of a stream: text, with a line where the middle was cut; bytes in all, and bytes not kept."""

    text: Body
    size: int
    cut: int = 0


class TaskOutput(Value):
    """Both streams of a task up to some moment, and the secrets that were taken out of what is kept of them."""

    stdout: StreamKept
    stderr: StreamKept
    redactions: tuple[Redaction, ...] | None = None


class BackgroundTaskEvent(Event):
    """An event about one task. Tasks belong to the session, not to a turn; ids count from `bg-1`, none comes twice."""

    task_id: str


class BackgroundTaskStarted(BackgroundTaskEvent):
    """A program is about to run in the background. Durable before it does.

    `worker` is who runs it, and nobody else can; `seconds` is how long it may run.
    """

    call_id: str
    tool: str
    command: Body
    worker: str
    seconds: float
    sandbox: str = "none"


class BackgroundTaskOutput(BackgroundTaskEvent):
    """What the task had written by now, kept in case its worker dies; replaces what was kept before."""

    output: TaskOutput


class BackgroundTaskStopRequested(BackgroundTaskEvent):
    """Whoever runs the task is to stop it."""

    reason: str = ""


class BackgroundTaskFinished(BackgroundTaskEvent):
    """The task is over and nothing of it is left. One that `failed` never ran; `reason` says why.

    `exit_status` is that of a program that exited, `signal` the number of the signal that ended it.
    """

    status: TaskEnd
    exit_status: int | None = None
    signal: int | None = None
    reason: str = ""
    duration_ms: int = 0
    output: TaskOutput | None = None


class BackgroundTaskLost(BackgroundTaskEvent):
    """Whoever ran the task is gone; how far it came nobody knows."""

    reason: str

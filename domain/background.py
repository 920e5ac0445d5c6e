"""Background tasks as tools see them: starting programs that outlive their call, and looking after them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from .content import Body
from .events import TaskOutput

TaskState = Literal["running", "exited", "stopped", "timed_out", "failed", "lost", "left"]
"""`lost`: whoever ran it is gone. `left`: it stayed with the session that this one was forked from."""

Stream = Literal["stdout", "stderr"]


@dataclass(frozen=True, slots=True)
class BackgroundTask:
    """A task as the log tells of it. `output` is what was recorded last; a running task may have written more."""

    task_id: str
    call_id: str
    tool: str
    command: Body
    worker: str
    started_at: datetime
    seconds: float
    sandbox: str = "none"
    state: TaskState = "running"
    stopping: bool = False
    ended_at: datetime | None = None
    exit_status: int | None = None
    signal: int | None = None
    reason: str = ""
    duration_ms: int | None = None
    output: TaskOutput | None = None


@dataclass(frozen=True, slots=True)
class Exit:
    """How a program ended: its exit status, or the signal that ended it; neither where it could not be ended.

    `note` says what else is to be known.
    """

    exit_status: int | None = None
    signal: int | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class StreamSoFar:
    """What a stream has held so far: the text that is kept, bytes in all, bytes not kept."""

    text: str
    size: int
    cut: int = 0


class RunningProgram(Protocol):
    """A program that runs, in a group of its own."""

    @property
    def written(self) -> int:
        """Bytes it has written to both streams."""
        ...

    def so_far(self, stream: Stream) -> StreamSoFar:
        """What it has written. Bounded, however much that was."""
        ...

    async def wait(self) -> Exit:
        """Return when the program has ended and nothing it started is left. May be cancelled, and called again."""
        ...

    async def stop(self) -> None:
        """End it with everything it started, by force if need be. Nothing happens where it has ended."""
        ...


@dataclass(frozen=True, slots=True)
class TaskToStart:
    """What is to run: the command as text, for how many seconds at most, and at which sandbox level."""

    tool: str
    command: str
    seconds: float
    sandbox: str = "none"


@dataclass(frozen=True, slots=True)
class BackgroundTasks:
    """The background tasks of the session that a call belongs to: `context.of(BackgroundTasks)`.

    `start` has a program started and gives the id of its task; raises CommandRefused where as many run as may, and what
    starting raises. `list` gives all tasks, oldest first. `wait` returns once a task has ended, or after so many
    seconds; `stop` ends one and waits for that. `output` is the text kept of a stream. They raise NotFound for an id
    that no task has, StoreError, BlobMissing, BlobDamaged.
    """

    start: Callable[[TaskToStart, Callable[[], Awaitable[RunningProgram]]], Awaitable[str]]
    list: Callable[[], Awaitable[tuple[BackgroundTask, ...]]]
    wait: Callable[[str, float], Awaitable[BackgroundTask]]
    stop: Callable[[str], Awaitable[BackgroundTask]]
    output: Callable[[str, Stream], Awaitable[StreamSoFar]]

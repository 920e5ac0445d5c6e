"""The task board of a project: what is to be done, in which order, and who is at it. Readiness is derived."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from .content import Body
from .events import (
    Actor,
    BoardEvent,
    Event,
    Stamp,
    TaskAdded,
    TaskChanged,
    TaskClaimed,
    TaskCompleted,
    TaskDropped,
    TaskReleased,
    TaskReopened,
)
from .origin import Origin

BOARDS = "tasks."
"""What the streams of task boards begin with."""

BOARD_TOOLS = ("task_list", "task_add", "task_claim", "task_update")
"""The tools that work with a board."""

BoardTaskState = Literal["open", "claimed", "completed", "dropped"]
Readiness = Literal["ready", "blocked", "claimed", "completed", "dropped"]
READINESS: tuple[Readiness, ...] = ("claimed", "ready", "blocked", "completed", "dropped")
"""In the order in which a board is shown."""


@dataclass(frozen=True, slots=True)
class BoardTask:
    """A task. `holder` works on it, since its call `claimed_by`; `added_by` is the call that added it.

    `version` is that of the latest event about it.
    """

    task_id: str
    subject: str
    version: int
    added_at: datetime
    changed_at: datetime
    actor: Actor
    state: BoardTaskState = "open"
    description: Body | None = None
    blocked_by: tuple[str, ...] = ()
    holder: str | None = None
    result: Body | None = None
    reason: str = ""
    session_id: str | None = None
    added_by: str | None = None
    claimed_by: str | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing is to be done any more."""
        return self.state in ("completed", "dropped")


@dataclass(frozen=True, slots=True)
class TaskBoard:
    """All tasks there ever were, by id, oldest first."""

    version: int = 0
    tasks: Mapping[str, BoardTask] = field(default_factory=dict[str, BoardTask])

    def blockers(self, task: BoardTask) -> tuple[str, ...]:
        """The tasks that have to be over first."""
        return tuple(each for each in task.blocked_by if each in self.tasks and not self.tasks[each].is_over)

    def dependents(self, task_id: str) -> tuple[str, ...]:
        """The tasks that wait for this one and are not over."""
        return tuple(task.task_id for task in self.tasks.values() if task_id in task.blocked_by and not task.is_over)

    def readiness(self, task: BoardTask) -> Readiness:
        """Where a task stands: one that is to be done is ready, or blocked by others."""
        if task.state != "open":
            return task.state
        return "blocked" if self.blockers(task) else "ready"

    def ready(self) -> tuple[BoardTask, ...]:
        """What may be claimed, oldest first."""
        return tuple(task for task in self.tasks.values() if self.readiness(task) == "ready")

    def held(self, holder: str) -> tuple[BoardTask, ...]:
        """What a holder works on."""
        return tuple(task for task in self.tasks.values() if task.holder == holder)

    def leads_to(self, task_id: str, others: Iterable[str]) -> bool:
        """Whether any of the others waits for a task, however far off; the task itself does."""
        left, seen = [*others], set[str]()
        while left:
            found = left.pop()
            if found == task_id:
                return True
            if found not in seen and found in self.tasks:
                seen.add(found)
                left.extend(self.tasks[found].blocked_by)
        return False


def board_stream(project: str | None, session_id: str) -> str:
    """The stream of the board that a session works with: its project's, or its own where it has no project."""
    return f"{BOARDS}session.{session_id}" if project is None else f"{BOARDS}project.{project}"


def board_after(board: TaskBoard, events: Iterable[Event]) -> TaskBoard:
    """The board after further events of its stream. Total: an event about a task that is not there changes none."""
    tasks, version = dict(board.tasks), board.version
    for event in events:
        version += 1
        match event:
            case TaskAdded():
                tasks[event.task_id] = _added(event, version)
            case BoardEvent() if (task := tasks.get(event.task_id)) is not None:
                tasks[event.task_id] = replace(_after(task, event), version=version, changed_at=event.at)
            case _:
                pass
    return TaskBoard(version, tasks)


def _added(event: TaskAdded, version: int) -> BoardTask:
    return BoardTask(
        task_id=event.task_id,
        subject=event.subject,
        version=version,
        added_at=event.at,
        changed_at=event.at,
        actor=event.actor,
        description=event.description,
        blocked_by=event.blocked_by,
        session_id=event.session_id,
        added_by=event.call_id,
    )


def _after(task: BoardTask, event: BoardEvent) -> BoardTask:
    match event:
        case TaskChanged():
            return replace(
                task,
                subject=task.subject if event.subject is None else event.subject,
                description=task.description if event.description is None else event.description,
                blocked_by=task.blocked_by if event.blocked_by is None else event.blocked_by,
            )
        case TaskClaimed():
            return replace(task, state="claimed", holder=event.holder, claimed_by=event.call_id, reason="")
        case TaskReleased():
            return _unclaimed(task, "open", event.reason)
        case TaskCompleted():
            return replace(task, state="completed", result=event.result, reason="")
        case TaskReopened():
            return replace(_unclaimed(task, "open", event.reason), result=None)
        case TaskDropped():
            return _unclaimed(task, "dropped", event.reason)
        case _:
            return task


def _unclaimed(task: BoardTask, state: BoardTaskState, reason: str) -> BoardTask:
    return replace(task, state=state, holder=None, claimed_by=None, reason=reason)


BoardDecision = Callable[[TaskBoard, Stamp], Sequence[Event]]


@dataclass(frozen=True, slots=True)
class BoardAccess:
    """The board of the session that a call belongs to: `context.of(BoardAccess)`.

    `read` gives it as it stands. `decide` takes a decision on it, again where somebody else was faster, appends what
    that gives, and returns the board after it. `keep` makes a text fit for an event. They raise what the decision
    raises, StoreError.
    """

    origin: Origin
    read: Callable[[], Awaitable[TaskBoard]]
    decide: Callable[[BoardDecision], Awaitable[TaskBoard]]
    keep: Callable[[str], Awaitable[Body]]
    text: Callable[[Body], Awaitable[str]]

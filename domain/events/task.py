"""Facts about a task board: work to be done in a project, whose turn it is, and what waits for what."""

from ..content import Body
from .base import Event


class BoardEvent(Event):
    """An event about one task of a board. Ids count from `task-1`, and none comes twice.

    `session_id` and `call_id` say in which session, and by which of its calls; None where a person did it.
    """

    task_id: str
    session_id: str | None = None
    call_id: str | None = None


class TaskAdded(BoardEvent):
    """There is one more thing to do; it waits until the tasks in `blocked_by` are over."""

    subject: str
    description: Body | None = None
    blocked_by: tuple[str, ...] = ()


class TaskChanged(BoardEvent):
    """What a task says, or waits for, is another; None leaves it as it was."""

    subject: str | None = None
    description: Body | None = None
    blocked_by: tuple[str, ...] | None = None


class TaskClaimed(BoardEvent):
    """From now on one holder alone works on the task: a session, by its id, or a person, as `user:ada`."""

    holder: str


class TaskReleased(BoardEvent):
    """Nobody works on the task any more, and it is not done."""

    reason: str = ""


class TaskCompleted(BoardEvent):
    """The task is done, and what waited for it need not any more."""

    result: Body | None = None


class TaskReopened(BoardEvent):
    """The task was done and is to be done again; what waits for it does so again."""

    reason: str = ""


class TaskDropped(BoardEvent):
    """The task is not to be done."""

    reason: str = ""

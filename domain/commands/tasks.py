"""Commands about the tasks of a board. What was done once by a call is not done again when the call is repeated."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..content import Body
from ..errors import CommandRefused, InvalidInput, NotFound
from ..events import (
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
from ..origin import A_PERSON, Origin
from ..task_board import BoardTask, TaskBoard

MOST_SUBJECT = 200
"""Characters of a subject."""

MOST_BLOCKERS = 100


@dataclass(frozen=True, slots=True)
class Wording:
    """What a task is to say, and to wait for; None leaves it as it is."""

    subject: str | None = None
    description: Body | None = None
    blocked_by: Sequence[str] | None = None


def holder_of(by: Stamp, origin: Origin) -> str:
    """Who a claim is for: the session; where there is none, who gives the command."""
    return str(by["actor"]) if origin.session_id is None else origin.session_id


def add(board: TaskBoard, by: Stamp, wording: Wording, origin: Origin = A_PERSON) -> tuple[Event, ...]:
    """Add a task; nothing happens where the call has added one. Raises InvalidInput, NotFound."""
    if added_by(board, origin) is not None:
        return ()
    task_id = f"task-{len(board.tasks) + 1}"
    blocked_by = _blockers(board, task_id, wording.blocked_by or ())
    subject = _subject(wording.subject or "")
    return (
        TaskAdded(
            **by,
            **origin.fields,
            task_id=task_id,
            subject=subject,
            description=wording.description,
            blocked_by=blocked_by,
        ),
    )


def added_by(board: TaskBoard, origin: Origin) -> BoardTask | None:
    """The task that a call has added."""
    if origin.call_id is None:
        return None
    return next((task for task in board.tasks.values() if task.added_by == origin.call_id), None)


def claimed_by(board: TaskBoard, origin: Origin) -> BoardTask | None:
    """The task that a call has claimed."""
    if origin.call_id is None:
        return None
    return next((task for task in board.tasks.values() if task.claimed_by == origin.call_id), None)


def change(board: TaskBoard, by: Stamp, task_id: str, wording: Wording, origin: Origin = A_PERSON) -> tuple[Event, ...]:
    """Change what a task says or waits for; nothing happens where nothing differs.

    Raises NotFound, InvalidInput, CommandRefused.
    """
    task = _in_hand(board, by, task_id, origin)
    if task.is_over:
        raise CommandRefused(f"{task_id} is {task.state}; reopen it to change it")
    subject = None if wording.subject is None else _subject(wording.subject)
    blocked_by = None if wording.blocked_by is None else _blockers(board, task_id, wording.blocked_by)
    changed = TaskChanged(
        **by,
        **origin.fields,
        task_id=task_id,
        subject=None if subject == task.subject else subject,
        description=None if wording.description == task.description else wording.description,
        blocked_by=None if blocked_by == task.blocked_by else blocked_by,
    )
    return (changed,) if changed != TaskChanged(**by, **origin.fields, task_id=task_id) else ()


def claim(board: TaskBoard, by: Stamp, task_id: str | None, origin: Origin = A_PERSON) -> tuple[Event, ...]:
    """Claim a task, or the oldest that is ready; nothing happens where the holder has it, or the call has claimed one.

    Raises NotFound, CommandRefused.
    """
    if claimed_by(board, origin) is not None:
        return ()
    holder = holder_of(by, origin)
    task = _first_ready(board) if task_id is None else _known(board, task_id)
    if task.holder == holder and task.state == "claimed":
        return ()
    _check_claimable(board, task)
    return (TaskClaimed(**by, **origin.fields, task_id=task.task_id, holder=holder),)


def _first_ready(board: TaskBoard) -> BoardTask:
    ready = board.ready()
    if not ready:
        raise CommandRefused("no task is ready: all are done, claimed, or blocked by others")
    return ready[0]


def _check_claimable(board: TaskBoard, task: BoardTask) -> None:
    match board.readiness(task):
        case "ready":
            return
        case "claimed":
            raise CommandRefused(f"{task.task_id} is claimed by {task.holder} already; take another one")
        case "blocked":
            raise CommandRefused(f"{task.task_id} is blocked by {', '.join(board.blockers(task))}; do that first")
        case over:
            raise CommandRefused(f"{task.task_id} is {over}; there is nothing to do")


def release(
    board: TaskBoard, by: Stamp, task_id: str, reason: str = "", origin: Origin = A_PERSON
) -> tuple[Event, ...]:
    """Give a task back that is not done; nothing happens where nobody has it. Raises NotFound, CommandRefused."""
    task = _in_hand(board, by, task_id, origin)
    if task.is_over:
        raise CommandRefused(f"{task_id} is {task.state}, so nobody works on it")
    return () if task.holder is None else (_released(by, task, reason, origin),)


def release_all(board: TaskBoard, by: Stamp, holder: str, reason: str) -> tuple[Event, ...]:
    """Give back everything a holder has and has not done."""
    return tuple(_released(by, task, reason, A_PERSON) for task in board.held(holder) if task.state == "claimed")


def _released(by: Stamp, task: BoardTask, reason: str, origin: Origin) -> TaskReleased:
    return TaskReleased(**by, **origin.fields, task_id=task.task_id, reason=reason)


def complete(
    board: TaskBoard, by: Stamp, task_id: str, result: Body | None = None, origin: Origin = A_PERSON
) -> tuple[Event, ...]:
    """Say that a task is done; nothing happens where it is. Raises NotFound, CommandRefused."""
    task = _known(board, task_id)
    if task.state == "completed":
        return ()
    _in_hand(board, by, task_id, origin)
    if task.state == "dropped":
        raise CommandRefused(f"{task_id} was dropped; add it again to do it")
    if blockers := board.blockers(task):
        raise CommandRefused(f"{task_id} is blocked by {', '.join(blockers)}, so it cannot be done yet")
    return (TaskCompleted(**by, **origin.fields, task_id=task_id, result=result),)


def reopen(board: TaskBoard, by: Stamp, task_id: str, reason: str = "", origin: Origin = A_PERSON) -> tuple[Event, ...]:
    """Have a task done again; nothing happens where it is not done yet. Raises NotFound, CommandRefused."""
    task = _known(board, task_id)
    if task.state == "dropped":
        raise CommandRefused(f"{task_id} was dropped; add it again to do it")
    if task.state != "completed":
        return ()
    return (TaskReopened(**by, **origin.fields, task_id=task_id, reason=reason),)


def drop(board: TaskBoard, by: Stamp, task_id: str, reason: str = "", origin: Origin = A_PERSON) -> tuple[Event, ...]:
    """Say that a task is not to be done; nothing happens where that was said. Raises NotFound, CommandRefused."""
    task = _known(board, task_id)
    if task.state == "dropped":
        return ()
    _in_hand(board, by, task_id, origin)
    if task.state == "completed":
        raise CommandRefused(f"{task_id} is done, so it cannot be dropped")
    if waiting := board.dependents(task_id):
        raise CommandRefused(f"{', '.join(waiting)} waits for {task_id}; change what it waits for, or drop it, first")
    return (TaskDropped(**by, **origin.fields, task_id=task_id, reason=reason),)


def _known(board: TaskBoard, task_id: str) -> BoardTask:
    task = board.tasks.get(task_id)
    if task is None:
        last = f"; the latest is task-{len(board.tasks)}" if board.tasks else "; the board is empty"
        raise NotFound(f"there is no task {task_id!a}{last}")
    return task


def _in_hand(board: TaskBoard, by: Stamp, task_id: str, origin: Origin) -> BoardTask:
    """A task that a session may change: one that no other session works on. A person may change any."""
    task = _known(board, task_id)
    if task.state == "claimed" and origin.session_id is not None and task.holder != holder_of(by, origin):
        raise CommandRefused(f"{task_id} is claimed by {task.holder}; leave it, or have a person release it")
    return task


def _subject(subject: str) -> str:
    subject = " ".join(subject.split())
    if not subject:
        raise InvalidInput("a task needs a subject that is not blank")
    if len(subject) > MOST_SUBJECT:
        raise InvalidInput(f"the subject of a task has at most {MOST_SUBJECT} characters; the rest is its description")
    return subject


def _blockers(board: TaskBoard, task_id: str, blocked_by: Sequence[str]) -> tuple[str, ...]:
    """What a task may wait for: tasks there are, that are not dropped, and none that waits for it."""
    wanted = tuple(dict.fromkeys(blocked_by))
    if len(wanted) > MOST_BLOCKERS:
        raise InvalidInput(f"a task waits for at most {MOST_BLOCKERS} others; put some of them together")
    for each in wanted:
        if each == task_id:
            raise InvalidInput(f"{task_id} cannot wait for itself")
        if _known(board, each).state == "dropped":
            raise InvalidInput(f"{each} was dropped, so nothing can wait for it")
        if board.leads_to(task_id, (each,)):
            raise InvalidInput(f"{task_id} cannot wait for {each}, which waits for {task_id}: they would go in circles")
    return wanted

"""tasks: what is to be done in a project, in which order, and who is at it."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from .opening import session_ids
from .options import Reason
from .output import note, table, write, write_json
from .owners import Owned, Owner, with_owned

if TYPE_CHECKING:
    from turnlog.domain import BoardTask, TaskBoard
    from turnlog.front import Turnlog
    from turnlog.runtime.teams.task_board import Tasks

TaskId = Annotated[str, typer.Argument(metavar="TASK", help="The task: its id, such as task-3.")]
After = Annotated[
    list[str] | None, typer.Option("--after", metavar="TASK", help="It waits for this task; may be repeated.")
]
Note = Annotated[str, typer.Option("--note", metavar="TEXT", help="What came of it; it is recorded.")]

_HEADINGS = ("TASK", "STATE", "SUBJECT", "WAITS FOR", "HOLDER")


async def _found(log: "Turnlog", whose: Owner) -> "Tasks":
    handle = await whose.handle(log)
    return log.tasks(whose.project) if handle is None else await handle.tasks()


@with_owned(_found)
async def list_(
    board: "Owned[Tasks]",
    all_: Annotated[bool, typer.Option("--all", help="Also what is done or dropped.")] = False,
) -> None:
    """List the tasks of a board: what is claimed, ready and blocked.

    Example: turnlog tasks list --project shop
    """
    told = await board.it.board()
    found = [task for task in told.tasks.values() if all_ or not task.is_over]
    if board.as_json:
        for task in found:
            write_json(_document(told, task))
    elif found:
        table(_HEADINGS, [_row(told, task) for task in found], elastic=("SUBJECT",))
    else:
        note("there is nothing to do" if told.tasks else "the board is empty; `turnlog tasks add` fills it")


@with_owned(_found)
async def add(
    board: "Owned[Tasks]",
    subject: Annotated[str, typer.Argument(metavar="SUBJECT", help="What is to be done, in one line.")],
    description: Annotated[str, typer.Option("--description", metavar="TEXT", help="What else one has to know.")] = "",
    after: After = None,
) -> None:
    """Add a task, and say what has to be done first.

    Example: turnlog tasks add "Ship it" --after task-1 --project shop
    """
    await _tell(board, await board.it.add(subject, description, blocked_by=after or ()))


@with_owned(_found)
async def claim(
    board: "Owned[Tasks]",
    task: Annotated[
        str | None, typer.Argument(metavar="[TASK]", help="The task; without it the oldest ready one.")
    ] = None,
    holder: Annotated[
        str | None,
        typer.Option("--for", metavar="ID", autocompletion=session_ids, help="Claim it for this session, not for you."),
    ] = None,
) -> None:
    """Claim a task, so that nobody else works on it.

    Example: turnlog tasks claim task-2 --project shop
    """
    claimant = None if holder is None else await board.log.find_session(holder)
    await _tell(board, await board.it.claim(task, session_id=claimant))


@with_owned(_found)
async def release(board: "Owned[Tasks]", task: TaskId, reason: Reason = "") -> None:
    """Give a task back that is not done, whoever has it.

    Example: turnlog tasks release task-2 --reason "it hangs" --project shop
    """
    await _tell(board, await board.it.release(task, reason))


@with_owned(_found)
async def done(board: "Owned[Tasks]", task: TaskId, told: Note = "") -> None:
    """Say that a task is done.

    Example: turnlog tasks done task-2 --note "in 2.1" --project shop
    """
    await _tell(board, await board.it.complete(task, told))


@with_owned(_found)
async def reopen(board: "Owned[Tasks]", task: TaskId, reason: Reason = "") -> None:
    """Have a task done again; what waits for it waits again.

    Example: turnlog tasks reopen task-2 --reason "it broke" --project shop
    """
    await _tell(board, await board.it.reopen(task, reason))


@with_owned(_found)
async def drop(board: "Owned[Tasks]", task: TaskId, reason: Reason = "") -> None:
    """Say that a task is not to be done.

    Example: turnlog tasks drop task-2 --reason "nobody wants it" --project shop
    """
    await _tell(board, await board.it.drop(task, reason))


@with_owned(_found)
async def change(
    board: "Owned[Tasks]",
    task: TaskId,
    subject: Annotated[str | None, typer.Option("--subject", metavar="TEXT", help="Another subject.")] = None,
    description: Annotated[
        str | None, typer.Option("--description", metavar="TEXT", help="Another description.")
    ] = None,
    after: After = None,
    no_after: Annotated[bool, typer.Option("--after-nothing", help="It waits for nothing any more.")] = False,
) -> None:
    """Change what a task says, or waits for.

    Example: turnlog tasks change task-2 --after task-1 --project shop
    """
    blocked_by = [] if no_after else after
    await _tell(board, await board.it.change(task, subject=subject, description=description, blocked_by=blocked_by))


async def _tell(board: "Owned[Tasks]", task: "BoardTask") -> None:
    from turnlog.projections import one_line

    now = await board.it.board()
    if board.as_json:
        write_json(_document(now, task))
    else:
        write(f"{task.task_id}  {now.readiness(task)}  {one_line(task.subject)}")


def _document(board: "TaskBoard", task: "BoardTask") -> dict[str, Any]:
    from .records import plain

    found: dict[str, Any] = plain(task)
    return {**found, "readiness": board.readiness(task), "waits_for": list(board.blockers(task))}


def _row(board: "TaskBoard", task: "BoardTask") -> tuple[str, ...]:
    from turnlog.projections import one_line

    from .text import safe_line

    holder = "" if task.holder is None else safe_line(task.holder)
    return task.task_id, board.readiness(task), one_line(task.subject), ", ".join(board.blockers(task)), holder

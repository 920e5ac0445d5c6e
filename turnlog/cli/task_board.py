"""tasks: what is to be done in a project, in which order, and who is at it."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .opening import session_ids, with_log
from .options import DEFAULT_DATABASE, Database, Json, Reason
from .output import note, table, write, write_json
from .owners import OfSession, Owner, Project, owner

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


def list_(
    all_: Annotated[bool, typer.Option("--all", help="Also what is done or dropped.")] = False,
    project: Project = None,
    session: OfSession = None,
    as_json: Json = False,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """List the tasks of a board: what is claimed, ready and blocked.

    Example: turnlog tasks list --project shop
    """
    whose = owner(project, session)

    async def work(log: "Turnlog") -> None:
        board = await (await _tasks(log, whose)).board()
        found = [task for task in board.tasks.values() if all_ or not task.is_over]
        if as_json:
            for task in found:
                write_json(_document(board, task))
        elif found:
            table(_HEADINGS, [_row(board, task) for task in found], elastic=("SUBJECT",))
        else:
            note("there is nothing to do" if board.tasks else "the board is empty; `turnlog tasks add` fills it")

    with_log(database, work)


def add(  # noqa: PLR0913 - the options of a command
    subject: Annotated[str, typer.Argument(metavar="SUBJECT", help="What is to be done, in one line.")],
    description: Annotated[str, typer.Option("--description", metavar="TEXT", help="What else one has to know.")] = "",
    after: After = None,
    project: Project = None,
    session: OfSession = None,
    as_json: Json = False,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Add a task, and say what has to be done first.

    Example: turnlog tasks add "Ship it" --after task-1 --project shop
    """
    _do(
        owner(project, session),
        database,
        as_json,
        lambda tasks: tasks.add(subject, description, blocked_by=after or ()),
    )


def claim(
    task: Annotated[
        str | None, typer.Argument(metavar="[TASK]", help="The task; without it the oldest ready one.")
    ] = None,
    holder: Annotated[
        str | None,
        typer.Option("--for", metavar="ID", autocompletion=session_ids, help="Claim it for this session, not for you."),
    ] = None,
    project: Project = None,
    session: OfSession = None,
    as_json: Json = False,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Claim a task, so that nobody else works on it.

    Example: turnlog tasks claim task-2 --project shop
    """
    whose = owner(project, session)

    async def work(log: "Turnlog") -> None:
        tasks = await _tasks(log, whose)
        claimant = None if holder is None else await log.find_session(holder)
        await _tell(tasks, await tasks.claim(task, session_id=claimant), as_json=as_json)

    with_log(database, work)


def release(
    task: TaskId,
    reason: Reason = "",
    project: Project = None,
    session: OfSession = None,
    as_json: Json = False,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Give a task back that is not done, whoever has it.

    Example: turnlog tasks release task-2 --reason "it hangs" --project shop
    """
    _do(owner(project, session), database, as_json, lambda tasks: tasks.release(task, reason))


def done(
    task: TaskId,
    told: Note = "",
    project: Project = None,
    session: OfSession = None,
    as_json: Json = False,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Say that a task is done.

    Example: turnlog tasks done task-2 --note "in 2.1" --project shop
    """
    _do(owner(project, session), database, as_json, lambda tasks: tasks.complete(task, told))


def reopen(
    task: TaskId,
    reason: Reason = "",
    project: Project = None,
    session: OfSession = None,
    as_json: Json = False,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Have a task done again; what waits for it waits again.

    Example: turnlog tasks reopen task-2 --reason "it broke" --project shop
    """
    _do(owner(project, session), database, as_json, lambda tasks: tasks.reopen(task, reason))


def drop(
    task: TaskId,
    reason: Reason = "",
    project: Project = None,
    session: OfSession = None,
    as_json: Json = False,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Say that a task is not to be done.

    Example: turnlog tasks drop task-2 --reason "nobody wants it" --project shop
    """
    _do(owner(project, session), database, as_json, lambda tasks: tasks.drop(task, reason))


def change(  # noqa: PLR0913 - the options of a command
    task: TaskId,
    subject: Annotated[str | None, typer.Option("--subject", metavar="TEXT", help="Another subject.")] = None,
    description: Annotated[
        str | None, typer.Option("--description", metavar="TEXT", help="Another description.")
    ] = None,
    after: After = None,
    no_after: Annotated[bool, typer.Option("--after-nothing", help="It waits for nothing any more.")] = False,
    project: Project = None,
    session: OfSession = None,
    as_json: Json = False,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Change what a task says, or waits for.

    Example: turnlog tasks change task-2 --after task-1 --project shop
    """
    blocked_by = [] if no_after else after
    _do(
        owner(project, session),
        database,
        as_json,
        lambda tasks: tasks.change(task, subject=subject, description=description, blocked_by=blocked_by),
    )


def _do(whose: Owner, database: str, as_json: bool, command: "Callable[[Tasks], Awaitable[BoardTask]]") -> None:
    async def work(log: "Turnlog") -> None:
        tasks = await _tasks(log, whose)
        await _tell(tasks, await command(tasks), as_json=as_json)

    with_log(database, work)


async def _tasks(log: "Turnlog", whose: Owner) -> "Tasks":
    handle = await whose.handle(log)
    return log.tasks(whose.project) if handle is None else await handle.tasks()


async def _tell(tasks: "Tasks", task: "BoardTask", *, as_json: bool) -> None:
    from turnlog.projections import one_line

    board = await tasks.board()
    if as_json:
        write_json(_document(board, task))
    else:
        write(f"{task.task_id}  {board.readiness(task)}  {one_line(task.subject)}")


def _document(board: "TaskBoard", task: "BoardTask") -> dict[str, Any]:
    from .records import plain

    found: dict[str, Any] = plain(task)
    return {**found, "readiness": board.readiness(task), "waits_for": list(board.blockers(task))}


def _row(board: "TaskBoard", task: "BoardTask") -> tuple[str, ...]:
    from turnlog.projections import one_line

    from .text import safe_line

    holder = "" if task.holder is None else safe_line(task.holder)
    return task.task_id, board.readiness(task), one_line(task.subject), ", ".join(board.blockers(task)), holder

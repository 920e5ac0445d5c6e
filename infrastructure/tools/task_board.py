"""The task board's tools: what is to be done in this project, in which order, and who is at it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Final, Literal

from pydantic import Field, JsonValue

from turnlog.domain import (
    READINESS,
    BoardAccess,
    BoardTask,
    Event,
    InvalidInput,
    Stamp,
    TaskBoard,
    Tool,
    ToolContext,
    ToolOutput,
    ToolSpec,
    commands,
)

from .function import tool

_OVER_LISTED: Final = 20
_MOST_TEXT: Final = 8_000

Subject = Annotated[str, Field(max_length=commands.tasks.MOST_SUBJECT, description="What is to be done, in one line.")]
Description = Annotated[str, Field(max_length=_MOST_TEXT, description="What else one has to know to do it.")]
After = Annotated[list[str], Field(description='Ids of tasks that have to be done first: ["task-1"].')]
TaskId = Annotated[str, Field(description="Which task: its id, such as task-3.")]
Outcome = Literal["done", "release", "reopen", "drop"]
Wording = commands.tasks.Wording
_DID: Mapping[Outcome, str] = {"done": "completed", "release": "released", "reopen": "reopened", "drop": "dropped"}


class _BoardTool:
    """A tool of the board: it changes the log and nothing else, so nobody has to be asked."""

    within_log = True

    def __init__(self, made: Tool) -> None:
        self._made = made

    @property
    def spec(self) -> ToolSpec:
        """Name, description, schema and effect class."""
        return self._made.spec

    def show(self, arguments: Mapping[str, JsonValue]) -> str:
        """The name and every argument in full."""
        return self._made.show(arguments)

    async def run(self, arguments: Mapping[str, JsonValue], context: ToolContext) -> ToolOutput:
        """Do it."""
        return await self._made.run(arguments, context)


@tool(name="task_list", effect="pure")
async def _list(context: ToolContext, task_id: Annotated[TaskId, Field(default="")] = "") -> ToolOutput:
    """Show the task board of this project: which tasks are claimed, ready, blocked and over. With an id, one in full.

    The board is shared by all agents and people who work on the project.
    """
    access = context.of(BoardAccess)
    board = await access.read()
    if task_id:
        return ToolOutput(("\n".join(await _in_full(access, board, _known(board, task_id))),))
    return ToolOutput(("\n".join(_listed(board, context.session_id)) or "the task board is empty",))


@tool(name="task_add", effect="idempotent")
async def _add(
    subject: Subject,
    context: ToolContext,
    description: Annotated[Description, Field(default="")] = "",
    blocked_by: Annotated[After | None, Field(default=None)] = None,
) -> ToolOutput:
    """Add a task to the board of this project, and name the tasks that have to be done first. Gives its id.

    Use it for work of several steps, or for what another agent is to do. Adding does not claim.
    """
    access = context.of(BoardAccess)
    kept = await access.keep(description) if description else None
    told = context.redact(subject)
    board = await access.decide(
        lambda board, by: commands.tasks.add(board, by, Wording(told, kept, blocked_by), access.origin)
    )
    return _answer(board, commands.tasks.added_by(board, access.origin), "added")


@tool(name="task_claim", effect="idempotent")
async def _claim(context: ToolContext, task_id: Annotated[TaskId, Field(default="")] = "") -> ToolOutput:
    """Claim a task before you work on it, so that nobody else does. Without an id: the oldest that is ready.

    What is blocked, over or claimed by another session cannot be claimed.
    """
    access = context.of(BoardAccess)
    board = await access.decide(lambda board, by: commands.tasks.claim(board, by, task_id or None, access.origin))
    return _answer(board, commands.tasks.claimed_by(board, access.origin) or board.tasks.get(task_id), "claimed")


@tool(name="task_update", effect="idempotent")
async def _update(  # noqa: PLR0913 - named, and none changes what another means
    task_id: TaskId,
    context: ToolContext,
    outcome: Annotated[
        Outcome | None,
        Field(
            default=None,
            description="done: it is done; release: give it back; reopen: it was done and has to be done again; "
            "drop: it is not to be done.",
        ),
    ] = None,
    note: Annotated[str, Field(default="", max_length=_MOST_TEXT, description="What came of it, or why.")] = "",
    subject: Annotated[Subject | None, Field(default=None)] = None,
    description: Annotated[Description | None, Field(default=None)] = None,
    blocked_by: Annotated[After | None, Field(default=None)] = None,
) -> ToolOutput:
    """Say what became of a task, with a note on its result, or change what it says or waits for. One or the other."""
    access = context.of(BoardAccess)
    changes = (subject, description, blocked_by) != (None, None, None)
    if changes == (outcome is not None):
        raise InvalidInput("give either an outcome, or what is to change")
    if changes and note:
        raise InvalidInput("a note goes with an outcome; leave it out, or put it into the description")
    if outcome is not None:
        decision = await _concluding(access, task_id, outcome, context.redact(note))
        board = await access.decide(decision)
        return _answer(board, board.tasks[task_id], _DID[outcome])
    wording = Wording(
        None if subject is None else context.redact(subject),
        None if description is None else await access.keep(description),
        blocked_by,
    )
    board = await access.decide(lambda board, by: commands.tasks.change(board, by, task_id, wording, access.origin))
    return _answer(board, board.tasks[task_id], "changed")


async def _concluding(
    access: BoardAccess, task_id: str, outcome: Outcome, note: str
) -> Callable[[TaskBoard, Stamp], Sequence[Event]]:
    origin = access.origin
    match outcome:
        case "done":
            result = await access.keep(note) if note else None
            return lambda board, by: commands.tasks.complete(board, by, task_id, result, origin)
        case "release":
            return lambda board, by: commands.tasks.release(board, by, task_id, note, origin)
        case "reopen":
            return lambda board, by: commands.tasks.reopen(board, by, task_id, note, origin)
        case "drop":
            return lambda board, by: commands.tasks.drop(board, by, task_id, note, origin)


def _answer(board: TaskBoard, task: BoardTask | None, change: str) -> ToolOutput:
    """What the model is told; the details say which task changed, for whoever compares two moments of the session."""
    if task is None:
        raise InvalidInput("the task was taken away meanwhile; look at task_list")
    ready = [each.task_id for each in board.ready()]
    told = f"{change} {_line(board, task)}\nready now: {', '.join(ready[:_OVER_LISTED]) or 'none'}"
    details: dict[str, JsonValue] = {"task_id": task.task_id, "task_change": change, "subject": task.subject}
    return ToolOutput((told,), details=details)


def _listed(board: TaskBoard, session_id: str) -> list[str]:
    lines: list[str] = []
    for readiness in READINESS:
        found = [task for task in board.tasks.values() if board.readiness(task) == readiness]
        if not found:
            continue
        is_over = readiness in ("completed", "dropped")
        shown = found[-_OVER_LISTED:] if is_over else found
        lines.append(f"{readiness}:")
        if len(found) > len(shown):
            lines.append(f"  and {len(found) - len(shown):,} earlier ones")
        lines += [f"  {_line(board, task, session_id)}" for task in shown]
    return lines


def _line(board: TaskBoard, task: BoardTask, session_id: str = "") -> str:
    blockers = board.blockers(task)
    waits = f"  (after {', '.join(blockers)})" if blockers else ""
    holder = "" if task.holder is None else f"  by {'this session' if task.holder == session_id else task.holder}"
    return f"{task.task_id}  {task.subject}{waits}{holder}"


async def _in_full(access: BoardAccess, board: TaskBoard, task: BoardTask) -> list[str]:
    lines = [f"{_line(board, task)}  [{board.readiness(task)}]"]
    if task.description is not None:
        lines.append(await access.text(task.description))
    if task.result is not None:
        lines.append(f"result: {await access.text(task.result)}")
    if task.reason:
        lines.append(f"reason: {task.reason}")
    if dependents := board.dependents(task.task_id):
        lines.append(f"waiting for it: {', '.join(dependents)}")
    return lines


def _known(board: TaskBoard, task_id: str) -> BoardTask:
    task = board.tasks.get(task_id)
    if task is None:
        raise InvalidInput(f"there is no task {task_id!a}; task_list without an id shows those there are")
    return task


task_list, task_add = _BoardTool(_list), _BoardTool(_add)
task_claim, task_update = _BoardTool(_claim), _BoardTool(_update)

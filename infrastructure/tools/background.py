"""The background tools: starting a program that goes on when its call has returned, and looking after it."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Annotated, Final

from pydantic import Field, JsonValue

from turnlog.domain import (
    BackgroundTask,
    BackgroundTasks,
    CommandRefused,
    Stream,
    StreamSoFar,
    TaskToStart,
    ToolContext,
    ToolOutput,
    text_of,
)
from turnlog.projections import how_it_stands, one_line, quoted

from .background_programs import start_program
from .confining import require_commands
from .function import tool
from .shell_surroundings import shell_surroundings

MOST_SECONDS: Final = 24 * 60 * 60
_MOST_WAIT: Final = 600
_LISTED: Final = 20
_LAST_LINES: Final = 20
_SHOWN: Final = 160

Argv = Annotated[
    list[str],
    Field(min_length=1, description='The program and its arguments, one string each: ["npm", "run", "dev"].'),
]
WorkingDirectory = Annotated[str, Field(description="Directory to run in, relative to the workspace.")]
RunSeconds = Annotated[float, Field(gt=0, le=MOST_SECONDS, description="Seconds until it is stopped.")]
WaitSeconds = Annotated[float, Field(gt=0, le=_MOST_WAIT, description="Most seconds to wait.")]
TaskId = Annotated[str, Field(description="Which task: the id that background_run gave, such as bg-1.")]
Line = Annotated[int, Field(ge=1, le=2**53 - 1, description="The line to begin with, counted from 1.")]


@tool(effect="external", timeout=60, surroundings=shell_surroundings, executes=True)
async def background_run(
    argv: Argv, context: ToolContext, cwd: WorkingDirectory = ".", timeout_s: RunSeconds = 3600
) -> ToolOutput:
    """Start one program in the background and return at once, with the id of its task.

    Use it for what takes long or does not end by itself, such as a server, and shell for anything else. No shell
    interprets the arguments. Standard input is empty and the environment is minimal. The task goes on when the turn
    ends, until it ends by itself, its time is up, it is stopped or the session is closed. You are told when it is over.
    """
    require_commands(context.bounds)
    wanted = TaskToStart("background_run", " ".join(map(quoted, argv)), timeout_s, context.bounds.sandbox)
    launch = partial(start_program, tuple(argv), cwd, context)
    task_id = await context.of(BackgroundTasks).start(wanted, launch)
    return ToolOutput(
        (f"started background task {task_id}; background_check shows how it stands",), details={"task_id": task_id}
    )


@tool(effect="pure")
async def background_check(context: ToolContext, task_id: Annotated[TaskId, Field(default="")] = "") -> ToolOutput:
    """Show how background tasks of this session stand, without waiting: one with its last lines, or all of them."""
    tasks = context.of(BackgroundTasks)
    if task_id:
        return await _report(tasks, await tasks.wait(task_id, 0))
    found = await tasks.list()
    running = [task for task in found if task.state == "running"]
    over = [task for task in found if task.state != "running"]
    lines = [_heading(task) for task in (*running, *over[-_LISTED:])]
    left_out = len(over) - _LISTED
    more = [f"and {left_out:,} earlier ones that are over"] if left_out > 0 else []
    return ToolOutput(("\n".join((*lines, *more)) or "there are no background tasks in this session",))


@tool(effect="pure", timeout=_MOST_WAIT + 30)
async def background_wait(task_id: TaskId, context: ToolContext, seconds: WaitSeconds = 60) -> ToolOutput:
    """Wait until a background task is over, or so many seconds have passed, and show how it stands."""
    tasks = context.of(BackgroundTasks)
    return await _report(tasks, await tasks.wait(task_id, min(seconds, context.bounds.seconds)))


@tool(effect="idempotent", timeout=60)
async def background_stop(task_id: TaskId, context: ToolContext) -> ToolOutput:
    """Stop a background task with everything it started, and show how it ended."""
    tasks = context.of(BackgroundTasks)
    task = await tasks.stop(task_id)
    if task.state == "running":
        raise CommandRefused(f"{task_id} was told to stop and still runs; check it again, or ask a person")
    return await _report(tasks, task)


@tool(effect="pure")
async def background_output(
    task_id: TaskId, context: ToolContext, stream: Stream = "stdout", offset: Line = 1
) -> ToolOutput:
    """Show what a background task has written so far to standard output or standard error, from a line on.

    Of very long output the middle is not kept; where it was, one line says so.
    """
    tasks = context.of(BackgroundTasks)
    task = await tasks.wait(task_id, 0)
    kept = await tasks.output(task_id, stream)
    lines = _lines_of(kept.text)
    until = f"; it is {how_it_stands(task)}" if task.state == "running" else ""
    said = f"[{stream} of {task_id}: {_extent(offset, len(lines))}, {kept.size:,} bytes in all{until}]"
    return ToolOutput(("\n".join((said, *lines[offset - 1 :])),), details={"task_id": task_id})


def _lines_of(text: str) -> list[str]:
    """Lines end with a line feed and nothing else."""
    return text.removesuffix("\n").split("\n") if text else []


def _extent(offset: int, count: int) -> str:
    return f"lines {offset:,} to {count:,}" if offset <= count else f"no line {offset:,}; it has {count:,}"


async def _report(tasks: BackgroundTasks, task: BackgroundTask) -> ToolOutput:
    """How a task stands, and the last lines of its streams."""
    stdout = await tasks.output(task.task_id, "stdout")
    stderr = await tasks.output(task.task_id, "stderr")
    lines = [_heading(task), *_end_of("stdout", stdout), *_end_of("stderr", stderr)]
    return ToolOutput(("\n".join(lines),), details=_details(task))


def _heading(task: BackgroundTask) -> str:
    since = f"{task.started_at:%Y-%m-%d %H:%M:%S} UTC"
    return f"{task.task_id}  {how_it_stands(task)}  started {since}  {one_line(text_of(task.command), _SHOWN)}"


def _end_of(name: Stream, stream: StreamSoFar) -> Iterator[str]:
    if not stream.size:
        return
    lines = _lines_of(stream.text)
    left_out = max(len(lines) - _LAST_LINES, 0)
    earlier = f", after {left_out:,} earlier ones that background_output shows" if left_out else ""
    yield f"--- {name}: {stream.size:,} bytes, last lines{earlier}"
    yield from lines[left_out:]


def _details(task: BackgroundTask) -> Mapping[str, JsonValue]:
    return {
        "task_id": task.task_id,
        "state": task.state,
        "exit_status": task.exit_status,
        "signal": task.signal,
        "duration_ms": task.duration_ms,
    }

"""The `shell` tool: one program with its arguments, executed as given, with no shell in between."""

import os
import signal
from collections.abc import Iterator
from typing import Annotated, Final

from pydantic import Field, JsonValue

from turnlog.domain import InvalidInput, ToolContext, ToolOutput
from turnlog.projections import quoted

from .capture import Capture
from .function import tool
from .launching import check_text, clean_environment, find_program
from .paths import Place, place, working_directory
from .processes import Command, Ended, run_group
from .shell_surroundings import shell_surroundings

_MOST_SECONDS: Final = 600

Argv = Annotated[
    list[str],
    Field(min_length=1, description='The program and its arguments, one string each: ["git", "log", "-1"].'),
]
WorkingDirectory = Annotated[str, Field(description="Directory to run in, relative to the workspace.")]
Seconds = Annotated[float, Field(gt=0, le=_MOST_SECONDS, description="Seconds until it is killed.")]


@tool(effect="external", timeout=_MOST_SECONDS + 30, surroundings=shell_surroundings)
async def shell(argv: Argv, context: ToolContext, cwd: WorkingDirectory = ".", timeout_s: Seconds = 60) -> ToolOutput:
    """Run one program with its arguments and return its exit status, standard output and standard error.

    No shell interprets the arguments: no pipes, redirections, globs, variables or `&&`. Standard input is empty and
    the environment is minimal. Of long output only the beginning and the end are returned. When the program
    ends, everything it started in the background is ended too.
    """
    where = place(context.workspace, cwd)
    check_text(argv)
    environment = clean_environment(os.environ)
    with working_directory(where) as directory:
        program = find_program(argv[0], where, environment["PATH"])
        try:
            ended = await run_group(Command(program, argv, directory, environment, timeout_s))
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else str(error)
            raise InvalidInput(f"{quoted(argv[0])} could not be started: {reason}") from error
    return _report(ended, program, where, timeout_s)


def _report(ended: Ended, program: str, where: Place, timeout: float) -> ToolOutput:
    details: dict[str, JsonValue] = {
        "program": program,
        "cwd": where.relative,
        "exit_status": ended.status,
        "duration_s": round(ended.seconds, 3),
        "timed_out": ended.timed_out,
        "stdout": ended.stdout.summary(),
        "stderr": ended.stderr.summary(),
    }
    lines = [_outcome(ended, timeout), *_stream("stdout", ended.stdout), *_stream("stderr", ended.stderr)]
    return ToolOutput(("\n".join(lines),), is_error=ended.timed_out or ended.status != 0, details=details)


def _outcome(ended: Ended, timeout: float) -> str:
    took = f"{ended.seconds:.2f} s"
    if ended.timed_out:
        return f"did not finish within {timeout:g} s and was killed with everything it started ({took})"
    if ended.status is not None and ended.status < 0:
        return f"killed by {_signal_name(-ended.status)} after {took}"
    return f"exit status {ended.status} after {took}"


def _signal_name(number: int) -> str:
    known = {int(each): each.name for each in signal.Signals}
    return known.get(number, f"signal {number}")


def _stream(name: str, capture: Capture) -> Iterator[str]:
    if capture.size:
        yield f"--- {name}"
        yield capture.text().removesuffix("\n")

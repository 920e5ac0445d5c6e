"""The `shell` tool: one program with its arguments, executed as given, with no shell in between."""

import os
import shutil
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field, JsonValue

from turnlog.domain import InvalidInput, NotFound, ToolContext, ToolOutput

from .capture import Capture
from .function import tool
from .paths import Place, place, working_directory
from .processes import Command, Ended, run_group
from .render import quoted

_INHERITED: Final = ("HOME", "LANG", "LC_ALL", "TMPDIR")
_MOST_SECONDS: Final = 600

Argv = Annotated[
    list[str],
    Field(min_length=1, description='The program and its arguments, one string each: ["git", "log", "-1"].'),
]
WorkingDirectory = Annotated[str, Field(description="Directory to run in, relative to the workspace.")]
Seconds = Annotated[float, Field(gt=0, le=_MOST_SECONDS, description="Seconds until it is killed.")]


@tool(effect="external", timeout=_MOST_SECONDS + 30)
async def shell(argv: Argv, context: ToolContext, cwd: WorkingDirectory = ".", timeout_s: Seconds = 60) -> ToolOutput:
    """Run one program with its arguments and return its exit status, standard output and standard error.

    No shell interprets the arguments: no pipes, redirections, globs, variables or `&&`. Standard input is empty and
    the environment is minimal. Of long output only the beginning and the end are returned. When the program
    ends, everything it started in the background is ended too.
    """
    where = place(context, cwd)
    _check_text(argv)
    environment = clean_environment(os.environ)
    with working_directory(where) as directory:
        program = _find_program(argv[0], where, environment["PATH"])
        try:
            ended = await run_group(Command(program, argv, directory, environment, timeout_s))
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else str(error)
            raise InvalidInput(f"{quoted(argv[0])} could not be started: {reason}") from error
    return _report(ended, program, where, timeout_s)


def clean_environment(inherited: Mapping[str, str]) -> dict[str, str]:
    """The environment of a program: a search path of absolute directories, home, language, and a dumb terminal."""
    # A relative entry would let a file in the workspace pass for a program of the system.
    search = [entry for entry in inherited.get("PATH", os.defpath).split(os.pathsep) if Path(entry).is_absolute()]
    kept = {name: inherited[name] for name in _INHERITED if name in inherited}
    return {**kept, "PATH": os.pathsep.join(search), "TERM": "dumb"}


def _check_text(argv: list[str]) -> None:
    for number, argument in enumerate(argv):
        if "\0" in argument:
            raise InvalidInput(f"argv[{number}] contains U+0000, which no program can be given")
        try:
            argument.encode()
        except UnicodeEncodeError as error:
            raise InvalidInput(f"argv[{number}] contains a lone surrogate, which is not text") from error


def _find_program(name: str, where: Place, search: str) -> str:
    """The absolute path of a program: with a slash from the working directory, else on the search path."""
    if "/" not in name:
        found = shutil.which(name, path=search) if name else None
        if found is None:
            raise NotFound(f"program {quoted(name)} was not found on the search path")
        return found
    program = Path(where.root, *where.parts, name)
    if not program.exists():
        raise NotFound(f"program {quoted(name)} does not exist")
    if not (program.is_file() and os.access(program, os.X_OK)):
        raise InvalidInput(f"{quoted(name)} is not an executable file")
    return str(program)


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

"""The `shell_script` tool: a text for bash, which nobody but bash can read for certain."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field, JsonValue

from turnlog.domain import Bounds, NotFound, Surroundings, ToolContext, ToolOutput

from .executing import Request, execute
from .function import tool
from .pipelines import line_of_words
from .shell import MOST_SECONDS, Seconds, WorkingDirectory
from .shell_surroundings import argv_surroundings

_PLACES: Final = ("/bin/bash", "/usr/bin/bash", "/usr/local/bin/bash")
# Privileged, it takes neither files nor functions from its environment (BASH_ENV).
_OPTIONS: Final = ("--noprofile", "--norc", "-p", "-c")

Script = Annotated[str, Field(min_length=1, description="The script, as bash reads it with `-c`.")]


def _surroundings(arguments: Mapping[str, JsonValue], workspace: Path | None, bounds: Bounds) -> Surroundings:
    command = arguments.get("command")
    argv = (_bash(), *_OPTIONS, command) if isinstance(command, str) else ()
    return argv_surroundings(argv, arguments.get("cwd", "."), workspace, bounds)


@tool(effect="external", timeout=MOST_SECONDS + 30, surroundings=_surroundings, executes=True)
async def shell_script(
    command: Script, context: ToolContext, cwd: WorkingDirectory = ".", timeout_s: Seconds = 60
) -> ToolOutput:
    """Run a script with bash and return its exit status, standard output and standard error.

    For what `shell` does not take: globs, variables, loops, redirections to files. It can do anything, so outside a
    sandbox somebody is asked each time; prefer `shell`. Standard input is empty and the environment is minimal.
    """
    program = _bash()
    line = line_of_words((program, *_OPTIONS, command))
    return await execute(Request(line, cwd, timeout_s, lambda _name: program), context)


def _bash() -> str:
    """The bash of the system, never one of the search path. Raises NotFound."""
    found = next((path for path in _PLACES if Path(path).is_file()), None)
    if found is None:
        raise NotFound(f"there is no bash at {', '.join(_PLACES)}; use the tool shell")
    return found

"""The `shell` tool: programs with their arguments, executed as given, with no shell in between."""

from typing import Annotated, Final

from pydantic import Field, JsonValue

from turnlog.domain import InvalidInput, ToolContext, ToolOutput

from .executing import Request, execute
from .function import tool
from .pipelines import Line, line_of_text, line_of_words
from .shell_surroundings import shell_surroundings

MOST_SECONDS: Final = 600


def _optional(schema: dict[str, JsonValue]) -> None:
    """What is not given is left out: `null` would be one more way to say it, and one more thing to show."""
    kinds = schema.pop("anyOf", None)
    schema.pop("default", None)
    given = kinds[0] if isinstance(kinds, list) else None
    schema.update(given if isinstance(given, dict) else {})


Argv = Annotated[
    Annotated[list[str], Field(min_length=1)] | None,
    Field(
        description='One program and its arguments, one string each: ["git", "log", "-1"].',
        json_schema_extra=_optional,
    ),
]
CommandText = Annotated[
    Annotated[str, Field(min_length=1)] | None,
    Field(
        description="Instead of argv: plain commands connected by `&&`, `||`, `;` and `|`, quoted as in bash, with "
        "output redirected to /dev/null or between the streams (`2>&1`). Nothing is expanded.",
        json_schema_extra=_optional,
    ),
]
WorkingDirectory = Annotated[str, Field(description="Directory to run in, relative to the workspace.")]
Seconds = Annotated[float, Field(gt=0, le=MOST_SECONDS, description="Seconds until it is killed.")]


@tool(effect="external", timeout=MOST_SECONDS + 30, surroundings=shell_surroundings, executes=True)
async def shell(
    context: ToolContext,
    argv: Argv = None,
    command: CommandText = None,
    cwd: WorkingDirectory = ".",
    timeout_s: Seconds = 60,
) -> ToolOutput:
    """Run one program, or a line of them, and return the exit status, standard output and standard error.

    Give either argv or command. No shell interprets anything: no globs, variables, substitutions, assignments, loops,
    `cd` or redirections to files. Standard input is empty and the environment is minimal. Of long output only the
    beginning and the end are returned. When the command ends, everything it started in the background is ended too.
    """
    return await execute(Request(_line(argv, command), cwd, timeout_s), context)


def _line(argv: list[str] | None, command: str | None) -> Line:
    if argv is not None and command is None:
        return line_of_words(argv)
    if command is not None and argv is None:
        return line_of_text(command)
    raise InvalidInput("give either argv or command, and not both: what to run has to be said once")

"""Running a line for a tool: on its site, within its bounds, with its output shown as it comes."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from pydantic import JsonValue

from turnlog.domain import ToolContext, ToolOutput

from .children import Command
from .confining import Site, on_site
from .launching import check_text, find_program
from .lines import Limits, run_line
from .paths import place, working_directory
from .pipelines import Line, Simple
from .shell_report import report
from .telling import Telling
from .threads import in_thread

Find = Callable[[str], str]
"""The absolute path of a program from its name. Blocks. Raises NotFound, InvalidInput."""


@dataclass(frozen=True, slots=True)
class Request:
    """A line to run in a directory of the workspace for at most so many seconds.

    `find` finds its programs where the search path does not decide.
    """

    line: Line
    cwd: str
    seconds: float
    find: Find | None = None


async def execute(request: Request, context: ToolContext) -> ToolOutput:
    """Run it and report. Raises CommandRefused, InvalidInput, NotFound when it is not started."""
    where = await in_thread(partial(place, context.workspace, request.cwd))
    for command in request.line.commands:
        check_text(command.argv)
    telling = Telling(context.progress)
    async with on_site(context, where) as site:
        limits = _limits(site, request.seconds)
        read_only = await in_thread(site.watched)
        search = site.environment["PATH"]
        find: Find = request.find or partial(find_program, where=where, search=search)
        with working_directory(where) as directory:
            programs: dict[str, JsonValue] = {}

            def prepare(command: Simple) -> Command:
                program = programs[command.argv[0]] = find(command.argv[0])
                return site.prepared(program, command.argv, directory, limits.seconds)

            try:
                finished = await run_line(request.line, prepare, limits, telling.hear)
            finally:
                telling.close()
        output = report(finished, limits, telling.order, await in_thread(read_only.changed))
    said: dict[str, JsonValue] = {"cwd": where.relative, "sandbox": site.bounds.sandbox, "programs": programs}
    return ToolOutput(output.content, output.is_error, {**said, **output.details})


def _limits(site: Site, seconds: float) -> Limits:
    bounds = site.bounds
    # Of root the kernel does not limit the processes, so they are counted.
    most = bounds.processes if os.geteuid() == 0 else None
    return Limits(min(seconds, bounds.seconds), bounds.output_bytes, most)

"""The `search_files` tool: a process of its own does the work, because a regular expression may never end."""

import json
import os
import stat
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field, JsonValue

from turnlog.domain import Bounds, InvalidInput, ToolContext, ToolOutput

from .function import tool
from .leading import path_surroundings
from .output import NO_OUTPUT
from .paths import Place, directory, parent, require_regular, root_of
from .processes import Command, Ended, run_group
from .reach import reach_of

SEARCH_SECONDS: Final = 20.0
_MOST_MATCHES: Final = 1000
_KEPT: Final = 4 * 1024 * 1024
_HERE: Final = Path(__file__).parent
# A package by another name: the real one would load all of turnlog, for which a search has no use.
_START: Final = (
    "import sys, types; package = types.ModuleType('tools'); package.__path__ = [sys.argv.pop(1)]; "
    "sys.modules['tools'] = package; from tools.search_worker import main; main()"
)
_BAD_PATTERN: Final = 2


@tool(effect="pure", timeout=SEARCH_SECONDS + 20, surroundings=path_surroundings("."))
async def search_files(  # noqa: PLR0913 -- each is an option that a model knows from other search tools
    pattern: Annotated[str, Field(min_length=1, max_length=2000, description="Regular expression (Python's).")],
    context: ToolContext,
    path: Annotated[str, Field(description="Directory or file, relative to the workspace.")] = ".",
    glob: Annotated[
        str | None, Field(max_length=500, description="Only these files: `*.py` by name, `src/**/*.py` by path.")
    ] = None,
    limit: Annotated[int, Field(ge=1, le=_MOST_MATCHES, description="Most matching lines to return.")] = 200,
    ignore_case: Annotated[bool, Field(description="Whether small and capital letters are the same.")] = False,
    context_lines: Annotated[int, Field(ge=0, le=10, description="Lines to show around each match.")] = 0,
    hidden: Annotated[bool, Field(description="Search files and directories whose name begins with a dot.")] = False,
    ignored: Annotated[bool, Field(description="Search what Git ignores.")] = False,
) -> ToolOutput:
    """Search the text files of the workspace line by line; returns `path:line: text` for every line that matches.

    Binary files, symlinks, `.git` and files that hold secrets are passed over; hidden files and those Git ignores too,
    unless asked for.
    """
    where = reach_of(context).to_read(path)
    with root_of(where) as root, _start(where) as (opened, only):
        names = list(where.parts[:-1] if only else where.parts)
        request: dict[str, JsonValue] = {
            "pattern": pattern,
            "glob": glob,
            "limit": limit,
            "ignore_case": ignore_case,
            "context_lines": context_lines,
            "hidden": hidden,
            "ignored": ignored,
            "root": root,
            "directory": opened,
            "names": list[JsonValue](names),
            "only": only,
            "secret": _secret_names(),
            "prefix": f"{where.prefix.rstrip('/')}/" if where.prefix else "",
        }
        command = _command(request, (root, opened), context.bounds)
        return _report(await run_group(command), command.timeout)


def _secret_names() -> str:
    from ..permissions.protected import secret_pattern

    return secret_pattern()


@contextmanager
def _start(where: Place) -> Generator[tuple[int, str | None]]:
    """The directory to search, and the name of the only file if the path is one."""
    if where.parts:
        with parent(where) as (holder, name):
            state = os.stat(name, dir_fd=holder, follow_symlinks=False)
            if not stat.S_ISDIR(state.st_mode):
                require_regular(state, where)
                yield holder, name
                return
    with directory(where) as opened:
        yield opened, None


def _command(request: dict[str, JsonValue], inherited: tuple[int, ...], bounds: Bounds) -> Command:
    if not sys.executable:
        raise InvalidInput("search_files needs a Python interpreter to run, and sys.executable names none")
    argv = [sys.executable, "-I", "-S", "-W", "ignore", "-c", _START, str(_HERE), json.dumps(request)]
    seconds, kept = min(SEARCH_SECONDS, bounds.seconds), min(_KEPT, bounds.output_bytes)
    return Command(sys.executable, argv, "/", {}, seconds, inherited=inherited, kept=kept)


def _report(ended: Ended, seconds: float) -> ToolOutput:
    lines = ended.stdout.text().split("\n")
    if ended.timed_out:
        lines.append(
            f"[stopped after {seconds:g} s, this is not everything: "
            "use a simpler pattern, or narrow it with path or glob]"
        )
        return ToolOutput(("\n".join(lines),), is_error=True, details={"timed_out": True})
    if ended.status == _BAD_PATTERN:
        raise InvalidInput(f"pattern is not a regular expression: {ended.stderr.text()}")
    if ended.status != 0 or not lines:
        raise InvalidInput(f"the search broke off with status {ended.status}: {ended.stderr.text()[-500:]}")
    return ToolOutput(("\n".join([*lines[:-1], *_notes(lines[-1])]) or NO_OUTPUT,))


def _notes(summary: str) -> Iterator[str]:
    result = json.loads(summary)
    if result["more"]:
        yield "[there is more: narrow it with path or glob, or raise limit]"
    if result["skipped"]:
        yield f"[{result['skipped']} files or directories could not be read]"

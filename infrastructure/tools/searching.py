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

from turnlog.domain import InvalidInput, ToolContext, ToolOutput

from .function import tool
from .leading import path_surroundings
from .output import NO_OUTPUT
from .paths import Place, directory, parent, place, require_regular
from .processes import Command, Ended, run_group

SEARCH_SECONDS: Final = 20.0
_MOST_MATCHES: Final = 1000
_KEPT: Final = 4 * 1024 * 1024
_WORKER: Final = Path(__file__).with_name("search_worker.py")
_BAD_PATTERN: Final = 2


@tool(effect="pure", timeout=SEARCH_SECONDS + 20, surroundings=path_surroundings("."))
async def search_files(
    pattern: Annotated[str, Field(min_length=1, max_length=2000, description="Regular expression (Python's).")],
    context: ToolContext,
    path: Annotated[str, Field(description="Directory or file, relative to the workspace.")] = ".",
    glob: Annotated[
        str | None, Field(max_length=500, description="Only these files: `*.py` by name, `src/**/*.py` by path.")
    ] = None,
    limit: Annotated[int, Field(ge=1, le=_MOST_MATCHES, description="Most matching lines to return.")] = 200,
) -> ToolOutput:
    """Search the text files of the workspace line by line; returns `path:line: text` for every line that matches.

    Binary files, `.git` and symlinks are passed over.
    """
    where = place(context.workspace, path)
    with _start(where) as (opened, only):
        request: dict[str, JsonValue] = {
            "pattern": pattern,
            "glob": glob,
            "limit": limit,
            "directory": opened,
            "only": only,
            "prefix": "".join(f"{part}/" for part in (where.parts[:-1] if only else where.parts)),
        }
        return _report(await run_group(_command(request, opened)))


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


def _command(request: dict[str, JsonValue], opened: int) -> Command:
    if not sys.executable:
        raise InvalidInput("search_files needs a Python interpreter to run, and sys.executable names none")
    argv = [sys.executable, "-I", "-S", "-W", "ignore", str(_WORKER), json.dumps(request)]
    return Command(sys.executable, argv, "/", {}, SEARCH_SECONDS, inherited=(opened,), kept=_KEPT)


def _report(ended: Ended) -> ToolOutput:
    lines = ended.stdout.text().split("\n")
    if ended.timed_out:
        lines.append(
            f"[stopped after {SEARCH_SECONDS:g} s, this is not everything: "
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
        yield f"[{result['skipped']} files could not be read]"

"""What surrounds a call of the `shell` tool: directory, environment, program, and the code it is pointed to."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from pydantic import JsonValue

from turnlog.domain import Bounds, InvalidInput, Surroundings

from .code_files import CodeFiles
from .launching import check_text, clean_environment
from .paths import Place, place


def shell_surroundings(arguments: Mapping[str, JsonValue], workspace: Path | None, bounds: Bounds) -> Surroundings:
    """What the call would run in, with and as, at this moment. Executes nothing.

    Of arguments with which nothing can run there is less; the call itself will say why. Raises OSError.
    """
    from ..permissions.surroundings import storable

    environment = clean_environment(os.environ)
    cwd = arguments.get("cwd", ".")
    if workspace is None or not isinstance(cwd, str):
        return Surroundings(env=_storable(environment))
    here = Surroundings(cwd=storable(str(workspace / cwd)), env=_storable(environment))
    try:
        where = place(workspace, cwd)
        argv = _words(arguments.get("argv"))
    except InvalidInput:
        return here
    here = replace(here, cwd_real=storable(str(where.real)))
    return _with_program(here, where, argv, environment["PATH"]) if argv else here


def _words(argv: JsonValue) -> tuple[str, ...]:
    """The words of an argv, none if it is not one. Raises InvalidInput."""
    if not isinstance(argv, list):
        return ()
    words = tuple(word for word in argv if isinstance(word, str))
    check_text(words)
    return words if len(words) == len(argv) else ()


def _with_program(here: Surroundings, where: Place, argv: tuple[str, ...], search: str) -> Surroundings:
    from ..permissions.surroundings import storable

    found = CodeFiles(where, search)
    found.look(argv)
    program = found.programs.pop(argv[0], None)
    return replace(
        here,
        program=None if program is None else storable(program),
        program_id=None if program is None else _identity(program),
        files=_storable(found.contents.files),
        paths=_storable(found.programs),
        unbound=found.unbound,
    )


def _identity(program: str) -> str | None:
    """Device, inode, size and time of change in nanoseconds: what another file in its place would not share."""
    try:
        state = Path(program).stat()
    except FileNotFoundError:  # gone meanwhile
        return None
    return f"{state.st_dev}:{state.st_ino}:{state.st_size}:{state.st_mtime_ns}"


def _storable(texts: Mapping[str, str]) -> dict[str, str]:
    from ..permissions.surroundings import storable

    return {storable(name): storable(text) for name, text in texts.items()}

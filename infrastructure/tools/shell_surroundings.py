"""What surrounds a call that runs programs: directory, environment, level, programs, and the code they read."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pydantic import JsonValue

from turnlog.domain import Bounds, InvalidInput, Surroundings

from .code_files import CodeFiles
from .confining import PRIVATE, program_environment, require_level
from .launching import check_text
from .paths import Place, place
from .pipelines import Line, line_of_text, line_of_words


def shell_surroundings(arguments: Mapping[str, JsonValue], workspace: Path | None, bounds: Bounds) -> Surroundings:
    """What the call would run in, with and as, at this moment. Executes nothing but the probe of the sandbox.

    Of arguments with which nothing can run there is less; the call itself will say why. Raises OSError, and
    CommandRefused where the sandbox level is not there.
    """
    return _surroundings(_line(arguments), arguments.get("cwd", "."), workspace, bounds)


def argv_surroundings(argv: Sequence[str], cwd: JsonValue, workspace: Path | None, bounds: Bounds) -> Surroundings:
    """The same for one program with its arguments; of no words at all there is less."""
    return _surroundings(line_of_words(argv) if argv else None, cwd, workspace, bounds)


def _surroundings(line: Line | None, cwd: JsonValue, workspace: Path | None, bounds: Bounds) -> Surroundings:
    from ..permissions.surroundings import storable

    require_level(bounds)
    environment = _environment(bounds, workspace)
    everywhere = Surroundings(env=_storable(environment), sandbox=bounds.sandbox)
    if workspace is None or not isinstance(cwd, str):
        return everywhere
    here = replace(everywhere, cwd=storable(str(workspace / cwd)))
    try:
        where = place(workspace, cwd)
        for command in () if line is None else line.commands:
            check_text(command.argv)
    except InvalidInput:
        return here
    here = replace(here, cwd_real=storable(str(where.real)))
    return here if line is None else _with_programs(here, where, line, environment["PATH"])


def _environment(bounds: Bounds, workspace: Path | None) -> dict[str, str]:
    """The environment with the names of what is not to be told, or not there yet."""
    temporary = None if bounds.sandbox == "none" else PRIVATE
    secrets = {name: f"(the secret {name})" for name in bounds.secrets}
    return {**program_environment(bounds, workspace or Path("/"), temporary), **secrets}


def _line(arguments: Mapping[str, JsonValue]) -> Line | None:
    argv, command = arguments.get("argv"), arguments.get("command")
    if isinstance(command, str) and argv is None:
        try:
            return line_of_text(command)
        except InvalidInput:
            return None
    words = tuple(word for word in argv if isinstance(word, str)) if isinstance(argv, list) else ()
    is_argv = isinstance(argv, list) and len(words) == len(argv) > 0 and command is None
    return line_of_words(words) if is_argv else None


def _with_programs(here: Surroundings, where: Place, line: Line, search: str) -> Surroundings:
    from ..permissions.surroundings import storable

    found = CodeFiles(where, search)
    for pipeline in line.pipelines:
        for number, command in enumerate(pipeline.commands):
            found.look(command.argv, piped=number > 0)
    names = dict.fromkeys(command.argv[0] for command in line.commands)
    programs = {name: found.programs[name] for name in names if name in found.programs}
    first = programs.get(line.commands[0].argv[0])
    # The first is the program of the call; others are named by their words, as are those that programs run.
    others = {name: path for name, path in found.programs.items() if name != line.commands[0].argv[0]}
    identities = [identity for identity in map(_identity, programs.values()) if identity is not None]
    return replace(
        here,
        program=None if first is None else storable(first),
        program_id=" ".join(identities) or None,
        files=_storable(found.contents.files),
        paths=_storable(others),
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

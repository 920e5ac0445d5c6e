"""What a program is launched with: its words, its environment, and the file that is executed."""

import os
import shutil
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Final

from turnlog.domain import Bounds, InvalidInput, NotFound
from turnlog.projections import quoted

from .paths import Place

_INHERITED: Final = Bounds().environment


def clean_environment(inherited: Mapping[str, str], allowed: Collection[str] = _INHERITED) -> dict[str, str]:
    """The environment of a program: a search path of absolute directories, a dumb terminal, and what is allowed."""
    # A relative entry would let a file in the workspace pass for a program of the system.
    search = [entry for entry in inherited.get("PATH", os.defpath).split(os.pathsep) if Path(entry).is_absolute()]
    kept = {name: inherited[name] for name in allowed if name in inherited}
    return {"TERM": "dumb", **kept, "PATH": os.pathsep.join(search)}


def check_text(argv: Sequence[str]) -> None:
    """Raises InvalidInput for words that no program can be given."""
    for number, argument in enumerate(argv):
        if "\0" in argument:
            raise InvalidInput(f"argv[{number}] contains U+0000, which no program can be given")
        try:
            argument.encode()
        except UnicodeEncodeError as error:
            raise InvalidInput(f"argv[{number}] contains a lone surrogate, which is not text") from error


def find_program(name: str, where: Place, search: str) -> str:
    """The absolute path of a program: with a slash from the working directory, else on the search path.

    Raises NotFound, InvalidInput.
    """
    if "/" not in name:
        found = shutil.which(name, path=search) if name else None
        if found is None:
            raise NotFound(f"program {quoted(name)} was not found on the search path")
        return found
    program = where.real / name
    if not program.exists():
        raise NotFound(f"program {quoted(name)} does not exist")
    if not (program.is_file() and os.access(program, os.X_OK)):
        raise InvalidInput(f"{quoted(name)} is not an executable file")
    return str(program)

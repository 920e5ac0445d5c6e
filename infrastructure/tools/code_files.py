"""Which files decide what a command does: the programs it runs, and the files its interpreters are pointed to.

What such a file loads in turn is not followed; that would take the interpreter.
"""

import os
import stat
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Final

from turnlog.domain import InvalidInput, NotFound

from .contents import Contents
from .launching import find_program
from .operands import Words, pointers
from .paths import Place, kind

_MOST_COMMANDS: Final = 100
_MOST_WORDS: Final = 1000
_FIRST_LINE: Final = 256  # bytes of it that Linux reads


@dataclass(slots=True)
class CodeFiles:
    """What was found from a directory: contents of files, and the real paths of `programs` by the words for them."""

    where: Place
    search: str
    contents: Contents = field(default_factory=Contents)
    programs: dict[str, str] = field(default_factory=dict[str, str])
    _notes: dict[str, None] = field(default_factory=dict[str, None])
    _looked_up: int = 0

    @property
    def unbound(self) -> tuple[str, ...]:
        """What is not bound, a sentence each."""
        return (*self.contents.unbound.values(), *self._notes)

    def look(self, argv: tuple[str, ...], *, piped: bool = False) -> None:
        """Look at a command and at all that it may run, a bounded number of them. Executes nothing.

        One that is `piped` reads what another writes.
        """
        waiting = deque(_commands(argv))
        for number in range(_MOST_COMMANDS):
            if not waiting:
                return
            words = waiting.popleft()
            program = self._program(words[0])
            self._command(words, program, inner=piped or number > 0)
            waiting.extend(_interpreter(program))
        if waiting:
            self._notes[f"of more than {_MOST_COMMANDS} commands, the others are not bound"] = None

    def _program(self, name: str | None) -> str | None:
        """The real path of a program, None where there is none. One in the workspace is read."""
        if name is None:
            return None
        try:
            program = os.path.realpath(find_program(name, self.where, self.search))
        except (NotFound, InvalidInput, OSError):
            return None
        self.programs[name] = program
        if PurePath(program).is_relative_to(self.where.root):
            self.contents.take(program)
        return program

    def _command(self, words: Words, program: str | None, *, inner: bool) -> None:
        names = frozenset(each.rpartition("/")[2] for each in (words[0], program) if each is not None)
        found = pointers(words, names, inner=inner)
        self._notes.update(dict.fromkeys(found.unbound))
        for path in filter(None, found.paths):
            if self._looked_up == _MOST_WORDS:
                self._notes[f"of more than {_MOST_WORDS:,} words that may be paths, the others are not bound"] = None
                return
            self._looked_up += 1
            self._file(path)

    def _file(self, path: str) -> None:
        asked = self.where.real / path
        try:
            mode = asked.stat().st_mode
            real = os.path.realpath(asked)
        except OSError:
            return  # mostly no path at all, but code, a number or a name
        if stat.S_ISREG(mode):
            self.contents.take(real)
        elif real != os.devnull:
            self.contents.refuse(real, f"it is {kind(mode)}")


def _commands(argv: tuple[str, ...]) -> Iterator[Words]:
    """The command itself, then all it may run."""
    from ..permissions import possible_commands

    return (command.words for command in possible_commands(argv).commands)


def _interpreter(program: str | None) -> Iterator[Words]:
    """What the kernel makes of a script: the command in its first line, with the script behind it."""
    line = b"" if program is None else _first_line(program)
    try:
        words = line.decode().split(maxsplit=1)
    except UnicodeDecodeError:
        return iter(())
    return _commands((*words, program)) if words and program else iter(())


def _first_line(program: str) -> bytes:
    """The first line of a script behind its `#!`, empty for anything else."""
    try:
        opened = os.open(program, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        start = os.read(opened, _FIRST_LINE)
    except OSError:
        start = b""
    finally:
        os.close(opened)
    return start[2:].partition(b"\n")[0].strip(b" \t") if start.startswith(b"#!") else b""

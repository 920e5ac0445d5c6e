"""The hard limits of a session, as they hold for the programs it runs: level, places, environment, files, processes."""

import os
import posixpath
import shutil
import tempfile
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Final

from turnlog.domain import Bounds, CommandRefused, ToolContext

from .children import Command
from .launching import clean_environment
from .paths import Place
from .threads import in_thread

if TYPE_CHECKING:
    from ..sandbox import Confinement

_OWN: Final = frozenset({".turnlog", "turnlog.db"})
"""What turnlog itself writes to while a program runs, so that a change of it says nothing about the program."""

PRIVATE: Final = "(a private directory)"
"""How a directory that is made for one call is named before it is there."""


def require_commands(bounds: Bounds) -> None:
    """Raises CommandRefused where programs may not be run."""
    if not bounds.commands:
        raise CommandRefused(
            "the policy of this session does not let tools run programs; "
            "switch it on with Policy(bounds=Bounds(commands=True))"
        )


def require_level(bounds: Bounds) -> None:
    """Raises CommandRefused where programs cannot be confined on this machine as the bounds want it. Blocks.

    What there is on this machine is probed once in a process.
    """
    if bounds.sandbox == "none":
        if not bounds.network:
            raise CommandRefused(
                "the policy of this session allows programs no network, which takes a sandbox; "
                'choose one with Bounds(sandbox="landlock") or "bubblewrap"'
            )
        return
    from ..sandbox import available_levels

    found = available_levels()[bounds.sandbox]
    if not found.available:
        raise CommandRefused(f"sandbox level {bounds.sandbox} is not available here: {found.why}")


def program_environment(bounds: Bounds, workspace: Path, temporary: str | None) -> dict[str, str]:
    """The environment of programs, secrets aside. In a sandbox what is not there for them becomes `temporary`."""
    environment = clean_environment(os.environ, bounds.environment)
    if temporary is None:
        return environment
    roots = [os.path.realpath(root) for root in (str(workspace), *bounds.read_roots, *bounds.write_roots)]
    home = environment.get("HOME")
    # A home that is there and cannot be read is an error to many programs; an empty one is none.
    if home is None or not any(Path(os.path.realpath(home)).is_relative_to(root) for root in roots):
        environment["HOME"] = temporary
    return {**environment, "TMPDIR": temporary}


@dataclass(frozen=True, slots=True)
class Site:
    """Where programs of a call run: within these bounds, with this environment, confined like this. From `on_site`."""

    bounds: Bounds
    environment: Mapping[str, str]
    confinement: "Confinement"

    def prepared(self, program: str, argv: Sequence[str], directory: str, timeout: float) -> Command:
        """The command that runs a program confined. Looks at files. Raises InvalidInput, CommandRefused.

        A program that cannot be confined or executed ends with 125 to 127 and a line on standard error.
        """
        from ..sandbox import GATE, Start, launch

        start = Start(program, argv, self.environment, directory)
        launched = launch(self.bounds.sandbox, self.confinement, start).start
        return Command(
            launched.program,
            launched.argv,
            launched.directory,
            launched.environment,
            min(timeout, self.bounds.seconds),
            launched.inherited,
            self.bounds.output_bytes,
            GATE,
        )

    def watched(self) -> "CarveOuts":
        """The carve-outs that nothing holds, as they are now. Blocks."""
        from ..sandbox import Start, fingerprints, launch

        unheld = launch(self.bounds.sandbox, self.confinement, Start("/", ("/",), {}, "/")).unheld
        before: dict[str, str] = {}
        for path in unheld:
            if Path(path).name not in _OWN:
                with suppress(OSError):  # what cannot be read now cannot be compared
                    before |= fingerprints((path,))
        return CarveOuts(before)


@dataclass(frozen=True, slots=True)
class CarveOuts:
    """What is to stay as it is, and what it was, by path."""

    before: Mapping[str, str]

    def changed(self) -> tuple[str, ...]:
        """Those that are not what they were, or cannot be read any more. Blocks."""
        from ..sandbox import fingerprints

        def differs(path: str) -> bool:
            try:
                return fingerprints((path,))[path] != self.before[path]
            except OSError:
                return True

        return tuple(filter(differs, self.before))


@asynccontextmanager
async def on_site(context: ToolContext, where: Place) -> AsyncGenerator[Site]:
    """The site of a call; what was made for it goes when it is left. Raises CommandRefused, NotFound for a secret."""
    bounds = context.bounds
    require_commands(bounds)
    await in_thread(partial(require_level, bounds))
    secrets = {name: context.secret(name) for name in bounds.secrets}
    async with _temporary(bounds) as temporary:
        environment = {**program_environment(bounds, Path(where.root), temporary), **secrets}
        yield Site(bounds, environment, _confinement(bounds, where.root, temporary))


@asynccontextmanager
async def _temporary(bounds: Bounds) -> AsyncGenerator[str | None]:
    """A directory for one call in a sandbox, where the common one is not there or could be read by others."""
    if bounds.sandbox == "none":
        yield None
        return
    directory = await in_thread(_unused)
    try:
        await in_thread(partial(os.mkdir, directory, 0o700))
        yield directory
    finally:
        await in_thread(partial(_removed, directory))


def _unused() -> str:
    """A name that nobody has or could guess: known before it is made, a directory is removed whatever happens."""
    return str(Path(os.path.realpath(tempfile.gettempdir()), f"turnlog-{token_hex(16)}"))


def _removed(directory: str) -> None:
    shutil.rmtree(directory, ignore_errors=True)


def _confinement(bounds: Bounds, workspace: str, temporary: str | None) -> "Confinement":
    from ..sandbox import SYSTEM_ROOTS, Confinement

    writable = tuple(dict.fromkeys((workspace, *map(_plain, bounds.write_roots))))
    carved = (_plain(posixpath.join(root, path)) for root in writable for path in bounds.read_only)
    return Confinement(
        readable=(*SYSTEM_ROOTS, *map(_plain, bounds.read_roots)),
        writable=writable if temporary is None else (*writable, temporary),
        carve_outs=tuple(dict.fromkeys(carved)),
        # Landlock could only hold them by letting nothing new be made beside them, where most work is done.
        carving="watch" if bounds.sandbox == "landlock" else "hold",
        network="all" if bounds.network else "none",
        most_processes=bounds.processes,
        most_file=bounds.file_bytes,
    )


def _plain(path: str) -> str:
    normal = posixpath.normpath(path)
    return normal[1:] if normal.startswith("//") else normal

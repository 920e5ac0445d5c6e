"""Which levels are there: at each a small program is confined and tries to get out, and what came of it counts."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from types import MappingProxyType
from typing import Final

from turnlog.domain import CommandRefused, TurnlogError

from .bait import Bait, laid_out
from .confinement import SYSTEM_ROOTS, Confinement
from .launching import Start, launch
from .levels import GUARDS, LEVELS, Guard, Level, promised

_CHILD: Final = str(Path(__file__).with_name("probe_child.py").resolve())
_INTERPRETER: Final = tuple(
    os.path.realpath(path) for path in (sys.base_prefix, sys.exec_prefix, str(Path(__file__).parent))
)
_SECONDS: Final = 10.0
_NOTHING: Final = frozenset[Guard]()

_lock = Lock()


@dataclass(frozen=True, slots=True)
class Probed:
    """Whether a level is there, the guards that held when they were tried, and why it is not there ("" if it is)."""

    level: Level
    available: bool
    held: frozenset[Guard]
    why: str = ""


def available_levels() -> Mapping[Level, Probed]:
    """Every level, weakest first, as it was found when this process first asked. Blocks for some tenths of a second."""
    with _lock:  # or several threads would probe at once
        return _probe_all()


def require(level: Level) -> Probed:
    """The level, if it is there. Blocks as `available_levels` does. Raises CommandRefused, saying why it is not."""
    found = available_levels()[level]
    if not found.available:
        there = ", ".join(each.level for each in available_levels().values() if each.available)
        raise CommandRefused(f"sandbox level {level} is not there: {found.why}; require one of {there}")
    return found


def probe(level: Level) -> Probed:
    """Try a level now. At `none` everything is tried too, so that a bait nobody can reach is noticed. Blocks."""
    try:
        with TemporaryDirectory(prefix="turnlog-") as directory, laid_out(Path(os.path.realpath(directory))) as bait:
            fault = _try(level, bait)
            held = frozenset(GUARDS) - bait.taken()
    except (OSError, TurnlogError) as error:
        return Probed(level, False, _NOTHING, str(error))
    missing = sorted(promised(level) - held)
    if missing and not fault:
        fault = f"it does not hold {', '.join(missing)}"
    return Probed(level, not fault, _NOTHING if fault else held, fault)


@cache
def _probe_all() -> Mapping[Level, Probed]:
    return MappingProxyType({level: _probe_here(level) for level in LEVELS})


def _probe_here(level: Level) -> Probed:
    if level == "none":
        return Probed(level, True, _NOTHING)
    if sys.platform != "linux":
        return Probed(level, False, _NOTHING, f"it is made of parts of Linux, and this is {sys.platform}")
    return probe(level)


def _try(level: Level, bait: Bait) -> str:
    """Run the child; why it did not work inside, or ""."""
    interpreter = os.path.realpath(sys.executable)
    confinement = Confinement(
        readable=(*SYSTEM_ROOTS, *_INTERPRETER),
        writable=(str(bait.inside),),
        carve_outs=(str(bait.inside / "carved"),),
    )
    argv = [interpreter, "-I", "-S", _CHILD, *bait.arguments()]
    launched = launch(level, confinement, Start(interpreter, argv, {}, str(bait.inside))).start
    try:
        ended = subprocess.run(
            launched.argv,
            env=dict(launched.environment),
            cwd=launched.directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
            start_new_session=True,
        )
    except subprocess.TimeoutExpired:
        return f"a confined program did not end within {_SECONDS:g} s"
    bait.told.append(ended.stdout.decode(errors="replace"))
    if ended.returncode != 0 or not bait.written_inside():
        said = ended.stderr.decode(errors="replace").strip().splitlines()
        return said[-1] if said else f"a confined program could not work inside (status {ended.returncode})"
    return ""

"""From a level, a confinement and a program to what is to be started in its place."""

import os
import platform
import resource
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from marshal import dumps
from pathlib import Path
from typing import Final

from turnlog.domain import CommandRefused

from .bubblewrap import bubblewrap_options, find_bubblewrap, held
from .confinement import Confinement
from .landlock import abi, landlock_plan
from .launcher import NOT_EXECUTABLE, NOT_FOUND, PREFIX, REFUSED
from .levels import Level
from .places import Places, places
from .plans import BubblewrapPlan, Plan
from .seccomp import seccomp_filter

_LAUNCHER: Final = str(Path(__file__).with_name("launcher.py").resolve())

__all__ = ["NOT_EXECUTABLE", "NOT_FOUND", "REFUSED", "Launch", "Start", "launch"]


@dataclass(frozen=True, slots=True)
class Start:
    """A program (a path), its argv, its whole environment, its working directory, and the descriptors it inherits."""

    program: str
    argv: Sequence[str]
    environment: Mapping[str, str]
    directory: str
    inherited: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Launch:
    """What to start, and the carve-outs that nothing holds at this level: compare them before and after."""

    start: Start
    unheld: tuple[str, ...] = ()


def launch(level: Level, confinement: Confinement, start: Start) -> Launch:
    """What to start so that a program runs confined. Looks at files, starts nothing, and does not probe.

    The environment is to be passed on as it is: it holds the program's own under other names. A program that cannot be
    confined is not started: status `REFUSED` and a line on standard error; one that cannot be executed ends
    with `NOT_EXECUTABLE` or `NOT_FOUND`. Raises InvalidInput, and CommandRefused where the level is not there at all.
    """
    where = places(confinement)
    watched = confinement.carving == "watch"
    holding = Places(where.readable, where.writable, ()) if watched else where
    plan = _plan(level, confinement, holding, start)
    return Launch(_through_launcher(plan, start), _unheld(level, where, holding))


def _plan(level: Level, confinement: Confinement, where: Places, start: Start) -> Plan:
    plan = Plan(
        limits=_limits(confinement),
        processes=confinement.most_processes or 0,
        inherited=list(start.inherited),
        filter=b"",
        landlock=None,
        bubblewrap=None,
    )
    if level == "none":
        return plan
    plan["filter"] = seccomp_filter(confinement.network, platform.machine())
    if level == "landlock":
        version = abi()
        if not version:
            raise CommandRefused("this kernel has no Landlock, or does not allow it; use another sandbox level")
        plan["landlock"] = landlock_plan(where, confinement.network, version)
        return plan
    program = find_bubblewrap()
    if program is None:
        raise CommandRefused("bwrap is not on the search path; install bubblewrap, or use another sandbox level")
    options = bubblewrap_options(where, confinement.network, os.path.realpath(start.directory))
    plan["bubblewrap"] = BubblewrapPlan(program=program, options=options)
    return plan


def _limits(confinement: Confinement) -> list[tuple[int, int]]:
    wanted = ((resource.RLIMIT_AS, confinement.most_memory), (resource.RLIMIT_FSIZE, confinement.most_file))
    return [(kind, most) for kind, most in wanted if most is not None]


def _through_launcher(plan: Plan, start: Start) -> Start:
    # Marshalled, not JSON: reading that takes as long as the interpreter needs to start.
    argv = [sys.executable, "-I", "-S", "-X", "utf8", _LAUNCHER, dumps(dict(plan)).hex(), start.program, *start.argv]
    environment = {PREFIX.decode() + name: value for name, value in start.environment.items()}
    return Start(sys.executable, argv, environment, start.directory, start.inherited)


def _unheld(level: Level, where: Places, holding: Places) -> tuple[str, ...]:
    if level == "none":
        return where.carve_outs
    kept = holding.carve_outs if level == "landlock" else held(holding)
    return tuple(path for path in where.carve_outs if path not in kept)

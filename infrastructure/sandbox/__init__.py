"""Sandbox levels: a program is started so that it confines itself before it runs. Nothing is assumed, all is probed."""

from .bubblewrap import bubblewrap_options, find_bubblewrap
from .confinement import SYSTEM_ROOTS, Confinement, Network
from .landlock import abi, handled, landlock_plan
from .launcher import GATE, grants
from .launching import NOT_EXECUTABLE, NOT_FOUND, REFUSED, Launch, Start, launch
from .levels import GUARDS, LEVELS, PROMISES, Guard, Level, Promise, promised
from .places import Places, Readable, places
from .probing import Probed, available_levels, probe, require
from .seccomp import ARCHITECTURES, Architecture, seccomp_filter
from .watching import changed, fingerprints

__all__ = [
    "ARCHITECTURES",
    "GATE",
    "GUARDS",
    "LEVELS",
    "NOT_EXECUTABLE",
    "NOT_FOUND",
    "PROMISES",
    "REFUSED",
    "SYSTEM_ROOTS",
    "Architecture",
    "Confinement",
    "Guard",
    "Launch",
    "Level",
    "Network",
    "Places",
    "Probed",
    "Promise",
    "Readable",
    "Start",
    "abi",
    "available_levels",
    "bubblewrap_options",
    "changed",
    "find_bubblewrap",
    "fingerprints",
    "grants",
    "handled",
    "landlock_plan",
    "launch",
    "places",
    "probe",
    "promised",
    "require",
    "seccomp_filter",
]
